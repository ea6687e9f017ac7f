"""From KQL text to tokens.

The words ``and`` and ``or`` are keywords only between blanks and after something that they can join;
``not`` only where a word begins and a blank follows. Everywhere else they are part of a value, and values
keep their inner blanks.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span
from dogwatch.languages.value import Text
from dogwatch.logic.predicate import Wild

BLANKS = " \t\r\n\xa0"
"""The characters that separate tokens: the no-break space is one of them."""

KEYWORDS = frozenset({"and", "or", "not"})
"""The reserved words, in lower case; any letter case is taken."""

SPECIAL = frozenset('\\():<>"*{}')
"""The characters that an unquoted value holds only behind a backslash."""

TRIMMED = BLANKS + "\x0b\x0c\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
"""What is cut off at both ends of an unquoted value: the white space of ECMAScript."""

_BLANK_RUN = re.compile(r"[ \t\r\n\xa0]+")
_PLAIN_RUN = re.compile(r'[^\\():<>"*{} \t\r\n\xa0]+')
_QUOTED_RUN = re.compile(r'[^"\\]+')
_KEYWORD = re.compile(r"(and|or|not)(?=[ \t\r\n\xa0])", re.IGNORECASE | re.ASCII)
_ESCAPED_KEYWORD = re.compile(r"and|or|not(?=[^\w]|\Z)", re.IGNORECASE | re.ASCII)
_UNICODE_ESCAPE = re.compile(r"u([0-9a-fA-F]{4})")
_WHITE_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}
_SURROGATE = re.compile("[\ud800-\udfff]")


class Kind(enum.Enum):
    """What a token is, as an error message names it."""

    TEXT = "a value"
    COLON = "`:`"
    LE = "`<=`"
    GE = "`>=`"
    LT = "`<`"
    GT = "`>`"
    OPEN = "`(`"
    CLOSE = "`)`"
    OPEN_BRACE = "`{`"
    CLOSE_BRACE = "`}`"
    AND = "`and`"
    OR = "`or`"
    NOT = "`not`"
    END = "the end of the query"


_MARKS = {kind.value[1:-1]: kind for kind in Kind if kind.value[1:-1] in ("<=", ">=", *"<>:(){}")}
_ENDS_OPERAND = frozenset({Kind.TEXT, Kind.CLOSE, Kind.CLOSE_BRACE})


@dataclass(frozen=True, slots=True)
class Token:
    """One token; ``text`` is set for ``Kind.TEXT`` only."""

    kind: Kind
    span: Span
    text: Text | None = None


def tokens(source: str) -> Iterator[Token]:
    """The tokens of a query, one by one, the last of them ``Kind.END``.

    Raises:
        DogwatchError: ``kql-syntax`` when the rest of the text cannot be read.
    """
    position = 0
    previous: Kind | None = None
    while True:
        blank = _BLANK_RUN.match(source, position)
        start = blank.end() if blank else position
        if start == len(source):
            yield Token(Kind.END, Span(start, start))
            return
        token = _keyword(source, start) if blank or previous not in _ENDS_OPERAND else None
        if token is not None and token.kind is not Kind.NOT and previous not in _ENDS_OPERAND:
            token = None
        token = token or _mark(source, start) or _text(source, start)
        yield token
        position, previous = token.span.end, token.kind


def syntax_error(source: str, span: Span, message: str, hint: str | None = None) -> DogwatchError:
    """The error for text that is not KQL."""
    return DogwatchError(Diagnostic("kql-syntax", message, source=source, span=span, hint=hint))


def _keyword(source: str, start: int) -> Token | None:
    match = _KEYWORD.match(source, start)
    return Token(Kind[match[1].upper()], Span(*match.span())) if match else None


def _mark(source: str, start: int) -> Token | None:
    for width in (2, 1):
        kind = _MARKS.get(source[start : start + width])
        if kind is not None:
            return Token(kind, Span(start, start + len(kind.value) - 2))
    return None


def _text(source: str, start: int) -> Token:
    return _quoted(source, start) if source[start] == '"' else _unquoted(source, start)


def _quoted(source: str, start: int) -> Token:
    parts: list[str] = []
    position = start + 1
    while position < len(source):
        char = source[position]
        if char == '"':
            span = Span(start, position + 1)
            literal = _paired("".join(parts), source, span)
            return Token(Kind.TEXT, span, Text((literal,) if literal else (), True, span))
        if char == "\\":
            escaped, position = _quoted_escape(source, position + 1)
            parts.append(escaped)
        elif run := _QUOTED_RUN.match(source, position):
            parts.append(run[0])
            position = run.end()
    raise syntax_error(source, Span(start, start + 1), "the quote is never closed", 'end the value with `"`')


def _quoted_escape(source: str, position: int) -> tuple[str, int]:
    char = source[position : position + 1]
    if char in _WHITE_ESCAPES:
        return _WHITE_ESCAPES[char], position + 1
    if char and char in '\\"':
        return char, position + 1
    if unicode := _UNICODE_ESCAPE.match(source, position):
        return chr(int(unicode[1], 16)), unicode.end()
    # Inside quotes a backslash before any other character is itself: `"C:\dir"`.
    return "\\", position


def _unquoted(source: str, start: int) -> Token:
    pieces: list[str | Wild] = []
    literal: list[str] = []
    position = end = start
    while position < len(source):
        char = source[position]
        if blank := _BLANK_RUN.match(source, position):
            if _KEYWORD.match(source, blank.end()):
                break
            literal.append(blank[0])
            position = blank.end()
            continue
        if char == "*":
            pieces += [*_joined(literal), Wild.ANY]
            literal = []
            position += 1
        elif char == "\\":
            escaped, position = _unquoted_escape(source, position)
            literal.append(escaped)
        elif run := _PLAIN_RUN.match(source, position):
            literal.append(run[0])
            position = run.end()
        else:
            break
        end = position
    span = Span(start, end)
    trimmed = _trimmed([*pieces, *_joined(literal)])
    if not trimmed:
        raise syntax_error(source, span, "the value holds nothing but white space", "put it in double quotes")
    whole = (_paired(piece, source, span) if isinstance(piece, str) else piece for piece in trimmed)
    return Token(Kind.TEXT, span, Text(tuple(whole), False, span))


def _unquoted_escape(source: str, backslash: int) -> tuple[str, int]:
    position = backslash + 1
    char = source[position : position + 1]
    # Kibana's grammar would read the first letter of `\not` as a line end; its documentation means the word.
    if keyword := _ESCAPED_KEYWORD.match(source, position):
        return keyword[0], keyword.end()
    if char in _WHITE_ESCAPES:
        return _WHITE_ESCAPES[char], position + 1
    if char in SPECIAL:
        return char, position + 1
    if unicode := _UNICODE_ESCAPE.match(source, position):
        return chr(int(unicode[1], 16)), unicode.end()
    raise syntax_error(
        source,
        Span(backslash, min(position + 1, len(source))),
        "the backslash escapes nothing",
        "write `\\\\` for a backslash, or put the value in double quotes",
    )


def _joined(parts: list[str]) -> list[str]:
    return ["".join(parts)] if parts else []


def _trimmed(pieces: list[str | Wild]) -> list[str | Wild]:
    if pieces and isinstance(pieces[0], str):
        pieces[0] = pieces[0].lstrip(TRIMMED)
    if pieces and isinstance(pieces[-1], str):
        pieces[-1] = pieces[-1].rstrip(TRIMMED)
    return [piece for piece in pieces if piece]


def _paired(text: str, source: str, span: Span) -> str:
    """``text`` with each pair of surrogate escapes made one character; half a pair is no text at all."""
    if not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise syntax_error(source, span, "the value holds half of a surrogate pair") from error
