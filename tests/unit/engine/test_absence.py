from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_samples import event

from dogwatch.engine.absence import Waiting, WaitingRoom
from dogwatch.logic.pattern import Key


def waiting(time: int, end: int, key: str = "k", rank: int = 0, arrival: int | None = None) -> Waiting:
    return Waiting((key,), (event(time, time if arrival is None else arrival),), end, rank)


def places(some: list[Waiting]) -> list[tuple[Key, int]]:
    return [(one.key, one.events[-1].time) for one in some]


def test_what_is_released_together_comes_by_last_event_then_rank() -> None:
    room = WaitingRoom()
    for one in [waiting(4, 9, "c"), waiting(5, 8, "b", 1, 50), waiting(5, 9, "a", 0, 50), waiting(3, 10, "d")]:
        room.add(one)
    assert places(room.release(9)) == [(("b",), 5)]
    assert places(room.release(11)) == [(("d",), 3), (("c",), 4), (("a",), 5)]
    assert room.count == 0


def test_a_match_refutes_what_ended_before_it_under_its_key() -> None:
    room = WaitingRoom()
    for one in [waiting(1, 20), waiting(5, 20), waiting(2, 20, "other")]:
        room.add(one)
    room.refute(("k",), 5)
    room.refute(("nobody",), 5)
    assert places(list(room)) == [(("other",), 2), (("k",), 5)]


def test_one_that_ended_earlier_may_come_later() -> None:
    room = WaitingRoom()
    for time in (7, 3, 5):
        room.add(waiting(time, 20))
    room.refute(("k",), 6)
    assert places(room.empty()) == [(("k",), 7)]
    assert room.count == 0
    assert room.release(99) == []


def test_one_released_before_its_elders_leaves_them_waiting() -> None:
    room = WaitingRoom()
    for one in [waiting(1, 30), waiting(2, 10), waiting(3, 30)]:
        room.add(one)
    assert places(room.release(11)) == [(("k",), 2)]
    assert room.first_end == 30
    room.refute(("k",), 3)
    assert places(room.empty()) == [(("k",), 3)]


@pytest.mark.parametrize("gone", [lambda room, key: room.drop(key), lambda room, key: room.refute(key, 99)])
def test_what_is_gone_takes_no_room_before_its_window_ends(gone: Callable[[WaitingRoom, Key], object]) -> None:
    room = WaitingRoom()
    for number in range(1000):
        room.add(waiting(number % 90, 10_000 + number))
        gone(room, ("k",))
    gc.collect()
    held = sum(isinstance(one, Waiting) for one in gc.get_objects())
    assert room.count == 0
    assert held < 100


def test_what_is_dropped_is_counted_and_gone() -> None:
    room = WaitingRoom()
    for time in range(5):
        room.add(waiting(time, 10 + time, "ab"[time % 2]))
    room.drop_first()
    assert (room.count, room.first_end) == (4, 11)
    assert room.drop(("a",)) == 2
    assert room.drop(("a",)) == 0
    assert places(room.empty()) == [(("b",), 1), (("b",), 3)]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_it_agrees_with_a_list(data: st.DataObject) -> None:
    room, plain, clock = WaitingRoom(), list[Waiting](), 0
    for arrival in range(data.draw(st.integers(0, 30))):
        key = data.draw(st.sampled_from("ab"))
        match data.draw(st.sampled_from(["add", "add", "refute", "release", "drop", "first"])):
            case "add":
                one = waiting(clock, clock + data.draw(st.integers(0, 9)), key, arrival=arrival)
                room.add(one)
                plain.append(one)
            case "refute":
                room.refute((key,), clock)
                plain = [one for one in plain if one.key != (key,) or one.events[-1].time >= clock]
            case "release":
                clock += data.draw(st.integers(0, 4))
                assert room.release(clock) == [one for one in plain if one.end < clock]
                plain = [one for one in plain if one.end >= clock]
            case "drop":
                kept = [one for one in plain if one.key != (key,)]
                assert room.drop((key,)) == len(plain) - len(kept)
                plain = kept
            case _:
                assert room.first_end == min((one.end for one in plain), default=None)
        assert room.count == len(plain)
        assert list(room) == plain
