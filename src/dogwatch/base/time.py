"""Instants as nanoseconds since 1970-01-01T00:00:00Z, durations, and Elasticsearch's date math.

No function here reads the clock: what "now" means comes in as an argument.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

FOREVER = 2**63 - 1
"""The end of what has none, in nanoseconds since 1970 UTC."""

MILLISECOND = SECOND // 1000
"""Nanoseconds in a millisecond."""

_UNITS = {
    "ms": MILLISECOND,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
    "d": 86400 * SECOND,
    "w": 7 * 86400 * SECOND,
}
_DURATION = re.compile(r"\s*(\d{1,12})\s*(ms|s|m|h|d|w)\s*\Z", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?"
    r"(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?)?\Z",
    re.ASCII,
)
_MATH = re.compile(r"([+-])(\d{1,9})?([yMwdhHms])|/([yMwdhHms])", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -(2**63) + 1, 2**63 - 1
_WIDEST_ZONE = 18
"""Hours; the java.time limit that Elasticsearch inherits."""


def parse_duration(text: str) -> int | None:
    """The length of ``text`` (``5m``, ``300s``, ``100ms``, ``9h``, ``2d``, ``1w``) in nanoseconds, or ``None``."""
    match = _DURATION.match(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def parse_instant(text: str) -> int | None:
    """The instant that an ISO 8601 text names, in nanoseconds, or ``None`` if it names none.

    Takes what Elasticsearch's ``strict_date_optional_time`` takes and a little more: a year alone or with
    month and day, a blank for the ``T``, up to nine fractional digits, a zone or none (then UTC).
    Instants outside 1677-2262 do not fit nanoseconds and give ``None``.
    """
    match = _INSTANT.match(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    start = _minute(year, month or "1", day or "1", hour or "0", minute or "0")
    # A leap second counts as the second after it.
    seconds = int(second or "0")
    if start is None or seconds > 60:
        return None
    offset = _zone_offset(zone)
    if offset is None:
        return None
    return _within_range(start + seconds * SECOND + int((fraction or "0").ljust(9, "0")) - offset * SECOND)


@lru_cache(maxsize=1024)
def _minute(year: str, month: str, day: str, hour: str, minute: str) -> int | None:
    # Events come by the thousand of one minute.
    try:
        return _nanos(datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC))
    except ValueError:
        return None


def parse_date_math(text: str, now: int, *, round_up: bool = False) -> int | None:
    """The instant of a date-math expression: ``now-9m``, ``now/d``, ``2024-01-01||+1M/d``, or a plain instant.

    Args:
        text: The expression.
        now: What ``now`` means, in nanoseconds.
        round_up: Whether ``/unit`` rounds to the last nanosecond of the unit (the upper end of a range)
            instead of its first.

    Returns:
        Nanoseconds, or ``None`` if the text is no such expression.
    """
    text = text.strip()
    if text.startswith("now"):
        instant, rest = now, text[3:]
    elif "||" in text:
        anchor, _, rest = text.partition("||")
        parsed = parse_instant(anchor)
        if parsed is None:
            return None
        instant = parsed
    else:
        return parse_instant(text)
    position = 0
    while position < len(rest):
        match = _MATH.match(rest, position)
        if match is None:
            return None
        sign, count, unit, rounding = match.groups()
        moved = (
            _round(instant, rounding, up=round_up)
            if rounding
            else _move(instant, int(count or 1) * (-1 if sign == "-" else 1), unit)
        )
        if moved is None:
            return None
        instant, position = moved, match.end()
    return instant


def format_instant(nanos: int) -> str:
    """An instant as ISO 8601 in UTC: milliseconds as Elasticsearch prints them, nine digits where it has more.

    Examples:
        >>> format_instant(1_795_313_232_823_000_000)
        '2026-11-22T02:07:12.823Z'
    """
    seconds, rest = divmod(nanos, SECOND)
    digits = f"{rest:09d}"
    return f"{_whole(seconds)}.{digits[:3] if digits.endswith('000000') else digits}Z"


@lru_cache(maxsize=256)
def _whole(seconds: int) -> str:
    # Events come by the thousand of one second.
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def format_duration(nanos: int) -> str:
    """A length of time in the largest unit that gives a whole number: ``300000000000`` is ``5m``."""
    for unit in ("d", "h", "m", "s"):
        if nanos and nanos % _UNITS[unit] == 0:
            return f"{nanos // _UNITS[unit]}{unit}"
    return f"{nanos // _UNITS['ms']}ms"


def _zone_offset(zone: str | None) -> int | None:
    if zone is None or zone in ("Z", "z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > _WIDEST_ZONE or minutes > 59:
        return None
    seconds = hours * 3600 + minutes * 60
    return -seconds if zone[0] == "-" else seconds


def _move(instant: int, count: int, unit: str) -> int | None:
    if unit in ("y", "M"):
        seconds, rest = divmod(instant, SECOND)
        start = _EPOCH + timedelta(seconds=seconds)
        months = start.year * 12 + start.month - 1 + count * (12 if unit == "y" else 1)
        year, month = divmod(months, 12)
        if not 1 <= year <= 9999:
            return None
        day = min(start.day, calendar.monthrange(year, month + 1)[1])
        return _within_range(_nanos(start.replace(year=year, month=month + 1, day=day)) + rest)
    return _within_range(instant + count * _UNITS[unit.lower()])


def _round(instant: int, unit: str, *, up: bool) -> int | None:
    start = _EPOCH + timedelta(seconds=instant // SECOND)
    match unit:
        case "y":
            floor = start.replace(month=1, day=1, hour=0, minute=0, second=0)
        case "M":
            floor = start.replace(day=1, hour=0, minute=0, second=0)
        case "w":
            floor = start.replace(hour=0, minute=0, second=0) - timedelta(days=start.weekday())
        case "d":
            floor = start.replace(hour=0, minute=0, second=0)
        case "h" | "H":
            floor = start.replace(minute=0, second=0)
        case "m":
            floor = start.replace(second=0)
        case _:
            floor = start
    if not up:
        return _within_range(_nanos(floor))
    following = _move(_nanos(floor), 1, unit)
    return None if following is None else following - 1


def _within_range(nanos: int) -> int | None:
    return nanos if _FIRST <= nanos <= _LAST else None


def _nanos(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86400 + since.seconds) * SECOND
