"""Sequences in a stream whose rows may come late: the key of a late row is run again.

The passed rows of each key are retained for as long as a late one could join them. Running over retained rows
alone never invents a sequence: what starts among them goes the same way whatever came before.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict

import msgspec

from dogwatch.engine.passed import StagePassed
from dogwatch.engine.sequence import KeyState, Pending, SequenceHit
from dogwatch.engine.state import EventRow, EventTable, decode, encode, state_error
from dogwatch.events.batch import NO_TIME, Event
from dogwatch.logic.pattern import Key, SequencePattern

_FORMAT = 1
"""Version of the saved state."""

Place = tuple[int, int, int]
"""An event's ``order``."""


class _SavedKey(msgspec.Struct, frozen=True, array_like=True):
    key: Key
    rows: list[tuple[int, int]]
    told: list[list[Place]]


class _Saved(msgspec.Struct, frozen=True, array_like=True, tag="late-sequence"):
    format: int
    stages: int
    clock: int
    losses: dict[str, int]
    events: list[EventRow]
    keys: list[_SavedKey]


class _Retained:
    """The rows of one key in canonical order, what is pending after them, and the hits already given."""

    __slots__ = ("rows", "state", "told")

    def __init__(self, stages: int) -> None:
        self.rows: list[tuple[Event, int]] = []
        self.state = KeyState(stages)
        self.told: dict[Place, tuple[Place, ...]] = {}

    def holds(self, event: Event) -> bool:
        """Whether a row of this very event, by the id that its producer gave it, is there."""
        if not event.has_own_id:
            return False
        place = bisect.bisect_left(self.rows, event.time, key=_time)
        for other, _ in self.rows[place:]:
            if other.time != event.time:
                return False
            if other.has_own_id and other.id == event.id:
                return True
        return False

    def forget(self, count: int) -> None:
        """Drop the oldest rows, and the hits that ended on them."""
        del self.rows[:count]
        first = self.rows[0][0].order if self.rows else None
        self.told = {end: told for end, told in self.told.items() if first is not None and end >= first}


class LateTolerantMatcher:
    """Finds the sequences of one pattern in a stream of passed rows that may come out of canonical order.

    A hit is given at once. If a late row makes a better reading of a sequence with the same key and the same
    last event, that is given as another hit; a hit that a late row refutes is not taken back.

    Args:
        pattern: What to look for.
        lateness: How much older than the newest row a row may be, in nanoseconds.
        limit_rows: Rows to retain at most; beyond it the least recently active keys are forgotten.
        limit_rows_of_key: Rows of one key to retain at most, which bounds the cost of a late row.

    Attributes:
        evicted: Rows forgotten for want of room.
        late: Rows that came late and counted.
        too_late: Rows older than ``lateness``, which were ignored.
        repeated: Rows ignored under a key because their event was already there.
    """

    def __init__(
        self,
        pattern: SequencePattern,
        lateness: int,
        limit_rows: int = 1_000_000,
        limit_rows_of_key: int = 1_000,
    ) -> None:
        self.evicted = 0
        self.late = 0
        self.too_late = 0
        self.repeated = 0
        self._stages = len(pattern.stages)
        self._maxspan = pattern.maxspan
        self._lateness = lateness
        self._limit_rows = limit_rows
        self._limit_rows_of_key = limit_rows_of_key
        # By last activity, oldest first.
        self._keys: OrderedDict[Key, _Retained] = OrderedDict()
        self._rows = 0
        self._clock = NO_TIME

    @property
    def rows(self) -> int:
        """Number of rows now retained, over all keys."""
        return self._rows

    def feed(self, passed: StagePassed) -> list[SequenceHit]:
        """Let a row act, in its place.

        Returns:
            The sequences that are new, or read otherwise than before, because of it.
        """
        event = passed.event
        if event.time >= self._clock:
            self._clock = event.time
            self._expire()
        elif event.time < self._clock - self._lateness:
            self.too_late += 1
            return []
        else:
            self.late += 1
        hits = []
        for key, stages in passed.keys:
            retained = self._keys.get(key)
            if retained is None:
                retained = self._keys[key] = _Retained(self._stages)
            self._keys.move_to_end(key)
            if retained.holds(event):
                self.repeated += 1
                continue
            for finished in self._enter(retained, event, stages):
                places = tuple(one.order for one in finished)
                if retained.told.get(places[-1]) != places:
                    retained.told[places[-1]] = places
                    hits.append(SequenceHit(key, finished))
            self._trim(retained)
        while self._rows > self._limit_rows:
            _, oldest = self._keys.popitem(last=False)
            self._rows -= len(oldest.rows)
            self.evicted += len(oldest.rows)
        return hits

    def advance(self, clock: int) -> None:
        """Let the clock of the data reach ``clock`` without a row; what can no longer matter is freed."""
        if clock > self._clock:
            self._clock = clock
            self._expire()

    def save(self) -> bytes:
        """The retained rows, as bytes for ``restore``, in this or a later version of the program."""
        table = EventTable()
        keys = [
            _SavedKey(
                key,
                [(table.number(event), stages) for event, stages in retained.rows],
                [list(places) for places in retained.told.values()],
            )
            for key, retained in self._keys.items()
        ]
        losses = {name: getattr(self, name) for name in _LOSSES}
        return encode(_Saved(_FORMAT, self._stages, self._clock, losses, table.rows(), keys))

    def restore(self, data: bytes) -> None:
        """Go on from what ``save`` gave, in place of what is retained now.

        Raises:
            DogwatchError: The bytes hold no state of such a pattern (``state-format``).
        """
        saved = decode(data, _Saved)
        if saved.format != _FORMAT:
            raise state_error(f"their format is {saved.format}, not {_FORMAT}")
        if saved.stages != self._stages:
            raise state_error(f"they are of a sequence of {saved.stages} stages, not {self._stages}")
        events = [row.event() for row in saved.events]
        keys: OrderedDict[Key, _Retained] = OrderedDict()
        for entry in saved.keys:
            retained = keys[entry.key] = _Retained(self._stages)
            for number, stages in entry.rows:
                if not 0 <= number < len(events) or stages < 0:
                    raise state_error("a key names an event or a stage that is not there")
                retained.rows.append((events[number], stages))
            if not retained.rows or not all(entry.told):
                raise state_error("a key or a sequence is without events")
            retained.told = {places[-1]: tuple(places) for places in entry.told}
            self._run(retained)
        self._keys = keys
        self._rows = sum(len(retained.rows) for retained in keys.values())
        self._clock = saved.clock
        for name in _LOSSES:
            setattr(self, name, saved.losses.get(name, 0))

    def _enter(self, retained: _Retained, event: Event, stages: int) -> list[Pending]:
        """Put in a row; returns the sequences that it finished, or all of the key's if it came late."""
        self._rows += 1
        rows = retained.rows
        if not rows or rows[-1][0].order < event.order:
            rows.append((event, stages))
            finished = retained.state.step(event, stages, self._maxspan)
            return [] if finished is None else [finished]
        rows.insert(bisect.bisect_left(rows, event.order, key=_order), (event, stages))
        return self._run(retained)

    def _run(self, retained: _Retained) -> list[Pending]:
        state = retained.state = KeyState(self._stages)
        steps = [state.step(event, stages, self._maxspan) for event, stages in retained.rows]
        return [finished for finished in steps if finished is not None]

    def _trim(self, retained: _Retained) -> None:
        # Rows go by the quarter, so that each costs its key no more than a few steps.
        held = len(retained.rows)
        drop = 0
        if self._maxspan is not None:
            drop = bisect.bisect_left(retained.rows, self._oldest(self._maxspan), key=_time)
        if held - drop > self._limit_rows_of_key:
            keep = max(1, self._limit_rows_of_key * 3 // 4)
            self.evicted += held - drop - keep
            drop = held - keep
        if drop * 4 >= held:
            retained.forget(drop)
            self._rows -= drop

    def _expire(self) -> None:
        while self._keys and self._maxspan is not None:
            key, retained = next(iter(self._keys.items()))
            if retained.rows[-1][0].time >= self._oldest(self._maxspan):
                return
            self._rows -= len(retained.rows)
            del self._keys[key]

    def _oldest(self, maxspan: int) -> int:
        """Time before which no row can share a sequence with one that may yet come."""
        return self._clock - self._lateness - maxspan


_LOSSES = ("evicted", "late", "too_late", "repeated")


def _time(row: tuple[Event, int]) -> int:
    return row[0].time


def _order(row: tuple[Event, int]) -> Place:
    return row[0].order
