"""FortiSIEM's rules of one scan, together: their windows, incidents, what clears them, and the watch lists.

They are fed in the order of events, as a rule may depend on what another did before: it may test a watch list that
the other fills, or match the other's incidents, which are events themselves.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import msgspec

from dogwatch.alerts.model import Incident, WatchEntry
from dogwatch.base.time import FOREVER
from dogwatch.detect.clear import PatternClearer
from dogwatch.detect.compiled import CompiledRule, Role
from dogwatch.detect.echo import Echo, Echoes
from dogwatch.detect.incident import IncidentDetector
from dogwatch.detect.naming import EventNames
from dogwatch.detect.options import OpenWindows, ScanOptions
from dogwatch.detect.report import ScanReport
from dogwatch.engine.aggregate import AggregateHit, GroupAggregator
from dogwatch.engine.composite import CompositeHit, CompositeMatcher
from dogwatch.engine.passed import GroupPassed, PartsPassed, Passed, StagePassed
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.engine.reorder import Reorder
from dogwatch.engine.watchlists import WatchLists
from dogwatch.events.batch import NO_TIME, Document, Event
from dogwatch.events.document import field_values
from dogwatch.events.fortisiem import attribute_values
from dogwatch.logic.pattern import AggregatePattern, CompositePattern
from dogwatch.logic.predicate import Predicate
from dogwatch.rules.clearing import clearing_pattern
from dogwatch.rules.fortisiem_model import QuietClear
from dogwatch.rules.model import FortisiemRule
from dogwatch.rules.resources import ResourceSet
from dogwatch.rules.resources.groups import group_key, plain_name
from dogwatch.schema.coerce import coerce_field
from dogwatch.schema.field import FieldRef, Scalar
from dogwatch.schema.fortisiem import FORTISIEM_PREFIX

_REORDERED_ROWS = 200_000
"""Rows of a followed stream that wait for earlier ones, of all rules."""

Hit: TypeAlias = AggregateHit | CompositeHit
Row: TypeAlias = GroupPassed | PartsPassed


@dataclass(slots=True)
class _Watched:
    """One pattern: what finds it, and whose incidents its hits make or clear."""

    rule: FortisiemRule
    role: Role
    matcher: GroupAggregator | CompositeMatcher
    detector: IncidentDetector
    clearer: PatternClearer | None
    residuals: tuple[Predicate | None, ...]
    names: EventNames
    is_delayed: bool


class _Offered(NamedTuple):
    """A row on its way to a pattern, by the pattern's number.

    ``depth`` is how many incidents led to it.
    """

    number: int
    row: Row
    depth: int

    @property
    def event(self) -> Event:
        return self.row.event


class Correlation:
    """Runs FortiSIEM's rules over passed rows.

    Rows are fed in canonical order in a closed scan, and about so in a followed stream.

    Args:
        rules: The rules of a scan, by number; those that are not FortiSIEM's are passed over.
        options: How the scan goes about it.
        report: Where what was lost or left open is noted.
        resources: Exceptions, limits, profiles, and what is on the watch lists from the start.
        entries: Further entries of watch lists, from earlier scans.
    """

    def __init__(
        self,
        rules: Iterable[CompiledRule],
        options: ScanOptions,
        report: ScanReport,
        resources: ResourceSet,
        entries: Iterable[WatchEntry] = (),
    ) -> None:
        self._options = options
        self._report = report
        self._lists = WatchLists()
        self._watch_lists = resources.watch_lists
        self._lists.extend(resources.watch_entries)
        self._lists.extend((plain_name(each.list), each.value, each.added, each.until) for each in entries)
        self._added: list[WatchEntry] = []
        self._echoes: deque[Echo] = deque()
        self._watched: dict[int, _Watched] = {}
        detectors: dict[str, IncidentDetector] = {}
        numbered = [
            (number, compiled, compiled.rule, compiled.pattern)
            for number, compiled in enumerate(rules)
            if isinstance(compiled.rule, FortisiemRule)
        ]
        # What clears a rule's incidents must not overtake what raises them.
        several = {rule.instance_id for _, _, rule, pattern in numbered if isinstance(pattern, CompositePattern)}
        for number, compiled, rule, pattern in numbered:
            if not isinstance(pattern, AggregatePattern | CompositePattern):
                raise TypeError(f"{compiled.rule.label}: no detection for {type(pattern).__name__}")
            if compiled.role is Role.DETECTS:
                exceptions = resources.exceptions_for(rule.rule_id)
                detectors[rule.instance_id] = IncidentDetector(rule, pattern, exceptions)
            detector = detectors[rule.instance_id]
            self._watched[number] = _Watched(
                rule=rule,
                role=compiled.role,
                matcher=CompositeMatcher(pattern, externals=resources)
                if isinstance(pattern, CompositePattern)
                else GroupAggregator(pattern, externals=resources),
                detector=detector,
                clearer=_clearer(detector, pattern) if compiled.role is Role.CLEARS else None,
                residuals=_residuals(pattern),
                names=EventNames(),
                is_delayed=options.follow and rule.instance_id in several,
            )
        self._timed = [
            (number, each.matcher)
            for number, each in self._watched.items()
            if isinstance(each.matcher, CompositeMatcher)
        ]
        self._delayed = Reorder[_Offered](options.tolerance, _REORDERED_ROWS)
        self._hearing = Echoes({number: compiled for number, compiled, _, _ in numbered}, options)

    def __contains__(self, number: int) -> bool:
        return number in self._watched

    @property
    def active(self) -> bool:
        """Whether there is any rule of FortiSIEM."""
        return bool(self._watched)

    def feed(self, number: int, row: Passed) -> Iterator[Incident]:
        """Take a row that passed a rule's predicates.

        Returns:
            In a followed stream, incidents as they are triggered or cleared; else nothing before ``finish``.
        """
        if isinstance(row, StagePassed):
            raise TypeError(f"{self._watched[number].rule.label}: no row of {type(row).__name__}")
        yield from self._offered(_Offered(number, row, 0))
        yield from self._settled()

    def advance(self, clock: int) -> Iterator[Incident]:
        """Let the clock of the data reach a time (nanoseconds since 1970 UTC): what was waited for is certain."""
        if not self._options.follow:
            yield from self._reached(clock)
            return
        yield from self._released(self._delayed.ready(clock))
        # Earlier events may yet come, for as long as they are waited for.
        yield from self._reached(clock - self._options.tolerance)
        yield from self._quiet(clock)

    def rest(self, clock: int, present: int) -> Iterator[Incident]:
        """Judge what waits for earlier events, as a followed stream has been silent for as long as one waits.

        The clock of the data does not move: time passes by events alone. What comes after all, and is earlier than
        what was judged here, comes too late.

        Args:
            clock: How far the data have come, ``NO_TIME`` if they have not begun.
            present: The time of day, beyond which no stamp is believed.
        """
        if clock != NO_TIME:
            yield from self._released(self._delayed.ready(present + self._options.tolerance))
            yield from self._reached(clock)

    def finish(self, clock: int) -> Iterator[Incident]:
        """There are no more events: what is left to say.

        Args:
            clock: The latest time of any event, ``NO_TIME`` if there was none.
        """
        yield from self._released(self._delayed.drain())
        if clock != NO_TIME:
            yield from self._reached(clock)
        flush = self._options.open_windows is OpenWindows.REPORT
        for number, matcher in self._timed:
            watched = self._watched[number]
            if watched.role is Role.DETECTS:
                self._report.left_open(watched.rule, matcher.waiting, "the data", reported=flush)
            yield from self._handled(number, matcher.finish(flush))
        yield from self._settled()
        if clock != NO_TIME:
            yield from self._quiet(clock)
        if not self._options.follow:
            several = [watched.detector.incidents() for watched in self._detecting()]
            for incident in heapq.merge(*several, key=_first_seen):
                self._report.found(incident.rule_uuid)
                yield incident

    def take_entries(self) -> list[WatchEntry]:
        """The entries that rules added to watch lists since this was last asked."""
        added, self._added = self._added, []
        return added

    @property
    def clearings(self) -> tuple[IncidentDetector, ...]:
        """For each rule whose incidents clear by themselves, what tells when one of an earlier scan did."""
        return tuple(each.detector for each in self._detecting() if each.rule.clear_condition is not None)

    def account(self) -> None:
        """Note in the report what was lost."""
        for watched in self._watched.values():
            matcher, rule = watched.matcher, watched.rule
            evicted = matcher.evicted_rows + (matcher.evicted if isinstance(matcher, CompositeMatcher) else 0)
            self._report.dropped(rule, evicted)
            self._report.came_too_late(rule, matcher.too_late)
            self._report.without_group(rule, matcher.without_group)
        for watched in self._detecting():
            self._report.suppressed(watched.rule, watched.detector.suppressed)
            self._report.forgotten(watched.rule, watched.detector.details.dropped, watched.detector.forgotten)
        self._report.came_after_tolerance(self._delayed.too_late)
        self._report.lists_evicted(self._lists.evicted)
        self._report.echoes_left_out(self._hearing.left_out)

    def _detecting(self) -> list[_Watched]:
        return [watched for watched in self._watched.values() if watched.role is Role.DETECTS]

    def _ready(self, watched: _Watched, row: Row) -> Row | None:
        """The row under the event's final name, as far as it satisfies what depends on the past."""
        match row:
            case GroupPassed():
                (residual,) = watched.residuals
                if residual is not None and not self._holds(residual, row.event):
                    return None
                return msgspec.structs.replace(row, event=watched.names.named(row.event))
            case PartsPassed(parts=parts):
                left = tuple(part for part in parts if self._allows(watched.residuals[part[0]], row.event))
                if not left:
                    return None
                return PartsPassed(watched.names.named(row.event), left)

    def _allows(self, residual: Predicate | None, event: Event) -> bool:
        return residual is None or self._holds(residual, event)

    def _holds(self, residual: Predicate, event: Event) -> bool:
        answer = evaluate(
            residual,
            lambda ref: _values(event.document, ref),
            lambda name, value: self._lists.holds(name, value, event.time),
        )
        return answer is True

    def _offered(self, offered: _Offered) -> Iterator[Incident]:
        if self._watched[offered.number].is_delayed:
            self._delayed.add(offered)
        else:
            yield from self._fed(offered)

    def _released(self, offered: Iterable[_Offered]) -> Iterator[Incident]:
        """Rows that have waited for earlier ones, in their order, and what is certain at the time of each."""
        for each in offered:
            yield from self._reached(each.event.time)
            yield from self._fed(each)
            yield from self._settled()

    def _reached(self, time: int) -> Iterator[Incident]:
        for number, matcher in self._timed:
            yield from self._handled(number, matcher.advance(time))
        yield from self._settled()

    def _fed(self, offered: _Offered) -> Iterator[Incident]:
        watched = self._watched[offered.number]
        row = self._ready(watched, offered.row)
        hits: Iterable[Hit]
        match watched.matcher, row:
            case _, None:
                return
            case GroupAggregator() as aggregator, GroupPassed():
                hits = aggregator.feed(row)
            case CompositeMatcher() as composite, PartsPassed():
                hits = composite.feed(row)
            case matcher, _:
                raise TypeError(f"a row of {type(row).__name__} is none for {type(matcher).__name__}")
        yield from self._handled(offered.number, hits, row.event, offered.depth)

    def _handled(
        self, number: int, hits: Iterable[Hit], cause: Event | None = None, depth: int = 0
    ) -> Iterator[Incident]:
        """What comes of hits; ``cause`` is the event at which they were found, if it was one."""
        watched = self._watched[number]
        for hit in hits:
            if watched.clearer is not None:
                cleared = watched.clearer.clear(hit)
                if self._options.follow:
                    yield from cleared
                continue
            raised = watched.detector.trigger(hit)
            if raised is None:
                continue
            for entry in map(self._dated, raised.entries):
                self._lists.add(entry.list, entry.value, entry.added, entry.until)
                self._added.append(entry)
            if not self._hearing.is_deaf:
                self._echoes.append(Echo(raised.event, hit.time, cause, depth + 1))
            if self._options.follow:
                quieted = watched.detector.quieted(raised)
                if quieted is not None:
                    yield quieted
                self._report.found(watched.rule.instance_id)
                yield watched.detector.incident(raised)

    def _dated(self, entry: WatchEntry) -> WatchEntry:
        """What a rule adds to a watch list, under the list's own name and for as long as the list keeps it."""
        watch_list = self._watch_lists.get(group_key(entry.list))
        until = FOREVER if watch_list is None else watch_list.until(entry.added)
        return replace(entry, list=plain_name(entry.list), until=until)

    def _settled(self) -> Iterator[Incident]:
        """Let the incidents so far be heard by rules about incidents, until there is nothing new."""
        while self._echoes:
            echo = self._echoes.popleft()
            for number, row in self._hearing.rows(echo):
                yield from self._offered(_Offered(number, row, echo.depth))

    def _quiet(self, clock: int) -> Iterator[Incident]:
        for watched in self._detecting():
            condition = watched.rule.clear_condition
            if condition is not None and isinstance(condition.when, QuietClear):
                for incident in watched.detector.advance(clock):
                    if self._options.follow:
                        yield incident


def _first_seen(incident: Incident) -> tuple[int, str]:
    return min(trigger.first_event for trigger in incident.triggers), incident.uuid


def _clearer(detector: IncidentDetector, pattern: AggregatePattern | CompositePattern) -> PatternClearer:
    when = clearing_pattern(detector.rule)
    if when is None:
        raise ValueError(f"{detector.rule.label} is not cleared by a pattern")
    return PatternClearer(detector, when, pattern)


def _values(document: Document, ref: FieldRef) -> list[Scalar]:
    """A document's values of a field, as a batch's column holds them."""
    name = ref.path.removeprefix(FORTISIEM_PREFIX)
    if name == ref.path:
        return field_values(document, ref)
    return coerce_field(attribute_values(document, [name])[name], ref)[0]


def _residuals(pattern: AggregatePattern | CompositePattern) -> tuple[Predicate | None, ...]:
    parts = pattern.parts if isinstance(pattern, CompositePattern) else (pattern,)
    return tuple(part.residual for part in parts)
