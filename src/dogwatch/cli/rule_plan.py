"""What the engine is asked for a rule, or for each of many."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.base.text import printable
from dogwatch.cli.console import show_diagnostics, show_error, stderr
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.printer import describe
from dogwatch.rules.logic import lower_query, unread
from dogwatch.rules.model import Rule
from dogwatch.schema.schema import Schema


def show_plan(rule: Rule) -> bool:
    """Print the plan of one rule and the notes on it; whether there is one."""
    schema = Schema.ecs()
    try:
        lowered = lower_query(rule, schema, now=time.time_ns(), hints=True)
    except DogwatchError as error:
        show_error(error)
        return False
    show_diagnostics([*_not_run(rule), *lowered.notes], stderr())
    sys.stdout.write(_text(lowered) + "\n")
    return True


def show_plans(rules: Iterable[Rule]) -> bool:
    """Print the plan of each rule under its name and id, and the errors; whether there is one for every rule.

    A rule without a plan keeps its heading, so that two lists of plans stay comparable.
    """
    schema = Schema.ecs()
    now = time.time_ns()
    is_whole = True
    for number, rule in enumerate(rules):
        sys.stdout.write("\n" if number else "")
        sys.stdout.write(f"# {printable(rule.name)} ({printable(rule.label)})\n")
        why = unread(rule)
        if why is None:
            try:
                sys.stdout.write(_text(lower_query(rule, schema, now=now)) + "\n")
            except DogwatchError as error:
                why = "the query has errors"
                show_error(error)
        if why is not None:
            is_whole = False
            sys.stdout.write(f"no plan: {printable(why)}\n")
    return is_whole


def _text(lowered: Lowered) -> str:
    return describe(lowered.pattern, lowered.limits, lowered.clock)


def _not_run(rule: Rule) -> tuple[Diagnostic, ...]:
    if rule.obstacle is None:
        return ()
    message = f"{rule.obstacle}; this is what its query finds"
    return (Diagnostic("rule-unsupported", message, Severity.NOTICE, place=rule.place),)
