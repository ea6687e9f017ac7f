"""Takes the rows that passed something out of a batch, with the values that their patterns need."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dogwatch.engine.passed import (
    MAX_KEYS,
    GroupValues,
    PartValues,
    PassedEvent,
    StageKeys,
    aggregated_fields,
)
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch, Event
from dogwatch.logic.pattern import (
    OWN_CLOCK,
    AggregatePattern,
    Clock,
    CompositePattern,
    EventPattern,
    JoinKey,
    Key,
    Pattern,
    SamplePattern,
    SequencePattern,
    Stage,
    stages_of,
)
from dogwatch.logic.predicate import Field
from dogwatch.schema.field import FieldRef, Scalar

Mask = npt.NDArray[np.bool_]
"""One answer for each row of a batch."""

Integers = npt.NDArray[np.int64]
"""One whole number for each row of a batch."""

Rows = npt.NDArray[np.int64]
"""Numbers of rows of a batch, ascending."""


@dataclass(frozen=True, slots=True)
class MatchedRows:
    """A pattern and the rows of one batch that satisfy its predicates.

    Attributes:
        number: The caller's number for the pattern; it comes back with the passed rows.
        pattern: The pattern.
        rows: The rows that satisfy each of ``predicates_of(pattern)``, in that order.
        clock: What orders the pattern's events; its fields are columns of the batch.
    """

    number: int
    pattern: Pattern
    rows: Sequence[Rows]
    clock: Clock = OWN_CLOCK


class TakenRow(msgspec.Struct, frozen=True):
    """A row of a batch with everything that it passed under one clock.

    Attributes:
        row: Its number in the batch.
        time: The event's time as the clock reads it.
        tiebreak: Its tiebreak as the clock reads it.
        stages: What it passed of sequences and samples, after each pattern's number.
        groups: What it passed of aggregates and of patterns of single events.
        parts: What it passed of composite patterns.
        left_out: Keys beyond ``MAX_KEYS`` in one stage, under which the event was not counted.
    """

    row: int
    time: int
    tiebreak: int
    stages: Sequence[tuple[int, StageKeys]]
    groups: Sequence[tuple[int, Key, GroupValues]]
    parts: Sequence[tuple[int, PartValues]]
    left_out: int

    def passed(self, event: Event) -> PassedEvent:
        """The row, given its event; what it passed bears the clock's time."""
        if (self.time, self.tiebreak) != (event.time, event.tiebreak):
            event = replace(event, time=self.time, tiebreak=self.tiebreak)
        return PassedEvent.of(event, self.stages, self.groups, self.parts, self.left_out)


def take(
    batch: Batch,
    matched: Iterable[MatchedRows],
    event_of: Callable[[int], Event] | None = None,
    *,
    untimed: bool = True,
) -> Iterator[PassedEvent]:
    """The rows of a batch that passed something, in the batch's order, each taken out of it once.

    Each clock has a ``PassedEvent`` of its own, as it gives the event another place in the order. A stage with a
    many-valued key applies under each value, and with several such keys under each combination; without a value
    for a plain key it does not apply. A row without a time has no place in a sequence or a window.

    Args:
        batch: The events.
        matched: The rows that satisfy each pattern's predicates.
        event_of: Gives the event of a row, if some were taken out already; the batch itself if not given.
        untimed: Whether rows without a time take part where order plays no part: single events and samples.
    """
    event_of = event_of or batch.event
    # A row comes once for each clock; its event is made once.
    at, event = -1, None
    for taken in take_rows(batch, matched, untimed=untimed):
        if event is None or taken.row != at:
            at, event = taken.row, event_of(taken.row)
        yield taken.passed(event)


def take_rows(batch: Batch, matched: Iterable[MatchedRows], *, untimed: bool = True) -> Iterator[TakenRow]:
    """What ``take`` gives, without the events."""
    by_clock: defaultdict[Clock, list[MatchedRows]] = defaultdict(list)
    for pattern in matched:
        by_clock[pattern.clock].append(pattern)
    cells = _Cells(batch)
    taken = [_taken(cells, clock, several, untimed=untimed) for clock, several in by_clock.items()]
    for row in sorted(set().union(*(each.rows() for each in taken))):
        for each in taken:
            if (passed := each.row(row)) is not None:
                yield passed


@dataclass(frozen=True, slots=True)
class _Taken:
    """What passed in one batch under one clock, by row."""

    time: Integers
    tiebreak: Integers
    stages: dict[int, list[tuple[int, StageKeys]]]
    groups: dict[int, list[tuple[int, Key, GroupValues]]]
    parts: dict[int, list[tuple[int, PartValues]]]
    left_out: dict[int, int]

    def rows(self) -> set[int]:
        """The rows that passed something."""
        return self.stages.keys() | self.groups.keys() | self.parts.keys()

    def row(self, row: int) -> TakenRow | None:
        """One row, if it passed something."""
        stages, groups, parts = self.stages.get(row, ()), self.groups.get(row, ()), self.parts.get(row, ())
        if not stages and not groups and not parts:
            return None
        left_out = self.left_out.get(row, 0)
        return TakenRow(row, int(self.time[row]), int(self.tiebreak[row]), stages, groups, parts, left_out)


class _Cells:
    """The values of a batch's columns for some rows; many patterns ask for the same columns."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._texts: dict[FieldRef, tuple[npt.NDArray[np.int64], list[Any]]] = {}

    def values(self, field: Field, rows: Rows) -> list[list[Any]]:
        """The values of one field for each of the rows, without nulls."""
        absent = (None, "") if field.blank_is_missing else (None,)
        return [
            [value for value in values if value not in absent]
            if isinstance(values, list)
            else []
            if values in absent
            else [values]
            for values in self._of_rows(field.ref, rows)
        ]

    def _of_rows(self, ref: FieldRef, rows: Rows) -> list[Any]:
        column = self.batch.columns[ref]
        if not isinstance(column, pa.DictionaryArray):
            return column.take(rows).to_pylist()
        if ref not in self._texts:
            texts = column.dictionary.to_pylist()
            codes = np.asarray(column.indices.fill_null(len(texts)), np.int64)
            self._texts[ref] = (codes, [*texts, None])
        codes, texts = self._texts[ref]
        return [texts[code] for code in codes[rows].tolist()]


def _taken(cells: _Cells, clock: Clock, matched: Iterable[MatchedRows], *, untimed: bool) -> _Taken:
    time, tiebreak = ordinals(cells.batch, clock)
    timed: Mask = time != NO_TIME
    unordered: Mask = np.ones_like(timed) if untimed else timed
    stages: defaultdict[int, list[tuple[int, StageKeys]]] = defaultdict(list)
    groups: defaultdict[int, list[tuple[int, Key, GroupValues]]] = defaultdict(list)
    parts: defaultdict[int, list[tuple[int, PartValues]]] = defaultdict(list)
    left_out: defaultdict[int, int] = defaultdict(int)
    for each in matched:
        match each.pattern:
            case SequencePattern() | SamplePattern() as pattern:
                within = _within(each.rows, timed if isinstance(pattern, SequencePattern) else unordered)
                for row, keys in _stage_keys(cells, pattern, within, left_out).items():
                    stages[row].append((each.number, tuple(keys.items())))
            case AggregatePattern() as pattern:
                for row, group, values in _groups(cells, pattern, _within(each.rows, timed)[0]):
                    groups[row].append((each.number, group, values))
            case CompositePattern() as pattern:
                for row, values_of_parts in _parts(cells, pattern, _within(each.rows, timed)).items():
                    parts[row].append((each.number, tuple(values_of_parts)))
            case EventPattern():
                for row in _within(each.rows, unordered)[0].tolist():
                    groups[row].append((each.number, (), ()))
    return _Taken(time, tiebreak, stages, groups, parts, left_out)


def _within(rows: Sequence[Rows], mask: Mask) -> list[Rows]:
    """Those of the rows that a mask leaves."""
    return [each[mask[each]] for each in rows]


def ordinals(batch: Batch, clock: Clock) -> tuple[Integers, Integers]:
    """Each row's time and tiebreak as a clock reads them: ``NO_TIME`` and ``NO_TIEBREAK`` where it finds none."""
    time, tiebreak = batch.time, batch.tiebreak
    if clock.timestamp is not None:
        time = _first_integers(batch, clock.timestamp, NO_TIME)
    if clock.tiebreaker is not None:
        tiebreak = _first_integers(batch, clock.tiebreaker, NO_TIEBREAK)
    return time, tiebreak


def _stage_keys(
    cells: _Cells, pattern: SequencePattern | SamplePattern, satisfying: Sequence[Rows], left_out: dict[int, int]
) -> dict[int, dict[Key, int]]:
    """For each row the stages that apply under each key; what exceeds ``MAX_KEYS`` is counted in ``left_out``."""
    found: defaultdict[int, dict[Key, int]] = defaultdict(dict)
    stages = stages_of(pattern)
    count = len(pattern.stages)
    # A hit comes from the last stage, so its keys, listed first, give the order of hits on one event.
    for number, bits in _alike(stages, satisfying, (*range(count - 1, -1, -1), *range(count, len(stages)))):
        rows = satisfying[number]
        if not rows.size:
            continue
        choices = [_key_values(cells, key, rows) for key in stages[number].keys]
        for place, row in enumerate(rows.tolist()):
            values = [column[place] for column in choices]
            total = math.prod(map(len, values))
            if total > MAX_KEYS:
                left_out[row] += (total - MAX_KEYS) * bits.bit_count()
            for key in itertools.islice(itertools.product(*values), MAX_KEYS):
                masks_of = found[row]
                masks_of[key] = masks_of.get(key, 0) | bits
    return found


def _alike(
    stages: Sequence[Stage], satisfying: Sequence[Rows], numbers: Iterable[int]
) -> Iterator[tuple[int, int]]:
    """The first of stages in a row with one key and one answer (``with runs``), and the bits of all of them."""
    first, bits = -1, 0
    for number in numbers:
        if (
            bits
            and stages[number].keys == stages[first].keys
            and np.array_equal(satisfying[number], satisfying[first])
        ):
            bits |= 1 << number
            continue
        if bits:
            yield first, bits
        first, bits = number, 1 << number
    if bits:
        yield first, bits


def _groups(cells: _Cells, pattern: AggregatePattern, rows: Rows) -> Iterator[tuple[int, Key, GroupValues]]:
    if not rows.size:
        return
    groups = _rows_of([_first_values(cells, field, rows) for field in pattern.group_by], rows.size)
    values = _rows_of([_first_values(cells, field, rows) for field in aggregated_fields(pattern)], rows.size)
    yield from zip(rows.tolist(), groups, values, strict=True)


def _parts(
    cells: _Cells, pattern: CompositePattern, satisfying: Sequence[Rows]
) -> dict[int, list[tuple[int, Key, GroupValues]]]:
    """For each row the parts that it counts in, in their order."""
    found: defaultdict[int, list[tuple[int, Key, GroupValues]]] = defaultdict(list)
    for number, (part, rows) in enumerate(zip(pattern.parts, satisfying, strict=True)):
        for row, group, values in _groups(cells, part, rows):
            found[row].append((number, group, values))
    return found


def _rows_of(columns: list[list[Scalar | None]], length: int) -> Iterable[tuple[Scalar | None, ...]]:
    return zip(*columns, strict=True) if columns else itertools.repeat((), length)


def _key_values(cells: _Cells, key: JoinKey, rows: Rows) -> list[tuple[Scalar | None, ...]]:
    missing = (None,) if key.optional else ()
    return [
        (values[0],) if len(values) == 1 else tuple(sorted(set(values))) or missing
        for values in cells.values(key.field, rows)
    ]


def _first_values(cells: _Cells, field: Field, rows: Rows) -> list[Scalar | None]:
    return [values[0] if values else None for values in cells.values(field, rows)]


def _first_integers(batch: Batch, ref: FieldRef, missing: int) -> Integers:
    """The first value of a column of whole numbers or dates for every row, ``missing`` where there is none."""
    column = batch.columns[ref]
    if pa.types.is_list(column.type):
        firsts = _first_values(_Cells(batch), Field(ref), np.arange(batch.length))
        return np.array([missing if value is None else value for value in firsts], np.int64)
    return np.asarray(column.fill_null(missing), np.int64)
