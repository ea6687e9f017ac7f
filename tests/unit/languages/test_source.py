"""What no language takes as the text of a query."""

from __future__ import annotations

import pytest

import dogwatch
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.languages.source import MAX_QUERY_LENGTH

QUERIES = {
    "eql": 'any where process.name == "{}"',
    "kql": 'process.name: "{}"',
    "lucene": 'process.name:"{}"',
    "fortisiem": "procName = '{}'",
}


@pytest.mark.parametrize("language", QUERIES)
@pytest.mark.parametrize("strange", ["\0", "\udcff"])
def test_what_is_no_character_of_a_text_is_refused_at_its_place(language: str, strange: str) -> None:
    query = QUERIES[language].format(f"nc{strange}")
    with pytest.raises(DogwatchError) as refused:
        dogwatch.search(language, query, [])
    (problem,) = refused.value.diagnostics
    assert problem.code == "query-character"
    assert problem.span is not None
    assert query[problem.span.start : problem.span.end] == strange


@pytest.mark.parametrize("language", QUERIES)
def test_other_strange_characters_are_characters(language: str) -> None:
    assert (
        dogwatch.search(language, QUERIES[language].format("\U0001f408\x01"), [{"process": {"name": "nc"}}]) == []
    )


@pytest.mark.parametrize("language", QUERIES)
def test_a_query_without_end_is_refused(language: str) -> None:
    with pytest.raises(DogwatchError, match="query-too-long"):
        dogwatch.search(language, QUERIES[language].format("x" * MAX_QUERY_LENGTH), [])


@pytest.mark.parametrize("language", ["eql", "kql", "lucene"])
@pytest.mark.parametrize("pattern", ["*" * 100_000, "*a" * 5_000])
def test_a_pattern_is_as_long_as_it_is_written(language: str, pattern: str) -> None:
    query = {
        "eql": f'any where process.name : "{pattern}"',
        "kql": f"process.name: {pattern}",
        "lucene": f"process.name:{pattern}",
    }[language]
    with pytest.raises(DogwatchError, match="more than 8,192 characters"):
        dogwatch.search(language, query, [])
