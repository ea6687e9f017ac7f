"""From FortiSIEM's filter text to tokens, one at a time, and the bare words of its lists."""

from __future__ import annotations

import enum
import ipaddress
import re
from dataclasses import dataclass
from math import isfinite

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span

BINDING = {"+": 1, "-": 1, "*": 2, "/": 2}
"""The arithmetic operators; the higher number binds tighter."""

GROUP_PREFIX = "group@"
"""How a reference to a group begins, in lower case."""

_BLANKS = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]+)?")
_LONGEST_ADDRESS = 50
_LONGEST_NUMBER = 300
_BARE_WORD = re.compile(r"""[^\s,()"']+""")
# Possessive, so that a quote that is never closed costs one pass.
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.)*+)'", re.DOTALL),
}
_MARKS = ("!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", ":", ";", "@")
_FOREIGN = {
    "==": ("is no operator of this language", "write ="),
    "<>": ("is no operator of this language", "write !="),
    "=>": ("is no operator of this language", "write >="),
    "=<": ("is no operator of this language", "write <="),
    "=~": ("is no operator of this language", 'write REGEXP "pattern"'),
    "&gt;": ("is > in XML, escaped once too often", "write >, or &gt; in a file of rules"),
    "&lt;": ("is < in XML, escaped once too often", "write <, or &lt; in a file of rules"),
    "&quot;": ("is a quote in XML, escaped once too often", 'write ", or &quot; in a file of rules'),
    "&": ("is no operator of this language", "write AND"),
    "|": ("is no operator of this language", "write OR"),
    "--": ("begins no comment: the language has none", "leave it out"),
    "//": ("begins no comment: the language has none", "leave it out"),
    "/*": ("begins no comment: the language has none", "leave it out"),
    "#": ("begins no comment: the language has none", "leave it out"),
    **dict.fromkeys(
        "\u201c\u201d\u2018\u2019`", ("is no quote of this language", 'put texts in straight quotes: "text"')
    ),
}
"""What other languages and word processors write, what is wrong with it, and what to do instead."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class Kind(enum.Enum):
    """What a token is, as an error message names it."""

    NAME = "a name"
    TEXT = "a text"
    NUMBER = "a number"
    ADDRESS = "an address"
    MARK = "a mark"
    END = "the end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: What it is.
        text: Its characters; for a text those between the quotes, escapes as written.
        span: Where it stands, quotes included.
    """

    kind: Kind
    text: str
    span: Span

    def is_word(self, word: str) -> bool:
        """Whether it is the keyword ``word`` (in upper case), in any letter case."""
        return self.kind is Kind.NAME and self.text.upper() == word


def token_at(source: str, position: int) -> Token:
    """The first token at or after a position.

    Raises:
        DogwatchError: ``fortisiem-syntax``; nothing that the language knows begins there.
    """
    start = skip_blanks(source, position)
    if start == len(source):
        return Token(Kind.END, "", Span(start, start))
    char = source[start]
    if char in "\"'":
        return _quoted(source, start)
    if address := _address(source, start):
        return address
    for kind, pattern in ((Kind.NAME, _NAME), (Kind.NUMBER, _NUMBER)):
        if (match := pattern.match(source, start)) and source.startswith(".", match.end()) and kind is Kind.NUMBER:
            raise _no_number(source, start)
        if match := pattern.match(source, start):
            return _sized(source, Token(kind, match[0], Span(start, match.end())))
    for mark, (wrong, hint) in _FOREIGN.items():
        if source.startswith(mark, start):
            raise syntax_error(source, Span(start, start + len(mark)), f"`{mark}` {wrong}", hint)
    if char == "!" and not source.startswith("!=", start):
        raise syntax_error(source, Span(start, start + 1), "`!` is no operator of this language", "write NOT")
    for mark in _MARKS:
        if source.startswith(mark, start):
            return Token(Kind.MARK, mark, Span(start, start + len(mark)))
    raise syntax_error(
        source, Span(start, start + 1), "this character has no meaning here", "put texts in double quotes"
    )


def bare_word_at(source: str, position: int) -> Token | None:
    """The unquoted list item at a position: everything up to a blank, a comma, a bracket or a quote."""
    match = _BARE_WORD.match(source, position)
    return _whole(source, Token(Kind.TEXT, match[0], Span(*match.span()))) if match else None


def skip_blanks(source: str, position: int) -> int:
    """The position of the first character that is no blank."""
    match = _BLANKS.match(source, position)
    return match.end() if match else position


def is_number(text: str) -> bool:
    """Whether a whole text is a finite number, with or without a sign."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    return len(digits) <= _LONGEST_NUMBER and bool(_NUMBER.fullmatch(digits)) and isfinite(float(digits))


def is_address(text: str) -> bool:
    """Whether a whole text is an IPv4 or IPv6 address or a CIDR block."""
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        return False
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def unescaped(text: str) -> str:
    r"""The meaning of a text's characters: ``\"``, ``\'`` and ``\\`` stand for the second, others for both."""
    return _unescaped(text, "\\\"'")


def unescaped_regex(text: str) -> str:
    r"""The regular expression that a text's characters give: only ``\"`` and ``\'`` lose the backslash."""
    return _unescaped(text, "\"'")


def syntax_error(source: str, span: Span, message: str, hint: str | None = None) -> DogwatchError:
    """The error for text that is no filter or aggregate."""
    return DogwatchError(Diagnostic("fortisiem-syntax", message, source=source, span=span, hint=hint))


def _unescaped(text: str, escapable: str) -> str:
    if "\\" not in text:
        return text
    parts: list[str] = []
    position = 0
    while (backslash := text.find("\\", position)) >= 0:
        pair = text[backslash : backslash + 2]
        parts += [text[position:backslash], pair[1:] if pair[1:] and pair[1:] in escapable else pair]
        position = backslash + 2
    return "".join([*parts, text[position:]])


def _quoted(source: str, start: int) -> Token:
    match = _QUOTED[source[start]].match(source, start)
    if match is None:
        hint = f"end the text with {source[start]}; a backslash before it makes it part of the text"
        raise syntax_error(source, Span(start, start + 1), "the quote is never closed", hint)
    return _whole(source, Token(Kind.TEXT, match[1], Span(*match.span())))


def _address(source: str, start: int) -> Token | None:
    match = _ADDRESS.match(source, start, start + _LONGEST_ADDRESS + 1)
    if match is None:
        return None
    text = match[0]
    if ":" not in text and text.partition("/")[0].count(".") != 3:
        return None
    return Token(Kind.ADDRESS, text, Span(start, match.end())) if is_address(text) else None


def _no_number(source: str, start: int) -> DogwatchError:
    """The error for digits and points that are no number, such as ``300.1.1.1``."""
    match = _BARE_WORD.match(source, start)
    span = Span(start, match.end() if match else start + 1)
    word = source[span.start : min(span.end, span.start + _LONGEST_ADDRESS)]
    return syntax_error(source, span, f"`{word}` is neither a number nor an address")


def _sized(source: str, token: Token) -> Token:
    if token.kind is Kind.NUMBER and (len(token.text) > _LONGEST_NUMBER or not isfinite(float(token.text))):
        raise syntax_error(source, token.span, "the number is too large")
    return token


def _whole(source: str, token: Token) -> Token:
    if _SURROGATE.search(token.text):
        raise syntax_error(source, token.span, "the text holds half of a surrogate pair")
    return token
