"""Incidents as events: FortiSIEM's rules may match what other rules raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.matching import Matching
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.report import ScanReport
from dogwatch.engine.passed import GroupPassed, PartsPassed, StagePassed
from dogwatch.engine.taking import take
from dogwatch.events.batch import Document, Event
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.report import ReadReport
from dogwatch.rules.fortisiem_model import PatternClear
from dogwatch.rules.model import FortisiemRule

_DEEPEST = 5
"""How many incidents may follow from each other."""

_EARLIEST = -(2**63)
"""The tiebreak of what comes before every event of its time."""

_SPEAKING_OF_INCIDENTS = ("pheventcategory", "ph_rule", "incident")
"""What the filter of a rule about incidents names: their category, their event type, or their attributes."""


@dataclass(frozen=True, slots=True)
class Echo:
    """An incident on its way to the rules that match incidents.

    Attributes:
        document: The incident as an event.
        time: When it was triggered, nanoseconds since 1970 UTC.
        cause: The event that triggered it, if one did; else time did.
        depth: How many incidents led to it, itself included.
    """

    document: Document
    time: int
    cause: Event | None
    depth: int


class Echoes:
    """Finds the rules that an incident passes.

    An incident is offered to a rule if a filter of it speaks of incidents. It takes the place of its cause in the
    order of events.

    Args:
        rules: FortiSIEM's rules, and the patterns that clear, under their numbers in the scan.
        options: How the scan goes about it.

    Attributes:
        left_out: Incidents that were not offered to any rule, as too many had led to them.
    """

    def __init__(self, rules: Mapping[int, CompiledRule], options: ScanOptions) -> None:
        self.left_out = 0
        self._numbers = [number for number, compiled in rules.items() if _speaks_of_incidents(compiled)]
        chosen = [rules[number] for number in self._numbers]
        # Events alone decide about the stretch of time.
        self._matching = Matching(chosen, replace(options, start=None, end=None), ScanReport())
        self._read = ReadReport()

    @property
    def is_deaf(self) -> bool:
        """Whether no rule hears of incidents."""
        return not self._numbers

    def rows(self, echo: Echo) -> Iterator[tuple[int, GroupPassed | PartsPassed]]:
        """The numbers of the rules that the incident passes, each with its row."""
        if echo.depth > _DEEPEST:
            self.left_out += 1
            return
        tiebreak, arrival = (_EARLIEST, 0) if echo.cause is None else (echo.cause.tiebreak, echo.cause.arrival)
        row = Row(echo.document, echo.document["event"]["id"], True, None, None, tiebreak)
        batch = make_batch([row], self._matching.fields, arrival, self._read)
        rows = self._matching.select(batch)
        matched = [self._matching.matched(place, rows) for place in range(len(self._numbers))]
        for passed in take(batch, matched):
            for place, found in passed.rows:
                if isinstance(found, StagePassed):
                    raise TypeError(f"a rule of FortiSIEM's has no row of {type(found).__name__}")
                event = replace(found.event, time=echo.time)
                yield self._numbers[place], msgspec.structs.replace(found, event=event)


def _speaks_of_incidents(compiled: CompiledRule) -> bool:
    rule = compiled.rule
    if not isinstance(rule, FortisiemRule):
        return False
    clauses = [rule.clause]
    if rule.clear_condition is not None and isinstance(rule.clear_condition.when, PatternClear):
        clauses.append(rule.clear_condition.when.clause)
    texts = [part.filter.lower() for clause in clauses for part in clause.subpatterns]
    return any(word in text for text in texts for word in _SPEAKING_OF_INCIDENTS)
