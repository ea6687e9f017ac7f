"""What the engine is asked for a rule, or for each of many."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.base.text import printable
from dogwatch.cli.console import show_diagnostics, show_error
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.languages.fortisiem.resources import Resources
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.printer import describe
from dogwatch.rules.logic import lower_clear, lower_query, unread
from dogwatch.rules.model import Rule
from dogwatch.schema.schema import Schema


class Plans:
    """Prints plans.

    Args:
        resources: What FortiSIEM's rules refer to.
        fortisiem: How FortiSIEM's texts are read.
    """

    def __init__(self, resources: Resources, fortisiem: FortisiemOptions) -> None:
        self._schema = Schema.ecs()
        self._now = time.time_ns()
        self._resources = resources
        self._fortisiem = fortisiem

    def show(self, rule: Rule) -> bool:
        """Print the plan of one rule and the notes on it; whether there is one."""
        try:
            plan = self._lowered(rule, hints=True)
        except DogwatchError as error:
            show_error(error)
            return False
        show_diagnostics([*_not_run(rule), *(note for each in plan for note in each.notes)])
        sys.stdout.write(_text(plan))
        return True

    def show_all(self, rules: Iterable[Rule]) -> bool:
        """Print the plan of each rule under its name and id, and the errors; whether there is one for every rule.

        A rule without a plan keeps its heading, so that two lists of plans stay comparable.
        """
        is_whole = True
        for number, rule in enumerate(rules):
            sys.stdout.write("\n" if number else "")
            sys.stdout.write(f"# {printable(rule.name)} ({printable(rule.label)})\n")
            why = unread(rule)
            if why is None:
                try:
                    sys.stdout.write(_text(self._lowered(rule)))
                except DogwatchError as error:
                    why = "the query has errors"
                    show_error(error)
            if why is not None:
                is_whole = False
                sys.stdout.write(f"no plan: {printable(why)}\n")
        return is_whole

    def _lowered(self, rule: Rule, *, hints: bool = False) -> list[Lowered]:
        """What the rule looks for, and after it what clears its incidents, if a pattern does."""
        resources, fortisiem = self._resources, self._fortisiem
        query = lower_query(
            rule, self._schema, now=self._now, hints=hints, resources=resources, fortisiem=fortisiem
        )
        clear = lower_clear(rule, self._schema, resources=resources, fortisiem=fortisiem)
        return [query] if clear is None else [query, clear]


def _text(plan: list[Lowered]) -> str:
    described = (describe(each.pattern, each.limits, each.clock) + "\n" for each in plan)
    return "cleared by\n".join(described)


def _not_run(rule: Rule) -> tuple[Diagnostic, ...]:
    if rule.obstacle is None:
        return ()
    message = f"{rule.obstacle}; this is what its query finds"
    return (Diagnostic("rule-unsupported", message, Severity.NOTICE, place=rule.place),)
