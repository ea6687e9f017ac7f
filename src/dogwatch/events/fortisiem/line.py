"""Events as lines ``[EVENT_TYPE]:[key]=value,[key]=value``, alone or behind a syslog header.

The colon may be missing, and blanks may stand around it, commas and equals signs. A key is in brackets, and a
value goes on until the next ``,[key]=``, so commas, brackets and equals signs may be in it. If the next double
quote behind an opening one ends the value, what is between them is the value; a quote behind a backslash does not
end it. Blanks around a value that is not quoted are none of it, nor is a comma that ends the line. How FortiSIEM
itself would escape is not known, so text that looks like the next key is taken for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from dogwatch.events.fortisiem.header import Header, read_header

_LONGEST_HEADER = 1 << 16
"""Characters among which the event type must stand."""

_LONGEST_TYPE = 256
_LONGEST_KEY = 128
_MOST_BLANKS = 16
_BLANKS = " \t"
_TYPE_MARKS = frozenset("_-.:/ ()+&,")
_KEY_MARKS = frozenset("_-.:/ ()*+%,@#&")

Pairs = list[tuple[str, str]]
"""Attributes in the order of the line; a repeated one has several values."""


@dataclass(frozen=True, slots=True)
class FortisiemLine:
    """One event's line, taken apart.

    Attributes:
        start: Where the event type's bracket stands in the line.
        event_type: What stands in it.
        pairs: The attributes that have a value.
        header: What a syslog header before them says.
    """

    start: int
    event_type: str
    pairs: Pairs
    header: Header


def parse_line(text: str, now: int) -> FortisiemLine | None:
    """The event that a line holds, or ``None`` if it has no ``[EVENT_TYPE]:`` with attributes behind it.

    Args:
        text: The line.
        now: The time of reading in nanoseconds since 1970: it gives the year of a header that has none.

    Examples:
        >>> parse_line("[LINUX_PROCESS_EXEC]:[hostName]=web1,[swParam]=-l -p 99", now=0).pairs
        [('hostName', 'web1'), ('swParam', '-l -p 99')]
    """
    found = _event_type(text)
    if found is None:
        return None
    start, event_type, body = found
    return FortisiemLine(start, event_type, _pairs(text, body), read_header(text[:start], now))


def _event_type(text: str) -> tuple[int, str, int] | None:
    """Where the event type's bracket stands, the event type, and where the attributes begin."""
    last = len(text.rstrip(_BLANKS))
    end = text.find("]", 0, _LONGEST_HEADER)
    while end >= 0:
        body = _behind_blanks(text, end + 1)
        colon = text.startswith(":", body)
        if colon:
            body = _behind_blanks(text, body + 1)
        # A sender's `program[3740]:` looks the same, but no attribute follows it.
        bare = colon and body >= last
        if bare or _key(text, body) is not None:
            start = text.rfind("[", max(0, end - _LONGEST_TYPE), end)
            name = text[start + 1 : end].strip(_BLANKS)
            if start >= 0 and _is_type(name) and not (bare and name.isdecimal()):
                return start, name, body
        end = text.find("]", end + 1, _LONGEST_HEADER)
    return None


def _behind_blanks(text: str, start: int) -> int:
    """Where the blanks at ``start`` end, if they are few."""
    end = start
    while end < start + _MOST_BLANKS and text.startswith((" ", "\t"), end):
        end += 1
    return end


@lru_cache(maxsize=4096)
def _is_type(name: str) -> bool:
    return bool(name) and all(character.isalnum() or character in _TYPE_MARKS for character in name)


@lru_cache(maxsize=4096)
def _is_key(key: str) -> bool:
    return (
        bool(key)
        and not key.isspace()
        and all(character.isalnum() or character in _KEY_MARKS for character in key)
    )


def _key(text: str, start: int) -> tuple[str, int] | None:
    """The key whose bracket opens at ``start``, and where its value begins."""
    if not text.startswith("[", start):
        return None
    end = text.find("]", start + 1, start + _LONGEST_KEY + 3)
    if end < 0:
        return None
    sign = _behind_blanks(text, end + 1)
    key = text[start + 1 : end]
    return (key.strip(_BLANKS), sign + 1) if text.startswith("=", sign) and _is_key(key) else None


def _pairs(text: str, start: int) -> Pairs:
    body = text[start:].rstrip(_BLANKS).removesuffix(",").rstrip(_BLANKS)
    if not any(mark in body for mark in _ODD):
        return _plain_pairs(body)
    pairs: Pairs = []
    found = _key(body, 0)
    while found is not None:
        key, start = found
        value, found = _value(body, start)
        if value:
            pairs.append((key, value))
    return pairs


_ODD = (" [", "\t[", "[ ", "[\t", "] ", "]\t", '="', '= "', '=\t"')
"""Where attributes have none of these, their brackets and commas alone tell them apart."""


def _plain_pairs(body: str) -> Pairs:
    """The same, fast, for attributes without quotes and without blanks at brackets: most are so."""
    pairs: Pairs = []
    name = ""
    parts: list[str] = []
    for part in body[1:].split(",["):
        key, sign, rest = part.partition("]=")
        if sign and len(key) <= _LONGEST_KEY and _is_key(key):
            pairs.append((name, ",[".join(parts).strip(_BLANKS)))
            name, parts = key, [rest]
        else:
            parts.append(part)
    pairs.append((name, ",[".join(parts).strip(_BLANKS)))
    return [pair for pair in pairs if pair[0] and pair[1]]


def _value(text: str, start: int) -> tuple[str, tuple[str, int] | None]:
    """The value at ``start``, and the key behind it if there is one."""
    opening = _behind_blanks(text, start)
    if text.startswith('"', opening):
        end = _closing_quote(text, opening + 1)
        following = _separated(text, _behind_blanks(text, end + 1))
        if end >= 0 and (following is not None or end + 1 == len(text)):
            return text[opening + 1 : end].replace('\\"', '"'), following
    end = text.find(",", start)
    while end >= 0:
        following = _separated(text, end)
        if following is not None:
            return text[start:end].strip(_BLANKS), following
        end = text.find(",", end + 1)
    return text[start:].strip(_BLANKS), None


def _separated(text: str, comma: int) -> tuple[str, int] | None:
    """The key behind the comma, if there are both."""
    return _key(text, _behind_blanks(text, comma + 1)) if text.startswith(",", comma) else None


def _closing_quote(text: str, start: int) -> int:
    """Where the first double quote stands that no backslash is before, or -1."""
    end = text.find('"', start)
    while end >= 0 and text[end - 1] == "\\":
        end = text.find('"', end + 1)
    return end
