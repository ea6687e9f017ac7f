"""The comparisons between subpatterns, or between an incident and what clears it.

A global constraint reads ``Down.hostName = Up.hostName AND Down.user != Up.user``: comparisons that must all
hold, each between values that a subpattern's name owns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span
from dogwatch.languages.fortisiem.ast import NOWHERE, Number, Text
from dogwatch.languages.fortisiem.tokens import (
    Kind,
    is_address,
    is_number,
    skip_blanks,
    syntax_error,
    token_at,
    unescaped,
)
from dogwatch.languages.source import check_count, check_text

_WORD = re.compile(r"""[^\s=<>!(),"']+""")
_OPERATOR = re.compile("!=|<=|>=|=|<|>")
_CONNECTIVE = re.compile(r"\s*(AND|OR|NOT)(?![\w.@-])", re.IGNORECASE)
_DISTINCT = re.compile(r"\s+DISTINCT(?=\s*\()", re.IGNORECASE)
_LONGEST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Named:
    """A value of something that has a name.

    Attributes:
        owner: The name of a subpattern or an incident; empty if none is written.
        source: An attribute, or an aggregate such as ``COUNT(*)``.
        span: Where it stands.
    """

    owner: str
    source: str
    span: Span = field(default=NOWHERE, compare=False)


Side = Named | Text | Number


@dataclass(frozen=True, slots=True)
class Join:
    """``left op right`` with op one of ``= != < <= > >=``."""

    op: str
    left: Side
    right: Side
    span: Span = field(default=NOWHERE, compare=False)


def parse_joins(text: str) -> tuple[Join, ...]:
    """The comparisons of a global constraint or a clear constraint; none if the text is blank.

    Raises:
        DogwatchError: ``fortisiem-syntax``; ``fortisiem-unsupported`` for OR and NOT; ``query-too-long``.
    """
    check_text(text)
    return tuple(_joins(text)) if text.strip() else ()


def _joins(text: str) -> Iterator[Join]:
    position, open_brackets, count = 0, 0, 0
    while True:
        opened = _run_of(text, position, "(")
        position, open_brackets = opened.end, open_brackets + opened.count
        join = _join(text, position)
        yield join
        closed = _run_of(text, join.span.end, ")")
        position, open_brackets = closed.end, open_brackets - closed.count
        count += 4
        check_count(text, count, join.span)
        if open_brackets < 0:
            raise syntax_error(text, Span(position - 1, position), "this bracket was never opened")
        if position == len(text):
            if open_brackets:
                raise syntax_error(text, Span(position, position), "a bracket is never closed")
            return
        word = _CONNECTIVE.match(text, position)
        if word is None or word[1].upper() != "AND":
            raise _no_conjunction(text, position)
        position = word.end()


@dataclass(frozen=True, slots=True)
class _Run:
    """So many equal marks, and the first position after them and the blanks behind them."""

    count: int
    end: int


def _run_of(text: str, position: int, mark: str) -> _Run:
    position = skip_blanks(text, position)
    count = 0
    while text.startswith(mark, position):
        count += 1
        position = skip_blanks(text, position + 1)
    return _Run(count, position)


def _join(text: str, position: int) -> Join:
    left = _side(text, position)
    start = skip_blanks(text, left.span.end)
    operator = _OPERATOR.match(text, start)
    if operator is None:
        raise syntax_error(
            text, _word_span(text, start), f"expected `=`, `!=`, `<` or `>`, found {_found(text, start)}"
        )
    right = _side(text, operator.end())
    return Join(operator[0], left, right, left.span.to(right.span))


def _side(text: str, position: int) -> Side:
    start = skip_blanks(text, position)
    if text[start : start + 1] in ('"', "'"):
        token = token_at(text, start)
        return Text(unescaped(token.text), token.span)
    word = _WORD.match(text, start)
    connective = _CONNECTIVE.match(text, start)
    if word is None or connective:
        if connective and connective[1].upper() == "NOT":
            raise _only_conjunctions(text, Span(start, connective.end()))
        raise syntax_error(
            text,
            _word_span(text, start),
            f"expected an attribute of a subpattern, found {_found(text, start)}",
            "write Subpattern.attribute = OtherSubpattern.attribute",
        )
    if is_number(word[0]):
        return Number(word[0], Span(*word.span()))
    if is_address(word[0]):
        return Text(word[0], Span(*word.span()))
    owner, _, _ = word[0].rpartition(".")
    end = _end_of_call(text, word.end())
    span = Span(start, end)
    source = text[start + len(owner) + 1 if owner else start : end].removeprefix(".")
    if not source:
        raise syntax_error(text, span, "the name of an attribute is missing after the point")
    return Named(owner, source, span)


def _end_of_call(text: str, position: int) -> int:
    """The end of the brackets that follow a name, or of the name where none do."""
    distinct = _DISTINCT.match(text, position)
    opening = skip_blanks(text, distinct.end() if distinct else position)
    if not text.startswith("(", opening):
        return position
    depth, at = 0, opening
    while True:
        token = token_at(text, at)
        if token.kind is Kind.END:
            raise syntax_error(text, Span(opening, opening + 1), "this bracket is never closed")
        if token.kind is Kind.MARK:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        at = token.span.end
        if depth == 0:
            return at


def _no_conjunction(text: str, position: int) -> DogwatchError:
    word = _CONNECTIVE.match(text, position)
    if word is not None:
        return _only_conjunctions(text, Span(skip_blanks(text, position), word.end()))
    return syntax_error(
        text, _word_span(text, position), f"expected AND or the end, found {_found(text, position)}"
    )


def _only_conjunctions(text: str, span: Span) -> DogwatchError:
    word = text[span.start : span.end].upper()
    return DogwatchError(
        Diagnostic(
            "fortisiem-unsupported",
            f"{word} is not supported here: all comparisons must hold",
            source=text,
            span=span,
            hint="join them with AND, and write a rule for each alternative",
        )
    )


def _word_span(text: str, start: int) -> Span:
    word = _WORD.match(text, start)
    return Span(*word.span()) if word else Span(start, min(start + 1, len(text)))


def _found(text: str, start: int) -> str:
    span = _word_span(text, start)
    word = text[span.start : span.end]
    if not word:
        return "the end"
    return f"`{word}`" if len(word) <= _LONGEST_SHOWN else "a long word"
