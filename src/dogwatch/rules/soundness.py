"""Whether the query of each rule says something that can be evaluated, whatever the rule's type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.engine import plan
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import predicates_of
from dogwatch.rules.logic import lower_clear, lower_query, unread
from dogwatch.rules.model import ElasticRule, Rule
from dogwatch.schema.schema import Schema


@dataclass(frozen=True, slots=True)
class Checked:
    """One rule and what is wrong with its query.

    Attributes:
        rule: The rule.
        problems: Errors, warnings and notices about the query, placed in the rule's file.
        is_read: Whether its query is in a language that is read here; else ``problems`` says nothing of it.
    """

    rule: Rule
    problems: tuple[Diagnostic, ...]
    is_read: bool

    @property
    def is_sound(self) -> bool:
        """Whether the query was read and no error found."""
        return self.is_read and all(each.severity is not Severity.ERROR for each in self.problems)

    @property
    def can_run(self) -> bool:
        """Whether a scan with this rule among others runs it."""
        return self.is_sound and self.rule.obstacle is None and self.rule.enabled

    @property
    def language(self) -> str:
        """The query's language, ``fortisiem`` for rules of FortiSIEM; empty if the rule has no query."""
        return self.rule.language if isinstance(self.rule, ElasticRule) else "fortisiem"


def check_rules(
    rules: Iterable[Rule],
    schema: Schema,
    *,
    now: int | None = None,
    hints: bool = False,
    resources: Resources = NO_RESOURCES,
    fortisiem: FortisiemOptions = VENDOR,
) -> Iterator[Checked]:
    """Each rule with what is wrong with its query.

    Args:
        rules: The rules, also those of types that are not run here and those that are disabled.
        schema: The types of fields.
        now: What ``now`` means in a query's dates, nanoseconds since 1970 UTC.
        hints: Look for the field that an unknown one was meant to be, which takes its time.
        resources: What FortiSIEM's rules refer to: groups, tables, lists.
        fortisiem: How FortiSIEM's texts are read where the vendor leaves room.
    """
    detects = partial(lower_query, schema=schema, now=now, hints=hints, resources=resources, fortisiem=fortisiem)
    clears = partial(lower_clear, schema=schema, resources=resources, fortisiem=fortisiem)
    for rule in rules:
        is_read = unread(rule) is None
        yield Checked(rule, _problems(rule, (detects, clears)) if is_read else (), is_read)


def _problems(rule: Rule, lowerings: Iterable[Callable[[Rule], Lowered | None]]) -> tuple[Diagnostic, ...]:
    found: list[Diagnostic] = []
    # What is wrong with the pattern must not hide what is wrong with the one that clears it.
    for lower in lowerings:
        try:
            lowered = lower(rule)
        except DogwatchError as error:
            found += error.diagnostics
            continue
        if lowered is not None:
            found += (
                problem if problem.place is not None else replace(problem, place=rule.query_place or rule.place)
                for problem in plan.check(*predicates_of(lowered.pattern))
            )
            found += lowered.notes
    return tuple(found)
