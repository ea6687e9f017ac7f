"""Arithmetic in EQL: constants are worked out, anything else becomes a call."""

from __future__ import annotations

import math

from dogwatch.base.diagnostic import Span
from dogwatch.languages.eql import ast
from dogwatch.languages.eql.operand import (
    Analysis,
    Column,
    Computed,
    Constant,
    Operand,
    describe,
    expression_of,
    is_null,
)
from dogwatch.logic.predicate import Call
from dogwatch.schema.field import FieldType

_NUMBERS = frozenset({FieldType.LONG, FieldType.DOUBLE})
_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1

CALLS = {
    ast.ArithmeticOperator.ADD: "add",
    ast.ArithmeticOperator.SUBTRACT: "subtract",
    ast.ArithmeticOperator.MULTIPLY: "multiply",
    ast.ArithmeticOperator.DIVIDE: "divide",
    ast.ArithmeticOperator.MODULO: "modulo",
}
"""The function that each operator is."""

OPERATORS = {name: operator for operator, name in CALLS.items()}
"""The operator that each function is."""


def combine(
    analysis: Analysis, operator: ast.ArithmeticOperator, left: Operand, right: Operand, span: Span
) -> Operand:
    """``left operator right``: null if either is null, an error if either is no number."""
    for side in (left, right):
        if not _is_number(side):
            return analysis.refuse(side.span, f"`{operator.value}` takes numbers, not {describe(side)}")
    if is_null(left) or is_null(right):
        return Constant(None, None, span)
    if isinstance(left, Constant) and isinstance(right, Constant):
        return _fold(analysis, operator, left, right, span)
    decimal = any(isinstance(side, Constant) and side.type is FieldType.DOUBLE for side in (left, right))
    unknown = FieldType.DOUBLE if decimal else FieldType.LONG
    sides = [
        expression_of(side, unknown) for side in (left, right) if isinstance(side, Constant | Column | Computed)
    ]
    return Computed(Call(CALLS[operator], tuple(sides)), FieldType.DOUBLE, span)


def sign(analysis: Analysis, node: ast.Signed, operand: Operand) -> Operand:
    """``-operand`` or ``+operand``."""
    if not _is_number(operand):
        return analysis.refuse(operand.span, f"`{node.sign.value}` takes a number, not {describe(operand)}")
    match operand:
        case Constant(value=None):
            return operand
        case Constant(value=value, type=kind):
            assert isinstance(value, int | float)  # noqa: S101 - checked above
            return Constant(-value if node.sign is ast.Sign.MINUS else value, kind, node.span)
        case Column() | Computed() if node.sign is ast.Sign.MINUS:
            return Computed(Call("negate", (expression_of(operand, FieldType.LONG),)), FieldType.DOUBLE, node.span)
        case _:
            return operand


def _is_number(operand: Operand) -> bool:
    return isinstance(operand, Constant | Column | Computed) and (operand.type is None or operand.type in _NUMBERS)


def _fold(
    analysis: Analysis, operator: ast.ArithmeticOperator, left: Constant, right: Constant, span: Span
) -> Constant:
    a, b = left.value, right.value
    assert isinstance(a, int | float)  # noqa: S101 - both are numbers
    assert isinstance(b, int | float)  # noqa: S101
    if b == 0 and operator in (ast.ArithmeticOperator.DIVIDE, ast.ArithmeticOperator.MODULO):
        return analysis.refuse(span, "division by zero")
    value = _work_out(operator, a, b)
    if isinstance(value, int):
        if not _LONG_MIN <= value <= _LONG_MAX:
            return analysis.refuse(span, "the result does not fit 64 bits")
        return Constant(value, FieldType.LONG, span)
    if not math.isfinite(value):
        return analysis.refuse(span, "the result is too large")
    return Constant(value, FieldType.DOUBLE, span)


def _work_out(operator: ast.ArithmeticOperator, a: float, b: float) -> float:
    match operator:
        case ast.ArithmeticOperator.ADD:
            return a + b
        case ast.ArithmeticOperator.SUBTRACT:
            return a - b
        case ast.ArithmeticOperator.MULTIPLY:
            return a * b
        case ast.ArithmeticOperator.DIVIDE:
            # Whole numbers are cut off toward zero, as in Java.
            return _quotient(a, b) if isinstance(a, int) and isinstance(b, int) else a / b
        case ast.ArithmeticOperator.MODULO:
            # The remainder has the dividend's sign, as in Java.
            return a - b * _quotient(a, b) if isinstance(a, int) and isinstance(b, int) else math.fmod(a, b)


def _quotient(a: int, b: int) -> int:
    whole = abs(a) // abs(b)
    return whole if (a < 0) == (b < 0) else -whole
