"""Constants made ready to be compared with a field: parsed as dates, addresses or numbers as its type asks."""

from __future__ import annotations

from dogwatch.languages.date import instant_of, needs_now
from dogwatch.languages.eql.operand import Analysis, Column, Constant, describe
from dogwatch.logic.predicate import Field, Literal, Order
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldRef, FieldType

_LONG_EDGE = 2.0**63


def field_for(column: Column, constant: Constant) -> Field:
    """The column as it is compared with the constant, which decides the type of a field that no schema knows."""
    return Field(FieldRef(column.path, column.type or constant.type or FieldType.KEYWORD))


def literal_for(analysis: Analysis, column: Column, constant: Constant, order: Order = Order.EQ) -> Literal | None:
    """The constant as a value of the column's type.

    As in Elasticsearch, an equality reads a constant of another type as an index would (``event.code == 5``
    asks for the text ``5``); a text that is no such value is an error.

    Returns:
        The literal, or ``None`` after an error was noted.
    """
    kind = field_for(column, constant).ref.type
    match kind:
        case FieldType.LONG | FieldType.DOUBLE:
            literal = _number(kind, constant)
        case FieldType.DATE:
            if analysis.now is None and isinstance(constant.value, str) and needs_now(constant.value):
                analysis.fail(
                    constant.span,
                    "date math needs to be told what `now` means, and nobody has",
                    "write a date",
                    code="eql-unsupported",
                )
                return None
            literal = _date(analysis, constant, order)
        case FieldType.KEYWORD | FieldType.TEXT if order is not Order.EQ:
            literal = _ordered_text(analysis, column, constant)
        case _:
            value = coerce(constant.value, kind)
            stored = FieldType.KEYWORD if kind is FieldType.TEXT else kind
            literal = None if isinstance(value, Missing) else Literal(value, stored)
    if literal is None or (kind is FieldType.BOOLEAN and order is not Order.EQ):
        hint = None
        if kind is FieldType.IP and "/" in str(constant.value):
            hint = f'ask for a block of addresses with `cidrMatch({column.path}, "{constant.value}")`'
        analysis.fail(constant.span, f"{describe(column)} cannot be compared with {describe(constant)}", hint)
        return None
    return literal


def _ordered_text(analysis: Analysis, column: Column, constant: Constant) -> Literal | None:
    value = coerce(constant.value, FieldType.KEYWORD)
    if isinstance(value, Missing) or isinstance(constant.value, bool):
        return None
    if not isinstance(constant.value, str):
        analysis.warn(
            "text-order",
            constant.span,
            f"{describe(column)} is compared letter by letter: 10 comes before 9",
            f"to compare numbers write `number({column.path})`",
        )
    return Literal(value, FieldType.KEYWORD)


def _number(kind: FieldType, constant: Constant) -> Literal | None:
    value = constant.value
    if isinstance(value, str):
        parsed = coerce(value, FieldType.LONG if value.lstrip("+-").isdecimal() else FieldType.DOUBLE)
        value = None if isinstance(parsed, Missing) else parsed
    if value is None or isinstance(value, bool | str):
        return None
    if kind is FieldType.DOUBLE:
        return Literal(float(value), FieldType.DOUBLE)
    if isinstance(value, int):
        return Literal(value, FieldType.LONG)
    # Elasticsearch compares a long field with 3.0 as with 3, and with 3.5 as a double.
    if value.is_integer() and -_LONG_EDGE <= value < _LONG_EDGE:
        return Literal(int(value), FieldType.LONG)
    return Literal(value, FieldType.DOUBLE)


def _date(analysis: Analysis, constant: Constant, order: Order) -> Literal | None:
    value = constant.value
    if isinstance(value, str):
        instant = instant_of(value, analysis.now or 0, round_up=order in (Order.GT, Order.LE))
    else:
        millis = coerce(value, FieldType.DATE)
        instant = millis if isinstance(millis, int) else None
    return None if instant is None else Literal(instant, FieldType.DATE)
