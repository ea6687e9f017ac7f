from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.engine.accumulator import ORDERED, accumulator
from dogwatch.engine.moment import _root
from dogwatch.engine.rank import Ordered, Percentile
from dogwatch.engine.reference.aggregate import aggregate_of
from dogwatch.engine.value import Value
from dogwatch.logic.pattern import AggregateFunction
from dogwatch.schema.field import Scalar

F = AggregateFunction

few: st.SearchStrategy[Scalar] = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.5, -0.0, 1e308, -1e308, 5e-324, math.inf, "a", "A", "", True, False])
)
scalars: st.SearchStrategy[Scalar] = st.one_of(
    few, st.floats(allow_nan=False), st.integers(-(2**63), 2**63), st.just(10**400), st.text(max_size=2)
)
percents = st.one_of(st.sampled_from([0.1, 25.0, 33.3, 50.0, 95.0, 99.9, 100.0]), st.floats(0.01, 100))


@settings(max_examples=300)
@given(
    st.sampled_from(AggregateFunction),
    percents,
    st.one_of(st.lists(scalars, max_size=20), st.lists(few, max_size=30)),
    st.integers(1, 12),
)
def test_a_sliding_window_agrees_with_the_reference(
    function: AggregateFunction, percent: float, values: list[Scalar], size: int
) -> None:
    sliding = accumulator(function, percent)()
    assert sliding.value() == aggregate_of(function, [], percent)
    for place, value in enumerate(values):
        sliding.add(value)
        if place >= size:
            sliding.remove(values[place - size])
        window = values[max(0, place - size + 1) : place + 1]
        assert sliding.value() == aggregate_of(function, window, percent)
    for value in values[-size:]:
        sliding.remove(value)
    assert sliding.value() == aggregate_of(function, [], percent)


@pytest.mark.parametrize("function", AggregateFunction)
@pytest.mark.parametrize("size", [1, 40])
def test_what_a_long_stream_leaves_behind_is_given_up(function: AggregateFunction, size: int) -> None:
    values: list[Scalar] = [number * 7919 % 101 % 11 for number in range(300)]
    sliding = accumulator(function, 75)()
    for place, value in enumerate(values):
        sliding.add(value)
        if place >= size:
            sliding.remove(values[place - size])
        if place % 7 == 0:
            window = values[max(0, place - size + 1) : place + 1]
            assert sliding.value() == aggregate_of(function, window, 75)


@given(st.sampled_from([each for each in F if each not in ORDERED]), st.lists(scalars, max_size=20))
def test_the_others_do_not_ask_for_an_order(function: AggregateFunction, values: list[Scalar]) -> None:
    one, other = accumulator(function, 75)(), accumulator(function, 75)()
    for value in values:
        one.add(value)
    for value in sorted(values, key=repr):
        other.add(value)
    assert one.value() == other.value()


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        (F.MEDIAN, [3, 1, 2], 2),
        (F.MEDIAN, [4, 1, 2, 3], 2.5),
        (F.MEDIAN, [2.0**1023, 1.5 * 2.0**1023], 1.25 * 2.0**1023),
        (F.MEDIAN, ["a", True], None),
        (F.MODE, ["b", "a", "a", "b"], "b"),
        (F.MODE, ["b", "a", "a"], "a"),
        (F.MODE, [], None),
        (F.FIRST, ["10.0.0.1", "10.0.0.2"], "10.0.0.1"),
        (F.LAST, ["10.0.0.1", "10.0.0.2"], "10.0.0.2"),
        (F.LAST, [True], "true"),
        (F.VARIANCE, [2, 4, 4, 4, 5, 5, 7, 9], 4),
        (F.STDDEV, [2, 4, 4, 4, 5, 5, 7, 9], 2),
        (F.STDDEV, [7], 0),
        (F.STDDEV, [1e200, -1e200], 1e200),
        (F.VARIANCE, [1e200, -1e200], None),
        (F.PCTCHANGE, [50, 1, 75], 50),
        (F.PCTCHANGE, [-10, -5], -50),
        (F.PCTCHANGE, [0, 5], None),
        (F.PCTCHANGE, [5], 0),
        (F.SUM, [1.7e308, 1.7e308], None),
        (F.AVG, [1.7e308, 1.7e308], 1.7e308),
        (F.MIN, ["a", 3, 1.5, True], 1.5),
        (F.MAX, ["a", 3, 1.5, True], 3),
        (F.COUNT, ["a", "a", 1], 3),
        (F.COUNT_DISTINCT, ["a", "a", "A", "10.0.0.1"], 3),
    ],
)
def test_known_values(function: AggregateFunction, values: list[Scalar], expected: Value | None) -> None:
    assert aggregate_of(function, values) == expected
    found = accumulator(function)()
    for value in values:
        found.add(value)
    assert found.value() == expected


@pytest.mark.parametrize(
    ("percent", "count", "expected"),
    [
        (95, 100, 95),
        (95, 1, 1),
        (95, 20, 19),
        (95, 21, 20),
        (99.9, 1000, 999),
        (0.1, 1000, 1),
        (100, 7, 7),
        (50, 4, 2),
    ],
)
def test_percentiles_are_by_nearest_rank(percent: float, count: int, expected: int) -> None:
    ranked = Percentile(percent)
    for value in range(count, 0, -1):
        ranked.add(value)
    assert ranked.value() == expected


@pytest.mark.parametrize(("beyond", "expected"), [(-1, 2.0**54), (0, 2.0**54), (1, 2.0**54 + 4)])
@pytest.mark.parametrize("scale", [1, 2**30, 2**90])
def test_a_root_just_beyond_the_middle_of_two_numbers_is_rounded_away_from_it(
    beyond: int, expected: float, scale: int
) -> None:
    middle = 2**54 + 2
    assert _root(middle**2 + beyond, scale**2) == expected / scale
    assert _root((middle**2 + beyond) * scale**2, 1) == expected * scale


@pytest.mark.parametrize("percent", [0, -1, 100.5])
def test_a_percentile_out_of_range_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 100"):
        accumulator(F.PCTILE, percent)()


def test_a_percentile_needs_its_percent() -> None:
    with pytest.raises(ValueError, match="needs its percent"):
        accumulator(F.PCTILE)


def test_ordered_numbers_come_and_go_in_many_blocks() -> None:
    numbers = Ordered()
    values = [number * 7919 % 5003 for number in range(5003)] + [17] * 3000
    for value in values:
        numbers.add(value)
    assert all(len(block) <= 1024 for block in numbers._blocks)
    assert [value for block in numbers._blocks for value in block] == sorted(values)
    assert numbers._tops == [block[-1] for block in numbers._blocks]
    for value in values[:-1]:
        numbers.remove(value)
    assert (numbers.lowest, numbers.highest, numbers._tops) == (17, 17, [17])
    numbers.remove(17)
    assert not numbers


def test_the_most_frequent_value_needs_no_more_room_than_the_window() -> None:
    mode = accumulator(F.MODE)()
    for number in range(10_000):
        mode.add(number % 7)
        if number >= 20:
            mode.remove((number - 20) % 7)
    assert len(mode._heap) < 60  # type: ignore[attr-defined]  # not part of the protocol
    assert mode.value() == (10_000 - 20) % 7
