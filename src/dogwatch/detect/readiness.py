"""Making one rule ready: lowering it, and checking that the engine can evaluate every part of what that gives."""

from __future__ import annotations

import re
from dataclasses import replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.time import SECOND
from dogwatch.detect.bound import bound
from dogwatch.detect.prepared import Outcome, Ready, Refused, Terms
from dogwatch.engine import plan
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import predicates_of
from dogwatch.rules.logic import lower_clear, lower_rule
from dogwatch.rules.model import ElasticRule, Rule

_LATER = 400 * 86400 * SECOND
"""Longer than any unit that dates are rounded to."""
_NOW = re.compile(r"(?<![A-Za-z])now")


def outcome_of(rule: Rule, terms: Terms) -> Outcome:
    """What becomes of a rule under some terms."""
    resources, fortisiem = terms.resources, terms.fortisiem
    try:
        lowered = lower_rule(
            rule, terms.schema, now=terms.now, hints=terms.hints, resources=resources, fortisiem=fortisiem
        )
        clearing = lower_clear(rule, terms.schema, resources=resources, fortisiem=fortisiem)
    except DogwatchError as error:
        return Refused(error.diagnostics)
    lowered = bound(lowered, terms.schema)
    clearing = clearing and bound(clearing, terms.schema)
    problems = [problem for each in (lowered, clearing) if each for problem in _problems(each, rule)]
    return Refused(tuple(problems)) if problems else Ready(lowered, clearing)


def is_timeless(rule: Rule, outcome: Outcome, terms: Terms) -> bool:
    """Whether the same becomes of the rule whatever ``now`` means, within a year.

    Args:
        rule: The rule.
        outcome: What becomes of it under the terms.
        terms: The terms.
    """
    if terms.now is None or not may_ask_now(rule):
        return True
    others = (replace(terms, now=terms.now + moved) for moved in (-_LATER, _LATER))
    return all(outcome_of(rule, other) == outcome for other in others)


def may_ask_now(rule: Rule) -> bool:
    """Whether a text in the rule's query could begin with ``now``, however it is escaped."""
    if not isinstance(rule, ElasticRule):
        return False
    if "\\" not in rule.query:
        return _NOW.search(rule.query) is not None
    return "now" in rule.query.replace("\\", "") or "\\u" in rule.query.lower()


def _problems(lowered: Lowered, rule: Rule) -> list[Diagnostic]:
    return [
        problem if problem.place or rule.query_place is None else replace(problem, place=rule.query_place)
        for problem in plan.check(*predicates_of(lowered.pattern))
    ]
