"""Constraints on the aggregates of a group, made into functions that answer quickly."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence

from dogwatch.engine.accumulator import Number
from dogwatch.logic import pattern as logic
from dogwatch.logic.pattern import Aggregate, AggregateExpression, Constraint
from dogwatch.logic.predicate import Order

Values = Sequence[Number | None]
"""The values of a constraint's aggregates, in the order of ``aggregates_of``."""


def compile_constraint(constraint: Constraint) -> Callable[[Values], bool]:
    """A function that tells from the values of ``aggregates_of(constraint)`` whether the constraint holds.

    Unknown counts as not holding. Nothing negates a conjunction or a disjunction, so that is decided at
    each comparison.
    """
    places = {aggregate: place for place, aggregate in enumerate(logic.aggregates_of(constraint))}
    return _condition(constraint, places)


def _condition(node: Constraint, places: Mapping[Aggregate, int]) -> Callable[[Values], bool]:
    match node:
        case logic.AggregateAnd(parts=parts):
            conditions = [_condition(part, places) for part in parts]
            return lambda values: all(condition(values) for condition in conditions)
        case logic.AggregateOr(parts=parts):
            conditions = [_condition(part, places) for part in parts]
            return lambda values: any(condition(values) for condition in conditions)
        case logic.AggregateCompare(op=op, left=left, right=right, negated=negated):
            return _comparison(op, _expression(left, places), _expression(right, places), negated)


def _comparison(
    op: Order, left: Callable[[Values], Number | None], right: Callable[[Values], Number | None], negated: bool
) -> Callable[[Values], bool]:
    compare = _COMPARE[op]

    def holds(values: Values) -> bool:
        one, other = left(values), right(values)
        return one is not None and other is not None and compare(one, other) is not negated

    return holds


def _expression(node: AggregateExpression, places: Mapping[Aggregate, int]) -> Callable[[Values], Number | None]:
    match node:
        case Aggregate():
            place = places[node]
            return lambda values: values[place]
        case logic.Number(value=value):
            return lambda values: value  # noqa: ARG005 - a constant is an expression like the others
        case logic.Arithmetic(op=op, left=left, right=right):
            one, other = _expression(left, places), _expression(right, places)
            return lambda values: _calculate(op, one(values), other(values))


def _calculate(op: str, left: Number | None, right: Number | None) -> Number | None:
    if left is None or right is None:
        return None
    try:
        match op:
            case "+":
                result = left + right
            case "-":
                result = left - right
            case "*":
                result = left * right
            case "/":
                result = left / right
            case _:
                raise ValueError(f"unknown arithmetic operator {op!r}")
        return None if math.isnan(result) else result
    except (ZeroDivisionError, OverflowError):
        return None


_COMPARE: dict[Order, Callable[[Number, Number], bool]] = {
    Order.EQ: operator.eq,
    Order.LT: operator.lt,
    Order.LE: operator.le,
    Order.GT: operator.gt,
    Order.GE: operator.ge,
}
