"""From a Lucene query string to tokens, as Lucene's classic query parser cuts it.

The rules are those of its grammar (``QueryParser.jj``): the longest token wins; ``+``, ``-`` and ``!`` with a
blank behind them are words; a range has words of its own; and unmarked words that follow each other are one text,
which a keyword field compares as a whole (Elasticsearch does not split a query string at blanks).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span
from dogwatch.languages.source import check_count, check_text

MAX_DEPTH = 100
"""Groups inside each other; no query that a person wrote comes near it."""

MAX_TOKENS = 10_000
"""Words and marks of one query: luqum's time grows with their square. Elasticsearch refuses far shorter ones."""

_BLANKS = " \t\n\r\u3000"
_START = r"(?:[^ \t\n\r\u3000+\-!():^\[\]\"{}~*?\\/]|\\.)"
_INSIDE = r"(?:[^ \t\n\r\u3000!():^\[\]\"{}~*?\\/]|\\.)"
_WORD = re.compile(rf"(?:{_START}|[*?])(?:{_INSIDE}|[*?])*", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TILDE = re.compile(rf"~{_INSIDE}*", re.DOTALL)
_BOOST = re.compile(r"\^[0-9]+(?:\.[0-9]+)?")
_RANGE_QUOTED = re.compile(r'"(?:\\"|[^"])+"')
_RANGE_WORD = re.compile(r"[^ \]}]+")
_WILD = re.compile(r"(?:[^\\*?]|\\.)*[*?]", re.DOTALL)


class Kind(enum.Enum):
    """What a token is, as an error message names it."""

    WORD = "a value"
    WILD = "a value with wildcards"
    QUOTED = "a phrase"
    REGEXP = "a regular expression"
    COLON = "`:`"
    AND = "`AND`"
    OR = "`OR`"
    NOT = "`NOT`"
    PLUS = "`+`"
    MINUS = "`-`"
    OPEN = "`(`"
    CLOSE = "`)`"
    RANGE_OPEN = "the start of a range"
    RANGE_CLOSE = "the end of a range"
    TO = "`TO`"
    TILDE = "`~`"
    BOOST = "`^`"
    END = "the end of the query"


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, its place, and its text as written (several words joined by single blanks)."""

    kind: Kind
    span: Span
    image: str


_RESERVED = {"AND": Kind.AND, "&&": Kind.AND, "OR": Kind.OR, "||": Kind.OR, "NOT": Kind.NOT}
_MARKS = {
    ":": Kind.COLON,
    "(": Kind.OPEN,
    ")": Kind.CLOSE,
    "+": Kind.PLUS,
    "-": Kind.MINUS,
    "!": Kind.NOT,
    "[": Kind.RANGE_OPEN,
    "{": Kind.RANGE_OPEN,
}
_LEADS = frozenset({Kind.COLON, Kind.AND, Kind.OR, Kind.NOT, Kind.PLUS, Kind.MINUS})
"""What a single value comes after, never a text of several words."""

_STANDS_ALONE_BEFORE = frozenset({Kind.COLON, Kind.TILDE, Kind.BOOST, Kind.AND, Kind.OR})
"""What makes the word before it one of its own."""

_SLASH_HINT = "put a value with slashes in double quotes, or a backslash before each of them"


def tokens(source: str) -> list[Token]:
    """The tokens of a query string, the last of them ``Kind.END``.

    Raises:
        DogwatchError: ``lucene-syntax`` when the text cannot be cut into tokens, or brackets do not match;
            ``query-too-long``.
    """
    check_text(source)
    found: list[Token] = []
    open_groups: list[Token] = []
    for token in _scanned(source):
        if token.kind is Kind.BOOST and found and found[-1].kind is Kind.BOOST:
            raise syntax_error(source, token.span, "a second boost of one clause")
        found.append(token)
        check_count(source, len(found), token.span, MAX_TOKENS)
        if token.kind is Kind.OPEN:
            open_groups.append(token)
            if len(open_groups) > MAX_DEPTH:
                raise syntax_error(source, token.span, f"more than {MAX_DEPTH} levels inside each other")
        elif token.kind is Kind.CLOSE:
            if not open_groups:
                raise syntax_error(source, token.span, "this closing bracket has no partner")
            open_groups.pop()
    if open_groups:
        raise syntax_error(source, open_groups[-1].span, "`(` is never closed")
    return _joined(found)


def has_wildcard(image: str) -> bool:
    """Whether a word as written holds a wildcard that no backslash takes away."""
    return _WILD.match(image) is not None


def syntax_error(source: str, span: Span, message: str, hint: str | None = None) -> DogwatchError:
    """The error for text that is no Lucene query string."""
    return DogwatchError(Diagnostic("lucene-syntax", message, source=source, span=span, hint=hint))


def _scanned(source: str) -> Iterator[Token]:
    position = 0
    while True:
        while source[position : position + 1] and source[position] in _BLANKS:
            position += 1
        if position == len(source):
            yield Token(Kind.END, Span(position, position), "")
            return
        token = _token(source, position)
        yield token
        position = token.span.end
        if token.kind is Kind.RANGE_OPEN:
            for inner in _range(source, token):
                yield inner
                position = inner.span.end


def _token(source: str, start: int) -> Token:
    char = source[start]
    if char in "+-!" and source[start + 1 : start + 2] and source[start + 1] in _BLANKS:
        # Nothing follows that it could be joined to, so Lucene takes it for a word.
        return Token(Kind.WILD, Span(start, start + 1), f"\\{char}")
    if char in _MARKS:
        return Token(_MARKS[char], Span(start, start + 1), char)
    if char == "/":
        end = _regexp_end(source, start)
        return Token(Kind.REGEXP, Span(start, end), source[start:end])
    if match := _WORD.match(source, start):
        image = match[0]
        kind = _RESERVED.get(image) or (Kind.WILD if has_wildcard(image) else Kind.WORD)
        return Token(kind, Span(start, match.end()), image)
    for kind, pattern in ((Kind.QUOTED, _QUOTED), (Kind.TILDE, _TILDE), (Kind.BOOST, _BOOST)):
        if match := pattern.match(source, start):
            return Token(kind, Span(start, match.end()), match[0])
    raise _unreadable(source, start)


def _unreadable(source: str, start: int) -> DogwatchError:
    span = Span(start, start + 1)
    match source[start]:
        case '"':
            return syntax_error(source, span, "the quote is never closed", 'end the phrase with `"`')
        case "^":
            return syntax_error(source, span, "`^` needs a number right behind it", "such as `^2`; or write `\\^`")
        case "\\":
            return syntax_error(source, span, "the backslash escapes nothing", "write `\\\\` for a backslash")
        case char:
            return syntax_error(source, span, f"`{char}` ends a range that was never begun", f"write `\\{char}`")


def _regexp_end(source: str, start: int) -> int:
    """The end of the longest regular expression: a slash behind a backslash may be inside or the last one."""
    end = 0
    slash = source.find("/", start + 1)
    while slash >= 0:
        end = slash + 1
        if source[slash - 1] != "\\":
            break
        slash = source.find("/", slash + 1)
    if not end:
        raise syntax_error(source, Span(start, start + 1), "the regular expression is never closed", _SLASH_HINT)
    return end


def _range(source: str, opening: Token) -> Iterator[Token]:
    """The tokens of a range behind its opening bracket: two words or phrases with ``TO`` between them."""
    position = opening.span.end
    count = 0
    while position < len(source):
        if source[position] in "]}":
            yield Token(Kind.RANGE_CLOSE, Span(position, position + 1), source[position])
            return
        if source[position] == " ":
            position += 1
            continue
        word, quoted = _RANGE_WORD.match(source, position), _RANGE_QUOTED.match(source, position)
        match = quoted if word is None or (quoted and quoted.end() >= word.end()) else word
        end = match.end() if match else position + 1
        span, image = Span(position, end), source[position:end]
        position = end
        if image.strip(_BLANKS):
            middle = count == 1 and image == "TO"
            yield Token(Kind.QUOTED if match is quoted else Kind.TO if middle else Kind.WORD, span, image)
            count += 1
    raise syntax_error(source, opening.span, "the range is never closed", "end it with `]` or `}`")


def _joined(found: list[Token]) -> list[Token]:
    """The tokens with each run of unmarked words made one."""
    joined: list[Token] = []
    in_range = False
    position = 0
    while position < len(found):
        token = found[position]
        position += 1
        in_range = token.kind is Kind.RANGE_OPEN or (in_range and token.kind is not Kind.RANGE_CLOSE)
        if token.kind is Kind.WORD and not in_range and (not joined or joined[-1].kind not in _LEADS):
            words = [token.image]
            end = token.span.end
            while _goes_on(found, position):
                words.append(found[position].image)
                end = found[position].span.end
                position += 1
            token = Token(Kind.WORD, Span(token.span.start, end), " ".join(words))
        joined.append(token)
    return joined


def _goes_on(found: list[Token], position: int) -> bool:
    return (
        found[position].kind is Kind.WORD
        and found[position + 1].kind not in _STANDS_ALONE_BEFORE
        and found[position + 1].image != "*"
    )
