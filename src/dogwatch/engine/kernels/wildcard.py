"""Wildcard patterns without backtracking: each stretch between stars is found once, from left to right.

A stretch of plain characters is found by ``str.find``, which takes linear time whatever the text (CPython
changes to the two-way algorithm when a search goes badly). One with ``?`` within is found by its longest
plain part; a text in which that keeps coming up in vain is gone through with one bit for each place of the
stretch, one step a character.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dogwatch.logic.predicate import MAX_WILDCARD, Wild, WildcardPattern

_TRIES = 16
"""Places at which a stretch is looked for by its longest part before it is looked for bit by bit."""

TextTest = Callable[[str], bool]


def length_of(pattern: WildcardPattern) -> int:
    """Characters of a pattern, a run of stars counting once: what a match costs for each character of a text."""
    segments = _segments(pattern)
    return sum(segment.length for segment in segments) + len(segments) - 1


def is_too_long(pattern: WildcardPattern) -> bool:
    """Whether a pattern is longer than ``MAX_WILDCARD``, a run of stars counting once."""
    at_most = sum(1 if isinstance(piece, Wild) else len(piece) for piece in pattern.pieces)
    return at_most > MAX_WILDCARD and length_of(pattern) > MAX_WILDCARD


def compile_patterns(patterns: Sequence[WildcardPattern]) -> TextTest:
    """A test for texts that match any of the patterns as a whole.

    Texts, prefixes and suffixes of many patterns are tested together.
    """
    exact: set[str] = set()
    prefixes: list[str] = []
    suffixes: list[str] = []
    infixes: list[str] = []
    others: list[TextTest] = []
    for pattern in patterns:
        match _segments(pattern):
            case [_Segment(length=length, chunks=chunks)] if not _has_gap(length, chunks):
                exact.add(_literal(chunks))
            case [_Segment(length=length, chunks=chunks), _Segment(length=0)] if not _has_gap(length, chunks):
                prefixes.append(_literal(chunks))
            case [_Segment(length=0), _Segment(length=length, chunks=chunks)] if not _has_gap(length, chunks):
                suffixes.append(_literal(chunks))
            case [_Segment(length=0), _Segment(length=length, chunks=chunks), _Segment(length=0)] if not _has_gap(
                length, chunks
            ):
                infixes.append(_literal(chunks))
            case segments:
                others.append(_Sequence(segments).matches)
    return _Any(frozenset(exact), tuple(prefixes), tuple(suffixes), tuple(infixes), tuple(others)).matches


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch without stars: so many characters, of which some are given.

    Attributes:
        length: How many.
        chunks: Literal text by its place in the stretch; what lies between is any character.
    """

    length: int
    chunks: tuple[tuple[int, str], ...]

    def is_at(self, text: str, start: int) -> bool:
        return start + self.length <= len(text) and all(
            text.startswith(chunk, start + place) for place, chunk in self.chunks
        )

    def find(self, text: str, start: int, end: int) -> int:
        """The first place in ``text[start:end]`` where the stretch lies, or -1."""
        if not self.chunks:
            return start if start + self.length <= end else -1
        place, chunk = max(self.chunks, key=lambda item: len(item[1]))
        stop = end - self.length + place + len(chunk)
        at = text.find(chunk, start + place, stop)
        for _ in range(_TRIES):
            if at < 0:
                return -1
            if self.is_at(text, at - place):
                return at - place
            at = text.find(chunk, at + 1, stop)
        return self._scan(text, at - place, end) if at >= 0 else -1

    def _scan(self, text: str, start: int, end: int) -> int:
        """The same one step a character: bit i is set while the last i + 1 characters may begin the stretch."""
        gaps, masks = _masks(self)
        whole = 1 << (self.length - 1)
        begun = 0
        for place, char in enumerate(text[start:end], start):
            begun = (begun << 1 | 1) & masks.get(char, gaps)
            if begun & whole:
                return place - self.length + 1
        return -1


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Stretches with a star between each two: the first starts the text, the last ends it."""

    segments: list[_Segment]

    def matches(self, text: str) -> bool:
        first, *inner = self.segments
        if not first.is_at(text, 0):
            return False
        if not inner:
            return first.length == len(text)
        last = inner.pop()
        at, end = first.length, len(text) - last.length
        for segment in inner:
            found = segment.find(text, at, end)
            if found < 0:
                return False
            at = found + segment.length
        return at <= end and last.is_at(text, end)


@dataclass(frozen=True, slots=True)
class _Any:
    exact: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    infixes: tuple[str, ...]
    others: tuple[TextTest, ...]

    def matches(self, text: str) -> bool:
        if text in self.exact or text.startswith(self.prefixes) or text.endswith(self.suffixes):
            return True
        for infix in self.infixes:
            if infix in text:
                return True
        return any(test(text) for test in self.others)


def _segments(pattern: WildcardPattern) -> list[_Segment]:
    """The stretches between stars; those at the ends may be empty, empty ones within are left out."""
    segments: list[_Segment] = []
    length = 0
    chunks: list[tuple[int, str]] = []
    for piece in (*pattern.pieces, None):
        if piece is Wild.ONE:
            length += 1
        elif isinstance(piece, str):
            if piece:
                chunks.append((length, piece))
                length += len(piece)
        else:
            if length or piece is None or not segments:
                segments.append(_Segment(length, tuple(chunks)))
            length, chunks = 0, []
    return segments


@lru_cache(maxsize=256)
def _masks(segment: _Segment) -> tuple[int, dict[str, int]]:
    """The places of a stretch where any character may be, and for each character those where it may."""
    gaps = (1 << segment.length) - 1
    own: dict[str, int] = {}
    for start, chunk in segment.chunks:
        for place, char in enumerate(chunk, start):
            gaps ^= 1 << place
            own[char] = own.get(char, 0) | 1 << place
    return gaps, {char: places | gaps for char, places in own.items()}


def _has_gap(length: int, chunks: tuple[tuple[int, str], ...]) -> bool:
    return sum(len(chunk) for _, chunk in chunks) < length


def _literal(chunks: tuple[tuple[int, str], ...]) -> str:
    return "".join(chunk for _, chunk in chunks)
