"""From a rule to what the engine looks for."""

from __future__ import annotations

from dataclasses import replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.languages import eql
from dogwatch.languages.eql.lower import EVENT_CATEGORY, TIMESTAMP
from dogwatch.languages.eql.operand import Suggest
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.languages.kql.lower import lower_text as lower_kql
from dogwatch.languages.lowering import Lowered
from dogwatch.languages.lucene.lower import lower_text as lower_lucene
from dogwatch.rules.filters import filters_predicate, restricted
from dogwatch.rules.fortisiem_lowering import lower_clearing, lower_detection
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule
from dogwatch.schema.schema import Schema


def lower_rule(
    rule: Rule,
    schema: Schema,
    *,
    now: int | None = None,
    hints: bool = False,
    resources: Resources = NO_RESOURCES,
    fortisiem: FortisiemOptions = VENDOR,
) -> Lowered:
    """The pattern of a rule that can run here, with what its author should know.

    Args:
        rule: The rule.
        schema: What its fields are read under; fields stay as the query names them (``Schema.bind``).
        now: What ``now`` means in a query's dates, in nanoseconds since 1970 UTC.
        hints: Look for the field that an unknown one was meant to be, which takes its time.
        resources: What a FortiSIEM rule refers to: groups, tables, lists.
        fortisiem: How FortiSIEM's texts are read where the vendor leaves room.

    Raises:
        DogwatchError: ``rule-unsupported`` if rules of its kind are not run here, or the language's own
            diagnostics; each is placed in the rule's file, where the query stands.
    """
    if rule.obstacle is not None:
        raise _unsupported(rule, rule.obstacle)
    return lower_query(rule, schema, now=now, hints=hints, resources=resources, fortisiem=fortisiem)


def lower_query(
    rule: Rule,
    schema: Schema,
    *,
    now: int | None = None,
    hints: bool = False,
    resources: Resources = NO_RESOURCES,
    fortisiem: FortisiemOptions = VENDOR,
) -> Lowered:
    """What a rule's query and filters look for, also of a rule whose type is not run here.

    For a rule of a type that does more with the events than find them (threshold, new terms, indicator match)
    these are the events that it starts from. The arguments are those of ``lower_rule``.

    Raises:
        DogwatchError: ``rule-unsupported`` if the query's language is not read here, or there is no one query;
            else as for ``lower_rule``.
    """
    try:
        lowered = (
            lower_detection(rule, type_of=schema.type_of, resources=resources, options=fortisiem)
            if isinstance(rule, FortisiemRule)
            else _lowered(rule, schema, now, schema.hint if hints else None)
        )
        if isinstance(rule, ElasticRule) and rule.filters:
            allowed = filters_predicate(rule.filters, schema.type_of)
            lowered = replace(lowered, pattern=restricted(lowered.pattern, allowed))
    except DogwatchError as error:
        raise DogwatchError(_placed(diagnostic, rule) for diagnostic in error.diagnostics) from error
    return _noted(lowered, rule, _own_notes(rule))


def lower_clear(
    rule: Rule,
    schema: Schema,
    *,
    resources: Resources = NO_RESOURCES,
    fortisiem: FortisiemOptions = VENDOR,
) -> Lowered | None:
    """The pattern that clears a FortiSIEM rule's incidents, if one does.

    Raises:
        DogwatchError: As for ``lower_rule``.
    """
    if not isinstance(rule, FortisiemRule):
        return None
    try:
        lowered = lower_clearing(rule, type_of=schema.type_of, resources=resources, options=fortisiem)
    except DogwatchError as error:
        raise DogwatchError(_placed(diagnostic, rule) for diagnostic in error.diagnostics) from error
    return None if lowered is None else _noted(lowered, rule)


def _noted(lowered: Lowered, rule: Rule, more: tuple[Diagnostic, ...] = ()) -> Lowered:
    return replace(lowered, notes=tuple(_placed(note, rule) for note in (*lowered.notes, *more)))


def _lowered(rule: ElasticRule, schema: Schema, now: int | None, suggest: Suggest | None) -> Lowered:
    match rule.language:
        case "eql":
            return eql.lower_text(
                rule.query,
                type_of=schema.type_of,
                event_category_field=rule.event_category_override or EVENT_CATEGORY,
                timestamp_field=rule.timestamp_field or TIMESTAMP,
                tiebreaker_field=rule.tiebreaker_field,
                now=now,
                suggest=suggest,
            )
        case "kuery" | "lucene":
            lower = lower_kql if rule.language == "kuery" else lower_lucene
            return lower(
                rule.query,
                type_of=schema.type_of,
                now=now,
                known_fields=schema.mappings,
                mapping_of=schema.mappings.get,
            )
        case _:
            raise _unsupported(rule, unread(rule) or "its query is not read here")


def unread(rule: Rule) -> str | None:
    """Why a rule has no query that is read here, as the beginning of a sentence; ``None`` if it has one."""
    match rule:
        case FortisiemRule() | ElasticRule(language="eql" | "kuery" | "lucene"):
            return None
        case ElasticRule(language=""):
            return f"rules of type `{rule.type}` have no query"
        case ElasticRule(language=language):
            return f"queries in `{language}` are not read here"


def _unsupported(rule: Rule, why: str) -> DogwatchError:
    return DogwatchError(Diagnostic("rule-unsupported", f"{why}, so {rule.name} is left out", place=rule.place))


def _own_notes(rule: Rule) -> tuple[Diagnostic, ...]:
    """What the rule asks for beyond its query and does not get."""
    if isinstance(rule, ElasticRule) and rule.exceptions_list:
        return (
            Diagnostic(
                "exceptions-not-applied",
                "this rule refers to exception lists, which are not applied: it may fire on what they exempt",
                Severity.WARNING,
            ),
        )
    return ()


def _placed(diagnostic: Diagnostic, rule: Rule) -> Diagnostic:
    if isinstance(rule, FortisiemRule):
        return diagnostic if diagnostic.place is not None else replace(diagnostic, place=rule.place)
    if rule.query_place is not None and diagnostic.source is not None:
        return diagnostic.at(rule.query_place, rule.query_steps)
    # It speaks of the rule as a whole, or of a text whose place is not known (JSON).
    return replace(diagnostic, place=rule.place)
