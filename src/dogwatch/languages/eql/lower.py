"""From an EQL query's syntax tree to the engine's pattern, with what limits and orders its results."""

from __future__ import annotations

from dogwatch.base.diagnostic import DogwatchError, Span
from dogwatch.languages.eql import ast
from dogwatch.languages.eql.condition import event_filter, value_of
from dogwatch.languages.eql.operand import Analysis, Column, Constant, Suggest, describe
from dogwatch.languages.eql.sequence import sample_pattern, sequence_pattern
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.logic.pattern import Clock, End, EventPattern, Limit, Pattern
from dogwatch.schema.field import FieldRef, FieldType

EVENT_CATEGORY = "event.category"
"""The field that the category before ``where`` is compared with, unless a rule says otherwise."""

TIMESTAMP = "@timestamp"
"""The field that gives events their time, unless a rule says otherwise."""

MAX_LIMIT = 2**31 - 1
"""Largest number that a pipe takes, as in Elasticsearch."""

_ENDS = {end.value: end for end in End}


def lower(
    query: ast.Query,
    *,
    type_of: TypeOf,
    event_category_field: str = EVENT_CATEGORY,
    timestamp_field: str = TIMESTAMP,
    tiebreaker_field: str | None = None,
    now: int | None = None,
    suggest: Suggest | None = None,
) -> Lowered:
    """The pattern that a query looks for.

    Args:
        query: The syntax tree.
        type_of: The schema: types of the fields. One that it does not know takes the type of what it is compared
            with, and is mentioned in a warning ``unknown-field`` unless the query marks it optional.
        event_category_field: The field that holds the event's category.
        timestamp_field: The field that events are ordered by, a date.
        tiebreaker_field: The field that orders events of one time; one that is neither a whole number nor a date
            is left aside with a warning ``tiebreaker-not-applied``.
        now: What ``now`` means in dates, nanoseconds since 1970 UTC; without it such dates are refused.
        suggest: From an unknown field's path to a hint.

    Raises:
        DogwatchError: All problems together: ``eql-verification`` for what Elasticsearch would refuse,
            ``eql-unsupported`` for what cannot be run here.
    """
    analysis = Analysis(query.text, type_of, suggest, now)
    pattern: Pattern
    match query.body:
        case ast.EventFilter():
            pattern = EventPattern(event_filter(analysis, query.body, event_category_field))
        case ast.Sequence():
            pattern = sequence_pattern(analysis, query.body, event_category_field)
        case ast.Sample():
            pattern = sample_pattern(analysis, query.body, event_category_field)
    limits = [limit for pipe in query.pipes if (limit := _limit(analysis, pipe)) is not None]
    clock = _clock(analysis, query.body.span, timestamp_field, tiebreaker_field)
    if analysis.errors:
        told = (*analysis.errors, *analysis.notes)
        raise DogwatchError(sorted(told, key=lambda each: each.span.start if each.span else 0))
    return Lowered(pattern, tuple(analysis.notes), tuple(limits), clock)


def _limit(analysis: Analysis, pipe: ast.Pipe) -> Limit | None:
    end = _ENDS.get(pipe.name)
    if end is None:
        analysis.fail(
            pipe.span,
            f"Elasticsearch does not run the pipe `{pipe.name}`",
            "it runs `| head 10` and `| tail 10`, which keep the first or the last results",
        )
        return None
    example = f"such as `| {pipe.name} 10`"
    if len(pipe.args) != 1:
        analysis.fail(pipe.span, f"`{pipe.name}` takes one number, not {len(pipe.args) or 'none'}", example)
        return None
    argument = value_of(analysis, pipe.args[0])
    match argument:
        case Constant(value=int() as count, type=FieldType.LONG) if 0 <= count <= MAX_LIMIT:
            return Limit(end, count)
        case _:
            analysis.fail(
                pipe.args[0].span,
                f"`{pipe.name}` takes a whole number from 0 to {MAX_LIMIT:,}, not {describe(argument)}",
                example,
            )
            return None


def _clock(analysis: Analysis, whole: Span, timestamp_field: str, tiebreaker_field: str | None) -> Clock:
    timestamp = None
    if timestamp_field != TIMESTAMP:
        column = Column(timestamp_field, analysis.type_of(timestamp_field), optional=False, span=whole)
        timestamp = FieldRef(timestamp_field, FieldType.DATE)
        if column.type not in (None, FieldType.DATE):
            analysis.fail(whole, f"{describe(column)} cannot order events by time", "name a field of dates")
    if tiebreaker_field is None:
        return Clock(timestamp)
    column = Column(tiebreaker_field, analysis.type_of(tiebreaker_field), optional=False, span=whole)
    if column.type not in (None, FieldType.LONG, FieldType.DATE):
        analysis.warn(
            "tiebreaker-not-applied",
            whole,
            f"events of one time are put in their own order, because {describe(column)} is neither a whole number "
            "nor a date",
        )
        return Clock(timestamp)
    return Clock(timestamp, FieldRef(tiebreaker_field, column.type or FieldType.LONG))
