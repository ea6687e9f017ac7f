"""The passed rows of a closed scan, kept encoded until all have come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec
import pyarrow as pa

from dogwatch.base.diagnostic import Place
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
from dogwatch.engine.taking import TakenRow
from dogwatch.events.batch import Batch, Event, TextualSource
from dogwatch.events.blocks.source import event_of_text
from dogwatch.logic.pattern import Key

Order = tuple[int, int, int]
"""An event's place in the canonical order: time, own tiebreak, arrival."""


class _Text(msgspec.Struct, frozen=True, array_like=True):
    """An event that is not read yet."""

    index: str | None
    time: int
    tiebreak: int
    arrival: int
    file: str | None
    line: int | None
    column: int | None
    text: bytes

    def event(self) -> Event:
        place = None if self.file is None else Place(self.file, self.line, self.column)
        return event_of_text(
            self.text,
            index=self.index,
            time=self.time,
            tiebreak=self.tiebreak,
            arrival=self.arrival,
            place=place,
        )


class _Head(msgspec.Struct, frozen=True, array_like=True):
    numbers: list[int]
    has_others: bool


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    numbers: list[int]
    has_others: bool
    stages: Sequence[tuple[int, StageKeys]]
    groups: Sequence[tuple[int, Key, GroupValues]]
    parts: Sequence[tuple[int, PartValues]]
    is_text: bool
    event: bytes

    def passed(self, dead: frozenset[int]) -> PassedEvent:
        row = decode(self.event, _Text) if self.is_text else decode(self.event, EventRow)
        stages = [each for each in self.stages if each[0] not in dead]
        return PassedEvent.of(row.event(), stages, self.groups, self.parts)


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
        return (passed for _, passed in self.without(frozenset()) if passed is not None)

    def without(self, dead: frozenset[int]) -> Iterator[tuple[int, PassedEvent | None]]:
        """Everything added so far, by time, tiebreak and arrival, but for what some patterns passed.

        Args:
            dead: Numbers of sequences and samples whose rows are left out.

        Yields:
            The time of each event, and what it passed; ``None`` if that was nothing else. Such events are not
            read.
        """
        for order, payload in self._sorter:
            if dead:
                head = decode(payload, _Head)
                if not head.has_others and dead.issuperset(head.numbers):
                    yield int(order[0]), None
                    continue
            yield int(order[0]), decode(payload, _Stored).passed(dead)

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
    event = encode(EventRow.of(passed.event))
    return passed.event.order, _payload(stages, groups, parts, event, is_text=False)


def stored_rows(batch: Batch, rows: Sequence[TakenRow]) -> Iterator[tuple[Order, bytes]]:
    """What ``stored`` gives for rows of a batch, without reading an event where its text can be kept."""
    source = batch.source
    text_of = source.text if isinstance(source, TextualSource) else None
    index: pa.Array[Any] = batch.index
    names = index.take(pa.array([taken.row for taken in rows], pa.int64())).to_pylist()
    for name, taken in zip(names, rows, strict=True):
        row = taken.row
        text = None if text_of is None else text_of(row)
        if text is None:
            yield stored(taken.passed(batch.event(row)))
            continue
        place = source.place(row)
        file, line, column = (place.file, place.line, place.column) if place else (None, None, None)
        arrival = batch.first_arrival + row
        event = _Text(name, taken.time, taken.tiebreak, arrival, file, line, column, text)
        payload = _payload(taken.stages, taken.groups, taken.parts, encode(event), is_text=True)
        yield (taken.time, taken.tiebreak, arrival), payload


def _payload(
    stages: Sequence[tuple[int, StageKeys]],
    groups: Sequence[tuple[int, Key, GroupValues]],
    parts: Sequence[tuple[int, PartValues]],
    event: bytes,
    *,
    is_text: bool,
) -> bytes:
    numbers = [number for number, _ in stages]
    has_others = bool(groups or parts)
    return encode(_Stored(numbers, has_others, stages, groups, parts, is_text, event))
