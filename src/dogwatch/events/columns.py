"""From documents to batches: one typed Arrow column for each field that somebody asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dogwatch.base.diagnostic import Place
from dogwatch.events.batch import NO_TIME, Batch, Document, EventSource
from dogwatch.events.blocks.derived import Derivations
from dogwatch.events.document import Found, PathTree
from dogwatch.events.report import ReadReport
from dogwatch.events.storage import Coded, coded_column, no_values, storage_type, text_array, value_array
from dogwatch.schema.coerce import Missing, field_coercion
from dogwatch.schema.derived import derived_field
from dogwatch.schema.field import FieldRef, FieldType, Scalar
from dogwatch.schema.schema import multi_field_parent

TIMESTAMP = FieldRef("@timestamp", FieldType.DATE)
"""The field that gives an event its time."""

_STRINGS = frozenset({str})
_UNCHANGED: Mapping[FieldType, frozenset[type]] = defaultdict(
    frozenset,
    {
        FieldType.KEYWORD: _STRINGS,
        FieldType.TEXT: _STRINGS,
        FieldType.VERSION: _STRINGS,
        FieldType.BOOLEAN: frozenset({bool}),
    },
)
"""Decoded values that are stored as they are, by type."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event on its way into a batch.

    Attributes:
        document: The whole document.
        id: Its id.
        has_own_id: Whether the document or its source named the id.
        index: Its data stream or index, if known.
        place: Where it was read, if it was.
        tiebreak: Its own order among equal times, or ``NO_TIEBREAK``.
    """

    document: Document
    id: str
    has_own_id: bool
    index: str | None
    place: Place | None
    tiebreak: int


def make_batch(rows: Sequence[Row], fields: Iterable[FieldRef], first_arrival: int, report: ReadReport) -> Batch:
    """The rows as a batch with a column for each field.

    Args:
        rows: The events in the order of reading.
        fields: The columns wanted; repeats do not matter.
        first_arrival: The arrival number of the first row.
        report: Counts the values that do not fit, and the rows without a time or an index.
    """
    builder = BatchBuilder(_plan(frozenset(fields)))
    for row in rows:
        builder.add(row.document, row.index, row.tiebreak)
    return builder.build(first_arrival, _RowSource(rows), report)


class ColumnPlan:
    """How to find the columns of some fields, worked out once for many batches.

    Args:
        fields: The columns wanted; repeats do not matter.

    Attributes:
        fields: The columns wanted, each once, in order.
        sources: The fields that documents are read for: those, the time, and the inputs of derived fields.
        slots: The place of each path in what ``tree`` finds.
        null_slots: The same for paths whose explicit nulls are wanted.
        tree: Finds the values in a document.
        derivations: Works out derived fields.
    """

    def __init__(self, fields: Iterable[FieldRef]) -> None:
        self.fields = tuple(sorted(set(fields)))
        self.sources = tuple(
            dict.fromkeys(source for ref in (*self.fields, TIMESTAMP) for source in _sources(ref))
        )
        paths = dict.fromkeys(path for ref in self.sources for path in paths_read(ref))
        with_nulls = dict.fromkeys(ref.path for ref in self.fields if ref.null_value is not None)
        self.slots = {path: slot for slot, path in enumerate(paths)}
        self.null_slots = {path: slot for slot, path in enumerate(with_nulls, len(paths))}
        self.tree = PathTree(tuple(paths), tuple(with_nulls))
        self.derivations = Derivations()


class BatchBuilder:
    """Takes documents one by one, holds on to nothing of them but the values wanted, and gives a batch.

    Args:
        plan: The columns wanted.
    """

    def __init__(self, plan: ColumnPlan) -> None:
        self._plan = plan
        self._extract = plan.tree.extract_into
        self._found = plan.tree.empty()
        self._indices: list[str | None] = []
        self._tiebreaks: list[int] = []

    def add(self, document: Document, index: str | None, tiebreak: int) -> None:
        """Take the next row."""
        self._extract(self._found, len(self._tiebreaks), document)
        self._indices.append(index)
        self._tiebreaks.append(tiebreak)

    def build(self, first_arrival: int, source: EventSource, report: ReadReport) -> Batch:
        """The rows so far as a batch.

        Args:
            first_arrival: The arrival number of the first row.
            source: The way back to each row's document.
            report: Counts the values that do not fit, and the rows without a time or an index.
        """
        length = len(self._tiebreaks)
        reading = _Reading(self._found, self._plan, length, report)
        columns = {ref: reading.column(ref) for ref in self._plan.fields}
        time = times(reading.given(TIMESTAMP), length)
        index = text_array(self._indices)
        report.without_time += int(np.count_nonzero(time == NO_TIME))
        report.without_index += index.null_count
        return Batch(
            length=length,
            columns=columns,
            time=time,
            tiebreak=np.array(self._tiebreaks, np.int64),
            first_arrival=first_arrival,
            index=index,
            source=source,
        )


@dataclass(frozen=True, slots=True)
class _RowSource:
    """The way back, for rows that still hold their documents."""

    rows: Sequence[Row]

    def document(self, row: int) -> Document:
        return self.rows[row].document

    def event_id(self, row: int) -> tuple[str, bool]:
        return self.rows[row].id, self.rows[row].has_own_id

    def place(self, row: int) -> Place | None:
        return self.rows[row].place


@dataclass(frozen=True, slots=True)
class _Cells:
    """The scalars of a column, each with its row; rows ascend and repeat where a row has several."""

    rows: list[int]
    values: list[Scalar]


class _Reading:
    """The coerced values of one batch, each field worked out (and its losses counted) once."""

    def __init__(self, found: list[Found], plan: ColumnPlan, length: int, report: ReadReport) -> None:
        self._found = found
        self._plan = plan
        self._length = length
        self._report = report
        self._columns: dict[FieldRef, pa.Array[Any]] = {}
        self._given: dict[FieldRef, Coded | None] = {}

    def column(self, ref: FieldRef) -> pa.Array[Any]:
        """A field's column, be it derived or not."""
        if derived_field(ref) is None:
            return self._as_given(ref)
        values = self._plan.derivations.values(ref, self.given)
        return no_values(storage_type(ref.type), self._length) if values is None else values.column()

    def given(self, ref: FieldRef) -> Coded | None:
        """A field's values as the documents hold them, or ``None`` if none has any."""
        if ref not in self._given:
            column = self._as_given(ref)
            self._given[ref] = None if column.null_count == self._length else coded_column(column)
        return self._given[ref]

    def _as_given(self, ref: FieldRef) -> pa.Array[Any]:
        column = self._columns.get(ref)
        if column is None:
            column = self._columns[ref] = _column(self._cells(ref), ref.type, self._length)
        return column

    def _cells(self, ref: FieldRef) -> _Cells:
        cells = self._coerced(ref, self._raw(ref.path))
        if ref.null_value is not None:
            nulls = self._found[self._plan.null_slots[ref.path]].rows
            cells = _with_nulls(cells, nulls, ref.null_value)
        return cells

    def _raw(self, path: str) -> Found:
        own = self._found[self._plan.slots[path]]
        parent = multi_field_parent(path)
        if parent is None:
            return own
        # Whether `a.text` is a multi-field of `a` or a field of its own shows in the document.
        taken = set(own.rows)
        above = self._found[self._plan.slots[parent]]
        pairs = [
            (row, value)
            for row, value in zip(above.rows, above.values, strict=True)
            if row not in taken and not isinstance(value, dict)
        ]
        pairs += zip(own.rows, own.values, strict=True)
        pairs.sort(key=lambda pair: pair[0])
        return Found([row for row, _ in pairs], [value for _, value in pairs])

    def _coerced(self, ref: FieldRef, raw: Found) -> _Cells:
        kinds = set(map(type, raw.values))
        if kinds <= _UNCHANGED[ref.type]:
            return _Cells(raw.rows, raw.values)
        convert = field_coercion(ref)
        if kinds == _STRINGS:
            # Texts repeat, and of most types they are not cheap to read.
            known = {text: convert(text) for text in set(raw.values)}
            scalars = [known[text] for text in raw.values]
        else:
            scalars = [convert(value) for value in raw.values]
        if lost := sum(scalar is Missing.LOST for scalar in scalars):
            self._report.uncoercible[ref] += lost
        pairs = zip(raw.rows, scalars, strict=True)
        kept = [(row, scalar) for row, scalar in pairs if not isinstance(scalar, Missing)]
        return _Cells([row for row, _ in kept], [scalar for _, scalar in kept])


@lru_cache(maxsize=64)
def _plan(fields: frozenset[FieldRef]) -> ColumnPlan:
    return ColumnPlan(fields)


def paths_read(ref: FieldRef) -> tuple[str, ...]:
    """Where documents may hold a field's values: its own path, then that of which it may be a multi-field."""
    parent = multi_field_parent(ref.path)
    return (ref.path,) if parent is None else (ref.path, parent)


def _sources(ref: FieldRef) -> tuple[FieldRef, ...]:
    derived = derived_field(ref)
    return (ref,) if derived is None else (ref, *derived.inputs)


def _with_nulls(own: _Cells, rows: list[int], null_value: Scalar) -> _Cells:
    pairs = [*zip(own.rows, own.values, strict=True), *((row, null_value) for row in rows)]
    pairs.sort(key=lambda pair: pair[0])
    return _Cells([row for row, _ in pairs], [value for _, value in pairs])


def _column(cells: _Cells, kind: FieldType, length: int) -> pa.Array[Any]:
    if not cells.rows:
        return no_values(storage_type(kind), length)
    rows = np.array(cells.rows, np.int64)
    values = value_array(cells.values, kind)
    if len(rows) == length and np.array_equal(rows, np.arange(length)):
        return values
    counts = np.bincount(rows, minlength=length)
    if counts.max(initial=0) > 1:
        offsets = np.zeros(length + 1, np.int32)
        np.cumsum(counts, out=offsets[1:])
        starts = pa.array(offsets, pa.int32())
        lists: pa.Array[Any] = pa.ListArray.from_arrays(starts, values, mask=pa.array(counts == 0, pa.bool_()))
        return lists
    # Each row takes its value by position; a null position gives null.
    positions = np.zeros(length, np.int64)
    positions[rows] = np.arange(len(rows))
    return values.take(pa.array(positions, pa.int64(), mask=counts == 0))


def times(values: Coded | None, length: int) -> npt.NDArray[np.int64]:
    """The time of each row: the first of its values, ``NO_TIME`` where there is none."""
    result = np.full(length, NO_TIME, np.int64)
    if values is not None:
        has = values.sizes() > 0
        result[has] = values.flat.take(pa.array(values.starts[values.codes[has]], pa.int64())).to_numpy()
    return result
