"""Queries in the older dialect of the Endgame library, written anew in Elasticsearch's where it has the words.

The dialects differ in three ways that a rewriting on the tree can mend. The library's ``==`` and ``in`` ignore
letter case and take wildcards in text. Its functions ignore letter case. Its unknown stays unknown to the top, so
that ``not`` of it drops the event: here each ``not`` is moved down to the comparisons, which then also ask for a
value.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.languages.eql import ast, parse, print_query
from dogwatch.languages.eql.printer import print_expression

_OPPOSITE = {
    ast.Comparator.LT: ast.Comparator.GE,
    ast.Comparator.LE: ast.Comparator.GT,
    ast.Comparator.GT: ast.Comparator.LE,
    ast.Comparator.GE: ast.Comparator.LT,
    ast.Comparator.EQ: ast.Comparator.NE,
    ast.Comparator.NE: ast.Comparator.EQ,
}
_FOLDING = frozenset({"between", "endswith", "indexof", "startswith", "stringcontains", "wildcard"})
_LIBRARY_ONLY = frozenset({"arraycount", "arraysearch", "match", "matchlite", "safe"})
_CONDITIONS = (ast.Comparison, ast.Membership, ast.Match, ast.Not, ast.And, ast.Or)
_KEEP_EQUALS = ("maxspan", "fork", "runs")


class OtherDialectError(Exception):
    """The query says something that Elasticsearch's EQL has no words for."""


def translated_query(text: str, case_sensitive: bool | None) -> str:
    """A whole query in Elasticsearch's dialect.

    Args:
        text: The query as the library reads it.
        case_sensitive: Whether letter case matters; ``None`` if the answer is the same either way.

    Raises:
        OtherDialectError: It cannot be said there; the message says what.
    """
    query = _parsed(text)
    writer = _Writer(case_sensitive)
    body = query.body
    pipes = list(query.pipes)
    match body:
        case ast.EventFilter():
            condition = body.condition
            while pipes and pipes[0].name == "filter" and len(pipes[0].args) == 1:
                condition = ast.And((condition, pipes.pop(0).args[0]))
            body = replace(body, condition=writer.holds(condition))
        case ast.Sequence():
            until = body.until and _term(body.until, writer)
            body = replace(body, terms=tuple(_term(term, writer) for term in body.terms), until=until)
        case ast.Sample():
            raise OtherDialectError("sample")
    for pipe in pipes:
        if pipe.name not in ("head", "tail"):
            raise OtherDialectError(f"the pipe `{pipe.name}`")
    return print_query(ast.Query(body, tuple(pipes)))


def translated_expression(text: str, case_sensitive: bool | None) -> str:
    """An expression in Elasticsearch's dialect.

    Raises:
        OtherDialectError: It cannot be said there.
    """
    query = _parsed(f"any where {text}")
    if not isinstance(query.body, ast.EventFilter):
        raise OtherDialectError("its syntax")
    return print_expression(_Writer(case_sensitive).value(query.body.condition))


def respelled(text: str) -> str:
    """The text with the library's spellings made Elasticsearch's: single quotes, raw strings, a lone ``=``."""
    pieces: list[str] = []
    at = 0
    while at < len(text):
        two = text[at : at + 2]
        if two in ("?'", '?"'):
            end = _string_end(text, at + 1)
            pieces.append(f'"""{text[at + 2 : end - 1]}"""')
        elif text[at] == "'":
            end = _string_end(text, at)
            pieces.append('"' + text[at + 1 : end - 1].replace("\\'", "'").replace('"', '\\"') + '"')
        elif text[at] == '"':
            end = _string_end(text, at)
            pieces.append(text[at:end])
        elif two == "//":
            end = len(text) if text.find("\n", at) < 0 else text.find("\n", at)
            pieces.append(text[at:end])
        elif two in ("==", "!=", "<=", ">="):
            end = at + 2
            pieces.append(two)
        elif text[at] == "=":
            end = at + 1
            keep = text[:at].rstrip().endswith(_KEEP_EQUALS)
            pieces.append("=" if keep else "==")
        else:
            end = at + 1
            pieces.append(text[at])
        at = end
    return "".join(pieces)


def _string_end(text: str, at: int) -> int:
    quote = text[at]
    end = at + 1
    while end < len(text) and text[end] != quote:
        end += 2 if text[end] == "\\" else 1
    return min(len(text), end + 1)


def _parsed(text: str) -> ast.Query:
    try:
        return parse(respelled(text))
    except DogwatchError as error:
        raise OtherDialectError(_construct(text, error)) from error


def _construct(text: str, error: DogwatchError) -> str:
    words = text.split()
    if words[0] == "join":
        return "join"
    if any(f" {relation} of " in " ".join(words) for relation in ("child", "descendant", "event")):
        return "ancestry"
    if "fork" in text:
        return "fork"
    span, source = error.diagnostics[0].span, error.diagnostics[0].source
    at = source[span.start : span.end] if span is not None and source is not None else ""
    return "an array's element" if at == "[" else "its syntax"


def _term(term: ast.Term, writer: _Writer) -> ast.Term:
    return replace(term, filter=replace(term.filter, condition=writer.holds(term.filter.condition)))


class _Writer:
    """Writes conditions anew: where they hold, and where they are known not to."""

    def __init__(self, case_sensitive: bool | None) -> None:
        self._insensitive = not case_sensitive
        self._orders_folded = case_sensitive is False

    def holds(self, node: ast.Expression) -> ast.Expression:
        """A condition that is true where the library's is."""
        match node:
            case ast.And(parts=parts):
                return ast.And(tuple(self.holds(part) for part in parts))
            case ast.Or(parts=parts):
                return ast.Or(tuple(self.holds(part) for part in parts))
            case ast.Not(operand=operand):
                return self.fails(operand)
            case ast.Comparison(operator=ast.Comparator.NE) if not _asks_for_null(node):
                return self.fails(replace(node, operator=ast.Comparator.EQ))
            case ast.Membership(negated=True):
                return self.fails(replace(node, negated=False))
            case _:
                return self.value(node)

    def fails(self, node: ast.Expression) -> ast.Expression:
        """A condition that is true where the library's is false, and not where it is unknown."""
        match node:
            case ast.And(parts=parts):
                return ast.Or(tuple(self.fails(part) for part in parts))
            case ast.Or(parts=parts):
                return ast.And(tuple(self.fails(part) for part in parts))
            case ast.Not(operand=operand):
                return self.holds(operand)
            case ast.Boolean(value=value):
                return ast.Boolean(not value)
            case ast.Null():
                return ast.Boolean(False)
            case ast.Comparison(operator=operator) if _asks_for_null(node) or operator not in (
                ast.Comparator.EQ,
                ast.Comparator.NE,
            ):
                return self.value(replace(node, operator=_OPPOSITE[operator]))
            case ast.Comparison(operator=ast.Comparator.NE):
                return self.holds(replace(node, operator=ast.Comparator.EQ))
            case ast.Comparison(left=left, right=right):
                asked = right if _is_constant(left) else left
                return ast.And((self._has_value(asked), ast.Not(self.value(node))))
            case ast.Membership(negated=True):
                return self.holds(replace(node, negated=False))
            case ast.Membership(operand=operand):
                return ast.And((self._has_value(operand), ast.Not(self.value(node))))
            case _:
                return ast.Comparison(ast.Comparator.EQ, self.value(node), ast.Boolean(False))

    def value(self, node: ast.Expression) -> ast.Expression:
        """The expression with its own comparisons and functions as the library means them."""
        match node:
            case ast.Comparison():
                return self._comparison(node)
            case ast.Membership(operand=operand, values=values):
                if not all(map(_is_constant, values)):
                    raise OtherDialectError("a comparison of two fields")
                match = self._pattern_match(self.value(operand), values)
                if match is None:
                    return replace(node, operand=self.value(operand))
                return ast.Not(match) if node.negated else match
            case ast.Call(function=function) if function.lower() in _LIBRARY_ONLY:
                raise OtherDialectError(f"the function `{function}`")
            case ast.Call(function="arrayContains", args=(array, *values)) if all(map(_is_constant, values)):
                return ast.Membership(array, tuple(values), self._insensitive)
            case ast.Call(function=function, args=args):
                folds = self._insensitive and function.lower() in _FOLDING
                return replace(node, args=tuple(self.value(arg) for arg in args), insensitive=folds)
            case ast.Signed(operand=operand) | ast.Not(operand=operand):
                return replace(node, operand=self.value(operand))
            case ast.Arithmetic(left=left, right=right):
                return replace(node, left=self.value(left), right=self.value(right))
            case ast.And(parts=parts) | ast.Or(parts=parts):
                return replace(node, parts=tuple(self.value(part) for part in parts))
            case _:
                return node

    def _comparison(self, node: ast.Comparison) -> ast.Expression:
        left, right = node.left, node.right
        if _has_fields(left) and _has_fields(right):
            raise OtherDialectError("a comparison of two fields")
        if node.operator in (ast.Comparator.EQ, ast.Comparator.NE) and not _asks_for_null(node):
            text, other = (left, right) if isinstance(left, ast.String) else (right, left)
            match = self._pattern_match(self.value(other), (text,))
            if match is not None:
                return match if node.operator is ast.Comparator.EQ else ast.Not(match)
        elif self._orders_folded and any(map(_has_letters, (left, right))):
            raise OtherDialectError("texts in order whatever their letter case")
        return replace(node, left=self.value(left), right=self.value(right))

    def _pattern_match(self, operand: ast.Expression, values: tuple[Any, ...]) -> ast.Match | None:
        if not all(isinstance(value, ast.String) for value in values):
            return None
        if any("?" in value.value for value in values):
            raise OtherDialectError("a question mark that is no wildcard")
        return ast.Match(ast.Matcher.SEQ if self._insensitive else ast.Matcher.LIKE, operand, values)

    def _has_value(self, operand: ast.Expression) -> ast.Expression:
        return ast.Comparison(ast.Comparator.NE, self.value(operand), ast.Null())


def _has_letters(node: ast.Expression) -> bool:
    return isinstance(node, ast.String) and node.value.lower() != node.value.upper()


def _asks_for_null(node: ast.Comparison) -> bool:
    return isinstance(node.left, ast.Null) or isinstance(node.right, ast.Null)


def _is_constant(node: ast.Expression) -> bool:
    return not _has_fields(node) and not isinstance(node, _CONDITIONS)


def _has_fields(node: ast.Expression) -> bool:
    return next(ast.fields_in(node), None) is not None
