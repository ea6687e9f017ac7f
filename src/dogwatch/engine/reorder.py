"""Rows of a stream that may come late, given on in canonical order."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from dogwatch.events.batch import Event


class _HasEvent(Protocol):
    @property
    def event(self) -> Event: ...


R = TypeVar("R", bound=_HasEvent)


class Reorder(Generic[R]):
    """Holds rows back until the clock of the data is so far past them that nothing older is expected.

    Args:
        tolerance: How much older than the clock a row may be when it comes, in nanoseconds.
        limit_rows: Rows to hold at most; beyond it the oldest are given on early.

    Attributes:
        too_late: Rows left out because one that comes after them had already been given on.
        early: Rows that were given on early.
    """

    def __init__(self, tolerance: int, limit_rows: int = 1_000_000) -> None:
        self.too_late = 0
        self.early = 0
        self._tolerance = tolerance
        self._limit_rows = limit_rows
        # The number keeps rows themselves from being compared: one event may have two.
        self._rows: list[tuple[tuple[int, int, int], int, R]] = []
        self._number = 0
        self._last: tuple[int, int, int] | None = None

    def __len__(self) -> int:
        """How many rows are held."""
        return len(self._rows)

    def add(self, row: R) -> None:
        """Hold a row, or leave it out if it comes too late."""
        order = row.event.order
        if self._last is not None and order < self._last:
            self.too_late += 1
            return
        heapq.heappush(self._rows, (order, self._number, row))
        self._number += 1

    def ready(self, clock: int) -> Iterator[R]:
        """The rows that are ``tolerance`` older than the clock, or have no room, in canonical order.

        Args:
            clock: How far the data has come, in nanoseconds since 1970 UTC.
        """
        while self._rows:
            is_due = self._rows[0][0][0] <= clock - self._tolerance
            if not is_due and len(self._rows) <= self._limit_rows:
                return
            self.early += not is_due
            yield self._next()

    def drain(self) -> Iterator[R]:
        """All rows that are left, in canonical order."""
        while self._rows:
            yield self._next()

    def _next(self) -> R:
        self._last, _, row = heapq.heappop(self._rows)
        return row
