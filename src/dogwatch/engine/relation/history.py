"""The events of a part that has to follow something: its constraint is asked from any start on."""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from operator import itemgetter

from dogwatch.engine.accumulator import accumulator
from dogwatch.engine.aggregate import AggregateHit
from dogwatch.engine.constraint import compile_constraint, compile_expression, least_count
from dogwatch.engine.external import Externals
from dogwatch.engine.packed import digest_of
from dogwatch.engine.passed import aggregated_fields
from dogwatch.engine.relation.memory import Room
from dogwatch.engine.value import Value
from dogwatch.events.batch import Event
from dogwatch.logic import pattern as logic
from dogwatch.logic.pattern import Aggregate, AggregateFunction, AggregatePattern, Constraint, Key, aggregates_in
from dogwatch.logic.predicate import Order
from dogwatch.schema.field import Scalar

Entry = tuple[int, bytes, tuple[Scalar | None, ...]]
"""The time of an event, its digest, and the values that are aggregated."""

_time = itemgetter(0)


def is_single(constraint: Constraint) -> bool:
    """Whether a constraint holds for any one event, as ``COUNT(*) >= 1`` does."""
    match constraint:
        case logic.AggregateCompare(
            op=op, left=Aggregate(AggregateFunction.COUNT, None), right=logic.Number(value=value), negated=False
        ):
            return (op is Order.GE and value <= 1) or (op is Order.GT and value < 1)
        case _:
            return False


class Histories:
    """The events of one part by group, for as long as something may ask what they are together.

    Args:
        pattern: The part.
        keep: For how long events are kept, in nanoseconds.
        room: The limits.
        externals: Where limits of devices and baselines come from.

    Attributes:
        evicted: Rows forgotten for want of room.
        least: The fewest events that can satisfy the part.
    """

    def __init__(self, pattern: AggregatePattern, keep: int, room: Room, externals: Externals) -> None:
        self.evicted = 0
        self._keep = keep
        self._room = room
        self._aggregates = aggregates_in(pattern)
        self._holds = compile_constraint(pattern.constraint, self._aggregates, externals)
        self._shown = [
            (name, compile_expression(node, self._aggregates, externals)) for name, node in pattern.shown
        ]
        self.least = least_count(pattern.constraint)
        fields = aggregated_fields(pattern)
        self._makers = [
            (fields.index(each.field), accumulator(each.function, each.percent))
            for each in self._aggregates
            if each.field is not None
        ]
        # By last activity, oldest first.
        self._groups: OrderedDict[Key, list[Entry]] = OrderedDict()
        self._rows = 0
        self._documents: OrderedDict[bytes, Event] = OrderedDict()

    @property
    def rows(self) -> int:
        """Number of rows now held, over all groups."""
        return self._rows

    @property
    def groups(self) -> Iterable[tuple[Key, Sequence[Entry]]]:
        """Each group with its rows, the least recently active first."""
        return self._groups.items()

    @property
    def documents(self) -> Iterable[Event]:
        """The events that are held whole, the oldest first."""
        return self._documents.values()

    def enter(self, group: Key, event: Event, values: tuple[Scalar | None, ...], since: int) -> int:
        """Keep the newest event of a group.

        Args:
            group: The group.
            event: The event.
            values: What it has to be aggregated.
            since: Events of the group older than this time are of no use any more.

        Returns:
            How many events the group now has.
        """
        digest = digest_of(event)
        entries = self._groups.setdefault(group, [])
        self._groups.move_to_end(group)
        self._cut(entries, bisect.bisect_left(entries, max(since, event.time - self._keep), key=_time))
        entries.append((event.time, digest, values))
        self._rows += 1
        if len(entries) > max(self._room.rows_of_group, self.least):
            self._cut(entries, 1)
            self.evicted += 1
        while self._rows > self._room.rows:
            self._evict()
        # Last, as an event that looks the same may just have been given up.
        self._documents[digest] = event
        self._documents.move_to_end(digest)
        if len(self._documents) > self._room.documents:
            self._documents.popitem(last=False)
        return len(entries)

    def restore(self, groups: Iterable[tuple[Key, list[Entry]]], documents: Iterable[Event]) -> None:
        """Hold what another held, in place of what is held now."""
        self._groups = OrderedDict(groups)
        self._rows = sum(map(len, self._groups.values()))
        self._documents = OrderedDict((digest_of(event), event) for event in documents)

    def advance(self, clock: int) -> None:
        """Forget groups without an event that may still be of use."""
        while self._groups:
            group, entries = next(iter(self._groups.items()))
            if entries[-1][0] >= clock - self._keep:
                return
            del self._groups[group]
            self._cut(entries, len(entries))

    def held_from(self, group: Key, event: Event, starts: Iterable[int]) -> dict[int, AggregateHit]:
        """For which starts the constraint holds over the group's events from there to its newest.

        Args:
            group: The group.
            event: Its newest event.
            starts: Times.

        Returns:
            The hit of each start for which it holds.
        """
        entries = self._groups.get(group, [])
        places = {start: bisect.bisect_left(entries, start, key=_time) for start in starts}
        last = len(entries) - self.least
        wanted = sorted({place for place in places.values() if place <= last})
        hits = self._hits(group, event, entries, wanted)
        return {start: hits[place] for start, place in places.items() if place in hits}

    def _hits(
        self, group: Key, event: Event, entries: Sequence[Entry], places: Sequence[int]
    ) -> dict[int, AggregateHit]:
        """The hits over the entries from each place on, the places ascending: one pass over the entries."""
        hits: dict[int, AggregateHit] = {}
        if not places:
            return hits
        accumulators = [(column, make()) for column, make in self._makers]
        for column, each in accumulators:
            for _, _, values in entries[places[0] :]:
                if (value := values[column]) is not None:
                    each.add(value)
        at = places[0]
        for place in places:
            for column, each in accumulators:
                for _, _, values in entries[at:place]:
                    if (value := values[column]) is not None:
                        each.remove(value)
            at = place
            found = iter([each.value() for _, each in accumulators])
            count = len(entries) - place
            told = [count if each.field is None else next(found) for each in self._aggregates]
            if self._holds(told, group, event.time):
                hits[place] = self._hit(group, event, entries, place, told)
        return hits

    def _hit(
        self, group: Key, event: Event, entries: Sequence[Entry], place: int, told: list[Value | None]
    ) -> AggregateHit:
        time, first, _ = entries[place]
        count = len(entries) - place
        limit = self._room.events
        if count > limit:
            digests = [digest for _, digest, _ in entries[place : place + limit - limit // 2]]
            digests += [digest for _, digest, _ in entries[-(limit // 2) :]]
        else:
            digests = [digest for _, digest, _ in entries[place:]]
        return AggregateHit(
            group=group,
            time=event.time,
            first_time=time,
            first=first.hex(),
            count=count,
            events=tuple(self._documents[digest] for digest in digests if digest in self._documents),
            aggregates=dict(zip(self._aggregates, told, strict=True)),
            shown={name: expression(told, group, event.time) for name, expression in self._shown},
        )

    def _cut(self, entries: list[Entry], count: int) -> None:
        for _, digest, _ in entries[:count]:
            self._documents.pop(digest, None)
        del entries[:count]
        self._rows -= count

    def _evict(self) -> None:
        group, entries = next(iter(self._groups.items()))
        self._cut(entries, 1)
        self.evicted += 1
        if not entries:
            del self._groups[group]
