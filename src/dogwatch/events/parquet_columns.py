"""Columns of Parquet files as the typed columns of a batch, without a document for each row.

Whatever has no typed counterpart in Arrow is coerced by the table that JSON has (``schema.coerce``), once for
each distinct value of a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from dogwatch.events.document import PathTree
from dogwatch.events.parquet_layout import SOURCE, WantedPaths, has_struct_source
from dogwatch.events.parquet_values import NANOSECONDS, is_listed, is_text, values_of
from dogwatch.events.report import ReadReport
from dogwatch.events.storage import Numbers, joined, no_values, storage_type
from dogwatch.schema.coerce import Missing, field_coercion
from dogwatch.schema.derived import DerivedField, derived_field
from dogwatch.schema.field import FieldRef, FieldType, Scalar
from dogwatch.schema.fortisiem_transform import Values
from dogwatch.schema.schema import multi_field_parent

_AS_THEY_ARE = frozenset({FieldType.KEYWORD, FieldType.TEXT, FieldType.VERSION})
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True)
class Piece:
    """Values of one path from one column.

    Attributes:
        rows: The row of each, ascending; it repeats where a row has several.
        values: An Arrow array without nulls, or decoded JSON.
    """

    rows: Numbers
    values: pa.Array[Any] | list[Any]


@dataclass(frozen=True, slots=True)
class Cells:
    """Typed values, each with its row; rows ascend and repeat where a row has several.

    Attributes:
        rows: The rows.
        values: An Arrow array of the field's storage type, without nulls.
    """

    rows: Numbers
    values: pa.Array[Any]


def pieces_of(batch: pa.RecordBatch, wanted: WantedPaths) -> dict[str, list[Piece]]:
    """What the rows hold under the wanted paths, in the order of the columns."""
    found: dict[str, list[Piece]] = {}
    rows = np.arange(batch.num_rows)
    if has_struct_source(batch.schema):
        source: Any = batch.column(batch.schema.names.index(SOURCE))
        roots = zip((field.name for field in source.type), source.flatten(), strict=True)
    else:
        roots = zip(batch.schema.names, batch.columns, strict=True)
    for name, column in roots:
        _collect(column, rows, name, wanted, found)
    return found


def _collect(array: Any, rows: Numbers, path: str, wanted: WantedPaths, found: dict[str, list[Piece]]) -> None:  # noqa: ANN401
    is_value, is_above = wanted.is_value(path), wanted.is_above(path)
    kind = array.type
    if not (is_value or is_above) or kinds.is_null(kind):
        return
    if is_listed(kind):
        lengths = pc.fill_null(array.value_lengths(), 0).to_numpy(zero_copy_only=False)
        _collect(array.flatten(), np.repeat(rows, lengths), path, wanted, found)
        return
    if array.null_count:
        valid = array.is_valid()
        rows, array = rows[valid.to_numpy(zero_copy_only=False)], array.filter(valid)
    if not len(rows):
        return
    if is_value:
        values = values_of(array) if kinds.is_struct(kind) or kinds.is_map(kind) else array
        found.setdefault(path, []).append(Piece(rows, values))
    if is_above and kinds.is_struct(kind):
        for field, child in zip(kind, array.flatten(), strict=True):
            _collect(child, rows, f"{path}.{field.name}", wanted, found)
    elif is_above and kinds.is_map(kind):
        _collect_maps(values_of(array), rows, path, wanted, found)


def _collect_maps(
    maps: list[Any], rows: Numbers, path: str, wanted: WantedPaths, found: dict[str, list[Piece]]
) -> None:
    below = wanted.below(path)
    tree = PathTree(below)
    inside = tree.empty()
    for number, each in enumerate(maps):
        tree.extract_into(inside, number, each)
    for name, values in zip(below, inside, strict=True):
        if values.rows:
            piece = Piece(rows[np.array(values.rows, np.int64)], values.values)
            found.setdefault(f"{path}.{name}", []).append(piece)


class Typing:
    """The typed columns of one batch, each field worked out (and its losses counted) once.

    Args:
        pieces: What the rows hold.
        length: Rows of the batch.
        report: Counts the values that do not fit.
    """

    def __init__(self, pieces: dict[str, list[Piece]], length: int, report: ReadReport) -> None:
        self._pieces = pieces
        self._length = length
        self._report = report
        self._given: dict[FieldRef, Cells] = {}

    def column(self, ref: FieldRef) -> pa.Array[Any]:
        """The column of a field, as a batch holds it."""
        return column_of(self.cells(ref), ref.type, self._length)

    def cells(self, ref: FieldRef) -> Cells:
        """The values of a field, worked out from others if it is derived."""
        own = self._as_given(ref)
        derived = derived_field(ref)
        if derived is None:
            return own
        return _derived(derived, own, [self._as_given(source) for source in derived.inputs])

    def _as_given(self, ref: FieldRef) -> Cells:
        cells = self._given.get(ref)
        if cells is None:
            typed = [self._typed(piece, ref) for piece in self._pieces_for(ref.path)]
            cells = self._given[ref] = _together(typed, ref)
        return cells

    def _pieces_for(self, path: str) -> list[Piece]:
        own = self._pieces.get(path, [])
        parent = multi_field_parent(path)
        above = self._pieces.get(parent, []) if parent is not None else []
        if not own or not above:
            return own or [piece for piece in above if not _holds_objects(piece)]
        taken = np.zeros(self._length, np.bool_)
        for piece in own:
            taken[piece.rows] = True
        return [*own, *(_only(piece, ~taken[piece.rows]) for piece in above if not _holds_objects(piece))]

    def _typed(self, piece: Piece, ref: FieldRef) -> Cells:
        cells, lost = typed(piece, ref)
        if lost:
            self._report.uncoercible[ref] += lost
        return cells


def typed(piece: Piece, ref: FieldRef) -> tuple[Cells, int]:
    """The values coerced to a field's type, and how many could not be."""
    values = piece.values
    if not isinstance(values, list):
        quick = _same(values, ref)
        if quick is not None:
            kept, typed_values = quick
            if kept is None:
                return Cells(piece.rows, typed_values), 0
            return Cells(piece.rows[kept], typed_values), int(len(kept) - kept.sum())
    codes, distinct = _distinct(values)
    return _coerced(piece.rows, codes, distinct, ref)


def column_of(cells: Cells, kind: FieldType, length: int) -> pa.Array[Any]:
    """The cells as a column of ``length`` rows: null where a row has no value, lists if any has several."""
    rows, values = cells.rows, cells.values
    if not len(rows):
        return no_values(storage_type(kind), length)
    if len(rows) == length and np.array_equal(rows, np.arange(length)):
        return values
    counts = np.bincount(rows, minlength=length)
    if counts.max(initial=0) > 1:
        offsets = np.zeros(length + 1, np.int32)
        np.cumsum(counts, out=offsets[1:])
        mask = pa.array(counts == 0, pa.bool_())
        lists: pa.Array[Any] = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, mask=mask)
        return lists
    positions = np.zeros(length, np.int64)
    positions[rows] = np.arange(len(rows))
    single: pa.Array[Any] = values.take(pa.array(positions, pa.int64(), mask=counts == 0))
    return single


def _same(values: Any, ref: FieldRef) -> tuple[npt.NDArray[np.bool_] | None, pa.Array[Any]] | None:  # noqa: ANN401
    """Values whose Arrow type is the field's own: which are kept (``None``: all), and those; else ``None``."""
    kind = values.type
    match ref.type:
        case FieldType.LONG if kinds.is_integer(kind) and not kinds.is_uint64(kind):
            return None, values.cast(pa.int64())
        case FieldType.DOUBLE if kinds.is_float32(kind) or kinds.is_float64(kind):
            kept = np.isfinite(values.to_numpy(zero_copy_only=False))
            return kept, values.cast(pa.float64()).filter(pa.array(kept, pa.bool_()))
        case FieldType.BOOLEAN if kinds.is_boolean(kind):
            return None, values
        case FieldType.DATE if kinds.is_timestamp(kind) and not ref.formats:
            return _instants(values)
        case _ if ref.type in _AS_THEY_ARE and is_text(kind):
            texts = encoded_texts(values)
            return None if texts is None else (None, texts)
        case _:
            return None


def _instants(values: Any) -> tuple[npt.NDArray[np.bool_], pa.Array[Any]]:  # noqa: ANN401
    factor = NANOSECONDS[values.type.unit]
    numbers: Numbers = values.cast(pa.int64()).to_numpy(zero_copy_only=False)
    most = _INT64.max // factor
    kept = (numbers <= most) & (numbers >= -most)
    return kept, pa.array(numbers[kept] * factor, pa.int64())


def encoded_texts(values: Any) -> pa.Array[Any] | None:  # noqa: ANN401
    """Texts without nulls, with each distinct one once and all used, or ``None`` if some are no UTF-8."""
    try:
        values.validate(full=True)
        if isinstance(values, pa.DictionaryArray):
            codes, used = _compact(values)
            words = values.dictionary.take(pa.array(used, pa.int64())).cast(pa.utf8())
            if pc.count_distinct(words).as_py() == len(words):
                return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), words)
            values = words.take(pa.array(codes, pa.int64()))
        return values.cast(pa.utf8()).dictionary_encode()  # type: ignore[no-any-return]
    except pa.ArrowInvalid:
        return None


def _compact(values: pa.DictionaryArray[Any, Any]) -> tuple[Numbers, Numbers]:
    """The codes of values renumbered without gaps, and the old code of each new one."""
    indices = values.indices.to_numpy(zero_copy_only=False)
    used, codes = np.unique(indices, return_inverse=True)
    return codes, used.astype(np.int64)


def _distinct(values: Any) -> tuple[Numbers, list[Any]]:  # noqa: ANN401
    """The distinct values as decoded JSON, and for each value the number of its own."""
    if isinstance(values, list):
        return np.arange(len(values)), values
    if not isinstance(values, pa.DictionaryArray):
        try:
            values = values.dictionary_encode()
        except (pa.ArrowNotImplementedError, AttributeError):
            # Arrow cannot tell equal nested or extension values: each counts as different.
            return np.arange(len(values)), values_of(values)
    codes, used = _compact(values)
    return codes, values_of(values.dictionary.take(pa.array(used, pa.int64())))


def _coerced(rows: Numbers, codes: Numbers, distinct: Sequence[Any], ref: FieldRef) -> tuple[Cells, int]:
    convert = field_coercion(ref)
    scalars: list[Scalar] = []
    numbers: dict[Scalar, int] = {}
    renumbered = np.full(len(distinct), -1, np.int64)
    is_lost = np.zeros(len(distinct), np.bool_)
    for code, value in enumerate(distinct):
        scalar = Missing.LOST if value is None else convert(value)
        if isinstance(scalar, Missing):
            is_lost[code] = scalar is Missing.LOST
            continue
        number = numbers.setdefault(scalar, len(scalars)) if ref.type.is_text else len(scalars)
        if number == len(scalars):
            scalars.append(scalar)
        renumbered[code] = number
    lost = int(is_lost[codes].sum())
    codes = renumbered[codes]
    kept = codes >= 0
    return Cells(rows[kept], _array(scalars, codes[kept], ref.type)), lost


def _array(scalars: Sequence[Scalar], codes: Numbers, kind: FieldType) -> pa.Array[Any]:
    """The scalars that codes name, as an array of the type's storage."""
    if kind.is_text:
        words = pa.array(scalars, pa.utf8())
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), words)
    return pa.array(scalars, storage_type(kind)).take(pa.array(codes, pa.int64()))


def _together(cells: Sequence[Cells], ref: FieldRef) -> Cells:
    """The cells of several columns of one field, in the order of rows, and in a row in that of columns."""
    filled = [each for each in cells if len(each.rows)]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        return Cells(np.zeros(0, np.int64), no_values(storage_type(ref.type), 0))
    rows = np.concatenate([each.rows for each in filled])
    order = np.argsort(rows, kind="stable")
    return Cells(rows[order], joined([each.values for each in filled]).take(pa.array(order, pa.int64())))


def _only(piece: Piece, kept: npt.NDArray[np.bool_]) -> Piece:
    values = piece.values
    if isinstance(values, list):
        return Piece(piece.rows[kept], [value for value, keep in zip(values, kept, strict=True) if keep])
    return Piece(piece.rows[kept], values.filter(pa.array(kept, pa.bool_())))


def _holds_objects(piece: Piece) -> bool:
    return isinstance(piece.values, list) and any(isinstance(value, dict) for value in piece.values)


def _derived(field: DerivedField, own: Cells, inputs: Iterable[Cells]) -> Cells:
    """A derived field's values, worked out once for each different case."""
    given = _by_row(own)
    by_row = [_by_row(each) for each in inputs]
    rows: list[int] = []
    scalars: list[Scalar] = []
    known: dict[tuple[Values, ...], Values] = {}
    for row in sorted(set(given).union(*by_row)):
        case = (given.get(row, ()), *[values.get(row, ()) for values in by_row])
        values = known.get(case)
        if values is None:
            values = known[case] = field.values(case[0], case[1:])
        rows += [row] * len(values)
        scalars += values
    array: Any = pa.array(scalars, pa.utf8() if field.ref.type.is_text else storage_type(field.ref.type))
    return Cells(np.array(rows, np.int64), array.dictionary_encode() if field.ref.type.is_text else array)


def _by_row(cells: Cells) -> dict[int, Values]:
    grouped: dict[int, Values] = {}
    values: list[Any] = cells.values.to_pylist()
    for row, value in zip(cells.rows.tolist(), values, strict=True):
        grouped[row] = (*grouped[row], value) if row in grouped else (value,)
    return grouped
