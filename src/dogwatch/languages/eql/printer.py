"""From a syntax tree back to text: one canonical way to write each query."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dogwatch.languages.eql import ast
from dogwatch.languages.eql.tokens import KEYWORDS

_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_]*\Z")
_ESCAPED = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", "\\": r"\\", '"': r"\""}
_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _PRIMARY = range(1, 9)


def print_query(query: ast.Query) -> str:
    """The canonical text of a query: ``parse`` of it gives an equal tree."""
    match query.body:
        case ast.EventFilter():
            lines = [_filter(query.body)]
        case ast.Sequence(terms=terms, keys=keys, maxspan=maxspan, until=until):
            limit = f" with maxspan={maxspan.count}{maxspan.unit}" if maxspan else ""
            lines = [f"sequence{_by(keys)}{limit}", *(f"  {_term(term)}" for term in terms)]
            if until is not None:
                lines.append(f"until {_term(until)}")
        case ast.Sample(terms=terms, keys=keys):
            lines = [f"sample{_by(keys)}", *(f"  {_term(term)}" for term in terms)]
    lines += [_pipe(pipe) for pipe in query.pipes]
    return "\n".join(lines)


def print_expression(node: ast.Expression) -> str:
    """The canonical text of an expression, with no parentheses but the needed ones."""
    return _print(node, _OR)


def print_field(field: ast.Field) -> str:
    """A field's name as EQL writes it, in backticks where it must be."""
    parts = field.path.split(".")
    # An empty part cannot stand in backticks of its own, so such a path is quoted as a whole.
    named = ".".join(map(_name, parts)) if all(parts) else _quoted(field.path)
    return f"{'?' if field.optional else ''}{named}"


def _filter(node: ast.EventFilter) -> str:
    match node.category:
        case None:
            category = "any"
        case name if _NAME.match(name) and name not in KEYWORDS:
            category = name
        case name:
            category = _string(name)
    return f"{category} where {print_expression(node.condition)}"


def _term(term: ast.Term) -> str:
    runs = f" with runs={term.runs}" if term.runs != 1 else ""
    return f"{'!' if term.missing else ''}[{_filter(term.filter)}]{_by(term.keys)}{runs}"


def _by(keys: Iterable[ast.Field]) -> str:
    names = ", ".join(map(print_field, keys))
    return f" by {names}" if names else ""


def _pipe(pipe: ast.Pipe) -> str:
    args = _list(pipe.args)
    return f"| {pipe.name} {args}" if args else f"| {pipe.name}"


def _list(nodes: Iterable[ast.Expression]) -> str:
    return ", ".join(map(print_expression, nodes))


def _print(node: ast.Expression, least: int) -> str:
    """The node as text, in parentheses if it binds less tightly than ``least``."""
    text, level = _operator(node)
    return text if level >= least else f"({text})"


def _operator(node: ast.Expression) -> tuple[str, int]:
    """The node as text without parentheses around it, and how tightly it binds."""
    match node:
        case ast.Or(parts=parts):
            return " or ".join(_print(part, _AND) for part in parts), _OR
        case ast.And(parts=parts):
            return " and ".join(_print(part, _NOT) for part in parts), _AND
        case ast.Not(operand=operand):
            return f"not {_print(operand, _NOT)}", _NOT
        case ast.Comparison(operator=operator, left=left, right=right):
            return f"{_print(left, _SUM)} {operator.value} {_print(right, _SUM)}", _COMPARISON
        case ast.Membership(operand=operand, values=values, insensitive=insensitive, negated=negated):
            word = f"{'not ' if negated else ''}in{'~' if insensitive else ''}"
            return f"{_print(operand, _SUM)} {word} ({_list(values)})", _COMPARISON
        case ast.Match(operator=operator, operand=operand, patterns=patterns):
            listed = _list(patterns) if len(patterns) == 1 else f"({_list(patterns)})"
            return f"{_print(operand, _SUM)} {operator.value} {listed}", _COMPARISON
        case ast.Arithmetic(operator=operator, left=left, right=right):
            level = _SUM if operator.value in "+-" else _PRODUCT
            return f"{_print(left, level)} {operator.value} {_print(right, level + 1)}", level
        case ast.Signed(sign=sign, operand=operand):
            return f"{sign.value}{_print(operand, _SIGN)}", _SIGN
        case _:
            return _primary(node), _PRIMARY


def _primary(node: ast.Constant | ast.Field | ast.Call) -> str:
    match node:
        case ast.Null():
            return "null"
        case ast.Boolean(value=value):
            return "true" if value else "false"
        case ast.Integer(value=number):
            return str(number)
        case ast.Decimal(value=number):
            return repr(number)
        case ast.String(value=written):
            return _string(written)
        case ast.Field():
            return print_field(node)
        case ast.Call(function=function, args=args, insensitive=insensitive):
            return f"{function}{'~' if insensitive else ''}({_list(args)})"


def _string(text: str) -> str:
    return f'"{"".join(_ESCAPED.get(char) or _visible(char) for char in text)}"'


def _visible(char: str) -> str:
    # A lone surrogate has no escape in EQL, so it stands as it is; no query that was read holds one.
    return char if char.isprintable() or 0xD800 <= ord(char) <= 0xDFFF else f"\\u{{{ord(char):02x}}}"


def _name(part: str) -> str:
    return part if _NAME.match(part) and part not in KEYWORDS else _quoted(part)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
