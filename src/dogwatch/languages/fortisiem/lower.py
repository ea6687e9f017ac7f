"""A FortiSIEM rule's pattern clause, from its texts to a pattern over events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity, Span
from dogwatch.base.time import SECOND
from dogwatch.languages.fortisiem.aggregate import AT_LEAST_ONE, AggregateLowering
from dogwatch.languages.fortisiem.ast import Attribute
from dogwatch.languages.fortisiem.composite import lower_joins, lower_relations, lower_shown
from dogwatch.languages.fortisiem.filter import FilterLowering
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions, Strictness
from dogwatch.languages.fortisiem.parser import parse_aggregate, parse_filter
from dogwatch.languages.fortisiem.reading import Reading, Report
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.languages.source import check_text
from dogwatch.logic.pattern import AggregatePattern, CompositePattern, Constraint
from dogwatch.logic.predicate import NEVER, Field, Predicate
from dogwatch.logic.rewrite import has_lists, loosened

MAX_WINDOW = 366 * 86_400
"""Seconds of the longest window."""

_LONG_WINDOW = 86_400
"""Seconds above which a window is pointed out: FortiSIEM's own end at an hour."""


@dataclass(frozen=True, slots=True)
class SubpatternText:
    """One subpattern as a rule writes it.

    Attributes:
        name: Its name.
        filter: Its ``SingleEvtConstr``.
        group_by: The attributes of its ``GroupByAttr``; none is one group of all events.
        aggregate: Its ``GroupEvtConstr``; a blank one is ``COUNT(*) >= 1``.
        shown: Aggregates whose values its incident is given, such as ``AVG(x)``.
    """

    name: str
    filter: str
    group_by: tuple[str, ...] = ()
    aggregate: str = ""
    shown: tuple[str, ...] = ()


def lower_clause(
    subpatterns: Sequence[SubpatternText],
    operators: Sequence[tuple[str, int]],
    global_constraint: str,
    window_seconds: int,
    *,
    type_of: TypeOf,
    resources: Resources = NO_RESOURCES,
    options: FortisiemOptions = VENDOR,
) -> Lowered:
    """What a pattern clause looks for: an ``AggregatePattern``, or a ``CompositePattern`` of several subpatterns.

    Args:
        subpatterns: At least one.
        operators: The word and the rank of each operator, one fewer than the subpatterns.
        global_constraint: What must hold between values of different subpatterns; blank if nothing must.
        window_seconds: The window of the clause, in seconds.
        type_of: The schema of the events, asked for ``fortisiem.<attribute>`` before FortiSIEM's own table.
        resources: What the texts refer to.
        options: The switches.

    Raises:
        DogwatchError: All that is wrong with the clause: ``fortisiem-syntax``; ``query-too-long``;
            ``fortisiem-type`` for comparisons that cannot hold; ``fortisiem-unsupported`` for what we cannot run,
            saying what is missing; ``fortisiem-window``; ``fortisiem-operators``; ``fortisiem-join``.
    """
    report = Report()
    reading = Reading("", type_of, report, resources, options)
    _check_window(window_seconds, report)
    relation = lower_relations([text.name for text in subpatterns], operators, report)
    parts = [_subpattern(text, window_seconds * SECOND, reading) for text in subpatterns]
    parts, joins = lower_joins(global_constraint, parts, relation, reading)
    if report.errors:
        raise DogwatchError((*report.errors, *report.notes))
    if relation is None:
        return Lowered(parts[0], tuple(report.notes))
    return Lowered(CompositePattern(tuple(parts), relation, joins, window_seconds * SECOND), tuple(report.notes))


def lower_filter(
    text: str, *, type_of: TypeOf, resources: Resources = NO_RESOURCES, options: FortisiemOptions = VENDOR
) -> tuple[Predicate, tuple[Diagnostic, ...]]:
    """What a filter over single events asks, and what its author should know.

    The arguments are those of ``lower_clause``.

    Raises:
        DogwatchError: As ``lower_clause``.
    """
    report = Report()
    predicate = _predicate(Reading(text, type_of, report, resources, options))
    if report.errors:
        raise DogwatchError((*report.errors, *report.notes))
    return predicate, tuple(report.notes)


def _check_window(seconds: int, report: Report) -> None:
    if seconds <= 0:
        message = f"a window of {seconds} seconds holds no event"
        report.errors.append(Diagnostic("fortisiem-window", message))
    elif seconds > MAX_WINDOW:
        message = f"a window of {seconds:,} seconds is longer than a year, which is the longest that is run"
        report.errors.append(Diagnostic("fortisiem-window", message))
    elif seconds > _LONG_WINDOW:
        message = f"a window of {seconds:,} seconds keeps more than a day of matching events in memory"
        report.notes.append(Diagnostic("fortisiem-window", message, Severity.WARNING))


def _subpattern(text: SubpatternText, window: int, reading: Reading) -> AggregatePattern:
    if text.name.lower() == "regexp":
        message = "FortiSIEM does not take `regexp` for the name of a subpattern"
        reading.report.notes.append(
            Diagnostic("fortisiem-subpattern-name", message, Severity.WARNING, hint="rename it before exporting")
        )
    group_by = tuple(dict.fromkeys(_group_field(attribute.strip(), reading) for attribute in text.group_by))
    predicate = _predicate(reading.of(text.filter))
    return AggregatePattern(
        text.name,
        loosened(predicate),
        group_by,
        _constraint(text, reading.of(text.aggregate), group_by),
        window,
        keep_null_groups=Strictness.NULL_GROUPS not in reading.options,
        residual=predicate if has_lists(predicate) else None,
        shown=lower_shown(text.shown, group_by, reading),
    )


def _predicate(reading: Reading) -> Predicate:
    try:
        check_text(reading.source)
        condition = parse_filter(reading.source)
    except DogwatchError as error:
        reading.report.errors += error.diagnostics
        return NEVER
    reading.precedence_notes(condition)
    return FilterLowering.of(reading).predicate(condition)


def _constraint(text: SubpatternText, reading: Reading, group_by: tuple[Field, ...]) -> Constraint:
    if not reading.source.strip():
        message = f"{text.name} has no aggregate, so one event is enough: COUNT(*) >= 1"
        reading.report.notes.append(Diagnostic("fortisiem-no-aggregate", message, Severity.NOTICE))
        return AT_LEAST_ONE
    try:
        check_text(reading.source)
        condition = parse_aggregate(reading.source)
    except DogwatchError as error:
        reading.report.errors += error.diagnostics
        return AT_LEAST_ONE
    reading.precedence_notes(condition)
    return AggregateLowering(reading, group_by).constraint(condition)


def _group_field(name: str, reading: Reading) -> Field:
    return reading.of(name).field(Attribute(name, Span(0, len(name))))
