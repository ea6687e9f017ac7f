"""Leaves that ask about the same column, answered together: one look at a text tells all that it satisfies.

A leaf of a family is true or false of a text, never unknown.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Protocol

from dogwatch.base.text import Fold
from dogwatch.engine.kernels.column import Texts
from dogwatch.engine.kernels.memory import Allowance, Memory
from dogwatch.engine.ordering import address_number, network_range
from dogwatch.logic.predicate import Field, InNetwork

Satisfied = Sequence[int]
"""The numbers of the leaves that a text satisfies."""

_NONE: Satisfied = ()
_MOST_STRETCHES = 2_000_000
"""Stretches of addresses times leaves of one family."""


class Family(Protocol):
    """Leaves about one column."""

    @property
    def field(self) -> Field:
        """The column."""
        ...

    @property
    def eager(self) -> bool:
        """Whether it costs so little that it is asked about every batch, before it is known who needs it."""
        ...

    @property
    def leaves(self) -> Sequence[int]:
        """The numbers of its leaves."""
        ...

    @property
    def way(self) -> str:
        """What it does, to show."""
        ...

    @property
    def cost(self) -> int:
        """What an answer of one of its leaves costs until it is asked, on the scale of ``cost_of``."""
        ...

    def is_due(self, needed: int, texts: int, /) -> bool:
        """Whether to ask it rather than the ``needed`` ones of its leaves, each by itself, about some texts."""
        ...

    def ask(self, texts: Texts) -> tuple[list[Satisfied], int]:
        """For each distinct text the leaves that it satisfies; and how many texts had to be decided."""
        ...


class Equals:
    """Equality with given texts, under one fold: a look-up."""

    eager = True
    way = "one look-up"
    cost = 1

    def __init__(self, field: Field, fold: Fold) -> None:
        self.field = field
        self.leaves: list[int] = []
        self._fold = fold
        self._satisfied: dict[str, list[int]] = {}

    def join(self, leaf: int, members: Iterable[str]) -> None:
        """Add a leaf that some folded texts satisfy."""
        self.leaves.append(leaf)
        for member in members:
            self._satisfied.setdefault(member, []).append(leaf)

    def is_due(self, _needed: int, _texts: int, /) -> bool:
        """It always is."""
        return True

    def ask(self, texts: Texts) -> tuple[list[Satisfied], int]:
        """For each distinct text the leaves that it satisfies; nothing is decided, only looked up."""
        satisfied = self._satisfied
        return [satisfied.get(text, _NONE) for text in texts.folded(self._fold)], 0


class Networks:
    """Blocks of addresses: the boundaries of all blocks cut the addresses into stretches of one answer each."""

    eager = False
    way = "one search among the blocks of addresses"
    cost = 4

    def __init__(self, field: Field, allowance: Allowance) -> None:
        self.field = field
        self.leaves: list[int] = []
        self._blocks: list[tuple[int, int, int]] = []
        self._firsts: list[int] = []
        self._satisfied: list[Satisfied] = []
        self._memory: Memory[Satisfied] = Memory(allowance)
        self._lock = threading.Lock()

    def join(self, leaf: int, asked: InNetwork) -> bool:
        """Add a leaf, unless its blocks are too many to stand with the others."""
        if (len(self._blocks) + len(asked.networks)) * (len(self.leaves) + 1) > _MOST_STRETCHES:
            return False
        self.leaves.append(leaf)
        self._blocks += [(*ends, leaf) for network in asked.networks if (ends := network_range(network))]
        return True

    def is_due(self, _needed: int, _texts: int, /) -> bool:
        """It always is."""
        return True

    def ask(self, texts: Texts) -> tuple[list[Satisfied], int]:
        """For each distinct text the leaves that it satisfies; and how many texts had to be decided."""
        with self._lock:
            if not self._firsts:
                self._cut()
            return self._memory.outcomes(texts.folded(Fold.NONE), self._decide)

    def _decide(self, texts: list[str]) -> list[Satisfied]:
        return [self._of(text) for text in texts]

    def _of(self, text: str) -> Satisfied:
        number = address_number(text)
        return () if number is None else self._satisfied[bisect_right(self._firsts, number) - 1]

    def _cut(self) -> None:
        changes: dict[int, list[tuple[int, int]]] = {0: []}
        for first, last, leaf in self._blocks:
            changes.setdefault(first, []).append((leaf, 1))
            changes.setdefault(last + 1, []).append((leaf, -1))
        open_blocks: dict[int, int] = {}
        for first in sorted(changes):
            for leaf, change in changes[first]:
                count = open_blocks[leaf] = open_blocks.get(leaf, 0) + change
                if not count:
                    del open_blocks[leaf]
            self._firsts.append(first)
            self._satisfied.append(tuple(open_blocks))
