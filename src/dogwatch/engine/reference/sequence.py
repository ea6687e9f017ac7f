"""Sequences the long way: stage after stage over the whole list, each with its list of candidates.

This is how Elasticsearch goes about it (one search for each stage), and not how ``engine.sequence`` does,
which goes event by event. The two must agree; tests hold them against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dogwatch.engine.passed import StagePassed
from dogwatch.events.batch import Event
from dogwatch.logic.pattern import Key, SequencePattern


def find_sequences(pattern: SequencePattern, passed: Iterable[StagePassed]) -> list[tuple[Key, tuple[Event, ...]]]:
    """Every sequence in a complete list of passed rows, which may come in any order.

    Returns:
        The key and the events of each, by last event; those with the same last event in the order of its keys.
    """
    rows = sorted(_without_repeats(passed), key=lambda row: row.event.order)
    keys = dict.fromkeys(key for row in rows for key, _ in row.keys)
    found = [(key, events) for key in keys for events in _under_key(pattern, key, rows)]
    place_of_key = {(row.event.order, key): place for row in rows for place, (key, _) in enumerate(row.keys)}

    def end(hit: tuple[Key, tuple[Event, ...]]) -> tuple[tuple[int, int, int], int]:
        key, events = hit
        return events[-1].order, place_of_key[events[-1].order, key]

    return sorted(found, key=end)


def _without_repeats(passed: Iterable[StagePassed]) -> list[StagePassed]:
    kept: list[StagePassed] = []
    ids: set[tuple[str, int]] = set()
    for row in sorted(passed, key=lambda row: row.event.order):
        name = (row.event.id, row.event.time)
        if row.event.has_own_id and name in ids:
            continue
        if row.event.has_own_id:
            ids.add(name)
        kept.append(row)
    return kept


def _under_key(pattern: SequencePattern, key: Key, rows: Sequence[StagePassed]) -> list[tuple[Event, ...]]:
    events_of = [_events_of(rows, key, stage) for stage in range(len(pattern.stages))]
    ends = _events_of(rows, key, len(pattern.stages)) if pattern.until else []
    candidates: list[tuple[Event, ...]] = [(event,) for event in events_of[0]]
    for events in events_of[1:]:
        longer = []
        for event in events:
            earlier = [candidate for candidate in candidates if candidate[-1].order < event.order]
            if not earlier:
                continue
            latest = max(earlier, key=lambda candidate: candidate[-1].order)
            candidates = [candidate for candidate in candidates if candidate not in earlier]
            if pattern.maxspan is not None and event.time - latest[0].time > pattern.maxspan:
                continue
            if any(latest[-1].order <= end.order < event.order for end in ends):
                continue
            longer.append((*latest, event))
        candidates = longer
    return candidates


def _events_of(rows: Sequence[StagePassed], key: Key, stage: int) -> list[Event]:
    return [row.event for row in rows if any(own == key and stages >> stage & 1 for own, stages in row.keys)]
