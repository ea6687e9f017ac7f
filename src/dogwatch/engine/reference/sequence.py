"""Sequences the long way: stage after stage over the whole list, each with its list of candidates.

This is how Elasticsearch goes about it (one search for each stage), and not how ``engine.sequence`` does,
which goes event by event. The two must agree; tests hold them against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dogwatch.engine.passed import StagePassed
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import Event, Identity
from dogwatch.logic.pattern import Key, SequencePattern


def find_sequences(
    pattern: SequencePattern, passed: Iterable[StagePassed], clock: int | None = None
) -> list[SequenceHit]:
    """Every sequence in a complete list of passed rows, which may come in any order.

    Args:
        pattern: What to look for.
        passed: All the rows.
        clock: Time of the newest event of the data, in nanoseconds since 1970 UTC, if it is later than that of
            the newest row. A sequence that something must not follow is open if this has not passed its window.

    Returns:
        The sequences by last event; those with the same last event in the order of its keys.
    """
    rows = _without_repeats(passed)
    if not rows:
        return []
    newest = rows[-1].event.time
    clock = newest if clock is None else max(clock, newest)
    found: list[SequenceHit] = []
    for key in dict.fromkeys(key for row in rows for key, _ in row.keys):
        absent = _times_of_absences(pattern, key, rows)
        found += [
            SequenceHit(key, events, _open_until(pattern, events, absent, clock))
            for events in _under_key(pattern, key, rows)
            if _stands(pattern, events, absent)
        ]
    place_of_key = {(row.event.order, key): place for row in rows for place, (key, _) in enumerate(row.keys)}

    def end(hit: SequenceHit) -> tuple[tuple[int, int, int], int]:
        return hit.events[-1].order, place_of_key[hit.events[-1].order, hit.keys]

    return sorted(found, key=end)


def _without_repeats(passed: Iterable[StagePassed]) -> list[StagePassed]:
    kept: dict[Identity, StagePassed] = {}
    for row in sorted(passed, key=lambda row: row.event.order):
        kept.setdefault(row.event.identity, row)
    return list(kept.values())


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


def _times_of_absences(pattern: SequencePattern, key: Key, rows: Sequence[StagePassed]) -> list[list[int]]:
    """For each place of the pattern the times at which something occurred that must not occur there."""
    times: list[list[int]] = [[] for _ in range(len(pattern.stages) + 1)]
    for number, absence in enumerate(pattern.absences, len(pattern.stages) + (pattern.until is not None)):
        times[absence.after] += [event.time for event in _events_of(rows, key, number)]
    return times


def _stands(pattern: SequencePattern, events: tuple[Event, ...], absent: list[list[int]]) -> bool:
    for one, other, times in zip(events, events[1:], absent[1:], strict=False):
        if any(one.time < time < other.time for time in times):
            return False
    if pattern.maxspan is None:
        return True
    before = [time for time in absent[0] if time < events[0].time]
    after = [time for time in absent[-1] if time > events[-1].time]
    places = {absence.after for absence in pattern.absences}
    match 0 in places, len(events) in places:
        case True, True:
            return not before or not after or min(after) - max(before) > pattern.maxspan
        case True, False:
            return not before or events[-1].time - max(before) > pattern.maxspan
        case False, True:
            return not after or min(after) - events[0].time > pattern.maxspan
        case _:
            return True


def _open_until(
    pattern: SequencePattern, events: tuple[Event, ...], absent: list[list[int]], clock: int
) -> int | None:
    """The end of the window in which an event could still come that must not follow."""
    places = {absence.after for absence in pattern.absences}
    if len(events) not in places or pattern.maxspan is None:
        return None
    before = [time for time in absent[0] if time < events[0].time]
    if 0 in places and not before:
        return None
    end = (max(before) if 0 in places else events[0].time) + pattern.maxspan
    return end if end >= clock and end > events[-1].time else None


def _events_of(rows: Sequence[StagePassed], key: Key, stage: int) -> list[Event]:
    return [row.event for row in rows if any(own == key and stages >> stage & 1 for own, stages in row.keys)]
