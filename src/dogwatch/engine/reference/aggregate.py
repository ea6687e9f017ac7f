"""Aggregates the long way: at each event everything is computed again from all events in the window.

``engine.aggregate`` keeps its windows up to date instead. The two must agree; tests hold them against each other.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dogwatch.base.text import Fold
from dogwatch.engine.external import NO_EXTERNALS, Externals
from dogwatch.engine.passed import GroupPassed, aggregated_fields
from dogwatch.events.batch import Event
from dogwatch.logic import pattern as logic
from dogwatch.logic.pattern import Aggregate, AggregateFunction, AggregatePattern, Constraint, Key, aggregates_in
from dogwatch.logic.predicate import Order
from dogwatch.schema.field import Scalar

Number = int | float
Value = int | float | str | None


@dataclass(frozen=True, slots=True)
class Triggered:
    """A group whose constraint held.

    Attributes:
        group: Its values of the grouping fields.
        events: All contributing events in order.
        aggregates: The value of each of ``aggregates_in(pattern)``.
        shown: The value of each expression that the pattern shows, by its name.
    """

    group: Key
    events: tuple[Event, ...]
    aggregates: dict[Aggregate, Value]
    shown: dict[str, Value]


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a constraint is asked about: the aggregates over a group's window, and what else it may need."""

    aggregates: dict[Aggregate, Value]
    group: Key
    time: int
    externals: Externals


def find_groups(
    pattern: AggregatePattern, passed: Iterable[GroupPassed], externals: Externals = NO_EXTERNALS
) -> list[Triggered]:
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
        trigger = trigger_of(pattern, window, externals)
        if trigger is not None:
            found.append(trigger)
            used.update(other.event.arrival for other in seen if other.group == row.group)
    return found


def trigger_of(
    pattern: AggregatePattern, window: Sequence[GroupPassed], externals: Externals = NO_EXTERNALS
) -> Triggered | None:
    """The trigger of one group's rows, in order and at least one, if the constraint holds over them."""
    group = window[-1].group
    aggregates = {part: _aggregate(pattern, part, window) for part in aggregates_in(pattern)}
    scene = _Scene(aggregates, group, window[-1].event.time, externals)
    if not _holds(pattern.constraint, scene):
        return None
    shown = {name: _value(expression, scene) for name, expression in pattern.shown}
    return Triggered(group, tuple(row.event for row in window), aggregates, shown)


def aggregate_of(function: AggregateFunction, values: Sequence[Scalar], percent: float | None = None) -> Value:
    """An aggregate of values that are there, oldest first. Those that are no finite numbers are no numbers."""
    numbers = [value for value in values if _is_number(value)]
    match function:
        case AggregateFunction.COUNT:
            return len(values)
        case AggregateFunction.COUNT_DISTINCT:
            return len(set(values))
        case AggregateFunction.MODE | AggregateFunction.FIRST | AggregateFunction.LAST:
            return _picked(function, [_plain(value) for value in values if _is_plain(value)])
    if not numbers:
        return None
    exact = [Fraction(number) for number in numbers]
    ordered = sorted(numbers)
    match function:
        case AggregateFunction.SUM if all(isinstance(number, int) for number in numbers):
            return sum(int(number) for number in numbers)
        case AggregateFunction.SUM:
            return _rounded(lambda: float(sum(exact)))
        case AggregateFunction.AVG:
            return _rounded(lambda: float(sum(exact) / len(exact)))
        case AggregateFunction.MIN:
            return ordered[0]
        case AggregateFunction.MAX:
            return ordered[-1]
        case AggregateFunction.MEDIAN if len(ordered) % 2:
            return ordered[len(ordered) // 2]
        case AggregateFunction.MEDIAN:
            low, high = ordered[len(ordered) // 2 - 1], ordered[len(ordered) // 2]
            return _rounded(lambda: float((Fraction(low) + Fraction(high)) / 2))
        case AggregateFunction.VARIANCE:
            return _rounded(lambda: float(statistics.pvariance(exact)))
        case AggregateFunction.STDDEV:
            return _rounded(lambda: float(statistics.pstdev(exact)))
        case AggregateFunction.PCTILE:
            return ordered[math.ceil(Fraction(str(percent)) / 100 * len(ordered)) - 1]
        case AggregateFunction.PCTCHANGE:
            first, last = exact[0], exact[-1]
            return _rounded(lambda: float((last - first) / first * 100)) if first else None


def _aggregate(pattern: AggregatePattern, aggregate: Aggregate, window: Sequence[GroupPassed]) -> Value:
    if aggregate.field is None:
        return len(window)
    column = aggregated_fields(pattern).index(aggregate.field)
    values = [value for row in window if (value := row.values[column]) is not None]
    return aggregate_of(aggregate.function, values, aggregate.percent)


def _picked(function: AggregateFunction, values: Sequence[Number | str]) -> Value:
    if not values:
        return None
    match function:
        case AggregateFunction.FIRST:
            return values[0]
        case AggregateFunction.LAST:
            return values[-1]
        case _:
            # Of equal counts ``Counter`` tells that of the value met first.
            return Counter(values).most_common(1)[0][0]


def _is_number(value: Scalar) -> bool:
    return not isinstance(value, (str, bool)) and _is_plain(value)


def _is_plain(value: Scalar) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _plain(value: Scalar) -> Number | str:
    return str(value).lower() if isinstance(value, bool) else value


def _rounded(calculate: Callable[[], float]) -> float | None:
    try:
        return calculate()
    except OverflowError:
        return None


def _holds(node: Constraint, scene: _Scene) -> bool:
    match node:
        case logic.AggregateAnd(parts=parts):
            return all(_holds(part, scene) for part in parts)
        case logic.AggregateOr(parts=parts):
            return any(_holds(part, scene) for part in parts)
        case logic.AggregateCompare(op=op, left=left, right=right, negated=negated):
            answer = _compared(op, _value(left, scene), _value(right, scene))
            return answer is not None and answer is not negated


def _compared(op: Order, left: Value, right: Value) -> bool | None:
    """Whether a comparison holds; ``None`` is unknown."""
    if isinstance(left, str) and isinstance(right, str):
        return Fold.UNICODE.apply(left) == Fold.UNICODE.apply(right) if op is Order.EQ else None
    if left is None or right is None or isinstance(left, str) or isinstance(right, str):
        return None
    return {
        Order.EQ: left == right,
        Order.LT: left < right,
        Order.LE: left <= right,
        Order.GT: left > right,
        Order.GE: left >= right,
    }[op]


def _value(node: logic.AggregateExpression, scene: _Scene) -> Value:
    match node:
        case Aggregate():
            return scene.aggregates[node]
        case logic.Number(value=value) | logic.Text(value=value):
            return value
        case logic.Threshold(device=device, component=component, name=name):
            whole = None if device is None else scene.group[device]
            part = None if component is None else scene.group[component]
            return _known(scene.externals.threshold(whole, part, name))
        case logic.Baseline(statistic=statistic, profile=profile):
            return _known(scene.externals.baseline(profile, statistic, scene.group, scene.time))
        case logic.Arithmetic(op=op, left=left, right=right):
            one, other = _value(left, scene), _value(right, scene)
            if one is None or other is None or isinstance(one, str) or isinstance(other, str):
                return None
            return _calculated(op, one, other)


def _calculated(op: str, left: Number, right: Number) -> Number | None:
    if op == "/" and not right:
        return None
    try:
        match op:
            case "+":
                return _known(left + right)
            case "-":
                return _known(left - right)
            case "*":
                return _known(left * right)
            case _:
                return _known(left / right)
    except OverflowError:
        return None


def _known(number: Number | None) -> Number | None:
    return number if isinstance(number, int) or (number is not None and math.isfinite(number)) else None
