"""From an aggregate's tree to a constraint over a group of events."""

from __future__ import annotations

from dogwatch.languages.fortisiem import ast
from dogwatch.languages.fortisiem.ast import Attribute, Expression, FunctionCall, Group, Star
from dogwatch.languages.fortisiem.reading import Reading
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateExpression,
    AggregateFunction,
    AggregateOr,
    Arithmetic,
    Constraint,
    Number,
)
from dogwatch.logic.predicate import Field, Order
from dogwatch.schema.field import FieldType

_ORDERS = {"=": Order.EQ, "!=": Order.EQ, "<": Order.LT, "<=": Order.LE, ">": Order.GT, ">=": Order.GE}
_NUMERIC = {name: AggregateFunction[name] for name in ("SUM", "AVG", "MIN", "MAX")}

AT_LEAST_ONE = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(1))
"""The constraint of a subpattern that states none."""

_ZERO = Number(0)
"""What stands where an error was found; the report then holds the error."""


def lower_constraint(node: ast.Condition, reading: Reading, *, negated: bool = False) -> Constraint:
    """The constraint that an aggregate asks for; errors go to the reading's report.

    ``NOT`` is pushed down to the comparisons, which are unknown on both sides of it where a value is missing.
    """
    match node:
        case ast.And(parts=parts) | ast.Or(parts=parts):
            lowered = tuple(lower_constraint(part, reading, negated=negated) for part in parts)
            return AggregateAnd(lowered) if isinstance(node, ast.And) is not negated else AggregateOr(lowered)
        case ast.Not(part=part):
            return lower_constraint(part, reading, negated=not negated)
        case ast.Compare(op=op, left=left, right=right):
            sides = (_expression(left, reading), _expression(right, reading))
            return AggregateCompare(_ORDERS[op], *sides, negated=negated is not (op == "!="))
        case ast.Between(operand=operand, low=low, high=high):
            negated = negated is not node.negated
            value = _expression(operand, reading)
            ends = (
                AggregateCompare(Order.GE, value, _expression(low, reading), negated=negated),
                AggregateCompare(Order.LE, value, _expression(high, reading), negated=negated),
            )
            return AggregateOr(ends) if negated else AggregateAnd(ends)
        case ast.In(operand=operand, items=items):
            negated = negated is not node.negated
            value = _expression(operand, reading)
            equalities = tuple(
                AggregateCompare(Order.EQ, value, _item(item, reading), negated=negated) for item in items
            )
            return AggregateAnd(equalities) if negated else AggregateOr(equalities)
        case _:
            reading.error("fortisiem-unsupported", "an aggregate is compared with numbers only", node.span)
            return AT_LEAST_ONE


def _item(item: Expression | Group, reading: Reading) -> AggregateExpression:
    if isinstance(item, Group):
        reading.error("fortisiem-type", "an aggregate is compared with numbers, not with groups", item.span)
        return _ZERO
    return _expression(item, reading)


def _expression(node: Expression, reading: Reading) -> AggregateExpression:
    match node:
        case ast.Number(value=value):
            return Number(value)
        case ast.Arithmetic(op=op, left=left, right=right):
            return Arithmetic(op, _expression(left, reading), _expression(right, reading))
        case ast.Negative(operand=operand):
            return Arithmetic("-", _ZERO, _expression(operand, reading))
        case FunctionCall():
            return _aggregate(node, reading)
        case Attribute(name=name, span=span):
            reading.error(
                "fortisiem-type",
                f"`{name}` has a value for each event, and a group has many",
                span,
                f"say which: AVG({name}), MAX({name}), ...",
            )
        case _:
            reading.error("fortisiem-type", "an aggregate is compared with numbers", node.span)
    return _ZERO


def _aggregate(call: FunctionCall, reading: Reading) -> AggregateExpression:
    name = call.name.upper()
    if name != "COUNT" and (name not in _NUMERIC or call.distinct):
        reading.unsupported_call(call)
        return _ZERO
    match call.args:
        case (Star(),) if name == "COUNT" and not call.distinct:
            return Aggregate(AggregateFunction.COUNT)
        case (Attribute() as attribute,) if name == "COUNT":
            function = AggregateFunction.COUNT_DISTINCT if call.distinct else AggregateFunction.COUNT
            return Aggregate(function, reading.field(attribute))
        case (Attribute() as attribute,):
            return Aggregate(_NUMERIC[name], _numeric_field(attribute, reading))
        case _:
            hint = "COUNT(*) counts events" if name == "COUNT" else None
            reading.error("fortisiem-type", f"{name} takes one attribute", call.span, hint)
            return _ZERO


def _numeric_field(attribute: Attribute, reading: Reading) -> Field:
    field = reading.field(attribute, FieldType.DOUBLE)
    if field.ref.type.is_number:
        return field
    reading.note(
        "fortisiem-type",
        f"`{attribute.name}` is not defined as a number; events where it holds none take no part",
        attribute.span,
    )
    return reading.field_as(attribute, FieldType.DOUBLE)
