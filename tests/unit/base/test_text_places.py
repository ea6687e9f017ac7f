"""Where a text occurs in another: every place, overlapping ones too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.text import places_of


@given(st.text("ab", max_size=5), st.text("ab", max_size=30))
def test_every_place_is_found(part: str, whole: str) -> None:
    expected = [at for at in range(len(whole) + 1) if whole.startswith(part, at)]
    assert list(places_of(part, whole)) == expected


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (["a", "b"], ["a", "a", "b", "a", "b"], [1, 3]),
        (["a", "a"], ["a", "a", "a"], [0, 1]),
        (["a"], [], []),
        ([], ["a"], [0, 1]),
        (["ab"], ["a", "b", "ab"], [2]),
    ],
)
def test_words_in_words(part: list[str], whole: list[str], expected: list[int]) -> None:
    assert list(places_of(part, whole)) == expected
