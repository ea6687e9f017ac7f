"""From a Lucene query string to its tree, by luqum's grammar over Lucene's own tokens.

luqum gives the grammar of groups, operators, fields and ranges. Its tokens are not used: it takes ``&&``, ``||``
and ``!`` for words and cuts values otherwise than Lucene does. Its precedence of operators is not used either:
Lucene's classic parser, which Elasticsearch runs, has none. There each group is a row of clauses, ``AND`` makes
both its neighbours required and ``NOT`` the next one prohibited (``QueryParserBase.addClause``), so that
``a OR b AND c`` is ``a +b +c``.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from luqum import tree
from luqum.exceptions import ParseError
from luqum.head_tail import TokenValue

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span
from dogwatch.languages.lucene.ast import (
    Bool,
    Clause,
    Exists,
    Ignored,
    MatchAll,
    Occur,
    Query,
    Range,
    Regexp,
    Term,
)
from dogwatch.languages.lucene.tokens import Kind, Token, has_wildcard, syntax_error, tokens
from dogwatch.languages.lucene.value import field_text, plain_text, wild_text
from dogwatch.languages.value import Text

_EXISTS = "_exists_"
_QUOTES_HINT = "a value with a character that means something needs double quotes, or a backslash before it"
_TYPES = {
    Kind.WORD: "TERM",
    Kind.WILD: "TERM",
    Kind.QUOTED: "PHRASE",
    Kind.REGEXP: "REGEX",
    Kind.COLON: "COLUMN",
    Kind.AND: "AND_OP",
    Kind.OR: "OR_OP",
    Kind.NOT: "NOT",
    Kind.PLUS: "PLUS",
    Kind.MINUS: "MINUS",
    Kind.OPEN: "LPAREN",
    Kind.CLOSE: "RPAREN",
    Kind.RANGE_OPEN: "LBRACKET",
    Kind.RANGE_CLOSE: "RBRACKET",
    Kind.TO: "TO",
    Kind.TILDE: "APPROX",
    Kind.BOOST: "BOOST",
}
"""The name that luqum's grammar has for each token."""

_OPERATORS = frozenset({Kind.AND, Kind.OR, Kind.NOT, Kind.PLUS, Kind.MINUS, Kind.COLON})
_LOCK = threading.Lock()
"""luqum's parser keeps its state in itself."""


def parse(source: str) -> Query:
    """The tree of a Lucene query string; a blank one asks for every event, as Kibana has it.

    Raises:
        DogwatchError: ``lucene-syntax``, with the place; ``lucene-unsupported`` for fuzzy and proximity searches.
    """
    found = tokens(source)
    if found[0].kind is Kind.END:
        return MatchAll(Span(0, len(source)))
    return _Reading(source).group(_tree(source, found), None)


@dataclass(slots=True)
class _Lexeme:
    """A token in the form in which luqum's grammar takes it."""

    type: str
    value: Any
    lexpos: int
    lexer: object = None


def _tree(source: str, found: list[Token]) -> tree.Item:
    from luqum import parser  # it builds its tables when it is imported

    position = 0

    def following() -> _Lexeme | None:
        nonlocal position
        token, after = found[position], found[min(position + 1, len(found) - 1)]
        position += 1
        return None if token.kind is Kind.END else _lexeme(token, source[token.span.end : after.span.start])

    with _LOCK:
        try:
            return parser.parser.parse(None, tokenfunc=following)
        except ParseError as error:
            raise _unexpected(source, found, position - 1) from error


def _lexeme(token: Token, tail: str) -> _Lexeme:
    span = token.span
    value: Any
    match token.kind:
        case Kind.WORD | Kind.WILD:
            value = tree.Word(token.image)
        case Kind.QUOTED:
            value = tree.Phrase(token.image)
        case Kind.REGEXP:
            value = tree.Regex(token.image)
        case Kind.BOOST:
            value = TokenValue(token.image[1:])
        case Kind.TILDE:
            value = TokenValue(None)
        case _:
            value = TokenValue(token.image)
    value.pos, value.size, value.tail = span.start, span.end - span.start, tail
    return _Lexeme(_TYPES[token.kind], value, span.start)


def _unexpected(source: str, found: list[Token], position: int) -> DogwatchError:
    token = found[position]
    before = found[position - 1] if position else None
    if before is None or before.kind in _OPERATORS or before.kind is Kind.OPEN:
        where = f" after {before.kind.value}" if before else ""
        message = f"expected a value, a field or `(`{where}, found {token.kind.value}"
    elif _within_range(found[:position]):
        message = f"a range is two values with `TO` between them, found {token.kind.value}"
    else:
        message = f"expected a further condition or the end of the query, found {token.kind.value}"
    hint = _QUOTES_HINT if token.kind in (Kind.COLON, Kind.TILDE, Kind.AND, Kind.OR) else None
    return syntax_error(source, token.span, message, hint)


def _within_range(before: list[Token]) -> bool:
    ends = (token.kind for token in reversed(before) if token.kind in (Kind.RANGE_OPEN, Kind.RANGE_CLOSE))
    return next(ends, None) is Kind.RANGE_OPEN


class _Reading:
    """One tree of luqum's, read as Elasticsearch reads the text that it came from."""

    def __init__(self, source: str) -> None:
        self._source = source

    def group(self, node: tree.Item, field: Text | None) -> Query:
        """A row of clauses, or its only one."""
        clauses: list[Clause] = []
        for operator, operand in _row(node):
            occur, body = self._modified(operand)
            joined = operator is tree.AndOperation
            if joined:
                if clauses and clauses[-1].occur is Occur.SHOULD:
                    clauses[-1] = dataclasses.replace(clauses[-1], occur=Occur.MUST)
                occur = Occur.MUST if occur is Occur.SHOULD else occur
            clauses.append(Clause(occur, self._query(body, field), joined))
        if len(clauses) == 1 and clauses[0].occur is not Occur.MUST_NOT:
            return clauses[0].query
        return Bool(tuple(clauses), clauses[0].query.span.to(clauses[-1].query.span))

    def _modified(self, node: tree.Item) -> tuple[Occur, tree.Item]:
        match node:
            case tree.Plus():
                occur = Occur.MUST
            case tree.Not() | tree.Prohibit():
                occur = Occur.MUST_NOT
            case _:
                return Occur.SHOULD, node
        if isinstance(node.a, tree.Plus | tree.Not | tree.Prohibit):
            raise syntax_error(
                self._source,
                _span(node.a),
                "one of `+`, `-`, `NOT` and `!` is enough",
                "put brackets between them",
            )
        return occur, node.a

    def _query(self, node: tree.Item, field: Text | None) -> Query:
        span = _span(node)
        match node:
            case tree.SearchField():
                return self._field(node, span)
            case tree.Boost():
                return Ignored(self._query(node.expr, field), span)
            case tree.Group() | tree.FieldGroup():
                return self.group(node.expr, field)
            case tree.Word():
                return self._word(node.value, field, span)
            case tree.Phrase():
                return self._phrase(node.value, field, span)
            case tree.Regex():
                return Regexp(field, node.value[1:-1], span)
            case tree.Range():
                low, high = self._end(node.low), self._end(node.high)
                return Range(field, low, high, node.include_low, node.include_high, span)
            case tree.Fuzzy() if has_wildcard(node.term.value):
                return Ignored(self._word(node.term.value, field, _span(node.term)), span)
            case tree.Fuzzy():
                raise self._unsupported("fuzzy searches", "write each spelling: `field:(color OR colour)`", span)
            case tree.Proximity():
                raise self._unsupported("proximity searches", "leave `~` out for the exact phrase", span)
            case _:
                raise syntax_error(
                    self._source, span, "`+`, `-`, `NOT` and `!` stand before the field, not before its value"
                )

    def _field(self, node: tree.Item, span: Span) -> Query:
        name: str = node.name
        place = Span(span.start, span.start + len(name))
        if isinstance(node.expr, tree.SearchField):
            inner = _span(node.expr)
            raise syntax_error(self._source, inner, "a value cannot be a field with a value", _QUOTES_HINT)
        if name != "*" and has_wildcard(name):
            raise syntax_error(
                self._source, place, "a wildcard in a field name needs a backslash", "such as `host.\\*:value`"
            )
        if name == _EXISTS:
            return self._exists(node.expr, span)
        field = field_text("\\*" if name == "*" else name, self._source, place)
        if not field.pieces:
            raise syntax_error(self._source, place, "the name of the field is empty")
        return _from(span.start, self._query(node.expr, field))

    def _exists(self, node: tree.Item, span: Span) -> Query:
        match node:
            case tree.Word() if not has_wildcard(node.value):
                return Exists(field_text(node.value, self._source, _span(node)), span)
            case tree.Phrase():
                return Exists(field_text(node.value[1:-1], self._source, _span(node)), span)
            case _:
                raise self._unsupported(
                    "values of `_exists_` other than the name of a field", "such as `_exists_:host.name`", span
                )

    def _word(self, image: str, field: Text | None, span: Span) -> Query:
        if image == "*":
            return MatchAll(span) if field is None or field.is_star else Exists(field, span)
        if has_wildcard(image):
            return Term(field, wild_text(image, self._source, span), span)
        value = plain_text(image, self._source, span)
        text = value.literal
        if field is None or len(text) < 2 or text[0] not in "<>":
            return Term(field, value, span)
        inclusive = len(text) > 2 and text[1] == "="
        end = Text((text[2:] if inclusive else text[1:],), False, span)
        if text[0] == ">":
            return Range(field, end, None, inclusive, True, span)
        return Range(field, None, end, True, inclusive, span)

    def _phrase(self, image: str, field: Text | None, span: Span) -> Query:
        return Term(field, plain_text(image[1:-1], self._source, span, quoted=True), span)

    def _end(self, node: tree.Item) -> Text | None:
        image = node.value[1:-1] if isinstance(node, tree.Phrase) else node.value
        text = plain_text(image, self._source, _span(node))
        return None if text.literal == "*" else text

    def _unsupported(self, what: str, hint: str, span: Span) -> DogwatchError:
        return DogwatchError(
            Diagnostic("lucene-unsupported", f"{what} are not run here", source=self._source, span=span, hint=hint)
        )


def _row(node: tree.Item) -> Iterator[tuple[type | None, tree.Item]]:
    """The operands of a group from left to right, each with the operator before it.

    Operators of different kinds are nested in luqum's tree, as deep as the query is long.
    """
    waiting: list[tuple[type | None, tree.Item]] = [(None, node)]
    while waiting:
        operator, node = waiting.pop()
        if isinstance(node, tree.BaseOperation):
            first, *others = node.operands
            waiting += [(type(node), other) for other in reversed(others)]
            waiting.append((operator, first))
        else:
            yield operator, node


def _from(start: int, query: Query) -> Query:
    """The query of one value with its field's name taken into its place."""
    if isinstance(query, Bool):
        return query
    return dataclasses.replace(query, span=Span(start, query.span.end))


def _span(node: tree.Item) -> Span:
    start, end = node.span()
    return Span(start, end)
