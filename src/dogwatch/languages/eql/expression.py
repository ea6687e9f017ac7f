"""The expressions of EQL: operators by precedence, function calls, fields and constants."""

from __future__ import annotations

import enum

from dogwatch.base.diagnostic import Span
from dogwatch.languages.eql import ast
from dogwatch.languages.eql.cursor import Cursor
from dogwatch.languages.eql.tokens import Kind

MAX_DEPTH = 100
"""Deepest nesting of an expression: parentheses, calls, signs and operators inside each other."""


MAX_PATH = 100
"""Most names in the dotted path of a field."""


class _Level(enum.IntEnum):
    """How tightly an operator binds."""

    OR = 1
    AND = 2
    NOT = 3
    COMPARISON = 4
    SUM = 5
    PRODUCT = 6
    SIGN = 7


_COMPARATORS = {comparator.value: comparator for comparator in ast.Comparator}
_MATCHERS = {matcher.value: matcher for matcher in ast.Matcher}
_ARITHMETIC = {operator.value: operator for operator in ast.ArithmeticOperator}
_SIGNS = {sign.value: sign for sign in ast.Sign}
_MEMBERSHIP = frozenset({"in", "in~"})
_CONSTANTS = (ast.Null, ast.Boolean, ast.Integer, ast.Decimal, ast.String)


def parse_expression(cursor: Cursor) -> ast.Expression:
    """The expression that begins at the cursor, which is left after it.

    Raises:
        DogwatchError: ``eql-syntax``.
    """
    return _Reader(cursor).read(_Level.OR)


def parse_field(cursor: Cursor, expected: str = "a field name") -> ast.Field:
    """The field name at the cursor, which is left after it.

    Args:
        cursor: Where to read.
        expected: What a message calls that which should stand here.

    Raises:
        DogwatchError: ``eql-syntax``.
    """
    start = cursor.token.span
    optional = cursor.at_symbol("?")
    if optional:
        cursor.advance()
        if cursor.token.kind is Kind.STRING:
            raise cursor.error(
                start.to(cursor.token.span),
                '`?"..."` was the raw string of an older EQL',
                'write it between triple quotes: """..."""',
            )
    parts: list[str] = []
    while True:
        if cursor.token.kind is Kind.TILDE_IDENTIFIER:
            raise cursor.error(cursor.token.span, "`~` does not follow a field", "to ignore letter case write `:`")
        if parts and cursor.at_symbol("?"):
            raise cursor.error(cursor.token.span, "`?` stands once, before the whole field", "such as `?a.b`")
        if cursor.token.kind not in (Kind.IDENTIFIER, Kind.QUOTED):
            cursor.refuse(f"{expected} after `{'.' if parts else '?'}`" if parts or optional else expected)
        part = cursor.advance()
        parts.append(part.text)
        if len(parts) > MAX_PATH:
            raise cursor.error(part.span, f"the field's path has more than {MAX_PATH} names")
        if not cursor.at_symbol("."):
            return ast.Field(".".join(parts), optional, start.to(part.span))
        cursor.advance()


class _Reader:
    """Reads one expression; keeps count of how deep it is."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._depth = 0
        # Chains of + and * lean to the left without nesting the reader, so the last tree's height is kept too.
        self._height = 0

    def read(self, level: _Level) -> ast.Expression:
        """An expression whose operators bind at least as tightly as ``level``."""
        self._depth += 1
        self._limit(self._depth)
        left = self._prefix(level)
        while True:
            token = self._cursor.token
            if token.kind is Kind.KEYWORD and token.text in ("or", "and"):
                own = _Level.OR if token.text == "or" else _Level.AND
                if own < level:
                    break
                left = self._chain(left, own, token.text)
            elif self._at_comparison():
                if level > _Level.COMPARISON:
                    break
                left = self._comparison(left)
            elif token.kind is Kind.SYMBOL and token.text in _ARITHMETIC:
                own = _Level.SUM if token.text in ("+", "-") else _Level.PRODUCT
                if own < level:
                    break
                left = self._arithmetic(left, own)
            else:
                break
        self._depth -= 1
        return left

    def _limit(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._cursor.error(
                self._cursor.token.span,
                f"the expression is nested more than {MAX_DEPTH} levels deep",
                "split it, or use a list: `field : (...)`",
            )

    def _grow(self, *heights: int) -> None:
        self._height = 1 + max(heights, default=0)
        self._limit(self._height)

    def _chain(self, first: ast.Expression, level: _Level, word: str) -> ast.Expression:
        parts, height = [first], self._height
        while self._cursor.at_keyword(word):
            self._cursor.advance()
            parts.append(self.read(_Level(level + 1)))
            height = max(height, self._height)
        self._grow(height)
        span = first.span.to(parts[-1].span)
        return ast.Or(tuple(parts), span) if level is _Level.OR else ast.And(tuple(parts), span)

    def _arithmetic(self, left: ast.Expression, level: _Level) -> ast.Expression:
        operator, height = _ARITHMETIC[self._cursor.advance().text], self._height
        right = self.read(_Level(level + 1))
        self._grow(height, self._height)
        return ast.Arithmetic(operator, left, right, left.span.to(right.span))

    def _at_comparison(self) -> bool:
        token = self._cursor.token
        match token.kind:
            case Kind.SYMBOL:
                return token.text in _COMPARATORS or token.text == ":"
            case Kind.KEYWORD:
                return token.text in _MATCHERS or token.text in _MEMBERSHIP or token.text == "not"
            case _:
                return False

    def _comparison(self, left: ast.Expression) -> ast.Expression:
        cursor, height = self._cursor, self._height
        token = cursor.token
        if token.text in _COMPARATORS:
            cursor.advance()
            if cursor.at_symbol("=", "=="):
                raise cursor.error(
                    token.span.to(cursor.token.span), f"`{token.text}{cursor.token.text}` is not an operator"
                )
            right = self.read(_Level.SUM)
            self._grow(height, self._height)
            span = left.span.to(right.span)
            result: ast.Expression = ast.Comparison(_COMPARATORS[token.text], left, right, span)
        elif token.text in _MATCHERS:
            cursor.advance()
            patterns, end = self._patterns(token.text)
            self._grow(height)
            result = ast.Match(_MATCHERS[token.text], left, patterns, left.span.to(end))
        else:
            result = self._membership(left, height)
        if self._at_comparison() and not cursor.at_keyword("not"):
            raise cursor.error(
                cursor.token.span, "comparisons do not chain", "join two comparisons with `and`: `a < b and b < c`"
            )
        return result

    def _membership(self, left: ast.Expression, height: int) -> ast.Expression:
        cursor = self._cursor
        negated = cursor.at_keyword("not")
        if negated:
            cursor.advance()
            if cursor.at_symbol(":") or cursor.at_keyword(*_MATCHERS):
                raise cursor.error(
                    cursor.previous.span.to(cursor.token.span),
                    f"`not {cursor.token.text}` is not an operator",
                    f"put `not` before the whole comparison: `not field {cursor.token.text} ...`",
                )
            if not cursor.at_keyword(*_MEMBERSHIP):
                cursor.refuse("`in` or `in~` after `not`", hint="is `and` or `or` missing before `not`?")
        word = cursor.advance().text
        if not cursor.at_symbol("("):
            cursor.refuse(f"`(` after `{word}`", hint=f'write the values in parentheses: `{word} ("a", "b")`')
        opening = cursor.open()
        if cursor.at_symbol(")"):
            raise cursor.error(opening.span.to(cursor.token.span), "the list is empty")
        values = [self.read(_Level.OR)]
        height = max(height, self._height)
        while cursor.at_symbol(","):
            self._comma()
            values.append(self.read(_Level.OR))
            height = max(height, self._height)
        end = cursor.close(opening, "`,` or `)`")
        self._grow(height)
        return ast.Membership(left, tuple(values), word == "in~", negated, left.span.to(end))

    def _patterns(self, word: str) -> tuple[tuple[ast.Constant, ...], Span]:
        cursor = self._cursor
        if not cursor.at_symbol("("):
            only = self._pattern(word)
            return (only,), only.span
        opening = cursor.open()
        if cursor.at_symbol(")"):
            raise cursor.error(opening.span.to(cursor.token.span), "the list is empty")
        patterns = [self._pattern(word)]
        while cursor.at_symbol(","):
            self._comma()
            patterns.append(self._pattern(word))
        return tuple(patterns), cursor.close(opening, "`,` or `)`")

    def _pattern(self, word: str) -> ast.Constant:
        constant = self._constant()
        if constant is None:
            what = f"a string or a list of strings after `{word}`"
            if self._cursor.token.kind in (Kind.IDENTIFIER, Kind.QUOTED) or self._cursor.at_symbol("?"):
                name = parse_field(self._cursor)
                if word == ":" and self._cursor.at_symbol("("):
                    raise self._cursor.error(
                        name.span,
                        f"`:{name.path}(...)` is a call of an older EQL, which Elasticsearch does not run",
                        f"write the value inside the parentheses: `{name.path}(value)`",
                    )
                raise self._cursor.error(
                    name.span, f"expected {what}, found `{name.path}`", 'a text is written in double quotes: "..."'
                )
            self._cursor.refuse(what)
        return constant

    def _comma(self) -> None:
        self._cursor.advance()
        if self._cursor.at_symbol(")"):
            raise self._cursor.error(self._cursor.previous.span, "a value is missing after the last comma")

    def _prefix(self, level: _Level) -> ast.Expression:
        cursor = self._cursor
        token = cursor.token
        if cursor.at_keyword("not"):
            if level > _Level.NOT:
                raise cursor.error(
                    token.span,
                    "`not` cannot stand inside a comparison",
                    "put it before the comparison, or use parentheses",
                )
            cursor.advance()
            operand = self.read(_Level.NOT)
            self._grow(self._height)
            return ast.Not(operand, token.span.to(operand.span))
        if token.kind is Kind.SYMBOL and token.text in _SIGNS:
            cursor.advance()
            operand = self.read(_Level.SIGN)
            self._grow(self._height)
            return ast.Signed(_SIGNS[token.text], operand, token.span.to(operand.span))
        return self._primary()

    def _primary(self) -> ast.Expression:
        cursor = self._cursor
        token = cursor.token
        if cursor.at_symbol("("):
            opening = cursor.open()
            inner = self.read(_Level.OR)
            cursor.close(opening, "an operator or `)`")
            return inner
        if (constant := self._constant()) is not None:
            self._height = 0
            return constant
        if token.kind is Kind.TILDE_IDENTIFIER:
            cursor.advance()
            if not cursor.at_symbol("("):
                raise cursor.error(
                    token.span,
                    f"`{token.text}~` is not a value",
                    "`~` follows the name of a function or `in`, `like`, `regex`",
                )
            return self._call(token.text, token.span, insensitive=True)
        if token.kind is Kind.KEYWORD and token.text not in ("and", "or", "where", "with", "by", "until"):
            raise cursor.error(
                token.span,
                f"`{token.text}` is a reserved word, not a field",
                "a field of that name is written in backticks",
            )
        if token.kind not in (Kind.IDENTIFIER, Kind.QUOTED) and not cursor.at_symbol("?"):
            cursor.refuse("a field, a constant or a function")
        name = parse_field(cursor)
        if cursor.at_symbol("(") and token.kind is Kind.IDENTIFIER and "." not in name.path:
            return self._call(token.text, token.span, insensitive=False)
        self._height = 0
        return name

    def _call(self, name: str, name_span: Span, *, insensitive: bool) -> ast.Expression:
        cursor = self._cursor
        opening = cursor.open()
        args: list[ast.Expression] = []
        height = 0
        if not cursor.at_symbol(")"):
            args.append(self.read(_Level.OR))
            height = self._height
            while cursor.at_symbol(","):
                self._comma()
                args.append(self.read(_Level.OR))
                height = max(height, self._height)
        end = cursor.close(opening, "`,` or `)`")
        self._grow(height)
        return ast.Call(name, tuple(args), insensitive, name_span.to(end), name_span)

    def _constant(self) -> ast.Constant | None:
        """The constant at the cursor, stepped over; ``None`` if there is none."""
        token = self._cursor.token
        constant: ast.Constant
        match token.kind:
            case Kind.STRING:
                constant = ast.String(str(token.value), token.span)
            case Kind.INTEGER:
                constant = ast.Integer(int(token.value or 0), token.span)
            case Kind.DECIMAL:
                constant = ast.Decimal(float(token.value or 0.0), token.span)
            case Kind.KEYWORD if token.text in ("true", "false"):
                constant = ast.Boolean(token.text == "true", token.span)
            case Kind.KEYWORD if token.text == "null":
                constant = ast.Null(token.span)
            case _:
                return None
        self._cursor.advance()
        return constant
