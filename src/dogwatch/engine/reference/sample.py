"""Samples the long way: every combination of the events of all stages, of which some are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product

from dogwatch.engine.ordering import sort_key
from dogwatch.engine.passed import StagePassed
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import Event, Identity
from dogwatch.logic.pattern import Key, SamplePattern
from dogwatch.schema.field import FieldType, Scalar


def find_samples(
    pattern: SamplePattern, passed: Iterable[StagePassed], max_samples_per_key: int = 1
) -> list[SequenceHit]:
    """The samples in a complete list of passed rows, which may come in any order.

    Returns:
        By key, null first; for one key those whose events come first, in the order of the stages.
    """
    rows = sorted(passed, key=lambda row: row.event.order)
    keys = {key for row in rows for key, _ in row.keys}
    kinds = [key.field.ref.type for key in pattern.stages[0].keys]
    found = []
    for key in sorted(keys, key=lambda key: [_rank(*pair) for pair in zip(key, kinds, strict=True)]):
        events_of = [_events_of(rows, key, stage) for stage in range(len(pattern.stages))]
        found += [SequenceHit(key, events) for events in islice(_different(events_of), max_samples_per_key)]
    return found


def _different(events_of: Sequence[Sequence[Event]]) -> Iterator[tuple[Event, ...]]:
    for events in product(*events_of):
        if len({event.identity for event in events}) == len(events):
            yield events


def _events_of(rows: Iterable[StagePassed], key: Key, stage: int) -> list[Event]:
    events: dict[Identity, Event] = {}
    for row in rows:
        if any(own == key and stages >> stage & 1 for own, stages in row.keys):
            events.setdefault(row.event.identity, row.event)
    return list(events.values())


def _rank(value: Scalar | None, kind: FieldType) -> tuple[object, ...]:
    match value:
        case None:
            return (False,)
        case str():
            return (True, sort_key(value, kind), value)
        case _:
            return (True, value)
