"""The examples of the language pages are run: every value, every event found or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dogwatch
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.languages.eql.functions import FUNCTIONS

DOCS = Path(__file__).resolve().parents[2] / "docs"
LANGUAGES = ("eql", "kql", "lucene", "fortisiem")

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def _pages() -> list[Path]:
    return sorted(page for language in LANGUAGES for page in (DOCS / language).rglob("*.md"))


def _tables(page: Path) -> Iterator[tuple[str, str, Table]]:
    """Each table of a page, with the language and text of the last query before it."""
    language, query, inside = "", "", False
    table: list[tuple[str, ...]] = []
    for line in [*page.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("```"):
            inside = not inside
            if inside:
                language, query = line[3:], ""
        elif inside:
            query += f"{line}\n"
        elif line.startswith("| "):
            cells = line.removeprefix("| ").removesuffix(" |").replace("\\|", "\0").split(" | ")
            table.append(tuple(cell.replace("\0", "|").strip("`") for cell in cells))
        elif table:
            yield language, query, (table[0], table[2:])
            table = []


def _examples(header: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(language, query, row, id=f"{page.relative_to(DOCS)}-{number}")
        for page in _pages()
        for language, query, (names, rows) in _tables(page)
        if names == header
        for number, row in enumerate(rows)
    ]


@pytest.mark.parametrize(("_language", "_query", "row"), _examples(("expression", "value")))
def test_an_expression_has_the_value_that_its_page_gives(
    _language: str, _query: str, row: tuple[str, ...]
) -> None:
    expression, value = row
    if value == "refused":
        with pytest.raises(DogwatchError):
            dogwatch.search("eql", f"any where ({expression}) == null", [{}])
    else:
        assert dogwatch.search("eql", f"any where ({expression}) == {value}", [{}]) != [], expression


@pytest.mark.parametrize(("language", "query", "row"), _examples(("event", "found")))
def test_an_event_is_found_or_not_as_its_page_says(language: str, query: str, row: tuple[str, ...]) -> None:
    event, found = row
    assert language in LANGUAGES
    assert found in ("yes", "no")
    assert bool(dogwatch.search(language, query, [json.loads(event)])) == (found == "yes"), query


@pytest.mark.parametrize(("_language", "_query", "row"), _examples(("filter", "event", "found")))
def test_a_filter_finds_an_event_as_its_page_says(_language: str, _query: str, row: tuple[str, ...]) -> None:
    condition, event, found = row
    assert found in ("yes", "no")
    hits = dogwatch.search("fortisiem", condition, [{"fortisiem": json.loads(event)}])
    assert bool(hits) == (found == "yes"), condition


@pytest.mark.parametrize(("language", "query", "row"), _examples(("events", "found")))
def test_a_stream_of_events_gives_what_its_page_says(language: str, query: str, row: tuple[str, ...]) -> None:
    """Events are written as `id:time:word`, and what is found as their ids, `-` for an absent one."""
    events = [_event(*written.split(":")) for written in row[0].split()]
    hits = dogwatch.search(language, query, events)
    shown = ["+".join("-" if "missing" in each else each["event"]["id"] for each in hit.events) for hit in hits]
    assert shown == ([] if row[1] == "nothing" else row[1].split(" ")), query


def _event(name: str, second: str, word: str, host: str = "h") -> dict[str, object]:
    return {
        "@timestamp": f"2026-01-01T00:00:{int(second):02d}Z",
        "event": {"id": name, "category": "process", "action": word},
        "host": {"id": host},
    }


def test_every_function_has_its_page_and_every_page_its_function() -> None:
    pages = {page.stem for page in (DOCS / "eql" / "functions").glob("*.md")}
    assert pages == {function.name for function in FUNCTIONS.values()}


def test_every_page_shows_something_that_runs() -> None:
    runnable = {("expression", "value"), ("event", "found"), ("events", "found"), ("filter", "event", "found")}
    for page in (DOCS / "eql" / "functions").glob("*.md"):
        assert {names for _, _, (names, _) in _tables(page)} >= {("expression", "value"), ("event", "found")}, page
    for language in LANGUAGES:
        pages = (DOCS / language).glob("*.md")
        assert any(names in runnable for page in pages for _, _, (names, _) in _tables(page)), language
