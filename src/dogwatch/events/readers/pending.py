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

_SURE_DEPTH = 300
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
        self._source = _RawSource()
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
        sequence = leaf_value(document, "event", "sequence")
        tiebreak = sequence if type(sequence) is int and sequence in _INT64 else NO_TIEBREAK
        self._builder.add(document, index_of(document, hit.get("_index"), self._index), tiebreak)
        self._pauses = 0
        source = self._source
        source.raw.append(raw)
        source.decoders.append(decode)
        source.own_ids.append(_own_id(document, hit))
        source.files.append(file)
        source.numbers.append(number)
        if raw is None or _may_be_deep(raw):
            source.kept[len(source.raw) - 1] = document
        if raw is not None:
            self._bytes += len(raw)
        if len(source.raw) >= self._most_rows or self._bytes >= _BATCH_BYTES:
            return self.flush()
        return None

    def pause(self) -> Batch | None:
        """What to give as the input pauses: what there is, or now and then an empty batch, to tell of silence."""
        self._pauses += 1
        if not self._source.raw and self._pauses % _PAUSES == 0:
            return self._builder.build(0, self._source, self._report)
        return self.flush()

    def flush(self) -> Batch | None:
        """A batch of what there is, if there is anything."""
        source, builder = self._source, self._builder
        if not source.raw:
            return None
        self._source, self._builder, self._bytes = _RawSource(), BatchBuilder(self._plan), 0
        numbers = list(islice(self._arrivals, len(source.raw)))
        self._report.events += len(numbers)
        return builder.build(numbers[0], source, self._report)


@dataclass(slots=True)
class _RawSource:
    """The way back, row by row.

    A document is kept only where it has no raw text of its own, or where decoding that again could fail.
    """

    raw: list[bytes | None] = field(default_factory=list)
    decoders: list[Decode] = field(default_factory=list)
    kept: dict[int, Document] = field(default_factory=dict)
    own_ids: list[str | None] = field(default_factory=list)
    files: list[str | None] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)

    def document(self, row: int) -> Document:
        raw = self.raw[row]
        return self.kept[row] if raw is None or row in self.kept else self.decoders[row](raw)

    def event_id(self, row: int) -> tuple[str, bool]:
        own = self.own_ids[row]
        if own is not None:
            return own, True
        raw = self.raw[row]
        text = json.dumps(self.kept[row], default=str).encode() if raw is None else raw
        return f"line-{hashlib.blake2b(text, digest_size=16).hexdigest()}", False

    def place(self, row: int) -> Place | None:
        file = self.files[row]
        return None if file is None else Place(file, self.numbers[row])


def _own_id(document: Document, hit: Document) -> str | None:
    for name in (hit.get("_id"), leaf_value(document, "event", "id")):
        if isinstance(name, str) and name:
            return name
    return None


def _may_be_deep(raw: bytes) -> bool:
    """Whether the text nests so much that decoding it under a higher stack than now's could fail."""
    return raw.count(b"[") + raw.count(b"{") > _SURE_DEPTH
