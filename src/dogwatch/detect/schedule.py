"""A scan as the rules' schedule would have seen the events: each Elastic rule at its interval over its look-back.

A rule that runs every five minutes from ``now-9m`` sees each event once or twice; what it finds twice is one
alert. At most ``max_signals`` of a run are kept, as the detection engine keeps them. It asks for the results of
an EQL rule once, and gets the newest events or sequences (unless the rule's pipe begins at the other end) or the
first samples. Those of a KQL or Lucene rule it pages through from the oldest on, until it has so many new alerts.
FortiSIEM rules have no schedule: they run in their sliding window as ever.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter_ns

import msgspec

from dogwatch.alerts.model import OPEN_UNTIL, Alert, Detection, WatchEntry
from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.time import format_instant
from dogwatch.detect.compiled import CompiledRule, with_clearing
from dogwatch.detect.correlating import correlation_of
from dogwatch.detect.event import EventDetector
from dogwatch.detect.facts import facts_of
from dogwatch.detect.findings import Findings
from dogwatch.detect.matching import Matching
from dogwatch.detect.options import OpenWindows, ScanOptions
from dogwatch.detect.report import ScanReport
from dogwatch.detect.runs import Runs, schedule_of
from dogwatch.detect.sequence import SequenceDetector
from dogwatch.detect.work import Work
from dogwatch.engine.limit import limited
from dogwatch.engine.passed import Passed, StagePassed
from dogwatch.engine.sample import SampleMatcher
from dogwatch.engine.sequence import SequenceHit, SequenceMatcher
from dogwatch.engine.spool import PassedSpool
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch, Event
from dogwatch.events.document import field_values
from dogwatch.logic.pattern import (
    OWN_CLOCK,
    Clock,
    End,
    EventPattern,
    SamplePattern,
    SequencePattern,
)
from dogwatch.rules.model import ElasticRule, FortisiemRule
from dogwatch.rules.resources import NO_RESOURCE_SET, ResourceSet
from dogwatch.schema.field import FieldRef


class ScheduledScan:
    """Plays the rules' runs over a closed stretch of events.

    Args:
        rules: What to look for.
        options: How; ``follow`` has no meaning here.
        resources: What FortiSIEM's rules refer to while they run.
        entries: Further entries of watch lists, from earlier scans.
    """

    def __init__(
        self,
        rules: Sequence[CompiledRule],
        options: ScanOptions,
        resources: ResourceSet = NO_RESOURCE_SET,
        entries: Iterable[WatchEntry] = (),
    ) -> None:
        self.options = options
        self.report = ScanReport()
        self._due: list[tuple[int, int]] = []
        self._runs: dict[int, Runs] = {}
        kept: list[CompiledRule] = []
        for compiled in with_clearing(rules):
            match compiled.rule:
                case ElasticRule() as rule:
                    schedule = schedule_of(rule)
                    if isinstance(schedule, Diagnostic):
                        self.report.notes.append(schedule)
                        continue
                    self._runs[len(kept)] = Runs(rule, schedule, compiled)
                case FortisiemRule():
                    pass
            kept.append(compiled)
        self.matching = Matching(kept, options, self.report)
        self.work = Work(self.matching, (), [_selecting(compiled.clock) for compiled in kept], untimed=False)
        self.correlation = correlation_of(kept, options, self.report, resources, entries)

    def run(self, batches: Iterable[Batch]) -> Iterator[Detection]:
        """The alerts of all runs in the order of the runs, then the incidents by first seen."""
        return self.over(map(self.work.of, batches))

    def over(self, found: Iterable[Findings]) -> Iterator[Detection]:
        """The detections, as ``run`` gives them, from what ``work`` found of batches or units."""
        with PassedSpool(self.options.spool_bytes) as spool:
            for findings in found:
                self.matching.settle(findings.account)
                spool.put(findings.passed)
            for passed in spool:
                yield from self._until(passed.event.time)
                yield from self.correlation.advance(passed.event.time)
                for number, row in passed.rows:
                    if number in self._runs:
                        self._take(number, row)
                    else:
                        yield from self.correlation.feed(number, row)
            yield from self._until(None)
        if self.correlation.active:
            yield from self.correlation.finish(self.matching.newest.get(OWN_CLOCK, NO_TIME))
        self._account()

    def _take(self, number: int, row: Passed) -> None:
        """Keep a row for a rule, and ask for the first run that sees it.

        A run that would see no new row would find nothing new, and is not played.
        """
        runs = self._runs[number]
        runs.rows.append(row)
        self._ask(number, runs.schedule.first_run(row.event.time))

    def _ask(self, number: int, moment: int) -> None:
        if self._runs[number].asks_for(moment):
            heapq.heappush(self._due, (moment, number))

    def _until(self, time: int | None) -> Iterator[Detection]:
        """The alerts of every run due before an event at ``time``; ``None`` plays what remains at the end."""
        while self._due and (time is None or self._due[0][0] < time):
            moment, number = heapq.heappop(self._due)
            started = perf_counter_ns()
            played = self._play(number, moment)
            if self.report.profile is not None:
                self.report.profile.ordered[number] += perf_counter_ns() - started
            for alert in played:
                self.report.found(alert.rule_uuid)
                yield alert

    def _play(self, number: int, moment: int) -> list[Alert]:
        """What one run finds that no earlier run has kept."""
        runs = self._runs[number]
        runs.due.discard(moment)
        window = runs.window(moment)
        # An event that was read twice is one alert.
        found = {alert.uuid: (alert, time) for alert, time in self._alerts(runs, window, moment)}
        if runs.pages:
            found = {uuid: entry for uuid, entry in found.items() if uuid not in runs.known}
        runs.runs += 1
        within_size = set(limited(found, runs.limits[:1]))
        kept = set(limited((uuid for uuid in found if uuid in within_size), runs.limits[1:]))
        new: list[Alert] = []
        for uuid, (alert, time) in found.items():
            if uuid in runs.known:
                continue
            if uuid in kept:
                runs.beyond_size.discard(uuid)
                runs.piped.discard(uuid)
                runs.known[uuid] = time
                runs.left_open += OPEN_UNTIL in alert.document
                new.append(alert)
            else:
                (runs.piped if uuid in within_size else runs.beyond_size).add(uuid, time)
        if len(found) > len(within_size):
            runs.first_capped = runs.first_capped or moment
            runs.capped_runs += 1
        # When a sequence's start has gone out of sight, one that was cut may have room.
        following = moment + runs.schedule.interval
        if len(found) > len(within_size) or (runs.restless and runs.sees_any(following)):
            self._ask(number, following)
        return new

    def _alerts(self, runs: Runs, window: list[Passed], moment: int) -> Iterator[tuple[Alert, int]]:
        """Everything that a run finds, in the order of results, each with the time of its latest event."""
        pattern = runs.compiled.pattern
        times = {row.event.arrival: row.event.time for row in window}
        window = _clocked(window, runs.compiled.clock)
        if isinstance(pattern, EventPattern):
            single = EventDetector(runs.rule)
            for row, facts in zip(window, facts_of([row.event for row in window]), strict=True):
                alert = single.alert(runs.names.named(row.event), facts, moment)
                if alert is not None:
                    yield alert, times[row.event.arrival]
        elif isinstance(pattern, SequencePattern | SamplePattern):
            detector = SequenceDetector(runs.rule, pattern)
            for hit in _hits(runs, pattern, window, moment):
                if hit.open_until is not None and self.options.open_windows is OpenWindows.OMIT:
                    # A later run gives it, once it is certain.
                    continue
                named = replace(hit, events=tuple(map(runs.names.named, hit.events)))
                alert = detector.alert(named, moment)
                if alert is not None:
                    yield alert, max(times[event.arrival] for event in hit.events)

    def _account(self) -> None:
        self.correlation.account()
        self.report.left_out_keys(self.matching.keys_left_out)
        for runs in self._runs.values():
            self.report.dropped(runs.rule, runs.evicted)
            self.report.left_open(runs.rule, runs.left_open, "a run's stretch of time", reported=True)
            given = self.report.detections[runs.rule.instance_id]
            stretch = "1 run" if runs.runs == 1 else f"{runs.runs} runs"
            self.report.piped(runs.rule, given, given + runs.piped.count, stretch)
            if runs.beyond_size.count:
                which = "older" if runs.limits[0].end is End.TAIL else "newer"
                if isinstance(runs.compiled.pattern, SamplePattern):
                    which = "further"
                self.report.notes.append(
                    Diagnostic(
                        "max-signals",
                        f"{runs.rule.label} ({runs.rule.name}): {runs.capped_runs} of {stretch} found more "
                        f"than max_signals {runs.schedule.max_signals}; {runs.beyond_size.count} {which} ones "
                        f"were cut, first at {format_instant(runs.first_capped)}",
                        Severity.WARNING,
                        hint="raise max_signals, make the rule narrower, or scan without --as-scheduled",
                    )
                )


def _selecting(clock: Clock) -> Clock:
    """What a run selects events by: ``@timestamp``, whatever then orders them."""
    return clock if clock.timestamp is None else OWN_CLOCK


def _clocked(rows: list[Passed], clock: Clock) -> list[Passed]:
    """The rows of a run in the order of another field of time, if the rule names one."""
    if clock.timestamp is None:
        return rows
    clocked = [msgspec.structs.replace(row, event=_read(row.event, clock.timestamp, clock)) for row in rows]
    return sorted(clocked, key=lambda row: row.event.order)


def _read(event: Event, timestamp: FieldRef, clock: Clock) -> Event:
    time = _first_integer(event, timestamp, NO_TIME)
    tiebreak = event.tiebreak
    if clock.tiebreaker is not None:
        tiebreak = _first_integer(event, clock.tiebreaker, NO_TIEBREAK)
    return replace(event, time=time, tiebreak=tiebreak)


def _first_integer(event: Event, ref: FieldRef, missing: int) -> int:
    return next((value for value in field_values(event.document, ref) if isinstance(value, int)), missing)


def _hits(
    runs: Runs, pattern: SequencePattern | SamplePattern, window: list[Passed], moment: int
) -> list[SequenceHit]:
    """The sequences of one run by their last event, or its samples by key."""
    rows = [row for row in window if isinstance(row, StagePassed)]
    match pattern:
        case SamplePattern():
            samples = SampleMatcher(pattern)
            for row in rows:
                samples.feed(row)
            hits = samples.finish()
            runs.evicted += samples.evicted
            return hits
        case SequencePattern():
            sequences = SequenceMatcher(pattern)
            hits = [hit for row in rows if row.event.time != NO_TIME for hit in sequences.feed(row)]
            hits += sequences.advance(moment - runs.schedule.lag)
            hits += sequences.finish()
            runs.evicted += sequences.evicted
            return sorted(hits, key=lambda hit: hit.events[-1].order)
