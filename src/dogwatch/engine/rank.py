"""Numbers of a sliding window in order of size: medians and percentiles.

The numbers up to the wanted rank stand in one ordered store, the others in a second, so the answer is at hand;
a number that enters or leaves costs about the logarithm of their count and the length of one block.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from fractions import Fraction

from dogwatch.engine.value import Number, Value, is_number, quotient
from dogwatch.schema.field import Scalar

_BLOCK = 512
"""Numbers in a block that was split; one of twice as many is split again."""


class Ordered:
    """Numbers in ascending order, in blocks of limited length."""

    __slots__ = ("_blocks", "_tops")

    def __init__(self) -> None:
        self._blocks: list[list[Number]] = []
        self._tops: list[Number] = []

    def __bool__(self) -> bool:
        return bool(self._blocks)

    @property
    def lowest(self) -> Number:
        """The least of the numbers, of which there must be one."""
        return self._blocks[0][0]

    @property
    def highest(self) -> Number:
        """The greatest of the numbers, of which there must be one."""
        return self._tops[-1]

    def add(self, value: Number) -> None:
        """Put a number in its place."""
        if not self._blocks:
            self._blocks.append([value])
            self._tops.append(value)
            return
        place = min(bisect_left(self._tops, value), len(self._tops) - 1)
        block = self._blocks[place]
        insort(block, value)
        if len(block) > 2 * _BLOCK:
            self._blocks.insert(place, block[:_BLOCK])
            self._tops.insert(place, block[_BLOCK - 1])
            del block[:_BLOCK]
            place += 1
        self._tops[place] = block[-1]

    def remove(self, value: Number) -> None:
        """Take out one number equal to ``value``; there must be one."""
        # The first block that ends no lower holds it: the blocks before end lower.
        place = bisect_left(self._tops, value)
        block = self._blocks[place]
        del block[bisect_left(block, value)]
        if block:
            self._tops[place] = block[-1]
        else:
            del self._blocks[place], self._tops[place]


class Percentile:
    """A percentile by nearest rank: the number at place ``ceil(percent / 100 * count)``, counted from 1.

    Args:
        percent: Above 0, at most 100; taken as it is written, so that 99.9 is 999 thousandths.
    """

    __slots__ = ("_count", "_denominator", "_high", "_low", "_low_count", "_numerator")

    def __init__(self, percent: float) -> None:
        share = Fraction(str(percent)) / 100
        if not 0 < share <= 1:
            raise ValueError(f"a percentile is above 0 and at most 100, not {percent}")
        self._numerator, self._denominator = share.numerator, share.denominator
        self._low, self._high = Ordered(), Ordered()
        self._low_count = self._count = 0

    def add(self, value: Scalar) -> None:
        """Count a value in, if it is a number."""
        if not is_number(value):
            return
        self._count += 1
        if self._low and value <= self._low.highest:
            self._low.add(value)
            self._low_count += 1
        else:
            self._high.add(value)
        self._balance()

    def remove(self, value: Scalar) -> None:
        """Count a value out again."""
        if not is_number(value):
            return
        self._count -= 1
        if value <= self._low.highest:
            self._low.remove(value)
            self._low_count -= 1
        else:
            self._high.remove(value)
        self._balance()

    def value(self) -> Value | None:
        """The number at the rank."""
        return self._low.highest if self._count else None

    def _balance(self) -> None:
        wanted = -(-self._count * self._numerator // self._denominator)
        while self._low_count < wanted:
            moved = self._high.lowest
            self._high.remove(moved)
            self._low.add(moved)
            self._low_count += 1
        while self._low_count > wanted:
            moved = self._low.highest
            self._low.remove(moved)
            self._high.add(moved)
            self._low_count -= 1


class Median(Percentile):
    """The number in the middle; of an even count the mean of the two middle ones."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(50)

    def value(self) -> Value | None:
        """The median."""
        if not self._count:
            return None
        return self._low.highest if self._count % 2 else _middle(self._low.highest, self._high.lowest)


def _middle(low: Number, high: Number) -> float | None:
    """The mean of two numbers, rounded once."""
    if type(low) is type(high):
        total = low + high
        if type(total) is int:
            return quotient(total, 2)
        # Halving first is exact for numbers so large that their sum is none.
        return total / 2 if math.isfinite(total) else low / 2 + high / 2
    mean = (Fraction(low) + Fraction(high)) / 2
    return quotient(mean.numerator, mean.denominator)
