"""A batch: some events as typed Arrow columns, with the way back to each document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dogwatch.base.diagnostic import Place
from dogwatch.schema.field import FieldRef

NO_TIME = np.iinfo(np.int64).min
"""The time of an event that has none."""

NO_TIEBREAK = np.iinfo(np.int64).max
"""The tiebreak of an event that has none: it sorts after those that have one."""

Document = dict[str, Any]
"""An event as decoded JSON: nested or dotted keys in ECS form."""


Identity = tuple[str, str, int] | int
"""Index, id and time where a producer gave the id, or else the place of arrival; one id in two indices is two."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event taken out of its batch because something asked about it.

    Attributes:
        id: Its ``_id``, else its ``event.id``, else a hash of its line.
        index: The data stream or index that it belongs to, if known.
        time: ``@timestamp`` in nanoseconds since 1970 UTC, or ``NO_TIME``.
        tiebreak: The event's own order among equal times (audit serial, ``event.sequence``), or ``NO_TIEBREAK``.
        arrival: Its place in the order of reading, over all inputs of a run.
        document: The whole document.
        place: File and line that it was read from, if it was.
        has_own_id: Whether the document or its source named the id (a repeat of it is the same event), or
            whether it is a hash of the line (a repeat is another event that looks the same).
    """

    id: str
    index: str | None
    time: int
    tiebreak: int
    arrival: int
    document: Document
    place: Place | None
    has_own_id: bool

    @property
    def order(self) -> tuple[int, int, int]:
        """The canonical order: time, own tiebreak, arrival."""
        return (self.time, self.tiebreak, self.arrival)

    @property
    def identity(self) -> Identity:
        """What tells its document from others: two readings of one document have it in common."""
        return (self.index or "", self.id, self.time) if self.has_own_id else self.arrival


class EventSource(Protocol):
    """The way back from a row of a batch to its event."""

    def document(self, row: int) -> Document:
        """The row's whole document. Rows count from 0 within the batch."""
        ...

    def event_id(self, row: int) -> tuple[str, bool]:
        """The row's id, and whether the document or its source named it."""
        ...

    def place(self, row: int) -> Place | None:
        """Where the row was read."""
        ...


@runtime_checkable
class TextualSource(Protocol):
    """A source whose documents are lines of JSON."""

    def text(self, row: int) -> bytes | None:
        """The line that alone holds a row's document and id, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """``length`` events as columns.

    Attributes:
        length: Number of rows.
        columns: The fields asked for. Each is an Arrow array of ``length`` rows: of the field type's storage
            type (see ``storage_type``) with nulls for missing, or, if any row holds several values, a list
            of that type. Text is dictionary-encoded.
        time: int64 nanoseconds since 1970 UTC, ``NO_TIME`` where missing.
        tiebreak: int64, ``NO_TIEBREAK`` where the event has none of its own.
        first_arrival: The arrival number of row 0; row i has ``first_arrival + i``.
        index: Dictionary-encoded text: the data stream of each row, null where unknown.
        source: The way back to the documents.
    """

    length: int
    columns: Mapping[FieldRef, pa.Array[Any]]
    time: npt.NDArray[np.int64]
    tiebreak: npt.NDArray[np.int64]
    first_arrival: int
    index: pa.DictionaryArray[Any, Any]
    source: EventSource

    def event(self, row: int) -> Event:
        """The row as an event of its own, with its document."""
        name = self.index[row].as_py()
        event_id, own = self.source.event_id(row)
        return Event(
            id=event_id,
            index=name,
            time=int(self.time[row]),
            tiebreak=int(self.tiebreak[row]),
            arrival=self.first_arrival + row,
            document=self.source.document(row),
            place=self.source.place(row),
            has_own_id=own,
        )

    def values(self, ref: FieldRef, row: int) -> Sequence[Any]:
        """The row's values of one column: empty if missing, one, or many."""
        value = self.columns[ref][row].as_py()
        if value is None:
            return ()
        return value if isinstance(value, list) else (value,)
