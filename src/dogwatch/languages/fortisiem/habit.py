"""What people bring along from other languages and from the product's screens."""

from __future__ import annotations

from dogwatch.languages.fortisiem.ast import Attribute, Expression
from dogwatch.languages.fortisiem.attributes import attribute_displayed
from dogwatch.languages.fortisiem.tokens import Kind, Token, syntax_error, token_at

_FOREIGN = {
    "STARTS": 'write REGEXP "^text"',
    "STARTSWITH": 'write REGEXP "^text"',
    "ENDS": 'write REGEXP "text$"',
    "ENDSWITH": 'write REGEXP "text$"',
    "LIKE": 'write CONTAIN "text" or REGEXP "pattern"',
    "MATCHES": 'write REGEXP "pattern"',
    "RLIKE": 'write REGEXP "pattern"',
}
"""Operators that FortiSIEM's rules do not have, and what they write instead."""

_CONNECTIVES = frozenset({"AND", "OR"})
_MATCHED = "matched events"
"""What the screens show for the star of COUNT(*)."""

_MOST_WORDS = 8
"""Words of the longest name that the screens show."""


def refuse_habit(source: str, operand: Expression, word: Token) -> None:
    """Explain a word behind an operand where an operator belongs, if it is a known habit.

    Raises:
        DogwatchError: ``fortisiem-syntax``; it is an operator of another language, or operand and word are part of
            the name under which the product shows an attribute.
    """
    hint = _FOREIGN.get(word.text.upper())
    if hint is not None:
        raise syntax_error(source, word.span, f"`{word.text}` is no operator of this language", hint)
    if not isinstance(operand, Attribute):
        return
    words = [operand.name]
    while word.kind is Kind.NAME and word.text.upper() not in _CONNECTIVES and len(words) < _MOST_WORDS:
        words.append(word.text)
        name = " ".join(words)
        if name.lower() == _MATCHED:
            message = "`COUNT(Matched Events)` is how the product shows `COUNT(*)`"
            raise syntax_error(source, operand.span.to(word.span), message, "write COUNT(*)")
        attribute = attribute_displayed(name)
        if attribute is not None:
            message = f"`{name}` is how the product shows the attribute `{attribute}`"
            raise syntax_error(source, operand.span.to(word.span), message, f"write {attribute}")
        word = token_at(source, word.span.end)
