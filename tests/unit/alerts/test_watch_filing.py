"""Watch lists in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_samples import NOON, event_alert
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.model import WatchEntry


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.db", clock=lambda: NOON) as opened:
        yield opened


def test_each_value_is_kept_once_from_its_earliest_time(ledger: Ledger) -> None:
    ledger.file([event_alert("e1")], [WatchEntry("Bad", "eve", 5, "r1"), WatchEntry("Bad", "EVE", 3, "r2")])
    ledger.file([], [WatchEntry("Bad", "eve", 4, "r3"), WatchEntry("Good", "eve", 9)])
    assert ledger.watch_entries() == [WatchEntry("Bad", "EVE", 3, "r2"), WatchEntry("Good", "eve", 9)]
    ledger.file([], [WatchEntry("Bad", "eve", 1)])
    assert ledger.watch_entries("Bad") == [WatchEntry("Bad", "eve", 1)]


def test_a_value_that_expired_is_added_anew(ledger: Ledger) -> None:
    first, again = WatchEntry("L", "a", 5, "r1", 10), WatchEntry("L", "A", 8, "r2", 13)
    ledger.file([], [again])
    ledger.file([], [first])
    assert ledger.watch_entries() == [WatchEntry("L", "a", 5, "r1", 13)]
    later = WatchEntry("L", "a", 20, "r3", 25)
    for _ in range(2):
        ledger.file([], [later, first])
        assert ledger.watch_entries() == [WatchEntry("L", "a", 5, "r1", 13), later]
    assert ledger.remove_watched("L", ["a"]) == 1


def test_values_are_taken_off(ledger: Ledger) -> None:
    ledger.file([], [WatchEntry("L", str(number), number) for number in range(1000)])
    assert ledger.remove_watched("L", [str(number) for number in range(990)] + ["0", "other"]) == 990
    assert ledger.remove_watched("M", ["995"]) == 0
    assert [each.value for each in ledger.watch_entries("L")] == [str(number) for number in range(990, 1000)]


def test_nothing_is_kept_of_a_call_that_fails(ledger: Ledger) -> None:
    def failing() -> Iterator[WatchEntry]:
        yield WatchEntry("L", "a", 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ledger.file([event_alert("e1")], failing())
    assert ledger.watch_entries() == []
    assert ledger.alert("0") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.text(), st.text(min_size=1))
def test_odd_texts_come_back(ledger: Ledger, name: str, value: str) -> None:
    entry = WatchEntry(name, value, 7, "r")
    ledger.file([], [entry])
    assert ledger.watch_entries(name) == [entry]
    assert ledger.remove_watched(name, [value]) == 1


def test_half_a_character_is_kept_as_what_can_be_written(ledger: Ledger) -> None:
    ledger.file([], [WatchEntry("L", "a\ud800", 1)])
    assert [each.value for each in ledger.watch_entries("L")] == ["a\ufffd"]
