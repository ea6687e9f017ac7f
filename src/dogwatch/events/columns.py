"""From documents to batches: one typed Arrow column for each field that somebody asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dogwatch.base.diagnostic import Place
from dogwatch.events.batch import NO_TIME, Batch, Document, EventSource
from dogwatch.events.document import Found, PathTree
from dogwatch.events.report import ReadReport
from dogwatch.schema.coerce import Missing, field_coercion
from dogwatch.schema.derived import DerivedField, derived_field
from dogwatch.schema.field import FieldRef, FieldType, Scalar
from dogwatch.schema.fortisiem_transform import Values
from dogwatch.schema.schema import multi_field_parent

TIMESTAMP = FieldRef("@timestamp", FieldType.DATE)
"""The field that gives an event its time."""

_AS_THEY_ARE = frozenset({FieldType.KEYWORD, FieldType.TEXT, FieldType.VERSION})
"""Types under which a text is stored unchanged."""

_DICTIONARY = pa.dictionary(pa.int32(), pa.utf8())
_STORAGE: dict[FieldType, pa.DataType] = {
    FieldType.LONG: pa.int64(),
    FieldType.DOUBLE: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.int64(),
}


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


def storage_type(kind: FieldType) -> pa.DataType:
    """The Arrow type of a column whose rows hold at most one value; dates are nanoseconds since 1970."""
    return _DICTIONARY if kind.is_text else _STORAGE[kind]


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
    """

    def __init__(self, fields: Iterable[FieldRef]) -> None:
        self.fields = tuple(sorted(set(fields)))
        paths = dict.fromkeys(path for ref in (*self.fields, TIMESTAMP) for path in _paths_read(ref))
        with_nulls = dict.fromkeys(ref.path for ref in self.fields if ref.null_value is not None)
        self.slots = {path: slot for slot, path in enumerate(paths)}
        self.null_slots = {path: slot for slot, path in enumerate(with_nulls, len(paths))}
        self.tree = PathTree(tuple(paths), tuple(with_nulls))


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
        reading = _Reading(self._found, self._plan, report)
        columns = {ref: _column(reading.cells(ref), ref.type, length) for ref in self._plan.fields}
        time = _times(reading.cells(TIMESTAMP), length)
        index = _text_array(self._indices)
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

    def __init__(self, found: list[Found], plan: ColumnPlan, report: ReadReport) -> None:
        self._found = found
        self._slots = plan.slots
        self._null_slots = plan.null_slots
        self._report = report
        self._given: dict[FieldRef, _Cells] = {}
        self._by_row: dict[FieldRef, dict[int, Values]] = {}

    def cells(self, ref: FieldRef) -> _Cells:
        derived = derived_field(ref)
        given = self._as_given(ref)
        if derived is None or (
            derived.widen is None
            and all(set(given.rows).issuperset(self._as_given(source).rows) for source in derived.inputs)
        ):
            return given
        return _derived(derived, self._grouped(ref), [self._grouped(source) for source in derived.inputs])

    def _grouped(self, ref: FieldRef) -> dict[int, Values]:
        """The values of each row as the document gives them; rows without any are left out."""
        grouped = self._by_row.get(ref)
        if grouped is None:
            grouped = self._by_row[ref] = _by_row(self._as_given(ref))
        return grouped

    def _as_given(self, ref: FieldRef) -> _Cells:
        cells = self._given.get(ref)
        if cells is None:
            cells = self._coerced(ref, self._raw(ref.path))
            if ref.null_value is not None:
                nulls = self._found[self._null_slots[ref.path]].rows
                cells = _with_nulls(cells, nulls, ref.null_value)
            self._given[ref] = cells
        return cells

    def _raw(self, path: str) -> Found:
        own = self._found[self._slots[path]]
        parent = multi_field_parent(path)
        if parent is None:
            return own
        # Whether `a.text` is a multi-field of `a` or a field of its own shows in the document.
        taken = set(own.rows)
        above = self._found[self._slots[parent]]
        pairs = [
            (row, value)
            for row, value in zip(above.rows, above.values, strict=True)
            if row not in taken and not isinstance(value, dict)
        ]
        pairs += zip(own.rows, own.values, strict=True)
        pairs.sort(key=lambda pair: pair[0])
        return Found([row for row, _ in pairs], [value for _, value in pairs])

    def _coerced(self, ref: FieldRef, raw: Found) -> _Cells:
        if ref.type in _AS_THEY_ARE and all(type(v) is str for v in raw.values):
            return _Cells(raw.rows, raw.values)
        convert = field_coercion(ref)
        rows: list[int] = []
        values: list[Scalar] = []
        for row, value in zip(raw.rows, raw.values, strict=True):
            scalar = convert(value)
            if not isinstance(scalar, Missing):
                rows.append(row)
                values.append(scalar)
            elif scalar is Missing.LOST:
                self._report.uncoercible[ref] += 1
        return _Cells(rows, values)


@lru_cache(maxsize=64)
def _plan(fields: frozenset[FieldRef]) -> ColumnPlan:
    return ColumnPlan(fields)


def _paths_read(ref: FieldRef) -> list[str]:
    derived = derived_field(ref)
    paths: list[str] = []
    for source in (ref,) if derived is None else (ref, *derived.inputs):
        paths.append(source.path)
        if (parent := multi_field_parent(source.path)) is not None:
            paths.append(parent)
    return paths


def _with_nulls(own: _Cells, rows: list[int], null_value: Scalar) -> _Cells:
    pairs = [*zip(own.rows, own.values, strict=True), *((row, null_value) for row in rows)]
    pairs.sort(key=lambda pair: pair[0])
    return _Cells([row for row, _ in pairs], [value for _, value in pairs])


def _derived(field: DerivedField, given: dict[int, Values], inputs: list[dict[int, Values]]) -> _Cells:
    """A derived field's values, worked out once for each different case of a batch."""
    rows: list[int] = []
    scalars: list[Scalar] = []
    known: dict[tuple[Values, ...], Values] = {}
    for row in sorted(set(given).union(*inputs)):
        case = (given.get(row, ()), *[values.get(row, ()) for values in inputs])
        values = known.get(case)
        if values is None:
            values = known[case] = field.values(case[0], case[1:])
        if len(values) == 1:
            rows.append(row)
        else:
            rows += [row] * len(values)
        scalars += values
    return _Cells(rows, scalars)


def _by_row(cells: _Cells) -> dict[int, Values]:
    rows = cells.rows
    # The row of a single value keeps it alone; most rows do.
    grouped: dict[int, Values] = dict(zip(rows, zip(cells.values), strict=True))
    if len(grouped) == len(rows):
        return grouped
    several: dict[int, list[Scalar]] = {}
    for row, value in zip(rows, cells.values, strict=True):
        several.setdefault(row, []).append(value)
    return {row: tuple(values) for row, values in several.items()}


def _column(cells: _Cells, kind: FieldType, length: int) -> pa.Array[Any]:
    rows = np.array(cells.rows, np.int64)
    values = _text_array(cells.values) if kind.is_text else pa.array(cells.values, storage_type(kind))
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


def _text_array(values: Sequence[Scalar | None]) -> pa.DictionaryArray[Any, Any]:
    try:
        plain = pa.array(values, pa.utf8())
    except UnicodeEncodeError:
        # A lone surrogate is no text to Arrow (nor to UTF-8).
        mended = [None if value is None else _whole_characters(str(value)) for value in values]
        plain = pa.array(mended, pa.utf8())
    return plain.dictionary_encode()


def _whole_characters(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def _times(cells: _Cells, length: int) -> npt.NDArray[np.int64]:
    times = np.full(length, NO_TIME, np.int64)
    # Written backwards, so that the first of several values stays.
    times[np.array(cells.rows[::-1], np.int64)] = np.array(cells.values[::-1], np.int64)
    return times
