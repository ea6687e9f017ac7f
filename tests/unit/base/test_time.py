import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.time import (
    SECOND,
    format_duration,
    format_instant,
    parse_date_math,
    parse_duration,
    parse_instant,
)

NOW = 1_705_329_001_500_000_000
"""2024-01-15T14:30:01.5Z, a Monday."""


def at(text: str) -> int:
    nanos = parse_instant(text)
    assert nanos is not None
    return nanos


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970", 0),
        ("1970-01", 0),
        ("1970-01-02", 86400 * SECOND),
        ("1970-01-01 00:00:01", SECOND),
        ("1970-01-01T00", 0),
        ("1970-01-01T00:01", 60 * SECOND),
        ("1970-01-01T00:00:00.5Z", SECOND // 2),
        ("1970-01-01T00:00:00,123456789Z", 123_456_789),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00+01", 0),
        ("1969-12-31T23:30:00-0030", 0),
        ("1970-01-01T00:00:60Z", 60 * SECOND),
        (" 1970-01-01T00:00:00Z ", 0),
        ("2024-02-29T00:00:00Z", 1_709_164_800 * SECOND),
    ],
)
def test_instants(text: str, expected: int) -> None:
    assert parse_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "24-01-01",
        "2023-02-29",
        "2024-13-01",
        "2024-00-01",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:00.1234567890Z",
        "2024-01-01T00:00:00+19:00",
        "2024-01-01T00:00:00+01:60",
        "2024-0101",
        "2024-01-1500",
        "2024+0100",
        "1600-01-01",
        "2263-01-01",
        "9999-12-31T23:59:59-18:00",
        "٢٠٢٤-01-01",
        "2024-01-01T00:00:00Z\n\n2024",
    ],
)
def test_what_is_no_instant(text: str) -> None:
    assert parse_instant(text) is None


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_an_instant_survives_being_printed(nanos: int) -> None:
    assert parse_instant(format_instant(nanos)) == nanos


@given(st.text())
def test_no_text_stops_the_parsers(text: str) -> None:
    assert parse_instant(text) is None or isinstance(parse_instant(text), int)
    parse_date_math(text, NOW)
    parse_duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2024-01-15T14:30:01.5Z"),
        ("now-9m", "2024-01-15T14:21:01.5Z"),
        ("now+1h-1m", "2024-01-15T15:29:01.5Z"),
        ("now-d", "2024-01-14T14:30:01.5Z"),
        ("now-1M", "2023-12-15T14:30:01.5Z"),
        ("now+1y", "2025-01-15T14:30:01.5Z"),
        ("now/s", "2024-01-15T14:30:01Z"),
        ("now/m", "2024-01-15T14:30:00Z"),
        ("now/H", "2024-01-15T14:00:00Z"),
        ("now/d", "2024-01-15T00:00:00Z"),
        ("now-1d/w", "2024-01-08T00:00:00Z"),
        ("now/M", "2024-01-01T00:00:00Z"),
        ("now/y", "2024-01-01T00:00:00Z"),
        ("2024-01-31||+1M", "2024-02-29T00:00:00Z"),
        ("2024-01-31||", "2024-01-31T00:00:00Z"),
        ("2024-01-31", "2024-01-31T00:00:00Z"),
    ],
)
def test_date_math(text: str, expected: str) -> None:
    assert parse_date_math(text, NOW) == at(expected)


def test_rounding_up_ends_a_nanosecond_before_the_next_unit() -> None:
    assert parse_date_math("now/d", NOW, round_up=True) == at("2024-01-15T23:59:59.999999999Z")
    assert parse_date_math("now/M", NOW, round_up=True) == at("2024-01-31T23:59:59.999999999Z")


@pytest.mark.parametrize(
    "text", ["nowhere", "now-", "now+1", "now/", "now/q", "x||+1d", "now-9m extra", "now+400y", "now+999999999w"]
)
def test_what_is_no_date_math(text: str) -> None:
    assert parse_date_math(text, NOW) is None


def test_rounding_beyond_what_nanoseconds_can_tell_gives_none() -> None:
    assert parse_date_math("1677-10-01||/y", NOW) is None
    assert parse_date_math("2262-02-01||/y", NOW, round_up=True) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5m", 300 * SECOND),
        ("100ms", SECOND // 10),
        (" 2 d ", 172_800 * SECOND),
        ("1w", 604_800 * SECOND),
        ("0s", 0),
        ("5", None),
        ("m", None),
        ("-5m", None),
        ("5M", None),
        ("\u0665m", None),
        ("1.5h", None),
    ],
)
def test_durations(text: str, expected: int | None) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["5m", "1d", "90s", "7h", "100ms", "0ms"])
def test_a_duration_survives_being_printed(text: str) -> None:
    nanos = parse_duration(text)
    assert nanos is not None
    assert format_duration(nanos) == text
