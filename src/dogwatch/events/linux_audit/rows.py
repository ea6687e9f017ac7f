"""From audit events to a batch, with the way back to their documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa

from dogwatch.base.diagnostic import Place
from dogwatch.base.fieldpath import parents
from dogwatch.events.batch import Batch, Document
from dogwatch.events.columns import TIMESTAMP, BatchBuilder, ColumnPlan
from dogwatch.events.linux_audit.entity import ProcessIdentity
from dogwatch.events.linux_audit.event import AuditEvent
from dogwatch.events.linux_audit.frame import CELLS, Cells, Frame, Frames
from dogwatch.events.linux_audit.join import HeldEvent
from dogwatch.events.linux_audit.message import read_message
from dogwatch.events.linux_audit.normalise import normalise
from dogwatch.events.report import ReadReport
from dogwatch.schema.derived import derived_field
from dogwatch.schema.field import FieldRef
from dogwatch.schema.schema import multi_field_parent


class Layout:
    """Which columns are each event's own, and which all events of a frame share.

    Args:
        fields: The columns wanted.
    """

    def __init__(self, fields: Iterable[FieldRef]) -> None:
        self.whole = ColumnPlan(fields)
        refs = {read for ref in self.whole.fields for read in _read_for(ref)}
        as_text = any(ref.path == TIMESTAMP.path and ref != TIMESTAMP for ref in refs)
        self.frames = Frames({TIMESTAMP.path, *(path for ref in refs for path in _paths(ref))}, as_text=as_text)
        self._keep({ref for ref in self.whole.fields if _is_own(ref)})

    def unshare(self, fields: Iterable[FieldRef]) -> None:
        """Give each event columns of its own for these fields too."""
        self._keep({*self.own.fields, *fields})

    def _keep(self, own: set[FieldRef]) -> None:
        self.own = ColumnPlan(own)
        self.shared = ColumnPlan(ref for ref in self.whole.fields if ref not in own)
        paths = {path for ref in own for read in _read_for(ref) for path in _paths(read)}
        self._read = paths.union(*(parents(path) for path in paths))

    def carried(self, frame: Frame) -> Document:
        """The fields of a frame that columns of each event's own are made of, too."""
        return {path: value for path, value in frame.fields.items() if path in self._read}


class Rows:
    """Collects events for one batch.

    Args:
        layout: The columns.
        index: The data stream of all events.
        auditbeat_comm: Leave an encoded ``process.name`` in hexadecimal in documents.
    """

    def __init__(self, layout: Layout, index: str, *, auditbeat_comm: bool) -> None:
        self._layout = layout
        self._index = index
        self._source = _Source(auditbeat_comm)
        self._own = BatchBuilder(layout.own)
        self._shared = BatchBuilder(layout.shared)
        self._known: dict[Frame, tuple[int, Document]] = {}
        self._places: list[int] = []
        self._distinct = 0

    def __len__(self) -> int:
        return len(self._places)

    def add_framed(self, event: HeldEvent, frame: Frame, cells: Cells, identity: ProcessIdentity) -> None:
        """Take an event whose frame is known.

        Args:
            event: The event.
            frame: Its frame.
            cells: Its cells.
            identity: What the entity tracker says of it.
        """
        known = self._known.get(frame)
        if known is None:
            known = self._known[frame] = self._share(frame.fields), self._layout.carried(frame)
        place, carried = known
        own = carried | self._layout.frames.own(cells, event.key)
        own["process.entity_id"] = identity.entity
        if identity.parent is not None:
            own["process.parent.entity_id"] = identity.parent
        own["dogwatch.entity.derived"] = True
        self._take(event, place, own, identity)

    def add(self, event: AuditEvent | HeldEvent, document: Document, identity: ProcessIdentity | None) -> None:
        """Take an event with its document, in which the names that the tracker gave stand already."""
        self._take(event, self._share(document), document, identity)

    def build(self, first_arrival: int, report: ReadReport) -> Batch:
        """The events so far as a batch; this is the end of the rows.

        Args:
            first_arrival: The arrival number of the first row.
            report: Counts what ``BatchBuilder.build`` counts.
        """
        lost = ReadReport()
        shared = self._shared.build(0, self._source, lost)
        if lost.uncoercible:
            # A value of a frame is lost as often as the frame occurs; only columns of their own can count that.
            self._layout.unshare(lost.uncoercible)
            return self._one_by_one(first_arrival, report)
        own = self._own.build(first_arrival, self._source, report)
        places = pa.array(self._places, pa.int32())
        columns = dict(own.columns)
        for ref, column in shared.columns.items():
            columns[ref] = column.take(places)
        return replace(own, columns={ref: columns[ref] for ref in self._layout.whole.fields})

    def _take(
        self, event: AuditEvent | HeldEvent, place: int, own: Document, identity: ProcessIdentity | None
    ) -> None:
        self._places.append(place)
        self._own.add(own, self._index, event.key.serial)
        self._source.rows.append((event, identity))

    def _share(self, document: Document) -> int:
        self._shared.add(document, None, 0)
        self._distinct += 1
        return self._distinct - 1

    def _one_by_one(self, first_arrival: int, report: ReadReport) -> Batch:
        builder = BatchBuilder(self._layout.whole)
        for row, (event, _) in enumerate(self._source.rows):
            builder.add(self._source.document(row), self._index, event.key.serial)
        return builder.build(first_arrival, self._source, report)


def name_process(document: Document, identity: ProcessIdentity) -> None:
    """Write into a document with ``process.pid`` what the entity tracker said of its event."""
    process = document["process"]
    process["entity_id"] = identity.entity
    if identity.parent is not None and isinstance(process.get("parent"), dict):
        process["parent"]["entity_id"] = identity.parent
    document["dogwatch"] = {"entity": {"derived": True}}


@dataclass(frozen=True, slots=True)
class _Source:
    """The way back: the events, and what the tracker said of each when its turn was."""

    auditbeat_comm: bool
    rows: list[tuple[AuditEvent | HeldEvent, ProcessIdentity | None]] = field(default_factory=list)

    def document(self, row: int) -> Document:
        event, identity = self._event(row), self.rows[row][1]
        document = normalise(event, read_message(event), auditbeat_comm=self.auditbeat_comm)
        if identity is not None:
            name_process(document, identity)
        return document

    def event_id(self, row: int) -> tuple[str, bool]:
        return self.rows[row][0].key.id, True

    def place(self, row: int) -> Place | None:
        return self._event(row).places[0]

    def _event(self, row: int) -> AuditEvent:
        found = self.rows[row][0]
        # What it lacks was counted when it was read.
        event = found if isinstance(found, AuditEvent) else found.event(ReadReport())
        if event is None:
            raise TypeError("an event that was put together once cannot be put together again")
        return event


def _is_own(ref: FieldRef) -> bool:
    return any(path in CELLS for read in _read_for(ref) for path in _paths(read))


def _read_for(ref: FieldRef) -> Iterator[FieldRef]:
    """The fields that a column is made of: those included that it is derived from."""
    yield ref
    if (derived := derived_field(ref)) is not None:
        yield from derived.inputs


def _paths(ref: FieldRef) -> Iterator[str]:
    yield ref.path
    if (parent := multi_field_parent(ref.path)) is not None:
        yield parent
