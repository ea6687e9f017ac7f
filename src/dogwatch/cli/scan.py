"""``dogwatch scan``: run rules over files, folders or a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.text import Text

from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.model import SEVERITIES, Detection
from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.base.message import count_of
from dogwatch.cli import blind, exits
from dogwatch.cli.account import Account
from dogwatch.cli.console import reading, show_diagnostics, show_error, stderr
from dogwatch.cli.formats import FORMATS, Options
from dogwatch.cli.fortisiem import resources_option, strict_option
from dogwatch.cli.moment import TIME_HINT, duration, instant
from dogwatch.detect import api
from dogwatch.detect.options import OpenWindows, ScanOptions
from dogwatch.events.readers import ReadOptions, expand_paths
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.rules.resources import load_resources
from dogwatch.rules.ruleset import BUILTIN, load_rules


@click.command(short_help="Run detection rules over events and show what they find.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--rules",
    "where",
    multiple=True,
    metavar="WHERE",
    help="A rule file, a folder of rules, or `builtin` (the default). May be repeated.",
)
@click.option(
    "--rule",
    "selectors",
    multiple=True,
    metavar="RULE",
    help="Only this rule: id, id@version or name. May be repeated.",
)
@click.option("--index", metavar="NAME", help="The data stream of every event, whatever the input says.")
@click.option(
    "--any-index", is_flag=True, help="Offer every event to every rule, whatever data streams the rule names."
)
@click.option("--host", metavar="NAME", help="The host that audit logs come from, where they do not name it.")
@click.option("--from", "start", metavar="TIME", help=f"Leave out earlier events: {TIME_HINT}.")
@click.option("--to", "end", metavar="TIME", help="Leave out later events.")
@click.option(
    "--now",
    "present",
    metavar="TIME",
    help="What `now` means in rules, --from and --to; the start of the scan if it is not given.",
)
@click.option(
    "--open-windows",
    type=click.Choice([each.value for each in OpenWindows]),
    default=OpenWindows.VENDOR.value,
    show_default=True,
    help="What becomes of a match that an event must not follow, if that event could still have come when the "
    "data ended. Elastic reports it, FortiSIEM waits.",
)
@resources_option
@strict_option
@click.option(
    "--tolerance",
    metavar="DURATION",
    default="10s",
    show_default=True,
    help="How late an event of a pipe may be for FortiSIEM rules with several subpatterns, which wait that long.",
)
@click.option(
    "--as-scheduled",
    is_flag=True,
    help="Play each rule's runs (interval, from, max_signals) instead of finding everything.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    help="How to print: a table on a terminal, else NDJSON.",
)
@click.option("--building-blocks", is_flag=True, help="Print the building blocks of sequences too.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the results to this file.")
@click.option(
    "--ledger", metavar="FILE|URL", help="Keep alerts and incidents in this ledger too; repeats make no copy."
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="End with status 1 if anything at or above this severity is found.",
)
@click.option(
    "--input-format",
    type=click.Choice(["audit", "ndjson", "json", "fortisiem", "csv"]),
    help="Read every input as this instead of looking at its content.",
)
@click.option(
    "--max-rows", type=click.IntRange(min=1), default=200, show_default=True, help="The most rows of a table."
)
@click.option(
    "--explain-fields",
    is_flag=True,
    help="List every rule that could not match because no event has the fields that it needs.",
)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing on standard error but errors.")
def scan(
    paths: tuple[str, ...],
    where: tuple[str, ...],
    selectors: tuple[str, ...],
    index: str | None,
    any_index: bool,
    host: str | None,
    start: str | None,
    end: str | None,
    present: str | None,
    open_windows: str,
    resource_paths: tuple[str, ...],
    strict: tuple[str, ...],
    tolerance: str,
    as_scheduled: bool,
    format_: str | None,
    building_blocks: bool,
    output: Path | None,
    ledger: str | None,
    fail_on: str | None,
    input_format: str | None,
    max_rows: int,
    explain_fields: bool,
    quiet: bool,
) -> int:
    """Run detection rules over events and show what they find.

    PATH is a file, a folder, a pattern, or `-` for standard input, which is followed. Read are Linux audit
    logs, ECS events as NDJSON (also search hits and `_bulk` bodies), and FortiSIEM's events as lines, CSV or
    JSON, plain or compressed by gzip, zstd or xz; the content decides, not the name.

    \b
    Examples:
      dogwatch scan /var/log/audit/audit.log
      dogwatch scan logs/ --rules my-rules/ --rules builtin --format ndjson
      journalctl -o cat -f _TRANSPORT=audit | dogwatch scan -
    """  # noqa: D301 - click reads a real backspace as "do not rewrap"
    console = stderr()
    try:
        started = time.time_ns()
        now = started if (given := instant(present, started, "--now")) is None else given
        follow = api.follows(paths)
        if follow and as_scheduled:
            raise click.UsageError("--as-scheduled needs inputs with an end, and standard input is followed")
        rules = load_rules(where or BUILTIN)
        if selectors:
            chosen = {rules.find(selector).instance_id for selector in selectors}
            rules = rules.where(lambda rule: rule.instance_id in chosen)
        options = ScanOptions(
            start=instant(start, now, "--from"),
            end=instant(end, now, "--to", round_up=True),
            any_index=any_index,
            open_windows=OpenWindows(open_windows),
            tolerance=duration(tolerance, "--tolerance"),
            now=now,
        )
        resources = load_resources(resource_paths)
        with ExitStack() as stack:
            store = stack.enter_context(Ledger.open(ledger)) if ledger else None
            stream = stack.enter_context(_opened(output, paths)) if output else sys.stdout
            name = format_ or ("table" if stream.isatty() else "ndjson")
            # Lines that scroll by on the same screen are progress enough, and a bar would be torn by them.
            wanted = not quiet and not follow and not (stream.isatty() and name != "table")
            bar = stack.enter_context(ExitStack())
            progress = bar.enter_context(reading(_size(paths), wanted=wanted))
            run = api.scan(
                list(paths),
                rules,
                options=options,
                reading=ReadOptions(index=index, host=host, format=input_format),
                as_scheduled=as_scheduled,
                progress=progress,
                resources=resources,
                fortisiem=FortisiemOptions.named(strict),
                watch_entries=store.watch_entries() if store else (),
            )
            # What is known before the first event need not wait for the end, which a pipe may not have.
            early = run.report.notes[:] if follow and not quiet else []
            show_diagnostics(early, console)
            account = Account(fail_on)
            detections = account.watched(run)
            if store is not None:
                detections = account.filed(detections, store, run.correlation, at_once=follow)
            FORMATS[name](_then(detections, bar.close), stream, Options(building_blocks, max_rows, at_once=follow))
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    later = [each for each in run.diagnostics if each not in early]
    problems = [*resources.diagnostics, *rules.errors, *later, *_after(run, any_index, explained=explain_fields)]
    rules_lost = any(each.severity is Severity.ERROR for each in (*rules.errors, *resources.diagnostics)) or any(
        problem.severity is not Severity.NOTICE for _, reasons in run.compiled.left_out for problem in reasons
    )
    unusable = run.read.files == 0 or not run.compiled.rules
    show_diagnostics([each for each in problems if not quiet or each.severity is Severity.ERROR], console)
    if not run.compiled.rules:
        show_diagnostics([_no_rules(where)], console)
    if explain_fields:
        blind.explain(run.report.blind, console)
    if not quiet:
        _summary(run, account, console)
    return exits.status(found=account.failed, unusable=unusable, left_out=rules_lost or run.read.lost)


def _then(detections: Iterable[Detection], finish: Callable[[], None]) -> Iterator[Detection]:
    """Detections, and ``finish`` after the last: the bar must be gone before a table is printed."""
    yield from detections
    finish()


def _summary(run: api.ScanRun, account: Account, console: Console) -> None:
    read = run.read
    skipped = sum(read.problems.values())
    parts = [
        f"{count_of(read.events, 'event')} from {count_of(read.files, 'file')} ({count_of(read.lines, 'line')})",
        f"{count_of(len(run.rules), 'rule')}",
        f"{count_of(account.alerts, 'alert')}, {count_of(len(account.incidents), 'incident')}",
    ]
    line = "; ".join(parts) + "."
    if skipped:
        kinds = ", ".join(f"{count:,} {code}" for code, count in sorted(read.problems.items()))
        line += f" Skipped or noted while reading: {kinds}."
    if read.uncoercible:
        fields = ", ".join(f"{ref} ({count:,})" for ref, count in read.uncoercible.most_common(5))
        line += f" Values that do not fit their field count as missing: {fields}."
    if run.report.outside:
        line += f" {count_of(run.report.outside, 'event')} lay outside the time asked for."
    if read.without_time:
        timeless = count_of(read.without_time, "event")
        line += f" Without @timestamp: {timeless}; sequences and incidents cannot use them."
    if account.ledger is not None:
        kept = account.ledger
        line += f" Ledger: {kept.new:,} new, {kept.updated:,} updated, {kept.known:,} known."
    console.print(Text(line, style="dim"))


def _after(run: api.ScanRun, any_index: bool, *, explained: bool) -> Iterator[Diagnostic]:
    """What a scan can only know at its end."""
    read = run.read
    if read.without_index and not any_index:
        yield Diagnostic(
            "unknown-index",
            f"every rule was offered {count_of(read.without_index, 'event')} whose data stream is unknown",
            Severity.NOTICE,
            hint="name it with --index, for instance --index logs-endpoint.events.process-default",
        )
    idle = [rule.label for rule in run.rules if rule.instance_id not in run.report.offered]
    if idle and read.events > run.report.outside:
        yield Diagnostic(
            "rule-not-offered",
            f"{count_of(len(idle), 'rule')} saw no event, as no event belongs to the data streams that they name: "
            f"{', '.join(idle[:5])}{' ...' if len(idle) > 5 else ''}",
            Severity.NOTICE,
            hint="--any-index offers every event to every rule",
        )
    if not explained:
        yield from blind.notices(run.report.blind)


def _no_rules(where: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "no-rules",
        f"no rule of {', '.join(where) or BUILTIN} can run",
        hint="see `dogwatch rules check` for the reasons, or leave --rules out for the built-in ones",
    )


def _opened(path: Path, inputs: Sequence[str]) -> TextIO:
    if path.is_file() and any(
        isinstance(each, Path) and each.exists() and each.samefile(path) for each in expand_paths(inputs)
    ):
        raise DogwatchError(
            Diagnostic(
                "output",
                f"{path} is one of the inputs and was left as it is",
                hint="choose another file with --output",
            )
        )
    try:
        return path.open("w", encoding="utf-8", newline="", errors="backslashreplace")
    except OSError as error:
        raise DogwatchError(
            Diagnostic(
                "output", f"cannot write {path}: {error.strerror}", hint="choose another file with --output"
            )
        ) from error


def _size(paths: Sequence[str]) -> int | None:
    return sum(path.stat().st_size for path in expand_paths(paths) if isinstance(path, Path) and path.is_file())
