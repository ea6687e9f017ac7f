"""Events as lines ``[EVENT_TYPE]:[key]=value,[key]=value``, alone or behind a syslog header.

A key is in brackets, and a value goes on until the next ``,[key]=``, so commas, brackets and equals signs may
be in it. If the next double quote behind an opening one ends the value, what is between them is the value; a
quote behind a backslash does not end it. How FortiSIEM itself would escape is not known, so text that looks like
the next key is taken for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from dogwatch.events.fortisiem.header import Header, read_header

_LONGEST_TYPE = 256
_LONGEST_KEY = 128
_TYPE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/ ")
_KEY_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/ ()*")

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
    end = text.find("]:")
    while end >= 0:
        start = text.rfind("[", max(0, end - _LONGEST_TYPE), end)
        name = text[start + 1 : end]
        body = end + 2
        while body < len(text) and text[body] in " \t":
            body += 1
        # A sender's `program[3740]:` looks the same, but no attribute follows it.
        if (
            start >= 0
            and name.strip()
            and _TYPE_CHARACTERS.issuperset(name)
            and (_key(text, body) is not None or (body == len(text) and not name.isdecimal()))
        ):
            return start, name, body
        end = text.find("]:", end + 2)
    return None


def _key(text: str, start: int) -> tuple[str, int] | None:
    """The key whose bracket opens at ``start``, and where its value begins."""
    if not text.startswith("[", start):
        return None
    end = text.find("]=", start + 1, start + _LONGEST_KEY + 3)
    if end < 0:
        return None
    key = text[start + 1 : end]
    return (key, end + 2) if key.strip() and _KEY_CHARACTERS.issuperset(key) else None


def _pairs(text: str, start: int) -> Pairs:
    body = text[start:]
    if " [" not in body and '="' not in body:
        return _plain_pairs(body)
    pairs: Pairs = []
    found = _key(text, start)
    while found is not None:
        key, start = found
        value, found = _value(text, start)
        if value:
            pairs.append((key, value))
    return pairs


def _plain_pairs(body: str) -> Pairs:
    """The same, fast, for attributes without quotes and without blanks before brackets: most are so."""
    pairs: Pairs = []
    name = ""
    value: list[str] = []
    for part in body.removeprefix("[").split(",["):
        key, sign, rest = part.partition("]=")
        if sign and len(key) <= _LONGEST_KEY and _KEY_CHARACTERS.issuperset(key) and not key.isspace() and key:
            pairs.append((name, ",[".join(value)))
            name, value = key, [rest]
        else:
            value.append(part)
    pairs.append((name, ",[".join(value)))
    return [pair for pair in pairs if all(pair)]


def _value(text: str, start: int) -> tuple[str, tuple[str, int] | None]:
    """The value at ``start``, and the key behind it if there is one."""
    if text.startswith('"', start):
        end = _closing_quote(text, start + 1)
        following = _separated(text, end + 1)
        if following is not None or (end >= 0 and (end + 1 == len(text) or text[end + 1 :].isspace())):
            return text[start + 1 : end].replace('\\"', '"'), following
    end = text.find(",", start)
    while end >= 0:
        following = _separated(text, end)
        if following is not None:
            return text[start:end], following
        end = text.find(",", end + 1)
    return text[start:], None


def _separated(text: str, comma: int) -> tuple[str, int] | None:
    """The key behind the comma, if there are both."""
    if not text.startswith(",", comma):
        return None
    start = comma + 1
    while text.startswith(" ", start):
        start += 1
    return _key(text, start)


def _closing_quote(text: str, start: int) -> int:
    """Where the first double quote stands that no backslash is before, or -1."""
    end = text.find('"', start)
    while end >= 0 and text[end - 1] == "\\":
        end = text.find('"', end + 1)
    return end
