"""Lines in FortiSIEM's own form, their headers and their times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.time import parse_instant
from dogwatch.events.fortisiem.line import FortisiemLine, parse_line
from dogwatch.events.fortisiem.moment import parse_moment

TEN = parse_instant("2026-11-22T10:00:00Z") or 0
NOW = parse_instant("2026-11-22T12:00:00Z") or 0
KEYS = st.sampled_from(["hostName", "user", "swParam", "COUNT(*)", "AVG(cpuUtil)", "x_1"])
VALUES = st.text(st.characters(exclude_characters='",[]'), min_size=1, max_size=12)


def parsed(text: str) -> FortisiemLine:
    line = parse_line(text, NOW)
    assert line is not None
    return line


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        ("[a]=1,[b]=2", [("a", "1"), ("b", "2")]),
        ("[a]=x, y,[b]=[1,2]=3", [("a", "x, y"), ("b", "[1,2]=3")]),
        ("[a]=-l [::]:99 k=v, [b]=z", [("a", "-l [::]:99 k=v"), ("b", "z")]),
        ("[a]=,[b]=", []),
        ("[a]=1,[a]=2", [("a", "1"), ("a", "2")]),
        ("[COUNT(*)]=7,[COUNT(DISTINCT user)]=2", [("COUNT(*)", "7"), ("COUNT(DISTINCT user)", "2")]),
        ('[a]="one, [two]",[b]="3"', [("a", "one, [two]"), ("b", "3")]),
        ('[a]="x,[b]=y",[c]=z', [("a", "x,[b]=y"), ("c", "z")]),
        (r'[a]="say \"hi\"" ', [("a", 'say "hi"')]),
        ('[a]="C:\\x y" -k,[b]="z"', [("a", '"C:\\x y" -k'), ("b", "z")]),
        ('[a]="open,[b]=z', [("a", '"open'), ("b", "z")]),
        ("[a]=\0\x1b[31m,[b]=\ufffd", [("a", "\0\x1b[31m"), ("b", "\ufffd")]),
        ("[a]=x,[not a key!]=y", [("a", "x,[not a key!]=y")]),
        (f"[a]=x,[{'k' * 129}]=y", [("a", f"x,[{'k' * 129}]=y")]),
        (f"[a]=x,[{'k' * 128}]=y", [("a", "x"), ("k" * 128, "y")]),
        ("[a] = x , [b] =\ty\t,\t[ c ]= z ", [("a", "x"), ("b", "y"), ("c", "z")]),
        ('[a] = "x, " , [b]= "y" ', [("a", "x, "), ("b", "y")]),
        ("[a]=x,[b]=y, ", [("a", "x"), ("b", "y")]),
        ("[PCTILE(x, 90)]=7,[größe]=2", [("PCTILE(x, 90)", "7"), ("größe", "2")]),
        ("", []),
    ],
)
def test_attributes(body: str, pairs: list[tuple[str, str]]) -> None:
    line = parsed(f"[PH_X]:{body}")
    assert (line.event_type, line.pairs) == ("PH_X", pairs)
    assert parsed(f"[PH_X]: {body}").pairs == pairs


@pytest.mark.parametrize("sign", [":", "", " ", " : ", ":\t"])
def test_the_colon_may_be_missing(sign: str) -> None:
    line = parsed(f"Nov 22 10:00:00 web1 app[3740]: [PH_X]{sign}[a]=1")
    assert (line.event_type, line.pairs, line.header.host) == ("PH_X", [("a", "1")], "web1")


@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=6))
def test_what_is_written_is_read(pairs: list[tuple[str, str]]) -> None:
    trimmed = [(key, value.strip(" \t")) for key, value in pairs]
    line = parsed("[T]:" + ",".join(f"[{key}]={value}" for key, value in pairs))
    assert line.pairs == [pair for pair in trimmed if pair[1]]


@given(st.text(st.sampled_from("[]=,a "), max_size=40))
def test_the_fast_way_and_the_careful_one_agree(text: str) -> None:
    start = f"[T]:[a]=x{text}"
    # A blank before a bracket takes the careful way.
    assert parsed(f"{start},[b]=1").pairs == parsed(f"{start},[b]=1,[c]= [").pairs[:-1]


@given(st.text(st.sampled_from('[]:=,"\\ aP1*()\n'), max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    for line in (parse_line(text, NOW), parse_line(f"[T]:[a]={text}", NOW)):
        assert line is None or all(key and value for key, value in line.pairs)


@pytest.mark.parametrize(
    "text",
    ["", "[PH_X]", "PH_X:[a]=1", "[PH_X]:a=1", "[]:[a]=1", "sshd[3740]:", "[1]:", "type=EXECVE msg=audit(1:2):"],
)
def test_no_event(text: str) -> None:
    assert parse_line(text, NOW) is None


@pytest.mark.parametrize(
    ("header", "time", "host", "address"),
    [
        ("<14>Nov 22 10:00:00 web1 phPerfMonitor[3740]: ", TEN, "web1", None),
        ("Nov 22 10:00:00 web1 ", TEN, "web1", None),
        ("Nov 22 10:00:00 web1 app ", TEN, "web1", None),
        ("<14>Nov 22 2026 10:00:00 web1 app: ", TEN, "web1", None),
        ("<14>Nov 22 10:00:00 10.0.0.9 web1 ", TEN, "web1", "10.0.0.9"),
        ("<14>1 2026-11-22T10:00:00Z web1 app 99 - - ", TEN, "web1", None),
        ("2026-11-22T11:00:00+01:00 web1 app[1]: ", TEN, "web1", None),
        ("2026-11-22 10:00:00 web1 ", TEN, "web1", None),
        ("<14>1 2026-11-22T10:00:00Z - app 99 - - ", TEN, None, None),
        ("<14>", None, None, None),
        ("phMonitor[37]: ", None, None, None),
        ("<14>Sun Nov 22 10:00:00 UTC 2026 web1 app: ", TEN, "web1", None),
        ("<14>Nov 22 11:00:00 CET web1 app: ", TEN, "web1", None),
        ("Nov 22 2026 12:00:00 +0200 web1 app: ", TEN, "web1", None),
        ("Nov 22 10:00:00 est app: ", TEN, "est", None),
        ('<14>1 2026-11-22T10:00:00Z web1 app 99 ID [x@1 a="b" c="[d\\]=]"][y@1] \ufeff', TEN, "web1", None),
        ("something else ", None, None, None),
        ("<14>Foo 22 10:00:00 web1 ", None, None, None),
    ],
)
def test_headers(header: str, time: int | None, host: str | None, address: str | None) -> None:
    found = parsed(f"{header}[PH_X]:[a]=1").header
    assert (found.time, found.host, found.address) == (time, host, address)


@pytest.mark.parametrize(
    "value",
    [
        TEN // 10**9,
        TEN // 10**6,
        TEN // 10**3,
        TEN,
        str(TEN // 10**6),
        float(TEN // 10**9),
        "2026-11-22T10:00:00Z",
        "2026-11-22 10:00:00",
        "Sun Nov 22 10:00:00 UTC 2026",
        "Sun Nov 22 05:00:00 EST 2026",
        "Nov 22, 2026, 10:00:00 AM",
        "Nov 22 2026 11:00:00 +0100",
        "Nov 22 10:00:00",
        f"{TEN // 10**9}.000",
        f"{TEN // 10**6}.5",
        "November 22, 2026 10:00:00 AM",
        "2026/11/22 10:00:00",
        "11/22/2026 10:00:00 AM",
        "Sun Nov 22 19:00:00 JST 2026",
    ],
)
def test_times(value: object) -> None:
    assert parse_moment(value, NOW) == TEN


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, "", "soon", "9" * 65, "2026", 10**30, float("inf"), float("nan"), [1]),
        *("Nov 31 10:00:00", "Nov 22 25:00:00", "Nov 22 10:00:61", "Nov 22 13:00:00 PM", "Nov 22 10:00:00 XYZ"),
        *("11/22/2026 10:00:00", "22/11/2026 10:00:00 AM", "1.5.2026", "1e3", ".5", "5."),
    ],
)
def test_no_times(value: object) -> None:
    assert parse_moment(value, NOW) is None


def test_a_year_is_inferred_from_the_time_of_reading() -> None:
    new_year = parse_instant("2027-01-01T00:10:00Z") or 0
    assert parse_moment("Dec 31 23:59:00", new_year) == parse_instant("2026-12-31T23:59:00Z")
    assert parse_moment("Jan 1 00:05:00", new_year) == parse_instant("2027-01-01T00:05:00Z")
    old_year = parse_instant("2026-12-31T23:50:00Z") or 0
    assert parse_moment("Jan 1 00:05:00", old_year) == parse_instant("2027-01-01T00:05:00Z")
    # A clock may be ahead by a day at most.
    assert parse_moment("Nov 23 11:59:59", NOW) == parse_instant("2026-11-23T11:59:59Z")
    assert parse_moment("Nov 23 12:00:01", NOW) == parse_instant("2025-11-23T12:00:01Z")
    assert parse_moment("Feb 29 00:00:00", NOW) == parse_instant("2024-02-29T00:00:00Z")


def test_noon_and_midnight() -> None:
    assert parse_moment("Nov 22 2026 12:05:00 AM", NOW) == parse_instant("2026-11-22T00:05:00Z")
    assert parse_moment("Nov 22 2026 12:05:00 PM", NOW) == parse_instant("2026-11-22T12:05:00Z")
    assert parse_moment("Nov 22 2026 01:05:00 PM", NOW) == parse_instant("2026-11-22T13:05:00Z")
