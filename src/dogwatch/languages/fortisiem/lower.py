"""One FortiSIEM subpattern, from its texts to a pattern over events."""

from __future__ import annotations

from collections.abc import Sequence

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span
from dogwatch.base.text import Fold
from dogwatch.base.time import SECOND
from dogwatch.languages.fortisiem.aggregate import AT_LEAST_ONE, lower_constraint
from dogwatch.languages.fortisiem.ast import Attribute
from dogwatch.languages.fortisiem.filter import FilterLowering
from dogwatch.languages.fortisiem.parser import parse_aggregate, parse_filter
from dogwatch.languages.fortisiem.reading import Reading, Report
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.languages.source import check_text
from dogwatch.logic.pattern import AggregatePattern, Constraint
from dogwatch.logic.predicate import Field, Predicate


def lower_subpattern(
    name: str,
    filter_text: str,
    group_by: Sequence[str],
    aggregate_text: str,
    window_seconds: int,
    *,
    type_of: TypeOf,
    strict_case: bool = False,
    strict_null: bool = False,
    missing_differs: bool = False,
) -> Lowered:
    """What one subpattern looks for.

    Args:
        name: The subpattern's name.
        filter_text: Its ``SingleEvtConstr``.
        group_by: The attributes of its ``GroupByAttr``; none is one group of all events.
        aggregate_text: Its ``GroupEvtConstr``; a blank one is ``COUNT(*) >= 1``.
        window_seconds: The window of the rule, in seconds.
        type_of: The schema of the events, asked for ``fortisiem.<attribute>`` before FortiSIEM's own table.
        strict_case: Letter case counts in ``=``, ``IN``, ``CONTAIN`` and ``REGEXP``.
        strict_null: An event without one of the grouping attributes is dropped, instead of joining a group
            with null there.
        missing_differs: ``!=`` and the negated operators are true of an event without the attribute.

    Raises:
        DogwatchError: ``fortisiem-syntax``; ``query-too-long``; ``fortisiem-type`` for comparisons that cannot
            hold; ``fortisiem-unsupported`` for what we cannot run, saying what is missing.
    """
    for text in (filter_text, aggregate_text):
        check_text(text)
    report = Report()
    if window_seconds <= 0:
        report.errors.append(
            Diagnostic("fortisiem-window", f"a window of {window_seconds} seconds holds no event")
        )
    filter_reading = Reading(filter_text, type_of, report)
    lowering = FilterLowering(filter_reading, Fold.NONE if strict_case else Fold.UNICODE, missing_differs)
    predicate = _predicate(lowering, report)
    constraint = _constraint(Reading(aggregate_text, type_of, report))
    fields = tuple(dict.fromkeys(_group_field(attribute.strip(), type_of, report) for attribute in group_by))
    if report.errors or predicate is None or constraint is None:
        raise DogwatchError(report.errors)
    pattern = AggregatePattern(
        name, predicate, fields, constraint, window_seconds * SECOND, keep_null_groups=not strict_null
    )
    return Lowered(pattern, tuple(report.notes))


def _predicate(lowering: FilterLowering, report: Report) -> Predicate | None:
    try:
        condition = parse_filter(lowering.reading.source)
    except DogwatchError as error:
        report.errors += error.diagnostics
        return None
    lowering.reading.precedence_notes(condition)
    return lowering.predicate(condition)


def _constraint(reading: Reading) -> Constraint | None:
    if not reading.source.strip():
        return AT_LEAST_ONE
    try:
        condition = parse_aggregate(reading.source)
    except DogwatchError as error:
        reading.report.errors += error.diagnostics
        return None
    reading.precedence_notes(condition)
    return lower_constraint(condition, reading)


def _group_field(name: str, type_of: TypeOf, report: Report) -> Field:
    reading = Reading(name, type_of, report)
    return reading.field(Attribute(name, Span(0, len(name))))
