"""Hours and days of dates, over whole columns as one by one."""

from __future__ import annotations

import pytest
from predicate_strategies import DATE, DOUBLE, LONG, Sample, batch_of, values_of

from dogwatch.base.time import parse_instant
from dogwatch.engine.plan import Plan
from dogwatch.engine.reference import evaluate
from dogwatch.logic.predicate import Call, Compare, Field, Leaf, Literal, Member, Not, Order
from dogwatch.schema.field import FieldRef, FieldType

INSTANTS = [
    parse_instant(text) or 0
    for text in (
        "1969-12-27T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "2024-05-06T10:59:59.999Z",
        "2026-11-22T17:00:00Z",
    )
]
ROWS: list[list[int]] = [*([each] for each in INSTANTS), [], INSTANTS]


def number(value: int) -> Literal:
    return Literal(value, FieldType.LONG)


@pytest.mark.parametrize("ref", [DATE, LONG, DOUBLE])
@pytest.mark.parametrize("function", ["hour_of_day", "day_of_week"])
@pytest.mark.parametrize("value", [0, 1, 2, 5, 7, 10, 17, 23])
def test_columns_answer_as_single_values_do(ref: FieldRef, function: str, value: int) -> None:
    part = Call(function, (Field(ref),))
    rows = [[float(each) for each in row] if ref is DOUBLE else row for row in ROWS]
    documents: list[Sample] = [{ref: row} for row in rows]
    leaves: list[Leaf] = [
        *(Compare(order, part, number(value)) for order in Order),
        *(Compare(order, number(value), part) for order in Order),
        Member(part, frozenset({value, 3})),
    ]
    for leaf in leaves:
        found = Plan([leaf, Not(leaf)]).evaluate(batch_of(documents))
        assert found[0].tolist() == [evaluate(leaf, values_of(each)) is True for each in documents]
        assert found[1].tolist() == [evaluate(leaf, values_of(each)) is False for each in documents]


def test_some_hours_and_days() -> None:
    for function, values in (("hour_of_day", [23, 0, 10, 17]), ("day_of_week", [7, 5, 2, 1])):
        leaves = [Compare(Order.EQ, Call(function, (Field(DATE),)), number(value)) for value in values]
        found = Plan(leaves).evaluate(batch_of([{DATE: [each]} for each in INSTANTS]))
        assert [flags.tolist().index(True) for flags in found] == [0, 1, 2, 3]
