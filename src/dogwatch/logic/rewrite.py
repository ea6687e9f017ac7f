"""Patterns made over: with other predicates, or with their fields read in another way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateExpression,
    AggregateOr,
    AggregatePattern,
    Arithmetic,
    Constraint,
    EventPattern,
    Number,
    Pattern,
    SamplePattern,
    SequencePattern,
    Stage,
)
from dogwatch.logic.predicate import (
    And,
    AnyWord,
    Between,
    Call,
    Compare,
    Constant,
    Exists,
    Expression,
    Field,
    IsTrue,
    Literal,
    Not,
    Or,
    Predicate,
    Truth,
    Within,
    Words,
    fields_of,
)
from dogwatch.schema.field import FieldRef

ChangePredicate = Callable[[Predicate], Predicate]
ChangeRef = Callable[[FieldRef], FieldRef]
ChangeField = Callable[[Field], Field]


def with_predicates(pattern: Pattern, change: ChangePredicate) -> Pattern:
    """The pattern with each of its predicates replaced; those of absences and of ``until`` too."""

    def stage(old: Stage) -> Stage:
        return replace(old, predicate=change(old.predicate))

    match pattern:
        case EventPattern(predicate=predicate):
            return EventPattern(change(predicate))
        case AggregatePattern(predicate=predicate):
            return replace(pattern, predicate=change(predicate))
        case SamplePattern() | SequencePattern():
            return _with_stages(pattern, stage)


def with_fields(pattern: Pattern, change: ChangeRef) -> Pattern:
    """The pattern with each column that it reads replaced: in predicates, keys, groups and aggregates."""

    def stage(old: Stage) -> Stage:
        keys = tuple(replace(key, field=_field(key.field, change)) for key in old.keys)
        return Stage(predicate_with_fields(old.predicate, change), keys)

    match pattern:
        case EventPattern(predicate=predicate):
            return EventPattern(predicate_with_fields(predicate, change))
        case SamplePattern() | SequencePattern():
            return _with_stages(pattern, stage)
        case AggregatePattern():
            return replace(
                pattern,
                predicate=predicate_with_fields(pattern.predicate, change),
                group_by=tuple(_field(field, change) for field in pattern.group_by),
                constraint=_constraint(pattern.constraint, change),
            )


def predicate_with_fields(node: Predicate, change: ChangeRef) -> Predicate:
    """The predicate with each column that it reads replaced."""
    return _changed(node, lambda field: _field(field, change))


def with_own_values(node: Predicate) -> Predicate:
    """The predicate with each mention of a field in a leaf standing for a value of its own.

    So ``concat(a, a) == "xy"`` is true of an event whose ``a`` has the values ``x`` and ``y``.
    """
    match node:
        case And(parts=parts):
            return And(tuple(with_own_values(part) for part in parts))
        case Or(parts=parts):
            return Or(tuple(with_own_values(part) for part in parts))
        case Not(part=part):
            return Not(with_own_values(part))
        case IsTrue(part=part):
            return IsTrue(with_own_values(part))
        case _:
            return _numbered(node)


def _numbered(leaf: Predicate) -> Predicate:
    fields = list(fields_of(leaf))
    if len(set(fields)) == len(fields):
        return leaf
    seen: Counter[Field] = Counter()

    def numbered(field: Field) -> Field:
        seen[field] += 1
        return replace(field, mention=seen[field] - 1)

    return _changed(leaf, numbered)


def _changed(node: Predicate, change: ChangeField) -> Predicate:
    match node:
        case Constant():
            return node
        case And(parts=parts):
            return And(tuple(_changed(part, change) for part in parts))
        case Or(parts=parts):
            return Or(tuple(_changed(part, change) for part in parts))
        case Not(part=part):
            return Not(_changed(part, change))
        case IsTrue(part=part):
            return IsTrue(_changed(part, change))
        case Exists(field=field):
            return Exists(change(field))
        case Words(operand=field) | Between(operand=field) | AnyWord(operand=field):
            return replace(node, operand=change(field))
        case Within(operand=field, predicate=inner):
            return Within(change(field), _changed(inner, change))
        case Compare(left=left, right=right):
            return replace(node, left=_expression(left, change), right=_expression(right, change))
        case Truth(call=call):
            return Truth(_call(call, change))
        case _:
            return replace(node, operand=_expression(node.operand, change))


def _with_stages(
    pattern: SequencePattern | SamplePattern, change: Callable[[Stage], Stage]
) -> SequencePattern | SamplePattern:
    stages = tuple(change(stage) for stage in pattern.stages)
    if isinstance(pattern, SamplePattern):
        return SamplePattern(stages)
    return replace(
        pattern,
        stages=stages,
        until=pattern.until and change(pattern.until),
        absences=tuple(replace(absence, stage=change(absence.stage)) for absence in pattern.absences),
    )


def _field(field: Field, change: ChangeRef) -> Field:
    return replace(field, ref=change(field.ref))


def _expression(node: Expression, change: ChangeField) -> Expression:
    match node:
        case Field():
            return change(node)
        case Literal():
            return node
        case Call():
            return _call(node, change)


def _call(node: Call, change: ChangeField) -> Call:
    return replace(node, args=tuple(_expression(arg, change) for arg in node.args))


def _constraint(node: Constraint, change: ChangeRef) -> Constraint:
    match node:
        case AggregateAnd(parts=parts):
            return AggregateAnd(tuple(_constraint(part, change) for part in parts))
        case AggregateOr(parts=parts):
            return AggregateOr(tuple(_constraint(part, change) for part in parts))
        case AggregateCompare(left=left, right=right):
            return replace(node, left=_aggregate(left, change), right=_aggregate(right, change))


def _aggregate(node: AggregateExpression, change: ChangeRef) -> AggregateExpression:
    match node:
        case Aggregate(field=field):
            return node if field is None else replace(node, field=_field(field, change))
        case Number():
            return node
        case Arithmetic(left=left, right=right):
            return replace(node, left=_aggregate(left, change), right=_aggregate(right, change))
