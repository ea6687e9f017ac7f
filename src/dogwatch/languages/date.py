"""Dates as queries write them: the instants that they stand for at either end of a range."""

from __future__ import annotations

from dogwatch.base.time import SECOND, parse_date_math, parse_instant
from dogwatch.schema.coerce import coerce
from dogwatch.schema.field import FieldType

_LONGEST_INSTANT = 64
_DAY = 86400 * SECOND
_UNIT_BY_DIGITS = {0: _DAY, 2: 3600 * SECOND, 4: 60 * SECOND, 6: SECOND}
"""How much time a time of day leaves open, by the number of digits that it has."""


def needs_now(text: str) -> bool:
    """Whether the date counts from the present: ``now-1h``."""
    return text.startswith("now")


def instant_of(text: str, now: int, *, round_up: bool) -> int | None:
    """The instant that a date stands for at one end of a range.

    Args:
        text: A date, milliseconds since 1970, or date math.
        now: What ``now`` means, nanoseconds since 1970 UTC.
        round_up: Whether a time that stops early is the last nanosecond that it could mean, as after ``<=`` and
            ``>``. A date that stops early still means its first day, as in Elasticsearch.

    Returns:
        Nanoseconds since 1970 UTC, or ``None`` if the text is no date.
    """
    if len(text) > _LONGEST_INSTANT:
        return None
    if needs_now(text) or "||" in text:
        return parse_date_math(text, now, round_up=round_up)
    start = parse_instant(text)
    if start is None:
        millis = coerce(text, FieldType.DATE)
        return millis if isinstance(millis, int) else None
    return start + _left_open(text) - 1 if round_up else start


def _left_open(text: str) -> int:
    time = text.strip().replace(" ", "T", 1).partition("T")[2]
    for zone_mark in "Zz+-U":
        time = time.partition(zone_mark)[0]
    if "." in time or "," in time:
        return 1
    return _UNIT_BY_DIGITS[sum(char.isdigit() for char in time)]
