"""Patterns and predicates made over: other predicates, fields read in another way, watch lists left out."""

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
    Baseline,
    CompositePattern,
    Constraint,
    EventPattern,
    Number,
    Pattern,
    SamplePattern,
    SequencePattern,
    Stage,
    Text,
    Threshold,
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
    Listed,
    Literal,
    Mapped,
    Not,
    Or,
    Predicate,
    Truth,
    Within,
    Words,
    fields_of,
    negation,
)
from dogwatch.schema.field import FieldRef

ChangePredicate = Callable[[Predicate], Predicate]
ChangeRef = Callable[[FieldRef], FieldRef]
ChangeField = Callable[[Field], Field]


def with_predicates(pattern: Pattern, change: ChangePredicate) -> Pattern:
    """The pattern with each of its predicates replaced; those of absences and of ``until`` too.

    A residual stays: it is asked only of events that satisfied the predicate beside it.
    """

    def stage(old: Stage) -> Stage:
        return replace(old, predicate=change(old.predicate))

    match pattern:
        case EventPattern(predicate=predicate):
            return EventPattern(change(predicate))
        case AggregatePattern(predicate=predicate):
            return replace(pattern, predicate=change(predicate))
        case CompositePattern(parts=parts):
            return replace(pattern, parts=tuple(replace(part, predicate=change(part.predicate)) for part in parts))
        case SamplePattern() | SequencePattern():
            return _with_stages(pattern, stage)


def with_fields(pattern: Pattern, change: ChangeRef) -> Pattern:
    """The pattern with each column that it reads replaced: in predicates, keys, groups and aggregates.

    Where a table is looked up, or an aggregate compared with a baseline, the fields count, the names stay.
    """

    def stage(old: Stage) -> Stage:
        keys = tuple(replace(key, field=_field(key.field, change)) for key in old.keys)
        return Stage(predicate_with_fields(old.predicate, change), keys)

    match pattern:
        case EventPattern(predicate=predicate):
            return EventPattern(predicate_with_fields(predicate, change))
        case SamplePattern() | SequencePattern():
            return _with_stages(pattern, stage)
        case AggregatePattern():
            return _groups(pattern, change)
        case CompositePattern(parts=parts):
            return replace(pattern, parts=tuple(_groups(part, change) for part in parts))


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


def has_lists(node: Predicate) -> bool:
    """Whether a predicate asks about watch lists."""
    match node:
        case Listed():
            return True
        case And(parts=parts) | Or(parts=parts):
            return any(map(has_lists, parts))
        case Not(part=part) | IsTrue(part=part):
            return has_lists(part)
        case Within(predicate=inner) | AnyWord(predicate=inner):
            return has_lists(inner)
        case _:
            return False


def loosened(predicate: Predicate) -> Predicate:
    """What can be said without watch lists: true of each event that may satisfy the predicate, whatever they hold.

    It asks nothing about lists. Without such a question in it the predicate is returned as it is.
    """
    return _bounded(predicate, wanted=True, upper=True)


def _bounded(node: Predicate, *, wanted: bool, upper: bool) -> Predicate:
    """A predicate that bounds where ``node`` answers ``wanted``, whatever is on the lists.

    Args:
        node: The predicate.
        wanted: Which answer is looked at. Where the bound has the others has no meaning.
        upper: The bound gives the answer to each event to which the node may give it; else only to events to which
            it must.
    """
    if not has_lists(node):
        return node
    match node:
        case Listed(operand=field) if upper:
            return Exists(field) if wanted else Not(Exists(field))
        case Listed():
            return Constant(None)
        case And(parts=parts):
            return And(tuple(_bounded(part, wanted=wanted, upper=upper) for part in parts))
        case Or(parts=parts):
            return Or(tuple(_bounded(part, wanted=wanted, upper=upper) for part in parts))
        case Not(part=part):
            return negation(_bounded(part, wanted=not wanted, upper=upper))
        case IsTrue(part=part):
            # It is false where the part is not true: the fewer are true, the more are false.
            return IsTrue(_bounded(part, wanted=True, upper=upper is wanted))
        case Within(predicate=inner) | AnyWord(predicate=inner):
            return replace(node, predicate=_bounded(inner, wanted=True, upper=upper is wanted))
        case _:
            return node


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
        case Words(operand=field) | Between(operand=field) | AnyWord(operand=field) | Listed(operand=field):
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


def _groups(pattern: AggregatePattern, change: ChangeRef) -> AggregatePattern:
    return replace(
        pattern,
        predicate=predicate_with_fields(pattern.predicate, change),
        group_by=tuple(_field(field, change) for field in pattern.group_by),
        constraint=_constraint(pattern.constraint, change),
        residual=pattern.residual and predicate_with_fields(pattern.residual, change),
        shown=tuple((text, _aggregated(expression, change)) for text, expression in pattern.shown),
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
        case Mapped(args=args):
            return replace(node, args=tuple(_expression(arg, change) for arg in args))


def _call(node: Call, change: ChangeField) -> Call:
    return replace(node, args=tuple(_expression(arg, change) for arg in node.args))


def _constraint(node: Constraint, change: ChangeRef) -> Constraint:
    match node:
        case AggregateAnd(parts=parts):
            return AggregateAnd(tuple(_constraint(part, change) for part in parts))
        case AggregateOr(parts=parts):
            return AggregateOr(tuple(_constraint(part, change) for part in parts))
        case AggregateCompare(left=left, right=right):
            return replace(node, left=_aggregated(left, change), right=_aggregated(right, change))


def _aggregated(node: AggregateExpression, change: ChangeRef) -> AggregateExpression:
    match node:
        case Aggregate():
            return _aggregate(node, change)
        case Baseline(of=of):
            return replace(node, of=_aggregate(of, change))
        case Number() | Text() | Threshold():
            return node
        case Arithmetic(left=left, right=right):
            return replace(node, left=_aggregated(left, change), right=_aggregated(right, change))


def _aggregate(node: Aggregate, change: ChangeRef) -> Aggregate:
    return node if node.field is None else replace(node, field=_field(node.field, change))
