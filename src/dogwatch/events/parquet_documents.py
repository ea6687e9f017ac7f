"""The way back from a row of a Parquet file to its document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.events.batch import Document
from dogwatch.events.parquet_file import DAMAGE, open_file, reason
from dogwatch.events.parquet_hot import HASHED_ID, ID
from dogwatch.events.parquet_layout import SOURCE, has_struct_source
from dogwatch.events.parquet_values import documents_of
from dogwatch.events.report import ReadReport
from dogwatch.events.units import RowGroup


class RowGroupDocuments:
    """Reads whole rows of one row group when somebody asks for them, at best in their order.

    Args:
        group: The row group.
        rows: Rows to read at a time.
        known: The columns that can be read, should another be damaged.
        report: Told if one is.
    """

    def __init__(self, group: RowGroup, rows: int, known: Sequence[str], report: ReadReport) -> None:
        self._group = group
        self._rows = rows
        self._known = list(known)
        self._report = report
        self._columns: list[str] | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._current: pa.RecordBatch | None = None
        self._start = 0

    def document(self, row: int) -> Document:
        """The document of a row, counted from 0 within the row group."""
        try:
            return self._found(row)
        except DAMAGE as error:
            if self._columns is not None:
                raise
            self._report.add(self._damaged(row, error))
            self._columns, self._current = self._known, None
            return self._found(row)

    def _found(self, row: int) -> Document:
        batch = self._current
        if batch is None or row < self._start:
            file = open_file(Path(self._group.file))
            self._batches = file.iter_batches(
                self._rows, row_groups=[self._group.group], columns=self._columns, use_threads=False
            )
            self._start, batch = 0, self._next()
        while row >= self._start + batch.num_rows:
            self._start += batch.num_rows
            batch = self._next()
        self._current = batch
        if has_struct_source(batch.schema):
            batch = batch.select([SOURCE])
            document = documents_of(batch.slice(row - self._start, 1))[0].get(SOURCE)
            return document if isinstance(document, dict) else {}
        return documents_of(batch.slice(row - self._start, 1))[0]

    def _next(self) -> pa.RecordBatch:
        for batch in self._batches:
            return batch
        raise pa.ArrowInvalid("the row group has fewer rows than its columns told")

    def _damaged(self, row: int, error: Exception) -> Diagnostic:
        return Diagnostic(
            "parquet-damaged",
            f"columns of row group {self._group.group} that no rule needs cannot be read, and alerts lack them: "
            f"{reason(error)}",
            place=Place(self._group.file, self._group.first_row + row),
            hint="fetch the file again for the whole documents",
        )


class RowSource:
    """The way back for one batch.

    Args:
        documents: Reads the rows of the row group.
        group: The row group.
        start: The batch's first row in the row group, from 0.
        ids: For each row the first value of ``_id`` and of ``event.id``, by name.
    """

    def __init__(
        self, documents: RowGroupDocuments, group: RowGroup, start: int, ids: Mapping[str, Sequence[Any]]
    ) -> None:
        self._documents = documents
        self._group = group
        self._start = start
        self._ids = ids

    def document(self, row: int) -> Document:
        """The row's whole document."""
        return self._documents.document(self._start + row)

    def event_id(self, row: int) -> tuple[str, bool]:
        """The row's id, and whether the file named it."""
        for name in (ID, "event.id"):
            own = self._ids[name][row] if self._ids[name] else None
            if isinstance(own, str) and own:
                return own, True
        return hashed_id(msgspec.json.encode(self.document(row))), False

    def place(self, row: int) -> Place:
        """The file, and the 1-based number of the row in it."""
        return Place(self._group.file, self._group.first_row + self._start + row)


def hashed_id(text: bytes) -> str:
    """The id of an event that has none of its own."""
    return f"{HASHED_ID}{hashlib.blake2b(text, digest_size=16).hexdigest()}"
