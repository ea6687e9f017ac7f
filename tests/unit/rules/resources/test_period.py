"""Periods: from one moment to another, and hours that come again, over midnight and when clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.time import parse_instant
from dogwatch.rules.resources.period import (
    DAY,
    Period,
    Recurring,
    date_of,
    minutes_of,
    weekday_of,
    zone_of,
)

BERLIN = ZoneInfo("Europe/Berlin")
ALL_DAYS = frozenset(range(7))


def _at(text: str) -> int:
    time = parse_instant(text)
    assert time is not None
    return time


def test_a_period_holds_from_its_begin_to_before_its_end() -> None:
    period = Period(10, 20)
    assert [period.holds(time) for time in (9, 10, 19, 20)] == [False, True, True, False]
    assert Period().holds(-(2**63))
    assert [Period(begin=10).holds(time) for time in (9, 10)] == [False, True]
    assert [Period(end=10).holds(time) for time in (9, 10)] == [True, False]
    assert not Period(recurring=Recurring(frozenset(), 0, DAY, BERLIN)).holds(0)


@pytest.mark.parametrize(
    ("time", "holds"),
    [
        ("2026-11-20T20:59:59.999Z", False),  # Friday 21:59 in Berlin
        ("2026-11-20T21:00:00Z", True),
        ("2026-11-20T23:00:00Z", True),  # Saturday 00:00, begun on Friday
        ("2026-11-21T04:59:59Z", True),
        ("2026-11-21T05:00:00Z", False),
        ("2026-11-21T22:00:00Z", False),  # Saturday evening
        ("2026-11-23T03:00:00Z", False),  # Monday 04:00, Sunday is not listed
        ("2026-11-23T21:30:00Z", True),
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(time: str, holds: bool) -> None:
    nights = Recurring(frozenset(range(5)), 22 * 60, 6 * 60, BERLIN)
    assert nights.holds(_at(time)) is holds


def test_dates_are_those_of_the_day_on_which_it_begins() -> None:
    nights = Recurring(ALL_DAYS, 22 * 60, 6 * 60, BERLIN, date(2026, 11, 20), date(2026, 11, 21))
    assert [
        nights.holds(_at(time))
        for time in (
            "2026-11-20T02:00:00Z",
            "2026-11-20T22:00:00Z",
            "2026-11-21T22:00:00Z",
            "2026-11-22T02:00:00Z",
            "2026-11-22T22:00:00Z",
        )
    ] == [False, True, True, True, False]


def test_the_hour_that_comes_twice_counts_twice() -> None:
    # On 2026-10-25 the clocks of Berlin go from 03:00 back to 02:00 at 01:00 UTC.
    hour = Recurring(ALL_DAYS, 2 * 60, 3 * 60, BERLIN)
    minutes = [_at("2026-10-24T23:00:00Z") + minute * 60 * 10**9 for minute in range(240)]
    assert [hour.holds(time) for time in minutes] == [False] * 60 + [True] * 120 + [False] * 60


def test_the_hour_that_is_leapt_over_never_comes() -> None:
    # On 2026-03-29 they go from 02:00 to 03:00 at 01:00 UTC.
    hour = Recurring(ALL_DAYS, 2 * 60, 3 * 60, BERLIN)
    minutes = [_at("2026-03-29T00:00:00Z") + minute * 60 * 10**9 for minute in range(240)]
    assert not any(hour.holds(time) for time in minutes)
    around = Recurring(ALL_DAYS, 1 * 60 + 30, 3 * 60 + 30, BERLIN)
    assert sum(around.holds(time) for time in minutes) == 60


def test_a_whole_day_and_one_that_ends_when_it_begins() -> None:
    saturday = Recurring(frozenset({5}), 0, DAY, BERLIN)
    assert [saturday.holds(_at(f"2026-11-{day}T23:30:00+01:00")) for day in (20, 21, 22)] == [False, True, False]
    round_the_clock = Recurring(frozenset({5}), 720, 720, BERLIN)
    times = ("2026-11-21T11:59:00+01:00", "2026-11-21T12:00:00+01:00", "2026-11-22T11:59:59+01:00")
    assert [round_the_clock.holds(_at(time)) for time in times] == [False, True, True]
    assert not round_the_clock.holds(_at("2026-11-22T12:00:00+01:00"))


@given(
    st.sets(st.integers(0, 6), min_size=1).map(frozenset),
    st.integers(0, DAY - 1),
    st.integers(0, DAY),
    st.sampled_from(["UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns"]).map(ZoneInfo),
    st.integers(0, 14 * DAY),
)
def test_a_minute_holds_if_a_stretch_that_began_on_a_day_covers_it(
    days: frozenset[int], start: int, end: int, zone: ZoneInfo, minute: int
) -> None:
    moment = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=minute)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    length = end - start if end > start else end - start + DAY
    covered = any(
        (begin := datetime(2026, 4, 28) + timedelta(days=day, minutes=start)).weekday() in days  # noqa: DTZ001
        and begin <= shown < begin + timedelta(minutes=length)
        for day in range(25)
    )
    assert Recurring(days, start, end, zone).holds(int(moment.timestamp()) * 10**9) is covered


@pytest.mark.parametrize(
    "text", ["24:01", "12:60", "1200", "12:0", ":30", "123:00", "-1:00", "+1:00", "1 :00", ""]
)
def test_no_times_of_day(text: str) -> None:
    assert minutes_of(text) is None


@pytest.mark.parametrize(
    ("word", "number"), [("mon", 0), ("Sunday", 6), ("WED", 2), ("m", None), ("monda", None), ("friends", None)]
)
def test_days_of_the_week(word: str, number: int | None) -> None:
    assert weekday_of(word) == number


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Atlantis", "../UTC", "/etc/passwd", "UTC\0", "x" * 300])
def test_no_time_zones(name: str) -> None:
    assert zone_of(name) is None


def test_days() -> None:
    assert date_of("2026-11-22") == date(2026, 11, 22)
    assert date_of("2026-11-31") is None
