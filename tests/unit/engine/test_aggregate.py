from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_samples import event, field, group_rows

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.aggregate import AggregateHit, GroupAggregator
from dogwatch.engine.packed import digest_of
from dogwatch.engine.passed import GroupPassed, aggregated_fields
from dogwatch.engine.reference.aggregate import find_groups
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateExpression,
    AggregateFunction,
    AggregateOr,
    AggregatePattern,
    Arithmetic,
    Baseline,
    Constraint,
    Key,
    Number,
    Statistic,
    Text,
    Threshold,
)
from dogwatch.logic.predicate import ALWAYS, Order
from dogwatch.schema.field import FieldType, Scalar

COUNT = Aggregate(AggregateFunction.COUNT)
LOAD, BYTES = field("load", FieldType.DOUBLE), field("bytes", FieldType.LONG)
SUM_LOAD = Aggregate(AggregateFunction.SUM, LOAD)
AVG_LOAD = Aggregate(AggregateFunction.AVG, LOAD)
FIELDS = st.sampled_from([LOAD, BYTES])


class Known:
    """Externals that know something of some groups, and nonsense of others."""

    def threshold(self, device: Scalar | None, component: Scalar | None, name: str) -> float | None:
        limits: dict[object, float] = {
            ("a", None, "limit"): 2,
            ("b", "b", "other"): 1.5,
            (None, None, "limit"): math.inf,
        }
        return limits.get((device, component, name))

    def baseline(self, profile: int, statistic: Statistic, group: Key, time: int) -> float | None:
        return time % (profile + 1) if statistic is Statistic.AVERAGE and group != ("b",) else None


EXTERNALS = Known()

aggregates = st.one_of(
    st.just(COUNT),
    st.builds(
        Aggregate,
        st.sampled_from([each for each in AggregateFunction if each is not AggregateFunction.PCTILE]),
        FIELDS,
    ),
    st.builds(Aggregate, st.just(AggregateFunction.PCTILE), FIELDS, st.sampled_from([0.1, 50.0, 95.0, 100.0])),
)
expressions: st.SearchStrategy[AggregateExpression] = st.recursive(
    st.one_of(
        aggregates,
        st.builds(Number, st.one_of(st.integers(-3, 6), st.sampled_from([0.5, -0.1]))),
        st.sampled_from([Text("TEXT"), Text("true"), Threshold(None, None, "limit"), Threshold(0, 0, "other")]),
        st.builds(Baseline, st.sampled_from(Statistic), st.just(COUNT), st.integers(1, 3)),
    ),
    lambda inner: st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner),
    max_leaves=3,
)
constraints: st.SearchStrategy[Constraint] = st.recursive(
    st.builds(AggregateCompare, st.sampled_from(Order), expressions, expressions, st.booleans()),
    lambda inner: st.one_of(
        st.builds(AggregateAnd, st.tuples(inner, inner)), st.builds(AggregateOr, st.tuples(inner, inner))
    ),
    max_leaves=3,
)


def at_least(count: int, *, window: int = 10, keep_null_groups: bool = True) -> AggregatePattern:
    return pattern_of(AggregateCompare(Order.GE, COUNT, Number(count)), window, keep_null_groups=keep_null_groups)


def pattern_of(constraint: Constraint, window: int = 10, *, keep_null_groups: bool = True) -> AggregatePattern:
    return AggregatePattern("p", ALWAYS, (field("host.name"),), constraint, window, keep_null_groups)


KEY = ("g",)


def times(aggregator: GroupAggregator) -> list[int]:
    """The times of the rows of the one group."""
    rows = aggregator._groups[KEY]
    return [aggregator._format.time(rows, place) for place in range(aggregator.rows)]


def row(time: int, arrival: int, group: Any = "g", *values: Scalar | None) -> GroupPassed:
    return GroupPassed(event(time, arrival), (group,), values)


def run(aggregator: GroupAggregator, rows: list[GroupPassed]) -> list[AggregateHit]:
    return [hit for one in rows for hit in aggregator.feed(one)]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_agrees_with_the_reference(data: st.DataObject) -> None:
    keep = data.draw(st.booleans())
    pattern = replace(
        pattern_of(data.draw(constraints), data.draw(st.sampled_from([1, 3, 8])), keep_null_groups=keep),
        shown=tuple(
            (f"v{number}", one) for number, one in enumerate(data.draw(st.lists(expressions, max_size=2)))
        ),
    )
    rows = data.draw(group_rows(len(aggregated_fields(pattern))))
    aggregator = GroupAggregator(pattern, externals=EXTERNALS)
    cut = data.draw(st.integers(0, len(rows)))
    hits = run(aggregator, rows[:cut])
    saved = aggregator.save()
    second = GroupAggregator(pattern, externals=EXTERNALS)
    second.restore(saved)
    assert second.save() == saved
    assert (second.groups, second.rows) == (aggregator.groups, aggregator.rows)
    hits += run(second, rows[cut:])
    assert [(hit.group, hit.events, hit.aggregates, hit.shown) for hit in hits] == [
        (found.group, found.events, found.aggregates, found.shown)
        for found in find_groups(pattern, rows, EXTERNALS)
    ]
    for hit in hits:
        assert (hit.count, hit.first) == (len(hit.events), digest_of(hit.events[0]).hex())
        assert (hit.first_time, hit.time) == (hit.events[0].time, hit.events[-1].time)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_limits_hold_and_losses_are_counted(data: st.DataObject) -> None:
    pattern = at_least(3, window=data.draw(st.sampled_from([3, 8])))
    rows = data.draw(group_rows(0))
    limit_groups, limit_rows = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 4))
    aggregator = GroupAggregator(pattern, limit_groups, limit_rows)
    hits = []
    for one in rows:
        hits += aggregator.feed(one)
        assert aggregator.groups <= limit_groups
        assert aggregator.rows <= limit_rows
    if not aggregator.evicted_rows:
        assert [hit.events for hit in hits] == [found.events for found in find_groups(pattern, rows)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-5, 5)), max_size=40))
def test_late_rows_count_in_their_place(points: list[tuple[int, int]]) -> None:
    """With a window that nothing leaves, the order of arrival changes no aggregate."""
    parts = [
        Aggregate(function, BYTES, 90 if function is AggregateFunction.PCTILE else None)
        for function in AggregateFunction
    ]
    never = AggregateAnd(tuple(AggregateCompare(Order.GT, part, Number(10**9)) for part in parts))
    late, sorted_ = GroupAggregator(pattern_of(never, 100)), GroupAggregator(pattern_of(never, 100))
    run(late, [row(time, number, "g", value) for number, (time, value) in enumerate(points)])
    run(
        sorted_,
        [
            row(time, number, "g", value)
            for number, (time, value) in enumerate(sorted(points, key=lambda point: point[0]))
        ],
    )
    if points:
        assert late._values(KEY, late._groups[KEY]) == sorted_._values(KEY, sorted_._groups[KEY])
        assert times(late) == sorted(time for time, _ in points)
    assert late.late == sum(time < max(t for t, _ in points[: n + 1]) for n, (time, _) in enumerate(points))


def test_the_window_is_open_at_its_older_end() -> None:
    assert run(GroupAggregator(at_least(2, window=10)), [row(0, 0), row(10, 1)]) == []
    (hit,) = run(GroupAggregator(at_least(2, window=10)), [row(0, 0), row(9, 1)])
    assert (hit.group, hit.count, hit.first_time, hit.time, hit.aggregates) == (("g",), 2, 0, 9, {COUNT: 2})


def test_a_group_starts_anew_after_a_trigger() -> None:
    hits = run(GroupAggregator(at_least(3)), [row(0, number) for number in range(8)])
    assert [[one.arrival for one in hit.events] for hit in hits] == [[0, 1, 2], [3, 4, 5]]


def test_with_a_threshold_of_one_each_event_triggers() -> None:
    assert len(run(GroupAggregator(at_least(1)), [row(5, number) for number in range(4)])) == 4


def test_each_group_counts_for_itself() -> None:
    hits = run(GroupAggregator(at_least(2)), [row(number, number, "ab"[number % 2]) for number in range(4)])
    assert [hit.group for hit in hits] == [("a",), ("b",)]


def test_no_grouping_is_one_group() -> None:
    (hit,) = run(GroupAggregator(at_least(2)), [GroupPassed(event(0, number), ()) for number in range(2)])
    assert hit.group == ()


def test_average_over_two_servers() -> None:
    constraint = AggregateAnd(
        (AggregateCompare(Order.GT, AVG_LOAD, Number(90)), AggregateCompare(Order.GE, COUNT, Number(2)))
    )
    readings = [("web", 90.0), ("web", 90.0), ("web", 95.0), ("db", 70.0), ("db", 50.0), ("db", 60.0)]
    rows = [row(number, number, host, load) for number, (host, load) in enumerate(readings)]
    (hit,) = run(GroupAggregator(pattern_of(constraint, 600)), rows)
    assert (hit.group, hit.count) == (("web",), 3)
    assert hit.aggregates == {AVG_LOAD: 275 / 3, COUNT: 3}


def test_missing_values_take_no_part() -> None:
    counted = Aggregate(AggregateFunction.COUNT, BYTES)
    never = AggregateCompare(Order.GT, COUNT, Number(2))
    constraint = AggregateAnd((never, AggregateCompare(Order.EQ, counted, Number(2))))
    (hit,) = run(
        GroupAggregator(pattern_of(constraint)),
        [row(0, 0, "g", 1), row(0, 1, "g", None), row(0, 2, "g", 5)],
    )
    assert hit.aggregates == {COUNT: 3, counted: 2}


@pytest.mark.parametrize("negated", [False, True])
def test_an_aggregate_without_values_is_unknown_on_both_sides_of_a_negation(negated: bool) -> None:
    constraint = AggregateCompare(Order.EQ, SUM_LOAD, Number(1), negated)
    assert run(GroupAggregator(pattern_of(constraint)), [row(0, 0, "g", None)]) == []


def test_a_null_group_is_kept_or_dropped_and_counted() -> None:
    rows = [row(0, 0, None), row(0, 1, None), row(0, 2, "g")]
    (hit,) = run(GroupAggregator(at_least(2)), rows)
    assert hit.group == (None,)
    strict = GroupAggregator(at_least(2, keep_null_groups=False))
    assert run(strict, rows) == []
    assert strict.without_group == 2


def test_a_hit_shows_the_oldest_and_the_newest_events() -> None:
    (hit,) = run(GroupAggregator(at_least(50), limit_events=5), [row(0, number) for number in range(50)])
    assert [one.arrival for one in hit.events] == [0, 1, 2, 48, 49]
    assert (hit.count, hit.first) == (50, digest_of(event(0, 0)).hex())


def test_the_first_digest_outlives_its_event() -> None:
    aggregator = GroupAggregator(at_least(20, window=35), limit_events=2)
    times = [*range(12), *[40] * 14]
    (hit,) = run(aggregator, [row(time, number) for number, time in enumerate(times)])
    assert (hit.first, hit.first_time, hit.count) == (digest_of(event(6, 6)).hex(), 6, 20)
    assert [one.id for one in hit.events] == ["e25"]


def test_late_rows_do_not_outgrow_the_events_of_a_hit() -> None:
    aggregator = GroupAggregator(at_least(40, window=100), limit_events=6)
    (hit,) = run(aggregator, [row(50 - number, number) for number in range(40)])
    assert len(hit.events) <= 6
    assert hit.first == digest_of(event(11, 39)).hex()


def test_groups_whose_window_passed_are_freed() -> None:
    aggregator = GroupAggregator(at_least(2, window=16))
    run(aggregator, [row(number, number, f"g{number}") for number in range(1000)])
    assert aggregator.groups <= 18
    assert aggregator.evicted_groups == 0


def test_the_clock_may_advance_without_rows() -> None:
    aggregator = GroupAggregator(at_least(2, window=10))
    aggregator.feed(row(0, 0))
    aggregator.advance(9)
    assert aggregator.groups == 1
    aggregator.advance(10)
    assert aggregator.groups == aggregator.rows == 0


def test_the_least_recently_active_group_is_evicted() -> None:
    aggregator = GroupAggregator(at_least(3), limit_groups=2)
    run(aggregator, [row(0, number, group) for number, group in enumerate("abac")])
    assert (aggregator.evicted_groups, aggregator.evicted_rows) == (1, 1)
    assert len(run(aggregator, [row(0, 9, "a")])) == 1


def test_a_row_that_no_window_reaches_is_counted() -> None:
    aggregator = GroupAggregator(at_least(2, window=10))
    assert run(aggregator, [row(20, 0), row(10, 1), row(11, 2)])[0].count == 2
    assert (aggregator.late, aggregator.too_late) == (2, 1)


def test_a_repeat_is_one_event() -> None:
    twice = [GroupPassed(event(5, number, name="same", own=True), ("g",)) for number in range(2)]
    aggregator = GroupAggregator(at_least(2))
    assert run(aggregator, twice) == []
    assert aggregator.repeated == 1


def test_a_long_window_is_cut_at_its_older_end() -> None:
    highest = Aggregate(AggregateFunction.MAX, BYTES)
    aggregator = GroupAggregator(pattern_of(AggregateCompare(Order.GT, highest, Number(10**9)), 10))
    run(aggregator, [row(number, number, "g", -number) for number in range(5000)])
    assert aggregator.rows == 10
    rows = aggregator._groups[KEY]
    assert len(rows) == 10 * aggregator._format.size
    assert aggregator._values(KEY, rows) == [-4990]


def test_state_of_another_shape_is_refused() -> None:
    aggregator = GroupAggregator(pattern_of(AggregateCompare(Order.GT, SUM_LOAD, Number(1))))
    with pytest.raises(DogwatchError, match="0 fields"):
        aggregator.restore(GroupAggregator(at_least(2)).save())


@given(st.data())
def test_damaged_state_is_refused_or_harmless(data: st.DataObject) -> None:
    pattern = pattern_of(AggregateCompare(Order.GT, SUM_LOAD, Number(100)))
    aggregator = GroupAggregator(pattern)
    run(aggregator, [row(number, number, "ab"[number % 2], 1.5) for number in range(4)])
    saved = bytearray(aggregator.save())
    saved[data.draw(st.integers(0, len(saved) - 1))] = data.draw(st.integers(0, 255))
    other = GroupAggregator(pattern)
    try:
        other.restore(bytes(saved))
    except DogwatchError:
        return
    other.feed(row(9, 9, "a", 1.0))


def test_an_empty_group_is_refused() -> None:
    state = msgspec.msgpack.decode(GroupAggregator(at_least(2)).save()[1:])
    state[-1] = [[["g"], b"", []]]
    with pytest.raises(DogwatchError, match="without rows"):
        GroupAggregator(at_least(2)).restore(b"\x01" + msgspec.msgpack.encode(state))


def test_a_hit_needs_room_for_two_events() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        GroupAggregator(at_least(2), limit_events=1)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_lost_makes_no_hit(data: st.DataObject) -> None:
    """With rows evicted a count is reached later or never; what counts is still of one window, and counts once."""
    pattern = at_least(3, window=data.draw(st.sampled_from([3, 8])))
    rows = data.draw(group_rows(0))
    aggregator = GroupAggregator(pattern, data.draw(st.integers(1, 3)), data.draw(st.integers(1, 6)))
    used: set[int] = set()
    for hit in run(aggregator, rows):
        arrivals = {one.arrival for one in hit.events}
        groups = {one.group for one in rows if one.event.arrival in arrivals}
        assert groups == {hit.group}
        assert len(arrivals) == hit.count >= 3
        assert not arrivals & used
        assert all(hit.time - pattern.window < one.time <= hit.time for one in hit.events)
        used |= arrivals


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_fewer_documents_change_only_what_is_shown(data: st.DataObject) -> None:
    pattern = pattern_of(data.draw(constraints), 8)
    rows = data.draw(group_rows(len(aggregated_fields(pattern))))
    full = run(GroupAggregator(pattern), rows)
    few = GroupAggregator(pattern, limit_documents=2)
    hits = []
    for one in rows:
        for hit in few.feed(one):
            assert hit.events[-1] is one.event
            hits.append(hit)
        assert few.documents <= 2
    assert [replace(hit, events=()) for hit in hits] == [replace(hit, events=()) for hit in full]
    for hit, whole in zip(hits, full, strict=True):
        assert hit.events == whole.events[-len(hit.events) :]


def test_the_oldest_documents_are_given_up_first() -> None:
    aggregator = GroupAggregator(at_least(4, window=100), limit_documents=3)
    hits = run(aggregator, [row(number, number, "aabaa"[number]) for number in range(5)])
    assert [[one.arrival for one in hit.events] for hit in hits] == [[3, 4]]
    assert (hits[0].count, hits[0].first) == (4, digest_of(event(0, 0)).hex())
    assert aggregator.documents == 1


def test_documents_leave_with_their_rows() -> None:
    aggregator = GroupAggregator(at_least(9, window=10))
    hits = run(aggregator, [row(number, number) for number in range(30)])
    assert [hit.count for hit in hits] == [9, 9, 9]
    assert aggregator.documents == aggregator.rows == 3
    aggregator.advance(1000)
    assert aggregator.documents == aggregator.rows == 0


def test_a_late_row_that_completes_a_hit_is_told_if_nothing_else_is_held() -> None:
    aggregator = GroupAggregator(at_least(9, window=100), limit_events=2, limit_documents=1)
    rows = [*(row(10 * number, number) for number in range(8)), row(35, 99)]
    (hit,) = run(aggregator, rows)
    assert [one.arrival for one in hit.events] == [99]
    assert (hit.time, hit.count) == (70, 9)


def test_a_pattern_shows_what_it_does_not_test() -> None:
    peak = Aggregate(AggregateFunction.MAX, LOAD)
    pattern = replace(at_least(3), shown=(("MAX(load)", peak), ("twice", Arithmetic("*", Number(2), COUNT))))
    aggregator = GroupAggregator(pattern)
    (hit,) = run(aggregator, [row(0, number, "g", float(number)) for number in range(3)])
    assert hit.shown == {"MAX(load)": 2.0, "twice": 6}
    assert hit.aggregates == {COUNT: 3, peak: 2.0}
    assert not aggregator._accumulators


def test_accumulators_wait_for_the_count_that_they_are_needed_with() -> None:
    average = AggregateCompare(Order.GT, AVG_LOAD, Number(90))
    constraint = AggregateAnd((average, AggregateCompare(Order.GE, COUNT, Number(3))))
    aggregator = GroupAggregator(pattern_of(constraint, 100))
    run(aggregator, [row(0, number, "g", 1.0) for number in range(2)])
    assert not aggregator._accumulators
    run(aggregator, [row(0, 2, "g", 1.0)])
    assert list(aggregator._accumulators) == [KEY]


def test_groups_that_share_a_text_hold_it_once() -> None:
    pattern = replace(at_least(9), group_by=(field("host.name"), field("user.name")))
    aggregator = GroupAggregator(pattern)
    for number in range(2):
        host = "".join(["ho", "st"])
        aggregator.feed(GroupPassed(event(0, number), (host, f"u{number}")))
    (one, _), (other, _) = aggregator._groups
    assert one is other


def test_the_room_of_many_groups_is_given_back() -> None:
    aggregator = GroupAggregator(at_least(9, window=10))
    run(aggregator, [row(0, number, f"g{number}") for number in range(5000)])
    table = sys.getsizeof(aggregator._groups)
    run(aggregator, [row(20, 5000 + number, f"h{number}") for number in range(10)])
    aggregator.advance(25)
    assert aggregator.groups == 10
    assert sys.getsizeof(aggregator._groups) < table / 50


def test_state_with_rows_out_of_order_is_refused() -> None:
    aggregator = GroupAggregator(at_least(3))
    run(aggregator, [row(1, 0), row(2, 1)])
    state = msgspec.msgpack.decode(aggregator.save()[1:])
    ((_, rows, _),) = state[-1]
    state[-1][0][1] = rows[24:] + rows[:24]
    with pytest.raises(DogwatchError, match="out of order"):
        aggregator.restore(b"\x01" + msgspec.msgpack.encode(state))
    assert aggregator.rows == 2


def test_state_with_a_value_that_is_not_there_is_refused() -> None:
    aggregator = GroupAggregator(pattern_of(AggregateCompare(Order.GT, AVG_LOAD, Number(1))))
    run(aggregator, [row(1, 0, "g", "text")])
    state = msgspec.msgpack.decode(aggregator.save()[1:])
    assert state[-1][0][2] == ["text"]
    state[-1][0][2] = []
    with pytest.raises(DogwatchError, match="not there"):
        aggregator.restore(b"\x01" + msgspec.msgpack.encode(state))
    assert aggregator._format.listed.all() == ["text"]
    aggregator.advance(1000)
    assert aggregator._format.listed.all() == []


def test_state_holds_what_no_number_of_64_bits_can() -> None:
    total = Aggregate(AggregateFunction.SUM, BYTES)
    never = pattern_of(AggregateCompare(Order.LT, total, Number(0)))
    aggregator = GroupAggregator(never)
    run(aggregator, [row(1, 0, "\ud800", 2**80)])
    second = GroupAggregator(never)
    second.restore(aggregator.save())
    (hit,) = run(second, [row(1, 1, "\ud800", -(2**81))])
    assert list(hit.aggregates.values()) == [-(2**80)]


def test_a_baseline_is_asked_as_of_the_newest_event() -> None:
    """``Known`` tells the time modulo 100 for profile 99."""
    today = Baseline(Statistic.AVERAGE, COUNT, 99)
    constraint = AggregateAnd(
        (AggregateCompare(Order.EQ, today, Number(70)), AggregateCompare(Order.GE, COUNT, Number(3)))
    )
    aggregator = GroupAggregator(pattern_of(constraint, 100), externals=EXTERNALS)
    assert run(aggregator, [row(60, 0), row(70, 1)]) == []
    assert len(run(aggregator, [row(65, 2)])) == 1


def test_a_late_row_is_not_the_last() -> None:
    last = AggregateCompare(Order.EQ, Aggregate(AggregateFunction.LAST, LOAD), Number(9))
    aggregator = GroupAggregator(pattern_of(last, 100))
    assert run(aggregator, [row(10, 0, "g", 1.0), row(20, 1, "g", 3.0), row(15, 2, "g", 9.0)]) == []
