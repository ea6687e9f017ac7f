"""Sequences in a stream whose rows may come late: the key of a late row is run again.

The passed rows of each key are retained for as long as a late one could join them. Running over retained rows
alone never invents a sequence: what starts among them goes the same way whatever came before, and of forgotten
rows the times are kept at which something occurred that must not lead a sequence.
"""

from __future__ import annotations

import bisect
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

import msgspec

from dogwatch.engine.absence import Waiting, WaitingRoom
from dogwatch.engine.machine import NO_LEADING, Candidate, KeyState, LeadingTimes, Shape, led
from dogwatch.engine.passed import StagePassed
from dogwatch.engine.sequence import SequenceHit
from dogwatch.engine.state import EventRow, EventTable, decode, encode, state_error
from dogwatch.events.batch import NO_TIME, Event
from dogwatch.logic.pattern import Key, SequencePattern

_FORMAT = 2
"""Version of the saved state."""

Place = tuple[int, int, int]
"""An event's ``order``."""

Row = tuple[Event, int, int]
"""An event, the stages that it satisfies under a key, and the key's place among those of the passed row."""


Finished = tuple[Candidate, int]
"""A complete candidate, and its key's place among those of the last event's row."""


class _SavedKey(msgspec.Struct, frozen=True, array_like=True):
    key: Key
    leading: LeadingTimes
    rows: list[tuple[int, int, int]]
    told: list[list[Place]]


class _Saved(msgspec.Struct, frozen=True, array_like=True, tag="late-sequence"):
    format: int
    stages: int
    absences: list[int]
    clock: int
    losses: dict[str, int]
    events: list[EventRow]
    keys: list[_SavedKey]


class _Retained:
    """The rows of one key in canonical order, what is pending after them, and the hits already given.

    ``leading`` is what the rows that were forgotten leave behind.
    """

    __slots__ = ("leading", "rows", "state", "told")

    def __init__(self, shape: Shape) -> None:
        self.rows: list[Row] = []
        self.leading = NO_LEADING
        self.state = KeyState(shape)
        self.told: dict[Place, tuple[Place, ...]] = {}

    def holds(self, event: Event) -> bool:
        """Whether a row of this very event, by the id that its producer gave it, is there."""
        if not event.has_own_id:
            return False
        place = bisect.bisect_left(self.rows, event.time, key=_time)
        for other, _, _ in self.rows[place:]:
            if other.time != event.time:
                return False
            if other.identity == event.identity:
                return True
        return False

    def enter(self, row: Row, shape: Shape) -> list[Finished]:
        """Let a row act that comes after all others; returns what it finished."""
        event, stages, rank = row
        self.rows.append(row)
        finished = self.state.step(event, stages, shape)
        return [] if finished is None else [(finished, rank)]

    def run(self, shape: Shape) -> list[Finished]:
        """Go through all rows anew; returns what they finish and nothing among them refutes."""
        self.state = KeyState(shape)
        self.state.leading = self.leading
        finished = [
            (candidate, rank)
            for event, stages, rank in self.rows
            if (candidate := self.state.step(event, stages, shape)) is not None
        ]
        matches = [event.time for event, stages, _ in self.rows if stages & shape.trailing]
        return [one for one in finished if not _refuted(one[0], matches, shape)] if matches else finished

    def forget(self, count: int, shape: Shape) -> None:
        """Drop the oldest rows, and the hits that ended on them."""
        for event, stages, _ in self.rows[:count]:
            if stages & shape.leading:
                self.leading = led(self.leading, event.time)
        del self.rows[:count]
        first = self.rows[0][0].order if self.rows else None
        self.told = {end: told for end, told in self.told.items() if first is not None and end >= first}


class LateTolerantMatcher:
    """Finds the sequences of one pattern in a stream of passed rows that may come out of canonical order.

    A hit is given at once, or, if something must not follow it, when the clock of the data has passed the
    window in which it could; lateness is not waited for. If a late row makes a better reading of a sequence
    with the same key and the same last event, that is given as another hit; a hit that a late row refutes is
    not taken back.

    Args:
        pattern: What to look for.
        lateness: How much older than the newest row a row may be, in nanoseconds.
        limit_rows: Rows to retain at most; beyond it the least recently active keys are forgotten, with what
            waits under them. A forgotten match of an absence refutes nothing any more.
        limit_rows_of_key: Rows of one key to retain at most, which bounds the cost of a late row.
        present: The time of day, nanoseconds since 1970 UTC. The clock of the data does not run ahead of it: a row
            that is stamped later takes its place, but makes no other row too late and decides nothing.

    Attributes:
        evicted: Rows forgotten for want of room.
        late: Rows that came late and counted.
        too_late: Rows older than ``lateness``, which were ignored.
        repeated: Rows ignored under a key because their event was already there.

    Raises:
        ValueError: The pattern has absences and no ``maxspan``.
    """

    def __init__(
        self,
        pattern: SequencePattern,
        lateness: int,
        limit_rows: int = 1_000_000,
        limit_rows_of_key: int = 1_000,
        present: Callable[[], int] = time.time_ns,
    ) -> None:
        self.evicted = 0
        self.late = 0
        self.too_late = 0
        self.repeated = 0
        self._shape = Shape.of(pattern)
        self._stages = len(pattern.stages)
        self._absences = [absence.after for absence in pattern.absences]
        self._maxspan = pattern.maxspan
        self._lateness = lateness
        self._limit_rows = limit_rows
        self._limit_rows_of_key = limit_rows_of_key
        self._present = present
        # By last activity, oldest first.
        self._keys: OrderedDict[Key, _Retained] = OrderedDict()
        self._rows = 0
        self._waiting = WaitingRoom()
        self._clock = NO_TIME

    @property
    def rows(self) -> int:
        """Number of rows now retained, over all keys."""
        return self._rows

    def feed(self, passed: StagePassed) -> list[SequenceHit]:
        """Let a row act, in its place.

        Returns:
            First the sequences that its time decided, by last event; then those that are new, or read
            otherwise than before, because of it.
        """
        event = passed.event
        hits: list[SequenceHit] = []
        if event.time > self._clock:
            hits = self.advance(event.time)
        elif event.time < self._clock - self._lateness:
            self.too_late += 1
            return []
        elif event.time < self._clock:
            self.late += 1
        for rank, (key, stages) in enumerate(passed.keys):
            retained = self._keys.get(key)
            if retained is None:
                retained = self._keys[key] = _Retained(self._shape)
            self._keys.move_to_end(key)
            if retained.holds(event):
                self.repeated += 1
                continue
            hits += self._settle(key, retained, self._enter(key, retained, (event, stages, rank)))
            self._trim(retained)
        while self._rows > self._limit_rows:
            key, oldest = self._keys.popitem(last=False)
            self._waiting.drop(key)
            self._rows -= len(oldest.rows)
            self.evicted += len(oldest.rows)
        return hits

    def advance(self, clock: int) -> list[SequenceHit]:
        """Let the clock of the data reach ``clock`` without a row; what can no longer matter is freed.

        Returns:
            The sequences that this decided, by last event.
        """
        clock = min(clock, self._present())
        if clock <= self._clock:
            return []
        self._clock = clock
        # Before its rows expire: what waits belongs to rows that are retained.
        hits = [self._tell(one.key, one.events) for one in self._waiting.release(clock)]
        self._expire()
        return hits

    def finish(self) -> list[SequenceHit]:
        """The data ends here: give what still waits for an absence, as if nothing more could have come.

        Returns:
            The sequences, by last event, each with its ``open_until``.
        """
        return [self._tell(one.key, one.events, one.end) for one in self._waiting.empty()]

    def save(self) -> bytes:
        """The retained rows, as bytes for ``restore``, in this or a later version of the program."""
        table = EventTable()
        keys = [
            _SavedKey(
                key,
                retained.leading,
                [(table.number(event), stages, rank) for event, stages, rank in retained.rows],
                [list(places) for places in retained.told.values()],
            )
            for key, retained in self._keys.items()
        ]
        losses = {name: getattr(self, name) for name in _LOSSES}
        return encode(_Saved(_FORMAT, self._stages, self._absences, self._clock, losses, table.rows(), keys))

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
        if saved.absences != self._absences:
            raise state_error("they are of a sequence with other absences")
        events = [row.event() for row in saved.events]
        keys: OrderedDict[Key, _Retained] = OrderedDict()
        for entry in saved.keys:
            retained = keys[entry.key] = _Retained(self._shape)
            retained.leading = entry.leading
            for number, stages, rank in entry.rows:
                if not 0 <= number < len(events) or stages < 0:
                    raise state_error("a key names an event or a stage that is not there")
                retained.rows.append((events[number], stages, rank))
            if not retained.rows or not all(entry.told):
                raise state_error("a key or a sequence is without events")
            retained.told = {places[-1]: tuple(places) for places in entry.told}
        self._keys = keys
        self._rows = sum(len(retained.rows) for retained in keys.values())
        self._clock = saved.clock
        self._waiting = WaitingRoom()
        for key, retained in keys.items():
            self._settle(key, retained, retained.run(self._shape))
        for name in _LOSSES:
            setattr(self, name, saved.losses.get(name, 0))

    def _enter(self, key: Key, retained: _Retained, row: Row) -> list[Finished]:
        """Put in a row; returns what it finished, or all that the key's rows finish if it is out of time."""
        self._rows += 1
        event, stages, _ = row
        if event.time <= self._clock and (not retained.rows or retained.rows[-1][0].order < event.order):
            if stages & self._shape.trailing:
                self._waiting.refute(key, event.time)
            return retained.enter(row, self._shape)
        retained.rows.insert(bisect.bisect_left(retained.rows, event.order, key=_order), row)
        self._waiting.drop(key)
        return retained.run(self._shape)

    def _settle(self, key: Key, retained: _Retained, finished: Iterable[Finished]) -> list[SequenceHit]:
        """Tell what is decided and was not told like this before; the rest waits."""
        hits = []
        for candidate, rank in finished:
            events = candidate.events
            if retained.told.get(events[-1].order) == _places(events):
                continue
            end = self._shape.window(candidate)
            if end is None or end < self._clock:
                hits.append(self._tell(key, events))
            else:
                self._waiting.add(Waiting(key, events, end, rank))
        return hits

    def _tell(self, key: Key, events: tuple[Event, ...], open_until: int | None = None) -> SequenceHit:
        self._keys[key].told[events[-1].order] = _places(events)
        return SequenceHit(key, events, open_until)

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
            retained.forget(drop, self._shape)
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


def _time(row: Row) -> int:
    return row[0].time


def _order(row: Row) -> Place:
    return row[0].order


def _places(events: tuple[Event, ...]) -> tuple[Place, ...]:
    return tuple(one.order for one in events)


def _refuted(candidate: Candidate, matches: list[int], shape: Shape) -> bool:
    """Whether one of the times, in order, at which something occurred that must not follow is in the window."""
    end = shape.window(candidate)
    place = bisect.bisect_right(matches, candidate.last.time)
    return end is not None and place < len(matches) and matches[place] <= end
