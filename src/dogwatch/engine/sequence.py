"""Sequences: events that follow each other under one key, matched as Elasticsearch's EQL matches them.

For each key and each stage but the last there is at most one pending sequence: the newest that reached the
stage. An event starts one in the first stage, or takes the one pending before its stage one stage further.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from dogwatch.engine.passed import StagePassed
from dogwatch.engine.state import EventRow, EventTable, Repeats, decode, encode, state_error
from dogwatch.events.batch import NO_TIME, Event
from dogwatch.logic.pattern import Key, SequencePattern

_FORMAT = 1
"""Version of the saved state."""

_EXPIRY_PARTS = 16
"""How often in the length of ``maxspan`` what can no longer finish in time is freed."""

Pending = tuple[Event, ...]
"""The events of an unfinished sequence, one for each stage so far."""


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


class _SavedKey(msgspec.Struct, frozen=True, array_like=True):
    key: Key
    newest: int
    pending: list[list[int]]


class _Saved(msgspec.Struct, frozen=True, array_like=True, tag="sequence"):
    format: int
    stages: int
    clock: int
    repeats_time: int | None
    repeats: list[str]
    evicted: int
    late: int
    repeated: int
    events: list[EventRow]
    keys: list[_SavedKey]


class KeyState:
    """What is pending under one key.

    Attributes:
        newest: Time of the newest start; nothing pending here started later.
        pending: For each stage but the last, the sequence that has just passed it, if any.
        count: How many of ``pending`` there are.
    """

    __slots__ = ("count", "newest", "pending")

    def __init__(self, stages: int) -> None:
        self.newest = NO_TIME
        self.pending: list[Pending | None] = [None] * (stages - 1)
        self.count = 0

    def step(self, event: Event, stages: int, maxspan: int | None) -> Pending | None:
        """Let the event act in the stages whose bits are set (``until`` being the highest).

        Returns:
            The events of the sequence that it finished, if it did.
        """
        pending = self.pending
        last = len(pending)
        finished = None
        until = stages >> (last + 1)
        stages &= (2 << last) - 1
        # From the last stage to the first, so that the event cannot follow itself.
        while stages:
            stage = stages.bit_length() - 1
            stages ^= 1 << stage
            if stage == 0:
                self._start(event)
                continue
            before = pending[stage - 1]
            if before is None or not precedes(before[-1], event):
                continue
            # It leaves its stage whatever becomes of it: no older one takes its place.
            pending[stage - 1] = None
            self.count -= 1
            if maxspan is not None and event.time - before[0].time > maxspan:
                continue
            if stage == last:
                finished = (*before, event)
                continue
            if pending[stage] is None:
                self.count += 1
            pending[stage] = (*before, event)
        if until:
            self._end(event)
        return finished

    def _start(self, event: Event) -> None:
        held = self.pending[0]
        if held is None:
            self.count += 1
        elif not precedes(held[0], event):
            return
        self.pending[0] = (event,)
        if event.time > self.newest:
            self.newest = event.time

    def _end(self, until: Event) -> None:
        # What this very event has just joined ends too; what it finished does not.
        self.pending = [held if held and precedes(until, held[-1]) else None for held in self.pending]
        self.count = len(self.pending) - self.pending.count(None)


class SequenceMatcher:
    """Finds the sequences of one pattern in a stream of passed rows.

    Rows should come in canonical order. One that comes after a later one (``late`` counts them) never gives
    a sequence whose events are out of order, but sequences may be missed; see ``LateTolerantMatcher``.

    Args:
        pattern: What to look for.
        limit_entries: Pending sequences to hold at most; beyond it those under the key with the oldest last
            start are dropped.

    Attributes:
        evicted: Pending sequences dropped for want of room.
        late: Rows that came out of order.
        repeated: Rows ignored because their event was already there.
    """

    def __init__(self, pattern: SequencePattern, limit_entries: int = 1_000_000) -> None:
        self.evicted = 0
        self.late = 0
        self.repeated = 0
        self._stages = len(pattern.stages)
        self._maxspan = pattern.maxspan
        self._limit = limit_entries
        # By newest start, oldest first: what expires or is evicted is at the front.
        self._keys: OrderedDict[Key, KeyState] = OrderedDict()
        self._entries = 0
        self._clock = NO_TIME
        self._next_expiry = NO_TIME
        self._repeats = Repeats()

    @property
    def entries(self) -> int:
        """Number of pending sequences now held."""
        return self._entries

    def feed(self, passed: StagePassed) -> list[SequenceHit]:
        """Let the next row act.

        Returns:
            The sequences that it finished: at most one for each of its keys, in the keys' order.
        """
        event = passed.event
        if self._repeats.seen(event):
            self.repeated += 1
            return []
        if event.time >= self._clock:
            self._clock = event.time
            if self._maxspan is not None and event.time >= self._next_expiry:
                self._expire(self._maxspan)
        else:
            self.late += 1
        hits = []
        for key, stages in passed.keys:
            finished = self._step(key, event, stages)
            if finished is not None:
                hits.append(SequenceHit(key, finished))
        return hits

    def advance(self, clock: int) -> None:
        """Let the clock of the data reach ``clock`` without a row; what can no longer finish is freed."""
        if clock > self._clock:
            self._clock = clock
            if self._maxspan is not None:
                self._expire(self._maxspan)

    def save(self) -> bytes:
        """What is pending, as bytes for ``restore``, in this or a later version of the program."""
        table = EventTable()
        keys = [
            _SavedKey(key, state.newest, [[table.number(event) for event in held or ()] for held in state.pending])
            for key, state in self._keys.items()
        ]
        time, ids = self._repeats.saved()
        saved = _Saved(
            _FORMAT,
            self._stages,
            self._clock,
            time,
            ids,
            self.evicted,
            self.late,
            self.repeated,
            table.rows(),
            keys,
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
        events = [row.event() for row in saved.events]
        self._keys = OrderedDict((entry.key, self._restored(entry, events)) for entry in saved.keys)
        self._entries = sum(state.count for state in self._keys.values())
        self._clock = self._next_expiry = saved.clock
        self._repeats = Repeats(saved.repeats_time, saved.repeats)
        self.evicted, self.late, self.repeated = saved.evicted, saved.late, saved.repeated
        self._evict()

    def _restored(self, entry: _SavedKey, events: list[Event]) -> KeyState:
        state = KeyState(self._stages)
        state.newest = entry.newest
        if len(entry.pending) != len(state.pending):
            raise state_error("a key has the wrong number of stages")
        for stage, numbers in enumerate(entry.pending):
            if not numbers:
                continue
            if len(numbers) != stage + 1 or not all(0 <= number < len(events) for number in numbers):
                raise state_error("a pending sequence names events that are not there")
            state.pending[stage] = tuple(events[number] for number in numbers)
            state.count += 1
        return state

    def _step(self, key: Key, event: Event, stages: int) -> Pending | None:
        state = self._keys.get(key)
        if state is None:
            if not stages & 1:
                return None
            state = self._keys[key] = KeyState(self._stages)
        elif stages & 1:
            self._keys.move_to_end(key)
        before = state.count
        finished = state.step(event, stages, self._maxspan)
        self._entries += state.count - before
        if not state.count:
            del self._keys[key]
        elif self._entries > self._limit:
            self._evict()
        return finished

    def _expire(self, maxspan: int) -> None:
        self._next_expiry = self._clock + maxspan // _EXPIRY_PARTS
        oldest = self._clock - maxspan
        while self._keys:
            key, state = next(iter(self._keys.items()))
            if state.newest >= oldest:
                return
            del self._keys[key]
            self._entries -= state.count

    def _evict(self) -> None:
        while self._entries > self._limit:
            _, state = self._keys.popitem(last=False)
            self._entries -= state.count
            self.evicted += state.count


def precedes(first: Event, second: Event) -> bool:
    """Whether the first event comes before the second in canonical order."""
    return first.time < second.time or (first.time == second.time and first.order < second.order)
