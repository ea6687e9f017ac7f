"""Reads Linux audit logs: auditd's own, those wrapped by syslog, and pipes of either.

The format is that of auditd(8), ``log_format`` RAW or ENRICHED; ``linux_audit.parse`` lists what may be around
it. Documents are those of Auditbeat's auditd module (``linux_audit.normalise``) with a derived
``process.entity_id`` (``linux_audit.entity``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.events.batch import Batch
from dogwatch.events.linux_audit.batches import DEFAULT_INDEX, Batches
from dogwatch.events.linux_audit.entity import EntityTracker, ProcessFacts
from dogwatch.events.linux_audit.event import AuditEvent
from dogwatch.events.linux_audit.follow import Follower
from dogwatch.events.linux_audit.handed import AuditShare
from dogwatch.events.linux_audit.join import DEFAULT_LIMIT, HeldEvent, Joiner
from dogwatch.events.linux_audit.parse import parse_line, plain_run
from dogwatch.events.linux_audit.share import SHARE_ROWS, Glance, Shared, Told, shared, written
from dogwatch.events.report import ReadReport
from dogwatch.events.units import BlockBuffer
from dogwatch.schema.field import FieldRef

__all__ = ["DEFAULT_INDEX", "AuditLogReader", "ShareReader"]

_SHARE_BYTES = 16 << 20
"""Bytes of records after which a share ends."""


class AuditLogReader:
    """Turns the lines of audit logs into batches.

    Feed it the lines of all logs that belong together, in any order; events split over two files are put
    together again, and a copied file changes nothing. Unnamed hosts are kept apart by directory. When
    following, the events are the same, but processes are told apart in the order in which events completed.

    Args:
        fields: The columns wanted.
        index: The data stream of the events; ``auditbeat-auditd`` if ``None``.
        host: The name of the host whose records do not name one.
        report: Counts lines, events and problems. Bytes and files are counted by who opens them.
        arrivals: Gives the next arrival number each time it is asked; shared by the readers of one run.
        follow: Whether to give events as soon as they are complete instead of all of them, sorted, at the end.
        linger: When following, nanoseconds that a finished event may wait for others to share its batch. A
            batch of one row costs nearly as much as one of many; with more than 0, ask ``idle`` as well.
        clock: Nanoseconds that never go back.
        auditbeat_comm: Leave an encoded ``process.name`` in hexadecimal, as Auditbeat does.
        batch_rows: Rows in a batch, at most.
        limit_bytes: Memory for records that wait to be sorted; more are sorted on disk.
        directory: Where; the system's temporary directory if ``None``.
    """

    def __init__(
        self,
        fields: Sequence[FieldRef],
        index: str | None,
        host: str | None,
        report: ReadReport,
        arrivals: Iterator[int],
        *,
        follow: bool = False,
        linger: int = 0,
        clock: Callable[[], int] = time.monotonic_ns,
        auditbeat_comm: bool = False,
        batch_rows: int = 4096,
        limit_bytes: int = DEFAULT_LIMIT,
        directory: Path | None = None,
    ) -> None:
        self._report = report
        self._batch_rows = batch_rows
        self._linger = linger
        self._clock = clock
        self._waiting_since = 0
        entities = EntityTracker(report)
        self._events = Batches(fields, index, report, arrivals, entities, auditbeat_comm=auditbeat_comm)
        self._joiner: Joiner | Follower = (
            Follower(report, host=host or "", clock=clock)
            if follow
            else Joiner(report, host=host or "", limit_bytes=limit_bytes, directory=directory)
        )

    def feed(self, line: bytes, place: Place) -> Iterable[Batch]:
        """Read one line; when following, gives the events that it completed.

        A blank line is passed over. A line that is no record is a problem in the report, not an error.
        """
        return self.feed_line(line, place.file, place.line or 0)

    def feed_line(self, line: bytes, file: str, number: int) -> Iterable[Batch]:
        """As ``feed``, sooner, for a line of a file that is read from its beginning.

        Args:
            line: The line.
            file: The name of the file.
            number: The line's number, from 1.
        """
        joiner = self._joiner
        if isinstance(joiner, Joiner) and joiner.add_line(line, file, number):
            self._report.lines += 1
            return ()
        if not line or line.isspace():
            return ()
        self._report.lines += 1
        place = Place(file, number or None)
        record = parse_line(line, place)
        if isinstance(record, Diagnostic):
            self._report.add(record)
        elif isinstance(joiner, Follower):
            return self._batches(joiner.add(record, place))
        else:
            joiner.add(record, place)
        return ()

    def untaken(self, data: bytes, file: str, number: int) -> Iterator[tuple[int, bytes]]:
        """Read runs of lines that are one event's in the usual form; gives the other lines with their numbers.

        Not for a reader that follows.

        Args:
            data: Whole lines, each with its line feed.
            file: The name of the file.
            number: The first line's number, from 1.
        """
        joiner = self._joiner
        if not isinstance(joiner, Joiner):
            raise TypeError("a reader that follows takes one line after the other")
        start, end = 0, len(data)
        while start < end:
            run = plain_run(data, start)
            if run is not None:
                joiner.add_run(run, file, number)
                start += len(run.text) + 1
                count = run.text.count(b"\n") + 1
                self._report.lines += count
                number += count
                continue
            close = data.find(b"\n", start)
            close = end if close < 0 else close
            line = data[start:close].removesuffix(b"\r")
            if line and not line.isspace():
                yield number, line
            start = close + 1
            number += 1

    def idle(self) -> Iterator[Batch]:
        """When following: what waits for company or was not completed in time. To ask while no lines arrive."""
        if isinstance(self._joiner, Follower):
            yield from self._batches(self._joiner.expire())

    def finish(self) -> Iterator[Batch]:
        """The events that are left: in closed mode all of them, in canonical order."""
        joiner = self._joiner
        yield from self._batches(joiner.finish() if isinstance(joiner, Follower) else joiner.held())
        if self._events:
            yield self._events.batch()

    def shares(self, lend: Callable[[], BlockBuffer]) -> Iterator[Batch | AuditShare]:
        """As ``finish``, with what another process can read as shares for a ``ShareReader``.

        Args:
            lend: Asked for a buffer before each share.
        """
        joiner = self._joiner
        if isinstance(joiner, Follower):
            yield from self.finish()
            return
        glance, most = Glance(), min(SHARE_ROWS, self._batch_rows)
        waiting: list[Shared] = []
        files: Sequence[str] = ()
        rows = size = 0
        for found in joiner.held():
            if waiting and (rows == most or size > _SHARE_BYTES or not isinstance(found, HeldEvent)):
                yield self._share(waiting, files, rows, lend())
                waiting, rows, size = [], 0, 0
            if not isinstance(found, HeldEvent):
                self._events.add(found)
                yield self._events.batch()
                continue
            facts = glance.facts(found)
            identity = None
            if isinstance(facts, ProcessFacts):
                identity = self._events.entities.follow(found.key, facts)
            waiting.append(Shared(found.key, found.packed, identity))
            files = found.files
            rows += facts is not False
            size += sum(map(len, found.packed))
        if waiting:
            yield self._share(waiting, files, rows, lend())

    def _share(self, events: list[Shared], files: Sequence[str], rows: int, buffer: BlockBuffer) -> AuditShare:
        first = self._events.taken(rows) if rows else 0
        return AuditShare(first, rows, written(buffer, events, files), buffer)

    def _batches(self, events: Iterable[AuditEvent | HeldEvent]) -> Iterator[Batch]:
        for event in events:
            if not self._events:
                self._waiting_since = self._clock()
            self._events.add(event)
            if len(self._events) >= self._batch_rows:
                yield self._events.batch()
        if self._events and self._clock() - self._waiting_since >= self._linger:
            yield self._events.batch()


class ShareReader:
    """Makes batches of shares; one reader goes from share to share and remembers the frames of events.

    Args:
        fields: The columns wanted.
        index: The data stream of the events; ``auditbeat-auditd`` if ``None``.
    """

    def __init__(self, fields: Sequence[FieldRef], index: str | None) -> None:
        self._told = Told()
        self._events = Batches(fields, index, ReadReport(), count(), self._told)

    def read(self, share: AuditShare, report: ReadReport) -> Iterator[Batch]:
        """The batch of a share, if any event comes of it.

        Args:
            share: What to read; its buffer is free when the batch is complete.
            report: Counts the events, and what is left out.
        """
        self._events.report, self._events.arrivals = report, count(share.first_arrival)
        for event, self._told.identity in shared(share):
            self._events.add(event)
        if self._events:
            yield self._events.batch()
