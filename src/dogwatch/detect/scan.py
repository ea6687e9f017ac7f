"""A scan: every rule over a closed stretch of events, or over a pipe for as long as it flows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from dogwatch.alerts.model import Alert, Detection
from dogwatch.base.time import SECOND
from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.event import EventDetector
from dogwatch.detect.incident import IncidentDetector
from dogwatch.detect.matching import Matching, Rows, ScanOptions, ScanReport
from dogwatch.detect.naming import REMEMBERED, EventNames
from dogwatch.detect.sequence import SequenceDetector
from dogwatch.engine.aggregate import GroupAggregator
from dogwatch.engine.late import LateTolerantMatcher
from dogwatch.engine.passed import GroupPassed, PassedEvent, PassedSpool, StagePassed, take
from dogwatch.engine.sequence import SequenceHit, SequenceMatcher
from dogwatch.events.batch import NO_TIME, Batch
from dogwatch.logic.pattern import AggregatePattern, EventPattern, SequencePattern
from dogwatch.rules.model import ElasticRule, FortisiemRule

LATENESS = 3600 * SECOND
"""How late an event of a followed stream may be: an ``accept`` is stamped when it began to wait."""

_FOLLOWED_ROWS = 200_000
"""Rows that a sequence rule retains of a followed stream; each holds its event's document."""


class Scan:
    """Runs rules over batches and finds everything.

    Args:
        rules: What to look for.
        options: How.
    """

    def __init__(self, rules: Sequence[CompiledRule], options: ScanOptions) -> None:
        self.options = options
        self.report = ScanReport()
        self.matching = Matching(rules, options, self.report)
        self._names = [EventNames() for _ in rules]
        # By age, the oldest first.
        self._alerted: dict[str, None] = {}
        self._keys_left_out = 0
        self._events: dict[int, EventDetector] = {}
        self._sequences: dict[int, tuple[SequenceMatcher | LateTolerantMatcher, SequenceDetector]] = {}
        self._incidents: dict[int, tuple[GroupAggregator, IncidentDetector]] = {}
        for number, compiled in enumerate(rules):
            match compiled.rule, compiled.pattern:
                case ElasticRule() as rule, EventPattern():
                    self._events[number] = EventDetector(rule)
                case ElasticRule() as rule, SequencePattern() as sequence:
                    matcher = (
                        LateTolerantMatcher(sequence, LATENESS, _FOLLOWED_ROWS)
                        if options.follow
                        else SequenceMatcher(sequence)
                    )
                    self._sequences[number] = (matcher, SequenceDetector(rule))
                case FortisiemRule() as rule, AggregatePattern() as aggregate:
                    self._incidents[number] = (GroupAggregator(aggregate), IncidentDetector(rule, aggregate))
                case rule, pattern:
                    raise TypeError(f"{rule.label}: no detection for {type(pattern).__name__}")

    def run(self, batches: Iterable[Batch]) -> Iterator[Detection]:
        """The detections, as they are found.

        Alerts of single events come in the order in which events are read. In a closed scan those of
        sequences follow after the last batch, by their last event, then incidents, by first seen. When
        following, everything comes as it completes, and an incident again at each of its triggers.
        """
        if self.options.follow:
            for batch in batches:
                masks = self.matching.masks(batch)
                yield from self._event_alerts(batch, masks)
                yield from self._stateful(sorted(self._taken(batch, masks), key=lambda each: each.event.order))
        else:
            with PassedSpool(self.options.spool_bytes) as spool:
                for batch in batches:
                    masks = self.matching.masks(batch)
                    yield from self._event_alerts(batch, masks)
                    for each in self._taken(batch, masks):
                        spool.add(each)
                yield from self._stateful(spool)
            for _, detector in self._incidents.values():
                for incident in detector.incidents():
                    self.report.found(incident.rule_uuid)
                    yield incident
        for number, (matcher, _) in self._sequences.items():
            self.report.dropped(self.matching.rules[number].rule, matcher.evicted)
            if isinstance(matcher, LateTolerantMatcher):
                self.report.came_too_late(self.matching.rules[number].rule, matcher.too_late)
        for number, (aggregator, _) in self._incidents.items():
            self.report.dropped(self.matching.rules[number].rule, aggregator.evicted_rows)
            self.report.came_too_late(self.matching.rules[number].rule, aggregator.too_late)
        self.report.left_out_keys(self._keys_left_out)

    def _event_alerts(self, batch: Batch, masks: list[Rows]) -> Iterator[Detection]:
        hits = [
            (int(row), number)
            for number in self._events
            for row in np.flatnonzero(masks[self.matching.slots[number][0]])
        ]
        current, found = -1, None
        for row, number in sorted(hits):
            if found is None or row != current:
                current, found = row, batch.event(row)
            event = self._names[number].named(found)
            now = self.options.now if event.time == NO_TIME else event.time
            # Only an event with an id can be read twice; the others are told apart by their names.
            yield from self._reported(self._events[number].alert(event, now), once=event.has_own_id)

    def _taken(self, batch: Batch, masks: list[Rows]) -> Iterator[PassedEvent]:
        watches = [
            self.matching.watch(number, masks)
            for number in range(len(self.matching.rules))
            if number not in self._events
        ]
        for each in take(batch, watches):
            self._keys_left_out += each.keys_left_out
            yield each

    def _stateful(self, passed: Iterable[PassedEvent]) -> Iterator[Detection]:
        for each in passed:
            for number, row in each.rows:
                match row:
                    case StagePassed():
                        matcher, detector = self._sequences[number]
                        for hit in matcher.feed(row):
                            named = self._with_names(number, hit)
                            # The same events under two values of a many-valued key are one alert, as
                            # Kibana would give them one id.
                            alert = detector.alert(named, named.events[-1].time)
                            yield from self._reported(alert, once=True)
                    case GroupPassed():
                        yield from self._triggered(number, row)

    def _triggered(self, number: int, row: GroupPassed) -> Iterator[Detection]:
        aggregator, detector = self._incidents[number]
        for hit in aggregator.feed(row):
            events = tuple(self._names[number].named(event) for event in hit.events)
            uuid = detector.trigger(replace(hit, events=events))
            if self.options.follow:
                self.report.found(detector.rule.instance_id)
                yield detector.incident(uuid)

    def _with_names(self, number: int, hit: SequenceHit) -> SequenceHit:
        return replace(hit, events=tuple(self._names[number].named(event) for event in hit.events))

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
