"""Aggregates of a sliding window, kept up to date as values enter at one end and leave at the other.

Sums are exact, so a value that has left a window leaves no rounding error behind, and a window's aggregates do
not depend on how it came about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol, TypeGuard

from dogwatch.logic.pattern import AggregateFunction
from dogwatch.schema.field import Scalar

Number = int | float

_COMPACT = 32
"""Values that may have left the front of a list before the list is cut."""


class Accumulator(Protocol):
    """One aggregate of one field over a window."""

    def add(self, value: Scalar) -> None:
        """A value enters at the newer end."""
        ...

    def remove(self, value: Scalar) -> None:
        """The oldest value, which is this one, leaves."""
        ...

    def value(self) -> Number | None:
        """The aggregate over the values in the window; ``None`` if they give none."""
        ...


class _Count:
    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Scalar) -> None:  # noqa: ARG002 - part of the protocol
        self._count += 1

    def remove(self, value: Scalar) -> None:  # noqa: ARG002 - part of the protocol
        self._count -= 1

    def value(self) -> Number | None:
        return self._count


class _CountDistinct:
    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[Scalar, int] = {}

    def add(self, value: Scalar) -> None:
        self._counts[value] = self._counts.get(value, 0) + 1

    def remove(self, value: Scalar) -> None:
        left = self._counts[value] - 1
        if left:
            self._counts[value] = left
        else:
            del self._counts[value]

    def value(self) -> Number | None:
        return len(self._counts)


class _Sum:
    """``_total`` counts units of ``2 ** -_bits``, as fine as the finest value so far needed."""

    __slots__ = ("_bits", "_count", "_floats", "_total")

    def __init__(self) -> None:
        self._count = 0
        self._floats = 0
        self._total = 0
        self._bits = 0

    def add(self, value: Scalar) -> None:
        if is_number(value):
            self._count += 1
            self._floats += isinstance(value, float)
            units = self._units(value)
            self._total += units

    def remove(self, value: Scalar) -> None:
        if is_number(value):
            self._count -= 1
            self._floats -= isinstance(value, float)
            units = self._units(value)
            self._total -= units

    def value(self) -> Number | None:
        if not self._count:
            return None
        if not self._floats:
            return self._total >> self._bits
        try:
            return self._total / (1 << self._bits)
        except OverflowError:
            return math.inf if self._total > 0 else -math.inf

    def _units(self, value: Number) -> int:
        # May rescale the total, so it has to be called before the total is read.
        numerator, denominator = value.as_integer_ratio()
        bits = denominator.bit_length() - 1
        if bits > self._bits:
            self._total <<= bits - self._bits
            self._bits = bits
        return numerator << (self._bits - bits)


class _Average(_Sum):
    __slots__ = ()

    def value(self) -> Number | None:
        total = super().value()
        if total is None:
            return None
        try:
            return total / self._count
        except OverflowError:
            return math.inf if total > 0 else -math.inf


class _Extreme:
    """The maximum, or the minimum if ``sign`` is -1, from the values that no newer one exceeds."""

    __slots__ = ("_first", "_sign", "_values")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._first = 0
        self._values: list[Number] = []

    def add(self, value: Scalar) -> None:
        if not is_number(value):
            return
        values = self._values
        signed = self._sign * value
        while len(values) > self._first and values[-1] < signed:
            values.pop()
        values.append(signed)

    def remove(self, value: Scalar) -> None:
        if not is_number(value):
            return
        # Equal values are all kept, so the front is the leaving one exactly if it is equal to it.
        if self._values[self._first] == self._sign * value:
            self._first += 1
            if self._first > _COMPACT and self._first * 2 > len(self._values):
                del self._values[: self._first]
                self._first = 0

    def value(self) -> Number | None:
        return self._sign * self._values[self._first] if len(self._values) > self._first else None


def accumulator(function: AggregateFunction) -> Callable[[], Accumulator]:
    """What makes an empty accumulator for an aggregate function of a field.

    Missing values are not handed to accumulators. Those of numbers pass over text, booleans and values that
    are not finite: they are missing too.
    """
    match function:
        case AggregateFunction.COUNT:
            return _Count
        case AggregateFunction.COUNT_DISTINCT:
            return _CountDistinct
        case AggregateFunction.SUM:
            return _Sum
        case AggregateFunction.AVG:
            return _Average
        case AggregateFunction.MAX:
            return lambda: _Extreme(1)
        case AggregateFunction.MIN:
            return lambda: _Extreme(-1)


def is_number(value: Scalar) -> TypeGuard[Number]:
    """Whether a value takes part in an aggregate of numbers."""
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))  # type: ignore[arg-type]  # mypy cannot see it
