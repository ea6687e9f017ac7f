"""When an exception counts: from one moment to another, or at hours that come again, by the clock on a wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dogwatch.base.time import SECOND

DAY = 24 * 60
"""Minutes in a day."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Recurring:
    """A stretch of hours on some days of the week, as a clock on a wall in some place shows them.

    When the clocks go back an hour that is shown twice counts twice; one that they leap over never comes.

    Attributes:
        days: The days on which it begins, 0 is Monday.
        start: Minutes after midnight at which it begins.
        end: Minutes after midnight before which it ends, up to 1,440; if not after ``start``, on the next day.
        zone: The place's time zone.
        first: The first day on which it begins; ``None`` is no limit.
        last: The last day on which it begins; ``None`` is no limit.
    """

    days: frozenset[int]
    start: int
    end: int
    zone: ZoneInfo
    first: date | None = None
    last: date | None = None

    def holds(self, time: int) -> bool:
        """Whether it is on at a moment, nanoseconds since 1970 UTC."""
        shown = local_time(time, self.zone)
        minutes = shown.hour * 60 + shown.minute
        today = shown.date()
        if self.end > self.start:
            return self.start <= minutes < self.end and self._begins_on(today)
        return (minutes >= self.start and self._begins_on(today)) or (
            minutes < self.end and self._begins_on(today - timedelta(days=1))
        )

    def _begins_on(self, day: date) -> bool:
        if (self.first is not None and day < self.first) or (self.last is not None and day > self.last):
            return False
        return day.weekday() in self.days


@dataclass(frozen=True, slots=True)
class Period:
    """When something counts: always, if nothing is said.

    Attributes:
        begin: The first moment, nanoseconds since 1970 UTC; ``None`` is no limit.
        end: The moment from which on it does not count; ``None`` is no limit.
        recurring: The hours at which it counts; ``None`` is all.
    """

    begin: int | None = None
    end: int | None = None
    recurring: Recurring | None = None

    def holds(self, time: int) -> bool:
        """Whether a moment lies in it, nanoseconds since 1970 UTC."""
        if (self.begin is not None and time < self.begin) or (self.end is not None and time >= self.end):
            return False
        return self.recurring is None or self.recurring.holds(time)


def local_time(time: int, zone: ZoneInfo) -> datetime:
    """What a clock on a wall shows at a moment, to the second."""
    return datetime.fromtimestamp(time // SECOND, zone)


def minutes_of(text: str) -> int | None:
    """Minutes after midnight of ``HH:MM``, up to 24:00; ``None`` if it is no such time.

    Examples:
        >>> minutes_of("22:00"), minutes_of("6:30"), minutes_of("24:00"), minutes_of("24:01")
        (1320, 390, 1440, None)
    """
    hours, colon, minutes = text.partition(":")
    if not (
        colon and len(minutes) == 2 and 1 <= len(hours) <= 2 and (hours + minutes).isdecimal() and text.isascii()
    ):
        return None
    total = int(hours) * 60 + int(minutes)
    return total if total <= DAY and int(minutes) < 60 else None


def weekday_of(word: str) -> int | None:
    """The number of a day of the week, 0 is Monday, by its name or the first three letters of it."""
    folded = word.lower()
    found = next((day for day in WEEKDAYS if folded.startswith(day)), None)
    whole = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return WEEKDAYS.index(found) if found is not None and folded in (found, *whole) else None


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of a name such as ``Europe/Berlin``; ``None`` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # The database of zones is a folder: a name may also be that of a folder in it, or lead out of it.
        return None


def date_of(text: str) -> date | None:
    """A day written as ``2026-11-22``; ``None`` if it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
