"""What an event is: its records, put together in the kernel's order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import NamedTuple

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.base.time import SECOND
from dogwatch.events.linux_audit.decode import natural
from dogwatch.events.linux_audit.parse import Record
from dogwatch.events.linux_audit.tables import type_numbers
from dogwatch.events.report import ReadReport

MAX_EVENT_BYTES = 64 << 20
"""Bytes of records kept of one event: several times what the longest argument vector takes."""

AUXILIARY = frozenset(
    {
        "BPRM_FCAPS", "CAPSET", "CWD", "EOE", "EXECVE", "FD_PAIR", "IPC", "IPC_SET_PERM", "MMAP",
        "MQ_GETSETATTR", "MQ_NOTIFY", "MQ_OPEN", "MQ_SENDRECV", "OBJ_PID", "OPENAT2", "PATH", "PROCTITLE",
        "SOCKADDR", "SOCKETCALL",
    }
)  # fmt: skip
"""Record types that only add to a SYSCALL record and mean nothing without one."""

_UNKNOWN_TYPE = 10_000
_AT_EXIT = {"CWD": 20_000, "PATH": 20_001, "PROCTITLE": 20_002}
"""What the kernel writes last, by rank."""


class EventKey(NamedTuple):
    """What the records of one event have in common. Keys are ordered as events are.

    Attributes:
        time: The stamp, nanoseconds since 1970 UTC.
        serial: The serial number.
        host: The host's name; empty if nobody named it.
        partition: For an unnamed host, the directory that the record was read from, so that the logs of two
            machines laid side by side do not mix; else empty.
    """

    time: int
    serial: int
    host: str
    partition: str

    @property
    def id(self) -> str:
        """The event's own name, such as ``audit-web01-1795313391.687-39060``: the same wherever it is read."""
        seconds, rest = divmod(self.time, SECOND)
        digits = f"{rest:09d}"
        fraction = digits[:3] if digits.endswith("000000") else digits
        return f"audit-{self.host or '-'}-{seconds}.{fraction}-{self.serial}"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event: what the kernel, or a program, said about one thing that happened.

    Attributes:
        key: Stamp, serial and host.
        records: Its records without EOE, each once: SYSCALL first, then by type, CWD,
            PATH by ``item=`` and PROCTITLE last, which is the kernel's own order.
        places: Where each record was read.
    """

    key: EventKey
    records: tuple[Record, ...]
    places: tuple[Place | None, ...]

    @property
    def id(self) -> str:
        """The event's own name (``EventKey.id``)."""
        return self.key.id


def event_key(record: Record, place: Place | None, host: str = "") -> EventKey:
    """The key under which a record is joined.

    Args:
        record: The record.
        place: Where it was read.
        host: Its host, if it does not name one itself.
    """
    name = record.node or host
    return EventKey(record.time, record.serial, name, "" if name or place is None else directory_of(place.file))


def assemble(
    key: EventKey, records: Iterable[tuple[Record, Place | None]], report: ReadReport
) -> AuditEvent | None:
    """The event made of these records, or ``None`` if the record that gives them a meaning is missing.

    Args:
        key: What they have in common.
        records: They and their places, in any order, repeats included.
        report: Where an incomplete (``audit-incomplete``) or too large (``audit-oversized``) event is counted.
    """
    distinct: dict[tuple[str, bytes], tuple[Record, Place | None]] = {}
    size = dropped = 0
    place: Place | None = None
    for record, at in records:
        place = place or at
        if record.type == "EOE":
            continue
        identity = (record.type, record.body)
        kept = distinct.get(identity)
        if kept is not None:
            if _preference(record, at) < _preference(*kept):
                distinct[identity] = (record, at)
            continue
        size += len(record.body) + len(record.head) + len(record.enrichment)
        if size > MAX_EVENT_BYTES and record.type != "SYSCALL":
            dropped += 1
        else:
            distinct[identity] = (record, at)
    if dropped:
        report.add(
            Diagnostic(
                "audit-oversized",
                f"event {key.serial} has more records than are kept of one event: {dropped} left out",
                Severity.WARNING,
                place,
            )
        )
    if all(name in AUXILIARY for name, _ in distinct):
        found = ", ".join(sorted({name for name, _ in distinct})) or "EOE"
        report.add(
            Diagnostic(
                "audit-incomplete",
                f"event {key.serial} has no SYSCALL record, only {found}",
                Severity.WARNING,
                place,
                hint="records were lost, or the log begins or was rotated in the middle of the event",
            )
        )
        return None
    ordered = sorted(distinct.values(), key=_rank) if len(distinct) > 1 else list(distinct.values())
    return AuditEvent(key, tuple(record for record, _ in ordered), tuple(at for _, at in ordered))


@lru_cache(maxsize=256)
def directory_of(file: str) -> str:
    """The directory of a file, as a text that can be stored."""
    return str(PurePath(file).parent).encode("utf-8", "backslashreplace").decode()


def _preference(record: Record, place: Place | None) -> tuple[bool, bytes, bytes, str, int]:
    """Of two copies of a record the smaller one is kept: the enriched one, then any, but always the same."""
    where = (place.file, place.line or 0) if place else ("", 0)
    return (not record.enrichment, record.head, record.enrichment, *where)


def _rank(entry: tuple[Record, Place | None]) -> tuple[int, int, int, bytes]:
    record = entry[0]
    match record.type:
        case "SYSCALL":
            return (-1, 0, 0, record.body)
        case "PATH":
            return (_AT_EXIT["PATH"], _number_after(record.body, b"item="), 0, record.body)
        case "EXECVE":
            return (1309, *_first_argument(record.body), record.body)
        case name:
            number = _AT_EXIT.get(name) or type_numbers().get(name, _UNKNOWN_TYPE)
            return (number, 0, 0, record.body)


def _number_after(body: bytes, key: bytes) -> int:
    if not body.startswith(key):
        return 0
    return natural(body[len(key) : len(key) + 8].partition(b" ")[0].decode("ascii", "replace")) or 0


def _first_argument(body: bytes) -> tuple[int, int]:
    """Index and piece of the first argument in an EXECVE record; the one with ``argc=`` comes first."""
    if not body.startswith(b"a") or body.startswith(b"argc="):
        return (-1, 0)
    name = body[1:40].partition(b"=")[0].decode("ascii", "replace")
    index, _, piece = name.partition("[")
    return (natural(index.removesuffix("_len")) or 0, natural(piece.removesuffix("]")) or 0)
