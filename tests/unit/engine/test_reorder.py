from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from stream_samples import event, events

from dogwatch.engine.passed import GroupPassed
from dogwatch.engine.reorder import Reorder
from dogwatch.events.batch import Event


def row(time: int, arrival: int) -> GroupPassed:
    return GroupPassed(event(time, arrival), ())


def times(rows: Iterable[GroupPassed]) -> list[int]:
    return [one.event.time for one in rows]


def test_rows_wait_until_the_clock_is_the_tolerance_past_them() -> None:
    reorder = Reorder[GroupPassed](5)
    for time, arrival in [(7, 0), (3, 1), (4, 2)]:
        reorder.add(row(time, arrival))
    assert times(reorder.ready(7)) == []
    assert times(reorder.ready(9)) == [3, 4]
    assert len(reorder) == 1
    assert times(reorder.drain()) == [7]
    assert len(reorder) == reorder.too_late == reorder.early == 0


def test_equal_times_come_by_tiebreak_and_arrival() -> None:
    reorder = Reorder[GroupPassed](0)
    made = [event(1, 2), event(1, 1), event(1, 3, 5)]
    for one in made:
        reorder.add(GroupPassed(one, ()))
    assert [one.event.arrival for one in reorder.ready(1)] == [3, 1, 2]


def test_a_row_behind_one_that_was_given_on_is_left_out_and_counted() -> None:
    reorder = Reorder[GroupPassed](2)
    reorder.add(row(5, 0))
    assert times(reorder.ready(7)) == [5]
    reorder.add(row(4, 1))
    reorder.add(row(5, 2))
    assert times(reorder.drain()) == [5]
    assert reorder.too_late == 1


def test_without_room_the_oldest_are_given_on_early_and_counted() -> None:
    reorder = Reorder[GroupPassed](100, limit_rows=2)
    for time in (4, 3, 2, 1):
        reorder.add(row(time, 10 - time))
    assert times(reorder.ready(4)) == [1, 2]
    assert (len(reorder), reorder.early) == (2, 2)


@given(events(), st.integers(0, 6), st.data())
def test_what_is_late_within_the_tolerance_comes_in_order(
    made: list[Event], tolerance: int, data: st.DataObject
) -> None:
    delays = data.draw(st.lists(st.integers(0, tolerance), min_size=len(made), max_size=len(made)))
    reorder, clock = Reorder[GroupPassed](tolerance), -1
    given_back: list[GroupPassed] = []
    for _, one in sorted(zip(delays, made, strict=True), key=lambda pair: pair[0] + pair[1].time):
        clock = max(clock, one.time)
        reorder.add(GroupPassed(one, ()))
        given_back += reorder.ready(clock)
    given_back += reorder.drain()
    assert [one.event for one in given_back] == made
    assert reorder.too_late == reorder.early == 0
