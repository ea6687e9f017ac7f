from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.engine.constraint import compile_constraint, compile_expression, least_count
from dogwatch.engine.external import NO_EXTERNALS
from dogwatch.engine.value import Value
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateExpression,
    AggregateFunction,
    AggregateOr,
    Arithmetic,
    Baseline,
    Constraint,
    Key,
    Number,
    Statistic,
    Text,
    Threshold,
)
from dogwatch.logic.predicate import Field, Order
from dogwatch.schema.field import FieldRef, FieldType, Scalar

COUNT = Aggregate(AggregateFunction.COUNT)
USER = Aggregate(AggregateFunction.LAST, Field(FieldRef("user", FieldType.KEYWORD)))
SUM = Aggregate(AggregateFunction.SUM, Field(FieldRef("load", FieldType.DOUBLE)))
BIG = Number(1.7e308)

counts: st.SearchStrategy[Constraint] = st.recursive(
    st.builds(
        AggregateCompare,
        st.sampled_from(Order),
        st.sampled_from([COUNT, Number(3)]),
        st.one_of(
            st.builds(
                Number, st.one_of(st.integers(-3, 8), st.floats(-3, 8), st.sampled_from([math.inf, -math.inf]))
            ),
            st.just(COUNT),
        ),
        st.booleans(),
    ),
    lambda inner: st.one_of(
        st.builds(AggregateAnd, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AggregateOr, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)


class Recorded:
    """Externals that remember what they were asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def threshold(self, device: Scalar | None, component: Scalar | None, name: str) -> float | None:
        self.asked.append((device, component, name))
        return 90

    def baseline(self, profile: int, statistic: Statistic, group: Key, time: int) -> float | None:
        self.asked.append((profile, statistic, group, time))
        return 2.5


def holds(
    op: Order, left: AggregateExpression, right: AggregateExpression, *values: Value | None
) -> tuple[bool, bool]:
    """Whether a comparison holds, and whether its negation does."""
    plain, negated = (
        compile_constraint(AggregateCompare(op, left, right, each), [COUNT, USER, SUM][: len(values)])(
            values, (), 0
        )
        for each in (False, True)
    )
    return plain, negated


@pytest.mark.parametrize(
    "expression",
    [
        Arithmetic("/", Number(1), Number(0)),
        Arithmetic("/", Number(1.0), Number(0.0)),
        Arithmetic("+", SUM, Number(1)),
        Arithmetic("-", Number(math.inf), Number(math.inf)),
        Arithmetic("*", Number(10**400), Number(1.5)),
        Arithmetic("/", Number(10**400), Number(1)),
        Arithmetic("*", BIG, BIG),
        Arithmetic("-", Arithmetic("*", Number(-1), BIG), BIG),
        Arithmetic("+", USER, Number(1)),
        Arithmetic("*", Text("a"), Number(2)),
        Arithmetic("+", Text("a"), Text("b")),
        Threshold(0, None, "limit"),
        Baseline(Statistic.AVERAGE, COUNT, 116),
        USER,
        Text("7"),
    ],
)
def test_without_an_answer_a_comparison_with_a_number_is_unknown(expression: AggregateExpression) -> None:
    for op in Order:
        for negated in (False, True):
            constraint = AggregateCompare(op, expression, Number(7), negated)
            assert compile_constraint(constraint, [SUM, USER])([None, "root"], ("web",), 0) is False


def test_texts_are_compared_without_letter_case() -> None:
    assert holds(Order.EQ, USER, Text("ROOT"), 1, "rOOt") == (True, False)
    assert holds(Order.EQ, Text("Ärger"), USER, 1, "äRGER") == (True, False)
    assert holds(Order.EQ, USER, Text("root"), 1, "toor") == (False, True)
    assert holds(Order.EQ, USER, Text("root"), 1, None) == (False, False)


@pytest.mark.parametrize("op", [op for op in Order if op is not Order.EQ])
def test_texts_have_no_order(op: Order) -> None:
    assert holds(op, USER, Text("root"), 1, "root") == (False, False)


def test_limits_and_baselines_are_asked_for_the_group_and_the_time() -> None:
    known = Recorded()
    nodes: list[AggregateExpression] = [
        Threshold(1, None, "cpu"),
        Threshold(0, 1, "disk"),
        Threshold(None, None, "all"),
        Baseline(Statistic.DEVIATION, COUNT, 116),
    ]
    found = [compile_expression(node, [], known)([], ("web", "sda"), 12) for node in nodes]
    assert found == [90, 90, 90, 2.5]
    assert known.asked == [
        ("sda", None, "cpu"),
        ("web", "sda", "disk"),
        (None, None, "all"),
        (116, Statistic.DEVIATION, ("web", "sda"), 12),
    ]
    assert NO_EXTERNALS.threshold("web", None, "cpu") is None


def test_a_deviation_from_a_baseline() -> None:
    average, spread = (Baseline(each, SUM, 116) for each in Statistic)
    score = Arithmetic("/", Arithmetic("-", SUM, average), spread)
    constraint = AggregateCompare(Order.LE, score, Number(-1))
    test = compile_constraint(constraint, [SUM], Recorded())
    assert test([0], ("web",), 0) is True
    assert test([1], ("web",), 0) is False


def test_conditions_join() -> None:
    yes, no = (AggregateCompare(Order.EQ, Number(number), Number(1)) for number in (1, 2))
    unknown = AggregateCompare(Order.EQ, SUM, Number(1))
    for parts, both, either in [
        ((yes, no), False, True),
        ((yes, unknown), False, True),
        ((no, unknown), False, False),
    ]:
        assert compile_constraint(AggregateAnd(parts), [SUM])([None], (), 0) is both
        assert compile_constraint(AggregateOr(parts), [SUM])([None], (), 0) is either


@given(counts, st.integers(1, 12))
def test_with_fewer_events_than_the_least_nothing_holds(constraint: Constraint, count: int) -> None:
    if count < least_count(constraint):
        assert not compile_constraint(constraint, [COUNT])([count], (), 0)


@pytest.mark.parametrize(
    ("op", "value", "least"),
    [
        (Order.GE, 5, 5),
        (Order.GE, 4.5, 5),
        (Order.GT, 5, 6),
        (Order.GT, 4.5, 5),
        (Order.EQ, 7, 7),
        (Order.LT, 9, 1),
        (Order.GE, -2, 1),
        (Order.GT, math.inf, math.inf),
        (Order.GE, -math.inf, 1),
    ],
)
def test_the_least_count(op: Order, value: float, least: float) -> None:
    compare = AggregateCompare(op, COUNT, Number(value))
    other = AggregateCompare(Order.GT, SUM, Number(1))
    assert least_count(compare) == least_count(AggregateAnd((other, compare))) == least
    assert least_count(AggregateOr((other, compare))) == 1
    assert least_count(AggregateCompare(op, SUM, Number(value))) == 1
    assert least_count(AggregateCompare(op, COUNT, Number(value), negated=True)) == 1
