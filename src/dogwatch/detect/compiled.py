"""Rules made ready to run: each lowered to a pattern and checked; one that cannot run costs only itself."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.garbage import uncollected
from dogwatch.detect.prepared import Ready, Refused, Terms, outcomes
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.logic.pattern import OWN_CLOCK, Clock, Limit, Pattern, columns_of
from dogwatch.rules.model import Rule
from dogwatch.rules.ruleset import RuleSet
from dogwatch.schema.field import FieldRef
from dogwatch.schema.schema import Schema


class Role(enum.Enum):
    """What comes of a pattern's hits."""

    DETECTS = "detects"
    """Alerts or incidents."""
    CLEARS = "clears"
    """Incidents of the rule are cleared."""


@dataclass(frozen=True)
class CompiledRule:
    """A rule and what it looks for.

    Attributes:
        rule: The rule.
        pattern: What it looks for.
        limits: Which of the ordered results of a run are kept (the query's pipes).
        clock: What orders the events.
        clearing: The pattern that clears its incidents, if one does.
        role: What comes of the pattern's hits.
    """

    rule: Rule
    pattern: Pattern
    limits: tuple[Limit, ...] = ()
    clock: Clock = OWN_CLOCK
    clearing: Pattern | None = None
    role: Role = Role.DETECTS

    @cached_property
    def columns(self) -> frozenset[FieldRef]:
        """Every column that evaluating the pattern in the order of events reads."""
        return columns_of(self.pattern) | self.clock.fields


@dataclass(frozen=True, slots=True)
class Compiled:
    """The outcome of making rules ready.

    Attributes:
        rules: Those that can run.
        left_out: Those that cannot, each with the reasons.
        notes: Warnings and notices about those that can.
    """

    rules: tuple[CompiledRule, ...]
    left_out: tuple[tuple[Rule, tuple[Diagnostic, ...]], ...] = ()
    notes: tuple[Diagnostic, ...] = ()

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Why rules were left out, and what is to be told of the others."""
        return (*(problem for _, problems in self.left_out for problem in problems), *self.notes)


def compile_rules(
    rules: Iterable[Rule],
    schema: Schema,
    *,
    now: int | None = None,
    hints: bool = False,
    resources: Resources = NO_RESOURCES,
    fortisiem: FortisiemOptions = VENDOR,
) -> Compiled:
    """Lower each rule and check that the engine can evaluate every part of it.

    A disabled rule is left out with a notice. It runs if it is the only one: then it was asked for by itself.
    Rules loaded from files, and then perhaps chosen from, need not be lowered again (``detect.prepared``).

    Args:
        rules: The rules.
        schema: The types of fields.
        now: What ``now`` means in a query's dates, nanoseconds since 1970 UTC.
        hints: Look for the field that an unknown one was meant to be, which takes its time.
        resources: What FortiSIEM's rules refer to: groups, tables, lists.
        fortisiem: How FortiSIEM's texts are read where the vendor leaves room.
    """
    chosen = list(rules)
    asked = [rule for rule in chosen if rule.enabled or len(chosen) == 1]
    origin = rules.origin if isinstance(rules, RuleSet) else None
    terms = Terms(schema, now, hints, resources, fortisiem)
    with uncollected():
        found = {id(rule): outcome for rule, outcome in zip(asked, outcomes(asked, origin, terms), strict=True)}
    ready: list[CompiledRule] = []
    left_out: list[tuple[Rule, tuple[Diagnostic, ...]]] = []
    notes: list[Diagnostic] = []
    for rule in chosen:
        match found.get(id(rule)):
            case Ready(lowered=lowered, clearing=clearing):
                pattern = clearing.pattern if clearing else None
                ready.append(CompiledRule(rule, lowered.pattern, lowered.limits, lowered.clock, pattern))
                notes += (*lowered.notes, *(clearing.notes if clearing else ()))
            case Refused(reasons=reasons):
                left_out.append((rule, reasons))
            case None:
                left_out.append((rule, (_disabled(rule),)))
    return Compiled(tuple(ready), tuple(left_out), tuple(notes))


def with_clearing(rules: Iterable[CompiledRule]) -> list[CompiledRule]:
    """The rules in their order, and after them an entry for each pattern that clears."""
    listed = list(rules)
    clearing = [
        CompiledRule(each.rule, each.clearing, role=Role.CLEARS) for each in listed if each.clearing is not None
    ]
    return [*listed, *clearing]


def _disabled(rule: Rule) -> Diagnostic:
    return Diagnostic(
        "rule-disabled",
        f"{rule.label} ({rule.name}) is disabled in its file and was not run",
        Severity.NOTICE,
        place=rule.place,
        hint="enable it there, or choose it alone with --rule",
    )
