"""Parquet files whose column ``_source`` holds each event's document as JSON text.

The other columns say nothing of the events, but ``_id`` and ``_index``, as in a search hit. In a file that
``dogwatch convert`` wrote they hold values of fields, which spares the reading of the documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch, Document
from dogwatch.events.columns import TIMESTAMP, ColumnPlan
from dogwatch.events.document import leaf_value
from dogwatch.events.parquet_documents import hashed_id
from dogwatch.events.parquet_hot import (
    HASHED_ID,
    ID,
    INDEX,
    PARTIAL,
    TIEBREAK,
    hot_columns,
    is_declared,
    read_back,
)
from dogwatch.events.parquet_layout import SOURCE
from dogwatch.events.parquet_values import values_of
from dogwatch.events.readers.ndjson import JsonLineError, decode_object
from dogwatch.events.readers.options import ReadOptions
from dogwatch.events.readers.pending import Pending
from dogwatch.events.report import ReadReport
from dogwatch.events.storage import Numbers, text_array
from dogwatch.events.units import RowGroup
from dogwatch.schema.field import FieldRef

_ROW_HINT = "each `_source` is one whole JSON document; this row is left out, the others are read"


class RawDocuments:
    """Reads row groups with whole documents.

    Args:
        fields: The columns wanted.
        options: What is known about the inputs.
    """

    def __init__(self, fields: frozenset[FieldRef], options: ReadOptions) -> None:
        self._fields = fields
        self._options = options
        self._plan = ColumnPlan(fields)

    def batches(self, file: pq.ParquetFile, group: RowGroup, most: int, report: ReadReport) -> Iterator[Batch]:
        """The batches of a row group."""
        schema = file.schema_arrow
        ours = is_declared(schema)
        hot = {ref: name for ref, name in hot_columns(schema).items() if ref in {*self._fields, TIMESTAMP}}
        spares = TIMESTAMP in hot and hot.keys() >= self._fields
        beside = [ID, INDEX, *((TIEBREAK, PARTIAL, *hot.values()) if ours else ())]
        columns = [SOURCE, *(name for name in dict.fromkeys(beside) if name in schema.names)]
        arrivals = count(group.first_arrival)
        start = 0
        for rows in file.iter_batches(most, row_groups=[group.group], columns=columns, use_threads=False):
            first = group.first_row + start
            start += rows.num_rows
            if spares and not _is_partial(rows):
                yield self._ready(rows, hot, first, group, next(arrivals), report)
                arrivals = count(group.first_arrival + start)
            else:
                yield from self._decoded(rows, first, group, arrivals, report, ours=ours)

    def _ready(
        self,
        rows: pa.RecordBatch,
        hot: Mapping[FieldRef, str],
        first: int,
        group: RowGroup,
        arrival: int,
        report: ReadReport,
    ) -> Batch:
        """Rows whose columns are all there: no document is looked at."""
        length = rows.num_rows
        columns = {ref: read_back(rows.column(name), ref.type) for ref, name in hot.items()}
        time = _firsts_of(columns[TIMESTAMP])
        names = _texts(rows, INDEX)
        index = text_array([self._options.index or name for name in names])
        report.lines += length
        report.events += length
        report.without_time += int(np.count_nonzero(time == NO_TIME))
        report.without_index += index.null_count
        return Batch(
            length=length,
            columns={ref: columns[ref] for ref in self._fields},
            time=time,
            tiebreak=_tiebreaks(rows),
            first_arrival=arrival,
            index=index,
            source=_Documents(rows, group.file, first, range(length), ours=True),
        )

    def _decoded(
        self,
        rows: pa.RecordBatch,
        first: int,
        group: RowGroup,
        arrivals: Iterator[int],
        report: ReadReport,
        *,
        ours: bool,
    ) -> Iterator[Batch]:
        """Rows whose documents are decoded, all of them."""
        pending = Pending(self._plan, self._options.index, rows.num_rows + 1, report, arrivals)
        indices = _texts(rows, INDEX)
        kept: list[int] = []
        for row, text in enumerate(values_of(rows.column(SOURCE))):
            report.lines += 1
            document = _document(text, Place(group.file, first + row), report)
            if document is None:
                continue
            kept.append(row)
            hit = {} if indices[row] is None else {"_index": indices[row]}
            batch = pending.add((document, hit, text.encode()), group.file, first + row, decode_object)
            if batch is not None:
                yield self._own(batch, rows, group, first, kept, ours=ours)
                kept = []
        batch = pending.flush()
        if batch is not None:
            yield self._own(batch, rows, group, first, kept, ours=ours)

    def _own(
        self, batch: Batch, rows: pa.RecordBatch, group: RowGroup, first: int, kept: Sequence[int], *, ours: bool
    ) -> Batch:
        """The batch with the ids and the order that the file's columns give."""
        tiebreak = _tiebreaks(rows)[kept] if ours and TIEBREAK in rows.schema.names else batch.tiebreak
        return replace(batch, tiebreak=tiebreak, source=_Documents(rows, group.file, first, kept, ours=ours))


@dataclass(frozen=True, slots=True)
class _Documents:
    """The way back.

    Attributes:
        rows: The rows that were read.
        file: The input.
        first: The number of the first of them in the file.
        kept: For each row of the batch, which of them it is.
        ours: Whether ids that are hashes can be told from others.
    """

    rows: pa.RecordBatch
    file: str
    first: int
    kept: Sequence[int]
    ours: bool

    def document(self, row: int) -> Document:
        try:
            return decode_object(self._text(row))
        except JsonLineError:
            # No column needed it to be read, and so nobody knew.
            return {}

    def event_id(self, row: int) -> tuple[str, bool]:
        own = _texts(self.rows.slice(self.kept[row], 1), ID)[0]
        if own is not None:
            return own, not (self.ours and own.startswith(HASHED_ID))
        named = leaf_value(self.document(row), "event", "id")
        return (named, True) if isinstance(named, str) and named else (hashed_id(self._text(row)), False)

    def place(self, row: int) -> Place:
        return Place(self.file, self.first + self.kept[row])

    def _text(self, row: int) -> bytes:
        text = values_of(self.rows.column(SOURCE).slice(self.kept[row], 1))[0]
        return text.encode() if isinstance(text, str) else b""


def _document(text: object, place: Place, report: ReadReport) -> Document | None:
    problem = JsonLineError("the row has no document")
    if isinstance(text, bytes):
        problem = JsonLineError("the document is not UTF-8 text")
    elif isinstance(text, str):
        try:
            return decode_object(text.encode())
        except JsonLineError as error:
            problem = error
    hint = problem.hint or _ROW_HINT
    report.add(Diagnostic("json-line", problem.message, Severity.WARNING, place, hint=hint))
    return None


def _is_partial(rows: pa.RecordBatch) -> bool:
    return PARTIAL not in rows.schema.names or any(values_of(rows.column(PARTIAL)))


def _texts(rows: pa.RecordBatch, name: str) -> list[str | None]:
    if name not in rows.schema.names:
        return [None] * rows.num_rows
    return [each if isinstance(each, str) and each else None for each in values_of(rows.column(name))]


def _tiebreaks(rows: pa.RecordBatch) -> Numbers:
    given: list[Any] = (
        values_of(rows.column(TIEBREAK)) if TIEBREAK in rows.schema.names else [None] * rows.num_rows
    )
    numbers = (each if type(each) is int else NO_TIEBREAK for each in given)
    return np.fromiter(numbers, np.int64, rows.num_rows)


def _firsts_of(column: Any) -> Numbers:  # noqa: ANN401 - of whole numbers, or lists of them
    firsts = [each[0] if isinstance(each, list) and each else each for each in column.to_pylist()]
    return np.fromiter((each if type(each) is int else NO_TIME for each in firsts), np.int64, len(firsts))
