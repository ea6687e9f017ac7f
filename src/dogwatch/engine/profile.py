"""What a plan's parts cost on given data: rows asked, rows matched, time."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Cost(msgspec.Struct, array_like=True):
    """What asking one thing cost so far.

    Attributes:
        asked: Rows that it was asked about, over all batches.
        matched: Rows for which it was true.
        nanoseconds: Time that it took, what it shares with others counted once: where it was first asked.
        decided: Distinct values that had to be decided anew (leaves only).
    """

    asked: int = 0
    matched: int = 0
    nanoseconds: int = 0
    decided: int = 0

    def add(self, other: Cost) -> None:
        """Add what it cost elsewhere."""
        self.asked += other.asked
        self.matched += other.matched
        self.nanoseconds += other.nanoseconds
        self.decided += other.decided


class PlanProfile(msgspec.Struct, array_like=True):
    """What the parts of one plan cost; the same plan in several processes gives profiles that add up.

    Attributes:
        predicates: One entry for each predicate of the plan, in their order.
        leaves: One entry for each distinct leaf, in the order of the plan's ``leaves``.
    """

    predicates: list[Cost]
    leaves: list[Cost]

    def merge(self, others: Iterable[PlanProfile]) -> None:
        """Add what the same plan cost elsewhere."""
        for other in others:
            for own, more in zip(
                (*self.predicates, *self.leaves), (*other.predicates, *other.leaves), strict=True
            ):
                own.add(more)
