"""Baseline profiles, compared with a naive search through their rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resource_files import load, said

from dogwatch.base.time import parse_instant
from dogwatch.logic.pattern import Statistic
from dogwatch.rules.resources.profiles import Profile

FRIDAY_9 = "2026-11-20T09:59:59.999999999Z"
SATURDAY_9 = "2026-11-21T09:00:00Z"

PROFILE = """\
profiles:
  116:
    rows:
      - {group: [FW1, 443], hour: 9, day: workday, mean: 1, stddev: 0}
      - {group: [fw1], hour: 9, day: workday, mean: 2, stddev: 0.5}
      - {group: [fw1], hour: 9, mean: 3, stddev: 1}
      - {group: [fw1], day: weekend, mean: 4, stddev: 1}
      - {group: fw1, mean: 5, stddev: 1}
      - {group: [~, "443"], mean: 6, stddev: 1}
      - {mean: 7, stddev: 1}
"""


def _at(text: str) -> int:
    time = parse_instant(text)
    assert time is not None
    return time


@pytest.mark.parametrize(
    ("group", "time", "mean"),
    [
        (("fw1", 443), FRIDAY_9, 1),
        (("fw1", 443.0), FRIDAY_9, 1),
        (("fw1", 80), FRIDAY_9, 2),
        (("fw1", None), FRIDAY_9, 2),
        (("FW1",), FRIDAY_9, 2),
        (("fw1",), SATURDAY_9, 3),
        (("fw1",), "2026-11-21T10:00:00Z", 4),
        (("fw1",), "2026-11-20T10:00:00Z", 5),
        (("fw1", 443), "2026-11-20T10:00:00Z", 5),
        (("fw2", 443), FRIDAY_9, 6),
        ((None, 443), FRIDAY_9, 6),
        (("fw2", 80), FRIDAY_9, 7),
        ((), FRIDAY_9, 7),
    ],
)
def test_the_most_specific_row_counts(
    tmp_path: Path, group: tuple[str | float | None, ...], time: str, mean: float
) -> None:
    loaded = load(tmp_path, p_yaml=PROFILE)
    assert said(loaded) == []
    assert loaded.baseline(116, Statistic.AVERAGE, group, _at(time)) == mean


def test_a_deviation_of_nothing_is_given_as_it_is(tmp_path: Path) -> None:
    loaded = load(tmp_path, p_yaml=PROFILE)
    assert loaded.baseline(116, Statistic.DEVIATION, ("fw1", "443"), _at(FRIDAY_9)) == 0
    assert loaded.baseline(116, Statistic.DEVIATION, ("fw1", "80"), _at(FRIDAY_9)) == 0.5


def test_what_no_profile_holds_is_unknown(tmp_path: Path) -> None:
    loaded = load(tmp_path, p_yaml="profiles: {5: {rows: [{group: [a, b], mean: 1, stddev: 1}]}}")
    assert loaded.has_profile(5)
    assert not loaded.has_profile(6)
    for profile, group in ((6, ("a", "b")), (5, ("a",)), (5, ("a", None)), (5, ("b", "b")), (5, ())):
        assert loaded.baseline(profile, Statistic.AVERAGE, group, 0) is None


def test_addresses_of_a_group_are_those_of_events(tmp_path: Path) -> None:
    loaded = load(tmp_path, p_csv="profile,ip,hour,day,mean,stddev\n5,2001:DB8::0001,,,1,1\n")
    for address in ("2001:db8::1", "2001:DB8:0::1"):
        assert loaded.baseline(5, Statistic.AVERAGE, (address,), 0) == 1


def test_csv_with_and_without_the_number(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_csv="profile,hostName,port,hour,day,mean,stddev\n116,FW1,443,9,Workday,1,2\n7,,,,,3,4\n",
        b_yaml="profiles: {8: {file: c.csv}}",
        c_csv="hour,day,mean,stddev\n23,weekend,5,6\n",
    )
    assert said(loaded) == []
    assert loaded.profiles[116].rows == {("fw1", "443"): {(9, False): (1, 2)}}
    assert loaded.profiles[7].rows == {(): {(None, None): (3, 4)}}
    assert loaded.profiles[8].rows == {(): {(23, True): (5, 6)}}


def test_hours_are_counted_where_the_file_says(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        p_yaml="""\
profiles:
  1:
    timezone: Asia/Riyadh
    weekend: [fri, Saturday]
    rows:
      - {hour: 1, day: weekend, mean: 1, stddev: 1}
      - {hour: 1, day: workday, mean: 2, stddev: 1}
  2:
    timezone: Europe/Berlin
    rows: [{hour: 2, mean: 3, stddev: 1}]
""",
    )
    assert said(loaded) == []
    assert loaded.baseline(1, Statistic.AVERAGE, (), _at("2026-11-19T22:30:00Z")) == 1
    assert loaded.baseline(1, Statistic.AVERAGE, (), _at("2026-11-21T22:30:00Z")) == 2
    # The hour from 2 to 3 comes twice on the day when the clocks go back, and not when they go forward.
    back = [f"2026-10-25T{hour:02d}:30:00Z" for hour in range(4)]
    forward = [f"2026-03-29T{hour:02d}:30:00Z" for hour in range(4)]
    assert [loaded.baseline(2, Statistic.AVERAGE, (), _at(time)) for time in back] == [3, 3, None, None]
    assert [loaded.baseline(2, Statistic.AVERAGE, (), _at(time)) for time in forward] == [None] * 4


_VALUES = st.sampled_from(["a", "b", None])
_GROUPS = st.lists(_VALUES, max_size=3).map(tuple)
_WHENS = st.tuples(st.none() | st.integers(0, 3), st.none() | st.booleans())


def _ended(group: tuple[str | None, ...]) -> tuple[str | None, ...]:
    while group and group[-1] is None:
        group = group[:-1]
    return group


@given(
    st.dictionaries(st.tuples(_GROUPS.map(_ended), _WHENS), st.integers(0, 99), max_size=12),
    _GROUPS,
    st.integers(0, 24 * 7 - 1),
)
def test_looking_up_is_as_good_as_searching(
    rows: dict[tuple[tuple[str | None, ...], tuple[int | None, bool | None]], int],
    group: tuple[str | None, ...],
    hours: int,
) -> None:
    shown = datetime(2026, 11, 16, tzinfo=UTC) + timedelta(hours=hours)
    nested: dict[tuple[str | None, ...], dict[tuple[int | None, bool | None], tuple[float, float]]] = {}
    for (own, when), mean in rows.items():
        nested.setdefault(own, {})[when] = (mean, 1)
    profile = Profile(1, nested, ZoneInfo("UTC"))
    best = None
    for (own, (hour, weekend)), mean in rows.items():
        if any(value is not None and value != (*group, None, None, None)[at] for at, value in enumerate(own)):
            continue
        if hour not in (None, shown.hour) or weekend not in (None, shown.weekday() >= 5):
            continue
        given_ = [value is not None for value in own]
        rank = (sum(given_), given_, hour is not None, weekend is not None)
        if best is None or rank > best[0]:
            best = (rank, mean)
    found = profile.find(group, int(shown.timestamp()) * 10**9)
    assert found == (None if best is None else (best[1], 1))


def test_the_later_row_counts_and_files_add_up(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml="profiles:\n  1:\n    timezone: Europe/Berlin\n"
        "    rows: [{hour: 1, mean: 1, stddev: 1}, {mean: 2, stddev: 1}]\n",
        b_csv="profile,hour,day,mean,stddev\n1,1,,3,1\n1,2,,4,1\n",
    )
    assert said(loaded) == ["notice resource-replaced b.csv: rows of profile 1 take the place of an earlier row"]
    assert loaded.profiles[1].rows == {(): {(1, None): (3, 1), (None, None): (2, 1), (2, None): (4, 1)}}
    assert loaded.profiles[1].zone.key == "Europe/Berlin"


def test_bad_profiles_cost_only_themselves(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml="""\
profiles:
  many: {rows: []}
  1.5: {rows: []}
  2: [1]
  3: {timezone: ../../etc/passwd, weekend: [someday], rows: {hour: 1}}
  4:
    timezone: Europe
    rows:
      - 5
      - {hour: 24, mean: 1, stddev: 1}
      - {hour: 1.0, mean: 1, stddev: 1}
      - {day: workdays, mean: 1, stddev: 1}
      - {mean: 1}
      - {mean: x, stddev: 1}
      - {mean: 1, stddev: -0.1}
      - {means: 1, mean: 1, stddev: 1, group: [a, [b]]}
  5: {file: [c.csv, d.csv]}
""",
        b_csv="profile,hour,day,mean,stddev\nx,1,,1,1\n6.0,1,,1,1\n6,-1,,1,1\n6,0,weekend,1,1\n",
        c_csv="hour,mean,stddev\n",
        d_csv="profile,hour,day,mean,stddev\n",
        e_yaml="profiles: [1]",
    )
    zone = " [write it as Europe/Berlin]"
    assert said(loaded) == [
        "error resource-value a.yaml:2: a profile needs a number, not `many`",
        "error resource-value a.yaml:3: a profile needs a number, not `1.5`",
        "error resource-type a.yaml:4: profile 2 must be a table [write `rows` or `file` below it]",
        f"error resource-value a.yaml:5: `timezone` of profile 3 names no time zone: `../../etc/passwd`{zone}",
        (
            "error resource-value a.yaml:5: `weekend` of profile 3 names no day of the week: `someday` [write"
            " [sat, sun]]"
        ),
        "error resource-value a.yaml:5: `rows` of profile 3 must be a list, not a table",
        f"error resource-value a.yaml:7: `timezone` of profile 4 names no time zone: `Europe`{zone}",
        "error resource-type a.yaml:9: a row of profile 4 must be a table",
        "error resource-value a.yaml:10: an hour is a number from 0 to 23, not `24`",
        "error resource-value a.yaml:11: an hour is a number from 0 to 23, not `1.0`",
        (
            "error resource-value a.yaml:12: a kind of day is workday or weekend, not `workdays`"
            " [did you mean `workday`?]"
        ),
        "error resource-value a.yaml:13: mean and stddev must be numbers, not ``",
        "error resource-value a.yaml:14: mean and stddev must be numbers, not `x`",
        "error resource-value a.yaml:15: a stddev is not negative, as `-0.1` is",
        (
            "warning resource-key-unknown a.yaml:16: `means` means nothing in a row of profile 4"
            " [did you mean `mean`?]"
        ),
        "error resource-type a.yaml:16: an item of `group` must be a single value, not a list",
        "error resource-columns c.csv:1: the last columns must be hour,day,mean,stddev",
        (
            "error resource-columns d.csv:1: the column `profile` has no place here: the file that names"
            " this one has"
            " the number"
        ),
        "error resource-type e.yaml:1: `profiles` must be a table of profiles by number",
        "error resource-value b.csv:2: a row needs the whole number of its profile",
        "error resource-value b.csv:3: a row needs the whole number of its profile",
        "error resource-value b.csv:4: an hour is a number from 0 to 23, not `-1`",
    ]
    assert loaded.profiles[4].rows == {("a",): {(None, None): (1, 1)}}
    assert loaded.profiles[6].rows == {(): {(0, True): (1, 1)}}
