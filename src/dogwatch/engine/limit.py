"""Limits: the first or the last of some ordered results, in bounded memory."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from dogwatch.engine.taking import Integers
from dogwatch.events.batch import Event
from dogwatch.logic.pattern import End, Limit

T = TypeVar("T")


def limited(results: Iterable[T], limits: Iterable[Limit], total: int | None = None) -> Iterator[T]:
    """What the limits leave of some results, in the order in which they come.

    Each limit applies to what the one before it left. A head limit ends the reading of ``results`` at its last
    one; a tail limit reads to the end and holds on to as many as it keeps, or to none if the total is known. One
    that keeps nothing reads nothing.

    Args:
        results: The results.
        limits: The limits.
        total: How many results there are, if that is known.

    Examples:
        >>> list(limited("abcdef", [Limit(End.HEAD, 4), Limit(End.TAIL, 2)]))
        ['c', 'd']
    """
    kept = iter(results)
    for limit in limits:
        match limit:
            case Limit(count=count) if count <= 0:
                return iter(())
            case Limit(End.HEAD, count):
                kept = itertools.islice(kept, count)
            case Limit(End.TAIL, count) if total is not None:
                kept = itertools.islice(kept, max(0, total - count), None)
            case Limit(End.TAIL, count):
                kept = _last(kept, count)
        total = None if total is None else min(total, count)
    return kept


def _last(results: Iterator[T], count: int) -> Iterator[T]:
    held: deque[T] = deque()
    for result in results:
        if len(held) == count:
            held.popleft()
        held.append(result)
    yield from held


class Outermost:
    """The first or the last few of events that come in any order: what one limit keeps of them.

    Args:
        limit: Which and how many.
    """

    def __init__(self, limit: Limit) -> None:
        self._count = max(0, limit.count)
        self._sign = 1 if limit.end is End.TAIL else -1
        # What would be given up next is at the front. Arrivals differ, so that events are never compared.
        self._heap: list[tuple[tuple[int, ...], Event]] = []

    def candidates(self, rows: npt.NDArray[np.intp], time: Integers, tiebreak: Integers) -> npt.NDArray[np.intp]:
        """Those of some rows of the next batch that may be among the events kept.

        Args:
            rows: Ascending numbers of rows.
            time: The time of every row of the batch.
            tiebreak: The tiebreak of every row of the batch.
        """
        if len(self._heap) == self._count and self._heap:
            bound = self._heap[0][1].time
            rows = rows[time[rows] >= bound] if self._sign > 0 else rows[time[rows] <= bound]
        if rows.size > self._count:
            # Rows ascend by arrival, and the sort is stable.
            order = np.lexsort((tiebreak[rows], time[rows]))
            rows = np.sort(rows[order[-self._count :] if self._sign > 0 else order[: self._count]])
        return rows[: self._count]

    def add(self, event: Event) -> None:
        """Take part with one event more."""
        entry = (tuple(self._sign * part for part in event.order), event)
        if len(self._heap) < self._count:
            heapq.heappush(self._heap, entry)
        elif self._heap:
            heapq.heappushpop(self._heap, entry)

    def __iter__(self) -> Iterator[Event]:
        """The events kept, in canonical order."""
        return iter(sorted((event for _, event in self._heap), key=lambda event: event.order))
