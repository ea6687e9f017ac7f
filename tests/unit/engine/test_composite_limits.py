from __future__ import annotations

from typing import Any

import msgspec
import pytest
from composite_samples import BYTES, at_least, counts, equal, found_by_matcher, part, related, row
from hypothesis import given
from hypothesis import strategies as st
from stream_samples import event

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.composite import CompositeHit, CompositeMatcher
from dogwatch.engine.passed import PartsPassed
from dogwatch.engine.reference.composite import find_matches
from dogwatch.engine.relation.memory import Room
from dogwatch.logic.pattern import Aggregate, AggregateCompare, AggregateFunction, CompositePattern, Number
from dogwatch.logic.predicate import Order
from dogwatch.logic.relation import JoinCompare, Part, PartValue, Relation

FOLLOWED = related(Relation.FOLLOWED_BY, 0, 1)
UNFOLLOWED = related(Relation.NOT_FOLLOWED_BY, 0, 1)
AND = related(Relation.AND, 0, 1)
LONG = 10**9


def run(matcher: CompositeMatcher, rows: list[PartsPassed]) -> list[CompositeHit]:
    return [hit for one in rows for hit in matcher.feed(one)]


def test_what_waits_is_counted_and_decided_by_the_clock_or_the_end() -> None:
    matcher = CompositeMatcher(counts(UNFOLLOWED, 1, 1))
    assert run(matcher, [row(0, 0, 0), row(3, 1, 0)]) == []
    assert matcher.waiting == 2
    assert matcher.advance(9) == []
    (hit,) = matcher.advance(10)
    assert (hit.time, hit.first_time, hit.parts[1], hit.pending) == (10, 0, None, False)
    assert matcher.waiting == 1
    assert matcher.finish() == []
    (left,) = matcher.finish(flush=True)
    assert (left.time, left.first_time, left.pending) == (13, 3, True)
    assert matcher.waiting == 0


def test_a_row_decides_what_waited_before_it_acts() -> None:
    matcher = CompositeMatcher(counts(UNFOLLOWED, 1, 1))
    (hit,) = run(matcher, [row(0, 0, 0), row(10, 1, 1)])
    assert hit.time == 10


@pytest.mark.parametrize("late", [row(4, 9, 0), row(5, 0, 0)])
def test_a_row_out_of_order_is_ignored_and_counted(late: PartsPassed) -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 1))
    assert run(matcher, [row(5, 1, 2), late, row(6, 10, 1)]) == []
    assert matcher.too_late == 1


def test_a_row_behind_the_clock_is_ignored_but_one_at_it_counts() -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 1))
    matcher.advance(5)
    assert run(matcher, [row(4, 0, 0), row(5, 1, 0), row(5, 2, 1)]) != []
    assert matcher.too_late == 1


def test_repeats_and_groups_without_a_value_are_counted() -> None:
    parts = (part(at_least(1), 10), part(at_least(2), 10, keep_null_groups=False))
    matcher = CompositeMatcher(CompositePattern(parts, FOLLOWED, (), 10))
    again = [
        PartsPassed(event(2, number, name="same", own=True), ((1, ("a", "x"), ()),)) for number in range(1, 3)
    ]
    assert run(matcher, [row(1, 0, 0), *again, row(3, 3, 1, key=("a", None))]) == []
    assert (matcher.repeated, matcher.without_group) == (1, 1)
    (hit,) = matcher.feed(row(4, 4, 1))
    assert hit.parts[1] is not None
    assert hit.parts[1].count == 2


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        (Room(matches=3), 3),
        (Room(matches_of_key=2), 4),
        (Room(meetings=0), 5),
    ],
)
def test_without_room_the_oldest_matches_go_and_are_counted(room: Room, kept: int) -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 1, window=LONG, joins=[equal(0, 1)]), room)
    rows = [row(number, number, 0, key=(name, "x")) for number, name in enumerate("aaabb")]
    run(matcher, rows)
    hits = [hit for place, name in enumerate("ab") for hit in matcher.feed(row(9, 10 + place, 1, key=(name, "y")))]
    assert len(hits) == kept
    # A meeting that cannot be remembered takes its match along.
    assert matcher.evicted == (5 if room.meetings == 0 else 5 - kept)


def test_without_room_the_oldest_that_waits_goes() -> None:
    matcher = CompositeMatcher(counts(UNFOLLOWED, 1, 1), Room(matches=2))
    run(matcher, [row(number, number, 0, key=(name, "x")) for number, name in enumerate("abc")])
    assert (matcher.waiting, matcher.evicted) == (2, 1)
    assert [hit.first_time for hit in matcher.finish(flush=True)] == [1, 2]


def test_without_room_the_oldest_rows_of_a_group_go() -> None:
    average = AggregateCompare(Order.GT, Aggregate(AggregateFunction.AVG, BYTES), Number(1))
    pattern = CompositePattern((part(at_least(1), LONG), part(average, LONG)), FOLLOWED, (), LONG)
    rows = [row(0, 0, 0)]
    rows += [
        PartsPassed(event(number, number), ((1, ("a", "x"), (value,)),))
        for number, value in enumerate((-9, 1, 2), 1)
    ]
    assert run(CompositeMatcher(pattern), rows) == []
    matcher = CompositeMatcher(pattern, Room(rows_of_group=2))
    assert [hit.time for hit in run(matcher, rows)] == [3]
    assert matcher.evicted_rows == 1


def test_a_part_that_counts_to_many_has_room_for_them() -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 5, window=LONG), Room(rows_of_group=2))
    (hit,) = run(matcher, [row(0, 0, 0), *(row(number, number, 1) for number in range(1, 6))])
    assert hit.parts[1] is not None
    assert (hit.parts[1].count, matcher.evicted_rows) == (5, 0)


def test_without_room_the_rows_of_the_least_recently_active_group_go() -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 2, window=LONG), Room(rows=2))
    keys = [("a", "x"), ("b", "x"), ("b", "y"), ("b", "x"), ("a", "x")]
    hits = run(matcher, [row(0, 0, 0), *(row(place, place, 1, key=key) for place, key in enumerate(keys, 1))])
    assert [hit.parts[1].group for hit in hits if hit.parts[1]] == [("b", "x")]
    assert matcher.evicted_rows == 3


def test_a_hit_shows_the_oldest_and_the_newest_events_that_followed() -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 9, window=LONG), Room(events=3))
    (hit,) = run(matcher, [row(0, 0, 0), *(row(number, number, 1) for number in range(1, 10))])
    assert hit.parts[1] is not None
    assert [one.arrival for one in hit.parts[1].events] == [1, 2, 9]
    assert (hit.parts[1].count, hit.parts[1].first_time) == (9, 1)


def test_matches_that_wait_give_up_their_oldest_events_but_not_themselves() -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 3, 1, window=LONG), Room(documents=6))
    run(matcher, [row(number, number, 0) for number in range(9)])
    hits = matcher.feed(row(9, 9, 1))
    shown = [[one.arrival for one in hit.parts[0].events] for hit in hits if hit.parts[0]]
    assert shown == [[2], [5], [6, 7, 8]]
    assert [hit.parts[0].count for hit in hits if hit.parts[0]] == [3, 3, 3]
    assert matcher.evicted == 0


def test_what_is_of_no_use_any_more_is_forgotten() -> None:
    pattern = counts(related(Relation.FOLLOWED_BY, AND, Part(2)), 1, 2, 3, window=10)
    matcher = CompositeMatcher(pattern)
    run(matcher, [row(number, number, number % 3, key=(f"g{number}", "x")) for number in range(1000)])
    assert sum(map(len, matcher._plan.memories)) < 40
    assert sum(follower.histories.rows for follower in matcher._plan.followers) < 20
    matcher.advance(10**6)
    assert sum(map(len, matcher._plan.memories)) == 0
    assert sum(follower.histories.rows for follower in matcher._plan.followers) == 0
    assert matcher.evicted == matcher.evicted_rows == 0


def test_nothing_is_kept_of_a_part_before_anything_that_it_could_follow() -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 3, window=LONG))
    run(matcher, [row(number, number, 1) for number in range(100)])
    (follower,) = matcher._plan.followers
    assert follower.histories.rows == 1
    assert len(list(follower.histories.documents)) == 1


def test_the_newest_event_is_shown_even_if_one_that_looks_the_same_was_given_up() -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 2, window=LONG), Room(rows_of_group=2))
    alike = [PartsPassed(event(5, number, name="same"), ((1, ("a", "x"), ()),)) for number in range(1, 5)]
    matcher.feed(row(0, 0, 0))
    hits = run(matcher, alike[:2])
    hits += run(
        matcher,
        [
            row(5, 9, 0),
            *(PartsPassed(event(5, 10 + number, name="same"), one.parts) for number, one in enumerate(alike)),
        ],
    )
    assert all(hit.parts[1] is not None and hit.parts[1].events for hit in hits)
    assert len(hits) == 2


@pytest.mark.parametrize("relation", [FOLLOWED, AND, UNFOLLOWED, related(Relation.AND_NOT, 0, 1)])
def test_a_stream_in_which_everything_meets_stays_within_its_room(relation: Any) -> None:
    room = Room(matches=50, matches_of_key=20, meetings=60, rows=80, rows_of_group=10, groups=30)
    matcher = CompositeMatcher(counts(relation, 1, 2, window=LONG), room)
    for number in range(600):
        matcher.feed(row(number, number, 0, 1, key=(f"g{number % 7}", "x")))
        assert all(len(memory) <= 20 for memory in matcher._plan.memories)
        assert all(follower.histories.rows <= 80 for follower in matcher._plan.followers)


@given(st.data())
def test_damaged_state_is_refused_or_harmless(data: st.DataObject) -> None:
    pattern = counts(related(Relation.AND, FOLLOWED, 2), 1, 2, 2)
    matcher = CompositeMatcher(pattern)
    run(matcher, [row(number, number, number % 3, key=("ab"[number % 2], "x")) for number in range(8)])
    saved = bytearray(matcher.save())
    saved[data.draw(st.integers(0, len(saved) - 1))] = data.draw(st.integers(0, 255))
    other = CompositeMatcher(pattern)
    try:
        other.restore(bytes(saved))
    except DogwatchError:
        return
    other.feed(row(10**6, 100, 0, 1, 2))
    other.finish(flush=True)


def test_state_of_another_shape_is_refused() -> None:
    saved = CompositeMatcher(counts(FOLLOWED, 1, 1)).save()
    for other in (counts(AND, 1, 1), counts(FOLLOWED, 1, 1, fields=1)):
        with pytest.raises(DogwatchError, match="they are of the pattern"):
            CompositeMatcher(other).restore(saved)


def test_state_of_another_format_is_refused() -> None:
    state = msgspec.msgpack.decode(CompositeMatcher(counts(FOLLOWED, 1, 1)).save()[1:])
    state[1] += 1
    with pytest.raises(DogwatchError, match="format"):
        CompositeMatcher(counts(FOLLOWED, 1, 1)).restore(b"\x01" + msgspec.msgpack.encode(state))


def test_state_with_the_rows_of_a_group_out_of_order_is_refused() -> None:
    matcher = CompositeMatcher(counts(FOLLOWED, 1, 3, window=LONG))
    run(matcher, [row(0, 0, 0), row(1, 1, 1), row(2, 2, 1)])
    state = msgspec.msgpack.decode(matcher.save()[1:])
    ((*_, groups, _),) = state[-1]
    groups[0][1].reverse()
    with pytest.raises(DogwatchError, match="out of order"):
        CompositeMatcher(counts(FOLLOWED, 1, 3, window=LONG)).restore(b"\x01" + msgspec.msgpack.encode(state))


def test_losses_survive_a_restart() -> None:
    pattern = counts(FOLLOWED, 1, 2, window=LONG)
    room = Room(matches=1, rows_of_group=1)
    matcher = CompositeMatcher(pattern, room)
    run(matcher, [row(0, 0, 0), row(1, 1, 0), row(2, 2, 1), row(0, 3, 0)])
    other = CompositeMatcher(pattern, room)
    other.restore(matcher.save())
    assert (other.evicted, other.too_late, other.waiting) == (1, 1, 0)
    assert found_by_matcher(other.feed(row(3, 4, 1))) == found_by_matcher(matcher.feed(row(3, 4, 1)))


def test_hits_of_one_event_come_in_the_order_of_their_groups() -> None:
    pattern = counts(FOLLOWED, 1, 1)
    rows = [row(number, number, 0, key=(key, "x")) for number, key in enumerate(["b", None, 3, "a"])]
    rows.append(row(9, 9, 1))
    hits = run(CompositeMatcher(pattern), rows)
    assert [hit.parts[0].group[0] for hit in hits if hit.parts[0]] == [None, 3, "a", "b"]
    found = find_matches(pattern, rows)
    assert [each.parts[0].group[0] for each in found if each.parts[0]] == [None, 3, "a", "b"]


def test_what_does_not_fit_yet_may_fit_with_a_later_event() -> None:
    parts = (part(at_least(1), LONG), part(at_least(2), LONG, shows=True))
    join = JoinCompare(Order.GT, PartValue(1, "highest"), PartValue(0, 0))
    pattern = CompositePattern(parts, FOLLOWED, (join,), LONG)
    rows = [row(0, 0, 0, key=(7, "x"))]
    rows += [
        PartsPassed(event(time, time), ((1, ("b", "x"), (value,)),)) for time, value in enumerate((7, 3, 5), 1)
    ]
    assert run(CompositeMatcher(pattern), rows) == []
    rows += [PartsPassed(event(9, 9), ((1, ("b", "x"), (8,)),))]
    (hit,) = run(CompositeMatcher(pattern), rows)
    assert hit.time == 9
