"""A scan as the rules' schedule would have seen the events: each Elastic rule at its interval over its look-back.

A rule that runs every five minutes from ``now-9m`` sees each event once or twice; what it finds twice is one
alert. At most ``max_signals`` of a run are kept, as the detection engine keeps them. It asks for the results of
an EQL rule once, and gets the newest events or sequences (unless the rule's pipe begins at the other end) or the
first samples. Those of a KQL or Lucene rule it pages through from the oldest on, until it has so many new alerts.
FortiSIEM rules have no schedule: they run in their sliding window as ever.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

import msgspec

from dogwatch.alerts.model import OPEN_UNTIL, Alert, Detection
from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.time import format_instant, parse_date_math, parse_duration
from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.event import EventDetector
from dogwatch.detect.incident import IncidentDetector
from dogwatch.detect.matching import Matching, OpenWindows, Rows, ScanOptions, ScanReport
from dogwatch.detect.naming import EventNames
from dogwatch.detect.sequence import SequenceDetector
from dogwatch.engine.aggregate import GroupAggregator
from dogwatch.engine.limit import limited
from dogwatch.engine.passed import GroupPassed, Passed, PassedSpool, StagePassed, Watch, take
from dogwatch.engine.sample import SampleMatcher
from dogwatch.engine.sequence import SequenceHit, SequenceMatcher
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch, Event
from dogwatch.events.document import field_values
from dogwatch.logic.pattern import (
    OWN_CLOCK,
    AggregatePattern,
    Clock,
    End,
    EventPattern,
    Limit,
    SamplePattern,
    SequencePattern,
    limits_with_size,
)
from dogwatch.rules.model import ElasticRule, FortisiemRule
from dogwatch.schema.field import FieldRef

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
class _Cut:
    """Alerts that runs found and did not keep; a later run may.

    Attributes:
        count: How many no run has kept.
    """

    count: int = 0
    _times: dict[str, int] = field(default_factory=dict)

    def add(self, uuid: str, time: int) -> None:
        """A run did not keep an alert whose latest event is at ``time``."""
        self.count += uuid not in self._times
        self._times[uuid] = time

    def discard(self, uuid: str) -> None:
        """A run kept the alert."""
        self.count -= self._times.pop(uuid, None) is not None

    def forget_before(self, start: int) -> None:
        """No run will find alerts from before ``start`` again."""
        self._times = {uuid: time for uuid, time in self._times.items() if time >= start}


@dataclass(slots=True)
class _Runs:
    """One rule's runs so far.

    Attributes:
        compiled: The rule and what it looks for.
        rows: What the next runs may see, in canonical order.
        due: Runs that are to be played.
        known: Alerts that a run has kept, with the time of their latest event; a later run may find them again.
        beyond_size: Alerts beyond ``max_signals``.
        piped: Alerts that the rule's pipes left out.
        left_open: Alerts that an event after the run's stretch of time could have refuted.
        runs: Runs that were played.
        capped_runs: Those of them that found more than they may keep.
        first_capped: When that happened first.
        evicted: Pending sequences that were dropped for want of room.
    """

    rule: ElasticRule
    schedule: Schedule
    compiled: CompiledRule
    names: EventNames = field(default_factory=EventNames)
    rows: deque[Passed] = field(default_factory=deque)
    due: set[int] = field(default_factory=set)
    known: dict[str, int] = field(default_factory=dict)
    beyond_size: _Cut = field(default_factory=_Cut)
    piped: _Cut = field(default_factory=_Cut)
    left_open: int = 0
    runs: int = 0
    capped_runs: int = 0
    first_capped: int = 0
    evicted: int = 0

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Which results of a run are kept: the limit of ``max_signals`` first, then the rule's pipes."""
        first = self.pages or isinstance(self.compiled.pattern, SamplePattern)
        return limits_with_size(self.compiled.limits, self.schedule.max_signals, End.HEAD if first else End.TAIL)

    @property
    def pages(self) -> bool:
        """Whether a run goes on past what earlier ones have kept."""
        return self.rule.language != "eql"

    @property
    def restless(self) -> bool:
        """Whether a run may find something new without a new row, because an old one has gone out of sight.

        That row may have refuted a sequence, been in an earlier sample of its key, or had an earlier place.
        """
        match self.compiled.pattern:
            case SequencePattern(absences=absences):
                return bool(absences or self.compiled.limits)
            case SamplePattern():
                return True
            case _:
                return bool(self.compiled.limits)

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
        self.beyond_size.forget_before(start)
        self.piped.forget_before(start)
        return list(takewhile(lambda row: row.event.time <= end, self.rows))

    def sees_any(self, moment: int) -> bool:
        """Whether a run at ``moment`` sees any of the rows so far."""
        return bool(self.rows) and self.rows[-1].event.time >= moment - self.schedule.look_back


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
            elif isinstance(rule, ElasticRule) and not isinstance(pattern, AggregatePattern):
                schedule = schedule_of(rule)
                if isinstance(schedule, Diagnostic):
                    self.report.notes.append(schedule)
                    continue
                self._runs[number] = _Runs(rule, schedule, compiled)
            else:
                raise TypeError(f"{rule.label}: no detection for {type(pattern).__name__}")
            kept.append(compiled)
        self.matching = Matching(kept, options, self.report)

    def run(self, batches: Iterable[Batch]) -> Iterator[Detection]:
        """The alerts of all runs in the order of the runs, then the incidents by first seen."""
        with PassedSpool(self.options.spool_bytes) as spool:
            for batch in batches:
                masks = self.matching.masks(batch)
                watches = [self._watch(number, masks) for number in range(len(self.matching.rules))]
                for passed in take(batch, watches, untimed=False):
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

    def _watch(self, number: int, masks: Sequence[Rows]) -> Watch:
        """A rule's pattern and its answers. A run selects by ``@timestamp``, whatever then orders its events."""
        watch = self.matching.watch(number, masks)
        return watch if watch.clock.timestamp is None else replace(watch, clock=OWN_CLOCK)

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

    def _alerts(self, runs: _Runs, window: list[Passed], moment: int) -> Iterator[tuple[Alert, int]]:
        """Everything that a run finds, in the order of results, each with the time of its latest event."""
        pattern = runs.compiled.pattern
        times = {row.event.arrival: row.event.time for row in window}
        window = _clocked(window, runs.compiled.clock)
        if isinstance(pattern, EventPattern):
            single = EventDetector(runs.rule)
            for row in window:
                alert = single.alert(runs.names.named(row.event), moment)
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
    runs: _Runs, pattern: SequencePattern | SamplePattern, window: list[Passed], moment: int
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
