"""Where a parser stands in the tokens of an EQL query, and how it complains."""

from __future__ import annotations

from typing import NoReturn

from dogwatch.base.diagnostic import DogwatchError, Span, line_and_column
from dogwatch.base.text import printable
from dogwatch.languages.eql.tokens import KEYWORDS, Kind, Token, scan, syntax_error

_CLOSING = {"(": ")", "[": "]", "![": "]"}
_NAMES = (Kind.IDENTIFIER, Kind.QUOTED)
_OPERATORS_ELSEWHERE = {
    "contains": 'write `field : "*text*"`',
    "startswith": 'write `startsWith(field, "text")`',
    "endswith": 'write `endsWith(field, "text")`',
    "matches": 'write `field regex "..."`',
    "rlike": 'write `field regex "..."`',
    "ilike": 'write `field like~ "..."`',
    "is": "write `field == null` or `field != null`",
    "exists": "write `field != null`",
    "between": "write two comparisons: `field >= 1 and field <= 9`",
}
"""What other query languages write between a field and a value, and how EQL says it."""

_SHOWN = 40
"""Characters of a token that an error message repeats."""


class Cursor:
    """One token of look-ahead over a query, with the brackets that are open.

    Args:
        text: The query.

    Raises:
        DogwatchError: ``eql-syntax``, here and from every method that moves on, where no token begins.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = scan(text)
        self.token = next(self._tokens)
        self.previous = Token(Kind.END, "", 0, 0)
        self._open: list[Token] = []

    def advance(self) -> Token:
        """Step over the current token and return it."""
        self.previous = self.token
        if self.token.kind is not Kind.END:
            self.token = next(self._tokens)
        return self.previous

    def at_symbol(self, *symbols: str) -> bool:
        """Whether the current token is one of these symbols."""
        return self.token.kind is Kind.SYMBOL and self.token.text in symbols

    def at_keyword(self, *keywords: str) -> bool:
        """Whether the current token is one of these keywords."""
        return self.token.kind is Kind.KEYWORD and self.token.text in keywords

    def open(self) -> Token:
        """Step over the opening bracket here, and remember it."""
        self._open.append(self.token)
        return self.advance()

    def close(self, opening: Token, expected: str) -> Span:
        """Step over the bracket that closes ``opening`` and return its span, or refuse what stands here instead.

        Args:
            opening: The token that ``open`` returned.
            expected: What could stand here, for the message.
        """
        if not self.at_symbol(_CLOSING[opening.text]):
            self.refuse(expected)
        self._open.pop()
        return self.advance().span

    def error(self, span: Span, message: str, hint: str | None = None) -> DogwatchError:
        """The error ``message`` at ``span``, ready to be raised."""
        return syntax_error(self.text, span, message, hint)

    def refuse(self, expected: str, *, hint: str | None = None) -> NoReturn:
        """Refuse the current token: ``expected`` says what could stand here.

        An unclosed bracket is pointed at where it was opened, for that is where it is mended.

        Raises:
            DogwatchError: Always.
        """
        token = self.token
        if self._open and (token.kind is Kind.END or self.at_symbol(")", "]") or self._at_next_term()):
            opening = self._open[-1]
            closing = _CLOSING[opening.text]
            if token.text != closing:
                line, column = line_and_column(self.text, token.start)
                until = (
                    "the end of the query"
                    if token.kind is Kind.END
                    else f"`{token.text}` at line {line}, column {column}"
                )
                raise self.error(
                    opening.span, f"`{opening.text}` is not closed by `{closing}` before {until}", hint
                )
        if token.kind is Kind.END:
            raise self.error(token.span, f"expected {expected}, but the query ends here", hint)
        if self.at_symbol(")", "]") and not self._open:
            raise self.error(token.span, f"`{token.text}` closes nothing that is open", hint)
        if self.at_symbol("=") and self.previous.kind is not Kind.SYMBOL:
            raise self.error(token.span, "`=` does not compare", "write `==` (exact) or `:` (any case, wildcards)")
        raise self.error(token.span, f"expected {expected}, found {self._found()}", hint or self._advice())

    def _at_next_term(self) -> bool:
        """Whether a new event begins here though the last one is still open."""
        is_index = self.previous.kind in _NAMES and self.previous.end == self.token.start
        return self.at_symbol("[", "![") and self._open[-1].text != "(" and not is_index

    def _found(self) -> str:
        text = self.text[self.token.start : self.token.end]
        shown = printable(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
        match self.token.kind:
            case Kind.KEYWORD:
                return f"the keyword `{shown}`"
            case Kind.STRING:
                return f"the string {shown}"
            case _:
                return f"`{shown}`"

    def _advice(self) -> str | None:
        """What people mean by a word that EQL does not know at this place."""
        token = self.token
        if token.kind is Kind.IDENTIFIER and token.text.lower() in KEYWORDS:
            return f"keywords are written in lower case: `{token.text.lower()}`"
        elsewhere = _OPERATORS_ELSEWHERE.get(token.text.lower())
        if elsewhere is not None and self.previous.kind in _NAMES:
            return elsewhere
        if self.at_symbol("*") and self.previous.text in (":", "like", "like~"):
            return "whether there is any value asks `field != null`"
        if self.at_symbol(","):
            return 'several values follow `in`, `:` or `like`: `field in ("a", "b")`'
        if self.previous.kind is Kind.STRING and token.kind is Kind.STRING:
            return "separate the strings with a comma, in parentheses"
        if self.at_keyword("of") and self.previous.text in ("child", "descendant", "event"):
            return "Elasticsearch knows no ancestry; join a parent's and its child's events in a `sequence`"
        if token.text == "fork":
            return "Elasticsearch knows no `fork`; an event may take part in several sequences"
        if token.kind is Kind.KEYWORD:
            return f"`{token.text}` is a reserved word; a field of that name is written in backticks"
        if self.at_symbol("<", ">") and self.previous.text in ("=", "<"):
            return "write `<=`, `>=` or `!=`"
        if self.at_symbol("[") and self.previous.kind in _NAMES:
            return "an array has no index in EQL: a comparison asks all values of the field"
        return None
