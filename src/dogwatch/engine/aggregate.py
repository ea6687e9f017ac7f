"""Aggregates: groups of events in a sliding window, tested at each event (FortiSIEM's subpatterns)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dogwatch.engine.accumulator import ORDERED, Accumulator, accumulator
from dogwatch.engine.constraint import compile_constraint, compile_expression, least_count
from dogwatch.engine.external import NO_EXTERNALS, Externals
from dogwatch.engine.packed import RowFormat, Values, digest_of
from dogwatch.engine.passed import GroupPassed, aggregated_fields
from dogwatch.engine.state import EventRow, Repeats, decode, encode, state_error
from dogwatch.engine.value import Value
from dogwatch.events.batch import NO_TIME, Event
from dogwatch.logic.pattern import Aggregate, AggregatePattern, Key, aggregates_in, aggregates_of
from dogwatch.schema.field import FieldType, Scalar

_FORMAT = 3
"""Version of the saved state."""

_FREE_PARTS = 16
"""How often in the length of a window the groups that it has left behind are freed."""

_SHRINK = 8
"""By which factor the number of groups must have fallen before their table is made anew, smaller."""

_SHARED_TEXTS = 65_536
"""Texts of groups of several fields that are looked out for, to be held once."""

_SHARED_LENGTH = 256
"""Characters of the longest of them."""

_LOSSES = ("evicted_groups", "evicted_rows", "late", "too_late", "repeated", "without_group")
"""The counters of a ``GroupAggregator``, which are saved with its state."""


@dataclass(frozen=True, slots=True)
class AggregateHit:
    """A group whose constraint came to hold.

    Attributes:
        group: Its values of the grouping fields.
        time: Of the newest contributing event, in nanoseconds.
        first_time: Of the oldest contributing event.
        first: ``digest_of`` the oldest contributing event, in hexadecimal.
        count: How many events contributed.
        events: Those of the contributing events that are still held, in order: at most ``limit_events``, the
            oldest and the newest. The one that completed the hit is among them, unless it came late and there
            are others.
        aggregates: The value of each of ``aggregates_in(pattern)``, ``None`` where it had no values.
        shown: The value of each expression that the pattern shows, by its name.
    """

    group: Key
    time: int
    first_time: int
    first: str
    count: int
    events: tuple[Event, ...]
    aggregates: dict[Aggregate, Value | None]
    shown: dict[str, Value | None]


class _SavedGroup(msgspec.Struct, frozen=True, array_like=True):
    group: Key
    rows: bytes
    listed: list[Scalar]


class _Saved(msgspec.Struct, frozen=True, array_like=True, tag="aggregate"):
    format: int
    fields: int
    clock: int
    repeats_time: int | None
    repeats: list[tuple[str, str]]
    losses: dict[str, int]
    events: list[tuple[bytes, EventRow]]
    groups: list[_SavedGroup]


class GroupAggregator:
    """Finds the groups that satisfy one aggregate pattern in a stream of passed rows.

    Rows should come in canonical order. One that comes late is put in its place if the window, counted back
    from the newest row, still reaches it; the group is then tested as of its newest event.

    As measured with one short text to group by, a group takes 280 bytes with its first row, and each further row
    28; each aggregated value adds 10, and a text among them its own length once over all groups. Aggregates that
    are tested before any least ``COUNT(*)`` is reached take another 220 bytes a group, a median or a percentile
    some 700, and 50 more for each value. A whole event of 1.5 kB of JSON takes about 10 kB. So the default limits
    hold a pattern that counts within 3/4 of a GiB, and one that averages a field within about 1 GiB.

    What is evicted is counted. A count is then reached later or never; a constraint that further events could
    undo (an average, a count that must stay low) may hold where it should not.

    Args:
        pattern: What to look for.
        limit_groups: Groups to hold at most; beyond it the least recently active are dropped.
        limit_rows: Rows to hold at most over all groups; beyond it the least recently active groups lose
            their oldest.
        limit_events: Events that a hit shows at most (at least 2): half of them the oldest, half the newest.
        limit_documents: Whole events to hold at most over all groups, for hits to show; beyond it the oldest are
            given up, which changes no hit but what it shows.
        externals: Where limits of devices and baselines come from.

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
        limit_documents: int = 20_000,
        *,
        externals: Externals = NO_EXTERNALS,
    ) -> None:
        if limit_events < 2:
            raise ValueError("limit_events must be at least 2")
        if limit_documents < 1:
            raise ValueError("limit_documents must be at least 1")
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
        self._limit_documents = limit_documents
        # Only the tested aggregates are kept up to date; the others are worked out for a hit.
        self._tested = aggregates_of(pattern.constraint)
        self._untested = aggregates_in(pattern)[len(self._tested) :]
        self._holds = compile_constraint(pattern.constraint, self._tested, externals)
        told = (*self._tested, *self._untested)
        self._shown = [(name, compile_expression(node, told, externals)) for name, node in pattern.shown]
        self._fields = aggregated_fields(pattern)
        self._columns = self._columns_of(self._tested)
        self._in_order = any(aggregate.function in ORDERED for aggregate in self._tested)
        self._format = self._new_format()
        self._least_bytes = least_count(pattern.constraint) * self._format.size
        # By last activity, oldest first.
        self._groups: OrderedDict[Key, bytearray] = OrderedDict()
        self._most_groups = 0
        self._accumulators: dict[Key, tuple[Accumulator, ...]] = {}
        self._documents: OrderedDict[bytes, Event] = OrderedDict()
        self._texts: dict[str, str] = {}
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

    @property
    def documents(self) -> int:
        """Number of whole events now held."""
        return len(self._documents)

    def feed(self, passed: GroupPassed) -> list[AggregateHit]:
        """Let the next row count.

        Returns:
            The hit of its group if the constraint now holds, else nothing.
        """
        event, key = passed.event, passed.group
        if self._repeats.seen(event):
            self.repeated += 1
            return []
        if not self._keep_null_groups and None in key:
            self.without_group += 1
            return []
        time = event.time
        late = time < self._clock
        if not late:
            self._clock = time
            if time >= self._next_free:
                self._free()
        else:
            self.late += 1
            if time <= self._clock - self._window:
                self.too_late += 1
                return []
        rows = self._groups.get(key)
        if rows is None:
            key = self._shared(key)
            rows = self._groups[key] = bytearray()
        else:
            self._groups.move_to_end(key)
        # None in the group is newer than one that is not late.
        behind = late and bool(rows) and time < self._format.newest_time(rows)
        self._enter(key, rows, event, passed.values, behind=behind)
        if len(rows) >= self._least_bytes:
            values = self._values(key, rows)
            if self._holds(values, key, self._format.newest_time(rows) if behind else time):
                hit = self._hit(key, rows, values, event)
                self._forget(key)
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
        groups = [_SavedGroup(key, *self._format.saved(rows)) for key, rows in self._groups.items()]
        events = [(digest, EventRow.of(event)) for digest, event in self._documents.items()]
        time, ids = self._repeats.saved()
        losses = {name: getattr(self, name) for name in _LOSSES}
        return encode(_Saved(_FORMAT, len(self._fields), self._clock, time, ids, losses, events, groups))

    def restore(self, data: bytes) -> None:
        """Go on from what ``save`` gave, in place of what is held now.

        The caller knows that the state belongs to the same pattern; only its shape is checked.

        Raises:
            DogwatchError: The bytes hold no state of such a pattern (``state-format``).
        """
        saved = decode(data, _Saved)
        if saved.format != _FORMAT:
            raise state_error(f"their format is {saved.format}, not {_FORMAT}")
        if saved.fields != len(self._fields):
            raise state_error(f"they are of a pattern over {saved.fields} fields, not {len(self._fields)}")
        form = self._new_format()
        try:
            groups = OrderedDict((each.group, form.restored(each.rows, each.listed)) for each in saved.groups)
        except ValueError as error:
            raise state_error(str(error)) from error
        self._format = form
        self._groups = groups
        self._most_groups = len(groups)
        self._accumulators = {}
        newest = saved.events[-self._limit_documents :]
        self._documents = OrderedDict((digest, row.event()) for digest, row in newest)
        self._rows = sum(map(len, groups.values())) // form.size
        self._clock = self._next_free = saved.clock
        self._repeats = Repeats(saved.repeats_time, saved.repeats)
        for name in _LOSSES:
            setattr(self, name, saved.losses.get(name, 0))
        self._evict()

    def _new_format(self) -> RowFormat:
        return RowFormat([field.ref.type is FieldType.DOUBLE for field in self._fields])

    def _columns_of(self, aggregates: Sequence[Aggregate]) -> list[int]:
        """For each aggregate of a field its place among the values of a row."""
        return [self._fields.index(each.field) for each in aggregates if each.field is not None]

    def _shared(self, key: Key) -> Key:
        """A new group's key, its texts those of other groups where they are equal."""
        if len(key) < 2:
            return key
        if len(self._texts) > _SHARED_TEXTS:
            self._texts.clear()
        share = self._texts.setdefault
        return tuple(
            share(value, value) if isinstance(value, str) and len(value) <= _SHARED_LENGTH else value
            for value in key
        )

    def _enter(self, key: Key, rows: bytearray, event: Event, values: Values, *, behind: bool) -> None:
        form, time = self._format, event.time
        digest = digest_of(event)
        documents = self._documents
        documents[digest] = event
        if len(documents) > self._limit_documents:
            documents.popitem(last=False)
        self._rows += 1
        if behind:
            # The window, counted back from the clock, reaches it, so it makes no other leave.
            form.insert(rows, time, digest, values)
        else:
            rows += form.packed(time, digest, values)
        if self._columns and (accumulators := self._accumulators.get(key)) is not None:
            if behind and self._in_order:
                # They are made anew from the rows.
                del self._accumulators[key]
            else:
                _count_in(accumulators, self._columns, values)
        oldest = time - self._window
        while form.time(rows, 0) <= oldest:
            self._leave(key, rows)
        if len(rows) > self._limit_events * form.size:
            self._thin(rows, every=behind)

    def _thin(self, rows: bytearray, *, every: bool) -> None:
        """Give up the events that are neither among the oldest nor the newest: the last of them, or every one."""
        form, limit = self._format, self._limit_events
        end = len(rows) // form.size - limit // 2
        for place in range(limit - limit // 2 if every else end - 1, end):
            self._documents.pop(form.digest(rows, place), None)

    def _leave(self, key: Key, rows: bytearray) -> None:
        form = self._format
        if (accumulators := self._accumulators.get(key)) is not None:
            _count_out(accumulators, self._columns, form.values(rows, 0))
        self._documents.pop(form.digest(rows, 0), None)
        form.remove_oldest(rows)
        self._rows -= 1

    def _values(self, key: Key, rows: bytearray) -> list[Value | None]:
        """The values of the tested aggregates."""
        count = len(rows) // self._format.size
        if not self._columns:
            return [count] * len(self._tested)
        accumulators = self._accumulators.get(key)
        if accumulators is None:
            accumulators = self._accumulators[key] = self._counted(self._tested, rows)
        return _results(self._tested, accumulators, count)

    def _counted(self, aggregates: Sequence[Aggregate], rows: bytearray) -> tuple[Accumulator, ...]:
        """Accumulators for the aggregates of a field, over all rows of a group."""
        accumulators = tuple(
            accumulator(each.function, each.percent)() for each in aggregates if each.field is not None
        )
        if accumulators:
            columns = self._columns_of(aggregates)
            for values in self._format.all_values(rows):
                _count_in(accumulators, columns, values)
        return accumulators

    def _hit(self, key: Key, rows: bytearray, tested: Sequence[Value | None], event: Event) -> AggregateHit:
        form, limit = self._format, self._limit_events
        count, time = len(rows) // form.size, form.newest_time(rows)
        values = [*tested, *_results(self._untested, self._counted(self._untested, rows), count)]
        ends = range(count) if count <= limit else (*range(limit - limit // 2), *range(count - limit // 2, count))
        digests = dict.fromkeys(form.digest(rows, place) for place in ends)
        held = tuple(self._documents[digest] for digest in digests if digest in self._documents)
        return AggregateHit(
            group=key,
            time=time,
            first_time=form.time(rows, 0),
            first=form.digest(rows, 0).hex(),
            count=count,
            events=held or (event,),
            aggregates=dict(zip((*self._tested, *self._untested), values, strict=True)),
            shown={name: calculate(values, key, time) for name, calculate in self._shown},
        )

    def _forget(self, key: Key) -> int:
        rows = self._groups.pop(key)
        self._accumulators.pop(key, None)
        for digest in self._format.digests(rows):
            self._documents.pop(digest, None)
        self._format.release(rows)
        count = len(rows) // self._format.size
        self._rows -= count
        return count

    def _free(self) -> None:
        self._next_free = self._clock + self._window // _FREE_PARTS
        oldest = self._clock - self._window
        self._most_groups = max(self._most_groups, len(self._groups))
        while self._groups:
            key, rows = next(iter(self._groups.items()))
            if self._format.newest_time(rows) > oldest:
                break
            self._forget(key)
        if len(self._groups) * _SHRINK < self._most_groups:
            self._groups = OrderedDict(self._groups)
            self._accumulators = dict(self._accumulators)
            self._most_groups = len(self._groups)

    def _evict(self) -> None:
        while len(self._groups) > self._limit_groups:
            self.evicted_rows += self._forget(next(iter(self._groups)))
            self.evicted_groups += 1
        while self._rows > self._limit_rows:
            key, rows = next(iter(self._groups.items()))
            self._leave(key, rows)
            self.evicted_rows += 1
            if not rows:
                self._forget(key)
                self.evicted_groups += 1


def _count_in(accumulators: Sequence[Accumulator], columns: Sequence[int], values: Values) -> None:
    for each, column in zip(accumulators, columns, strict=True):
        if (value := values[column]) is not None:
            each.add(value)


def _count_out(accumulators: Sequence[Accumulator], columns: Sequence[int], values: Values) -> None:
    for each, column in zip(accumulators, columns, strict=True):
        if (value := values[column]) is not None:
            each.remove(value)


def _results(
    aggregates: Sequence[Aggregate], accumulators: Sequence[Accumulator], count: int
) -> list[Value | None]:
    fielded = iter(accumulators)
    return [count if each.field is None else next(fielded).value() for each in aggregates]
