"""Which rows of a batch each rule matches: the shared plan, restricted to what each rule is offered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.index_filter import IndexFilter
from dogwatch.engine.passed import MAX_KEYS, Watch
from dogwatch.engine.plan import Plan
from dogwatch.events.batch import NO_TIME, Batch
from dogwatch.logic.pattern import columns_of, predicates_of
from dogwatch.logic.predicate import Predicate
from dogwatch.rules.model import ElasticRule, Rule
from dogwatch.schema.field import FieldRef

SPOOL_BYTES = 128 * 1024 * 1024
"""Memory for retained rows of a closed scan; beyond it they go to temporary files."""

Rows = npt.NDArray[np.bool_]
"""One answer for each row of a batch."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a scan goes about it.

    Attributes:
        start: Earliest ``@timestamp`` in nanoseconds, inclusive; ``None`` is no limit.
        end: Latest ``@timestamp``, inclusive; ``None`` is no limit.
        any_index: Offer every event to every rule, whatever data streams the rule names.
        follow: Events arrive in the order in which they happen and the stream has no end: sequences and
            incidents are reported as they complete, not after a sort at the end.
        now: The time of an alert whose event has none, nanoseconds.
        spool_bytes: Memory for retained rows.
    """

    start: int | None = None
    end: int | None = None
    any_index: bool = False
    follow: bool = False
    now: int = 0
    spool_bytes: int = SPOOL_BYTES


@dataclass(slots=True)
class ScanReport:
    """What a scan did, apart from what reading did.

    Attributes:
        detections: Alerts (shells, not building blocks) or incidents, by rule instance.
        offered: Rule instances to which at least one event was offered.
        outside: Events outside the stretch of time asked for.
        notes: What the reader of the results should know.
    """

    detections: Counter[str] = field(default_factory=Counter)
    offered: set[str] = field(default_factory=set)
    outside: int = 0
    notes: list[Diagnostic] = field(default_factory=list)

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

    def masks(self, batch: Batch) -> list[Rows]:
        """For each predicate, the rows that satisfy it among those that its rule is offered."""
        inside = self._inside(batch)
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
        if self._options.any_index or not isinstance(rule, ElasticRule) or not rule.index:
            return inside
        rows = self._indices.rows(rule.index, batch)
        return rows if inside is None else rows & inside
