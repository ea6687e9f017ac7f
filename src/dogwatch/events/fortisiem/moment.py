"""Times as FortiSIEM's events and exports write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from dogwatch.base.time import SECOND, parse_instant

_LONGEST = 64
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DAYS = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})
_LONG_MONTHS = frozenset(
    {"january", "february", "march", "april", "june", "july"}
    | {"august", "september", "october", "november", "december"}
)
_ZONES = {
    "utc": 0,
    "gmt": 0,
    "z": 0,
    "wet": 0,
    "west": 1,
    "cet": 1,
    "cest": 2,
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "sgt": 8,
    "hkt": 8,
    "jst": 9,
    "kst": 9,
    "aest": 10,
    "aedt": 11,
    "nzst": 12,
    "nzdt": 13,
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
}
"""Hours east of Greenwich of the zones that Java prints by a name that means one zone to most readers."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86400 * SECOND
_UNITS = ((10**11, SECOND), (10**14, SECOND // 1000), (10**17, SECOND // 1_000_000), (10**20, 1))
"""Below each bound a number counts seconds (until the year 5138), milli-, micro- or nanoseconds since 1970."""

_INT64 = range(-(2**63) + 1, 2**63)


def parse_moment(value: object, now: int) -> int | None:
    """The instant that a value names, or ``None`` if it names none.

    Takes numbers since 1970 in any unit, ISO 8601, ``Mon Nov 22 10:00:00 UTC 2026``, ``Nov 22 2026 10:00:00``,
    ``Nov 22, 2026, 10:00:00 AM``, ``2026/11/22 10:00:00``, ``11/22/2026 10:00:00 AM`` and, without a year,
    ``Nov 22 10:00:00``. Without a zone it is UTC. A month before a day in numbers is told by AM or PM alone.

    Args:
        value: A number or a text.
        now: The time of reading in nanoseconds since 1970: it gives the year where the text has none.

    Returns:
        Nanoseconds since 1970 UTC.

    Examples:
        >>> parse_moment(1795300000, now=0) == parse_moment("1795300000000", now=0)
        True
    """
    match value:
        case bool():
            return None
        case int():
            return _since_1970(value)
        case float():
            return (
                _since_1970(int(value * 1000)) if 0 <= value < 10**11 and not value.is_integer() else _whole(value)
            )
        case str() if len(value) <= _LONGEST:
            text = value.strip()
            if text.isascii() and text.isdecimal():
                return _since_1970(int(text)) if len(text) != 4 else None
            if (instant := parse_instant(text)) is not None:
                return instant
            number = _with_fraction(text)
            return number if number is not None else _written_out(tuple(text.replace(",", " ").split()), now)
        case _:
            return None


def _with_fraction(text: str) -> int | None:
    """The moment of a number with a fraction; of a second's nanoseconds none are lost."""
    whole, point, fraction = text.partition(".")
    if not point or not (whole + fraction).isascii() or not (whole.isdecimal() and fraction.isdecimal()):
        return None
    number = int(whole)
    if number >= _UNITS[0][0]:
        return _since_1970(number)
    nanos = number * SECOND + int(fraction[:9].ljust(9, "0"))
    return nanos if nanos in _INT64 else None


def parse_syslog_stamp(words: Sequence[str], now: int) -> tuple[int, int] | None:
    """The time at the start of a syslog line and the number of words that it takes, or ``None``.

    Takes an RFC 3339 stamp, with a blank for the T as well, and RFC 3164's ``Nov 22 10:00:00``, also with a
    weekday before it, a year behind the day or the time, and a zone, in capitals, behind the time.

    Args:
        words: The line's first words.
        now: The time of reading in nanoseconds since 1970.
    """
    if words and len(words[0]) == 10 and len(words) > 1 and ":" in words[1]:
        instant = parse_instant(f"{words[0]} {words[1]}")
        return None if instant is None else (instant, 2)
    if words and len(words[0]) > 10 and (instant := parse_instant(words[0])) is not None:
        return instant, 1
    start = 1 if words and words[0].lower().removesuffix(",") in _DAYS else 0
    count = start + 3
    if len(words) < count or words[start].lower() not in _MONTHS:
        return None
    if ":" not in words[count - 1]:
        count += 1
    while count < len(words) and count < start + 5 and _goes_on(words[count]):
        count += 1
    instant = _written_out(tuple(word.removesuffix(",") for word in words[:count]), now)
    return None if instant is None else (instant, count)


def _goes_on(word: str) -> bool:
    """Whether a word behind a syslog time is of it: a year or a zone."""
    if word.isascii() and word.isdecimal():
        return len(word) == 4
    return word == word.upper() and _offset(word.lower()) is not None


def _since_1970(number: int) -> int | None:
    for bound, unit in _UNITS:
        if abs(number) < bound:
            nanos = number * unit
            return nanos if nanos in _INT64 else None
    return None


def _whole(value: float) -> int | None:
    return _since_1970(int(value)) if abs(value) < 10**20 else None


@lru_cache(maxsize=4096)
def _written_out(words: tuple[str, ...], now: int) -> int | None:
    """Month, day, time, and where they stand a weekday, a year, AM or PM and a zone."""
    month = day = year = clock = None
    half: str | None = None
    needs_half = False
    zone = 0
    for word in words:
        folded = word.lower()
        if folded in _DAYS:
            continue
        if (folded in _MONTHS or folded in _LONG_MONTHS) and month is None:
            month = _MONTHS[folded[:3]]
        elif "/" in word and month is None and day is None and year is None:
            parts = word.split("/")
            if len(parts) != 3 or not all(
                part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts
            ):
                return None
            if len(parts[0]) == 4:
                year, month, day = map(int, parts)
            else:
                month, day, year = map(int, parts)
                needs_half = True
        elif ":" in word and clock is None:
            clock = _clock(word)
            if clock is None:
                return None
        elif word.isascii() and word.isdecimal() and len(word) <= 2 and day is None:
            day = int(word)
        elif word.isascii() and word.isdecimal() and len(word) == 4 and year is None:
            year = int(word)
        elif folded in ("am", "pm") and half is None:
            half = folded
        elif (offset := _offset(folded)) is not None:
            zone = offset
        else:
            return None
    if month is None or day is None or clock is None or (needs_half and half is None):
        return None
    hour, minute, second, nanos = clock
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    rest = nanos - zone * SECOND
    if year is not None:
        return _instant(year, month, day, hour, minute, second, rest)
    return _latest(month, day, hour, minute, second, rest, now)


def _latest(month: int, day: int, hour: int, minute: int, second: int, rest: int, now: int) -> int | None:
    """The last such moment that is not more than a day after now."""
    this_year = (_EPOCH + timedelta(seconds=now // SECOND)).year
    # A 29th of February may be eight years back.
    for year in range(this_year + 1, this_year - 9, -1):
        instant = _instant(year, month, day, hour, minute, second, rest)
        if instant is not None and instant <= now + _DAY:
            return instant
    return None


def _instant(year: int, month: int, day: int, hour: int, minute: int, second: int, rest: int) -> int | None:
    try:
        # A leap second counts as the second after it.
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    since = moment - _EPOCH
    nanos = (since.days * 86400 + since.seconds + second) * SECOND + rest
    return nanos if nanos in _INT64 else None


def _clock(word: str) -> tuple[int, int, int, int] | None:
    """Hour, minute, second and nanoseconds of ``10:00:00.123``."""
    whole, _, fraction = word.partition(".")
    parts = whole.split(":")
    if len(parts) not in (2, 3) or not all(
        part.isascii() and part.isdecimal() and len(part) <= 2 for part in parts
    ):
        return None
    if fraction and not (fraction.isascii() and fraction.isdecimal() and len(fraction) <= 9):
        return None
    hour, minute, second = (*map(int, parts), 0)[:3]
    return (hour, minute, second, int((fraction or "0").ljust(9, "0"))) if second <= 60 else None


def _offset(word: str) -> int | None:
    """Seconds east of Greenwich of ``utc``, ``+0100`` or ``gmt+01:00``."""
    if word in _ZONES:
        return _ZONES[word] * 3600
    digits = word.removeprefix("gmt").removeprefix("utc")
    if len(digits) < 5 or digits[0] not in "+-":
        return None
    number = digits[1:].replace(":", "")
    if (
        len(number) != 4
        or not (number.isascii() and number.isdecimal())
        or int(number[:2]) > 18
        or int(number[2:]) > 59
    ):
        return None
    seconds = int(number[:2]) * 3600 + int(number[2:]) * 60
    return -seconds if digits[0] == "-" else seconds
