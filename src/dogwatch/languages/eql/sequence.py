"""EQL's sequences and samples as patterns: their stages, absences and join keys."""

from __future__ import annotations

from collections.abc import Sequence

from dogwatch.languages.eql import ast
from dogwatch.languages.eql.condition import event_filter
from dogwatch.languages.eql.operand import Analysis, Column, describe
from dogwatch.languages.eql.parser import duration_nanos
from dogwatch.logic.pattern import Absence, JoinKey, SamplePattern, SequencePattern, Stage
from dogwatch.logic.predicate import Field
from dogwatch.schema.field import FieldRef, FieldType


def sequence_pattern(analysis: Analysis, node: ast.Sequence, category_field: str) -> SequencePattern:
    """The pattern of a ``sequence``; ``with runs`` is written out, except of events that must not occur."""
    terms = [*node.terms, *([node.until] if node.until else [])]
    of_terms = _stages(analysis, node.keys, terms, category_field)
    until = of_terms.pop() if node.until else None
    stages: list[Stage] = []
    absences: list[Absence] = []
    for term, stage in zip(node.terms, of_terms, strict=True):
        if term.missing:
            absences.append(Absence(stage, len(stages), term.runs))
        else:
            stages += [stage] * term.runs
    maxspan = duration_nanos(node.maxspan) if node.maxspan else None
    return SequencePattern(tuple(stages), maxspan, until, tuple(absences))


def sample_pattern(analysis: Analysis, node: ast.Sample, category_field: str) -> SamplePattern:
    """The pattern of a ``sample``."""
    return SamplePattern(tuple(_stages(analysis, node.keys, node.terms, category_field)))


def _stages(
    analysis: Analysis, common: Sequence[ast.Field], terms: Sequence[ast.Term], category_field: str
) -> list[Stage]:
    keys = _join_keys(analysis, common, terms)
    return [
        Stage(event_filter(analysis, term.filter, category_field), own)
        for term, own in zip(terms, keys, strict=True)
    ]


def _join_keys(
    analysis: Analysis, common: Sequence[ast.Field], terms: Sequence[ast.Term]
) -> list[tuple[JoinKey, ...]]:
    """Each term's key: the common fields, then its own. Fields at one position have one type."""
    shared = [analysis.column(key.path, key.span, optional=key.optional) for key in common]
    rows = [
        [*shared, *(analysis.column(key.path, key.span, optional=key.optional) for key in term.keys)]
        for term in terms
    ]
    for term, row in zip(terms, rows, strict=True):
        if len(row) != len(rows[0]):
            analysis.fail(
                term.span,
                f"this event has {_fields(len(row))}, the first one has {_fields(len(rows[0]))}",
                "all events are joined by the same number of fields",
            )
            return [() for _ in terms]
    types = [_key_type(analysis, position) for position in zip(*rows, strict=True)]
    return [
        tuple(
            JoinKey(Field(FieldRef(column.path, column.type or kind)), column.optional)
            for column, kind in zip(row, types, strict=True)
        )
        for row in rows
    ]


def _fields(count: int) -> str:
    return "1 join field" if count == 1 else f"{count or 'no'} join fields"


def _key_type(analysis: Analysis, columns: Sequence[Column]) -> FieldType:
    """The type of an unknown field in this position; fields of types that are never equal are an error."""
    known = [column for column in columns if column.type is not None]
    for column in known[1:]:
        if _family(column.type) != _family(known[0].type):
            analysis.fail(
                column.span,
                f"the join fields {describe(known[0])} and {describe(column)} are never equal",
            )
            break
    return (known[0].type if known else None) or FieldType.KEYWORD


def _family(kind: FieldType | None) -> FieldType | None:
    if kind is FieldType.LONG:
        return FieldType.DOUBLE
    return FieldType.KEYWORD if kind is FieldType.TEXT else kind
