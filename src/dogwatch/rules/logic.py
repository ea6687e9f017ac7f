"""From a rule to what the engine looks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, Severity
from dogwatch.languages import eql
from dogwatch.languages.eql.lower import EVENT_CATEGORY, TIMESTAMP
from dogwatch.languages.eql.operand import Suggest
from dogwatch.languages.fortisiem.lower import lower_subpattern
from dogwatch.languages.kql.lower import lower_text as lower_kql
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.logic.pattern import SequencePattern
from dogwatch.rules.filters import filters_predicate, restricted
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule


def lower_rule(
    rule: Rule,
    type_of: TypeOf,
    *,
    now: int | None = None,
    known_fields: Collection[str] = (),
    suggest: Suggest | None = None,
) -> Lowered:
    """The pattern of a rule, with what its author should know.

    Args:
        rule: The rule.
        type_of: The schema that its fields are read under.
        now: What ``now`` means in a query's dates, in nanoseconds since 1970 UTC.
        known_fields: The fields that wildcards in field names stand for.
        suggest: From the name of an unknown field to a hint, if hints are wanted.

    Raises:
        DogwatchError: ``rule-unsupported`` if rules of its kind are not run here, or the language's own
            diagnostics; each is placed in the rule's file, where the query stands.
    """
    if rule.obstacle is not None:
        raise DogwatchError(
            Diagnostic("rule-unsupported", f"{rule.obstacle}, so {rule.name} is left out", place=rule.place)
        )
    try:
        lowered = _lowered(rule, type_of, now, known_fields, suggest)
        if isinstance(rule, ElasticRule) and rule.filters:
            allowed = filters_predicate(rule.filters, type_of)
            lowered = replace(lowered, pattern=restricted(lowered.pattern, allowed))
    except DogwatchError as error:
        raise DogwatchError(_placed(diagnostic, rule) for diagnostic in error.diagnostics) from error
    notes = (*lowered.notes, *_own_notes(rule, lowered))
    return Lowered(lowered.pattern, tuple(_placed(note, rule) for note in notes))


def _lowered(
    rule: Rule, type_of: TypeOf, now: int | None, known_fields: Collection[str], suggest: Suggest | None
) -> Lowered:
    match rule:
        case FortisiemRule(subpatterns=(only,)):
            return lower_subpattern(
                only.name, only.filter, only.group_by, only.aggregate, rule.window, type_of=type_of
            )
        case ElasticRule(language="eql"):
            return eql.lower_text(
                rule.query,
                type_of=type_of,
                event_category_field=rule.event_category_override or EVENT_CATEGORY,
                timestamp_field=rule.timestamp_field or TIMESTAMP,
                suggest=suggest,
            )
        case ElasticRule():
            return lower_kql(rule.query, type_of=type_of, now=now, known_fields=known_fields)
        case FortisiemRule():
            raise AssertionError("a rule with an obstacle is refused before")


def _own_notes(rule: Rule, lowered: Lowered) -> tuple[Diagnostic, ...]:
    """What the rule asks for beyond its query and does not get."""
    notes: list[Diagnostic] = []
    if isinstance(rule, ElasticRule) and rule.exceptions_list:
        notes.append(
            Diagnostic(
                "exceptions-not-applied",
                "this rule refers to exception lists, which are not applied: it may fire on what they exempt",
                Severity.WARNING,
            )
        )
    if (
        isinstance(rule, ElasticRule)
        and rule.tiebreaker_field is not None
        and isinstance(lowered.pattern, SequencePattern)
    ):
        notes.append(
            Diagnostic(
                "tiebreaker-not-applied",
                f"events of one instant are put in their own order, not in that of `{rule.tiebreaker_field}`",
                Severity.WARNING,
            )
        )
    return tuple(notes)


def _placed(diagnostic: Diagnostic, rule: Rule) -> Diagnostic:
    begin = _text_place(diagnostic, rule)
    if begin is not None and diagnostic.source is not None:
        return diagnostic.at(begin)
    # It speaks of the rule as a whole, or of a text that the file holds escaped (JSON).
    return replace(diagnostic, place=rule.place)


def _text_place(diagnostic: Diagnostic, rule: Rule) -> Place | None:
    match rule:
        case FortisiemRule(subpatterns=(only, *_)) if diagnostic.source == only.aggregate:
            return only.aggregate_place
        case _:
            return rule.query_place
