"""``dogwatch alerts`` and ``dogwatch incidents``: what a ledger keeps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click
from rich.text import Text

from dogwatch.alerts.encoding import encode
from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.model import SEVERITIES, AlertDocument, Status
from dogwatch.alerts.store import CLEARED, AlertQuery
from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.cli import exits
from dogwatch.cli.cells import fitted
from dogwatch.cli.console import show_diagnostics, show_error
from dogwatch.cli.formats.table import alert_table, incident_table, screen
from dogwatch.cli.moment import instant
from dogwatch.cli.show import show_alert, show_incident
from dogwatch.cli.summary import summarise, text

_SHOWN_DIGITS = 12
"""Of an id, so many are plenty to tell it from others."""

_TITLE = 120
"""Cells of a title on a line."""

_Command = TypeVar("_Command", bound=Callable[..., object])


def ledger_option(command: _Command) -> _Command:
    """Let a command be told which ledger it is about."""
    option = click.option(
        "--ledger",
        metavar="FILE|URL",
        envvar="DOGWATCH_LEDGER",
        help="The ledger, as given to `dogwatch scan --ledger`; by default $DOGWATCH_LEDGER.",
    )
    return option(command)


def _filters(command: _Command) -> _Command:
    for option in (
        click.option(
            "--format",
            "format_",
            type=click.Choice(["table", "ndjson"]),
            help="A table on a terminal, else NDJSON.",
        ),
        click.option(
            "--size",
            type=click.IntRange(min=1),
            default=100,
            show_default=True,
            help="How many at most, the newest first.",
        ),
        click.option("--to", "until", metavar="TIME", help="Not later than this time or date math."),
        click.option("--from", "since", metavar="TIME", help="Not earlier than this time or date math."),
        click.option("--severity", type=click.Choice(SEVERITIES), help="Only at or above this severity."),
        click.option("--rule", metavar="RULE", help="Only of this rule: its id, or part of its name."),
    ):
        command = option(command)
    return command


@click.group(short_help="List and show the alerts kept in a ledger.")
def alerts() -> None:
    """List and show the alerts kept in a ledger."""


@click.group(short_help="List, show and clear the incidents kept in a ledger.")
def incidents() -> None:
    """List, show and clear the incidents kept in a ledger."""


@alerts.command("list")
@ledger_option
@_filters
@click.option(
    "--status", type=click.Choice(["open", "acknowledged", "closed"]), help="Only of this workflow status."
)
@click.option("--building-blocks", is_flag=True, help="List the building blocks of sequences too.")
def list_alerts(
    ledger: str | None,
    rule: str | None,
    severity: str | None,
    since: str | None,
    until: str | None,
    size: int,
    format_: str | None,
    status: str | None,
    building_blocks: bool,
) -> int:
    """List alerts, the newest first."""
    try:
        query = _query(rule, severity, since, until, size, status, building_blocks=building_blocks)
        with opened(ledger) as store:
            found = store.alerts(query)
            rows = [
                summarise(each, store.building_blocks(str(each["kibana.alert.uuid"])))
                for each in found
                if _is_table(format_)
            ]
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    if not _is_table(format_):
        return _ndjson(found)
    console = screen(sys.stdout)
    console.print(alert_table(rows, console.width) if rows else Text("No alerts."))
    return exits.RAN


@incidents.command("list")
@ledger_option
@_filters
@click.option(
    "--status",
    type=click.Choice([*(status.value for status in Status), CLEARED]),
    help="Only of this status; `cleared` is either way of being cleared.",
)
def list_incidents(
    ledger: str | None,
    rule: str | None,
    severity: str | None,
    since: str | None,
    until: str | None,
    size: int,
    format_: str | None,
    status: str | None,
) -> int:
    """List incidents, last seen first."""
    try:
        query = _query(rule, severity, since, until, size, status)
        with opened(ledger) as store:
            found = store.incidents(query)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    if not _is_table(format_):
        return _ndjson(found)
    console = screen(sys.stdout)
    console.print(incident_table(found, console.width) if found else Text("No incidents."))
    return exits.RAN


@alerts.command("show")
@click.argument("uuid")
@ledger_option
@click.option(
    "--format", "format_", type=click.Choice(["page", "ndjson"]), help="A page on a terminal, else NDJSON."
)
def show_one_alert(uuid: str, ledger: str | None, format_: str | None) -> int:
    """Show one alert whole; UUID may be just its beginning."""
    try:
        with opened(ledger) as store:
            found = store.alert(uuid)
            blocks = store.building_blocks(str(found["kibana.alert.uuid"])) if found else ()
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    if found is None:
        return _missing("alert", uuid)
    if (format_ or ("page" if sys.stdout.isatty() else "ndjson")) == "ndjson":
        return _ndjson([*blocks, found])
    screen(sys.stdout).print(show_alert(found, blocks))
    return exits.RAN


@incidents.command("show")
@click.argument("uuid")
@ledger_option
@click.option(
    "--format", "format_", type=click.Choice(["page", "ndjson"]), help="A page on a terminal, else NDJSON."
)
def show_one_incident(uuid: str, ledger: str | None, format_: str | None) -> int:
    """Show one incident whole; UUID may be just its beginning."""
    try:
        with opened(ledger) as store:
            found = store.incident(uuid)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    if found is None:
        return _missing("incident", uuid)
    if (format_ or ("page" if sys.stdout.isatty() else "ndjson")) == "ndjson":
        return _ndjson([found])
    screen(sys.stdout).print(show_incident(found))
    return exits.RAN


@incidents.command("clear")
@click.argument("uuids", metavar="UUID...", nargs=-1, required=True)
@ledger_option
@click.option("--comment", metavar="TEXT", help="What there is to say about it; kept with the incident.")
def clear_incidents(uuids: tuple[str, ...], ledger: str | None, comment: str | None) -> int:
    """Clear incidents by hand; a UUID may be just its beginning.

    What triggers a cleared incident from then on opens a new one. If one of several is not there, none is cleared.
    """
    try:
        with opened(ledger) as store:
            already = store.clear(uuids, comment)
            found = {str(each["kibana.alert.uuid"]): each for uuid in uuids if (each := store.incident(uuid))}
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    console = screen(sys.stdout)
    for uuid, document in found.items():
        title = text(document, "fortisiem.incident.title", "kibana.alert.rule.name")
        said = f"already {text(document, 'fortisiem.incident.status')}" if uuid in already else "cleared"
        console.print(Text(f"{uuid[:_SHOWN_DIGITS]}  {said}: ").append_text(fitted(title, _TITLE)), soft_wrap=True)
    return exits.RAN


def opened(ledger: str | None) -> Ledger:
    """The ledger that a command was told of.

    Raises:
        DogwatchError: If none was named, or it cannot be opened.
    """
    if ledger is None:
        raise DogwatchError(
            Diagnostic(
                "no-ledger",
                "no ledger is named",
                hint="give --ledger FILE, or set DOGWATCH_LEDGER; `dogwatch scan --ledger FILE` makes one",
            )
        )
    return Ledger.open(ledger if "://" in ledger else Path(ledger).expanduser(), create=False)


def _query(
    rule: str | None,
    severity: str | None,
    since: str | None,
    until: str | None,
    size: int,
    status: str | None,
    *,
    building_blocks: bool = False,
) -> AlertQuery:
    now = time.time_ns()
    return AlertQuery(
        rule=rule,
        min_severity=severity,
        status=status,
        since=instant(since, now, "--from"),
        until=instant(until, now, "--to", round_up=True),
        building_blocks=building_blocks,
        size=size,
    )


def _is_table(format_: str | None) -> bool:
    return (format_ or ("table" if sys.stdout.isatty() else "ndjson")) == "table"


def _ndjson(documents: Sequence[AlertDocument]) -> int:
    for document in documents:
        sys.stdout.write(encode(document).decode() + "\n")
    return exits.RAN


def _missing(what: str, uuid: str) -> int:
    problem = Diagnostic(
        f"unknown-{what}", f"no {what} has an id that begins with {uuid}", hint=f"see `dogwatch {what}s list`"
    )
    show_diagnostics([problem])
    return exits.USAGE
