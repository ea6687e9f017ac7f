"""A scan: every rule over a closed stretch of events, or over a pipe for as long as it flows."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dogwatch.alerts.model import Alert, Detection, WatchEntry
from dogwatch.detect.compiled import CompiledRule, with_clearing
from dogwatch.detect.correlating import correlation_of
from dogwatch.detect.event import EventDetector
from dogwatch.detect.facts import Facts, facts_of
from dogwatch.detect.findings import Findings, Hit
from dogwatch.detect.matcher import Matcher, matcher_of
from dogwatch.detect.matching import Matching
from dogwatch.detect.naming import REMEMBERED, EventNames
from dogwatch.detect.options import OpenWindows, ScanOptions
from dogwatch.detect.pipe import Pipe
from dogwatch.detect.report import ScanReport
from dogwatch.detect.sequence import SequenceDetector
from dogwatch.detect.work import Work
from dogwatch.engine.late import LateTolerantMatcher
from dogwatch.engine.passed import GroupPassed, Passed, PassedEvent, StagePassed
from dogwatch.engine.sample import SampleMatcher
from dogwatch.engine.sequence import SequenceHit
from dogwatch.engine.spool import PassedSpool
from dogwatch.engine.state import Repeats
from dogwatch.events.batch import NO_TIME, Batch, Event
from dogwatch.logic.pattern import OWN_CLOCK, EventPattern, Pattern, SamplePattern, SequencePattern
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule
from dogwatch.rules.resources import NO_RESOURCE_SET, ResourceSet


class Scan:
    """Runs rules over batches and finds everything.

    Args:
        rules: What to look for.
        options: How.
        resources: What FortiSIEM's rules refer to while they run: limits, profiles, exceptions, watch lists.
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
        rules = with_clearing(rules)
        self.matching = Matching(rules, options, self.report)
        self.correlation = correlation_of(rules, options, self.report, resources, entries)
        self._names = [EventNames() for _ in rules]
        # By age, the oldest first.
        self._alerted: dict[str, None] = {}
        self._open: Counter[int] = Counter()
        self._repeats: defaultdict[int, Repeats] = defaultdict(Repeats)
        self._pipes: dict[int, Pipe[Event | SequenceHit]] = {}
        self._events: dict[int, EventDetector] = {}
        self._matched: dict[int, tuple[Matcher, SequenceDetector]] = {}
        self._stages: defaultdict[int, int] = defaultdict(int)
        self._needed: dict[int, int] = {}
        unpiped: list[Rule] = []
        for number, compiled in enumerate(rules):
            match compiled.rule, compiled.pattern:
                case ElasticRule() as rule, EventPattern():
                    self._events[number] = EventDetector(rule)
                case ElasticRule() as rule, SequencePattern() | SamplePattern() as pattern:
                    matcher = matcher_of(pattern, follow=options.follow, present=options.present)
                    self._matched[number] = (matcher, SequenceDetector(rule, pattern))
                    self._needed[number] = (1 << len(pattern.stages)) - 1
                case FortisiemRule(), _:
                    continue
                case rule, pattern:
                    raise TypeError(f"{rule.label}: no detection for {type(pattern).__name__}")
            if compiled.limits and options.follow:
                unpiped.append(compiled.rule)
            elif compiled.limits:
                self._pipes[number] = Pipe(compiled.limits)
        self.report.not_piped(unpiped)
        singles = self._events.keys() - self._pipes.keys()
        self.work = Work(self.matching, singles, [compiled.clock for compiled in rules])
        self._awaiting = [
            (number, matcher)
            for number, (matcher, _) in self._matched.items()
            if not isinstance(matcher, SampleMatcher) and _has_absences(rules[number].pattern)
        ]

    def run(self, batches: Iterable[Batch]) -> Iterator[Detection]:
        """The detections in batches, as they are found.

        Alerts of single events come in the order in which events are read. In a closed scan those of
        sequences follow after the last batch, in the order in which they were certain, then those of samples
        and of rules with pipes, then incidents, by first seen. When following, everything comes as
        it completes, and an incident again at each of its triggers and when it is cleared.
        """
        if not self.options.follow:
            yield from self.over(map(self.work.of, batches))
            return
        yield from self._followed(batches)
        yield from self._finished()
        self._account()

    def over(self, found: Iterable[Findings]) -> Iterator[Detection]:
        """The detections of a closed scan, as ``run`` gives them, from what ``work`` found of batches or units.

        A sequence or sample with a stage that no event satisfied finds nothing, so nothing is held for it, and
        nothing that it would have had to drop for want of room is reported.
        """
        with PassedSpool(self.options.spool_bytes) as spool:
            for findings in found:
                self.matching.settle(findings.account)
                for number, stages in findings.account.stages.items():
                    self._stages[number] |= stages
                yield from self._event_alerts(findings.hits)
                spool.put(findings.passed)
            yield from self._spooled(spool)
            yield from self._advanced()
        yield from self._finished()
        self._account()

    def _followed(self, batches: Iterable[Batch]) -> Iterator[Detection]:
        """What is found in a stream; its empty batches tell that nothing has come."""
        heard = self.options.present()
        for batch in batches:
            present = self.options.present()
            if batch.length:
                heard = present
                sight = self.work.look(batch)
                passed = sorted(sight.passed, key=lambda each: each.event.order)
                self.matching.settle(self.work.account())
                yield from self._event_alerts(sight.hits)
                yield from self._stateful(passed)
                yield from self._advanced()
                continue
            # The time of day may be set back.
            heard = min(heard, present)
            if present - heard >= self.options.tolerance:
                yield from self.correlation.rest(self._newest(), present)

    def _advanced(self) -> Iterator[Detection]:
        """What is certain now that the data's clock has moved on."""
        for number, matcher in self._awaiting:
            newest = self.matching.newest[self.matching.rules[number].clock]
            if newest != NO_TIME:
                yield from self._hits(number, matcher.advance(newest))
        if self.options.follow and self._newest() != NO_TIME:
            yield from self.correlation.advance(self._newest())

    def _newest(self) -> int:
        """The latest time of any event, for FortiSIEM's rules; ``NO_TIME`` without any."""
        return self.matching.newest.get(OWN_CLOCK, NO_TIME)

    def _finished(self) -> Iterator[Detection]:
        """What is found now that there are no more events."""
        for number, (matcher, _) in self._matched.items():
            yield from self._timed(number, self._matcher_finished(number, matcher))
        for number, pipe in self._pipes.items():
            for result in pipe.kept():
                yield from self._kept(number, result)
        if self.correlation.active:
            yield from self.correlation.finish(self._newest())

    def _account(self) -> None:
        reported = self.options.open_windows is not OpenWindows.OMIT
        for number, compiled in enumerate(self.matching.rules):
            rule = compiled.rule
            if number in self._matched:
                matcher, _ = self._matched[number]
                self.report.dropped(rule, matcher.evicted)
                if isinstance(matcher, LateTolerantMatcher):
                    self.report.came_too_late(rule, matcher.too_late)
                self.report.left_open(rule, self._open[number], "the data", reported=reported)
            if number in self._pipes:
                pipe = self._pipes[number]
                self.report.piped(rule, len(pipe.kept()), pipe.seen, "the whole scan")
        self.correlation.account()
        self.report.left_out_keys(self.matching.keys_left_out)

    def _event_alerts(self, hits: Iterable[Hit]) -> Iterator[Detection]:
        for hit in hits:
            for number in hit.rules:
                yield from self._timed(number, self._of_event(number, hit.event, hit.facts))

    def _stateful(self, passed: Iterable[PassedEvent]) -> Iterator[Detection]:
        for each in passed:
            for number, row in each.rows:
                yield from self._timed(number, self._fed(number, row))

    def _spooled(self, spool: PassedSpool) -> Iterator[Detection]:
        """What comes of all rows of a closed scan; those of rules that cannot be satisfied are not read."""
        for moment, each in spool.without(self._dead()):
            if moment != NO_TIME:
                yield from self.correlation.advance(moment)
            if each is not None:
                yield from self._stateful([each])

    def _dead(self) -> frozenset[int]:
        """The sequences and samples of which no event at all satisfied some stage that must occur."""
        return frozenset(
            number for number, needed in self._needed.items() if self._stages[number] & needed != needed
        )

    def _fed(self, number: int, row: Passed) -> Iterator[Detection]:
        """What comes of one row under one rule."""
        if number in self.correlation:
            yield from self.correlation.feed(number, row)
            return
        match row:
            case StagePassed():
                yield from self._hits(number, self._matched[number][0].feed(row))
            # Read twice, it is one result.
            case GroupPassed() if not self._repeats[number].seen(row.event):
                self._pipes[number].add(row.event.order, row.event)

    def _matcher_finished(self, number: int, matcher: Matcher) -> Iterator[Detection]:
        yield from self._hits(number, matcher.finish())

    def _timed(self, number: int, found: Iterator[Detection]) -> Iterable[Detection]:
        """What is found, with the time that it takes noted if that was asked for."""
        if self.report.profile is None:
            return found
        started = time.perf_counter_ns()
        listed = list(found)
        self.report.profile.ordered[number] += time.perf_counter_ns() - started
        return listed

    def _hits(self, number: int, hits: Iterable[SequenceHit]) -> Iterator[Detection]:
        for hit in hits:
            if hit.open_until is not None:
                self._open[number] += 1
                if self.options.open_windows is OpenWindows.OMIT:
                    continue
            if number not in self._pipes:
                yield from self._kept(number, hit)
                continue
            # Samples are in the order of their keys, in which they come; sequences in that of their last events.
            ordered = isinstance(self.matching.rules[number].pattern, SequencePattern)
            self._pipes[number].add(hit.events[-1].order if ordered else (), hit)

    def _kept(self, number: int, result: Event | SequenceHit) -> Iterator[Detection]:
        """The alert of an event, or of a sequence or sample."""
        match result:
            case Event():
                (facts,) = facts_of([result])
                yield from self._of_event(number, result, facts)
            case SequenceHit():
                named = self._names[number].named
                hit = replace(result, events=tuple(map(named, result.events)))
                # The same events under two values of a many-valued key are one alert, as Kibana would give
                # them one id.
                alert = self._matched[number][1].alert(hit, self._moment(hit.events))
                yield from self._reported(alert, once=True)

    def _of_event(self, number: int, event: Event, facts: Facts) -> Iterator[Detection]:
        event = self._names[number].named(event)
        alert = self._events[number].alert(event, facts, self._moment([event]))
        # Only an event with an id can be read twice; the others are told apart by their names.
        yield from self._reported(alert, once=event.has_own_id)

    def _moment(self, events: Iterable[Event]) -> int:
        """When an alert is made in a scan that finds everything: at its latest event."""
        latest = max(event.time for event in events)
        return self.options.now if latest == NO_TIME else latest

    def _reported(self, alert: Alert | None, *, once: bool) -> Iterator[Alert]:
        """Count and give an alert, unless it must be given once and was."""
        if alert is None or alert.uuid in self._alerted:
            return
        if once:
            self._alerted[alert.uuid] = None
            if len(self._alerted) > REMEMBERED:
                del self._alerted[next(iter(self._alerted))]
        self.report.found(alert.rule_uuid)
        yield alert


def _has_absences(pattern: Pattern) -> bool:
    return isinstance(pattern, SequencePattern) and bool(pattern.absences)
