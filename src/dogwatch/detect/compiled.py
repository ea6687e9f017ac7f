"""Rules made ready to run: each lowered to a pattern and checked; one that cannot run costs only itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.detect.bound import bound
from dogwatch.engine import plan
from dogwatch.logic.pattern import OWN_CLOCK, Clock, Limit, Pattern, predicates_of
from dogwatch.rules.logic import lower_rule
from dogwatch.rules.model import Rule
from dogwatch.schema.schema import Schema


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule and what it looks for.

    Attributes:
        rule: The rule.
        pattern: What it looks for.
        limits: Which of the ordered results of a run are kept (the query's pipes).
        clock: What orders the events.
    """

    rule: Rule
    pattern: Pattern
    limits: tuple[Limit, ...] = ()
    clock: Clock = OWN_CLOCK


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
    rules: Iterable[Rule], schema: Schema, *, now: int | None = None, hints: bool = False
) -> Compiled:
    """Lower each rule and check that the engine can evaluate every part of it.

    A disabled rule is left out with a notice.

    Args:
        rules: The rules.
        schema: The types of fields.
        now: What ``now`` means in a query's dates, nanoseconds since 1970 UTC.
        hints: Look for the field that an unknown one was meant to be, which takes its time.
    """
    ready: list[CompiledRule] = []
    left_out: list[tuple[Rule, tuple[Diagnostic, ...]]] = []
    notes: list[Diagnostic] = []
    for rule in rules:
        if not rule.enabled:
            left_out.append((rule, (_disabled(rule),)))
            continue
        try:
            lowered = lower_rule(rule, schema, now=now, hints=hints)
        except DogwatchError as error:
            left_out.append((rule, error.diagnostics))
            continue
        lowered = bound(lowered, schema)
        problems = [
            problem if problem.place or rule.query_place is None else replace(problem, place=rule.query_place)
            for problem in plan.check(*predicates_of(lowered.pattern))
        ]
        if problems:
            left_out.append((rule, tuple(problems)))
            continue
        ready.append(CompiledRule(rule, lowered.pattern, lowered.limits, lowered.clock))
        notes += lowered.notes
    return Compiled(tuple(ready), tuple(left_out), tuple(notes))


def _disabled(rule: Rule) -> Diagnostic:
    return Diagnostic(
        "rule-disabled",
        f"{rule.label} ({rule.name}) is disabled in its file and was not run",
        Severity.NOTICE,
        place=rule.place,
        hint="enable it there, or give its file alone with --rules",
    )
