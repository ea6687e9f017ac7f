"""``dogwatch scan``: run rules over files, folders or a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from dogwatch.alerts.model import SEVERITIES, Detection
from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.base.garbage import uncollected
from dogwatch.cli import after_scan, exits
from dogwatch.cli.account import Account
from dogwatch.cli.console import show_diagnostics, show_error
from dogwatch.cli.formats import BINARY_FORMATS, FORMATS, Options, binary_writer, writer
from dogwatch.cli.fortisiem import resources_option, strict_option
from dogwatch.cli.moment import TIME_HINT, duration, instant
from dogwatch.cli.progress import Meter, inputs_size
from dogwatch.cli.target import refuse_input, unwritable
from dogwatch.cli.workers import cores, workers_option
from dogwatch.detect import api
from dogwatch.detect.options import OpenWindows, ScanOptions
from dogwatch.events.readers import ReadOptions
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.rules.model import FortisiemRule
from dogwatch.rules.resources import NO_RESOURCE_SET, ResourceSet
from dogwatch.rules.ruleset import BUILTIN, RuleSet, load_rules

if TYPE_CHECKING:
    from dogwatch.alerts.ledger import Ledger


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
    type=click.Choice([*FORMATS, *BINARY_FORMATS]),
    help="How to print: a table on a terminal, else NDJSON. Parquet is for files.",
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
    help="List every rule that could not match because no event has the fields that it needs, and every index "
    "pattern that no event belongs to.",
)
@click.option("--profile", is_flag=True, help="Say at the end which rules and conditions took the most time.")
@click.option(
    "--profile-output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what each rule and condition cost to this file, as NDJSON.",
)
@workers_option
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
    profile: bool,
    profile_output: Path | None,
    workers: int | None,
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
    try:
        started = time.time_ns()
        now = started if (given := instant(present, started, "--now")) is None else given
        follow = api.follows(paths)
        if profile_output is not None:
            refuse_input(profile_output, paths)
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
            workers=workers or cores(),
            profile=profile or profile_output is not None,
        )
        resources = _resources(resource_paths, rules)
        with ExitStack() as stack:
            store = stack.enter_context(_ledger(ledger)) if ledger else None
            stream = stack.enter_context(_opened(output, paths)) if output else sys.stdout
            name = format_ or ("table" if stream.isatty() else "ndjson")
            if name in BINARY_FORMATS and stream.isatty():
                raise click.UsageError(f"--format {name} is no text for a terminal; name a file with --output")
            # Lines that scroll by on the same screen are progress enough, and would tear the other line.
            wanted = not quiet and not (stream.isatty() and (follow or name != "table"))
            meter = stack.enter_context(Meter(inputs_size(paths), wanted=wanted))
            with uncollected():
                run = api.scan(
                    list(paths),
                    rules,
                    options=options,
                    reading=ReadOptions(index=index, host=host, format=input_format),
                    as_scheduled=as_scheduled,
                    progress=meter.read,
                    resources=resources,
                    fortisiem=FortisiemOptions.named(strict),
                    watch_entries=store.watch_entries() if store else (),
                )
            stack.callback(run.close)
            # What is known before the first event need not wait for the end, which a pipe may not have.
            early = run.report.notes[:] if follow and not quiet else []
            show_diagnostics(early)
            account = Account(fail_on)
            meter.counts = lambda: (run.read.events, account.found)
            detections = account.watched(run)
            if store is not None:
                detections = account.filed(detections, store, run.correlation, at_once=follow)
            detections = _then(detections, meter.close)
            how = Options(building_blocks, max_rows, at_once=follow)
            if name in BINARY_FORMATS:
                binary_writer(name)(detections, stream.buffer, how)
            else:
                writer(name)(detections, stream, how)
    except DogwatchError as error:
        show_error(error)
        return exits.USAGE
    rules_lost = any(each.severity is Severity.ERROR for each in (*rules.errors, *resources.diagnostics)) or any(
        problem.severity is not Severity.NOTICE for _, reasons in run.compiled.left_out for problem in reasons
    )
    unusable = run.read.files == 0 or not run.compiled.rules
    of_rules = (*rules.errors, *run.compiled.diagnostics)
    later = [*run.read.kept, *(each for each in run.report.notes if each not in early)]
    if quiet:
        problems = (*resources.diagnostics, *of_rules, *later)
        show_diagnostics(each for each in problems if each.severity is Severity.ERROR)
    else:
        show_diagnostics(resources.diagnostics)
        after_scan.tell_of_rules(of_rules, where)
        show_diagnostics(later)
        show_diagnostics(after_scan.notices(run, any_index=any_index, explained=explain_fields))
    if not run.compiled.rules:
        show_diagnostics([_no_rules(where)])
    if explain_fields:
        after_scan.explain(run)
    if options.profile:
        # What draws its tables takes its time to import.
        from dogwatch.cli import profile as costs

        try:
            costs.show(run, profile_output)
        except DogwatchError as error:
            show_error(error)
            return exits.USAGE
    if not quiet:
        after_scan.summary(run, account)
    return exits.status(found=account.failed, unusable=unusable, left_out=rules_lost or run.read.lost)


def _then(detections: Iterable[Detection], finish: Callable[[], None]) -> Iterator[Detection]:
    """Detections, and ``finish`` after the last: the bar must be gone before a table is printed."""
    yield from detections
    finish()


def _ledger(name: str) -> Ledger:
    # SQL takes its time to import, and most scans keep nothing.
    from dogwatch.alerts.ledger import Ledger

    return Ledger.open(name)


def _resources(paths: Sequence[str], rules: RuleSet) -> ResourceSet:
    if not paths and not any(isinstance(rule, FortisiemRule) for rule in rules):
        return NO_RESOURCE_SET
    # Only FortiSIEM's rules refer to resources, and what reads them takes its time to import.
    from dogwatch.rules.resources.load import load_resources

    return load_resources(paths)


def _no_rules(where: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "no-rules",
        f"no rule of {', '.join(where) or BUILTIN} can run",
        hint="see `dogwatch rules check` for the reasons, or leave --rules out for the built-in ones",
    )


def _opened(path: Path, inputs: Sequence[str]) -> TextIO:
    refuse_input(path, inputs)
    try:
        return path.open("w", encoding="utf-8", newline="", errors="backslashreplace")
    except OSError as error:
        raise unwritable(path, error) from error
