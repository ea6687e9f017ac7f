"""The ``dogwatch`` command: finds the command that was asked for and imports only that one."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import Any

import click

from dogwatch.base.garbage import uncollected
from dogwatch.base.text import printable
from dogwatch.cli import exits

_COMMANDS = {
    "scan": ("dogwatch.cli.scan", "scan", "Run detection rules over events and show what they find."),
    "search": ("dogwatch.cli.search", "search", "Find the events, sequences or samples that satisfy one query."),
    "convert": (
        "dogwatch.cli.convert",
        "convert",
        "Write events as Parquet, which is read faster, or as NDJSON.",
    ),
    "rules": ("dogwatch.cli.rules", "rules", "List, show, check, compare and export detection rules."),
    "resources": (
        "dogwatch.cli.resources",
        "resources",
        "Check and show groups, lookup tables, watch lists, limits and exceptions.",
    ),
    "alerts": ("dogwatch.cli.ledger", "alerts", "List and show the alerts kept in a ledger."),
    "incidents": ("dogwatch.cli.ledger", "incidents", "List, show and clear the incidents kept in a ledger."),
    "watchlists": ("dogwatch.cli.watchlists", "watchlists", "Show and change the watch lists kept in a ledger."),
}


_COMPLETION = "_DOGWATCH_COMPLETE"
"""The environment variable by which a shell asks for completions; its name is click's."""


class _Commands(click.Group):
    """Commands by name; each is imported when it runs, so that ``--help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        found = _COMMANDS.get(cmd_name)
        if found is None:
            return None
        with uncollected():
            command = getattr(importlib.import_module(found[0]), found[1])
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, _, says) in _COMMANDS.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dogwatch", message="%(prog)s %(version)s")
def dogwatch() -> None:
    """Run Elastic Security and FortiSIEM detection rules, unchanged, over the events of your hosts.

    Try `dogwatch scan /var/log/audit/audit.log`, and `dogwatch rules list`.

    Exit status: 0 it ran; 1 `--fail-on` was met or a check found errors; 2 usage, configuration, or nothing
    could be read; 3 it ran, but a whole rule or file was left out.
    """


def main() -> None:
    """The entry point of the ``dogwatch`` command."""
    # What cannot be encoded is shown by its escape; machine formats write their own line ends.
    for stream in (sys.stdout, sys.stderr):
        _configure(stream)
    try:
        status = dogwatch.main(standalone_mode=False, prog_name="dogwatch")
        sys.stdout.flush()
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(exits.USAGE)
    except SystemExit:
        # No command of ours exits by itself. click answers a shell's request for completions this way; and click
        # and rich end with 1, which here means a finding, when the reader of our output went away (`| head`).
        if _COMPLETION in os.environ:
            raise
        _discard_output()
        sys.exit(exits.RAN)
    except BrokenPipeError:
        _discard_output()
        sys.exit(exits.RAN)
    except OSError as error:
        # The output's disk is full, or something else that no command knows better.
        click.echo(f"error: {printable(str(error))}", err=True)
        _discard_output()
        sys.exit(exits.USAGE)
    # The interpreter looks for garbage once more at its end, among all that is about to go anyway. DuckDB
    # complains of objects that were kept from it.
    if "duckdb" not in sys.modules:
        gc.freeze()
    sys.exit(status if isinstance(status, int) else exits.RAN)


def _discard_output() -> None:
    """Let what is still buffered go nowhere, so that the interpreter does not complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _configure(stream: Any) -> None:  # noqa: ANN401 - a replaced stream may be of any kind
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace", newline="\n")
