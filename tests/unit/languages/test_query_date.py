"""Dates of queries at either end of a range."""

from __future__ import annotations

import pytest

from dogwatch.base.time import parse_instant
from dogwatch.languages.date import instant_of, needs_now

NOW = parse_instant("2024-05-06T12:34:56.789Z") or 0


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-05-06T10:20:30.5Z", "2024-05-06T10:20:30.5Z", "2024-05-06T10:20:30.5Z"),
        ("2024-05-06T10:20:30+02:00", "2024-05-06T08:20:30Z", "2024-05-06T08:20:30.999999999Z"),
        ("2024-05-06T10:20Z", "2024-05-06T10:20:00Z", "2024-05-06T10:20:59.999999999Z"),
        ("2024-05-06 10", "2024-05-06T10:00:00Z", "2024-05-06T10:59:59.999999999Z"),
        ("2024-05-06", "2024-05-06T00:00:00Z", "2024-05-06T23:59:59.999999999Z"),
        # Elasticsearch fills in the first month and day, but the last hour.
        ("2024-05", "2024-05-01T00:00:00Z", "2024-05-01T23:59:59.999999999Z"),
        ("2024", "2024-01-01T00:00:00Z", "2024-01-01T23:59:59.999999999Z"),
        ("1714953600000", "2024-05-06T00:00:00Z", "2024-05-06T00:00:00Z"),
        ("now", "2024-05-06T12:34:56.789Z", "2024-05-06T12:34:56.789Z"),
        ("now-1M/M", "2024-04-01T00:00:00Z", "2024-04-30T23:59:59.999999999Z"),
        ("2024-02-29||+1y/d", "2025-02-28T00:00:00Z", "2025-02-28T23:59:59.999999999Z"),
    ],
)
def test_both_ends(text: str, first: str, last: str) -> None:
    assert instant_of(text, NOW, round_up=False) == parse_instant(first)
    assert instant_of(text, NOW, round_up=True) == parse_instant(last)


@pytest.mark.parametrize("text", ["", "today", "2024-13-01", "now-", "now-1x", "||+1d", "9" * 65, "1" * 40])
def test_no_dates(text: str) -> None:
    assert instant_of(text, NOW, round_up=False) is None
    assert instant_of(text, NOW, round_up=True) is None


def test_only_now_needs_now() -> None:
    assert needs_now("now/d")
    assert not needs_now("2024-05-06||/d")
