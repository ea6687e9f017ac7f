"""The limits of a query's size: at the limit it is read, one beyond it is refused with a hint."""

from __future__ import annotations

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.detect.search import Search
from dogwatch.languages.source import MAX_QUERY_LENGTH, MAX_TOKENS
from dogwatch.schema.schema import Schema

QUERIES = {
    "eql": "any where true",
    "kql": "process.name: a",
    "lucene": "process.name:a",
    "fortisiem": 'procName = "a"',
}


@pytest.mark.parametrize("language", QUERIES)
def test_one_character_too_many(language: str) -> None:
    query = QUERIES[language].ljust(MAX_QUERY_LENGTH)
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
