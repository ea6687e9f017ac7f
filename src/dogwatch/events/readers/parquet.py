"""Events as Parquet files: nested or dotted columns of any type, or whole documents with columns beside them.

Where a column ``_source`` holds JSON text, that text is the event (``readers.parquet_raw``).
Format: https://parquet.apache.org/docs/file-format/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Batch
from dogwatch.events.columns import TIMESTAMP
from dogwatch.events.index import data_stream_of
from dogwatch.events.parquet_columns import Cells, Piece, Typing, pieces_of
from dogwatch.events.parquet_documents import RowGroupDocuments, RowSource
from dogwatch.events.parquet_file import DAMAGE, damaged, is_parquet, open_file, row_groups, unreadable
from dogwatch.events.parquet_hot import ID, INDEX
from dogwatch.events.parquet_layout import SOURCE, Projection, WantedPaths, projection
from dogwatch.events.parquet_values import first_values, is_text, values_of
from dogwatch.events.readers.options import ReadOptions
from dogwatch.events.readers.parquet_raw import RawDocuments
from dogwatch.events.report import ReadReport
from dogwatch.events.storage import Numbers, text_array
from dogwatch.events.units import RowGroup
from dogwatch.schema.derived import derived_field
from dogwatch.schema.field import FieldRef
from dogwatch.schema.schema import multi_field_parent

__all__ = ["RowGroupReader", "is_parquet", "row_groups"]

_MOST_ROWS = 32_768
"""Rows of a batch: what many rules cost a batch is shared by them."""

_BATCH_BYTES = 64 << 20
"""Bytes that a batch's rows should have at most, as the file tells."""

_EVENT_ID = "event.id"
_SEQUENCE = "event.sequence"
_DATA_STREAM = ("data_stream.type", "data_stream.dataset", "data_stream.namespace")
_INT64 = range(-(2**63), 2**63)


class RowGroupReader:
    """Reads row groups as batches, of each only the columns that are needed.

    Args:
        fields: The columns wanted.
        options: What is known about the inputs.
        most_rows: Most rows of a batch.
    """

    def __init__(self, fields: Iterable[FieldRef], options: ReadOptions, most_rows: int = _MOST_ROWS) -> None:
        self._fields = frozenset(fields)
        self._options = options
        self._most_rows = most_rows
        self._wanted = WantedPaths({*_paths(self._fields), _EVENT_ID, _SEQUENCE, *_DATA_STREAM})
        self._raw = RawDocuments(self._fields, options)
        self._opened: tuple[str, pq.ParquetFile, Projection] | None = None

    def read(self, group: RowGroup, report: ReadReport) -> Iterator[Batch]:
        """The batches of a row group; what is damaged in it ends it, and is told of.

        Args:
            group: The row group.
            report: Counts rows and events, and what is left out.
        """
        try:
            file, columns = self._open(group.file)
            rows = file.metadata.row_group(group.group)
        except DAMAGE as error:
            report.add(unreadable(Path(group.file), group.file, error), lost=True)
            return
        report.bytes += Path(group.file).stat().st_size * rows.num_rows // max(1, file.metadata.num_rows)
        most = self._rows_at_a_time(rows)
        if SOURCE in file.schema_arrow.names and is_text(file.schema_arrow.field(SOURCE).type):
            batches = self._raw.batches(file, group, most, report)
        else:
            batches = self._batches(file, columns, group, most, report)
        done = 0
        try:
            for batch in batches:
                done += batch.length
                yield batch
        except DAMAGE as error:
            self._opened = None
            report.add(damaged(group, group.first_row + done, error), lost=True)

    def _batches(
        self, file: pq.ParquetFile, columns: Projection, group: RowGroup, most: int, report: ReadReport
    ) -> Iterator[Batch]:
        documents = RowGroupDocuments(group, most, columns.columns, report)
        start = 0
        for rows in _row_batches(file, columns.columns, group, most):
            report.lines += rows.num_rows
            report.events += rows.num_rows
            yield self._batch(rows, start, group, documents, report)
            start += rows.num_rows

    def _batch(
        self, rows: pa.RecordBatch, start: int, group: RowGroup, documents: RowGroupDocuments, report: ReadReport
    ) -> Batch:
        length = rows.num_rows
        pieces = pieces_of(rows, self._wanted)
        typing = Typing(pieces, length, report)
        columns = {ref: typing.column(ref) for ref in sorted(self._fields)}
        time = _times(typing.cells(TIMESTAMP), length)
        index = self._index(rows, pieces)
        report.without_time += int(np.count_nonzero(time == NO_TIME))
        report.without_index += index.null_count
        ids = {ID: _root(rows, ID), _EVENT_ID: _firsts(pieces.get(_EVENT_ID, []), length)}
        return Batch(
            length=length,
            columns=columns,
            time=time,
            tiebreak=_tiebreaks(pieces.get(_SEQUENCE, []), length),
            first_arrival=group.first_arrival + start,
            index=index,
            source=RowSource(documents, group, start, ids),
        )

    def _index(self, rows: pa.RecordBatch, pieces: dict[str, list[Piece]]) -> pa.DictionaryArray[Any, Any]:
        """The data stream of each row: what the user, ``_index`` or the fields ``data_stream.*`` say."""
        length = rows.num_rows
        if self._options.index is not None:
            return text_array([self._options.index] * length)
        named = [
            data_stream_of(each) if isinstance(each, str) and each else None for each in _root(rows, INDEX)
        ] or [None] * length
        if not all(path in pieces for path in _DATA_STREAM):
            return text_array(named)
        parts = zip(*(_firsts(pieces[path], length) for path in _DATA_STREAM), strict=True)
        return text_array([own or _joined(part) for own, part in zip(named, parts, strict=True)])

    def _open(self, name: str) -> tuple[pq.ParquetFile, Projection]:
        if self._opened is None or self._opened[0] != name:
            path = Path(name)
            with open_file(path) as file:
                columns = projection(file, self._wanted, (ID, INDEX))
            self._opened = (name, open_file(path, columns.texts), columns)
        return self._opened[1], self._opened[2]

    def _rows_at_a_time(self, rows: pq.RowGroupMetaData) -> int:
        each = max(1, rows.total_byte_size // max(1, rows.num_rows))
        return max(1, min(self._most_rows, _BATCH_BYTES // each))


def _row_batches(
    file: pq.ParquetFile, columns: tuple[str, ...], group: RowGroup, most: int
) -> Iterator[pa.RecordBatch]:
    """The rows of a group; without any column that is wanted, rows that hold nothing."""
    if columns:
        yield from file.iter_batches(
            most, row_groups=[group.group], columns=list(columns), use_threads=False, use_pandas_metadata=False
        )
        return
    left = file.metadata.row_group(group.group).num_rows
    while left > 0:
        taken = min(left, most)
        nothing: Any = pa.array([{}] * taken, pa.struct([]))
        yield pa.RecordBatch.from_struct_array(nothing)
        left -= taken


def _paths(fields: Iterable[FieldRef]) -> Iterator[str]:
    for ref in (*fields, TIMESTAMP):
        derived = derived_field(ref)
        for source in (ref,) if derived is None else (ref, *derived.inputs):
            yield source.path
            if (parent := multi_field_parent(source.path)) is not None:
                yield parent


def _times(cells: Cells, length: int) -> Numbers:
    times = np.full(length, NO_TIME, np.int64)
    # Written backwards, so that the first of several values stays.
    times[cells.rows[::-1]] = cells.values.to_numpy(zero_copy_only=False)[::-1]
    return times


def _tiebreaks(pieces: list[Piece], length: int) -> Numbers:
    own = (
        value if type(value) is int and value in _INT64 else NO_TIEBREAK
        for value in _firsts(pieces, length) or [None] * length
    )
    return np.fromiter(own, np.int64, length)


def _root(rows: pa.RecordBatch, name: str) -> list[Any]:
    """The values of a column at the root, which must be there once; else nothing."""
    return values_of(rows.column(rows.schema.names.index(name))) if rows.schema.names.count(name) == 1 else []


def _firsts(pieces: list[Piece], length: int) -> list[Any]:
    """The first value of each row under a path; nothing if no row has any."""
    if not pieces:
        return []
    rows = np.concatenate([piece.rows for piece in pieces])
    values = [
        value
        for piece in pieces
        for value in (piece.values if isinstance(piece.values, list) else values_of(piece.values))
    ]
    order = np.argsort(rows, kind="stable")
    return first_values(rows[order].tolist(), [values[number] for number in order.tolist()], length)


def _joined(parts: tuple[Any, ...]) -> str | None:
    return "-".join(parts) if all(isinstance(part, str) for part in parts) else None
