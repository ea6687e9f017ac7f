"""Constraints on the aggregates of a group, made into functions that answer quickly."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dogwatch.base.text import Fold
from dogwatch.engine.external import NO_EXTERNALS, Externals
from dogwatch.engine.value import Number, Value
from dogwatch.logic import pattern as logic
from dogwatch.logic.pattern import Aggregate, AggregateExpression, AggregateFunction, Constraint, Key
from dogwatch.logic.predicate import Order

Values = Sequence[Value | None]
"""The values of aggregates, in the order in which the aggregates were given."""

Test = Callable[[Values, Key, int], bool]
"""Whether a constraint holds: by the aggregates' values, the group, and the time of its newest event."""

Calculation = Callable[[Values, Key, int], Value | None]
"""The value of an expression, from the same."""


def compile_constraint(
    constraint: Constraint, aggregates: Sequence[Aggregate], externals: Externals = NO_EXTERNALS
) -> Test:
    """A function that tells whether a constraint holds; unknown counts as not holding.

    Nothing negates a conjunction or a disjunction, so unknown is decided at each comparison. Two texts are equal
    or not, letter case aside; their order is unknown, as is any comparison of a text with a number.

    Args:
        constraint: What is asked.
        aggregates: Those whose values the function will be given, in that order: all that the constraint names.
        externals: Where limits of devices and baselines come from.
    """
    return _Compiler(_places(aggregates), externals).condition(constraint)


def compile_expression(
    expression: AggregateExpression, aggregates: Sequence[Aggregate], externals: Externals = NO_EXTERNALS
) -> Calculation:
    """A function that works out an expression; arguments as for ``compile_constraint``.

    ``None`` is unknown: so is what follows from it, arithmetic on texts, division by zero, and a result that is
    too large for a floating point number.
    """
    return _Compiler(_places(aggregates), externals).expression(expression)


def least_count(constraint: Constraint) -> float:
    """The fewest events with which a constraint can hold: with fewer there is no need to ask it.

    At least 1, as a group is tested at an event of its own; infinite if no number of events is enough.
    """
    match constraint:
        case logic.AggregateAnd(parts=parts):
            return max((least_count(part) for part in parts), default=1)
        case logic.AggregateOr(parts=parts):
            return min((least_count(part) for part in parts), default=math.inf)
        case logic.AggregateCompare(
            op=op, left=Aggregate(AggregateFunction.COUNT, None), right=logic.Number(value=value), negated=False
        ):
            match op:
                case Order.GT:
                    return max(1, math.floor(value) + 1) if math.isfinite(value) else max(1, value)
                case Order.GE | Order.EQ:
                    return max(1, math.ceil(value)) if math.isfinite(value) else max(1, value)
    return 1


def _places(aggregates: Sequence[Aggregate]) -> dict[Aggregate, int]:
    return {aggregate: place for place, aggregate in enumerate(aggregates)}


@dataclass(frozen=True, slots=True)
class _Compiler:
    places: Mapping[Aggregate, int]
    externals: Externals

    def condition(self, node: Constraint) -> Test:
        match node:
            case logic.AggregateAnd(parts=parts):
                conditions = [self.condition(part) for part in parts]
                return lambda values, group, time: all(holds(values, group, time) for holds in conditions)
            case logic.AggregateOr(parts=parts):
                conditions = [self.condition(part) for part in parts]
                return lambda values, group, time: any(holds(values, group, time) for holds in conditions)
            case logic.AggregateCompare(op=op, left=left, right=right, negated=negated):
                return _comparison(op, self.expression(left), self.expression(right), negated)

    def expression(self, node: AggregateExpression) -> Calculation:
        match node:
            case Aggregate():
                place = self.places[node]
                return lambda values, _group, _time: values[place]
            case logic.Number(value=value) | logic.Text(value=value):
                return lambda _values, _group, _time: value
            case logic.Threshold(device=device, component=component, name=name):
                return lambda _values, group, _time: _finite(
                    self.externals.threshold(
                        None if device is None else group[device],
                        None if component is None else group[component],
                        name,
                    )
                )
            case logic.Baseline(statistic=statistic, profile=profile):
                return lambda _values, group, time: _finite(
                    self.externals.baseline(profile, statistic, group, time)
                )
            case logic.Arithmetic(op=op, left=left, right=right):
                one, other = self.expression(left), self.expression(right)
                return lambda values, group, time: _calculate(
                    op, one(values, group, time), other(values, group, time)
                )


def _comparison(op: Order, left: Calculation, right: Calculation, negated: bool) -> Test:
    compare = _COMPARE[op]

    def holds(values: Values, group: Key, time: int) -> bool:
        one, other = left(values, group, time), right(values, group, time)
        if one is None or other is None:
            return False
        if isinstance(one, str) or isinstance(other, str):
            if op is not Order.EQ or not isinstance(one, str) or not isinstance(other, str):
                return False
            return (Fold.UNICODE.apply(one) == Fold.UNICODE.apply(other)) is not negated
        return compare(one, other) is not negated

    return holds


def _calculate(op: str, left: Value | None, right: Value | None) -> Number | None:
    if left is None or right is None or isinstance(left, str) or isinstance(right, str):
        return None
    calculate = _CALCULATE[op]
    try:
        return _finite(calculate(left, right))
    except (ZeroDivisionError, OverflowError):
        return None


def _finite(value: Number | None) -> Number | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


_COMPARE: dict[Order, Callable[[Number, Number], bool]] = {
    Order.EQ: operator.eq,
    Order.LT: operator.lt,
    Order.LE: operator.le,
    Order.GT: operator.gt,
    Order.GE: operator.ge,
}

_CALCULATE: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
