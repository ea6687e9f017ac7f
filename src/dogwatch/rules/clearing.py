"""Whether a clear condition that is a pattern says something that can clear an incident."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity, Span
from dogwatch.rules.fortisiem_model import PatternClear, incident_attribute
from dogwatch.rules.model import FortisiemRule

if TYPE_CHECKING:
    from dogwatch.languages.fortisiem.joins import Join


def clearing_pattern(rule: FortisiemRule) -> PatternClear | None:
    """The pattern that clears the rule's incidents, if it has one."""
    condition = rule.clear_condition
    return condition.when if condition is not None and isinstance(condition.when, PatternClear) else None


def check_clear(rule: FortisiemRule) -> list[Diagnostic]:
    """What is wrong with a rule's clear condition: its constraint's text, and the names in it.

    The source of a diagnostic is the constraint; it has no place yet.
    """
    when = clearing_pattern(rule)
    if when is None:
        return []
    from dogwatch.languages.fortisiem.joins import parse_joins

    try:
        joins = parse_joins(when.constraint)
    except DogwatchError as error:
        return list(error.diagnostics)
    found = [each for join in joins for each in _unknown_names(join, rule, when)]
    if not found and not _is_joined(joins, rule, when):
        found.append(
            Diagnostic(
                "fortisiem-no-join",
                f"nothing joins the clear condition {when.name} with the incident: it clears every incident",
                Severity.WARNING,
                hint=f"write a ClearConstr: {when.name}.hostName = {rule.incident.event_type}.hostName",
            )
        )
    return found


def _unknown_names(join: Join, rule: FortisiemRule, when: PatternClear) -> Iterator[Diagnostic]:
    from dogwatch.languages.fortisiem.joins import Named

    owners = {
        when.name.lower(): {each.attribute for each in when.mapping},
        rule.incident.event_type.lower(): {each.attribute for each in rule.incident.mapping},
    }
    for side in (join.left, join.right):
        if not isinstance(side, Named):
            continue
        known = owners.get(side.owner.lower())
        if known is None:
            yield _unknown(
                when,
                side.span,
                f"`{side.owner}` is neither the clear condition nor the incident"
                if side.owner
                else f"`{side.source}` is an attribute of the clear condition or of the incident?",
                f"write {when.name}.attribute or {rule.incident.event_type}.attribute",
            )
        elif incident_attribute(side.source) not in map(incident_attribute, known):
            yield _unknown(
                when,
                side.span,
                f"`{side.owner}` has no attribute `{side.source}`",
                f"it has {', '.join(sorted(known)) or 'none'}; attributes are mapped in an ArgList",
            )


def _unknown(when: PatternClear, span: Span, message: str, hint: str) -> Diagnostic:
    return Diagnostic("fortisiem-unknown-name", message, source=when.constraint, span=span, hint=hint)


def _is_joined(joins: tuple[Join, ...], rule: FortisiemRule, when: PatternClear) -> bool:
    from dogwatch.languages.fortisiem.joins import Named

    if joins:
        return any(
            isinstance(join.left, Named)
            and isinstance(join.right, Named)
            and join.left.owner.lower() != join.right.owner.lower()
            for join in joins
        )
    own = {incident_attribute(each.attribute) for each in rule.incident.mapping}
    return any(incident_attribute(each.attribute) in own for each in when.mapping)
