"""``IF`` inside a comparison, written out: one comparison for each of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from dogwatch.languages.fortisiem.ast import (
    Arithmetic,
    Between,
    Compare,
    Condition,
    Contain,
    Expression,
    FunctionCall,
    Holds,
    In,
    IsNull,
    Leaf,
    Negative,
    Regexp,
)
from dogwatch.languages.fortisiem.functions import IF

_Change = Callable[[Expression], Expression]


def first_if(leaf: Leaf) -> FunctionCall | None:
    """The first ``IF`` that a comparison's operands call, the outermost of those inside each other."""
    return next((call for operand in _operands(leaf) for call in _calls(operand) if call.name.upper() == IF), None)


def with_value(leaf: Leaf, call: FunctionCall, value: Expression) -> Leaf:
    """The comparison with another expression in the place of each call that equals this one."""

    def change(node: Expression) -> Expression:
        if node == call:
            return value
        match node:
            case Arithmetic(left=left, right=right):
                return replace(node, left=change(left), right=change(right))
            case Negative(operand=operand):
                return replace(node, operand=change(operand))
            case FunctionCall(args=args):
                return replace(
                    node, args=tuple(arg if isinstance(arg, Condition) else change(arg) for arg in args)
                )
            case _:
                return node

    return _changed(leaf, change)


def _operands(leaf: Leaf) -> tuple[Expression, ...]:
    match leaf:
        case Compare(left=left, right=right):
            return (left, right)
        case Between(operand=operand, low=low, high=high):
            return (operand, low, high)
        case Contain(operand=operand, text=text):
            return (operand, text)
        case In(operand=operand) | IsNull(operand=operand) | Regexp(operand=operand):
            return (operand,)
        case Holds(call=call):
            return (call,)


def _changed(leaf: Leaf, change: _Change) -> Leaf:
    match leaf:
        case Compare(left=left, right=right):
            return replace(leaf, left=change(left), right=change(right))
        case Between(operand=operand, low=low, high=high):
            return replace(leaf, operand=change(operand), low=change(low), high=change(high))
        case Contain(operand=operand, text=text):
            return replace(leaf, operand=change(operand), text=change(text))
        case In(operand=operand) | IsNull(operand=operand) | Regexp(operand=operand):
            return replace(leaf, operand=change(operand))
        case Holds(call=call):
            changed = change(call)
            return Holds(changed) if isinstance(changed, FunctionCall) else leaf


def _calls(node: Expression) -> Iterator[FunctionCall]:
    match node:
        case FunctionCall(args=args):
            yield node
            for arg in args:
                if not isinstance(arg, Condition):
                    yield from _calls(arg)
        case Arithmetic(left=left, right=right):
            yield from _calls(left)
            yield from _calls(right)
        case Negative(operand=operand):
            yield from _calls(operand)
