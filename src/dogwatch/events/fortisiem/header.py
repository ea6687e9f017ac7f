"""What stands before an event's attributes: a syslog header, or nothing.

Formats: RFC 3164 and RFC 5424, and what rsyslog makes of them; FortiSIEM's own events have an RFC 3164 header, its
beacons an address before the host. A priority or a program's name may also stand alone.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from dogwatch.events.fortisiem.moment import parse_syslog_stamp

_MOST_WORDS = 12
_LONGEST = 4096
_LONGEST_ADDRESS = 45
_NIL = "-"
_BEFORE_DATA = 6
"""Words of an RFC 5424 header before its structured data."""

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Header:
    """What a syslog header says.

    Attributes:
        time: In nanoseconds since 1970, or ``None`` if there is none.
        host: The name of the sender, if it stands there.
        address: Its address, if that stands there.
        whole: Whether the text is a header and nothing more. Any program can write what looks like an event
            into its own log; what it writes before that is no header.
    """

    time: int | None = None
    host: str | None = None
    address: str | None = None
    whole: bool = False


NO_HEADER = Header(whole=True)
"""What is known where no header is."""


def read_header(text: str, now: int) -> Header:
    """The header in the text before an event, as far as it can be made out.

    Args:
        text: What stands before the event type.
        now: The time of reading in nanoseconds since 1970.

    Examples:
        >>> read_header("<14>1 2026-11-22T10:00:00Z web1 app 99 - - ", now=0).host
        'web1'
    """
    text = text.strip().removesuffix(_BYTE_ORDER_MARK).rstrip()
    if not text:
        return NO_HEADER
    if text.startswith("<"):
        priority, closed, rest = text[1:].partition(">")
        if closed and len(priority) <= 3 and priority.isascii() and priority.isdecimal():
            text = rest.lstrip()
    if not text:
        return NO_HEADER
    words = text[:_LONGEST].split(None, _MOST_WORDS)
    if words[0] == "1" and len(words) > _BEFORE_DATA:
        return _structured(text, words[1:], now)
    if words[0] == "1" and len(words) > 1:
        words = words[1:]
    stamp = parse_syslog_stamp(words, now)
    if stamp is None:
        return Header(whole=len(words) == 1 and text.endswith(":") and "=" not in text)
    time, count = stamp
    host = address = None
    for word in words[count : count + 2]:
        if address is None and (found := _address(word)) is not None:
            address = found
        elif word.endswith(":") or host is not None or word == _NIL:
            break
        else:
            host = word
    return Header(time, host, address, whole="=" not in text)


def _structured(text: str, words: list[str], now: int) -> Header:
    """RFC 5424: version, time, host, program, process and message id, then structured data."""
    stamp = parse_syslog_stamp(words[:1], now)
    if stamp is None:
        return Header()
    address = _address(words[1])
    host = words[1] if address is None and words[1] != _NIL else None
    rest = text.split(None, _BEFORE_DATA)[_BEFORE_DATA]
    data = len(_NIL) if rest.startswith(_NIL) else _end_of_data(rest)
    return Header(stamp[0], host, address, whole="=" not in rest[data:])


def _end_of_data(text: str) -> int:
    """Where the elements of structured data end, ``[id name="value" ..][..]``."""
    place = 0
    while text.startswith("[", place):
        quoted = False
        end = place + 1
        while end < len(text) and (quoted or text[end] != "]"):
            if text[end] == "\\" and quoted:
                end += 1
            elif text[end] == '"':
                quoted = not quoted
            end += 1
        place = end + 1
    return place


@lru_cache(maxsize=4096)
def _address(word: str) -> str | None:
    if len(word) > _LONGEST_ADDRESS:
        return None
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return None
