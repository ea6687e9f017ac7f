"""A scan as the rules' schedule would have seen the events: each Elastic rule at its interval over its look-back.

A rule that runs every five minutes from ``now-9m`` sees each event once or twice; what it finds twice is one
alert. At most ``max_signals`` of a run are kept, the newest, as the detection engine keeps them. FortiSIEM
rules have no schedule: they run in their sliding window as ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from dogwatch.alerts.model import Alert, Detection
from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.time import format_instant, parse_date_math, parse_duration
from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.event import EventDetector
from dogwatch.detect.incident import IncidentDetector
from dogwatch.detect.matching import Matching, ScanOptions, ScanReport
from dogwatch.detect.naming import EventNames
from dogwatch.detect.sequence import SequenceDetector
from dogwatch.engine.aggregate import GroupAggregator
from dogwatch.engine.passed import GroupPassed, Passed, PassedSpool, StagePassed, take
from dogwatch.engine.sequence import SequenceMatcher
from dogwatch.events.batch import Batch
from dogwatch.logic.pattern import AggregatePattern, EventPattern, SequencePattern
from dogwatch.rules.model import ElasticRule, FortisiemRule

_ORIGIN = 0
"""Runs fall on whole multiples of the interval since 1970, so that a replay does not depend on its input."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rule runs: every ``interval``, each time over the last ``look_back`` (both nanoseconds)."""

    interval: int
    look_back: int
    max_signals: int


def schedule_of(rule: ElasticRule) -> Schedule | Diagnostic:
    """A rule's schedule, or what is wrong with it."""
    interval = parse_duration(rule.interval)
    now = 2**62  # any instant: only the distance counts, and date math needs room on both sides
    start, end = parse_date_math(rule.from_, now), parse_date_math(rule.to, now)
    if not interval or start is None or end is None or start >= end or rule.max_signals < 1:
        return Diagnostic(
            "rule-schedule",
            f"{rule.label}: interval {rule.interval}, from {rule.from_}, to {rule.to}, max_signals "
            f"{rule.max_signals} make no schedule; the rule was left out",
            place=rule.place,
            hint="for instance interval 5m, from now-9m, to now, max_signals 100",
        )
    return Schedule(interval, now - start, rule.max_signals)


@dataclass(slots=True)
class _Runs:
    """One rule's runs so far."""

    rule: ElasticRule
    schedule: Schedule
    pattern: EventPattern | SequencePattern
    rows: deque[Passed] = field(default_factory=deque)
    next_run: int | None = None
    known: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    capped_runs: int = 0
    cut: int = 0
    first_capped: int = 0

    def next_due(self, time: int | None) -> int | None:
        """The next run that comes before an event at ``time`` (or that remains, at the end), if there is one.

        Rows that this run can no longer see are let go; a stretch of runs that would see nothing is skipped.
        """
        if self.next_run is None:
            return None
        while self.rows and self.rows[0].event.time < self.next_run - self.schedule.look_back:
            self.rows.popleft()
        if not self.rows:
            if time is not None and time > self.next_run:
                self.next_run = _boundary(time, self.schedule.interval)
            return None
        return self.next_run if time is None or self.next_run < time else None

    def take(self, row: Passed) -> None:
        """Keep a row for the runs to come."""
        if self.next_run is None:
            self.next_run = _boundary(row.event.time, self.schedule.interval)
        self.rows.append(row)


def _boundary(time: int, interval: int) -> int:
    return _ORIGIN + -(-(time - _ORIGIN) // interval) * interval


class ScheduledScan:
    """Plays the rules' runs over a closed stretch of events.

    Args:
        rules: What to look for.
        options: How; ``follow`` has no meaning here.
    """

    def __init__(self, rules: Sequence[CompiledRule], options: ScanOptions) -> None:
        self.options = options
        self.report = ScanReport()
        self._names = EventNames()
        self._runs: dict[int, _Runs] = {}
        self._incidents: dict[int, tuple[GroupAggregator, IncidentDetector]] = {}
        kept: list[CompiledRule] = []
        for compiled in rules:
            rule, pattern = compiled.rule, compiled.pattern
            number = len(kept)
            if isinstance(rule, FortisiemRule) and isinstance(pattern, AggregatePattern):
                self._incidents[number] = (GroupAggregator(pattern), IncidentDetector(rule, pattern))
            elif isinstance(rule, ElasticRule) and isinstance(pattern, EventPattern | SequencePattern):
                schedule = schedule_of(rule)
                if isinstance(schedule, Diagnostic):
                    self.report.notes.append(schedule)
                    continue
                self._runs[number] = _Runs(rule, schedule, pattern)
            else:
                raise TypeError(f"{rule.label}: no detection for {type(pattern).__name__}")
            kept.append(compiled)
        self.matching = Matching(kept, options, self.report)

    def run(self, batches: Iterable[Batch]) -> Iterator[Detection]:
        """The alerts of all runs in the order of the runs, then the incidents by first seen."""
        with PassedSpool(self.options.spool_bytes) as spool:
            for batch in batches:
                masks = self.matching.masks(batch)
                watches = [self.matching.watch(number, masks) for number in range(len(self.matching.rules))]
                for passed in take(batch, watches):
                    spool.add(passed)
            for passed in spool:
                yield from self._until(passed.event.time)
                for number, row in passed.rows:
                    if number in self._runs:
                        self._runs[number].take(row)
                    elif isinstance(row, GroupPassed):
                        self._trigger(number, row)
            yield from self._until(None)
        for _, detector in self._incidents.values():
            for incident in detector.incidents():
                self.report.found(incident.rule_uuid)
                yield incident
        self._account()

    def _until(self, time: int | None) -> Iterator[Detection]:
        """The alerts of every run due before an event at ``time``; ``None`` plays what remains at the end."""
        found: list[tuple[int, int, int, Alert]] = []
        for number, runs in self._runs.items():
            last_seen = runs.rows[-1].event.time if runs.rows else 0
            while (moment := runs.next_due(time)) is not None:
                alerts = self._play(runs, moment)
                found += [(moment, number, place, alert) for place, alert in enumerate(alerts)]
                runs.next_run = moment + runs.schedule.interval
                if time is None and moment >= last_seen:
                    break
        for *_, alert in sorted(found, key=lambda each: each[:3]):
            self.report.found(alert.rule_uuid)
            yield alert

    def _play(self, runs: _Runs, moment: int) -> list[Alert]:
        """What one run finds that no earlier run has found."""
        schedule = runs.schedule
        start = moment - schedule.look_back
        runs.known = {uuid: time for uuid, time in runs.known.items() if time >= start}
        found = list(self._alerts(runs, [row for row in runs.rows if row.event.time <= moment], moment))
        runs.runs += 1
        if len(found) > schedule.max_signals:
            runs.first_capped = runs.first_capped or moment
            runs.capped_runs += 1
            runs.cut += len(found) - schedule.max_signals
            found = found[-schedule.max_signals :]
        new = [(alert, time) for alert, time in found if alert.uuid not in runs.known]
        runs.known.update((alert.uuid, time) for alert, time in new)
        return [alert for alert, _ in new]

    def _alerts(self, runs: _Runs, window: list[Passed], moment: int) -> Iterator[tuple[Alert, int]]:
        if isinstance(runs.pattern, EventPattern):
            single = EventDetector(runs.rule)
            for row in window:
                alert = single.alert(self._names.named(row.event), moment)
                if alert is not None:
                    yield alert, row.event.time
            return
        detector, matcher = SequenceDetector(runs.rule), SequenceMatcher(runs.pattern)
        for row in window:
            if isinstance(row, StagePassed):
                for hit in matcher.feed(row):
                    named = replace(hit, events=tuple(self._names.named(event) for event in hit.events))
                    alert = detector.alert(named, moment)
                    if alert is not None:
                        yield alert, hit.events[-1].time

    def _trigger(self, number: int, row: GroupPassed) -> None:
        aggregator, detector = self._incidents[number]
        for hit in aggregator.feed(row):
            events = tuple(self._names.named(event) for event in hit.events)
            detector.trigger(replace(hit, events=events))

    def _account(self) -> None:
        for runs in self._runs.values():
            if runs.capped_runs:
                self.report.notes.append(
                    Diagnostic(
                        "max-signals",
                        f"{runs.rule.label} ({runs.rule.name}): {runs.capped_runs} of {runs.runs} runs found more "
                        f"than max_signals {runs.schedule.max_signals}; {runs.cut} older ones were cut, first at "
                        f"{format_instant(runs.first_capped)}",
                        Severity.WARNING,
                        hint="raise max_signals, make the rule narrower, or scan without --as-scheduled",
                    )
                )
