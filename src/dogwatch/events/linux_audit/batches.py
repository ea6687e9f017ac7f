"""From joined events to batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.events.batch import Batch
from dogwatch.events.linux_audit.entity import ProcessFacts, ProcessIdentity
from dogwatch.events.linux_audit.event import AuditEvent, EventKey
from dogwatch.events.linux_audit.frame import Cells, Parts, split_frame
from dogwatch.events.linux_audit.join import HeldEvent
from dogwatch.events.linux_audit.message import read_message
from dogwatch.events.linux_audit.normalise import normalise, process_facts
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


class Entities(Protocol):
    """Says who the process behind an event is."""

    def follow(self, key: EventKey, facts: ProcessFacts) -> ProcessIdentity:
        """The identity of the process behind an event, given events in canonical order."""


class Batches:
    """Collects events until somebody asks for the batch.

    Args:
        fields: The columns wanted.
        index: The data stream of the events; ``auditbeat-auditd`` if ``None``.
        report: Counts events and problems.
        arrivals: Gives the next arrival number each time it is asked.
        entities: Says who the process behind each event is.
        auditbeat_comm: Leave an encoded ``process.name`` in hexadecimal, as Auditbeat does.

    Attributes:
        report: Where events and problems are counted.
        arrivals: What gives arrival numbers.
        entities: Who says who a process is.
    """

    def __init__(
        self,
        fields: Sequence[FieldRef],
        index: str | None,
        report: ReadReport,
        arrivals: Iterator[int],
        entities: Entities,
        *,
        auditbeat_comm: bool = False,
    ) -> None:
        self.report = report
        self.arrivals = arrivals
        self.entities = entities
        self._layout = Layout(fields)
        self._index = index or DEFAULT_INDEX
        self._auditbeat_comm = auditbeat_comm
        self._rows = self._no_rows()

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self) -> Batch:
        """The events so far, at least one, which are forgotten."""
        rows, self._rows = self._rows, self._no_rows()
        self.report.events += len(rows)
        return rows.build(self.taken(len(rows)), self.report)

    def taken(self, rows: int) -> int:
        """The first of as many arrival numbers as there are rows, at least one."""
        first = next(self.arrivals)
        deque(islice(self.arrivals, rows - 1), maxlen=0)
        return first

    def add(self, found: AuditEvent | HeldEvent) -> None:
        """Take an event, unless the record that gives it a meaning is missing."""
        if not isinstance(found, HeldEvent):
            self._add_event(found, found)
            return
        text = found.text
        split = None if text is None else split_frame(text, found.key.host)
        frame = None if split is None else self._layout.frames.find(split[0])
        if split is None or frame is None:
            event = found.event(self.report)
            if event is not None:
                self._add_event(found, event, split)
            return
        identity = self.entities.follow(found.key, frame.facts(split[1]))
        self.report.derived_entities += 1
        self._rows.add_framed(found, frame, split[1], identity)

    def _add_event(
        self, found: AuditEvent | HeldEvent, event: AuditEvent, split: tuple[Parts, Cells] | None = None
    ) -> None:
        message = read_message(event)
        for code in message.problems:
            self.report.add(
                Diagnostic(code, _MISSING[code], Severity.WARNING, event.places[0], hint=f"event {event.id}")
            )
        document = normalise(event, message, auditbeat_comm=self._auditbeat_comm)
        if split is not None:
            self._layout.frames.learn(*split, event.key, message, document)
        identity = None
        if (facts := process_facts(message)) is not None:
            identity = self.entities.follow(event.key, facts)
            name_process(document, identity)
            self.report.derived_entities += 1
        self._rows.add(found, document, identity)

    def _no_rows(self) -> Rows:
        return Rows(self._layout, self._index, auditbeat_comm=self._auditbeat_comm)
