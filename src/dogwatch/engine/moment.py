"""Sums of a sliding window, and what follows from them: averages, variances.

Sums are kept as whole numbers of a unit that is fine enough for every value so far, so they are exact: a value
that has left leaves nothing behind, and only the result is rounded, once, to the nearest number.
"""

from __future__ import annotations

import math

from dogwatch.engine.value import Number, Value, is_number, quotient
from dogwatch.schema.field import Scalar

_ROOT_BITS = 109
"""Bits of a radicand that decide how its root is rounded: twice the 53 of a result, and some to spare."""


class Sum:
    """``_total`` counts units of ``2 ** -_bits``."""

    __slots__ = ("_bits", "_count", "_floats", "_total")

    def __init__(self) -> None:
        self._count = 0
        self._floats = 0
        self._total = 0
        self._bits = 0

    def add(self, value: Scalar) -> None:
        """Count a value in, if it is a number."""
        if is_number(value):
            self._change(value, 1)

    def remove(self, value: Scalar) -> None:
        """Count a value out again."""
        if is_number(value):
            self._change(value, -1)

    def value(self) -> Value | None:
        """The sum: a whole number if all values are."""
        if not self._count:
            return None
        return quotient(self._total, 1 << self._bits) if self._floats else self._total >> self._bits

    def _change(self, value: Number, sign: int) -> int:
        """Take in a value, or take it out; returns it in units."""
        self._count += sign
        if type(value) is int:
            units = value << self._bits
        else:
            self._floats += sign
            numerator, denominator = value.as_integer_ratio()
            bits = denominator.bit_length() - 1
            if bits > self._bits:
                self._refine(bits - self._bits)
            units = numerator << (self._bits - bits)
        self._total += sign * units
        return units

    def _refine(self, bits: int) -> None:
        """Make the unit ``2 ** bits`` times as small."""
        self._total <<= bits
        self._bits += bits


class Average(Sum):
    """The arithmetic mean."""

    __slots__ = ()

    def value(self) -> Value | None:
        """The average, rounded once."""
        return quotient(self._total, self._count << self._bits) if self._count else None


class Variance(Sum):
    """The population's variance. ``_squares`` counts squares of the sum's unit."""

    __slots__ = ("_squares",)

    def __init__(self) -> None:
        super().__init__()
        self._squares = 0

    def value(self) -> Value | None:
        """The variance, rounded once."""
        return quotient(*self._fraction()) if self._count else None

    def _fraction(self) -> tuple[int, int]:
        count = self._count
        return count * self._squares - self._total * self._total, count * count << (2 * self._bits)

    def _change(self, value: Number, sign: int) -> int:
        units = super()._change(value, sign)
        self._squares += sign * units * units
        return units

    def _refine(self, bits: int) -> None:
        super()._refine(bits)
        self._squares <<= 2 * bits


class Deviation(Variance):
    """The population's standard deviation."""

    __slots__ = ()

    def value(self) -> Value | None:
        """The deviation, rounded once."""
        return _root(*self._fraction()) if self._count else None


def _root(numerator: int, denominator: int) -> float | None:
    """The square root of a fraction, to the nearest floating point number."""
    if not numerator:
        return 0.0
    # The fraction is scaled by a power of 4, so that the root has enough bits and no more. A remainder makes its
    # last bit odd, which keeps the rounding from taking it for a number half way between two others.
    shift = (numerator.bit_length() - denominator.bit_length() - _ROOT_BITS) // 2
    if shift >= 0:
        denominator <<= 2 * shift
    else:
        numerator <<= -2 * shift
    root = math.isqrt(numerator // denominator)
    root |= root * root * denominator != numerator
    return quotient(root << shift, 1) if shift >= 0 else quotient(root, 1 << -shift)
