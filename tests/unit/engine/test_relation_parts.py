"""What nodes of relations are made of: single parts, values that join, the order of matches, what is kept."""

from __future__ import annotations

import math

import pytest
from stream_samples import event

from dogwatch.engine.aggregate import AggregateHit
from dogwatch.engine.relation.history import is_single
from dogwatch.engine.relation.join import joined
from dogwatch.engine.relation.match import Match, in_order, occurrence
from dogwatch.engine.relation.memory import Memory, Room
from dogwatch.logic.pattern import Aggregate, AggregateCompare, AggregateFunction, Number
from dogwatch.logic.predicate import Order

COUNT = Aggregate(AggregateFunction.COUNT)
OTHER = (None, ("other",))


def match(arrival: int, *, events: int = 1, time: int = 0) -> Match:
    """The occurrence of the first of two parts, with so many events of which the last has the arrival number."""
    shown = tuple(event(time, arrival - place) for place in reversed(range(events)))
    hit = AggregateHit(("g",), time, time, "", events, shown, {}, {})
    return occurrence(hit, (time, 0, 0), 0, 2)


@pytest.mark.parametrize(
    ("op", "count", "expected"),
    [
        (Order.GE, 1, True),
        (Order.GE, 0, True),
        (Order.GE, 2, False),
        (Order.GT, 0, True),
        (Order.GT, 1, False),
        (Order.EQ, 1, False),
    ],
)
def test_which_counts_any_one_event_satisfies(op: Order, count: int, expected: bool) -> None:
    assert is_single(AggregateCompare(op, COUNT, Number(count))) is expected
    assert not is_single(AggregateCompare(op, COUNT, Number(count), negated=True))


def test_what_values_are_joined_by() -> None:
    assert [joined(value) for value in ("Web", 5, 5.0, 5.5, True, False)] == [
        "web",
        "5",
        "5",
        "5.5",
        "true",
        "false",
    ]
    assert (joined(None), joined(math.nan)) == (None, None)


def test_matches_of_one_moment_and_groups_are_in_the_order_of_their_events() -> None:
    early, late = match(1), match(2)
    assert in_order([late, early]) == [early, late]


class TestMemory:
    def test_those_that_have_not_met_groups_come_in_the_order_of_coming(self) -> None:
        memory = Memory(Room())
        kept = [memory.add(match(number), ()) for number in range(9)]
        for one in kept[:6]:
            memory.drop(one)
        memory.meet(kept[6], OTHER)
        assert [one.number for one in memory.open_to((), OTHER)] == [7, 8]

    def test_what_was_dropped_meets_nothing(self) -> None:
        memory = Memory(Room(meetings=1))
        gone, kept = memory.add(match(0), ()), memory.add(match(1), ())
        memory.drop(gone)
        memory.meet(gone, OTHER)
        memory.meet(kept, OTHER)
        assert (len(memory), memory.evicted) == (1, 0)

    def test_the_events_of_what_was_dropped_take_no_room(self) -> None:
        memory = Memory(Room(documents=4))
        memory.drop(memory.add(match(5, events=4), ()))
        kept = memory.add(match(9, events=4), ())
        assert [len(hit.events) for hit in kept.match.parts if hit is not None] == [4]

    def test_beyond_the_room_for_events_the_oldest_shows_its_newest_only(self) -> None:
        memory = Memory(Room(documents=4))
        older, newer = memory.add(match(3, events=3), ()), memory.add(match(6, events=3), ())
        shown = [[each.arrival for each in hit.events] for one in (older, newer) if (hit := one.match.parts[0])]
        assert shown == [[3], [4, 5, 6]]
