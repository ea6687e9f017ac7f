"""Writes events as a Parquet file: whole documents, and beside them the columns that rules ask for."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as kinds

from dogwatch.events.batch import NO_TIEBREAK, Batch
from dogwatch.events.columns import TIMESTAMP
from dogwatch.events.parquet_hot import (
    ID,
    INDEX,
    PARTIAL,
    TIEBREAK,
    column_names,
    declaration,
    written,
    written_type,
)
from dogwatch.events.parquet_layout import SOURCE
from dogwatch.schema.field import FieldRef

ROW_GROUP = 50_000
"""Rows of a row group."""

_MOST_BYTES = 128 << 20
"""Bytes of documents after which a row group is written even if it could have more rows."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows that wait to be written."""

    batch: Batch
    ids: Sequence[str]
    documents: pa.Array[Any]

    @property
    def length(self) -> int:
        return self.batch.length

    def slice(self, start: int, length: int) -> _Part:
        batch = self.batch
        columns = {ref: column.slice(start, length) for ref, column in batch.columns.items()}
        rows = slice(start, start + length)
        cut = Batch(
            length=min(length, batch.length - start),
            columns=columns,
            time=batch.time[rows],
            tiebreak=batch.tiebreak[rows],
            first_arrival=batch.first_arrival + start,
            index=batch.index.slice(start, length),
            source=batch.source,
        )
        return _Part(cut, self.ids[rows], self.documents.slice(start, length))


class _Target(io.RawIOBase):
    """Passes bytes on until nobody wants them any more.

    Args:
        file: Takes the bytes; it stays open.

    Attributes:
        discards: Whether they go nowhere.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.discards = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - of any kind that holds bytes
        return len(data) if self.discards else self._file.write(data)


class ParquetEvents:
    """A Parquet file that is being written; memory holds one row group.

    A field whose column first holds single values is written as single values: a later row with several of them
    is marked, and who reads it reads its document.

    Args:
        target: Takes the bytes.
        fields: The columns to write beside the documents; ``@timestamp`` is always one of them.
        group_rows: Rows of a row group.
    """

    def __init__(self, target: BinaryIO, fields: Iterable[FieldRef], group_rows: int = ROW_GROUP) -> None:
        self._target = _Target(target)
        self._group_rows = group_rows
        self._names = column_names({*fields, TIMESTAMP})
        self._parts: list[_Part] = []
        self._rows = 0
        self._bytes = 0
        self._many: frozenset[FieldRef] = frozenset()
        self._schema = pa.schema([])
        self._writer: pq.ParquetWriter | None = None

    @property
    def fields(self) -> frozenset[FieldRef]:
        """The columns that batches must have."""
        return frozenset(self._names)

    def add(self, batch: Batch, ids: Sequence[str], documents: Sequence[bytes]) -> None:
        """Take the rows of a batch.

        Args:
            batch: The rows, with a column for each of ``fields``.
            ids: The id of each row.
            documents: Its document as JSON text.
        """
        if not batch.length:
            return
        self._parts.append(_Part(batch, ids, pa.array(documents, pa.binary()).cast(pa.utf8())))
        self._rows += batch.length
        self._bytes += sum(map(len, documents))
        while self._rows >= self._group_rows:
            self._write(self._taken(self._group_rows))
        if self._bytes >= _MOST_BYTES:
            self._write(self._taken(self._rows))

    def close(self) -> None:
        """Write what is left, and the file's end."""
        if self._rows or self._writer is None:
            self._write(self._taken(self._rows))
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        # The library writes the file's end whatever happened, and the target may be closed by then.
        self._target.discards = failed is not None
        if failed is None:
            self.close()
        elif self._writer is not None:
            self._writer.close()

    def _taken(self, rows: int) -> list[_Part]:
        """The first of the rows that wait, which do so no longer."""
        taken: list[_Part] = []
        left = rows
        while left:
            part = self._parts.pop(0)
            if part.length > left:
                self._parts.insert(0, part.slice(left, part.length - left))
                part = part.slice(0, left)
            taken.append(part)
            left -= part.length
        self._rows -= rows
        self._bytes = sum(part.documents.nbytes for part in self._parts)
        return taken

    def _write(self, parts: Sequence[_Part]) -> None:
        if self._writer is None:
            self._many = frozenset(
                ref for ref in self._names for part in parts if _holds_several(part.batch.columns[ref])
            )
            self._schema = _schema(self._names, self._many)
            plain: Any = [name for name in self._schema.names if name != SOURCE]
            target: Any = self._target
            self._writer = pq.ParquetWriter(target, self._schema, compression="zstd", use_dictionary=plain)
        if parts:
            table = pa.Table.from_batches([self._rows_of(part) for part in parts], self._schema)
            self._writer.write_table(table, row_group_size=table.num_rows)

    def _rows_of(self, part: _Part) -> pa.RecordBatch:
        batch = part.batch
        partial = np.zeros(batch.length, np.bool_)
        columns: list[Any] = []
        for ref in self._names:
            column: Any = batch.columns[ref]
            if ref not in self._many and kinds.is_list(column.type):
                counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
                partial |= counts > 1
                column = _single(column, counts)
            columns.append(written(column, ref.type, many=ref in self._many))
        order = pa.array(batch.tiebreak, pa.int64(), mask=batch.tiebreak == NO_TIEBREAK)
        own: list[Any] = [pa.array(part.ids, pa.utf8()), batch.index.cast(pa.utf8()), order, pa.array(partial)]
        return pa.RecordBatch.from_arrays([*columns, *own, part.documents], schema=self._schema)


def _holds_several(column: Any) -> bool:  # noqa: ANN401 - an array of any type
    return kinds.is_list(column.type) and (pc.max(column.value_lengths()).as_py() or 0) > 1


def _single(column: Any, counts: Any) -> pa.Array[Any]:  # noqa: ANN401 - a list array, and a number for each row
    """The value of each row that has one; rows with several lose them all."""
    starts = column.offsets.to_numpy()[:-1]
    positions = pa.array(starts, pa.int64(), mask=counts != 1)
    values: pa.Array[Any] = column.values.take(positions)
    return values


def _schema(names: Mapping[FieldRef, str], many: frozenset[FieldRef]) -> pa.Schema:
    fields = [pa.field(name, written_type(ref.type, many=ref in many)) for ref, name in names.items()]
    fields += [
        pa.field(ID, pa.utf8()),
        pa.field(INDEX, pa.utf8()),
        pa.field(TIEBREAK, pa.int64()),
        pa.field(PARTIAL, pa.bool_()),
        pa.field(SOURCE, pa.utf8()),
    ]
    return pa.schema(fields, metadata=declaration(names))
