"""``dogwatch watchlists``: the values that rules, or people, put on watch lists."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence

import click
from rich import box
from rich.table import Table
from rich.text import Text

from dogwatch.alerts.encoding import encode
from dogwatch.alerts.model import WatchEntry
from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.message import count_of
from dogwatch.base.time import FOREVER, format_instant
from dogwatch.cli import exits
from dogwatch.cli.cells import fitted
from dogwatch.cli.console import show_diagnostics, show_error
from dogwatch.cli.formats.table import screen
from dogwatch.cli.ledger import ledger_option, opened

_VALUE = 400
"""Cells of one value."""

_BY_HAND = "a person"

_format = click.option(
    "--format", "format_", type=click.Choice(["table", "ndjson"]), help="A table on a terminal, else NDJSON."
)


@click.group(short_help="Show and change the watch lists kept in a ledger.")
def watchlists() -> None:
    """Show and change the watch lists kept in a ledger.

    Rules add to them when they trigger, and test them; a scan with `--ledger` goes on with what earlier ones left.
    """


@watchlists.command("list")
@ledger_option
@_format
def list_watchlists(ledger: str | None, format_: str | None) -> int:
    """List the watch lists, with the number of their values."""
    try:
        with opened(ledger) as store:
            entries = store.watch_entries()
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    by_name: dict[str, list[WatchEntry]] = {}
    for entry in _newest(entries):
        by_name.setdefault(entry.list, []).append(entry)
    rows = [
        (name, len(found), format_instant(max(each.added for each in found))) for name, found in by_name.items()
    ]
    return _print(("list", "values", "last added"), rows, format_, "No watch lists.")


@watchlists.command("show")
@click.argument("name")
@ledger_option
@_format
def show_watchlist(name: str, ledger: str | None, format_: str | None) -> int:
    """Show the values on a watch list, the longest there first; also those whose time is over."""
    try:
        with opened(ledger) as store:
            entries = store.watch_entries(name)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    if not entries:
        problem = Diagnostic(
            "unknown-watch-list",
            f"no watch list {name} has a value",
            hint="see `dogwatch watchlists list`; letter case counts in names",
        )
        show_diagnostics([problem])
        return exits.USAGE
    rows = [
        (each.value, format_instant(each.added), _until(each), each.rule_uuid or _BY_HAND)
        for each in _newest(entries)
    ]
    return _print(("value", "added", "until", "added by"), rows, format_, "")


@watchlists.command("add")
@click.argument("name")
@click.argument("values", nargs=-1, required=True, metavar="VALUE...")
@ledger_option
def add_to_watchlist(name: str, values: tuple[str, ...], ledger: str | None) -> int:
    """Put values on a watch list, as of now and for good; what is on it stays."""
    now = time.time_ns()
    try:
        with opened(ledger) as store:
            there = {each.value.lower() for each in store.watch_entries(name) if each.until > now}
            store.file((), [WatchEntry(name, value, now) for value in values])
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    added = {value.lower() for value in values} - there
    return _say(f"{count_of(len(added), 'value')} added to {name}.")


@watchlists.command("remove")
@click.argument("name")
@click.argument("values", nargs=-1, required=True, metavar="VALUE...")
@ledger_option
def remove_from_watchlist(name: str, values: tuple[str, ...], ledger: str | None) -> int:
    """Take values off a watch list; a rule may add them again."""
    try:
        with opened(ledger) as store:
            removed = store.remove_watched(name, values)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    return _say(f"{count_of(removed, 'value')} removed from {name}.")


def _newest(entries: Iterable[WatchEntry]) -> list[WatchEntry]:
    """Of each value that was added several times the last; in the order of the first."""
    return list({(each.list, each.value.lower()): each for each in entries}.values())


def _until(entry: WatchEntry) -> str | None:
    return None if entry.until == FOREVER else format_instant(entry.until)


def _say(sentence: str) -> int:
    screen(sys.stdout).print(fitted(sentence, _VALUE), soft_wrap=True)
    return exits.RAN


def _print(
    names: Sequence[str], rows: Sequence[tuple[str | int | None, ...]], format_: str | None, nothing: str
) -> int:
    if (format_ or ("table" if sys.stdout.isatty() else "ndjson")) == "ndjson":
        keys = [name.replace(" ", "_") for name in names]
        for row in rows:
            sys.stdout.write(encode(dict(zip(keys, row, strict=True))).decode() + "\n")
        return exits.RAN
    console = screen(sys.stdout)
    if not rows:
        console.print(Text(nothing))
        return exits.RAN
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(fitted("" if cell is None else str(cell), _VALUE) for cell in row))
    console.print(table)
    return exits.RAN
