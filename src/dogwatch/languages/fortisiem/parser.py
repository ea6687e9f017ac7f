"""From the text of a filter or an aggregate to its tree.

AND binds tighter than OR (FortiSIEM's documents do not say; its own rules use brackets), keywords are
taken in any letter case, and a prefix NOT is taken though the product's editor never writes one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dogwatch.base.diagnostic import DogwatchError, Span
from dogwatch.base.time import parse_instant
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
from dogwatch.languages.fortisiem.habit import refuse_habit
from dogwatch.languages.fortisiem.tokens import (
    BINDING,
    GROUP_PREFIX,
    Kind,
    Token,
    bare_word_at,
    is_address,
    is_number,
    skip_blanks,
    syntax_error,
    token_at,
    unescaped,
    unescaped_regex,
)
from dogwatch.languages.source import check_count

MAX_DEPTH = 60
"""Brackets, calls and negations inside each other."""

MAX_ARITHMETIC = 100
"""Arithmetic operators in one filter or aggregate."""

_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_RESERVED = frozenset(
    {"AND", "OR", "NOT", "IN", "BETWEEN", "IS", "NULL", "CONTAIN", "CONTAINS", "REGEXP", "DISTINCT"}
)
_OPERATOR_WORDS = frozenset({"IN", "BETWEEN", "IS", "CONTAIN", "CONTAINS", "REGEXP", "NOT"})
_LONGEST_SHOWN = 40

_Item = Text | Number | Address | Group


def parse_filter(source: str) -> Condition:
    """The tree of a filter over single events, such as ``eventType = "A" AND user IS NOT NULL``.

    Raises:
        DogwatchError: ``fortisiem-syntax``, with the place and what was expected there; ``query-too-long``.
    """
    return _Parser(source, over_groups=False).condition()


def parse_aggregate(source: str) -> Condition:
    """The tree of a constraint over a group of events, such as ``COUNT(*) >= 5 AND AVG(cpuUtil) > 90``.

    Raises:
        DogwatchError: ``fortisiem-syntax``, with the place and what was expected there; ``query-too-long``.
    """
    return _Parser(source, over_groups=True).condition()


def parse_value(source: str) -> Expression:
    """The tree of one value of a group of events, such as ``AVG(cpuUtil) - MIN(cpuUtil)``.

    Raises:
        DogwatchError: As ``parse_aggregate``.
    """
    return _Parser(source, over_groups=True).value()


class _Parser:
    def __init__(self, source: str, *, over_groups: bool) -> None:
        self._source = source
        self._over_groups = over_groups
        self._depth = 0
        self._arithmetic = 0
        self._count = 0
        self._token = token_at(source, 0)

    def condition(self) -> Condition:
        if self._ended():
            raise self._unexpected("a condition")
        condition = self._as_condition(self._or())
        if not self._ended():
            raise self._unexpected("AND, OR or the end")
        return condition

    def value(self) -> Expression:
        value = self._as_expression(self._sum())
        if not self._ended():
            raise self._unexpected("an arithmetic operator or the end")
        return value

    def _or(self) -> Condition | Expression:
        first = self._and()
        if not self._token.is_word("OR"):
            return first
        parts = [self._as_condition(first)]
        while self._token.is_word("OR"):
            self._advance()
            parts.append(self._as_condition(self._and()))
        return Or(tuple(parts), parts[0].span.to(parts[-1].span))

    def _and(self) -> Condition | Expression:
        first = self._predicate()
        if not self._token.is_word("AND"):
            return first
        parts = [self._as_condition(first)]
        while self._token.is_word("AND"):
            self._advance()
            parts.append(self._as_condition(self._predicate()))
        return And(tuple(parts), parts[0].span.to(parts[-1].span))

    def _predicate(self) -> Condition | Expression:
        token = self._token
        if token.is_word("NOT"):
            self._enter()
            part = self._as_condition(self._predicate())
            self._depth -= 1
            return Not(part, token.span.to(part.span))
        left = self._sum()
        if self._token.kind is Kind.MARK and self._token.text in _COMPARISONS:
            operand = self._as_expression(left)
            op = self._advance().text
            if self._token.is_word("NULL"):
                raise self._unexpected("a value", "write IS NULL" if op == "=" else "write IS NOT NULL")
            right = self._as_expression(self._sum())
            return Compare(op, operand, right, operand.span.to(right.span))
        if self._token.kind is Kind.NAME and self._token.text.upper() in _OPERATOR_WORDS:
            return self._word_operator(self._as_expression(left))
        if self._token.kind is Kind.NAME and not isinstance(left, Condition):
            refuse_habit(self._source, left, self._token)
        return left

    def _word_operator(self, operand: Expression) -> Condition:
        if self._token.is_word("IS"):
            self._advance()
            negated = self._take("NOT")
            end = self._token.span
            if not self._take("NULL"):
                raise self._unexpected("NULL")
            return IsNull(operand, negated, operand.span.to(end))
        negated = self._take("NOT")
        word = self._token
        match word.text.upper() if word.kind is Kind.NAME else "":
            case "IN":
                self._advance()
                items, end = self._items()
                return In(operand, items, negated, operand.span.to(end))
            case "BETWEEN":
                self._advance()
                return self._between(operand, negated)
            case "CONTAIN" | "CONTAINS":
                self._advance()
                text = self._contained()
                return Contain(operand, text, negated, operand.span.to(text.span))
            case "REGEXP":
                self._advance()
                pattern = self._quoted(unescaped_regex)
                return Regexp(operand, pattern, negated, operand.span.to(pattern.span))
            case _:
                hint = "write !=" if self._at("=") else "write IS NOT NULL" if word.is_word("IS") else None
                raise self._unexpected("IN, BETWEEN, CONTAIN or REGEXP", hint)

    def _between(self, operand: Expression, negated: bool) -> Condition:
        if not self._at("("):
            raise self._unexpected("`(`", "write BETWEEN (low, high)")
        low = self._bound()
        if not self._at(","):
            raise self._unexpected("`,`", "write BETWEEN (low, high)")
        high = self._bound()
        if not self._at(")"):
            raise self._unexpected("`)`", "write BETWEEN (low, high)")
        end = self._advance().span
        return Between(operand, low, high, negated, operand.span.to(end))

    def _bound(self) -> Expression:
        """The end of a range behind the bracket or comma at the current token: a bare value or an expression."""
        start = skip_blanks(self._source, self._token.span.end)
        word = bare_word_at(self._source, start)
        if word is not None and _is_plain(word.text):
            after = token_at(self._source, word.span.end)
            if after.kind is Kind.MARK and after.text in ",)":
                self._counted(2)
                self._token = after
                return _bare_value(word)
        self._advance()
        return self._as_expression(self._sum())

    def _items(self) -> tuple[tuple[_Item, ...], Span]:
        """The bracketed list at the current token, and the span of its closing bracket.

        Items are read from the characters, not from tokens: unquoted they may hold nearly anything.
        """
        opening = self._token
        if not self._at("("):
            raise self._unexpected("a list in brackets")
        items: list[_Item] = []
        position = opening.span.end
        while True:
            item, position = self._item(position)
            items.append(item)
            self._counted(2)
            end = token_at(self._source, position)
            if end.text == ")" and end.kind is Kind.MARK:
                self._token = token_at(self._source, end.span.end)
                return tuple(items), end.span
            if end.text != "," or end.kind is not Kind.MARK:
                self._token = end
                raise self._unexpected("`,` or `)`", "values with blanks or brackets belong in double quotes")
            position = end.span.end

    def _item(self, position: int) -> tuple[_Item, int]:
        start = skip_blanks(self._source, position)
        if self._source[start : start + 1] in ('"', "'"):
            token = token_at(self._source, start)
            return Text(unescaped(token.text), token.span), token.span.end
        word = bare_word_at(self._source, start)
        if word is None:
            self._token = token_at(self._source, start)
            raise self._unexpected("a value")
        if word.text.lower() == GROUP_PREFIX:
            self._token = token_at(self._source, word.span.end)
            raise self._unexpected("the name of a group", "write IN (Group@NAME), without blanks")
        if word.text.lower().startswith(GROUP_PREFIX):
            return Group(word.text[len(GROUP_PREFIX) :], word.span), word.span.end
        return _bare_value(word), word.span.end

    def _contained(self) -> Expression:
        if self._token.kind in (Kind.TEXT, Kind.NUMBER, Kind.ADDRESS):
            return self._quoted(unescaped)
        if self._token.kind is Kind.NAME or self._at("("):
            node = self._as_expression(self._atom())
            return Text(node.text, node.span) if isinstance(node, Number | Address) else node
        raise self._unexpected("a text in double quotes")

    def _quoted(self, meaning: Callable[[str], str]) -> Text:
        brackets = 0
        while self._at("("):
            brackets += 1
            self._advance()
        token = self._token
        if token.kind not in (Kind.TEXT, Kind.NUMBER, Kind.ADDRESS):
            raise self._unexpected("a text in double quotes")
        self._advance()
        for _ in range(brackets):
            self._expect(")")
        return Text(meaning(token.text), token.span)

    def _sum(self, binding: int = 1) -> Condition | Expression:
        left = self._atom()
        while self._token.kind is Kind.MARK and BINDING.get(self._token.text, 0) >= binding:
            self._arithmetic += 1
            if self._arithmetic > MAX_ARITHMETIC:
                raise syntax_error(
                    self._source, self._token.span, f"more than {MAX_ARITHMETIC} arithmetic operators"
                )
            operand = self._as_expression(left)
            op = self._advance().text
            right = self._as_expression(self._sum(BINDING[op] + 1))
            left = Arithmetic(op, operand, right, operand.span.to(right.span))
        return left

    def _atom(self) -> Condition | Expression:
        token = self._token
        match token.kind:
            case Kind.TEXT:
                self._advance()
                return Text(unescaped(token.text), token.span)
            case Kind.NUMBER:
                self._advance()
                return Number(token.text, token.span)
            case Kind.ADDRESS:
                self._advance()
                return Address(token.text, token.span)
            case Kind.NAME if token.text.upper() not in _RESERVED:
                return self._name()
            case Kind.MARK if token.text == "(":
                return self._bracketed()
            case Kind.MARK if token.text == "-":
                return self._negative()
            case _:
                raise self._unexpected("an attribute, a value or `(`")

    def _bracketed(self) -> Condition | Expression:
        self._enter()
        inner = self._or()
        self._expect(")")
        self._depth -= 1
        return replace(inner, bracketed=True) if isinstance(inner, And) else inner

    def _negative(self) -> Expression:
        minus = self._enter()
        token = self._token
        if token.kind is Kind.NUMBER:
            self._advance()
            self._depth -= 1
            return Number(f"-{token.text}", minus.span.to(token.span))
        operand = self._as_expression(self._atom())
        self._depth -= 1
        return Negative(operand, minus.span.to(operand.span))

    def _name(self) -> Expression:
        name = self._advance()
        distinct = self._take("DISTINCT")
        if not self._at("("):
            if distinct:
                raise self._unexpected("`(`")
            if self._at("@"):
                raise self._unexpected("an operator", "a group stands in a list: IN (Group@NAME)")
            return Attribute(name.text, name.span)
        self._enter()
        distinct = self._take("DISTINCT") or distinct
        args: list[Expression | Condition] = []
        if distinct or self._at("*"):
            self._refuse_in_filter(name)
        if self._at("*"):
            args.append(Star(self._advance().span))
        elif not self._at(")"):
            regex = REGEX_ARGUMENT.get(name.text.upper())
            args.append(self._or())
            if self._token.kind is Kind.NAME and not isinstance(args[0], Condition):
                refuse_habit(self._source, args[0], self._token)
            while self._at(","):
                self._advance()
                args.append(self._quoted(unescaped_regex) if len(args) == regex and self._quotes() else self._or())
        profile = self._profile()
        closing = self._expect(")")
        self._depth -= 1
        return FunctionCall(name.text, tuple(args), distinct, profile, name.span.to(closing.span))

    def _refuse_in_filter(self, name: Token) -> None:
        if not self._over_groups:
            hint = "counting belongs in the aggregate of the subpattern"
            raise syntax_error(self._source, name.span, "a filter looks at single events", hint)

    def _quotes(self) -> bool:
        return self._token.kind is Kind.TEXT

    def _profile(self) -> int | None:
        if not (self._at(":") or self._at(";")):
            return None
        self._advance()
        token = self._token
        if token.kind is not Kind.NUMBER or not token.text.isdigit():
            raise self._unexpected("the number of a baseline profile")
        self._advance()
        return int(token.text)

    def _as_condition(self, node: Condition | Expression) -> Condition:
        if isinstance(node, Condition):
            return node
        if isinstance(node, FunctionCall) and not self._over_groups:
            return Holds(node)
        raise syntax_error(
            self._source,
            self._token.span,
            f"expected an operator after this, found {self._found()}",
            "a condition compares: attribute, operator, value",
        )

    def _as_expression(self, node: Condition | Expression) -> Expression:
        if not isinstance(node, Condition):
            return node
        raise syntax_error(
            self._source, node.span, "a condition cannot be an operand", "join conditions with AND or OR"
        )

    def _ended(self) -> bool:
        return self._token.kind is Kind.END

    def _at(self, mark: str) -> bool:
        return self._token.kind is Kind.MARK and self._token.text == mark

    def _take(self, word: str) -> bool:
        if not self._token.is_word(word):
            return False
        self._advance()
        return True

    def _expect(self, mark: str) -> Token:
        if not self._at(mark):
            raise self._unexpected(f"`{mark}`")
        return self._advance()

    def _enter(self) -> Token:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise syntax_error(self._source, self._token.span, f"more than {MAX_DEPTH} levels inside each other")
        return self._advance()

    def _advance(self) -> Token:
        token = self._token
        self._counted(1)
        self._token = token_at(self._source, token.span.end)
        return token

    def _counted(self, tokens: int) -> None:
        """Takes note of tokens that were read."""
        self._count += tokens
        check_count(self._source, self._count, self._token.span)

    def _found(self) -> str:
        text = self._token.text
        return f"`{text}`" if 0 < len(text) <= _LONGEST_SHOWN else str(self._token.kind.value)

    def _unexpected(self, expected: str, hint: str | None = None) -> DogwatchError:
        return syntax_error(self._source, self._token.span, f"expected {expected}, found {self._found()}", hint)


def _is_plain(word: str) -> bool:
    """Whether a bare word is a value, and no attribute."""
    return is_number(word) or is_address(word) or parse_instant(word) is not None


def _bare_value(word: Token) -> Text | Number | Address:
    if is_number(word.text):
        return Number(word.text, word.span)
    return Address(word.text, word.span) if is_address(word.text) else Text(word.text, word.span)
