"""The passed rows of a closed scan, kept encoded until all have come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import msgspec

from dogwatch.base.external_sort import ExternalSorter
from dogwatch.engine.passed import (
    GroupPassed,
    GroupValues,
    PartsPassed,
    PartValues,
    PassedEvent,
    StageKeys,
    StagePassed,
)
from dogwatch.engine.state import EventRow, decode, encode
from dogwatch.logic.pattern import Key

Order = tuple[int, int, int]
"""An event's place in the canonical order: time, own tiebreak, arrival."""


class _StoredEvent(msgspec.Struct, frozen=True, array_like=True):
    event: EventRow
    stages: list[tuple[int, StageKeys]]
    groups: list[tuple[int, Key, GroupValues]]
    parts: list[tuple[int, PartValues]]


class PassedSpool:
    """The passed rows of a closed scan, given back in canonical order.

    Rows are held encoded; beyond ``limit_bytes`` they go to temporary files. Use as a context manager, which
    removes the files.

    Args:
        limit_bytes: Memory for rows that were added and not yet given back.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._sorter = ExternalSorter(limit_bytes)

    @property
    def spilled(self) -> int:
        """Events that were written to disk."""
        return self._sorter.spilled

    def add(self, passed: PassedEvent) -> None:
        """Keep an event with its rows; the event is stored once, however many patterns it passed."""
        self.put([stored(passed)])

    def put(self, several: Iterable[tuple[Order, bytes]]) -> None:
        """Keep events with their rows, each as ``stored`` gives it, in this process or another."""
        for order, payload in several:
            self._sorter.add(order, payload)

    def __iter__(self) -> Iterator[PassedEvent]:
        """Everything added so far, by time, tiebreak and arrival."""
        for _, payload in self._sorter:
            stored = decode(payload, _StoredEvent)
            yield PassedEvent.of(stored.event.event(), stored.stages, stored.groups, stored.parts)

    def close(self) -> None:
        """Remove the temporary files."""
        self._sorter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def stored(passed: PassedEvent) -> tuple[Order, bytes]:
    """An event with its rows in the form in which a spool keeps it, after the event's place in the order."""
    stages: list[tuple[int, StageKeys]] = []
    groups: list[tuple[int, Key, GroupValues]] = []
    parts: list[tuple[int, PartValues]] = []
    for number, row in passed.rows:
        match row:
            case StagePassed(keys=keys):
                stages.append((number, keys))
            case GroupPassed(group=group, values=values):
                groups.append((number, group, values))
            case PartsPassed(parts=values_of_parts):
                parts.append((number, values_of_parts))
    return passed.event.order, encode(_StoredEvent(EventRow.of(passed.event), stages, groups, parts))
