"""Whatever text comes as a query, it is lowered or refused, and what is printed of it reads back the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campaign import campaign
from hypothesis import given
from query_strategies import damaged_queries, event_queries, sample_queries, sequence_queries, soup

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.detect.search import Search
from dogwatch.languages.eql.parser import parse as parse_eql
from dogwatch.languages.eql.printer import print_query
from dogwatch.languages.fortisiem.parser import parse_aggregate, parse_filter
from dogwatch.languages.fortisiem.printer import format_condition
from dogwatch.languages.kql.parser import parse as parse_kql
from dogwatch.languages.kql.printer import format_query as print_kql
from dogwatch.languages.lucene.parser import parse as parse_lucene
from dogwatch.schema.schema import Schema

NOW = 1_767_225_600_000_000_000
_PRINTED: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "eql": (parse_eql, print_query),
    "kql": (parse_kql, print_kql),
    "fortisiem": (parse_filter, format_condition),
}


def prepared(language: str, query: str) -> Search | None:
    try:
        return Search(language, query, Schema.ecs(), now=NOW)
    except DogwatchError as error:
        assert str(error)  # noqa: PT017 - refusing is as right as answering
        for problem in error.diagnostics:
            assert problem.message
            assert problem.span is None or 0 <= problem.span.start <= problem.span.end <= len(query) + 1
        assert str(error)  # noqa: PT017 - refusing is as right as answering
        return None


def reread(language: str, query: str) -> None:
    parse, write = _PRINTED[language]
    try:
        tree = parse(query)
    except DogwatchError:
        return
    assert parse(write(tree)) == tree


@campaign(60)
@given(event_queries() | sequence_queries() | sample_queries())
def test_valid_queries_can_run(query: tuple[str, str]) -> None:
    assert prepared(*query) is not None


@campaign(200)
@given(damaged_queries() | soup())
def test_any_text_is_lowered_or_refused(query: tuple[str, str]) -> None:
    prepared(*query)


@campaign(200)
@given(damaged_queries() | soup())
def test_what_is_printed_reads_back_the_same(query: tuple[str, str]) -> None:
    language, text = query
    if language in _PRINTED:
        reread(language, text)


@campaign(100)
@given(soup())
def test_parsers_raise_diagnostics_only(query: tuple[str, str]) -> None:
    for parse in (parse_eql, parse_kql, parse_lucene, parse_filter, parse_aggregate):
        try:
            parse(query[1])
        except DogwatchError as error:
            assert str(error)  # noqa: PT017 - refusing is as right as parsing
