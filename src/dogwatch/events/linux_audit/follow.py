"""Records into events while they arrive, for a pipe or a socket.

An event is complete on its EOE record, on PROCTITLE when everything that its SYSCALL record announces is
there, at once for record types that always come alone, or when nothing completed it in time: by the stamps
of later records, or by the clock on the wall where none come.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.base.time import SECOND
from dogwatch.events.linux_audit.decode import arguments, natural, split_fields
from dogwatch.events.linux_audit.event import MAX_EVENT_BYTES, AuditEvent, EventKey, assemble, event_key
from dogwatch.events.linux_audit.parse import Record
from dogwatch.events.linux_audit.tables import ARCHITECTURES, syscalls, type_numbers
from dogwatch.events.report import ReadReport

DEFAULT_TIMEOUT = 2 * SECOND
"""How long an event waits for its next record: auditd's own ``end_of_event_timeout``."""

DEFAULT_OPEN = 10_000
"""Events that may be incomplete at once."""

_ALONE = ((1100, 1299), (2100, 2999))
"""Record types that programs write: each is an event by itself."""


@dataclass(slots=True)
class _Open:
    opened: int
    """The wall clock when the last record came."""
    stamp: int
    """The newest stamp of its host when the last record came."""
    records: list[tuple[Record, Place | None]] = field(default_factory=list)
    size: int = 0


class Follower:
    """Joins records as they come; gives each event as soon as it is complete.

    Args:
        report: Counts incomplete events, those given up early because too many were open
            (``audit-evicted``), and records that came after their event was complete (``audit-late``).
        host: The host of records that do not name theirs.
        clock: Nanoseconds that never go back.
        timeout: How long an event waits for its next record, in nanoseconds of either clock.
        limit: Events open at once.
    """

    def __init__(
        self,
        report: ReadReport,
        *,
        host: str = "",
        clock: Callable[[], int] = time.monotonic_ns,
        timeout: int = DEFAULT_TIMEOUT,
        limit: int = DEFAULT_OPEN,
    ) -> None:
        self._report = report
        self._host = host
        self._clock = clock
        self._timeout = timeout
        self._limit = limit
        # In the order in which they last grew, so that the first is the next to time out.
        self._open: OrderedDict[EventKey, _Open] = OrderedDict()
        self._done: OrderedDict[EventKey, None] = OrderedDict()
        self._newest: dict[tuple[str, str], int] = {}

    def add(self, record: Record, place: Place | None = None) -> Iterator[AuditEvent]:
        """Put in one record; gives the events that it completed or that have waited long enough."""
        key = event_key(record, place, self._host)
        if key in self._done:
            self._late(key, record, place)
            return
        now = self._clock()
        stamp = self._advance(key)
        if _alone(record):
            yield from self._close(key, [(record, place)])
        else:
            entry = self._open.setdefault(key, _Open(now, stamp))
            entry.opened, entry.stamp = now, stamp
            self._open.move_to_end(key)
            size = len(record.body) + len(record.head) + len(record.enrichment)
            entry.size += size
            # What goes beyond is counted when the event is put together; holding one more shows it.
            if entry.size - size <= MAX_EVENT_BYTES or record.type == "SYSCALL":
                entry.records.append((record, place))
            if record.type == "EOE" or (record.type == "PROCTITLE" and _fits(entry.records)):
                yield from self._close(key, self._open.pop(key).records)
        yield from self._expired(now)
        while len(self._open) > self._limit:
            oldest, evicted = self._open.popitem(last=False)
            self._report.add(
                Diagnostic(
                    "audit-evicted",
                    f"more than {self._limit} events were open at once: the oldest was taken as it was",
                    Severity.WARNING,
                    place,
                )
            )
            yield from self._close(oldest, evicted.records)

    def expire(self) -> Iterator[AuditEvent]:
        """The events that have waited long enough; to be asked from time to time while nothing arrives."""
        yield from self._expired(self._clock())

    def finish(self) -> Iterator[AuditEvent]:
        """All events still open, as they are, in canonical order."""
        for key in sorted(self._open, key=lambda key: (key.time, key.serial, key.host, key.partition)):
            yield from self._close(key, self._open.pop(key).records)

    def _advance(self, key: EventKey) -> int:
        # An event's own stamp can be hours old (an accept that waited): only the newest one tells the time.
        source = (key.host, key.partition)
        stamp = max(self._newest.get(source, key.time), key.time)
        self._newest[source] = stamp
        if len(self._newest) > self._limit:
            waiting = {(open_key.host, open_key.partition) for open_key in self._open}
            self._newest = {name: time for name, time in self._newest.items() if name in waiting or name == source}
        return stamp

    def _expired(self, now: int) -> Iterator[AuditEvent]:
        while self._open:
            key, entry = next(iter(self._open.items()))
            newest = self._newest[(key.host, key.partition)]
            if now - entry.opened < self._timeout and newest - entry.stamp < self._timeout:
                return
            del self._open[key]
            yield from self._close(key, entry.records)

    def _close(self, key: EventKey, records: list[tuple[Record, Place | None]]) -> Iterator[AuditEvent]:
        if not _alone(records[0][0]):
            self._done[key] = None
            if len(self._done) > self._limit:
                self._done.popitem(last=False)
        event = assemble(key, records, self._report)
        if event is not None:
            yield event

    def _late(self, key: EventKey, record: Record, place: Place | None) -> None:
        if record.type == "EOE":
            return
        self._report.add(
            Diagnostic(
                "audit-late",
                f"a {record.type} record of event {key.serial} came after the event was complete",
                Severity.WARNING,
                place,
            )
        )


def _alone(record: Record) -> bool:
    number = type_numbers().get(record.type, 0)
    return any(first <= number <= last for first, last in _ALONE)


def _fits(records: list[tuple[Record, Place | None]]) -> bool:
    """Whether the records that the SYSCALL record announces are all there."""
    system = next((record for record, _ in records if record.type == "SYSCALL"), None)
    if system is None:
        return False
    fields = split_fields(system.body.decode("utf-8", "replace"))
    paths = {record.body for record, _ in records if record.type == "PATH"}
    if natural(fields.get("items", "0")) != len(paths):
        return False
    machine, number = fields.get("arch", ""), natural(fields.get("syscall", ""))
    if machine.strip("0123456789abcdef") or len(machine) > 8 or number is None:
        return True
    architecture = ARCHITECTURES.get(int(machine or "0", 16), "")
    if fields.get("success") != "yes" or syscalls(architecture).get(number) not in ("execve", "execveat"):
        return True
    bodies = [record.body.decode("utf-8", "replace") for record, _ in records if record.type == "EXECVE"]
    return bool(bodies) and arguments(bodies).complete
