"""``dogwatch resources``: what FortiSIEM rules refer to, checked and shown."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click
from rich.text import Text

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.message import count_of, quoted
from dogwatch.cli import exits
from dogwatch.cli.console import show_diagnostics
from dogwatch.cli.formats.table import screen
from dogwatch.cli.resource_tables import counted, exception_table, overview, pages_of
from dogwatch.cli.rule_problems import by_place
from dogwatch.rules.resources.load import load_resources
from dogwatch.rules.resources.problems import did_you_mean
from dogwatch.rules.resources.resource_set import ResourceSet

_UNREADABLE = frozenset({"resources-not-found", "resource-format-unknown"})


@click.group(short_help="Check and show groups, lookup tables, watch lists, limits and exceptions.")
def resources() -> None:
    """Check and show what FortiSIEM rules refer to: groups, tables, watch lists, limits, profiles, exceptions."""


@resources.command("check")
@click.argument("where", nargs=-1, required=True, metavar="PATH...")
def check(where: tuple[str, ...]) -> int:
    """Read files and folders of resources, tell every problem, and count what was read.

    Ends with status 1 if there is an error.
    """
    loaded = load_resources(where)
    show_diagnostics(sorted(loaded.diagnostics, key=by_place))
    console = screen(sys.stdout)
    console.print(counted(loaded))
    found = Counter(problem.severity for problem in loaded.diagnostics)
    errors, warnings = found[Severity.ERROR], found[Severity.WARNING]
    console.print(Text(f"{count_of(errors, 'error')}, {count_of(warnings, 'warning')}."))
    return exits.status(found=errors > 0, unusable=_is_lost(where, loaded))


@resources.command("show")
@click.argument("where", nargs=-1, required=True, metavar="PATH... [NAME]")
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="At most so many members, rows or values of each.",
)
def show(where: tuple[str, ...], rows: int) -> int:
    """Show the resources of files and folders, or with NAME the group, table, list, limit or profile of that name.

    The last argument is a NAME if there is no file or folder of that name.
    """
    paths, name = where, None
    if len(where) > 1 and not Path(where[-1]).exists():
        paths, name = where[:-1], where[-1]
    loaded = load_resources(paths)
    show_diagnostics(sorted(loaded.diagnostics, key=by_place))
    console = screen(sys.stdout)
    if name is None:
        console.print(overview(loaded, console.width))
        if loaded.exceptions:
            console.print(Text("\nexceptions", style="bold"))
            console.print(exception_table(loaded.exceptions, console.width))
    else:
        pages = pages_of(loaded, name, rows)
        if not pages:
            show_diagnostics([_unknown(name, loaded)])
            return exits.USAGE
        for page in pages:
            console.print(page)
    lost = any(problem.severity is Severity.ERROR for problem in loaded.diagnostics)
    return exits.status(unusable=_is_lost(paths, loaded), left_out=lost)


def _is_lost(where: tuple[str, ...], loaded: ResourceSet) -> bool:
    """Whether not one of the places could be looked at."""
    return sum(problem.code in _UNREADABLE for problem in loaded.diagnostics) >= len(where)


def _unknown(name: str, loaded: ResourceSet) -> Diagnostic:
    known = [each for _, each, _, _ in loaded.described()]
    return Diagnostic(
        "resource-unknown",
        f"nothing has the name {quoted(name)}, and there is no such file or folder",
        hint=did_you_mean(name, known),
    )
