"""The words of an EQL query: a scanner that goes over the text once and remembers where each word stood."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span
from dogwatch.languages.source import check_count, check_text

KEYWORDS = frozenset(
    {
        *("and", "any", "by", "false", "in", "in~", "join", "like", "like~", "maxspan", "not", "null", "of"),
        *("or", "regex", "regex~", "sample", "sequence", "true", "until", "where", "with"),
    }
)
"""Reserved words, lower case only; a field of such a name is written in backticks."""

_TILDE_KEYWORDS = frozenset({"in", "like", "regex"})
_LONG_SYMBOLS = frozenset({"![", "==", "!=", "<=", ">="})
_SYMBOLS = frozenset("()[],.|:?=<>+-*/%")
# The documentation does not list the apostrophe, but Elasticsearch takes it and published rules use it.
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_BLANKS = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"[A-Za-z_@][A-Za-z0-9_]*")
_NUMBER = re.compile(r"(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r'[^"\\\r\n]+')
_UNICODE_ESCAPE = re.compile(r"\{([0-9A-Fa-f]{2,8})\}")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_TYPOGRAPHIC_QUOTES = frozenset("“”„‟«»‘’‚‛")  # noqa: RUF001 - the very characters that people paste
_LONG_MAX = 2**63 - 1
_DOUBLE_DIGITS = 310
"""More digits than these before the point are beyond any double."""


class Kind(enum.Enum):
    """What sort of word a token is."""

    IDENTIFIER = "a name"
    TILDE_IDENTIFIER = "a function name with ~"
    QUOTED = "a name in backticks"
    KEYWORD = "a keyword"
    STRING = "a string"
    INTEGER = "a whole number"
    DECIMAL = "a decimal number"
    SYMBOL = "a symbol"
    END = "the end of the query"


class Token(NamedTuple):
    """One word of a query.

    Attributes:
        kind: What sort of word.
        text: As written, except that a quoted name stands without its backticks and a function name
            without its ``~``.
        start: Offset of its first character.
        end: Offset after its last character.
        value: The meaning of a string or a number.
    """

    kind: Kind
    text: str
    start: int
    end: int
    value: str | int | float | None = None

    @property
    def span(self) -> Span:
        """Where the token stands in the query."""
        return Span(self.start, self.end)


def syntax_error(text: str, span: Span, message: str, hint: str | None = None) -> DogwatchError:
    """The error for a query that is not EQL, ready to be raised."""
    return DogwatchError(Diagnostic("eql-syntax", message, source=text, span=span, hint=hint))


def scan(text: str) -> Iterator[Token]:
    """The tokens of a query one after the other, an ``END`` token last.

    Args:
        text: The query, of the size that ``dogwatch.languages.source`` allows.

    Raises:
        DogwatchError: ``eql-syntax``, at the first character that belongs to no token.
    """
    check_text(text)
    position, length, count = 0, len(text), 0
    while position < length:
        token = _token_at(text, position)
        if isinstance(token, int):
            position = token
            continue
        count += 1
        check_count(text, count, token.span)
        yield token
        position = token.end
    yield Token(Kind.END, "", length, length)


def _token_at(text: str, start: int) -> Token | int:
    """The token that begins at ``start``, or the offset after the blanks or the comment there."""
    char = text[start]
    if (blanks := _BLANKS.match(text, start)) is not None:
        return blanks.end()
    if (word := _WORD.match(text, start)) is not None:
        return _word(text, start, word.end())
    if char == '"':
        return _raw_string(text, start) if text.startswith('"""', start) else _string(text, start)
    if (number := _NUMBER.match(text, start)) is not None:
        return _number(text, number)
    if char == "/" and text.startswith(("//", "/*"), start):
        return _after_comment(text, start)
    if char == "`":
        return _quoted_name(text, start)
    if (symbol := text[start : start + 2]) in _LONG_SYMBOLS:
        return Token(Kind.SYMBOL, symbol, start, start + 2)
    if char in _SYMBOLS:
        return Token(Kind.SYMBOL, char, start, start + 1)
    raise _strange_character(text, start)


def _word(text: str, start: int, end: int) -> Token:
    word = text[start:end]
    if text.startswith("~", end):
        if word in _TILDE_KEYWORDS:
            return Token(Kind.KEYWORD, word + "~", start, end + 1)
        return Token(Kind.TILDE_IDENTIFIER, word, start, end + 1)
    return Token(Kind.KEYWORD if word in KEYWORDS else Kind.IDENTIFIER, word, start, end)


def _number(text: str, match: re.Match[str]) -> Token:
    start, end = match.span()
    word = match[0]
    if not any(match.groups()):
        digits = word.lstrip("0") or "0"
        if len(digits) < 20 and int(digits) <= _LONG_MAX:
            return Token(Kind.INTEGER, word, start, end, int(digits))
        word = digits
    # A whole number that no long holds is a double, as in Elasticsearch.
    value = float("inf") if len(word.partition(".")[0].lstrip("0")) > _DOUBLE_DIGITS else float(word)
    if value == float("inf"):
        raise syntax_error(text, Span(start, end), "the number is too large", "the largest is about 1.8e308")
    return Token(Kind.DECIMAL, text[start:end], start, end, value)


def _string(text: str, start: int) -> Token:
    pieces: list[str] = []
    position = start + 1
    while True:
        if (plain := _PLAIN.match(text, position)) is not None:
            pieces.append(plain[0])
            position = plain.end()
        if position >= len(text) or text[position] in "\r\n":
            raise syntax_error(
                text,
                Span(start, position),
                "the string that begins here is not closed on its line",
                'close it with `"`; a string over several lines is written between triple quotes',
            )
        if text[position] == '"':
            return Token(Kind.STRING, text[start : position + 1], start, position + 1, "".join(pieces))
        decoded, position = _escape(text, position)
        pieces.append(decoded)


def _escape(text: str, start: int) -> tuple[str, int]:
    """The character that the backslash at ``start`` writes, and the offset after it."""
    letter = text[start + 1 : start + 2]
    if letter in _ESCAPES and letter:
        return _ESCAPES[letter], start + 2
    if letter == "u":
        match = _UNICODE_ESCAPE.match(text, start + 2)
        if match is None:
            raise syntax_error(
                text,
                Span(start, start + 2),
                r"`\u` needs 2 to 8 hexadecimal digits in braces",
                r"such as \u{00e9}",
            )
        code = int(match[1], 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise syntax_error(text, Span(start, match.end()), f"U+{code:04X} is not a Unicode character")
        return chr(code), match.end()
    raise syntax_error(
        text,
        Span(start, min(start + 2, len(text))),
        f"`\\{letter}` is not an escape of an EQL string",
        r'a backslash itself is written \\; between triple quotes """...""" nothing is an escape',
    )


def _raw_string(text: str, start: int) -> Token:
    close = text.find('"""', start + 3)
    if close < 0:
        raise syntax_error(text, Span(start, start + 3), 'the string that begins here is not closed by `"""`')
    # Up to two quotes just before the closing three belong to the text.
    extra = 0
    while extra < 2 and text.startswith('"', close + 3 + extra):
        extra += 1
    close += extra
    return Token(Kind.STRING, text[start : close + 3], start, close + 3, text[start + 3 : close])


def _quoted_name(text: str, start: int) -> Token:
    position = start + 1
    while True:
        close = text.find("`", position)
        if close < 0:
            raise syntax_error(text, Span(start, start + 1), "the name that begins at this backtick is not closed")
        if not text.startswith("``", close):
            break
        position = close + 2
    if close == start + 1:
        raise syntax_error(text, Span(start, close + 1), "there is no name between the backticks")
    return Token(Kind.QUOTED, text[start + 1 : close].replace("``", "`"), start, close + 1)


def _after_comment(text: str, start: int) -> int:
    if text.startswith("//", start):
        end = text.find("\n", start)
        return len(text) if end < 0 else end + 1
    depth, position = 0, start
    while (edge := _COMMENT_EDGE.search(text, position)) is not None:
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
        if depth == 0:
            return position
    raise syntax_error(
        text,
        Span(start, start + 2),
        "the comment that begins here is not closed",
        "comments nest: each `/*` inside it needs a `*/` of its own" if depth > 1 else "close it with `*/`",
    )


def _strange_character(text: str, start: int) -> DogwatchError:
    char = text[start]
    span = Span(start, start + 1)
    match char:
        case "'":
            close = text.find("'", start + 1)
            line_end = text.find("\n", start)
            if close > 0 and (line_end < 0 or close < line_end):
                span = Span(start, close + 1)
            return syntax_error(
                text, span, "strings are written in double quotes", 'write "..." instead of single quotes'
            )
        case "!":
            return syntax_error(text, span, "`!` is not an operator of its own", "write `not`, `!=` or `![`")
        case "&":
            return syntax_error(text, span, "`&` is not an operator", "write `and`")
        case "~":
            return syntax_error(
                text,
                span,
                "`~` stands only right after `in`, `like`, `regex` or a function's name",
                "for a comparison that ignores case write `:`",
            )
        case "\\":
            return syntax_error(text, span, "a backslash stands only inside a string")
        case _ if char in _TYPOGRAPHIC_QUOTES:
            return syntax_error(
                text, span, f"{_named(char)} does not begin a string", 'write straight double quotes "..."'
            )
    return syntax_error(
        text,
        span,
        f"{_named(char)} has no meaning here",
        "a field name with other characters than letters, digits and _ is written in `backticks`"
        if char.isprintable()
        else None,
    )


def _named(char: str) -> str:
    name = unicodedata.name(char, "")
    code = f"U+{ord(char):04X}" + (f" {name.lower()}" if name else "")
    return (
        f"`{char}` ({code})"
        if char.isprintable() and not char.isascii()
        else f"`{char}`"
        if char.isprintable()
        else code
    )
