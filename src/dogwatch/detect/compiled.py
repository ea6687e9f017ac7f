"""Rules made ready to run: each lowered to a pattern and checked; one that cannot run costs only itself."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.detect.bound import bound
from dogwatch.engine import plan
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import OWN_CLOCK, Clock, Limit, Pattern, predicates_of
from dogwatch.rules.logic import lower_clear, lower_rule
from dogwatch.rules.model import Rule
from dogwatch.schema.schema import Schema


class Role(enum.Enum):
    """What comes of a pattern's hits."""

    DETECTS = "detects"
    """Alerts or incidents."""
    CLEARS = "clears"
    """Incidents of the rule are cleared."""


@dataclass(frozen=True, slots=True)
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

    Args:
        rules: The rules.
        schema: The types of fields.
        now: What ``now`` means in a query's dates, nanoseconds since 1970 UTC.
        hints: Look for the field that an unknown one was meant to be, which takes its time.
        resources: What FortiSIEM's rules refer to: groups, tables, lists.
        fortisiem: How FortiSIEM's texts are read where the vendor leaves room.
    """
    ready: list[CompiledRule] = []
    left_out: list[tuple[Rule, tuple[Diagnostic, ...]]] = []
    notes: list[Diagnostic] = []
    chosen = list(rules)
    for rule in chosen:
        if not rule.enabled and len(chosen) > 1:
            left_out.append((rule, (_disabled(rule),)))
            continue
        try:
            lowered = lower_rule(rule, schema, now=now, hints=hints, resources=resources, fortisiem=fortisiem)
            clearing = lower_clear(rule, schema, resources=resources, fortisiem=fortisiem)
        except DogwatchError as error:
            left_out.append((rule, error.diagnostics))
            continue
        lowered = bound(lowered, schema)
        clearing = clearing and bound(clearing, schema)
        problems = [problem for each in (lowered, clearing) if each for problem in _problems(each, rule)]
        if problems:
            left_out.append((rule, tuple(problems)))
            continue
        pattern = clearing.pattern if clearing else None
        ready.append(CompiledRule(rule, lowered.pattern, lowered.limits, lowered.clock, pattern))
        notes += lowered.notes
        notes += clearing.notes if clearing else ()
    return Compiled(tuple(ready), tuple(left_out), tuple(notes))


def with_clearing(rules: Iterable[CompiledRule]) -> list[CompiledRule]:
    """The rules in their order, and after them an entry for each pattern that clears."""
    listed = list(rules)
    clearing = [
        CompiledRule(each.rule, each.clearing, role=Role.CLEARS) for each in listed if each.clearing is not None
    ]
    return [*listed, *clearing]


def _problems(lowered: Lowered, rule: Rule) -> list[Diagnostic]:
    return [
        problem if problem.place or rule.query_place is None else replace(problem, place=rule.query_place)
        for problem in plan.check(*predicates_of(lowered.pattern))
    ]


def _disabled(rule: Rule) -> Diagnostic:
    return Diagnostic(
        "rule-disabled",
        f"{rule.label} ({rule.name}) is disabled in its file and was not run",
        Severity.NOTICE,
        place=rule.place,
        hint="enable it there, or choose it alone with --rule",
    )
