"""Many wildcard patterns over one column, found in one pass of Hyperscan over its distinct texts.

A pass costs little whatever the number of patterns, but first the patterns must be compiled: that pays once
single leaves have been asked, or would have been, often enough. Patterns that were compiled before are read
from disk.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import hyperscan

from dogwatch.base.text import Fold
from dogwatch.engine.kernels.column import Texts
from dogwatch.engine.kernels.family import Satisfied
from dogwatch.engine.kernels.memory import Allowance, Memory
from dogwatch.engine.kernels.text import text_test
from dogwatch.engine.kernels.wildcard import TextTest
from dogwatch.engine.kernels.written import MOST_EFFORT_OF_ONE, Written, effort_of, longest_piece, write
from dogwatch.engine.regex.database import Expressions, keep_database, kept_database
from dogwatch.logic.predicate import Contains, Field, Like, Wild, WildcardPattern

MOST_EXPRESSIONS = 2000
"""Expressions in one database; a family of more has several databases."""

MOST_EFFORT = 1000
"""What one database may take to compile, in milliseconds or so: each wildcard within and each fixed end is one."""

MOST_ALONE = 200_000
"""Expressions of a leaf that is compiled at all; one of more is asked about each text by itself."""

_LEAST_PATTERNS = 8
_PATIENCE = 2000
"""Patterns are compiled once single ones have been asked this often for each millisecond that compiling takes."""
_LOOK = 50
"""Nothing is done before each pattern has been asked this often: only then is it worth looking for kept databases.

Compiling waits longer, see ``_PATIENCE`` and ``_EASY``.
"""
_EASY = 20
"""Patterns that take a millisecond beside their effort."""
_MOST_INTERNED = 4096
"""Different sets of leaves that are remembered, so that texts which satisfy the same share one."""


@dataclass(slots=True)
class _Part:
    """What one database holds."""

    written: list[Written] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    effort: int = 0

    def has_room(self, written: Sequence[Written], effort: int) -> bool:
        return not self.written or (
            len(self.written) + len(written) <= MOST_EXPRESSIONS and self.effort + effort <= MOST_EFFORT
        )

    @property
    def expressions(self) -> Expressions:
        return Expressions(
            tuple(each.expression for each in self.written),
            tuple(self.ids),
            tuple(each.flags for each in self.written),
        )


@dataclass(frozen=True, slots=True)
class _Behind:
    """What an expression stands for.

    Attributes:
        leaf: The number of the leaf.
        pattern: The pattern of it.
        is_certain: Whether a text for which the expression is reported satisfies the leaf without another look.
    """

    leaf: int
    pattern: WildcardPattern
    is_certain: bool


class Patterns:
    """The wildcard patterns of leaves that read one column.

    Leaves that mind letter case and those that ignore that of ASCII letters are found in the same pass over the
    texts as they are; those that ignore all letter case are a family of their own, over texts in lower case.

    Args:
        field: The column.
        lowered: Whether its leaves ignore all letter case.
        allowance: What may be remembered.
        cache: A folder of compiled patterns, if any is kept.

    Attributes:
        leaves: The numbers of its leaves.
    """

    eager = False
    way = "one Hyperscan pass"
    cost = 5

    def __init__(self, field: Field, *, lowered: bool, allowance: Allowance, cache: Path | None) -> None:
        self.field = field
        self.leaves: list[int] = []
        self._fold = Fold.UNICODE if lowered else Fold.NONE
        self._cache = cache
        self._asked_of: dict[int, Like | Contains] = {}
        self._tests: dict[int, TextTest] = {}
        self._parts: list[_Part] = []
        self._behind: list[_Behind] = []
        self._memory: Memory[Satisfied] = Memory(allowance)
        self._databases: list[hyperscan.Database] | None = None
        self._refused = False
        self._looked = False
        self._patterns = 0
        self._price: int | None = None
        self._asked = 0
        self._certain: dict[tuple[int, ...], Satisfied] = {}
        self._lock = threading.Lock()

    def join(self, leaf: int, asked: Like | Contains) -> None:
        """Add a leaf; before the family is asked anything."""
        self.leaves.append(leaf)
        self._asked_of[leaf] = asked
        self._patterns += len(patterns_of(asked))

    def is_due(self, needed: int, texts: int, /) -> bool:
        """Whether one pass over all is cheaper than to ask the ``needed`` ones of its leaves about some texts."""
        if self._databases is not None:
            return True
        if self._refused or self._patterns < _LEAST_PATTERNS:
            return False
        with self._lock:
            self._asked += needed * self._patterns // len(self.leaves) * texts
            if self._asked <= _LOOK * self._patterns:
                return False
            if not self._looked and self._cache is not None:
                self._looked = True
                self._read()
            if self._databases is None:
                if self._price is None:
                    effort = sum(compile_effort(patterns_of(asked)) for asked in self._asked_of.values())
                    self._price = _PATIENCE * (effort + 1 + self._patterns // _EASY)
                if self._asked > self._price:
                    self._compile()
        return self._databases is not None

    def ask(self, texts: Texts) -> tuple[list[Satisfied], int]:
        """For each distinct text the leaves that it satisfies; and how many texts had to be decided.

        Only when it is due.
        """
        with self._lock:
            return self._memory.outcomes(texts.folded(self._fold), self._scan)

    def _scan(self, texts: list[str]) -> list[Satisfied]:
        found: list[int] = []

        def note(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            found.append(number)

        databases = self._databases or []
        satisfied: list[Satisfied] = []
        for text in texts:
            content = text.encode("utf-8", "replace")
            for database in databases:
                database.scan(content, note)
            if found:
                satisfied.append(self._leaves_of(found, text))
                found.clear()
            else:
                satisfied.append(())
        return satisfied

    def _leaves_of(self, found: list[int], text: str) -> Satisfied:
        """The leaves behind the expressions that were reported."""
        reported = tuple(found)
        known = self._certain.get(reported)
        if known is not None:
            return known
        behind = {number: self._behind[number] for number in reported}
        certain = dict.fromkeys(each.leaf for each in behind.values() if each.is_certain)
        open_ones = [number for number, each in behind.items() if each.leaf not in certain]
        if open_ones:
            certain |= dict.fromkeys(behind[number].leaf for number in open_ones if self._holds(number, text))
            return tuple(certain)
        if len(self._certain) >= _MOST_INTERNED:
            self._certain.clear()
        leaves = self._certain[reported] = tuple(certain)
        return leaves

    def _holds(self, number: int, text: str) -> bool:
        """Whether a text that was reported for an expression satisfies the pattern that it stands for."""
        behind = self._behind[number]
        asked = self._asked_of[behind.leaf]
        test = self._tests.get(number)
        if test is None:
            own = asked if isinstance(asked, Contains) else replace(asked, patterns=(behind.pattern,))
            test = self._tests[number] = text_test(own)[1]
        return test(text if self._fold is Fold.UNICODE else asked.fold.apply(text))

    def _read(self) -> None:
        """Read the databases, if they are kept."""
        kept = []
        for part in self._written():
            database = kept_database(part.expressions, self._cache)
            if database is None:
                return
            kept.append(database)
        self._databases = kept

    def _written(self) -> list[_Part]:
        """What the databases are made of."""
        if not self._parts:
            for leaf, asked in self._asked_of.items():
                patterns = patterns_of(asked)
                is_one_of_many = is_large(patterns)
                for piece in _pieces(patterns):
                    self._place(leaf, asked, piece, is_one_of_many=is_one_of_many)
        return self._parts

    def _place(
        self, leaf: int, asked: Like | Contains, patterns: Sequence[WildcardPattern], *, is_one_of_many: bool
    ) -> None:
        whole = not isinstance(asked, Contains) or not asked.at_word_start
        sought = [longest_piece(pattern) if is_one_of_many else pattern for pattern in patterns]
        written = [write(pattern, asked.fold) for pattern in sought]
        effort = sum(map(effort_of, sought))
        if not self._parts or not self._parts[-1].has_room(written, effort):
            self._parts.append(_Part())
        part = self._parts[-1]
        part.written += written
        # Each has a number of its own: Hyperscan compiles many that share one in quadratic time.
        part.ids += range(len(self._behind), len(self._behind) + len(written))
        self._behind += [
            _Behind(leaf, pattern, is_certain=each.is_whole and whole and pattern == instead)
            for pattern, instead, each in zip(patterns, sought, written, strict=True)
        ]
        part.effort += effort

    def _compile(self) -> None:
        databases = []
        for part in self._written():
            try:
                database = part.expressions.compile()
            except hyperscan.error:
                # Too large for the compiler as a whole: every leaf still has its own matcher.
                self._refused = True
                return
            if self._cache is not None:
                keep_database(part.expressions, database, self._cache)
            databases.append(database)
        self._databases = databases


def patterns_of(leaf: Like | Contains) -> tuple[WildcardPattern, ...]:
    """The patterns that a leaf asks about; for a text that must begin a word, where it may be."""
    return leaf.patterns if isinstance(leaf, Like) else (WildcardPattern((Wild.ANY, leaf.text, Wild.ANY)),)


def compile_effort(patterns: Sequence[WildcardPattern]) -> int:
    """About how many milliseconds the patterns of a leaf take to compile, see ``effort_of``."""
    many = is_large(patterns)
    return sum(effort_of(longest_piece(pattern) if many else pattern) for pattern in patterns)


def is_large(patterns: Sequence[WildcardPattern]) -> bool:
    """Whether patterns of one leaf fill a database of their own, or half of it."""
    if len(patterns) * MOST_EFFORT_OF_ONE <= MOST_EFFORT // 2:
        return False
    return len(patterns) > MOST_EXPRESSIONS // 2 or sum(map(effort_of, patterns)) > MOST_EFFORT // 2


def _pieces(patterns: Sequence[WildcardPattern]) -> Iterator[list[WildcardPattern]]:
    """A leaf's patterns in pieces that a database can hold."""
    piece: list[WildcardPattern] = []
    effort = 0
    for pattern in patterns:
        own = effort_of(pattern)
        if piece and (len(piece) >= MOST_EXPRESSIONS or effort + own > MOST_EFFORT):
            yield piece
            piece, effort = [], 0
        piece.append(pattern)
        effort += own
    if piece:
        yield piece
