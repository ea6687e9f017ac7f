"""Aggregates of a sliding window, kept up to date as values enter at one end and leave at the other.

A value that has left a window leaves nothing behind, not even a rounding error, and a window's aggregates do not
depend on how it came about. Numbers that are not finite are missing, and so is a result that is too large.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from fractions import Fraction
from typing import Generic, Protocol, TypeVar

from dogwatch.engine.moment import Average, Deviation, Sum, Variance
from dogwatch.engine.rank import Median, Percentile
from dogwatch.engine.value import Number, Value, as_value, is_number, quotient
from dogwatch.logic.pattern import AggregateFunction
from dogwatch.schema.field import Scalar

T = TypeVar("T")

_COMPACT = 32
"""Entries that may have left the front of a queue, or be stale in a heap, before it is cut."""

ORDERED = frozenset(
    {
        AggregateFunction.MIN,
        AggregateFunction.MAX,
        AggregateFunction.MODE,
        AggregateFunction.FIRST,
        AggregateFunction.LAST,
        AggregateFunction.PCTCHANGE,
    }
)
"""The functions whose accumulators must be given the values in their order; to the others it is all one."""


class Accumulator(Protocol):
    """One aggregate of one field over a window."""

    def add(self, value: Scalar) -> None:
        """A value enters at the newer end."""
        ...

    def remove(self, value: Scalar) -> None:
        """The oldest value, which is this one, leaves."""
        ...

    def value(self) -> Value | None:
        """The aggregate over the values in the window; ``None`` if they give none."""
        ...


def accumulator(function: AggregateFunction, percent: float | None = None) -> Callable[[], Accumulator]:
    """What makes an empty accumulator for an aggregate function of a field.

    Missing values are not handed to accumulators. Those of numbers pass over texts and booleans.

    Args:
        function: The function.
        percent: Which percentile, if it is one.
    """
    match function:
        case AggregateFunction.COUNT:
            return _Count
        case AggregateFunction.COUNT_DISTINCT:
            return _CountDistinct
        case AggregateFunction.SUM:
            return Sum
        case AggregateFunction.AVG:
            return Average
        case AggregateFunction.MAX:
            return lambda: _Extreme(1)
        case AggregateFunction.MIN:
            return lambda: _Extreme(-1)
        case AggregateFunction.MEDIAN:
            return Median
        case AggregateFunction.MODE:
            return _Mode
        case AggregateFunction.FIRST:
            return _First
        case AggregateFunction.LAST:
            return _Last
        case AggregateFunction.STDDEV:
            return Deviation
        case AggregateFunction.VARIANCE:
            return Variance
        case AggregateFunction.PCTILE:
            if percent is None:
                raise ValueError("a percentile needs its percent")
            return lambda: Percentile(percent)
        case AggregateFunction.PCTCHANGE:
            return _Change


class _Queue(Generic[T]):
    """A list that loses its oldest entries at little cost, and is small while it is short."""

    __slots__ = ("_first", "_items")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._first = 0

    def __len__(self) -> int:
        return len(self._items) - self._first

    @property
    def oldest(self) -> T:
        return self._items[self._first]

    @property
    def newest(self) -> T:
        return self._items[-1]

    def push(self, item: T) -> None:
        self._items.append(item)

    def drop_newest(self) -> None:
        self._items.pop()

    def drop_oldest(self) -> None:
        self._first += 1
        if self._first > _COMPACT and self._first * 2 > len(self._items):
            del self._items[: self._first]
            self._first = 0


class _Count:
    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Scalar) -> None:  # noqa: ARG002 - part of the protocol
        self._count += 1

    def remove(self, value: Scalar) -> None:  # noqa: ARG002 - part of the protocol
        self._count -= 1

    def value(self) -> Value | None:
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

    def value(self) -> Value | None:
        return len(self._counts)


class _Extreme:
    """The maximum, or the minimum if ``sign`` is -1, from the values that no newer one exceeds."""

    __slots__ = ("_sign", "_values")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._values: _Queue[Number] = _Queue()

    def add(self, value: Scalar) -> None:
        if not is_number(value):
            return
        values = self._values
        signed = self._sign * value
        while values and values.newest < signed:
            values.drop_newest()
        values.push(signed)

    def remove(self, value: Scalar) -> None:
        # Equal values are all kept, so the front is the leaving one exactly if it is equal to it.
        if is_number(value) and self._values.oldest == self._sign * value:
            self._values.drop_oldest()

    def value(self) -> Value | None:
        return self._sign * self._values.oldest if self._values else None


class _First:
    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: _Queue[Value] = _Queue()

    def add(self, value: Scalar) -> None:
        if (known := as_value(value)) is not None:
            self._values.push(known)

    def remove(self, value: Scalar) -> None:
        if as_value(value) is not None:
            self._values.drop_oldest()

    def value(self) -> Value | None:
        return self._values.oldest if self._values else None


class _Last:
    __slots__ = ("_count", "_newest")

    def __init__(self) -> None:
        self._count = 0
        self._newest: Value | None = None

    def add(self, value: Scalar) -> None:
        if (known := as_value(value)) is not None:
            self._count += 1
            self._newest = known

    def remove(self, value: Scalar) -> None:
        if as_value(value) is not None:
            self._count -= 1

    def value(self) -> Value | None:
        return self._newest if self._count else None


class _Change:
    """From the first number to the last, in per cent of the first; of nothing there is none."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: _Queue[Number] = _Queue()

    def add(self, value: Scalar) -> None:
        if is_number(value):
            self._numbers.push(value)

    def remove(self, value: Scalar) -> None:
        if is_number(value):
            self._numbers.drop_oldest()

    def value(self) -> Value | None:
        if not self._numbers or not self._numbers.oldest:
            return None
        first = Fraction(self._numbers.oldest)
        change = (Fraction(self._numbers.newest) - first) / first * 100
        return quotient(change.numerator, change.denominator)


class _Mode:
    """The most frequent value; of several, the one whose oldest occurrence in the window is the oldest.

    ``_heap`` holds each value's count, negative, and the serial number of its oldest occurrence, as they are or
    were: what is out of date is passed over when it comes up.
    """

    __slots__ = ("_heap", "_places", "_serial")

    def __init__(self) -> None:
        self._serial = 0
        self._places: dict[Value, _Queue[int]] = {}
        self._heap: list[tuple[int, int, Value]] = []

    def add(self, value: Scalar) -> None:
        if (known := as_value(value)) is not None:
            places = self._places.get(known)
            if places is None:
                places = self._places[known] = _Queue()
            places.push(self._serial)
            self._serial += 1
            self._note(known, places)

    def remove(self, value: Scalar) -> None:
        if (known := as_value(value)) is not None:
            places = self._places[known]
            places.drop_oldest()
            if places:
                self._note(known, places)
            else:
                del self._places[known]

    def value(self) -> Value | None:
        while self._heap:
            count, oldest, value = self._heap[0]
            places = self._places.get(value)
            if places and (-len(places), places.oldest) == (count, oldest):
                return value
            heapq.heappop(self._heap)
        return None

    def _note(self, value: Value, places: _Queue[int]) -> None:
        heapq.heappush(self._heap, (-len(places), places.oldest, value))
        if len(self._heap) > _COMPACT + 2 * len(self._places):
            self._heap = [(-len(places), places.oldest, value) for value, places in self._places.items()]
            heapq.heapify(self._heap)
