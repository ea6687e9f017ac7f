"""Wildcards: the same answers as the plain matcher, and no text or pattern that stalls."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.engine.kernels.wildcard import compile_patterns
from dogwatch.engine.reference import evaluate
from dogwatch.logic.predicate import Field, Like, Wild, WildcardPattern
from dogwatch.schema.field import FieldRef, FieldType

ANY, ONE = Wild.ANY, Wild.ONE


def matches(text: str, *patterns: tuple[str | Wild, ...]) -> bool:
    return compile_patterns([WildcardPattern(pieces) for pieces in patterns])(text)


@pytest.mark.parametrize(
    ("text", "pieces", "expected"),
    [
        ("", (), True),
        ("a", (), False),
        ("", (ANY,), True),
        ("", (ONE,), False),
        ("a\nb", ("a", ANY, "b"), True),
        ("😀", (ONE,), True),
        ("*", ("*",), True),
        ("x", ("*",), False),
        ("a?c", ("a", "?", "c"), True),
        ("abc", ("a", ONE, "c"), True),
        ("abab", (ANY, "ab"), True),
        ("ab", ("ab", ANY, "b"), False),
        ("aXbYc", ("a", ANY, "b", ANY, "c"), True),
        ("abcabd", (ANY, "ab", ONE), True),
        ("aab", (ANY, "a", ONE, ANY), True),
        ("abc", (ANY, ONE, ANY, ONE, ANY, ONE, ANY), True),
        ("ab", (ANY, ONE, ANY, ONE, ANY, ONE, ANY), False),
        ("aa", ("a", ANY, "a", ANY, "a"), False),
    ],
)
def test_corner(text: str, pieces: tuple[str | Wild, ...], expected: bool) -> None:
    assert matches(text, pieces) is expected


_PIECES = st.lists(st.one_of(st.text("ab", max_size=3), st.sampled_from([ANY, ONE])), max_size=7).map(tuple)


@given(st.text("ab", max_size=10), st.lists(_PIECES, max_size=3))
def test_agrees_with_the_plain_matcher(text: str, patterns: list[tuple[str | Wild, ...]]) -> None:
    ref = FieldRef("name", FieldType.KEYWORD)
    leaf = Like(Field(ref), tuple(WildcardPattern(pieces) for pieces in patterns))
    assert matches(text, *patterns) is evaluate(leaf, lambda _: [text])


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a" * 200_000, (ANY,) * 100_000 + ("b",)),
        ("a" * 200_000, (ANY, "a") * 100_000 + ("b",)),
        ("a" * 200_000, (ANY, "a" * 50 + "b") * 50),
        ("ab" * 100_000, (ANY, ONE, "a", ONE, "c") * 20),
    ],
)
def test_hostile_sizes_end_soon(text: str, pieces: tuple[str | Wild, ...]) -> None:
    start = time.process_time()
    assert not matches(text, pieces)
    assert time.process_time() - start < 20
