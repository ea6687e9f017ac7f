"""Documents on their way into a batch, which keeps their raw text instead of them.

Decoded documents by the thousand cost far more time and memory than their lines; the few that something asks
for are decoded again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from dogwatch.base.diagnostic import Place
from dogwatch.events.batch import NO_TIEBREAK, Batch, Document
from dogwatch.events.columns import BatchBuilder, ColumnPlan
from dogwatch.events.document import leaf_value
from dogwatch.events.index import index_of
from dogwatch.events.readers.ndjson import FoundDocument, source_of
from dogwatch.events.report import ReadReport

_PAUSES = 5
"""Every how many pauses of an input that gives nothing else there is an empty batch: one a second."""

_BATCH_BYTES = 32 << 20
"""Bytes of lines after which a batch is given even if it has room for more rows."""

SURE_DEPTH = 300
"""Levels of nesting that the decoder manages wherever it is called from."""

_INT64 = range(-(2**63), 2**63)

Decode = Callable[[bytes], Document]
"""From an event's text to its document."""


class Pending:
    """Collects documents until there are enough for a batch.

    Args:
        plan: The columns wanted.
        index: The data stream that the user named, which goes before what the documents say.
        most_rows: Most rows of a batch.
        report: Counts the events and what their columns lack.
        arrivals: Gives the next arrival number each time it is asked.
    """

    def __init__(
        self, plan: ColumnPlan, index: str | None, most_rows: int, report: ReadReport, arrivals: Iterator[int]
    ) -> None:
        self._plan = plan
        self._index = index
        self._most_rows = most_rows
        self._report = report
        self._arrivals = arrivals
        self._bytes = 0
        self._pauses = 0
        self._source = TextSource()
        self._builder = BatchBuilder(plan)

    def add(
        self, found: FoundDocument, file: str | None, number: int | None, decode: Decode = source_of
    ) -> Batch | None:
        """Take a document; gives a batch when there is enough for one.

        Args:
            found: The document, and where it can be had again.
            file: The input that it was read from, if any.
            number: Its line in the input, if that has lines.
            decode: Gives the document again from its text.
        """
        document, hit, raw = found
        self._builder.add(document, index_of(document, hit.get("_index"), self._index), tiebreak_of(document))
        self._pauses = 0
        self._source.add(found, file, number, decode)
        if raw is not None:
            self._bytes += len(raw)
        if len(self._source) >= self._most_rows or self._bytes >= _BATCH_BYTES:
            return self.flush()
        return None

    def pause(self) -> Batch | None:
        """What to give as the input pauses: what there is, or now and then an empty batch, to tell of silence."""
        self._pauses += 1
        if not len(self._source) and self._pauses % _PAUSES == 0:
            return self._builder.build(0, self._source, self._report)
        return self.flush()

    def flush(self) -> Batch | None:
        """A batch of what there is, if there is anything."""
        source, builder = self._source, self._builder
        if not len(source):
            return None
        self._source, self._builder, self._bytes = TextSource(), BatchBuilder(self._plan), 0
        numbers = list(islice(self._arrivals, len(source)))
        self._report.events += len(numbers)
        return builder.build(numbers[0], source, self._report)


@dataclass(slots=True)
class TextSource:
    """The way back to events that were decoded from texts of their own, row by row.

    A document is kept only where it has no raw text of its own, or where decoding that again could fail.
    """

    raw: list[bytes | None] = field(default_factory=list)
    decoders: list[Decode] = field(default_factory=list)
    kept: dict[int, Document] = field(default_factory=dict)
    own_ids: list[str | None] = field(default_factory=list)
    files: list[str | None] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.raw)

    def add(self, found: FoundDocument, file: str | None, number: int | None, decode: Decode) -> None:
        """Take the next row, as ``Pending`` takes it."""
        document, hit, raw = found
        self.raw.append(raw)
        self.decoders.append(decode)
        self.own_ids.append(own_id(document, hit))
        self.files.append(file)
        self.numbers.append(number)
        if raw is None or raw.count(b"[") + raw.count(b"{") > SURE_DEPTH:
            self.kept[len(self.raw) - 1] = document

    def document(self, row: int) -> Document:
        """The row's whole document."""
        raw = self.raw[row]
        return self.kept[row] if raw is None or row in self.kept else self.decoders[row](raw)

    def event_id(self, row: int) -> tuple[str, bool]:
        """The row's id, and whether the document or its source named it."""
        own = self.own_ids[row]
        if own is not None:
            return own, True
        raw = self.raw[row]
        return id_of_text(json.dumps(self.kept[row], default=str).encode() if raw is None else raw), False

    def place(self, row: int) -> Place | None:
        """Where the row was read."""
        file = self.files[row]
        return None if file is None else Place(file, self.numbers[row])


def own_id(document: Document, hit: Document) -> str | None:
    """The id that the object around a document names, or else the document."""
    for name in (hit.get("_id"), leaf_value(document, "event", "id")):
        if isinstance(name, str) and name:
            return name
    return None


def id_of_text(text: bytes) -> str:
    """The id of an event that has none of its own."""
    return f"line-{hashlib.blake2b(text, digest_size=16).hexdigest()}"


def tiebreak_of(document: Document) -> int:
    """The event's own order among equal times, or ``NO_TIEBREAK``."""
    sequence = leaf_value(document, "event", "sequence")
    return sequence if type(sequence) is int and sequence in _INT64 else NO_TIEBREAK
