"""``dogwatch watchlists`` over a ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
from invocation import run
from rich.cells import cell_len

from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.model import WatchEntry
from dogwatch.base.time import SECOND

HOSTILE = "eve\x1b[2J[red]\u202e" + "日" * 200


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as store:
        added = 1_795_348_800 * SECOND
        store.file(
            [],
            [
                WatchEntry("Bad", HOSTILE, added, "rule-1"),
                WatchEntry("Bad", "bob", added + 1),
                WatchEntry("X", "y", 0),
            ],
        )
    return path


def test_lists_and_their_values(ledger: Path) -> None:
    listed = run("watchlists", "list", "--ledger", ledger).documents
    assert [(each["list"], each["values"]) for each in listed] == [("Bad", 2), ("X", 1)]
    shown = run("watchlists", "show", "Bad", "--ledger", ledger).documents
    assert [(each["value"], each["added_by"]) for each in shown] == [(HOSTILE, "rule-1"), ("bob", "a person")]


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("command", [("list",), ("show", "Bad")])
def test_a_table_fits_and_is_only_text(command: tuple[str, ...], width: int, ledger: Path) -> None:
    shown = run("watchlists", *command, "--ledger", ledger, "--format", "table", width=width).out
    assert max(map(cell_len, shown.splitlines())) <= width
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_values_are_added_once_and_removed(ledger: Path) -> None:
    assert run("watchlists", "add", "New", "a", "A", "b", "--ledger", ledger).out == "2 values added to New.\n"
    assert run("watchlists", "add", "New", "b", "--ledger", ledger).out == "0 values added to New.\n"
    assert run("watchlists", "remove", "New", "a", "z", "--ledger", ledger).out == "1 value removed from New.\n"
    (left,) = run("watchlists", "show", "New", "--ledger", ledger).documents
    assert left["value"] == "b"


def test_a_value_whose_time_is_over_is_shown_once_and_added_anew(ledger: Path) -> None:
    with Ledger.open(ledger) as store:
        store.file([], [WatchEntry("Old", "x", at * SECOND, "rule-1", (at + 5) * SECOND) for at in (10, 100)])
    (shown,) = run("watchlists", "show", "Old", "--ledger", ledger).documents
    assert (shown["added"], shown["until"]) == ("1970-01-01T00:01:40.000Z", "1970-01-01T00:01:45.000Z")
    assert run("watchlists", "add", "Old", "X", "--ledger", ledger).out == "1 value added to Old.\n"
    assert run("watchlists", "add", "Old", "x", "--ledger", ledger).out == "0 values added to Old.\n"
    (shown,) = run("watchlists", "show", "Old", "--ledger", ledger).documents
    assert (shown["until"], shown["added_by"]) == (None, "a person")


def test_a_list_without_values(ledger: Path) -> None:
    outcome = run("watchlists", "show", "bad", "--ledger", ledger)
    assert outcome.status == 2
    assert "unknown-watch-list" in outcome.err


def test_none_at_all(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "empty.db").close()
    outcome = run("watchlists", "list", "--ledger", tmp_path / "empty.db", "--format", "table")
    assert (outcome.status, outcome.out) == (0, "No watch lists.\n")


@pytest.mark.parametrize("command", [("list",), ("show", "L"), ("add", "L", "v"), ("remove", "L", "v")])
def test_no_ledger(command: tuple[str, ...], tmp_path: Path) -> None:
    assert "no-ledger" in run("watchlists", *command).err
    outcome = run("watchlists", *command, "--ledger", tmp_path / "missing.db")
    assert outcome.status == 2
    assert "ledger-missing" in outcome.err
