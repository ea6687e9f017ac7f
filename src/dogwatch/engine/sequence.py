"""Sequences: events that follow each other under one key, matched as Elasticsearch's EQL matches them.

The machine of each key (``engine.machine``) finishes candidates event by event. What must not follow them is
awaited in one room for all keys (``engine.absence``), until the clock of the data has passed it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from dogwatch.engine.absence import Waiting, WaitingRoom
from dogwatch.engine.machine import NO_LEADING, Candidate, KeyState, LeadingTimes, Shape
from dogwatch.engine.passed import StagePassed
from dogwatch.engine.state import EventRow, EventTable, Repeats, decode, encode, state_error
from dogwatch.events.batch import NO_TIME, Event
from dogwatch.logic.pattern import Key, SequencePattern

_FORMAT = 3
"""Version of the saved state."""

_EXPIRY_PARTS = 16
"""How often in the length of ``maxspan`` what can no longer finish in time is freed."""


@dataclass(frozen=True, slots=True)
class SequenceHit:
    """A finished sequence, or a sample: its key and one event for each stage that must occur.

    Attributes:
        keys: The join key.
        events: One for each of ``pattern.stages``; ``SequencePattern.laid_out`` puts them beside the absences.
        open_until: Set if an event that must not occur could still have come when this was given, because the
            data ended before its window did: the end of the window, nanoseconds since 1970 UTC.
    """

    keys: Key
    events: tuple[Event, ...]
    open_until: int | None = None


class _SavedCandidate(msgspec.Struct, frozen=True, array_like=True):
    events: list[int]
    leading: int | None
    between: int | None
    refuted: bool


class _SavedKey(msgspec.Struct, frozen=True, array_like=True):
    key: Key
    newest: int
    leading: LeadingTimes
    pending: list[_SavedCandidate | None]


class _SavedWaiting(msgspec.Struct, frozen=True, array_like=True):
    key: Key
    events: list[int]
    end: int
    rank: int


class _Saved(msgspec.Struct, frozen=True, array_like=True, tag="sequence"):
    format: int
    stages: int
    absences: list[int]
    clock: int
    repeats_time: int | None
    repeats: list[tuple[str, str]]
    evicted: int
    late: int
    repeated: int
    events: list[EventRow]
    keys: list[_SavedKey]
    waiting: list[_SavedWaiting]


class SequenceMatcher:
    """Finds the sequences of one pattern in a stream of passed rows.

    Rows should come in canonical order. One that comes after a later one (``late`` counts them) never gives
    a sequence whose events are out of order, but sequences may be missed, and one be given that an absence
    refutes; see ``LateTolerantMatcher``.

    A sequence that something must not follow is given when the clock of the data (the newest row, or
    ``advance``) has passed the window in which it could; at the end of the data ``finish`` gives those left.

    Args:
        pattern: What to look for.
        limit_entries: Candidates to hold at most, pending or waiting; what is remembered of a key's leading
            absences counts as one. Beyond it those with the oldest start are dropped, the pending ones by key;
            where a leading match was dropped, a sequence may be given that it refutes.

    Attributes:
        evicted: Entries dropped for want of room.
        late: Rows that came out of order.
        repeated: Rows ignored because their event was already there.

    Raises:
        ValueError: The pattern has absences and no ``maxspan``.
    """

    def __init__(self, pattern: SequencePattern, limit_entries: int = 1_000_000) -> None:
        self.evicted = 0
        self.late = 0
        self.repeated = 0
        self._shape = Shape.of(pattern)
        self._opens = 1 | self._shape.leading
        self._stages = len(pattern.stages)
        self._absences = [absence.after for absence in pattern.absences]
        self._maxspan = pattern.maxspan
        self._limit = limit_entries
        # By newest start, oldest first: what expires or is evicted is at the front.
        self._keys: OrderedDict[Key, KeyState] = OrderedDict()
        self._held = 0
        self._waiting = WaitingRoom()
        self._clock = NO_TIME
        self._next_expiry = NO_TIME
        self._repeats = Repeats()

    @property
    def entries(self) -> int:
        """Number of entries now held (see ``limit_entries``)."""
        return self._held + self._waiting.count

    def feed(self, passed: StagePassed) -> list[SequenceHit]:
        """Let the next row act.

        Returns:
            First the sequences that its time decided, by last event; then those that it finished: at most one
            for each of its keys, in the keys' order.
        """
        event = passed.event
        if self._repeats.seen(event):
            self.repeated += 1
            return []
        hits: list[SequenceHit] = []
        if event.time < self._clock:
            self.late += 1
        elif self._waiting.count or event.time >= self._next_expiry:
            hits = self.advance(event.time)
        else:
            self._clock = event.time
        for rank, (key, stages) in enumerate(passed.keys):
            if stages & self._shape.trailing:
                self._waiting.refute(key, event.time)
            finished = self._step(key, event, stages)
            if finished is None:
                continue
            end = self._shape.window(finished)
            if end is None or end < self._clock:
                hits.append(SequenceHit(key, finished.events))
            else:
                self._waiting.add(Waiting(key, finished.events, end, rank))
        if self._held + self._waiting.count > self._limit:
            self._evict()
        return hits

    def advance(self, clock: int) -> list[SequenceHit]:
        """Let the clock of the data reach ``clock`` without a row; what can no longer finish is freed.

        Returns:
            The sequences that this decided, by last event.
        """
        if clock <= self._clock:
            return []
        self._clock = clock
        if self._maxspan is not None and clock >= self._next_expiry:
            self._expire(self._maxspan)
        if not self._waiting.count:
            return []
        return [SequenceHit(one.key, one.events) for one in self._waiting.release(clock)]

    def finish(self) -> list[SequenceHit]:
        """The data ends here: give what still waits for an absence, as if nothing more could have come.

        ``advance`` to the newest event of all the data first, if the rows given are only some of it.

        Returns:
            The sequences, by last event, each with its ``open_until``.
        """
        return [SequenceHit(one.key, one.events, one.end) for one in self._waiting.empty()]

    def save(self) -> bytes:
        """What is pending and waiting, as bytes for ``restore``, in this or a later version of the program."""
        table = EventTable()
        keys = [
            _SavedKey(key, state.newest, state.leading, [_saved(one, table) for one in state.pending])
            for key, state in self._keys.items()
        ]
        waiting = [
            _SavedWaiting(one.key, [table.number(event) for event in one.events], one.end, one.rank)
            for one in self._waiting
        ]
        time, ids = self._repeats.saved()
        saved = _Saved(
            _FORMAT,
            self._stages,
            self._absences,
            self._clock,
            time,
            ids,
            self.evicted,
            self.late,
            self.repeated,
            table.rows(),
            keys,
            waiting,
        )
        return encode(saved)

    def restore(self, data: bytes) -> None:
        """Go on from what ``save`` gave, in place of what is pending now.

        The caller knows that the state belongs to the same pattern; only its shape is checked.

        Raises:
            DogwatchError: The bytes hold no state of such a pattern (``state-format``).
        """
        saved = decode(data, _Saved)
        if saved.format != _FORMAT:
            raise state_error(f"their format is {saved.format}, not {_FORMAT}")
        if saved.stages != self._stages:
            raise state_error(f"they are of a sequence of {saved.stages} stages, not {self._stages}")
        if saved.absences != self._absences:
            raise state_error("they are of a sequence with other absences")
        events = [row.event() for row in saved.events]
        keys = OrderedDict((entry.key, self._restored(entry, events)) for entry in saved.keys)
        room = WaitingRoom()
        for one in saved.waiting:
            if not self._shape.trailing:
                raise state_error("a sequence waits for nothing")
            room.add(Waiting(one.key, _named(one.events, events, self._stages), one.end, one.rank))
        self._keys, self._waiting = keys, room
        self._held = sum(state.count for state in keys.values())
        self._clock = self._next_expiry = saved.clock
        self._repeats = Repeats(saved.repeats_time, saved.repeats)
        self.evicted, self.late, self.repeated = saved.evicted, saved.late, saved.repeated
        self._evict()

    def _restored(self, entry: _SavedKey, events: list[Event]) -> KeyState:
        state = KeyState(self._shape)
        if len(entry.pending) != len(state.pending):
            raise state_error("a key has the wrong number of stages")
        for stage, one in enumerate(entry.pending):
            if one is not None:
                named = _named(one.events, events, stage + 1)
                state.pending[stage] = Candidate.of(named, one.leading, one.between, refuted=one.refuted)
                state.count += 1
        state.leading = entry.leading
        state.count += entry.leading != NO_LEADING
        state.newest = entry.newest
        return state

    def _step(self, key: Key, event: Event, stages: int) -> Candidate | None:
        state = self._keys.get(key)
        if state is None:
            if not stages & self._opens:
                return None
            state = self._keys[key] = KeyState(self._shape)
        elif stages & self._opens:
            self._keys.move_to_end(key)
        before = state.count
        finished = state.step(event, stages, self._shape)
        self._held += state.count - before
        if not state.count:
            del self._keys[key]
        return finished

    def _expire(self, maxspan: int) -> None:
        self._next_expiry = self._clock + maxspan // _EXPIRY_PARTS
        oldest = self._clock - maxspan
        while self._keys:
            key, state = next(iter(self._keys.items()))
            if state.newest >= oldest:
                return
            del self._keys[key]
            self._held -= state.count

    def _evict(self) -> None:
        while self.entries > self._limit:
            end = self._waiting.first_end
            oldest = next(iter(self._keys.values()), None)
            # What waits began a maxspan before its window ends.
            if end is not None and (oldest is None or end - (self._maxspan or 0) < oldest.newest):
                self._waiting.drop_first()
                self.evicted += 1
            else:
                _, state = self._keys.popitem(last=False)
                self._held -= state.count
                self.evicted += state.count


def _saved(candidate: Candidate | None, table: EventTable) -> _SavedCandidate | None:
    if candidate is None:
        return None
    events = [table.number(event) for event in candidate.events]
    return _SavedCandidate(events, candidate.leading, candidate.between, candidate.refuted)


def _named(numbers: list[int], events: list[Event], count: int) -> tuple[Event, ...]:
    if len(numbers) != count or not all(0 <= number < len(events) for number in numbers):
        raise state_error("a sequence names events that are not there")
    return tuple(events[number] for number in numbers)
