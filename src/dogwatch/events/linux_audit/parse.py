"""One audit record out of one line, however the line came here.

Forms understood:

- auditd's own log, RAW or ENRICHED: ``type=SYSCALL msg=audit(1795313391.687:39060): arch=...``, with
  ``node=HOST`` before it if auditd was asked to name itself, and in ENRICHED form with the resolved names
  after a group separator (0x1d);
- the same wrapped by syslog (RFC 3164, RFC 5424 or rsyslog's ISO stamp), sent by the audit dispatcher, by a
  file tailer, or by the kernel where no auditd runs (``kernel: audit: type=1300 audit(...): ...``);
- a netlink frame: a type number and ``audit(...): ...``.

See auditd.conf(5), ausearch(8) and linux/audit.h.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

import msgspec

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.base.time import MILLISECOND, SECOND
from dogwatch.events.linux_audit.tables import type_name, type_numbers

SEPARATOR = b"\x1d"
"""What auditd puts before the names that it added."""

_MAX_SECONDS = 9_223_372_035
"""The last whole second that fits signed 64-bit nanoseconds."""
_MAX_SERIAL = 2**32 - 1
_MAX_HEADER = 512
"""A syslog header is shorter than this; what comes later in a line is somebody's text."""
_LONGEST_NODE = 256
_LONGEST_STAMP = 40
_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_MONTHS = frozenset(
    {b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"}
)
_HINT = "a record reads: type=NAME msg=audit(SECONDS.MILLISECONDS:SERIAL): key=value ..."


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One record of an event; a msgspec struct because millions are made and stored for a while.

    Attributes:
        type: Its type's name in capitals (``SYSCALL``), or ``UNKNOWN[number]``.
        time: The event's stamp, in nanoseconds since 1970 UTC: when the system call was entered.
        serial: The event's serial number, 0 to 2**32 - 1.
        node: The host that wrote it: from ``node=``, else from the syslog header, else empty.
        body: What the kernel or a program wrote, without leading blanks.
        enrichment: The names that auditd added (``UID="root" ...``), or empty.
        head: What stood before the body: syslog header, type and stamp.
    """

    type: str
    time: int
    serial: int
    node: str
    body: bytes
    enrichment: bytes
    head: bytes

    @property
    def original(self) -> bytes:
        """The whole line as it was read, without its end."""
        tail = SEPARATOR + self.enrichment if self.enrichment else b""
        return self.head + self.body + tail


NO_STAMP = b"\n"
"""What no line's head ends with."""

_STAMPED = b" msg=audit("


class PlainHead(NamedTuple):
    """What the lines of one event begin with, alike but for the record type.

    Attributes:
        stamp: `` msg=audit(SECONDS.MILLISECONDS:SERIAL``, the end of the head.
        heads: What may stand before that: ``type=SYSCALL`` and so on, each after the same ``node=`` if any.
        time: The stamp's time, in nanoseconds since 1970 UTC.
        serial: Its serial number.
        node: The host in ``node=``, or empty.
    """

    stamp: bytes
    heads: frozenset[bytes]
    time: int
    serial: int
    node: str


def plain_head(line: bytes) -> PlainHead | None:
    """The head of a plain line: ``[node=HOST ]type=NAME msg=audit(STAMP): ...``, its type one that has a name.

    ``parse_line`` reads such a line to the same type, stamp, serial and node. ``None`` for any other line,
    which may be a record all the same.
    """
    head, found, _ = line.partition(b"): ")
    if not found:
        return None
    start, _, stamp = head.rpartition(_STAMPED)
    node = b""
    if start.startswith(b"node="):
        node = start.partition(b" ")[0]
        if len(node) >= _LONGEST_NODE or b"type=" in node or len(node.split()) > 1:
            return None
        node += b" "
    heads = _plain_heads(node)
    if start not in heads or len(stamp) >= _LONGEST_STAMP:
        return None
    try:
        time, serial = _moment(stamp)
    except _MalformedError:
        return None
    return PlainHead(_STAMPED + stamp, heads, time, serial, _text(node[5:-1]) if node else "")


class PlainRun(NamedTuple):
    """Lines that stand together and bear one stamp, plain ones without ``node=``.

    Attributes:
        text: The lines, without the end of the last.
        time: The stamp's time, in nanoseconds since 1970 UTC.
        serial: Its serial number.
    """

    text: bytes
    time: int
    serial: int


_LONGEST_RUN = 16 << 10
_RUN = re.compile(
    rb"type=[A-Z][A-Z0-9_]{0,30}+ msg=audit\(([0-9]{1,9}+|[1-8][0-9]{9})\.([0-9]{3}):([0-9]{1,10}+)\): .*+\n"
    rb"(?:type=[A-Z][A-Z0-9_]{0,30}+ msg=audit\(\1\.\2:\3\): .*+\n)*"
)


def plain_run(data: bytes, start: int) -> PlainRun | None:
    """The lines of one event that begin at a place; ``None`` if they are not of the usual kind.

    ``parse_line`` reads each of them to the same stamp and serial and to no host.

    Args:
        data: Lines, each with its line feed.
        start: Where a line begins.
    """
    found = _RUN.match(data, start)
    if found is None or found.end() - start > _LONGEST_RUN:
        return None
    seconds, fraction, number = found.groups()
    serial = int(number)
    text = data[start : found.end() - 1]
    # A bracket could make it another format's line; a carriage return belongs to the line's end or to nothing.
    if serial > _MAX_SERIAL or b"\r" in text or b"]" in text:
        return None
    return PlainRun(text, int(seconds) * SECOND + int(fraction) * MILLISECOND, serial)


@lru_cache(maxsize=64)
def _plain_heads(node: bytes) -> frozenset[bytes]:
    return frozenset(node + b"type=" + name.encode() for name in type_numbers())


class _MalformedError(Exception):
    """What keeps a line from being a record."""


def parse_line(line: bytes, place: Place | None = None) -> Record | Diagnostic:
    """The record of one line, or a diagnostic (code ``audit-line``) that says what is wrong with it.

    Args:
        line: The line's bytes; a line end is ignored.
        place: Where it was read, for the diagnostic.
    """
    line = line.rstrip(b"\r\n")
    try:
        if line.startswith(b"type="):
            return _record(line, 5, "")
        start, host = _payload(line)
        return _record(line, start, host)
    except _MalformedError as problem:
        return Diagnostic("audit-line", str(problem), Severity.WARNING, place, hint=_HINT)


def parse_frame(number: int, payload: bytes, node: str = "") -> Record | Diagnostic:
    """The record of one netlink frame, or a diagnostic (code ``audit-line``).

    Args:
        number: The frame's type, such as 1300.
        payload: Its data: ``audit(SECONDS.MILLISECONDS:SERIAL): ...``, perhaps ending in NUL or a line end.
        node: The host that it was read on, if known.
    """
    payload = payload.rstrip(b"\0\r\n")
    line = b"type=%s msg=%s" % (type_name(number).encode(), payload)
    try:
        return _record(line, 5, node)
    except _MalformedError as problem:
        return Diagnostic("audit-line", str(problem), Severity.WARNING, hint=_HINT)


def _record(line: bytes, start: int, host: str) -> Record:
    """The record whose type name begins at ``start``."""
    blank = line.find(b" ", start)
    if blank < 0:
        raise _MalformedError("nothing follows the record type")
    name = _type(line[start:blank])
    if line.startswith(b"msg=audit(", blank + 1):
        stamp = blank + 11
    elif line.startswith(b"audit(", blank + 1):
        stamp = blank + 7
    else:
        raise _MalformedError("no audit( stamp follows the record type")
    return _stamped(line, stamp, name, host)


def _type(token: bytes) -> str:
    known = _known().get(token)
    if known is not None:
        return known
    if token.startswith(b"UNKNOWN[") and token.endswith(b"]"):
        token = token[8:-1]
    if token.isdigit() and len(token) <= 5:
        return type_name(int(token))
    if not token or len(token) > 64 or not _WORD.issuperset(token) or token.isdigit():
        raise _MalformedError("the record type is not a name or a number")
    return token.decode("ascii").upper()


def _stamped(line: bytes, start: int, name: str, host: str) -> Record:
    """The record whose stamp begins at ``start``, behind ``audit(``."""
    close = line.find(b")", start, start + _LONGEST_STAMP)
    if close < 0:
        raise _MalformedError("the audit( stamp does not end in ):")
    # auditd itself once wrote "audit(...) config changed", without the colon.
    end = close + 2 if line.startswith(b":", close + 1) else close + 1
    time, number = _moment(line[start:close])
    text, _, enrichment = line[end:].partition(SEPARATOR)
    body = text.lstrip(b" ")
    return Record(name, time, number, host, body, enrichment, line[: end + len(text) - len(body)])


def _moment(stamp: bytes) -> tuple[int, int]:
    """Time in nanoseconds, and serial number, of ``SECONDS.MILLISECONDS:SERIAL``."""
    clock, colon, serial = stamp.partition(b":")
    seconds, point, fraction = clock.partition(b".")
    if not (colon and point and seconds.isdigit() and fraction.isdigit() and serial.isdigit()):
        raise _MalformedError("the audit( stamp is not SECONDS.MILLISECONDS:SERIAL")
    if len(fraction) > 9 or int(seconds) > _MAX_SECONDS:
        raise _MalformedError("the time of the audit( stamp is out of range")
    number = int(serial)
    if number > _MAX_SERIAL:
        raise _MalformedError("the serial number does not fit 32 bits")
    return int(seconds) * SECOND + int(fraction.ljust(9, b"0")), number


def _payload(line: bytes) -> tuple[int, str]:
    """Where the type name begins behind ``node=`` or a syslog header, and the host that these name."""
    start = line.find(b"type=", 0, _MAX_HEADER)
    if start < 0:
        raise _MalformedError("the line holds no type=")
    words = line[:start].split()
    host = ""
    if words and words[-1].startswith(b"node="):
        host = _text(words.pop()[5:])
    if words:
        header_host = _sender(words)
        host = host or header_host
    return start + 5, host


def _sender(words: list[bytes]) -> str:
    """The host of a syslog header, given as its words; refuses programs that do not relay audit records.

    Any user can log a line that looks like a record (``logger 'type=SYSCALL msg=audit(...'``); it then bears
    another program's name.
    """
    words = _without_priority(words)
    if not words:
        raise _MalformedError("a syslog priority without a header precedes type=")
    if words[0] == b"1" and len(words) >= 7:
        host, program = words[2], words[3]
    elif words[0] in _MONTHS and len(words) >= 5:
        host, program = words[3], words[4]
    elif words[0][:4].isdigit() and b"T" in words[0] and len(words) >= 3:
        host, program = words[1], words[2]
    elif words[-1] == b"audit:" and all(word.startswith(b"[") or word.endswith(b"]") for word in words[:-1]):
        return ""
    else:
        raise _MalformedError("what precedes type= is no syslog header that is understood")
    tag = program.rstrip(b":").partition(b"[")[0].lower()
    if tag == b"kernel":
        if words[-1] != b"audit:":
            raise _MalformedError("the kernel's message is not an audit record")
    elif b"audit" not in tag and b"audisp" not in tag:
        raise _MalformedError("the program in the syslog header does not relay audit records")
    return "" if host == b"-" else _text(host)


def _without_priority(words: list[bytes]) -> list[bytes]:
    if not words[0].startswith(b"<"):
        return words
    rest = words[0].partition(b">")[2]
    return [rest, *words[1:]] if rest else words[1:]


def _text(word: bytes) -> str:
    return word.decode("utf-8", "replace")


@cache
def _known() -> Mapping[bytes, str]:
    """Every usual way to write a record type -> its name."""
    numbers = type_numbers()
    named = {name.encode(): name for name in numbers}
    numbered = {b"%d" % number: name for name, number in numbers.items()}
    unknown = {b"UNKNOWN[%d]" % number: name for name, number in numbers.items()}
    return named | numbered | unknown
