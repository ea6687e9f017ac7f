"""Equality and order in EQL, over fields, functions, constants and conditions.

Every function here gives a three-valued predicate; the caller decides where null becomes false. What cannot be
compared is noted as an error, and the leaf is then unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dogwatch.base.diagnostic import Span
from dogwatch.languages.eql.kleene import UNKNOWN, both, either, is_unknown
from dogwatch.languages.eql.literal import field_for, literal_for
from dogwatch.languages.eql.operand import (
    TEXTS,
    Analysis,
    Answer,
    Choice,
    Column,
    Computed,
    Constant,
    Operand,
    describe,
    expression_of,
    field_of,
    has_fields,
    is_null,
)
from dogwatch.logic import predicate as logic
from dogwatch.logic.predicate import (
    Call,
    Compare,
    Exists,
    Literal,
    Order,
    Predicate,
    Truth,
    negation,
)
from dogwatch.schema.field import FieldType

_MIRRORED = {Order.LT: Order.GT, Order.LE: Order.GE, Order.GT: Order.LT, Order.GE: Order.LE, Order.EQ: Order.EQ}


@dataclass(frozen=True, slots=True)
class TruthAsked:
    """A condition or a function that is compared with ``true`` or ``false``."""

    operand: Answer | Computed
    wanted: bool


def truth_asked(left: Operand, right: Operand) -> TruthAsked | None:
    """What an equality asks if one side is a condition or a boolean function and the other a boolean constant."""
    for operand, constant in ((left, right), (right, left)):
        match operand, constant:
            case (Answer() | Computed(type=FieldType.BOOLEAN), Constant(value=bool() as wanted)):
                return TruthAsked(operand, wanted)
    return None


def truth(analysis: Analysis, operand: Operand) -> Predicate:
    """The operand as a condition of its own: a boolean constant, field or function."""
    match operand:
        case Constant(value=None):
            return UNKNOWN
        case Constant(value=bool() as value):
            return logic.Constant(value)
        case Answer(predicate=predicate):
            return predicate
        case Column(type=FieldType.BOOLEAN | None):
            return _equals_true(operand)
        case Computed(call=call, type=FieldType.BOOLEAN):
            return Truth(call)
        case Choice():
            return either_way(operand, lambda branch: truth(analysis, branch))
        case _:
            hint = f"compare it, such as `{operand.path} != null`" if isinstance(operand, Column) else None
            return fail(
                analysis, operand.span, f"a condition must be true or false, not {describe(operand)}", hint
            )


def equals(analysis: Analysis, left: Operand, right: Operand, span: Span) -> Predicate:
    """``left == right``; with null, whether the other side is null."""
    match left, right:
        case (Choice(), _):
            return either_way(left, lambda branch: equals(analysis, branch, right, span))
        case (_, Choice()):
            return either_way(right, lambda branch: equals(analysis, left, branch, span))
        case (Constant(), Constant()) if is_null(left) or is_null(right):
            return logic.Constant(left.value is right.value)
        case (_, Constant(value=None)):
            return missing(left)
        case (Constant(value=None), _):
            return missing(right)
        case (Column(), Column()) if (known := _optional_unknown(left, right)) is not None:
            return missing(known)
        case (Answer(predicate=predicate), Constant(value=bool() as value)):
            return predicate if value else negation(predicate)
        case (Constant(value=bool()), Answer()):
            return equals(analysis, right, left, span)
        case (Answer(), _) | (_, Answer()):
            return mismatch(analysis, left, right, span)
        case _:
            return _compare(analysis, Order.EQ, left, right, span)


def compare(analysis: Analysis, order: Order, left: Operand, right: Operand, span: Span) -> Predicate:
    """``left order right`` for ``<``, ``<=``, ``>`` and ``>=``; unknown with null."""
    match left, right:
        case (Choice(), _):
            return either_way(left, lambda branch: compare(analysis, order, branch, right, span))
        case (_, Choice()):
            return either_way(right, lambda branch: compare(analysis, order, left, branch, span))
        case (Answer(), _) | (_, Answer()):
            return mismatch(analysis, left, right, span)
        case _ if is_null(left) or is_null(right):
            return UNKNOWN
        case (Column(), Column()) if _optional_unknown(left, right) is not None:
            return UNKNOWN
        case _:
            return _compare(analysis, order, left, right, span)


def missing(operand: Operand) -> Predicate:
    """Whether the operand is null; never unknown.

    A function over many values is asked about each, and null for one of them is enough; a field without values
    is asked about as null. That is what Elasticsearch's script does, so ``f(x) == null`` and ``f(x) == "a"`` can
    both be true of one event.
    """
    match operand:
        case Constant(value=value):
            return logic.Constant(value is None)
        case Column():
            return logic.Not(Exists(field_of(operand, FieldType.KEYWORD)))
        case Answer(predicate=predicate):
            return is_unknown(predicate)
        case Choice():
            return either_way(operand, missing)
        case Computed(call=call):
            return Truth(Call("is_null", (call,)))


def either_way(choice: Choice, ask: Callable[[Operand], Predicate]) -> Predicate:
    """The answer for a value that hangs on a condition."""
    condition = choice.condition
    cases = (
        (condition, choice.when_true),
        (negation(condition), choice.when_false),
        (is_unknown(condition), choice.when_null),
    )
    return either([both([case, ask(branch)]) for case, branch in cases])


def same_kind(left: Constant | Column | Computed, right: Constant | Column | Computed) -> bool:
    """Whether values of the two can be equal: both text, both numbers, or of the same type."""
    return left.type is None or right.type is None or _family(left.type) == _family(right.type)


def mismatch(analysis: Analysis, left: Operand, right: Operand, span: Span) -> Predicate:
    """Note that the two cannot be compared; the leaf is unknown."""
    return fail(analysis, span, f"{describe(left)} cannot be compared with {describe(right)}", None)


def fail(analysis: Analysis, span: Span, message: str, hint: str | None = None) -> Predicate:
    """Note an error; the leaf is unknown."""
    analysis.fail(span, message, hint)
    return UNKNOWN


def _equals_true(column: Column) -> Predicate:
    return Compare(Order.EQ, field_of(column, FieldType.BOOLEAN), Literal(True, FieldType.BOOLEAN))


def _optional_unknown(left: Column, right: Column) -> Operand | None:
    """Of two fields, one of which is optional and in no schema, the other: the first is the constant null."""
    for column, other in ((left, right), (right, left)):
        if column.optional and column.type is None:
            if other.optional and other.type is None:
                return Constant(None, None, other.span)
            return other
    return None


def _compare(analysis: Analysis, order: Order, left: Operand, right: Operand, span: Span) -> Predicate:
    """A comparison of constants, fields and functions, none of them null."""
    assert isinstance(left, Constant | Column | Computed)  # noqa: S101 - the callers took the others out
    assert isinstance(right, Constant | Column | Computed)  # noqa: S101
    if has_fields(left) and has_fields(right):
        return fail(
            analysis,
            span,
            "two fields cannot be compared with each other",
            "Elasticsearch's EQL compares a field with a constant; equal fields of two events are join keys: `by`",
        )
    if isinstance(left, Constant) and isinstance(right, Constant):
        return _fold_constants(analysis, order, left, right, span)
    if isinstance(left, Constant) or isinstance(right, Column):
        left, right, order = right, left, _MIRRORED[order]
    if isinstance(left, Column) and isinstance(right, Constant):
        if left.type is FieldType.DATE and order is Order.EQ and isinstance(right.value, str):
            return _same_time(analysis, left, right)
        literal = literal_for(analysis, left, right, order)
        return UNKNOWN if literal is None else Compare(order, field_for(left, right), literal)
    if not same_kind(left, right) or (order is not Order.EQ and FieldType.BOOLEAN in (left.type, right.type)):
        return mismatch(analysis, left, right, span)
    if order is Order.EQ and isinstance(left, Computed) and isinstance(right, Constant) and right.value is True:
        return Truth(left.call)
    kind = right.type or FieldType.KEYWORD
    return Compare(order, expression_of(left, kind), expression_of(right, kind))


def _same_time(analysis: Analysis, column: Column, date: Constant) -> Predicate:
    """Whether the field lies in the time that a date stands for: a whole day, if it names no time of day."""
    first = literal_for(analysis, column, date, Order.GE)
    last = first and literal_for(analysis, column, date, Order.LE)
    if first is None or last is None:
        return UNKNOWN
    field = field_for(column, date)
    return Compare(Order.EQ, field, first) if first == last else logic.Between(field, first, last)


def _family(kind: FieldType) -> FieldType:
    if kind.is_number:
        return FieldType.DOUBLE
    return FieldType.KEYWORD if kind in TEXTS else kind


def _fold_constants(analysis: Analysis, order: Order, left: Constant, right: Constant, span: Span) -> Predicate:
    a, b = left.value, right.value
    texts = isinstance(a, str) and isinstance(b, str)
    truths = isinstance(a, bool) and isinstance(b, bool)
    numbers = not any(isinstance(side, str | bool) for side in (a, b))
    if not (texts or numbers or (truths and order is Order.EQ)):
        return mismatch(analysis, left, right, span)
    if order is Order.EQ:
        return logic.Constant(a == b)
    smaller, equal = a < b, a == b  # type: ignore[operator] # both are texts or both are numbers
    match order:
        case Order.LT:
            return logic.Constant(smaller)
        case Order.LE:
            return logic.Constant(smaller or equal)
        case Order.GT:
            return logic.Constant(not smaller and not equal)
        case Order.GE:
            return logic.Constant(not smaller)
