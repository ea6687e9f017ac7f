"""``dogwatch search``: the events, sequences or samples that satisfy one query."""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass, replace

import click

from dogwatch.alerts.encoding import encode
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.time import format_instant
from dogwatch.cli import exits
from dogwatch.cli.console import say, show_diagnostics, show_error
from dogwatch.cli.formats.table import screen
from dogwatch.cli.fortisiem import strict_option
from dogwatch.cli.hits import is_group, write_lines, write_table
from dogwatch.cli.progress import Meter, inputs_size
from dogwatch.detect.api import follows
from dogwatch.detect.search import LANGUAGES, Hit, Search
from dogwatch.events.readers import STDIN, ReadOptions, read_batches
from dogwatch.events.report import ReadReport
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.languages.fortisiem.resources import Resources
from dogwatch.logic.pattern import End
from dogwatch.rules.resources.load import load_resources
from dogwatch.schema.schema import Schema


@dataclass(frozen=True, slots=True)
class _Request:
    """How a query is run and its hits are shown, apart from the query itself."""

    inputs: tuple[str, ...]
    options: ReadOptions
    size: int
    end: End
    max_samples_per_key: int
    event_category_field: str
    timestamp_field: str
    tiebreaker_field: str | None
    resources: Resources
    fortisiem: FortisiemOptions
    as_table: bool


@click.command(short_help="Find the events, sequences or samples that satisfy one query.")
@click.argument("language", type=click.Choice([*LANGUAGES, "kuery"], case_sensitive=False))
@click.argument("query", required=False)
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("-i", "--interactive", is_flag=True, help="Ask for one query after the other; QUERY is left out.")
@click.option("--size", type=click.IntRange(min=0), default=100, show_default=True, help="How many hits at most.")
@click.option(
    "--result-position",
    type=click.Choice([end.value for end in (End.TAIL, End.HEAD)]),
    default=End.TAIL.value,
    show_default=True,
    help="Which hits --size keeps, the last or the first; a query's own pipe goes before it.",
)
@click.option(
    "--max-samples-per-key",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="How many samples a join key gives at most.",
)
@click.option(
    "--event-category-field",
    metavar="FIELD",
    default="event.category",
    show_default=True,
    help="What the category of an EQL query is compared with.",
)
@click.option(
    "--timestamp-field",
    metavar="FIELD",
    default="@timestamp",
    show_default=True,
    help="What gives events their time, in EQL.",
)
@click.option(
    "--tiebreaker-field",
    metavar="FIELD",
    help="What orders events of one time, in EQL; their own order if not given.",
)
@click.option(
    "--resources",
    "resource_paths",
    multiple=True,
    metavar="PATH",
    help="Groups and tables that a filter of FortiSIEM's refers to: a file or a folder. May be repeated.",
)
@strict_option
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
    query: str | None,
    paths: tuple[str, ...],
    interactive: bool,
    size: int,
    result_position: str,
    max_samples_per_key: int,
    event_category_field: str,
    timestamp_field: str,
    tiebreaker_field: str | None,
    resource_paths: tuple[str, ...],
    strict: tuple[str, ...],
    index: str | None,
    host: str | None,
    format_: str | None,
) -> int:
    """Find the events, sequences or samples that satisfy one query.

    Without PATH, standard input is read. Hits come in the order of time, samples by their join keys. In NDJSON
    an event is its document; a sequence or sample is an object with `join_keys` and `events`, where
    {"missing": true} stands for an event that must not occur. For FortiSIEM the query is a filter of single
    events.

    The last hits are known when the input ends; with --result-position head, those of a pipe are printed as
    they are found.

    \b
    Examples:
      dogwatch search eql 'process where process.name == "nc"' audit.log
      dogwatch search kql 'event.action: bound-socket and not user.id: 0' logs/
      dogwatch search fortisiem 'procName IN ("nc", "ncat")' audit.log
      dogwatch search -i eql audit.log
    """  # noqa: D301 - click reads a real backspace as "do not rewrap"
    if query is None and not interactive:
        raise click.UsageError("Missing argument 'QUERY'; -i asks for queries one after the other.")
    resources = load_resources(resource_paths)
    show_diagnostics(resources.diagnostics)
    request = _Request(
        inputs=paths or (STDIN,),
        options=ReadOptions(index=index, host=host),
        size=size,
        end=End(result_position),
        max_samples_per_key=max_samples_per_key,
        event_category_field=event_category_field,
        timestamp_field=timestamp_field,
        tiebreaker_field=tiebreaker_field,
        resources=resources.at_rest,
        fortisiem=FortisiemOptions.named(strict),
        as_table=(format_ or ("table" if sys.stdout.isatty() else "ndjson")) == "table",
    )
    if interactive:
        # Without a query of its own, the first word after the language is a path.
        return _converse(language, replace(request, inputs=(*((query,) if query else ()), *paths)))
    return _answer(language, query or "", request)


def _converse(language: str, request: _Request) -> int:
    if not request.inputs or STDIN in request.inputs:
        raise click.UsageError("An interactive search reads its events from files; name one.")
    if not sys.stdin.isatty():
        raise click.UsageError("An interactive search needs a terminal; give the QUERY instead.")
    # The library for prompts is slow to import, and nothing else needs it.
    from dogwatch.cli.prompt import Conversation

    def answer(language: str, query: str, size: int) -> None:
        _answer(language, query, replace(request, size=size))

    conversation = Conversation(
        language=language,
        size=request.size,
        fields=Schema.ecs().mappings,
        languages=LANGUAGES,
        answer=answer,
        say=click.echo,
    )
    conversation.say("Tab completes, Enter runs, .help says more, Ctrl-D leaves.")
    conversation.hold()
    return exits.RAN


def _answer(language: str, query: str, request: _Request) -> int:
    """Run one query, print what it finds, and give the exit status."""
    report = ReadReport()
    try:
        prepared = Search(
            language,
            query,
            Schema.ecs(),
            now=time.time_ns(),
            event_category_field=request.event_category_field,
            timestamp_field=request.timestamp_field,
            tiebreaker_field=request.tiebreaker_field,
            resources=request.resources,
            fortisiem=request.fortisiem,
        )
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    show_diagnostics(prepared.notes)
    follow = request.end is End.HEAD and follows(request.inputs)
    with Meter(inputs_size(request.inputs), wanted=not follow) as meter:
        meter.counts = lambda: (report.events, 0)
        batches = read_batches(request.inputs, prepared.fields, request.options, report, meter.read)
        hits = prepared.run(
            batches,
            size=request.size,
            result_position=request.end,
            max_samples_per_key=request.max_samples_per_key,
            follow=follow,
        )
        if not follow:
            # With the first hit the reading is done.
            hits = itertools.chain(list(itertools.islice(hits, 1)), hits)
    if not request.as_table:
        for hit in hits:
            sys.stdout.write(encode(_plain(hit)).decode() + "\n")
            if follow:
                sys.stdout.flush()
    elif follow:
        write_lines(hits, screen(sys.stdout))
    else:
        write_table(list(hits), screen(sys.stdout))
    show_diagnostics((*report.kept, *prepared.left_out))
    if prepared.found > request.size:
        say(_more(prepared, request.size, request.end), "dim")
    return exits.status(unusable=report.files == 0, left_out=report.lost)


def _plain(hit: Hit) -> dict[str, object]:
    if not is_group(hit):
        return hit.events[0]
    group: dict[str, object] = {"join_keys": list(hit.join_keys), "events": list(hit.events)}
    if hit.open_until is not None:
        group["open_until"] = format_instant(hit.open_until)
    return group


def _more(prepared: Search, size: int, asked: End) -> str:
    """That the size left hits out, and how to see them."""
    match prepared.kept_end(asked):
        case End.TAIL:
            which = f"these are the last of {prepared.found:,}"
            other = "head shows the first"
        case End.HEAD:
            which = "these are the first"
            other = "tail shows the last"
    change = (
        f", --result-position {other}" if prepared.kept_end(End.HEAD) is not prepared.kept_end(End.TAIL) else ""
    )
    hits = "hit" if size == 1 else "hits"
    return f"There are more than {size:,} {hits}: {which}; --size shows more{change}."
