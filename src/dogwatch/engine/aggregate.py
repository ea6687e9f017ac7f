"""Aggregates: groups of events in a sliding window, tested at each event (FortiSIEM's subpatterns)."""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from dogwatch.engine.accumulator import Accumulator, Number, accumulator
from dogwatch.engine.constraint import Values, compile_constraint
from dogwatch.engine.passed import GroupPassed, aggregated_fields
from dogwatch.engine.state import EventRow, EventTable, Repeats, decode, encode, state_error
from dogwatch.events.batch import NO_TIME, Event
from dogwatch.logic.pattern import Aggregate, AggregatePattern, Key, aggregates_of
from dogwatch.schema.field import Scalar

_FORMAT = 2
"""Version of the saved state."""

_COMPACT = 32
"""Entries that may have left the front of a window before its list is cut."""

_FREE_PARTS = 16
"""How often in the length of a window the groups that it has left behind are freed."""

_LOSSES = ("evicted_groups", "evicted_rows", "late", "too_late", "repeated", "without_group")
"""The counters of a ``GroupAggregator``, which are saved with its state."""

Entry = tuple[int, Event | str, tuple[Scalar | None, ...]]
"""A contribution: its time, its event (only the id in the middle of a long window), its aggregated values."""


@dataclass(frozen=True, slots=True)
class AggregateHit:
    """A group whose constraint came to hold.

    Attributes:
        group: Its values of the grouping fields.
        time: Of the newest contributing event, in nanoseconds.
        first_time: Of the oldest contributing event.
        first_id: The id of the oldest contributing event.
        count: How many events contributed.
        events: The contributing events in order; of more than ``limit_events`` the oldest and the newest.
        aggregates: The value of each aggregate of the constraint, ``None`` where it had no values.
    """

    group: Key
    time: int
    first_time: int
    first_id: str
    count: int
    events: tuple[Event, ...]
    aggregates: dict[Aggregate, Number | None]


class _SavedGroup(msgspec.Struct, frozen=True, array_like=True):
    group: Key
    entries: list[tuple[int, int | str, tuple[Scalar | None, ...]]]


class _Saved(msgspec.Struct, frozen=True, array_like=True, tag="aggregate"):
    format: int
    fields: int
    clock: int
    repeats_time: int | None
    repeats: list[tuple[str, str]]
    losses: dict[str, int]
    events: list[EventRow]
    groups: list[_SavedGroup]


class _Group:
    """The window of one group: its entries by time, and the aggregates over them."""

    __slots__ = ("accumulators", "entries", "first")

    def __init__(self, accumulators: tuple[Accumulator, ...]) -> None:
        self.entries: list[Entry] = []
        self.first = 0
        self.accumulators = accumulators

    def __len__(self) -> int:
        return len(self.entries) - self.first

    def remove_first(self) -> None:
        self.first += 1
        if self.first > _COMPACT and self.first * 2 > len(self.entries):
            del self.entries[: self.first]
            self.first = 0

    def held(self) -> Iterator[Entry]:
        return iter(self.entries[self.first :])


class GroupAggregator:
    """Finds the groups that satisfy one aggregate pattern in a stream of passed rows.

    Rows should come in canonical order. One that comes late is put in its place if the window, counted back
    from the newest row, still reaches it; the group is then tested as of its newest event.

    Args:
        pattern: What to look for.
        limit_groups: Groups to hold at most; beyond it the least recently active are dropped.
        limit_rows: Rows to hold at most over all groups; beyond it the least recently active groups lose
            their oldest.
        limit_events: Events that a hit shows at most (at least 2): half of them the oldest, half the newest.

    Attributes:
        evicted_groups: Groups dropped for want of room.
        evicted_rows: Rows dropped for want of room, those of dropped groups included.
        late: Rows that came out of order.
        too_late: Those of them that no window reached any more; they were ignored.
        repeated: Rows ignored because their event was already there.
        without_group: Rows dropped because a grouping field was missing.
    """

    def __init__(
        self,
        pattern: AggregatePattern,
        limit_groups: int = 1_000_000,
        limit_rows: int = 10_000_000,
        limit_events: int = 100,
    ) -> None:
        if limit_events < 2:
            raise ValueError("limit_events must be at least 2")
        self.evicted_groups = 0
        self.evicted_rows = 0
        self.late = 0
        self.too_late = 0
        self.repeated = 0
        self.without_group = 0
        self._window = pattern.window
        self._keep_null_groups = pattern.keep_null_groups
        self._limit_groups = limit_groups
        self._limit_rows = limit_rows
        self._limit_events = limit_events
        self._aggregates = aggregates_of(pattern.constraint)
        self._holds = compile_constraint(pattern.constraint)
        fields = aggregated_fields(pattern)
        self._fields = len(fields)
        ofs = [(aggregate.function, aggregate.field) for aggregate in self._aggregates]
        self._makers = [accumulator(function) for function, field in ofs if field is not None]
        self._columns = tuple(fields.index(field) for _, field in ofs if field is not None)
        # By last activity, oldest first.
        self._groups: OrderedDict[Key, _Group] = OrderedDict()
        self._rows = 0
        self._clock = NO_TIME
        self._next_free = NO_TIME
        self._repeats = Repeats()

    @property
    def groups(self) -> int:
        """Number of groups now held."""
        return len(self._groups)

    @property
    def rows(self) -> int:
        """Number of rows now held, over all groups."""
        return self._rows

    def feed(self, passed: GroupPassed) -> list[AggregateHit]:
        """Let the next row count.

        Returns:
            The hit of its group if the constraint now holds, else nothing.
        """
        event = passed.event
        if self._repeats.seen(event):
            self.repeated += 1
            return []
        if not self._keep_null_groups and None in passed.group:
            self.without_group += 1
            return []
        if event.time >= self._clock:
            self._clock = event.time
            if event.time >= self._next_free:
                self._free()
        else:
            self.late += 1
            if event.time <= self._clock - self._window:
                self.too_late += 1
                return []
        group = self._groups.get(passed.group)
        if group is None:
            group = self._groups[passed.group] = self._new_group()
        else:
            self._groups.move_to_end(passed.group)
        self._enter(group, (event.time, event, passed.values))
        values = self._values(group)
        if self._holds(values):
            hit = self._hit(passed.group, group, values)
            self._forget(passed.group)
            return [hit]
        if self._rows > self._limit_rows or len(self._groups) > self._limit_groups:
            self._evict()
        return []

    def advance(self, clock: int) -> None:
        """Let the clock of the data reach ``clock`` without a row; groups that it left behind are freed."""
        if clock > self._clock:
            self._clock = clock
            self._free()

    def save(self) -> bytes:
        """The windows, as bytes for ``restore``, in this or a later version of the program."""
        table = EventTable()
        groups = [
            _SavedGroup(
                key,
                [
                    (time, event if isinstance(event, str) else table.number(event), values)
                    for time, event, values in group.held()
                ],
            )
            for key, group in self._groups.items()
        ]
        time, ids = self._repeats.saved()
        losses = {name: getattr(self, name) for name in _LOSSES}
        return encode(_Saved(_FORMAT, self._fields, self._clock, time, ids, losses, table.rows(), groups))

    def restore(self, data: bytes) -> None:
        """Go on from what ``save`` gave, in place of what is held now.

        The caller knows that the state belongs to the same pattern; only its shape is checked.

        Raises:
            DogwatchError: The bytes hold no state of such a pattern (``state-format``).
        """
        saved = decode(data, _Saved)
        if saved.format != _FORMAT:
            raise state_error(f"their format is {saved.format}, not {_FORMAT}")
        if saved.fields != self._fields:
            raise state_error(f"they are of a pattern over {saved.fields} fields, not {self._fields}")
        events = [row.event() for row in saved.events]
        self._groups = OrderedDict((entry.group, self._restored(entry, events)) for entry in saved.groups)
        self._rows = sum(map(len, self._groups.values()))
        self._clock = self._next_free = saved.clock
        self._repeats = Repeats(saved.repeats_time, saved.repeats)
        for name in _LOSSES:
            setattr(self, name, saved.losses.get(name, 0))
        self._evict()

    def _restored(self, saved: _SavedGroup, events: list[Event]) -> _Group:
        if not saved.entries:
            raise state_error("there is a group without rows")
        group = self._new_group()
        for time, named, values in saved.entries:
            if isinstance(named, int) and not 0 <= named < len(events):
                raise state_error("a group names an event that is not there")
            if len(values) != self._fields:
                raise state_error("a row has the wrong number of values")
            group.entries.append((time, events[named] if isinstance(named, int) else named, values))
            self._count_in(group, values)
        return group

    def _new_group(self) -> _Group:
        return _Group(tuple(make() for make in self._makers))

    def _enter(self, group: _Group, entry: Entry) -> None:
        entries = group.entries
        self._rows += 1
        if entries and entry[0] < entries[-1][0]:
            # What remembers the order of entering (minimum, maximum) has to be worked out again.
            entries.insert(bisect.bisect_right(entries, entry[0], lo=group.first, key=_time), entry)
            group.accumulators = tuple(make() for make in self._makers)
            for _, _, values in group.held():
                self._count_in(group, values)
            self._thin(group, len(group))
        else:
            entries.append(entry)
            self._count_in(group, entry[2])
        oldest = entries[-1][0] - self._window
        while entries[group.first][0] <= oldest:
            self._leave(group)
        if len(entries) - group.first > self._limit_events:
            self._thin(group, 1)

    def _leave(self, group: _Group) -> None:
        values = group.entries[group.first][2]
        for place, aggregate in enumerate(group.accumulators):
            value = values[self._columns[place]]
            if value is not None:
                aggregate.remove(value)
        group.remove_first()
        self._rows -= 1

    def _count_in(self, group: _Group, values: tuple[Scalar | None, ...]) -> None:
        for place, aggregate in enumerate(group.accumulators):
            value = values[self._columns[place]]
            if value is not None:
                aggregate.add(value)

    def _thin(self, group: _Group, count: int) -> None:
        """Keep only the ids of the last ``count`` events that are neither among the oldest nor the newest."""
        limit = self._limit_events
        end = len(group.entries) - limit // 2
        for place in range(max(group.first + limit - limit // 2, end - count), end):
            time, event, values = group.entries[place]
            if isinstance(event, Event):
                group.entries[place] = (time, event.id, values)

    def _values(self, group: _Group) -> list[Number | None]:
        if not group.accumulators:
            return [len(group.entries) - group.first] * len(self._aggregates)
        values = iter(group.accumulators)
        return [len(group) if part.field is None else next(values).value() for part in self._aggregates]

    def _hit(self, key: Key, group: _Group, values: Values) -> AggregateHit:
        first_time, first, _ = group.entries[group.first]
        return AggregateHit(
            group=key,
            time=group.entries[-1][0],
            first_time=first_time,
            first_id=first if isinstance(first, str) else first.id,
            count=len(group),
            events=tuple(event for _, event, _ in group.held() if isinstance(event, Event)),
            aggregates=dict(zip(self._aggregates, values, strict=True)),
        )

    def _forget(self, key: Key) -> int:
        rows = len(self._groups.pop(key))
        self._rows -= rows
        return rows

    def _free(self) -> None:
        self._next_free = self._clock + self._window // _FREE_PARTS
        oldest = self._clock - self._window
        while self._groups:
            key, group = next(iter(self._groups.items()))
            if group.entries[-1][0] > oldest:
                return
            self._forget(key)

    def _evict(self) -> None:
        while len(self._groups) > self._limit_groups:
            self.evicted_rows += self._forget(next(iter(self._groups)))
            self.evicted_groups += 1
        while self._rows > self._limit_rows:
            key, group = next(iter(self._groups.items()))
            self._leave(group)
            self.evicted_rows += 1
            if not len(group):
                self._forget(key)
                self.evicted_groups += 1


def _time(entry: Entry) -> int:
    return entry[0]
