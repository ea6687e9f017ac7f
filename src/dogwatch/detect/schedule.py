"""A scan as the rules' schedule would have seen the events: each Elastic rule at its interval over its look-back.

A rule that runs every five minutes from ``now-9m`` sees each event once or twice; what it finds twice is one
alert. At most ``max_signals`` of a run are kept, the newest, as the detection engine keeps them. FortiSIEM
rules have no schedule: they run in their sliding window as ever.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

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
    """When a rule runs and what it then sees.

    Attributes:
        interval: Time between runs, in nanoseconds.
        look_back: How long before a run its stretch of time begins, in nanoseconds.
        lag: How long before a run its stretch of time ends, in nanoseconds.
        max_signals: The most alerts that a run keeps.
    """

    interval: int
    look_back: int
    lag: int
    max_signals: int

    def first_run(self, time: int) -> int:
        """The first run that comes late enough to see an event at ``time``."""
        return _ORIGIN + -(-(time + self.lag - _ORIGIN) // self.interval) * self.interval


def schedule_of(rule: ElasticRule) -> Schedule | Diagnostic:
    """A rule's schedule, or what is wrong with it."""
    interval = parse_duration(rule.interval)
    look_back, end = _before_now(rule.from_), _before_now(rule.to)
    # A replay has no events from after a run.
    lag = None if end is None else max(end, 0)
    if not interval or look_back is None or lag is None or look_back <= lag or rule.max_signals < 1:
        return Diagnostic(
            "rule-schedule",
            f"{rule.label}: interval {rule.interval}, from {rule.from_}, to {rule.to}, max_signals "
            f"{rule.max_signals} make no schedule; the rule was left out",
            place=rule.place,
            hint="for instance interval 5m, from now-9m, to now, max_signals 100",
        )
    return Schedule(interval, look_back, lag, rule.max_signals)


def _before_now(expression: str) -> int | None:
    """How long before ``now`` an expression is; ``None`` if it is at no fixed distance."""
    if not expression.strip().startswith("now") or "/" in expression:
        return None
    now = 2**62  # any instant: only the distance counts, and date math needs room on both sides
    instant = parse_date_math(expression, now)
    return None if instant is None else now - instant


@dataclass(slots=True)
class _Runs:
    """One rule's runs so far.

    Attributes:
        rows: What the next runs may see, in canonical order.
        due: Runs that are to be played.
        known: Alerts that a run has kept, with the time of their last event; a later run may find them again.
        held_back: Alerts that runs found and did not keep, likewise.
        runs: Runs that were played.
        capped_runs: Those of them that found more than they may keep.
        cut: Alerts that were found and never kept.
        first_capped: When that happened first.
        evicted: Pending sequences that were dropped for want of room.
    """

    rule: ElasticRule
    schedule: Schedule
    pattern: EventPattern | SequencePattern
    names: EventNames = field(default_factory=EventNames)
    rows: deque[Passed] = field(default_factory=deque)
    due: set[int] = field(default_factory=set)
    known: dict[str, int] = field(default_factory=dict)
    held_back: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    capped_runs: int = 0
    cut: int = 0
    first_capped: int = 0
    evicted: int = 0

    def asks_for(self, moment: int) -> bool:
        """Ask for a run at ``moment``; says whether nobody has before."""
        if moment in self.due:
            return False
        self.due.add(moment)
        return True

    def window(self, moment: int) -> list[Passed]:
        """What a run sees. Rows that neither it nor a later one can see are let go."""
        start, end = moment - self.schedule.look_back, moment - self.schedule.lag
        while self.rows and self.rows[0].event.time < start:
            self.rows.popleft()
        self.known = {uuid: time for uuid, time in self.known.items() if time >= start}
        self.held_back = {uuid: time for uuid, time in self.held_back.items() if time >= start}
        return list(takewhile(lambda row: row.event.time <= end, self.rows))


class ScheduledScan:
    """Plays the rules' runs over a closed stretch of events.

    Args:
        rules: What to look for.
        options: How; ``follow`` has no meaning here.
    """

    def __init__(self, rules: Sequence[CompiledRule], options: ScanOptions) -> None:
        self.options = options
        self.report = ScanReport()
        self._due: list[tuple[int, int]] = []
        self._keys_left_out = 0
        self._runs: dict[int, _Runs] = {}
        self._incidents: dict[int, tuple[GroupAggregator, IncidentDetector]] = {}
        self._incident_names: dict[int, EventNames] = {}
        kept: list[CompiledRule] = []
        for compiled in rules:
            rule, pattern = compiled.rule, compiled.pattern
            number = len(kept)
            if isinstance(rule, FortisiemRule) and isinstance(pattern, AggregatePattern):
                self._incidents[number] = (GroupAggregator(pattern), IncidentDetector(rule, pattern))
                self._incident_names[number] = EventNames()
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
                    self._keys_left_out += passed.keys_left_out
                    spool.add(passed)
            for passed in spool:
                yield from self._until(passed.event.time)
                for number, row in passed.rows:
                    if number in self._runs:
                        self._take(number, row)
                    elif isinstance(row, GroupPassed):
                        self._trigger(number, row)
            yield from self._until(None)
        for _, detector in self._incidents.values():
            for incident in detector.incidents():
                self.report.found(incident.rule_uuid)
                yield incident
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
            for alert in self._play(number, moment):
                self.report.found(alert.rule_uuid)
                yield alert

    def _play(self, number: int, moment: int) -> list[Alert]:
        """What one run finds that no earlier run has kept."""
        runs = self._runs[number]
        runs.due.discard(moment)
        window = runs.window(moment)
        # An event that was read twice is one alert.
        found = {alert.uuid: (alert, time) for alert, time in self._alerts(runs, window, moment)}
        runs.runs += 1
        excess = len(found) - runs.schedule.max_signals
        new: list[Alert] = []
        for place, (uuid, (alert, time)) in enumerate(found.items()):
            if uuid in runs.known:
                continue
            if place < excess:
                runs.cut += uuid not in runs.held_back
                runs.held_back[uuid] = time
            else:
                runs.cut -= runs.held_back.pop(uuid, None) is not None
                runs.known[uuid] = time
                new.append(alert)
        if excess > 0:
            runs.first_capped = runs.first_capped or moment
            runs.capped_runs += 1
            # When a sequence's start has gone out of sight, one that was cut may have room.
            self._ask(number, moment + runs.schedule.interval)
        return new

    def _alerts(self, runs: _Runs, window: list[Passed], moment: int) -> Iterator[tuple[Alert, int]]:
        if isinstance(runs.pattern, EventPattern):
            single = EventDetector(runs.rule)
            for row in window:
                alert = single.alert(runs.names.named(row.event), moment)
                if alert is not None:
                    yield alert, row.event.time
            return
        detector, matcher = SequenceDetector(runs.rule), SequenceMatcher(runs.pattern)
        for row in window:
            if isinstance(row, StagePassed):
                for hit in matcher.feed(row):
                    named = replace(hit, events=tuple(runs.names.named(event) for event in hit.events))
                    alert = detector.alert(named, moment)
                    if alert is not None:
                        yield alert, hit.events[-1].time
        runs.evicted += matcher.evicted

    def _trigger(self, number: int, row: GroupPassed) -> None:
        aggregator, detector = self._incidents[number]
        names = self._incident_names[number]
        for hit in aggregator.feed(row):
            events = tuple(names.named(event) for event in hit.events)
            detector.trigger(replace(hit, events=events))

    def _account(self) -> None:
        for number, (aggregator, _) in self._incidents.items():
            self.report.dropped(self.matching.rules[number].rule, aggregator.evicted_rows)
        self.report.left_out_keys(self._keys_left_out)
        for runs in self._runs.values():
            self.report.dropped(runs.rule, runs.evicted)
            if runs.cut:
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
