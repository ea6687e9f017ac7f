"""Many wildcard patterns over one column, found in one pass of Hyperscan over its distinct texts.

One leaf at a time is cheaper while few texts are asked about; a pass pays once many leaves have asked
about many. ``PatternGroup.is_due`` strikes that balance.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import hyperscan
import numpy as np
import numpy.typing as npt

from dogwatch.base.text import Fold
from dogwatch.logic.predicate import Contains, Field, Like, Wild, WildcardPattern

_LEAST_LEAVES = 8
_PATIENCE = 4
"""A pass is due once single leaves have looked at the column's distinct texts this many times."""
_LONGEST_EXPRESSION = 1000
_MOST_GAPS = 6
_MOST_ONES = 8
_MOST_WILDCARDS = 1000
"""Stars and question marks within the expressions of one group: each costs Hyperscan about a millisecond."""
_FLAGS = (
    hyperscan.HS_FLAG_UTF8
    | hyperscan.HS_FLAG_DOTALL
    | hyperscan.HS_FLAG_SINGLEMATCH
    | hyperscan.HS_FLAG_ALLOWEMPTY
)

Codes = npt.NDArray[np.int64]


class PatternGroup:
    """The patterns of several leaves that read one column under one fold."""

    def __init__(self) -> None:
        self._expressions: list[bytes] = []
        self._ids: list[int] = []
        self._leaves = 0
        self._wildcards = 0
        self._database: hyperscan.Database | None = None
        self._failed = False
        self._lock = threading.Lock()

    def join(self, patterns: Sequence[WildcardPattern]) -> int | None:
        """Adds a leaf; its number in the group, or ``None`` if a pattern is better matched by itself."""
        expressions = [_expression(pattern) for pattern in patterns]
        wildcards = self._wildcards + sum(map(_inner_wildcards, patterns))
        if not all(expressions) or wildcards > _MOST_WILDCARDS:
            return None
        self._wildcards = wildcards
        number = self._leaves
        self._leaves += 1
        self._expressions += [expression for expression in expressions if expression]
        self._ids += [number] * len(expressions)
        self._database = None
        return number

    def is_due(self, asked: int, distinct: int) -> bool:
        """Whether one pass is cheaper than to go on, after ``asked`` single answers about ``distinct`` texts."""
        return not self._failed and self._leaves >= _LEAST_LEAVES and asked > _PATIENCE * distinct

    def scan(self, texts: Sequence[str]) -> dict[int, Codes] | None:
        """For each leaf that matches any of the texts, the places of those; ``None`` if the group is too large."""
        with self._lock:
            database = self._database or self._compile()
            if database is None:
                return None
            found: list[tuple[int, int]] = []
            code = 0

            def note(leaf: int, _start: int, _end: int, _flags: int, _context: object) -> None:
                found.append((leaf, code))

            for code, text in enumerate(texts):  # noqa: B007 - the callback reads it
                database.scan(text.encode("utf-8", "replace"), match_event_handler=note)
        pairs = np.array(found, np.int64).reshape(-1, 2)
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        leaves, starts = np.unique(pairs[:, 0], return_index=True)
        return dict(zip(leaves.tolist(), np.split(pairs[:, 1], starts[1:]), strict=False))

    def _compile(self) -> hyperscan.Database | None:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            database.compile(
                expressions=self._expressions,
                ids=self._ids,
                elements=len(self._ids),
                flags=[_FLAGS] * len(self._ids),
            )
        except hyperscan.error:
            # Too large for the compiler as a whole: every leaf still has its own matcher.
            self._failed = True
            return None
        self._database = database
        return database


class PatternGroups:
    """The groups of one plan."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Field, Fold], PatternGroup] = {}

    def join(self, leaf: Like | Contains) -> tuple[PatternGroup, int] | None:
        """Adds a leaf to the group of its column and fold; ``None`` if it stands better alone."""
        match leaf:
            case Like(operand=Field() as field, patterns=patterns, fold=fold):
                wanted = patterns
            case Contains(operand=Field() as field, text=text, fold=fold, at_word_start=False):
                wanted = (WildcardPattern((Wild.ANY, text, Wild.ANY)),)
            case _:
                return None
        group = self._groups.setdefault((field, fold), PatternGroup())
        number = group.join(wanted)
        return None if number is None else (group, number)


def _expression(pattern: WildcardPattern) -> bytes | None:
    """The pattern in Hyperscan's language, searched anywhere; ``None`` if it is long or has many wildcards."""
    pieces = [piece for piece in pattern.pieces if piece != ""]
    starts_anywhere, ends_anywhere = pieces[:1] == [Wild.ANY], pieces[-1:] == [Wild.ANY]
    if len(pieces) > _LONGEST_EXPRESSION:
        return None
    while pieces and pieces[0] is Wild.ANY:
        del pieces[0]
    while pieces and pieces[-1] is Wild.ANY:
        del pieces[-1]
    if pieces.count(Wild.ANY) > _MOST_GAPS or pieces.count(Wild.ONE) > _MOST_ONES:
        return None
    written = "".join(_written(piece) for piece in pieces)
    if len(written) > _LONGEST_EXPRESSION:
        return None
    return f"{'' if starts_anywhere else '^'}{written}{'' if ends_anywhere else chr(92) + 'z'}".encode() or b"^"


def _inner_wildcards(pattern: WildcardPattern) -> int:
    return sum(isinstance(piece, Wild) for piece in pattern.pieces[1:-1])


def _written(piece: str | Wild) -> str:
    match piece:
        case Wild.ANY:
            return ".*"
        case Wild.ONE:
            return "."
        case str():
            return "".join(
                char if char.isascii() and char.isalnum() else f"\\x{{{ord(char):x}}}" for char in piece
            )
