"""Comparisons of whole columns of numbers, exact where integers meet floating point."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from dogwatch.base.time import SECOND
from dogwatch.engine.kernels.column import Numbers
from dogwatch.engine.kernels.mask import Flags
from dogwatch.logic.predicate import Order

_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1

_HOUR, _DAY = 3600 * SECOND, 86400 * SECOND
_FIRST_DAY = 4
"""1970-01-01 was a Thursday: so many days after a Sunday."""

NumberTest = Callable[[Numbers], Flags]


def comparison(op: Order, bound: float) -> NumberTest:
    """A test ``value op bound`` for columns of integers, floating point numbers or booleans."""
    low, high = _integers(op, bound)
    least, most = _doubles(op, bound)

    def test(values: Numbers) -> Flags:
        if values.dtype == np.float64:
            return (values >= least) & (values <= most)
        if low > high:
            return np.zeros(len(values), np.bool_)
        whole = _whole(values)
        found: Flags
        if low == high:
            found = whole == low
        elif low == _LONG_MIN:
            found = whole <= high
        else:
            found = whole >= low if high == _LONG_MAX else (whole >= low) & (whole <= high)
        return found

    return test


def membership(members: Iterable[float]) -> NumberTest:
    """A test for values that equal one of some numbers."""
    numbers = list(members)
    integers = np.array(sorted({int(n) for n in numbers if _is_long(n)}), np.int64)
    doubles = np.array(sorted({float(n) for n in numbers if _is_double(n)}), np.float64)

    def test(values: Numbers) -> Flags:
        if values.dtype == np.float64:
            return np.isin(values, doubles)
        return np.isin(_whole(values), integers)

    return test


def both(first: NumberTest, second: NumberTest) -> NumberTest:
    """A test for values that satisfy two tests at once."""
    return lambda values: first(values) & second(values)


def on_clock(part: str, test: NumberTest) -> NumberTest:
    """A test for dates whose hour of the day or day of the week satisfies another.

    Args:
        part: ``hour_of_day`` or ``day_of_week``.
        test: The test of the hours or days.
    """
    if part == "hour_of_day":
        return lambda values: test(values % _DAY // _HOUR)
    return lambda values: test((values // _DAY + _FIRST_DAY) % 7 + 1)


def _whole(values: Numbers) -> Numbers:
    return values.view(np.int8).astype(np.int64) if values.dtype == np.bool_ else values


def _is_long(number: float) -> bool:
    return math.isfinite(number) and number == int(number) and _LONG_MIN <= number <= _LONG_MAX


def _is_double(number: float) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False


def _integers(op: Order, bound: float) -> tuple[int, int]:
    """The integers, lowest and highest, for which ``integer op bound`` holds; none if they cross."""
    if math.isnan(bound):
        return 1, 0
    if bound in (math.inf, -math.inf):
        bound = 2**64 if bound > 0 else -(2**64)
    floor, ceiling = math.floor(bound), math.ceil(bound)
    match op:
        case Order.EQ:
            low, high = ceiling, floor
        case Order.LT:
            low, high = _LONG_MIN, ceiling - 1
        case Order.LE:
            low, high = _LONG_MIN, floor
        case Order.GT:
            low, high = floor + 1, _LONG_MAX
        case Order.GE:
            low, high = ceiling, _LONG_MAX
    return (max(low, _LONG_MIN), min(high, _LONG_MAX)) if low <= _LONG_MAX and high >= _LONG_MIN else (1, 0)


def _doubles(op: Order, bound: float) -> tuple[float, float]:
    """The same for floating point numbers."""
    try:
        near = float(bound)
    except OverflowError:
        near = math.inf if bound > 0 else -math.inf
    below = near if near < bound else math.nextafter(near, -math.inf)
    above = near if near > bound else math.nextafter(near, math.inf)
    exact = near == bound
    match op:
        case Order.EQ:
            return (near, near) if exact else (1.0, 0.0)
        case Order.LT:
            return (-math.inf, below) if bound > -math.inf else (1.0, 0.0)
        case Order.LE:
            return -math.inf, near if exact else below
        case Order.GT:
            return (above, math.inf) if bound < math.inf else (1.0, 0.0)
        case Order.GE:
            return near if exact else above, math.inf
