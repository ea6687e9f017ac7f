"""Which rows of a batch each rule matches: the shared plan, restricted to what each rule is offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dogwatch.detect.awareness import BlindRule, FieldPresence, Missing, blind_rule
from dogwatch.detect.compiled import CompiledRule, Role
from dogwatch.detect.index_filter import IndexFilter
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.report import ScanReport
from dogwatch.engine.passed import Watch, ordinals
from dogwatch.engine.plan import Plan
from dogwatch.events.batch import NO_TIME, Batch
from dogwatch.logic.pattern import Clock, SequencePattern, columns_of, predicates_of
from dogwatch.logic.predicate import Predicate
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule
from dogwatch.schema.field import FieldRef

Rows = npt.NDArray[np.bool_]
"""One answer for each row of a batch."""


class Matching:
    """Evaluates all rules' predicates together, batch by batch.

    Args:
        rules: The rules, which are known by their number from here on.
        options: The stretch of time and the index patterns' strictness.
        report: Filled with what was offered and what lay outside.

    Attributes:
        rules: The rules by number.
        slots: For each rule the numbers of its predicates, as ``predicates_of`` orders them.
        fields: The columns that batches must have.
        newest: By clock, the latest time so far within the stretch, or ``NO_TIME``; for the clocks of rules that
            wait for time to pass.
    """

    def __init__(self, rules: Sequence[CompiledRule], options: ScanOptions, report: ScanReport) -> None:
        self.rules = tuple(rules)
        self.slots: list[range] = []
        self._options = options
        self._report = report
        self._indices = IndexFilter()
        predicates: list[Predicate] = []
        for compiled in self.rules:
            own = predicates_of(compiled.pattern)
            self.slots.append(range(len(predicates), len(predicates) + len(own)))
            predicates += own
        self._plan = Plan(predicates)
        self.fields: frozenset[FieldRef] = self._plan.fields.union(
            *(columns_of(compiled.pattern) | compiled.clock.fields for compiled in self.rules)
        )
        self.newest: dict[Clock, int] = {
            compiled.clock: NO_TIME
            for compiled in self.rules
            if isinstance(compiled.rule, FortisiemRule)
            or (isinstance(compiled.pattern, SequencePattern) and compiled.pattern.absences)
        }
        self._presence = FieldPresence(self.fields)
        report.find_blind = self.blind

    def masks(self, batch: Batch) -> list[Rows]:
        """For each predicate, the rows that satisfy it among those that its rule is offered."""
        inside = self._inside(batch)
        self._presence.note(batch, inside)
        for clock, newest in self.newest.items():
            times = ordinals(batch, clock)[0]
            latest = int((times if inside is None else times[inside]).max(initial=newest))
            self.newest[clock] = min(latest, self._options.present()) if self._options.follow else latest
        wanted: list[Rows | None] = []
        for number, compiled in enumerate(self.rules):
            offered = self._offered(compiled.rule, batch, inside)
            if batch.length and (offered is None or bool(offered.any())):
                self._report.offered.add(compiled.rule.instance_id)
            wanted += [offered] * len(self.slots[number])
        return self._plan.evaluate(batch, wanted)

    def watch(self, number: int, masks: Sequence[Rows]) -> Watch:
        """A rule's pattern with its predicates' answers, to take its rows out of the batch."""
        compiled = self.rules[number]
        own = [masks[slot] for slot in self.slots[number]]
        return Watch(number, compiled.pattern, own, compiled.clock)

    def blind(self) -> list[BlindRule]:
        """The rules that no event so far could have satisfied, for want of fields, of those that saw any."""
        nowhere = self._missing(())
        missing: dict[tuple[str, ...], Missing] = {(): nowhere}
        found = []
        for compiled in self.rules:
            instance = compiled.rule.instance_id
            if instance not in self._report.offered or self._report.detections[instance]:
                continue
            if compiled.role is Role.CLEARS:
                continue
            patterns = self._patterns(compiled.rule)
            if patterns not in missing:
                missing[patterns] = self._missing(patterns)
            blind = blind_rule(compiled, missing[patterns])
            if blind is not None:
                found.append(replace(blind, everywhere=nowhere.issuperset(blind.fields)))
        return found

    def _missing(self, patterns: tuple[str, ...]) -> Missing:
        return self._presence.missing(lambda name: not patterns or self._indices.matches(patterns, name))

    def _inside(self, batch: Batch) -> Rows | None:
        start, end = self._options.start, self._options.end
        if start is None and end is None:
            return None
        inside: Rows = batch.time != NO_TIME
        if start is not None:
            inside &= batch.time >= start
        if end is not None:
            inside &= batch.time <= end
        self._report.outside += batch.length - int(inside.sum())
        return inside

    def _offered(self, rule: Rule, batch: Batch, inside: Rows | None) -> Rows | None:
        patterns = self._patterns(rule)
        if not patterns:
            return inside
        rows = self._indices.rows(patterns, batch)
        return rows if inside is None else rows & inside

    def _patterns(self, rule: Rule) -> tuple[str, ...]:
        """The index patterns that decide what the rule is offered; none is everything."""
        return rule.index if isinstance(rule, ElasticRule) and not self._options.any_index else ()
