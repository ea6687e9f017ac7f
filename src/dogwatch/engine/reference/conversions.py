"""Numbers out of texts, dates and other numbers. Null gives null."""

from __future__ import annotations

import math

from dogwatch.base.time import SECOND
from dogwatch.engine.reference.value import Value, fits, integer, is_number

_HOUR, _DAY = 3600 * SECOND, 86400 * SECOND
_DECIMAL = frozenset("0123456789+-.eE")
_FIRST_DAY = 4
"""1970-01-01 was a Thursday: so many days after a Sunday."""


def log(value: Value) -> Value:
    """The natural logarithm; null for zero and below.

    Examples:
        >>> log(1)
        0.0
    """
    return math.log(value) if is_number(value) and value > 0 else None


def to_double(value: Value) -> Value:
    """The value as a floating point number: what a text writes in decimal, 1 and 0 for true and false.

    It is null for other texts, and where the number would not be finite.

    Examples:
        >>> to_double(" 12.5 ")
        12.5
    """
    found = _decimal(value) if isinstance(value, str) else value
    try:
        double = math.nan if found is None else float(found)
    except OverflowError:
        return None
    return double if math.isfinite(double) else None


def to_integer(value: Value) -> Value:
    """The value as an integer, its fraction cut off; else as ``to_double``. Null beyond 64 bits.

    Examples:
        >>> to_integer("-12.9")
        -12
    """
    found = _decimal(value) if isinstance(value, str) else value
    if isinstance(found, float) and not math.isfinite(found):
        return None
    return None if found is None else fits(int(found))


def hour_of_day(instant: Value) -> Value:
    """The hour of a date in UTC, 0 to 23; the date is in nanoseconds since 1970.

    Examples:
        >>> hour_of_day(1_795_313_220_000_000_000)
        2
    """
    nanos = integer(instant)
    return None if nanos is None else nanos % _DAY // _HOUR


def day_of_week(instant: Value) -> Value:
    """The day of the week of a date in UTC, from 1 for Sunday to 7 for Saturday, as SQL and Java's calendar count.

    Examples:
        >>> day_of_week(1_795_313_220_000_000_000)
        1
    """
    nanos = integer(instant)
    return None if nanos is None else (nanos // _DAY + _FIRST_DAY) % 7 + 1


def _decimal(text: str) -> int | float | None:
    digits = text.strip()
    if not _DECIMAL.issuperset(digits):
        return None
    try:
        return int(digits) if digits.lstrip("+-").isdigit() else float(digits)
    except ValueError:
        return None
