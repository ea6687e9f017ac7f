"""Aggregates the long way: at each event everything is computed again from all events in the window.

``engine.aggregate`` keeps its windows up to date instead. The two must agree; tests hold them against each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dogwatch.engine.passed import GroupPassed, aggregated_fields
from dogwatch.events.batch import Event
from dogwatch.logic import pattern as logic
from dogwatch.logic.pattern import Aggregate, AggregateFunction, AggregatePattern, Constraint, Key, aggregates_of
from dogwatch.logic.predicate import Order
from dogwatch.schema.field import Scalar

Value = int | float | None


@dataclass(frozen=True, slots=True)
class Triggered:
    """A group whose constraint held, with all contributing events in order and the aggregates over them."""

    group: Key
    events: tuple[Event, ...]
    aggregates: dict[Aggregate, Value]


def find_groups(pattern: AggregatePattern, passed: Iterable[GroupPassed]) -> list[Triggered]:
    """Every trigger in a complete list of passed rows, which may come in any order; in order of time."""
    found: list[Triggered] = []
    seen: list[GroupPassed] = []
    used: set[int] = set()
    for row in sorted(passed, key=lambda row: row.event.order):
        if any(other.event.identity == row.event.identity for other in seen):
            continue
        seen.append(row)
        if not pattern.keep_null_groups and None in row.group:
            continue
        window = [
            other
            for other in seen
            if other.group == row.group
            and other.event.time > row.event.time - pattern.window
            and other.event.arrival not in used
        ]
        aggregates = {part: _aggregate(pattern, part, window) for part in aggregates_of(pattern.constraint)}
        if _holds(pattern.constraint, aggregates):
            found.append(Triggered(row.group, tuple(other.event for other in window), aggregates))
            used.update(other.event.arrival for other in seen if other.group == row.group)
    return found


def _aggregate(pattern: AggregatePattern, aggregate: Aggregate, window: Sequence[GroupPassed]) -> Value:
    if aggregate.field is None:
        return len(window)
    column = aggregated_fields(pattern).index(aggregate.field)
    values = [row.values[column] for row in window if row.values[column] is not None]
    numbers = [value for value in map(_number, values) if value is not None]
    match aggregate.function:
        case AggregateFunction.COUNT:
            return len(values)
        case AggregateFunction.COUNT_DISTINCT:
            return len(set(values))
        case AggregateFunction.SUM:
            return _sum(numbers)
        case AggregateFunction.AVG:
            total = _sum(numbers)
            return None if total is None else total / len(numbers)
        case AggregateFunction.MIN:
            return min(numbers, default=None)
        case AggregateFunction.MAX:
            return max(numbers, default=None)


def _number(value: Scalar | None) -> Value:
    if isinstance(value, (str, bool)) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _sum(numbers: Sequence[int | float]) -> Value:
    if not numbers:
        return None
    total = sum(map(Fraction, numbers), Fraction(0))
    if all(isinstance(number, int) for number in numbers):
        return int(total)
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def _holds(node: Constraint, aggregates: dict[Aggregate, Value]) -> bool:
    match node:
        case logic.AggregateAnd(parts=parts):
            return all(_holds(part, aggregates) for part in parts)
        case logic.AggregateOr(parts=parts):
            return any(_holds(part, aggregates) for part in parts)
        case logic.AggregateCompare(op=op, left=left, right=right, negated=negated):
            one, other = _value(left, aggregates), _value(right, aggregates)
            if one is None or other is None:
                return False
            answer = {
                Order.EQ: one == other,
                Order.LT: one < other,
                Order.LE: one <= other,
                Order.GT: one > other,
                Order.GE: one >= other,
            }[op]
            return not answer if negated else answer


def _value(node: logic.AggregateExpression, aggregates: dict[Aggregate, Value]) -> Value:
    match node:
        case Aggregate():
            return aggregates[node]
        case logic.Number(value=value):
            return value
        case logic.Arithmetic(op=op, left=left, right=right):
            one, other = _value(left, aggregates), _value(right, aggregates)
            if one is None or other is None or (op == "/" and other == 0):
                return None
            results = {"+": one + other, "-": one - other, "*": one * other}
            result = one / other if op == "/" else results[op]
            return None if math.isnan(result) else result
