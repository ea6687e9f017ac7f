"""Which rows of a batch each rule matches: the shared plan, restricted to what each rule is offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dogwatch.base import keep
from dogwatch.detect.awareness import BlindRule, Missing, blind_rule
from dogwatch.detect.compiled import CompiledRule, Role
from dogwatch.detect.findings import Account
from dogwatch.detect.offers import Offers
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.presence import FieldNotes, FieldPresence
from dogwatch.detect.report import ScanProfile, ScanReport, heavy_rule
from dogwatch.engine.plan import Plan
from dogwatch.engine.profile import Cost, PlanProfile
from dogwatch.engine.taking import MatchedRows, Rows, ordinals
from dogwatch.events.batch import NO_TIME, Batch
from dogwatch.logic.pattern import Clock, SequencePattern, predicates_of
from dogwatch.logic.predicate import Predicate
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule
from dogwatch.schema.field import FieldRef

Flags = npt.NDArray[np.bool_]
"""One answer for each row of a batch."""


class Matching:
    """Evaluates all rules' predicates together, batch by batch.

    What it sees it notes in an account. Accounts may come from several processes; settled in the order of the
    input, they make the report.

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
        keys_left_out: Join keys beyond the limit so far.
    """

    def __init__(self, rules: Sequence[CompiledRule], options: ScanOptions, report: ScanReport) -> None:
        self.rules = tuple(rules)
        self.slots: list[range] = []
        self.keys_left_out = 0
        self._options = options
        self._report = report
        predicates: list[Predicate] = []
        for compiled in self.rules:
            own = predicates_of(compiled.pattern)
            self.slots.append(range(len(predicates), len(predicates) + len(own)))
            predicates += own
        self._plan = Plan(predicates, checked=True, cache=keep.folder(), profile=options.profile)
        self.fields: frozenset[FieldRef] = self._plan.fields.union(*(compiled.columns for compiled in self.rules))
        self.newest: dict[Clock, int] = {
            compiled.clock: NO_TIME
            for compiled in self.rules
            if isinstance(compiled.rule, FortisiemRule)
            or (isinstance(compiled.pattern, SequencePattern) and compiled.pattern.absences)
        }
        # Rules with one and the same patterns are offered the same rows.
        self._sets: dict[tuple[str, ...], set[str]] = {}
        for compiled in self.rules:
            self._sets.setdefault(self._patterns(compiled.rule), set()).add(compiled.rule.instance_id)
        numbers = {patterns: number for number, patterns in enumerate(self._sets)}
        self._set_of_slot = [
            numbers[self._patterns(compiled.rule)]
            for compiled, slots in zip(self.rules, self.slots, strict=True)
            for _ in slots
        ]
        self._offers = Offers(self._sets)
        self._offered: set[int] = set()
        self._notes = FieldNotes(self.fields)
        self._presence = FieldPresence(self.fields)
        self._account = self._new_account()
        report.find_blind = self.blind
        rule_of_slot = [
            compiled.rule for compiled, slots in zip(self.rules, self.slots, strict=True) for _ in slots
        ]
        report.notes += (
            heavy_rule(rule_of_slot[found.predicate], found.reason, found.milliseconds)
            for found in self._plan.heavy
        )
        if options.profile:
            report.profile = ScanProfile(
                tuple(compiled.rule for compiled in self.rules),
                self.slots,
                self._plan.leaves,
                self._new_profile(),
                [0] * len(self.rules),
            )

    def select(self, batch: Batch) -> list[Rows]:
        """For each predicate, the rows that satisfy it among those that its rule is offered, ascending."""
        inside = self._inside(batch)
        self._notes.note(batch, inside)
        newest = self._account.newest
        for number, clock in enumerate(self.newest):
            times = ordinals(batch, clock)[0]
            newest[number] = int((times if inside is None else times[inside]).max(initial=newest[number]))
        offered = self._offers.rows(batch, inside)
        if batch.length:
            told = self._account.offered
            told += (
                number
                for number, rows in enumerate(offered)
                if number not in self._offered and (rows is None or bool(rows.any()))
            )
            self._offered.update(told)
        return self._plan.select(batch, [offered[number] for number in self._set_of_slot])

    def matched(self, number: int, found: Sequence[Rows]) -> MatchedRows:
        """A rule's pattern with the rows that satisfy its predicates, out of what ``select`` found."""
        compiled, slots = self.rules[number], self.slots[number]
        return MatchedRows(number, compiled.pattern, found[slots.start : slots.stop], compiled.clock)

    def account(self) -> Account:
        """What was seen since this was last asked."""
        account, self._account = self._account, self._new_account()
        account.presence = self._notes.taken()
        if self._plan.profile is not None:
            account.plan, self._plan.profile = self._plan.profile, self._new_profile()
        return account

    def settle(self, account: Account) -> None:
        """Put what was seen next into the report."""
        sets = list(self._sets.values())
        self._report.offered.update(*(sets[number] for number in account.offered))
        self._report.outside += account.outside
        self.keys_left_out += account.keys_left_out
        self._presence.merge(account.presence)
        if account.plan is not None and self._report.profile is not None:
            self._report.profile.plan.merge([account.plan])
        for clock, latest in zip(self.newest, account.newest, strict=True):
            latest = max(latest, self.newest[clock])
            self.newest[clock] = min(latest, self._options.present()) if self._options.follow else latest

    def blind(self) -> list[BlindRule]:
        """The rules that no event so far could have satisfied, for want of fields, of those that saw any."""
        nowhere = self._presence.missing(lambda _: True)
        missing: dict[int, Missing] = {}
        numbers = {patterns: number for number, patterns in enumerate(self._sets)}
        found = []
        for compiled in self.rules:
            instance = compiled.rule.instance_id
            if instance not in self._report.offered or self._report.detections[instance]:
                continue
            if compiled.role is Role.CLEARS:
                continue
            number = numbers[self._patterns(compiled.rule)]
            if number not in missing:
                missing[number] = self._missing(number)
            blind = blind_rule(compiled, missing[number])
            if blind is not None:
                found.append(replace(blind, everywhere=nowhere.issuperset(blind.fields)))
        return found

    def _missing(self, number: int) -> Missing:
        return self._presence.missing(lambda name: bool(self._offers.covering(name)[number]))

    def _inside(self, batch: Batch) -> Flags | None:
        start, end = self._options.start, self._options.end
        if start is None and end is None:
            return None
        inside: Flags = batch.time != NO_TIME
        if start is not None:
            inside &= batch.time >= start
        if end is not None:
            inside &= batch.time <= end
        self._account.outside += batch.length - int(inside.sum())
        return inside

    def _patterns(self, rule: Rule) -> tuple[str, ...]:
        """The index patterns that decide what the rule is offered; none is everything."""
        return rule.index if isinstance(rule, ElasticRule) and not self._options.any_index else ()

    def _new_profile(self) -> PlanProfile:
        predicates = self.slots[-1].stop if self.slots else 0
        return PlanProfile([Cost() for _ in range(predicates)], [Cost() for _ in self._plan.leaves])

    def _new_account(self) -> Account:
        return Account(newest=[NO_TIME] * len(self.newest))
