"""Which rows of a batch each rule matches: the shared plan, restricted to what each rule is offered."""

from __future__ import annotations

import enum
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.detect.awareness import BlindRule, FieldPresence, Missing, blind_rule
from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.index_filter import IndexFilter
from dogwatch.engine.passed import MAX_KEYS, Watch, ordinals
from dogwatch.engine.plan import Plan
from dogwatch.events.batch import NO_TIME, Batch
from dogwatch.logic.pattern import Clock, SequencePattern, columns_of, predicates_of
from dogwatch.logic.predicate import Predicate
from dogwatch.rules.model import ElasticRule, Rule
from dogwatch.schema.field import FieldRef

SPOOL_BYTES = 128 * 1024 * 1024
"""Memory for retained rows of a closed scan; beyond it they go to temporary files."""

Rows = npt.NDArray[np.bool_]
"""One answer for each row of a batch."""


class OpenWindows(enum.Enum):
    """What becomes of a sequence whose last stage must not occur, if the data ended before its window did."""

    REPORT = "report"
    """It is an alert, as in Elasticsearch, which judges by the data that is there; the alert says so."""
    OMIT = "omit"
    """It is left out."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a scan goes about it.

    Attributes:
        start: Earliest ``@timestamp`` in nanoseconds, inclusive; ``None`` is no limit.
        end: Latest ``@timestamp``, inclusive; ``None`` is no limit.
        any_index: Offer every event to every rule, whatever data streams the rule names.
        follow: Events arrive in the order in which they happen and the stream has no end: sequences and
            incidents are reported as they complete, not after a sort at the end.
        open_windows: What becomes of a sequence that an event after the end of the data could have refuted.
        now: What ``now`` means in the rules' dates, and the time of an alert whose event has none, nanoseconds
            since 1970 UTC.
        present: The time of day: events of a followed stream that are stamped later say nothing about what rules
            wait for in vain.
        spool_bytes: Memory for retained rows.
    """

    start: int | None = None
    end: int | None = None
    any_index: bool = False
    follow: bool = False
    open_windows: OpenWindows = OpenWindows.REPORT
    now: int = field(default_factory=time.time_ns)
    present: Callable[[], int] = time.time_ns
    spool_bytes: int = SPOOL_BYTES


@dataclass(slots=True)
class ScanReport:
    """What a scan did, apart from what reading did.

    Attributes:
        detections: Alerts (shells, not building blocks) or incidents, by rule instance.
        offered: Rule instances to which at least one event was offered.
        outside: Events outside the stretch of time asked for.
        notes: What the reader of the results should know.
        find_blind: Works out ``blind``.
    """

    detections: Counter[str] = field(default_factory=Counter)
    offered: set[str] = field(default_factory=set)
    outside: int = 0
    notes: list[Diagnostic] = field(default_factory=list)
    find_blind: Callable[[], list[BlindRule]] = field(default=list, repr=False)

    @property
    def blind(self) -> list[BlindRule]:
        """Rules that were offered events so far and found nothing, because none had the fields that they need.

        It is worked out when it is asked for, which takes about a tenth of a second for a thousand rules.
        """
        return self.find_blind()

    def found(self, rule_uuid: str) -> None:
        """Count a detection of a rule instance."""
        self.detections[rule_uuid] += 1

    def dropped(self, rule: Rule, count: int) -> None:
        """Note that a memory limit made a rule's matcher drop pending state."""
        if count:
            self.notes.append(
                Diagnostic(
                    "state-evicted",
                    f"{rule.label}: {count} pending sequences or groups were dropped at the memory limit",
                    Severity.WARNING,
                    hint="scan shorter stretches with --from and --to, so that fewer are pending at once",
                )
            )

    def left_open(self, rule: Rule, count: int, ended: str, *, reported: bool) -> None:
        """Note that sequences of a rule could still have been refuted when what it saw ended."""
        if count:
            became = "are reported and marked" if reported else "are left out"
            self.notes.append(
                Diagnostic(
                    "open-window",
                    f"{rule.label} ({rule.name}): {ended} ended within the time in which an event must not "
                    f"follow, for {count} of its sequences, which {became}",
                    Severity.NOTICE,
                    hint="--open-windows chooses between report and omit",
                )
            )

    def piped(self, rule: Rule, kept: int, of: int, stretch: str) -> None:
        """Note that a rule's pipe kept fewer results than were found."""
        if kept < of:
            self.notes.append(
                Diagnostic(
                    "pipe-applied",
                    f"{rule.label} ({rule.name}): its pipe kept {kept} of {of} results of {stretch}",
                    Severity.NOTICE,
                    hint="in Kibana a pipe applies to each of a rule's runs, as it does with --as-scheduled",
                )
            )

    def not_piped(self, rules: Sequence[Rule]) -> None:
        """Note that rules with pipes run over a stream, which has no first or last result."""
        if rules:
            named = ", ".join(rule.label for rule in rules[:5])
            self.notes.append(
                Diagnostic(
                    "pipe-not-applied",
                    f"rules whose pipes keep the first or last results of a run report all of a followed stream: "
                    f"{named}{' ...' if len(rules) > 5 else ''}",
                    Severity.NOTICE,
                )
            )

    def came_too_late(self, rule: Rule, count: int) -> None:
        """Note that events of a followed stream came after the time for which a rule waits."""
        if count:
            self.notes.append(
                Diagnostic(
                    "event-too-late",
                    f"{rule.label}: {count} events came too late to count",
                    Severity.WARNING,
                    hint="scan the events from a file, where their order does not matter",
                )
            )

    def left_out_keys(self, count: int) -> None:
        """Note that events had more join keys than are followed."""
        if count:
            self.notes.append(
                Diagnostic(
                    "join-keys-left-out",
                    f"{count} join keys were not followed: an event may act under {MAX_KEYS} of a stage",
                    Severity.WARNING,
                    hint="many-valued join fields multiply; look at the events that hold so many values",
                )
            )


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
            if isinstance(compiled.pattern, SequencePattern) and compiled.pattern.absences
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
