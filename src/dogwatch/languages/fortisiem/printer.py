"""From a tree back to FortiSIEM's text: parsing what is printed gives the same tree."""

from __future__ import annotations

from dogwatch.languages.fortisiem.ast import (
    REGEX_ARGUMENT,
    Address,
    And,
    Arithmetic,
    Attribute,
    Between,
    Compare,
    Condition,
    Contain,
    Expression,
    FunctionCall,
    Group,
    Holds,
    In,
    IsNull,
    Negative,
    Not,
    Number,
    Or,
    Regexp,
    Star,
    Text,
)
from dogwatch.languages.fortisiem.tokens import BINDING


def format_condition(node: Condition | Expression) -> str:
    """A filter or an aggregate as text: upper-case keywords, and brackets wherever AND and OR meet."""
    match node:
        case Or(parts=parts):
            return " OR ".join(_part(part) for part in parts)
        case And(parts=parts):
            return " AND ".join(_part(part) for part in parts)
        case Not(part=part):
            return f"NOT {_part(part)}"
        case Compare(op=op, left=left, right=right):
            return f"{_expression(left)} {op} {_expression(right)}"
        case In(operand=operand, items=items, negated=negated):
            listed = ", ".join(
                format_condition(item) if not isinstance(item, Group) else _group(item) for item in items
            )
            return f"{_expression(operand)} {_not(negated)}IN ({listed})"
        case Between(operand=operand, low=low, high=high, negated=negated):
            bounds = f"({format_condition(low)}, {format_condition(high)})"
            return f"{_expression(operand)} {_not(negated)}BETWEEN {bounds}"
        case IsNull(operand=operand, negated=negated):
            return f"{_expression(operand)} IS {_not(negated)}NULL"
        case Contain(operand=operand, text=text, negated=negated):
            return f"{_expression(operand)} {_not(negated)}CONTAIN {format_condition(text)}"
        case Regexp(operand=operand, pattern=pattern, negated=negated):
            return f'{_expression(operand)} {_not(negated)}REGEXP "{_regex(pattern.value)}"'
        case Holds(call=call):
            return _expression(call)
        case _:
            return _expression(node)


def _expression(node: Expression) -> str:
    match node:
        case Attribute(name=name):
            return name
        case Text(value=value):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case Number(text=text) | Address(text=text):
            return text
        case Star():
            return "*"
        case FunctionCall(name=name, args=args, distinct=distinct, profile=profile):
            regex = REGEX_ARGUMENT.get(name.upper())
            listed = ", ".join(_argument(arg, is_regex=place == regex) for place, arg in enumerate(args))
            suffix = "" if profile is None else f":{profile}"
            return f"{name}({'DISTINCT ' if distinct else ''}{listed}{suffix})"
        case Arithmetic(op=op, left=left, right=right):
            return f"{_operand(left, BINDING[op])} {op} {_operand(right, BINDING[op] + 1)}"
        case Negative(operand=operand):
            return f"-({_expression(operand)})"


def _argument(arg: Condition | Expression, *, is_regex: bool) -> str:
    return f'"{_regex(arg.value)}"' if is_regex and isinstance(arg, Text) else format_condition(arg)


def _part(part: Condition) -> str:
    text = format_condition(part)
    return f"({text})" if isinstance(part, And | Or) else text


def _operand(operand: Expression, binding: int) -> str:
    text = _expression(operand)
    looser = isinstance(operand, Arithmetic) and BINDING[operand.op] < binding
    return f"({text})" if looser else text


def _not(negated: bool) -> str:
    return "NOT " if negated else ""


def _group(group: Group) -> str:
    return f"Group@{group.name}"


def _regex(pattern: str) -> str:
    return pattern.replace('"', '\\"')
