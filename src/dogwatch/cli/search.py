"""``dogwatch search``: the events or sequences that satisfy one query."""

from __future__ import annotations

import itertools
import sys
import time

import click
from rich.table import Table
from rich.text import Text

from dogwatch.alerts.encoding import encode
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.cli import exits
from dogwatch.cli.cells import fitted, short_times
from dogwatch.cli.console import reading, show_diagnostics, show_error, stderr
from dogwatch.cli.formats.table import screen
from dogwatch.cli.summary import happened, text
from dogwatch.detect.search import LANGUAGES, Hit, Search
from dogwatch.events.readers import ReadOptions, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.schema.schema import Schema


@click.command(short_help="Find the events or sequences that satisfy one query.")
@click.argument("language", type=click.Choice([*LANGUAGES, "kuery"], case_sensitive=False))
@click.argument("query")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--size", type=click.IntRange(min=0), default=100, show_default=True, help="How many hits at most.")
@click.option("--index", metavar="NAME", help="The data stream of every event, whatever the input says.")
@click.option("--host", metavar="NAME", help="The host that audit logs come from, where they do not name it.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "ndjson"]),
    help="How to print: a table on a terminal, else NDJSON.",
)
def search(
    language: str,
    query: str,
    paths: tuple[str, ...],
    size: int,
    index: str | None,
    host: str | None,
    format_: str | None,
) -> int:
    """Find the events or sequences that satisfy one query.

    Without PATH, standard input is read. In NDJSON an event is its document; a sequence is an object with
    `join_keys` and `events`. For FortiSIEM the query is a filter of single events.

    \b
    Examples:
      dogwatch search eql 'process where process.name == "nc"' audit.log
      dogwatch search kql 'event.action: bound-socket and not user.id: 0' logs/
      dogwatch search fortisiem 'procName IN ("nc", "ncat")' audit.log
    """  # noqa: D301 - click reads a real backspace as "do not rewrap"
    report = ReadReport()
    console = stderr()
    try:
        prepared = Search(language, query, Schema.ecs(), now=time.time_ns())
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    show_diagnostics(prepared.notes, console)
    with reading(None, wanted=bool(paths)) as progress:
        options = ReadOptions(index=index, host=host)
        batches = read_batches(paths or ("-",), prepared.fields, options, report, progress)
        # One more than is shown tells whether there are more.
        hits = list(itertools.islice(prepared.run(batches), size + 1))
    more = len(hits) > size
    hits = hits[:size]
    if (format_ or ("table" if sys.stdout.isatty() else "ndjson")) == "ndjson":
        for hit in hits:
            sys.stdout.write(encode(_plain(hit)).decode() + "\n")
    else:
        _table(hits)
    show_diagnostics(report.kept, console)
    if more:
        console.print(Text(f"There are more than {size} hits; --size shows more.", style="dim"))
    return exits.status(unusable=report.files == 0, left_out=report.lost)


def _plain(hit: Hit) -> dict[str, object]:
    if len(hit.events) == 1 and not hit.join_keys:
        return hit.events[0]
    return {"join_keys": list(hit.join_keys), "events": list(hit.events)}


def _table(hits: list[Hit]) -> None:
    console = screen(sys.stdout)
    if not hits:
        console.print(Text("Nothing was found."))
        return
    rows = [(number, event) for number, hit in enumerate(hits, 1) for event in hit.events]
    title, times = short_times([text(event, "@timestamp") for _, event in rows], digits=3)
    table = Table("#", title, "action", "host", "user", "what happened", box=None, pad_edge=False)
    for (number, event), moment in zip(rows, times, strict=True):
        table.add_row(
            Text(str(number)),
            Text(moment),
            fitted(text(event, "event.action", "event.type"), 26),
            fitted(text(event, "host.name"), 20),
            fitted(text(event, "user.name", "user.id"), 14),
            fitted(happened(event), max(20, 2 * (console.width - 70))),
        )
    console.print(table)
