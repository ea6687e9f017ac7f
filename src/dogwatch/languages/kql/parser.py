"""From KQL text to its tree, as Kibana reads it.

Taken beyond Kibana's own grammar, because Elastic's rule checker takes it: repeated ``not``, and ``not``
right after a colon.
"""

from __future__ import annotations

from dogwatch.base.diagnostic import Span
from dogwatch.languages.kql.ast import And, Is, MatchAll, Nested, Not, Or, Query, Range
from dogwatch.languages.kql.habit import habit_hint
from dogwatch.languages.kql.tokens import KEYWORDS, Kind, Token, syntax_error, tokens
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import Order

MAX_DEPTH = 100
"""Groups, nested queries and negations inside each other; no query that a person wrote comes near it."""

_RANGES = {Kind.LT: Order.LT, Kind.LE: Order.LE, Kind.GT: Order.GT, Kind.GE: Order.GE}
_JOINING = frozenset({Kind.AND, Kind.OR, Kind.NOT})
_OPENING = frozenset({Kind.OPEN, Kind.OPEN_BRACE})
_SECOND_FIELD_HINT = (
    "join two conditions with `and` or `or`, and put a value with `:`, `<` or `>` in double quotes; "
    "a group of values belongs to one field"
)
_SPECIAL_HINT = (
    'a value with one of ( ) : < > { } " or a backslash needs double quotes, or a backslash before each'
)
_JOIN_HINT = "join two conditions with `and` or `or`, and put a value that holds a double quote in double quotes"
_EXISTS_HINT = "write a value, or `*` for any"


def parse(source: str) -> Query:
    """The tree of a KQL query.

    A group of values, ``field: (a or b)``, is written out for each value, as Kibana does.

    Raises:
        DogwatchError: ``kql-syntax``, with the place and what was expected there.
    """
    return _Parser(source).query()


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokens(source)
        self._token = next(self._tokens)
        self._before: Token | None = None
        self._depth = 0

    def query(self) -> Query:
        if self._at(Kind.END):
            return MatchAll(Span(0, len(self._source)))
        query = self._or(None)
        if not self._at(Kind.END):
            raise self._unexpected("`and`, `or` or the end of the query", self._hint_after_condition())
        return query

    def _or(self, field: Text | None) -> Query:
        parts = [self._and(field)]
        while self._at(Kind.OR):
            self._advance()
            parts.append(self._and(field))
        return parts[0] if len(parts) == 1 else Or(tuple(parts), parts[0].span.to(parts[-1].span))

    def _and(self, field: Text | None) -> Query:
        parts = [self._unary(field)]
        while self._at(Kind.AND):
            self._advance()
            parts.append(self._unary(field))
        return parts[0] if len(parts) == 1 else And(tuple(parts), parts[0].span.to(parts[-1].span))

    def _unary(self, field: Text | None) -> Query:
        token = self._token
        if token.kind is Kind.NOT:
            self._enter(token)
            part = self._unary(field)
            self._depth -= 1
            return Not(part, token.span.to(part.span))
        if token.kind is Kind.OPEN:
            return self._group(field)
        value = self._text("a value, a field or `(`")
        if field is not None:
            if self._at(Kind.COLON) or self._token.kind in _RANGES:
                raise self._unexpected("`and` or `or`", habit_hint(value.literal) or _SECOND_FIELD_HINT)
            return Is(field, value, field.span.to(value.span))
        if self._at(Kind.COLON):
            self._advance()
            return self._field_value(value)
        if op := _RANGES.get(self._token.kind):
            self._advance()
            bound = self._text("a value")
            return Range(value, op, bound, value.span.to(bound.span))
        return Is(None, value, value.span)

    def _field_value(self, field: Text) -> Query:
        if not self._at(Kind.OPEN_BRACE):
            return self._unary(field)
        opening = self._token
        self._enter(opening)
        query = self._or(None)
        closing = self._close(Kind.CLOSE_BRACE, opening)
        return Nested(field, query, field.span.to(closing.span))

    def _group(self, field: Text | None) -> Query:
        opening = self._token
        self._enter(opening)
        query = self._or(field)
        self._close(Kind.CLOSE, opening)
        return query

    def _text(self, expected: str) -> Text:
        text = self._token.text
        if text is None:
            raise self._unexpected(expected, self._hint_before_value())
        self._advance()
        return text

    def _close(self, kind: Kind, opening: Token) -> Token:
        token = self._token
        if token.kind is Kind.END:
            hint = f"end the group with {kind.value}, or put the value in double quotes if it holds the bracket"
            raise syntax_error(self._source, opening.span, f"{opening.kind.value} is never closed", hint)
        if token.kind is not kind:
            raise self._unexpected(f"`and`, `or` or {kind.value}", self._hint_after_condition())
        self._depth -= 1
        self._advance()
        return token

    def _enter(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise syntax_error(self._source, token.span, f"more than {MAX_DEPTH} levels inside each other")
        self._advance()

    def _at(self, kind: Kind) -> bool:
        return self._token.kind is kind

    def _advance(self) -> None:
        self._before = self._token
        self._token = next(self._tokens)

    def _hint_before_value(self) -> str | None:
        """What to do where a value is missing, by what stands before it."""
        before = self._before
        if before is None or before.kind in _OPENING:
            return _SPECIAL_HINT
        if before.kind in _JOINING:
            return f"{before.kind.value} has nothing after it; put the word in double quotes if it is a value"
        if before.kind is Kind.COLON and self._token.kind in _RANGES:
            return f"leave the colon out: `field {self._token.kind.value[1:-1]} value`"
        return _EXISTS_HINT

    def _hint_after_condition(self) -> str:
        """What to do where a condition has ended and something else than ``and`` or ``or`` follows."""
        before = self._before
        if before is not None and before.text is not None and not before.text.quoted:
            habit = habit_hint(before.text.literal)
            if habit is not None:
                return habit
        match self._token.kind:
            case Kind.CLOSE | Kind.CLOSE_BRACE:
                return "a closing bracket has no partner"
            case Kind.TEXT if self._source.startswith(",", self._token.span.start):
                return "KQL lists values with `or`: `field: (one or two)`"
            case Kind.TEXT | Kind.NOT:
                return _JOIN_HINT
            case _:
                return _SPECIAL_HINT

    def _unexpected(self, expected: str, hint: str | None = None) -> Exception:
        token = self._token
        found = token.kind.value
        if token.kind is Kind.OPEN and self._source[: token.span.start].lower().endswith(tuple(KEYWORDS)):
            hint = "`and`, `or` and `not` need a blank before the bracket"
        return syntax_error(self._source, token.span, f"expected {expected}, found {found}", hint)
