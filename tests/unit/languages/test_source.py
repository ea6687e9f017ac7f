"""What the text of a query may be: at a limit it is read, one beyond it is refused with a hint."""

from __future__ import annotations

import pytest

import dogwatch
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.detect.search import Search
from dogwatch.languages.source import MAX_QUERY_LENGTH, MAX_TOKENS
from dogwatch.schema.schema import Schema

QUERIES = {
    "eql": 'any where process.name == "{}"',
    "kql": 'process.name: "{}"',
    "lucene": 'process.name:"{}"',
    "fortisiem": "procName = '{}'",
}

WHOLE = {
    "eql": "any where true",
    "kql": "process.name: a",
    "lucene": "process.name:a",
    "fortisiem": 'procName = "a"',
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


@pytest.mark.parametrize("language", WHOLE)
def test_one_character_too_many(language: str) -> None:
    query = WHOLE[language].ljust(MAX_QUERY_LENGTH)
    Search(language, query, Schema.ecs())
    with pytest.raises(DogwatchError) as raised:
        Search(language, query + " ", Schema.ecs())
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "query-too-long"
    assert f"{MAX_QUERY_LENGTH:,} characters" in diagnostic.message
    assert diagnostic.hint


@pytest.mark.parametrize(
    ("language", "start", "each"), [("eql", "any where process.pid in (", "1,"), ("kql", "a: (", "b or ")]
)
def test_too_many_words(language: str, start: str, each: str) -> None:
    with pytest.raises(DogwatchError) as raised:
        Search(language, start + each * (MAX_TOKENS // 2) + each, Schema.ecs())
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "query-too-long"
    assert f"{MAX_TOKENS:,} words" in diagnostic.message


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
