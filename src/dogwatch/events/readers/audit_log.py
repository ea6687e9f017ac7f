"""Reads Linux audit logs: auditd's own, those wrapped by syslog, and pipes of either.

The format is that of auditd(8), ``log_format`` RAW or ENRICHED; ``linux_audit.parse`` lists what may be around
it. Documents are those of Auditbeat's auditd module (``linux_audit.normalise``) with a derived
``process.entity_id`` (``linux_audit.entity``).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.events.batch import Batch
from dogwatch.events.linux_audit.entity import EntityTracker
from dogwatch.events.linux_audit.event import AuditEvent
from dogwatch.events.linux_audit.follow import Follower
from dogwatch.events.linux_audit.frame import Cells, Parts, split_frame
from dogwatch.events.linux_audit.join import DEFAULT_LIMIT, HeldEvent, Joiner
from dogwatch.events.linux_audit.message import read_message
from dogwatch.events.linux_audit.normalise import normalise, process_facts
from dogwatch.events.linux_audit.parse import parse_line
from dogwatch.events.linux_audit.rows import Layout, Rows, name_process
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef

DEFAULT_INDEX = "auditbeat-auditd"
"""The data stream of events that were not given another."""

_MISSING = {
    "audit-missing-execve": "a successful execve without an EXECVE record: its arguments are unknown",
    "audit-missing-argument": "an execve whose EXECVE records do not hold all of its arguments",
    "audit-missing-path": "an event with fewer or more PATH records than its SYSCALL record announces",
}


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
        self._layout = Layout(fields)
        self._index = index or DEFAULT_INDEX
        self._report = report
        self._arrivals = arrivals
        self._batch_rows = batch_rows
        self._linger = linger
        self._clock = clock
        self._auditbeat_comm = auditbeat_comm
        self._rows = self._no_rows()
        self._waiting_since = 0
        self._entities = EntityTracker(report)
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

    def idle(self) -> Iterator[Batch]:
        """When following: what waits for company or was not completed in time. To ask while no lines arrive."""
        if isinstance(self._joiner, Follower):
            yield from self._batches(self._joiner.expire())

    def finish(self) -> Iterator[Batch]:
        """The events that are left: in closed mode all of them, in canonical order."""
        joiner = self._joiner
        yield from self._batches(joiner.finish() if isinstance(joiner, Follower) else joiner.held())
        if self._rows:
            yield self._batch()

    def _batches(self, events: Iterable[AuditEvent | HeldEvent]) -> Iterator[Batch]:
        for event in events:
            if not self._rows:
                self._waiting_since = self._clock()
            self._add(event)
            if len(self._rows) >= self._batch_rows:
                yield self._batch()
        if self._rows and self._clock() - self._waiting_since >= self._linger:
            yield self._batch()

    def _batch(self) -> Batch:
        rows, self._rows = self._rows, self._no_rows()
        first = next(self._arrivals)
        deque(islice(self._arrivals, len(rows) - 1), maxlen=0)
        self._report.events += len(rows)
        return rows.build(first, self._report)

    def _no_rows(self) -> Rows:
        return Rows(self._layout, self._index, auditbeat_comm=self._auditbeat_comm)

    def _add(self, found: AuditEvent | HeldEvent) -> None:
        if not isinstance(found, HeldEvent):
            self._add_event(found, found)
            return
        text = found.text
        split = None if text is None else split_frame(text, found.key.host)
        frame = None if split is None else self._layout.frames.find(split[0])
        if split is None or frame is None:
            event = found.event(self._report)
            if event is not None:
                self._add_event(found, event, split)
            return
        identity = self._entities.follow(found.key, frame.facts(split[1]))
        self._report.derived_entities += 1
        self._rows.add_framed(found, frame, split[1], identity)

    def _add_event(
        self, found: AuditEvent | HeldEvent, event: AuditEvent, split: tuple[Parts, Cells] | None = None
    ) -> None:
        message = read_message(event)
        for code in message.problems:
            self._report.add(
                Diagnostic(code, _MISSING[code], Severity.WARNING, event.places[0], hint=f"event {event.id}")
            )
        document = normalise(event, message, auditbeat_comm=self._auditbeat_comm)
        if split is not None:
            self._layout.frames.learn(*split, event.key, message, document)
        identity = None
        if (facts := process_facts(message)) is not None:
            identity = self._entities.follow(event.key, facts)
            name_process(document, identity)
            self._report.derived_entities += 1
        self._rows.add(found, document, identity)
