"""What a matcher of composite patterns keeps, in stored form."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from dogwatch.engine.aggregate import AggregateHit
from dogwatch.engine.passed import aggregated_fields
from dogwatch.engine.relation.history import Entry
from dogwatch.engine.relation.join import JoinKey
from dogwatch.engine.relation.match import Groups, Match, Place, groups_of
from dogwatch.engine.relation.memory import Memory
from dogwatch.engine.relation.order import PartAfter
from dogwatch.engine.state import EventTable, Repeats, state_error
from dogwatch.engine.value import Value
from dogwatch.events.batch import Event
from dogwatch.logic.pattern import AggregatePattern, CompositePattern, Key, aggregates_in


class StoredHit(msgspec.Struct, frozen=True, array_like=True):
    """An ``AggregateHit``: events by number, values in the order of the pattern."""

    group: Key
    time: int
    first_time: int
    first: str
    count: int
    events: list[int]
    aggregates: list[Value | None]
    shown: list[Value | None]


class StoredMatch(msgspec.Struct, frozen=True, array_like=True):
    """A kept ``Match``, with its join key and the groups that it has met."""

    parts: list[StoredHit | None]
    at: Place
    last: Place
    first_time: int
    start: int
    since: int
    key: JoinKey | None
    met: list[Groups]


class StoredMemory(msgspec.Struct, frozen=True, array_like=True):
    """A ``Memory``."""

    evicted: int
    matches: list[StoredMatch]


class StoredFollower(msgspec.Struct, frozen=True, array_like=True):
    """The state of a ``PartAfter``."""

    repeats_time: int | None
    repeats: list[tuple[str, str]]
    repeated: int
    without_group: int
    evicted: int
    groups: list[tuple[Key, list[Entry]]]
    documents: list[int]


class Store:
    """Writes what a matcher keeps, and reads it.

    Args:
        pattern: The matcher's pattern.
        events: The events that numbers mean, to read.

    Attributes:
        table: The events that numbers mean, as they were written.
    """

    def __init__(self, pattern: CompositePattern, events: Sequence[Event] = ()) -> None:
        self.table = EventTable()
        self._pattern = pattern
        self._events = events

    def memory(self, memory: Memory) -> StoredMemory:
        """A memory in stored form."""
        matches = [
            StoredMatch(
                [None if hit is None else self._stored_hit(hit) for hit in one.match.parts],
                one.match.at,
                one.match.last,
                one.match.first_time,
                one.match.start,
                one.match.since,
                one.key,
                sorted(one.met, key=str),
            )
            for one in memory
        ]
        return StoredMemory(memory.evicted, matches)

    def restore_memory(self, memory: Memory, stored: StoredMemory) -> None:
        """Fill an empty memory with what was stored.

        Raises:
            DogwatchError: It cannot be of such a pattern.
        """
        for one in stored.matches:
            if len(one.parts) != len(self._pattern.parts):
                raise state_error("a match has the wrong number of parts")
            hits = [
                None if hit is None else self._hit(part, hit)
                for part, hit in zip(self._pattern.parts, one.parts, strict=True)
            ]
            parts = tuple(hits)
            match = Match(parts, one.at, one.last, one.first_time, one.start, one.since, groups_of(parts))
            kept = memory.add(match, one.key)
            for groups in one.met:
                memory.meet(kept, groups)
        memory.evicted = stored.evicted

    def follower(self, follower: PartAfter) -> StoredFollower:
        """A part that follows something in stored form."""
        time, ids = follower.repeats.saved()
        return StoredFollower(
            time,
            ids,
            follower.repeated,
            follower.without_group,
            follower.histories.evicted,
            [(group, list(entries)) for group, entries in follower.histories.groups],
            [self.table.number(event) for event in follower.histories.documents],
        )

    def restore_follower(self, follower: PartAfter, stored: StoredFollower) -> None:
        """Let a part go on from what was stored.

        Raises:
            DogwatchError: It cannot be of such a pattern.
        """
        part = self._pattern.parts[follower.number]
        fields = len(aggregated_fields(part))
        for group, entries in stored.groups:
            if len(group) != len(part.group_by) or not entries:
                raise state_error("a group has the wrong number of values, or no rows")
            if any(len(values) != fields for _, _, values in entries):
                raise state_error("a row has the wrong number of values")
            if any(one[0] > other[0] for one, other in itertools.pairwise(entries)):
                raise state_error("the rows of a group are out of order")
        follower.repeats = Repeats(stored.repeats_time, stored.repeats)
        follower.repeated = stored.repeated
        follower.without_group = stored.without_group
        follower.histories.restore(stored.groups, map(self._event, stored.documents))
        follower.histories.evicted = stored.evicted

    def _stored_hit(self, hit: AggregateHit) -> StoredHit:
        return StoredHit(
            hit.group,
            hit.time,
            hit.first_time,
            hit.first,
            hit.count,
            [self.table.number(event) for event in hit.events],
            list(hit.aggregates.values()),
            list(hit.shown.values()),
        )

    def _hit(self, part: AggregatePattern, stored: StoredHit) -> AggregateHit:
        aggregates, shown = aggregates_in(part), [name for name, _ in part.shown]
        if (len(stored.group), len(stored.aggregates), len(stored.shown)) != (
            len(part.group_by),
            len(aggregates),
            len(shown),
        ):
            raise state_error("an occurrence has the wrong number of values")
        return AggregateHit(
            group=stored.group,
            time=stored.time,
            first_time=stored.first_time,
            first=stored.first,
            count=stored.count,
            events=tuple(map(self._event, stored.events)),
            aggregates=dict(zip(aggregates, stored.aggregates, strict=True)),
            shown=dict(zip(shown, stored.shown, strict=True)),
        )

    def _event(self, number: int) -> Event:
        if not 0 <= number < len(self._events):
            raise state_error("something names an event that is not there")
        return self._events[number]
