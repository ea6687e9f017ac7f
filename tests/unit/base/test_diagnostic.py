"""Where a diagnostic points, above all at the ends of a text."""

from __future__ import annotations

import pytest

from dogwatch.base.diagnostic import Diagnostic, Place, Span


def rendered(source: str, start: int, end: int) -> list[str]:
    return Diagnostic("some-code", "it is wrong", source=source, span=Span(start, end)).render().splitlines()[1:]


def test_points_at_the_span() -> None:
    assert rendered("a = b\nc", 2, 3) == ["  line 1, column 3", "     a = b", "       ^"]


@pytest.mark.parametrize("blanks", ["", " ", "\n", "\n\n  ", "\r\n", "\t"])
def test_the_end_of_a_text_is_after_its_last_visible_character(blanks: str) -> None:
    source = f"x where\n  a and{blanks}"
    assert rendered(source, len(source), len(source)) == ["  line 2, column 8", "       a and", "            ^"]


def test_the_end_of_a_long_line_is_shown() -> None:
    source = "x" * 300 + "\n"
    assert rendered(source, 301, 301) == ["  line 1, column 301", "     " + "x" * 100, "     " + " " * 100 + "^"]


@pytest.mark.parametrize("source", ["", " ", "\n\n"])
def test_nothing_is_shown_of_a_blank_text(source: str) -> None:
    assert rendered(source, len(source), len(source)) == ["  line 1, column 1"]


def test_blanks_before_something_visible_are_pointed_at_themselves() -> None:
    assert rendered("a  b", 1, 3) == ["  line 1, column 2", "     a  b", "      ^^"]


def test_in_a_file_the_place_is_that_of_the_excerpt() -> None:
    found = Diagnostic("some-code", "it is wrong", source="a\nb\n\n", span=Span(4, 4))
    assert found.at(Place("rule.toml", 10, 5)).place == Place("rule.toml", 11, 2)
