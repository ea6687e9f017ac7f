"""The three calls that programs need: load rules, scan, search."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dogwatch.alerts.model import Detection, WatchEntry
from dogwatch.base.diagnostic import Diagnostic
from dogwatch.detect.compiled import Compiled, compile_rules
from dogwatch.detect.correlating import Correlating
from dogwatch.detect.findings import Findings
from dogwatch.detect.gather import UnitWork, gathered
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.report import ScanProfile, ScanReport
from dogwatch.detect.scan import Scan
from dogwatch.detect.schedule import ScheduledScan
from dogwatch.events.batch import Batch
from dogwatch.events.readers import (
    STDIN,
    Inputs,
    ReadOptions,
    documents_to_batches,
    expand_paths,
    read_batches,
)
from dogwatch.events.readers.lines import Progress
from dogwatch.events.report import ReadReport
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.rules.fortisiem_logic import with_filled_lists
from dogwatch.rules.model import Rule
from dogwatch.rules.resources import NO_RESOURCE_SET, ResourceSet
from dogwatch.rules.ruleset import BUILTIN, RuleSet, load_rules
from dogwatch.schema.field import FieldRef
from dogwatch.schema.schema import Schema

if TYPE_CHECKING:
    from dogwatch.detect.search import Hit

Events = str | Path | Sequence[str | Path] | Iterable[dict[str, Any]]
"""Paths (files, folders, patterns, ``-``) or documents."""


@dataclass(slots=True)
class ScanRun:
    """A scan as an iterator of detections, with its accounts.

    Attributes:
        compiled: The rules that run, and those that cannot with the reasons.
        read: What was read and what was skipped, complete when the iteration is.
        report: What was found for which rule, complete when the iteration is.
        correlation: What FortiSIEM's rules leave behind: entries of watch lists, and when incidents of earlier
            scans cleared.
    """

    compiled: Compiled
    read: ReadReport
    report: ScanReport
    correlation: Correlating = field(repr=False)
    _detections: Generator[Detection] = field(repr=False)

    def __iter__(self) -> Iterator[Detection]:
        """The detections, as they are found."""
        return self._detections

    def close(self) -> None:
        """End the scan where it is, with its workers and temporary files; one that has ended needs no closing."""
        self._detections.close()

    @property
    def profile(self) -> ScanProfile | None:
        """What the rules cost, if the options ask for it; complete when the iteration is."""
        return self.report.profile

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that run."""
        return tuple(each.rule for each in self.compiled.rules)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything that the reader of the results should know, rules first."""
        left_out = [problem for _, problems in self.compiled.left_out for problem in problems]
        return (*left_out, *self.compiled.notes, *self.read.kept, *self.report.notes)


def scan(
    events: Events,
    rules: RuleSet | None = None,
    *,
    options: ScanOptions | None = None,
    reading: ReadOptions | None = None,
    as_scheduled: bool = False,
    schema: Schema | None = None,
    progress: Progress | None = None,
    resources: ResourceSet = NO_RESOURCE_SET,
    fortisiem: FortisiemOptions = VENDOR,
    watch_entries: Iterable[WatchEntry] = (),
) -> ScanRun:
    """Run rules over events and give the alerts and incidents as they are found, in bounded memory.

    Args:
        events: Paths of files, folders or patterns, ``-`` for standard input (which is followed), or an
            iterable of documents.
        rules: The rules; the built-in library if none are given.
        options: Stretch of time, index patterns, what ``now`` means in rules, and the rest.
        reading: What is known about the inputs.
        as_scheduled: Play the rules' runs (interval, ``from``, ``max_signals``) instead of finding everything.
        schema: Field types; ECS if none is given.
        progress: Told of the bytes of every read.
        resources: What FortiSIEM's rules refer to: groups, tables, watch lists, limits, profiles, exceptions.
        fortisiem: How FortiSIEM's texts are read where the vendor leaves room.
        watch_entries: What earlier scans added to watch lists.

    Examples:
        >>> start = {"event": {"category": "process", "type": "start"}, "process": {"name": "nc"}}
        >>> [each.severity for each in scan([{"@timestamp": "2026-01-01T00:00:00Z", **start}])]
        ['medium']
    """
    options = options or ScanOptions()
    if not as_scheduled and _follows(events):
        options = replace(options, follow=True)
    chosen = load_rules(BUILTIN) if rules is None else rules
    entries = list(watch_entries)
    resources = with_filled_lists(resources, chosen).with_watch_lists(entry.list for entry in entries)
    compiled = compile_rules(
        chosen, schema or Schema.ecs(), now=options.now, resources=resources, fortisiem=fortisiem
    )
    read = ReadReport()
    kind = ScheduledScan if as_scheduled else Scan
    run = kind(compiled.rules, options, resources, entries)
    fields, reading = run.matching.fields, reading or ReadOptions()
    paths = _paths(events)
    if paths is None or options.follow:
        detections = run.run(_batches(events, fields, reading, read, progress))
    else:
        log = ReadReport()
        inputs = Inputs(paths, fields, reading, log, progress)
        work = UnitWork(run.work, fields, reading)
        detections = _closing(gathered(inputs, log, read, work, options.workers), run.over)
    return ScanRun(compiled, read, run.report, run.correlation, _undisturbed(detections))


def search(
    language: str,
    query: str,
    events: Events,
    *,
    size: int | None = None,
    result_position: str = "tail",
    max_samples_per_key: int = 1,
    event_category_field: str = "event.category",
    timestamp_field: str = "@timestamp",
    tiebreaker_field: str | None = None,
    reading: ReadOptions | None = None,
    schema: Schema | None = None,
    resources: ResourceSet = NO_RESOURCE_SET,
    fortisiem: FortisiemOptions = VENDOR,
) -> list[Hit]:
    """The events, sequences or samples that satisfy a query: in order of time, and samples by their key.

    Args:
        language: ``eql``, ``kql`` (or ``kuery``), ``lucene`` or ``fortisiem`` (a filter of single events).
        query: Its text.
        events: Paths or documents, as for ``scan``.
        size: How many hits at most; ``None`` is all.
        result_position: Which hits ``size`` keeps: ``tail``, the last, or ``head``, the first. A query's own pipe
            goes before it, and of samples the first are kept.
        max_samples_per_key: How many samples a key gives at most.
        event_category_field: The field that the event category of an EQL query is compared with.
        timestamp_field: The field that gives events their time; EQL only.
        tiebreaker_field: The field that orders events of one time, ``None`` for their own order; EQL only.
        reading: What is known about the inputs.
        schema: Field types; ECS if none is given.
        resources: Groups and tables that a filter of FortiSIEM's refers to; watch lists as the files have them.
        fortisiem: How a filter of FortiSIEM's is read where the vendor leaves room.

    Raises:
        DogwatchError: The query cannot be run, or an argument makes no sense (``search-option``).

    Examples:
        >>> hits = search("eql", 'process where process.args : "-l*"', [
        ...     {"event": {"category": "process"}, "process": {"args": ["nc", "-lvnp", "4444"]}},
        ... ])
        >>> hits[0].events[0]["process"]["args"][2]
        '4444'
    """
    # Scans do not need it.
    from dogwatch.detect.search import Search, result_end

    prepared = Search(
        language,
        query,
        schema or Schema.ecs(),
        now=time.time_ns(),
        event_category_field=event_category_field,
        timestamp_field=timestamp_field,
        tiebreaker_field=tiebreaker_field,
        resources=resources.at_rest,
        fortisiem=fortisiem,
    )
    batches = _batches(events, prepared.fields, reading or ReadOptions(), ReadReport(), None)
    position = result_end(result_position)
    return list(
        prepared.run(batches, size=size, result_position=position, max_samples_per_key=max_samples_per_key)
    )


def _closing(
    found: Generator[Findings], over: Callable[[Iterable[Findings]], Iterator[Detection]]
) -> Iterator[Detection]:
    """What comes of the findings, which are ended with it, however it ends."""
    with closing(found):
        yield from over(found)


def _undisturbed(detections: Iterator[Detection]) -> Generator[Detection]:
    """The same, and until the last the garbage collector leaves alone what there is now.

    The rules are so many objects that looking through them again and again takes a third of the time.
    """
    if gc.get_freeze_count():
        yield from detections
        return
    gc.freeze()
    try:
        yield from detections
    finally:
        gc.unfreeze()


def follows(paths: Iterable[str | Path]) -> bool:
    """Whether one of the inputs is a pipe that is followed."""
    return STDIN in expand_paths(paths)


def _follows(events: Events) -> bool:
    if isinstance(events, str | Path):
        return follows([events])
    return isinstance(events, Sequence) and STDIN in events


def _batches(
    events: Events,
    fields: frozenset[FieldRef],
    reading: ReadOptions,
    report: ReadReport,
    progress: Progress | None,
) -> Iterator[Batch]:
    if isinstance(events, str | Path):
        return read_batches([events], fields, reading, report, progress)
    paths = _paths(events)
    if paths is not None:
        return read_batches(paths, fields, reading, report, progress)
    return documents_to_batches(events, fields, report, index=reading.index, batch_rows=reading.batch_rows)


def _paths(events: Events) -> list[str | Path] | None:
    """The paths that were given, or ``None`` if these are documents."""
    if isinstance(events, str | Path):
        return [events]
    listed = list(events) if isinstance(events, Sequence) else []
    paths = [each for each in listed if isinstance(each, str | Path)]
    return paths if paths and len(paths) == len(listed) else None
