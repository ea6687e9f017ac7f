"""What stands before an event's attributes: a syslog header, or nothing.

Formats: RFC 3164 and RFC 5424, and what rsyslog makes of them; FortiSIEM's own events have an RFC 3164 header, its
beacons an address before the host.
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


@dataclass(frozen=True, slots=True)
class Header:
    """What a syslog header says.

    Attributes:
        time: In nanoseconds since 1970, or ``None`` if there is none.
        host: The name of the sender, if it stands there.
        address: Its address, if that stands there.
    """

    time: int | None = None
    host: str | None = None
    address: str | None = None


NO_HEADER = Header()
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
    text = text.strip()
    if not text:
        return NO_HEADER
    if text.startswith("<"):
        priority, closed, rest = text[1:].partition(">")
        if closed and len(priority) <= 3 and priority.isascii() and priority.isdecimal():
            text = rest
    words = text[:_LONGEST].split(None, _MOST_WORDS)
    if len(words) > 1 and words[0] == "1":
        words = words[1:]
    stamp = parse_syslog_stamp(words, now)
    if stamp is None:
        return NO_HEADER
    time, count = stamp
    host = address = None
    for word in words[count : count + 2]:
        if address is None and (found := _address(word)) is not None:
            address = found
        elif word.endswith(":") or host is not None or word == _NIL:
            break
        else:
            host = word
    return Header(time, host, address)


@lru_cache(maxsize=4096)
def _address(word: str) -> str | None:
    if len(word) > _LONGEST_ADDRESS:
        return None
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return None
