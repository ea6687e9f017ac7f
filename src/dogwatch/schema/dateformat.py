"""Dates as an index reads them under a mapping's ``format``: Java's patterns and Elasticsearch's named formats.

Patterns are read by hand, letter by letter, because the texts are events' own. Documents: Elasticsearch
reference, "format" (mapping parameter); java.time.format.DateTimeFormatter.
"""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from dogwatch.base.time import SECOND, parse_instant

ReadDate = Callable[[str], int | None]
"""From a text to the instant that it names, nanoseconds since 1970 UTC."""

_LONGEST = 64
_LONGEST_PATTERN = 200
_WIDEST_ZONE = 18 * 3600
"""Seconds; the java.time limit."""
_EPOCH = date(1970, 1, 1)
_FIRST, _LAST = -(2**63) + 1, 2**63 - 1
_MONTHS = [name.lower() for name in calendar.month_name][1:]
_DAYS = [name.lower() for name in calendar.day_name]
_HALVES = {"am": 0, "pm": 1}
_ZONES = ("UTC", "GMT", "UT", "Z")
_DIGITS = frozenset("0123456789")

_LIMITS: Mapping[str, tuple[int, int]] = {
    "y": (1, 9999),
    "M": (1, 12),
    "d": (1, 31),
    "D": (1, 366),
    "H": (0, 23),
    "h": (1, 12),
    "k": (1, 24),
    "K": (0, 11),
    "m": (0, 59),
    "s": (0, 59),
}
"""The numbers that each letter of a pattern may stand for."""

_TIMES = {
    "hour": "HH",
    "hour_minute": "HH:mm",
    "hour_minute_second": "HH:mm:ss",
    "hour_minute_second_millis": "HH:mm:ss.SSS",
    "hour_minute_second_fraction": "HH:mm:ss.f",
}
_NAMED = {
    "date": "yyyy-MM-dd",
    "year": "yyyy",
    "year_month": "yyyy-MM",
    "year_month_day": "yyyy-MM-dd",
    "ordinal_date": "yyyy-DDD",
    "ordinal_date_time": "yyyy-DDD'T'HH:mm:ss.fo",
    "ordinal_date_time_no_millis": "yyyy-DDD'T'HH:mm:sso",
    "date_time": "yyyy-MM-dd'T'HH:mm:ss.fo",
    "date_time_no_millis": "yyyy-MM-dd'T'HH:mm:sso",
    "time": "HH:mm:ss.fo",
    "time_no_millis": "HH:mm:sso",
    "t_time": "'T'HH:mm:ss.fo",
    "t_time_no_millis": "'T'HH:mm:sso",
    **_TIMES,
    **{f"date_{name}": f"yyyy-MM-dd'T'{pattern}" for name, pattern in _TIMES.items()},
}
_BASIC = {
    "basic_date": "yyyyMMdd",
    "basic_date_time": "yyyyMMdd'T'HHmmss.fo",
    "basic_date_time_no_millis": "yyyyMMdd'T'HHmmsso",
    "basic_ordinal_date": "yyyyDDD",
    "basic_ordinal_date_time": "yyyyDDD'T'HHmmss.fo",
    "basic_ordinal_date_time_no_millis": "yyyyDDD'T'HHmmsso",
    "basic_time": "HHmmss.fo",
    "basic_time_no_millis": "HHmmsso",
    "basic_t_time": "'T'HHmmss.fo",
    "basic_t_time_no_millis": "'T'HHmmsso",
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One part of a pattern: a letter repeated ``count`` times, a literal text, or an optional section."""

    letter: str
    count: int = 1
    text: str = ""
    section: tuple[_Step, ...] = ()


Reading = tuple[int, dict[str, int]]
"""How far a text was read, and what was found: a number for each letter, ``f`` nanoseconds, ``o`` seconds."""


def date_reader(formats: tuple[str, ...]) -> ReadDate | None:
    """Reads a text under the first of some formats that takes it; ``None`` if one of them is not supported.

    Args:
        formats: Named formats (``epoch_second``, ``strict_date``) or patterns (``dd-MM-yyyy``).

    Examples:
        >>> date_reader(("dd-MM-yyyy",))("17-12-2022")
        1671235200000000000
    """
    readers = [_reader(text) for text in formats]
    known = [reader for reader in readers if reader is not None]
    if len(known) < len(readers):
        return None

    def read(text: str) -> int | None:
        if len(text) > _LONGEST:
            return None
        found = (reader(text) for reader in known)
        return next((nanos for nanos in found if nanos is not None and _FIRST <= nanos <= _LAST), None)

    return read


def split_formats(text: str) -> tuple[str, ...]:
    """The formats of a mapping's ``format``: ``yyyy/MM/dd||epoch_millis`` names two."""
    return tuple(part.strip() for part in text.split("||"))


@lru_cache(maxsize=256)
def _reader(text: str) -> ReadDate | None:
    strict = text.startswith("strict_")
    name = text.removeprefix("strict_")
    match name:
        case "date_optional_time" | "date_optional_time_nanos" | "iso8601":
            return parse_instant
        case "epoch_millis":
            return lambda value: _epoch(value, 1_000_000)
        case "epoch_second":
            return lambda value: _epoch(value, SECOND)
    pattern = _BASIC.get(text)
    if pattern is None and name in _NAMED:
        pattern = _NAMED[name] if strict else _lenient(_NAMED[name])
    steps = _steps(pattern or text)
    return None if steps is None else lambda value: _read(value, steps)


def _epoch(text: str, unit: int) -> int | None:
    digits, point, fraction = text.removeprefix("-").partition(".")
    if not digits or not _DIGITS.issuperset(digits + fraction) or bool(point) != bool(fraction):
        return None
    return int(Decimal(text) * unit)


def _lenient(pattern: str) -> str:
    """Of ``MM`` only one letter is left in a format that is not strict: one digit is enough."""
    kept = [
        "" if char in "MdHms" and before == char else char
        for before, char in zip(f" {pattern}", pattern, strict=False)
    ]
    return "".join(kept)


def _steps(pattern: str) -> tuple[_Step, ...] | None:
    """The parts of a pattern, or ``None`` if it has a letter that is not supported."""
    if len(pattern) > _LONGEST_PATTERN:
        return None
    levels: list[list[_Step]] = [[]]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        end = at + 1
        if char == "'":
            end = _quote_end(pattern, at)
            if end > len(pattern):
                return None
            levels[-1].append(_Step("", text=pattern[at + 1 : end - 1].replace("''", "'") or "'"))
        elif char == "[":
            levels.append([])
        elif char == "]":
            if len(levels) == 1:
                return None
            section = tuple(levels.pop())
            levels[-1].append(_Step("[", section=section))
        elif char.isascii() and char.isalpha():
            while end < len(pattern) and pattern[end] == char:
                end += 1
            letter = "y" if char == "u" else char
            if letter not in "yMdDHhkKmsSnfoaEXxZzV":
                return None
            levels[-1].append(_Step(letter, end - at))
        else:
            levels[-1].append(_Step("", text=char))
        at = end
    return tuple(levels[0]) if len(levels) == 1 and levels[0] else None


def _quote_end(pattern: str, at: int) -> int:
    """Where a quoted text ends, two quotes in it being one; beyond the pattern if it does not."""
    end = pattern.find("'", at + 1) + 1
    while end and end - at > 2 and pattern.startswith("'", end):
        end = pattern.find("'", end + 1) + 1
    return end or len(pattern) + 1


def _read(text: str, steps: tuple[_Step, ...]) -> int | None:
    read = _follow(text, 0, steps, {})
    if read is None or read[0] != len(text):
        return None
    return _instant(read[1])


def _follow(text: str, at: int, steps: tuple[_Step, ...], found: dict[str, int]) -> Reading | None:
    for number, step in enumerate(steps):
        if step.letter == "[":
            inner = _follow(text, at, step.section, found)
            at, found = inner or (at, found)
            continue
        read = _take(text, at, step, _digits_reserved(steps, number + 1))
        if read is None:
            return None
        at, values = read
        found = {**found, **values}
    return at, found


def _digits_reserved(steps: tuple[_Step, ...], number: int) -> int:
    """Digits that the steps right after one of open width need, as in ``yyyyMMdd``."""
    numbers = itertools.takewhile(lambda step: step.letter == "S" or step.letter in _LIMITS, steps[number:])
    return sum(step.count for step in numbers)


def _take(text: str, at: int, step: _Step, reserved: int) -> Reading | None:
    match step.letter:
        case "":
            return (at + len(step.text), {}) if text.startswith(step.text, at) else None
        case "y" | "d" | "D" | "H" | "h" | "k" | "K" | "m" | "s":
            return _number(text, at, step, reserved)
        case "M":
            return _number(text, at, step, reserved) if step.count < 3 else _name(text, at, step, _MONTHS, "M")
        case "E":
            return _name(text, at, step, _DAYS, "E")
        case "a":
            half = _HALVES.get(text[at : at + 2].lower())
            return None if half is None else (at + 2, {"a": half})
        case "S":
            return _fraction(text, at, step.count, step.count)
        case "f":
            return _fraction(text, at, 1, 9)
        case "n":
            end = _digits_end(text, at, 9)
            return (end, {"f": int(text[at:end])}) if end > at else None
        case _:
            return _zone(text, at, step)


def _number(text: str, at: int, step: _Step, reserved: int) -> Reading | None:
    letter, count = step.letter, step.count
    least = 1 if count == 1 else count
    most = {"y": 9, "D": 3}.get(letter, 2) if count == 1 else (4 if letter == "y" and count > 2 else count)
    end = _digits_end(text, at, most)
    if count == 1 and reserved:
        end = min(end, max(at + 1, _digits_end(text, at, _LONGEST) - reserved))
    if end - at < least or end - at > 9:
        return None
    value = int(text[at:end])
    if letter == "y" and count == 2:
        value += 2000
    first, last = _LIMITS[letter]
    return (end, {letter: value}) if first <= value <= last else None


def _name(text: str, at: int, step: _Step, names: list[str], letter: str) -> Reading | None:
    rest = text[at : at + 12].lower()
    for number, name in enumerate(names, 1):
        short = name if step.count > 3 else name[:3]
        if rest.startswith(short):
            return at + len(short), {letter: number}
    return None


def _fraction(text: str, at: int, least: int, most: int) -> Reading | None:
    end = _digits_end(text, at, min(most, 9))
    return (end, {"f": int(text[at:end].ljust(9, "0"))}) if end - at >= least else None


def _zone(text: str, at: int, step: _Step) -> Reading | None:
    """An offset; ``o`` is Elasticsearch's own: ``Z``, ``+01:00``, ``+0100`` or ``+01``."""
    letter, count = step.letter, step.count
    for name in _ZONES if letter in "zV" else ("Z",) if letter in "Xo" or count == 5 else ():
        if text.startswith(name, at):
            return at + len(name), {"o": 0}
    hours = _digits_end(text, at + 1, 2)
    if text[at : at + 1] not in ("+", "-") or hours - at != 3:
        return None
    colon = text.startswith(":", hours)
    end = _digits_end(text, hours + colon, 2)
    if end - hours - colon != 2:
        # Minutes may be left out where nothing says how they are written.
        if colon or not (letter in "ozV" or (letter in "Xx" and count == 1)):
            return None
        end = hours
    elif letter in "XxZ" and colon != (count == (5 if letter == "Z" else 3)):
        return None
    minutes = int(text[hours + colon : end] or 0)
    seconds = int(text[at + 1 : hours]) * 3600 + minutes * 60
    if seconds > _WIDEST_ZONE or minutes > 59:
        return None
    return end, {"o": -seconds if text[at] == "-" else seconds}


def _digits_end(text: str, at: int, most: int) -> int:
    end = at
    while end < len(text) and end - at < most and text[end] in _DIGITS:
        end += 1
    return end


def _instant(found: Mapping[str, int]) -> int | None:
    year = found.get("y", 1970)
    try:
        if "D" in found:
            day = date(year, 1, 1) + timedelta(days=found["D"] - 1)
            if day.year != year:
                return None
        else:
            day = date(year, found.get("M", 1), found.get("d", 1))
    except ValueError:
        return None
    if "E" in found and found["E"] != day.isoweekday():
        return None
    seconds = (day - _EPOCH).days * 86400 + _hour(found) * 3600 + found.get("m", 0) * 60 + found.get("s", 0)
    return (seconds - found.get("o", 0)) * SECOND + found.get("f", 0)


def _hour(found: Mapping[str, int]) -> int:
    if "H" in found:
        return found["H"]
    if "k" in found:
        return found["k"] % 24
    half = found.get("h", found.get("K", 0)) % 12
    return half + 12 * found.get("a", 0)
