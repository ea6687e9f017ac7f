from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_samples import event, field, group_rows

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.accumulator import accumulator
from dogwatch.engine.aggregate import AggregateHit, GroupAggregator
from dogwatch.engine.constraint import compile_constraint
from dogwatch.engine.passed import GroupPassed
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
    Constraint,
    Number,
)
from dogwatch.logic.predicate import ALWAYS, Order
from dogwatch.schema.field import FieldType, Scalar

COUNT = Aggregate(AggregateFunction.COUNT)
LOAD, BYTES = field("load", FieldType.DOUBLE), field("bytes", FieldType.LONG)
SUM_LOAD = Aggregate(AggregateFunction.SUM, LOAD)
AVG_LOAD = Aggregate(AggregateFunction.AVG, LOAD)

aggregates = st.one_of(
    st.just(COUNT), st.builds(Aggregate, st.sampled_from(AggregateFunction), st.sampled_from([LOAD, BYTES]))
)
expressions: st.SearchStrategy[AggregateExpression] = st.recursive(
    st.one_of(aggregates, st.builds(Number, st.one_of(st.integers(-3, 6), st.sampled_from([0.5, -0.1])))),
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


def row(time: int, arrival: int, group: Any = "g", *values: Scalar | None) -> GroupPassed:
    return GroupPassed(event(time, arrival), (group,), values)


def run(aggregator: GroupAggregator, rows: list[GroupPassed]) -> list[AggregateHit]:
    return [hit for one in rows for hit in aggregator.feed(one)]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_agrees_with_the_reference(data: st.DataObject) -> None:
    keep = data.draw(st.booleans())
    pattern = pattern_of(data.draw(constraints), data.draw(st.sampled_from([1, 3, 8])), keep_null_groups=keep)
    rows = data.draw(group_rows(len({part.field for part in _aggregates(pattern)} - {None})))
    aggregator = GroupAggregator(pattern)
    cut = data.draw(st.integers(0, len(rows)))
    hits = run(aggregator, rows[:cut])
    saved = aggregator.save()
    second = GroupAggregator(pattern)
    second.restore(saved)
    assert second.save() == saved
    assert (second.groups, second.rows) == (aggregator.groups, aggregator.rows)
    hits += run(second, rows[cut:])
    assert [(hit.group, hit.events, hit.aggregates) for hit in hits] == [
        (found.group, found.events, found.aggregates) for found in find_groups(pattern, rows)
    ]
    for hit in hits:
        assert (hit.count, hit.first_id) == (len(hit.events), hit.events[0].id)
        assert (hit.first_time, hit.time) == (hit.events[0].time, hit.events[-1].time)


def _aggregates(pattern: AggregatePattern) -> list[Aggregate]:
    hit = []

    def walk(node: Constraint | AggregateExpression) -> None:
        match node:
            case Aggregate():
                hit.append(node)
            case AggregateAnd(parts=parts) | AggregateOr(parts=parts):
                for part in parts:
                    walk(part)
            case AggregateCompare(left=left, right=right) | Arithmetic(left=left, right=right):
                walk(left)
                walk(right)
            case Number():
                pass

    walk(pattern.constraint)
    return hit


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
    parts = [Aggregate(function, BYTES) for function in AggregateFunction]
    never = AggregateAnd(tuple(AggregateCompare(Order.GT, part, Number(10**6)) for part in parts))
    late, sorted_ = GroupAggregator(pattern_of(never, 100)), GroupAggregator(pattern_of(never, 100))
    run(late, [row(time, number, "g", value) for number, (time, value) in enumerate(points)])
    run(sorted_, [row(time, number, "g", value) for number, (time, value) in enumerate(sorted(points))])
    if points:
        (one,), (other,) = late._groups.values(), sorted_._groups.values()
        assert late._values(one) == sorted_._values(other)
        assert [time for time, _, _ in one.held()] == sorted(time for time, _ in points)
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


@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize(
    "expression",
    [
        Arithmetic("/", Number(1), Number(0)),
        Arithmetic("/", Number(1.0), Number(0.0)),
        Arithmetic("+", SUM_LOAD, Number(1)),
        Arithmetic("-", Number(math.inf), Number(math.inf)),
        Arithmetic("*", Number(10**400), Number(1.5)),
    ],
)
def test_arithmetic_without_an_answer_is_unknown(expression: AggregateExpression, negated: bool) -> None:
    holds = compile_constraint(AggregateCompare(Order.EQ, expression, Number(7), negated))
    assert holds([None]) is False


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
    assert (hit.count, hit.first_id) == (50, "e0")


def test_the_first_id_outlives_its_event() -> None:
    aggregator = GroupAggregator(at_least(20, window=35), limit_events=2)
    times = [*range(12), *[40] * 14]
    (hit,) = run(aggregator, [row(time, number) for number, time in enumerate(times)])
    assert (hit.first_id, hit.first_time, hit.count) == ("e6", 6, 20)
    assert [one.id for one in hit.events] == ["e25"]


def test_late_rows_do_not_outgrow_the_events_of_a_hit() -> None:
    aggregator = GroupAggregator(at_least(40, window=100), limit_events=6)
    (hit,) = run(aggregator, [row(50 - number, number) for number in range(40)])
    assert len(hit.events) <= 6
    assert hit.first_id == "e39"


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


@given(
    st.sampled_from(AggregateFunction),
    st.lists(st.one_of(st.floats(allow_nan=False), st.integers(-(2**63), 2**63)), min_size=1, max_size=30),
    st.integers(1, 5),
)
def test_what_left_a_window_leaves_nothing_behind(
    function: AggregateFunction, values: list[float], size: int
) -> None:
    sliding = accumulator(function)()
    for place, value in enumerate(values):
        sliding.add(value)
        if place >= size:
            sliding.remove(values[place - size])
    fresh = accumulator(function)()
    for value in values[-size:]:
        fresh.add(value)
    assert sliding.value() == fresh.value()


def test_a_long_window_is_cut_at_its_older_end() -> None:
    highest = Aggregate(AggregateFunction.MAX, BYTES)
    aggregator = GroupAggregator(pattern_of(AggregateCompare(Order.GT, highest, Number(10**9)), 10))
    run(aggregator, [row(number, number, "g", -number) for number in range(5000)])
    assert aggregator.rows == 10
    (group,) = aggregator._groups.values()
    assert len(group.entries) < 100
    assert aggregator._values(group) == [-4990]


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
    state[-1] = [[["g"], []]]
    with pytest.raises(DogwatchError, match="without rows"):
        GroupAggregator(at_least(2)).restore(b"\x01" + msgspec.msgpack.encode(state))


def test_a_hit_needs_room_for_two_events() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        GroupAggregator(at_least(2), limit_events=1)
