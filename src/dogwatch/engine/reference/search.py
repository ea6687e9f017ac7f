"""A whole search the long way: every document asked about every stage, then the plain finders, then the limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import TypeVar

from dogwatch.engine.passed import MAX_KEYS, StagePassed
from dogwatch.engine.reference.predicate import ValuesOf, evaluate
from dogwatch.engine.reference.sample import find_samples
from dogwatch.engine.reference.sequence import find_sequences
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Document, Event
from dogwatch.events.document import field_values
from dogwatch.logic.pattern import (
    OWN_CLOCK,
    Clock,
    End,
    EventPattern,
    JoinKey,
    Key,
    Limit,
    SamplePattern,
    SequencePattern,
    Stage,
    limits_with_size,
    stages_of,
)
from dogwatch.schema.field import Scalar

T = TypeVar("T")

ReadValues = Callable[[Document], ValuesOf]
"""From a document to the values of its fields."""


def values_in(document: Document) -> ValuesOf:
    """The values that a document holds of each field, coerced as the field says."""
    return lambda ref: field_values(document, ref)


def search(
    pattern: EventPattern | SequencePattern | SamplePattern,
    events: Sequence[Event],
    *,
    clock: Clock = OWN_CLOCK,
    limits: tuple[Limit, ...] = (),
    size: int | None = None,
    position: End = End.TAIL,
    max_samples_per_key: int = 1,
    read: ReadValues = values_in,
) -> list[SequenceHit] | list[Event]:
    """What a query finds among some events, which may come in any order.

    Args:
        pattern: What to look for.
        events: All of the events.
        clock: What orders them.
        limits: The query's pipes.
        size: Most results wanted; ``None`` is no limit.
        position: The end that ``size`` keeps where the query has no pipe; of samples it keeps the first.
        max_samples_per_key: How many samples a key gives at most.
        read: How values are read from documents.

    Returns:
        Events in canonical order, sequences by their last event, or samples by key.
    """
    if isinstance(pattern, SamplePattern):
        position = End.HEAD
    limits = limits_with_size(limits, size, position)
    values = {event.arrival: read(event.document) for event in events}
    clocked = sorted(
        (_clocked(event, values[event.arrival], clock) for event in events), key=lambda event: event.order
    )
    match pattern:
        case EventPattern(predicate=predicate):
            return _kept([event for event in clocked if evaluate(predicate, values[event.arrival])], limits)
        case SequencePattern():
            timed = [event for event in clocked if event.time != NO_TIME]
            rows = [StagePassed(event, _keys(pattern, values[event.arrival])) for event in timed]
            newest = max((event.time for event in timed), default=None)
            return _kept(find_sequences(pattern, [row for row in rows if row.keys], newest), limits)
        case SamplePattern():
            rows = [StagePassed(event, _keys(pattern, values[event.arrival])) for event in clocked]
            return _kept(find_samples(pattern, rows, max_samples_per_key), limits)


def _clocked(event: Event, values: ValuesOf, clock: Clock) -> Event:
    if clock.timestamp is not None:
        event = replace(event, time=_first(values(clock.timestamp), NO_TIME))
    if clock.tiebreaker is not None:
        event = replace(event, tiebreak=_first(values(clock.tiebreaker), NO_TIEBREAK))
    return event


def _first(values: Sequence[Scalar], missing: int) -> int:
    return int(values[0]) if values else missing


def _keys(pattern: SequencePattern | SamplePattern, values: ValuesOf) -> tuple[tuple[Key, int], ...]:
    """Each key that the event acts under with its stages as bits; the keys of the last stage come first."""
    stages = stages_of(pattern)
    count = len(pattern.stages)
    found: dict[Key, int] = {}
    for number in [*reversed(range(count)), *range(count, len(stages))]:
        if evaluate(stages[number].predicate, values):
            for key in _keys_of(stages[number], values):
                found[key] = found.get(key, 0) | 1 << number
    return tuple(found.items())


def _keys_of(stage: Stage, values: ValuesOf) -> Iterator[Key]:
    return islice(product(*(_choices(key, values) for key in stage.keys)), MAX_KEYS)


def _choices(key: JoinKey, values: ValuesOf) -> Sequence[Scalar | None]:
    field = key.field
    own = {value for value in values(field.ref) if not (field.blank_is_missing and value == "")}
    if not own and key.optional:
        return [None]
    return sorted(own, key=lambda value: (isinstance(value, str), value))


def _kept(results: list[T], limits: tuple[Limit, ...]) -> list[T]:
    for limit in limits:
        match limit.end:
            case End.HEAD:
                results = results[: limit.count]
            case End.TAIL:
                results = results[max(0, len(results) - limit.count) :]
    return results
