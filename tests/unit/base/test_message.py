from __future__ import annotations

import pytest

from dogwatch.base.message import LONGEST_QUOTED, count_of, nearest, quoted, shortened


def test_only_what_is_too_long_is_shortened() -> None:
    assert shortened("a" * 10, 10) == "a" * 10
    assert shortened("a" * 11, 10) == "a" * 10 + "…"
    assert quoted("b" * (LONGEST_QUOTED + 1)) == f"`{'b' * LONGEST_QUOTED}…`"


@pytest.mark.parametrize(("number", "expected"), [(0, "0 rules"), (1, "1 rule"), (1234, "1,234 rules")])
def test_a_count_agrees_with_its_noun(number: int, expected: str) -> None:
    assert count_of(number, "rule") == expected


@pytest.mark.parametrize(
    ("word", "likeness", "expected"),
    [
        ("GROUP", 0.6, "groups"),
        ("Thresholdz", 0.6, "thresholds"),
        ("x", 0.6, None),
        ("groups" + "x" * 10_000, 0.6, None),
        ("group", 0.95, None),
    ],
)
def test_the_nearest_word(word: str, likeness: float, expected: str | None) -> None:
    assert nearest(word, ["groups", "thresholds"], likeness) == expected


def test_nothing_is_near_nothing() -> None:
    assert nearest("groups", []) is None
