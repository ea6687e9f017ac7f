"""Rows parsed natively and rows that went the slower way, together as one batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dogwatch.events.batch import NO_TIME, Batch, Document, EventSource
from dogwatch.events.blocks.doubt import Reading
from dogwatch.events.blocks.memo import ScalarMemo
from dogwatch.events.blocks.native import NativeRows, readings
from dogwatch.events.blocks.raw import RawRows
from dogwatch.events.columns import TIMESTAMP, BatchBuilder, ColumnPlan, paths_read, times
from dogwatch.events.document import PathTree
from dogwatch.events.report import ReadReport
from dogwatch.events.storage import Flags, Numbers, constant_text, joined, no_values, storage_type
from dogwatch.schema.derived import derived_field
from dogwatch.schema.field import FieldRef


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row that the native parser could not be trusted with.

    Attributes:
        document: Its decoded document.
        index: Its data stream or index, if known (``index_of``).
        tiebreak: Its own order among equal times, or ``NO_TIEBREAK``.
        order: Its key in the order of the block's rows; rows of one line may share theirs.
    """

    document: Document
    index: str | None
    tiebreak: int
    order: int


Reread = Callable[[Sequence[int]], Sequence[OddRow]]
"""From numbers of native rows, ascending, to the same rows decoded, under the same order keys; one that the
decoder refuses is left out."""


class Assembler:
    """Makes batches of natively parsed rows; what it worked out for one value it knows in the next batch.

    Args:
        plan: The columns wanted. One with null values (``plan.null_slots``) has to be read another way: an
            explicit null cannot be told from an absent field here.
        index: The data stream that the user named, which goes before what the documents say.

    Attributes:
        needs: The paths to be read, and whether each must be read as JSON.
        doubted: How many rows had to be read again because of a text of a plain column that could be either a
            string or another JSON value of another meaning, by path. A path that is often doubted is better read
            as JSON.
    """

    def __init__(self, plan: ColumnPlan, index: str | None) -> None:
        self._plan = plan
        self._index = index
        self._readings = readings(plan, names=index is None)
        self._memo = ScalarMemo()
        self._sources = [(ref, frozenset(paths_read(ref))) for ref in plan.sources]
        self._derived = [ref for ref in plan.fields if derived_field(ref) is not None]
        self._trees = {path: PathTree((path,)) for path in self._readings}
        self._empty: tuple[int, dict[FieldRef, pa.Array[Any]]] = (-1, {})
        self.needs: Mapping[str, bool] = {
            path: Reading.TYPES in reading for path, reading in self._readings.items()
        }
        self.doubted: Counter[str] = Counter()

    def assemble(
        self,
        raw: RawRows,
        lines: Numbers,
        odd: Sequence[OddRow],
        reread: Reread,
        first_arrival: int,
        source: EventSource,
        report: ReadReport,
    ) -> Batch:
        """The rows as a batch, in the order of their keys.

        Args:
            raw: The native rows. Under a path is the one value that a document has there: one with both nested and
                dotted keys of a path, or with a list of objects above a path, is odd, and so is one whose index or
                id stands outside of it (a search hit). Numbers stand in plain columns as ``repr`` writes them.
            lines: int64: the order key of each native row; they ascend and differ from those of odd rows.
            odd: The other rows, ascending by their keys.
            reread: Asked, at most once and before this returns, for native rows whose plain texts are in doubt.
                A row that is no event after all is left out of the batch.
            first_arrival: The arrival number of the first row.
            source: The way back to each row's document, in the order of the keys of all rows.
            report: Counts the values that do not fit, and the rows without a time or an index.
        """
        rows = NativeRows(raw, self._readings, self._memo)
        kept, also_odd = self._settled(rows, lines, reread)
        if not kept.all():
            rows.leave_out(~kept)
            odd = sorted([*odd, *also_odd], key=lambda row: row.order)
        batch = self._native(rows, kept, first_arrival, source, report)
        if kept.all() and not odd:
            return batch
        builder = BatchBuilder(self._plan)
        for row in odd:
            builder.add(row.document, row.index, row.tiebreak)
        keys = np.array([row.order for row in odd], np.int64)
        return _merged(batch, builder.build(first_arrival, source, report), _places(lines, kept, keys))

    def _settled(self, rows: NativeRows, lines: Numbers, reread: Reread) -> tuple[Flags, list[OddRow]]:
        """Which rows are as their raw texts say, and those that are otherwise."""
        kept = np.ones(rows.length, np.bool_)
        for path, doubtful in rows.doubtful.items():
            self.doubted[path] += int(np.count_nonzero(doubtful))
            kept &= ~doubtful
        asked = np.flatnonzero(~kept).tolist()
        if not asked:
            return kept, []
        odd: list[OddRow] = []
        by_line = {row.order: row for row in reread(asked)}
        for number in asked:
            row = by_line.get(int(lines[number]))
            if row is None:
                continue
            if all(
                self._trees[path].extract(row.document)[0] == [rows.text(path, number)]
                for path, doubtful in rows.doubtful.items()
                if doubtful[number]
            ):
                kept[number] = True
            else:
                odd.append(row)
        return kept, odd

    def _native(
        self, rows: NativeRows, kept: Flags, first_arrival: int, source: EventSource, report: ReadReport
    ) -> Batch:
        """The native rows as a batch; those that are not kept are not counted."""
        length = rows.length
        columns = self._no_columns(length)
        present = [ref for ref, paths in self._sources if not paths.isdisjoint(rows.paths)]
        for ref in present:
            if lost := rows.losses(ref):
                report.uncoercible[ref] += lost
            if ref in columns:
                columns[ref] = rows.column(ref)
        for ref in self._derived:
            values = self._plan.derivations.values(ref, rows.given)
            columns[ref] = no_values(storage_type(ref.type), length) if values is None else values.column()
        time = times(rows.given(TIMESTAMP), length)
        index = rows.indices() if self._index is None else constant_text(self._index, length)
        report.without_time += int(np.count_nonzero(time[kept] == NO_TIME))
        report.without_index += int(np.count_nonzero(index.is_null().to_numpy(zero_copy_only=False)[kept]))
        return Batch(length, columns, time, rows.tiebreaks(), first_arrival, index, source)

    def _no_columns(self, length: int) -> dict[FieldRef, pa.Array[Any]]:
        if self._empty[0] != length:
            columns = {ref: no_values(storage_type(ref.type), length) for ref in self._plan.fields}
            self._empty = (length, columns)
        return self._empty[1].copy()


def _places(lines: Numbers, kept: Flags, odd: Numbers) -> Numbers:
    """Where each row of the whole lies among the native rows and the odd ones behind them."""
    native = np.flatnonzero(kept)
    order = np.argsort(np.concatenate([lines[native], odd]), kind="stable")
    return np.concatenate([native, len(lines) + np.arange(len(odd))])[order]


def _merged(native: Batch, odd: Batch, places: Numbers) -> Batch:
    at = pa.array(places, pa.int64())
    index: pa.DictionaryArray[Any, Any] = joined([native.index, odd.index]).take(at)
    return Batch(
        length=len(places),
        columns={ref: _together(column, odd.columns[ref], at) for ref, column in native.columns.items()},
        time=np.concatenate([native.time, odd.time])[places],
        tiebreak=np.concatenate([native.tiebreak, odd.tiebreak])[places],
        first_arrival=native.first_arrival,
        index=index,
        source=native.source,
    )


def _together(native: pa.Array[Any], odd: pa.Array[Any], places: pa.Array[Any]) -> pa.Array[Any]:
    parts = [native, odd]
    if all(part.null_count == len(part) for part in parts):
        kind = native.type.value_type if pa.types.is_list(native.type) else native.type
        return no_values(kind, len(places))
    if any(pa.types.is_list(part.type) for part in parts):
        parts = [part if pa.types.is_list(part.type) else _as_lists(part) for part in parts]
    return joined(parts).take(places)


def _as_lists(column: pa.Array[Any]) -> pa.Array[Any]:
    offsets = np.zeros(len(column) + 1, np.int32)
    missing = column.is_null()
    np.cumsum(~missing.to_numpy(zero_copy_only=False), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), column.drop_null(), mask=missing)
