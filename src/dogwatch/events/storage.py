"""How values lie in the columns of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dogwatch.schema.field import FieldType, Scalar
from dogwatch.schema.fortisiem_transform import Values

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Array = TypeVar("Array", bound="pa.Array[Any]")

_DICTIONARY = pa.dictionary(pa.int32(), pa.utf8())
_STORAGE: dict[FieldType, pa.DataType] = {
    FieldType.LONG: pa.int64(),
    FieldType.DOUBLE: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.int64(),
}


def storage_type(kind: FieldType) -> pa.DataType:
    """The Arrow type of a column whose rows hold at most one value; dates are nanoseconds since 1970."""
    return _DICTIONARY if kind.is_text else _STORAGE[kind]


@dataclass(frozen=True, slots=True)
class Coded:
    """A column by its different cases: each row has the values of one of them, or none.

    Attributes:
        codes: int64, one a row: the number of its case, or -1 if it has no values.
        flat: The values of all cases, of the field's storage type.
        starts: int64, one a case: where its values begin in ``flat``.
        counts: int64, one a case: how many values it has; they follow each other.
    """

    codes: Numbers
    flat: pa.Array[Any]
    starts: Numbers
    counts: Numbers

    def sizes(self) -> Numbers:
        """How many values each row has."""
        if not len(self.counts):
            return np.zeros(len(self.codes), np.int64)
        return np.where(self.codes >= 0, self.counts[self.codes], 0)

    def column(self) -> pa.Array[Any]:
        """The rows as a column of a batch: a list column only if a row has several values."""
        sizes = self.sizes()
        if not sizes.any():
            return no_values(self.flat.type, len(self.codes))
        if sizes.max() <= 1:
            return self.flat.take(pa.array(self.starts[self.codes], pa.int64(), mask=sizes == 0))
        offsets = np.zeros(len(sizes) + 1, np.int32)
        np.cumsum(sizes, out=offsets[1:])
        begins = np.where(sizes > 0, self.starts[self.codes], 0)
        places = np.repeat(begins - offsets[:-1], sizes) + np.arange(offsets[-1])
        values = self.flat.take(pa.array(places, pa.int64()))
        lists: pa.Array[Any] = pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()), values, mask=pa.array(sizes == 0, pa.bool_())
        )
        return lists

    def cases(self) -> list[Values]:
        """The values of each case."""
        values = _scalars(self.flat)
        if (self.counts == 1).all():
            return [(values[start],) for start in self.starts.tolist()]
        spans = zip(self.starts.tolist(), self.counts.tolist(), strict=True)
        return [tuple(values[start : start + count]) for start, count in spans]


def _scalars(flat: pa.Array[Any]) -> list[Any]:
    """The values of an array; anything where it is null, which no case refers to."""
    if isinstance(flat, pa.DictionaryArray):
        texts = [*flat.dictionary.to_pylist(), None]
        return [texts[code] for code in codes_of(flat).tolist()]
    filled = flat.fill_null(False if pa.types.is_boolean(flat.type) else 0)
    scalars: list[Any] = filled.to_numpy(zero_copy_only=False).tolist()
    return scalars


def coded_column(column: pa.Array[Any]) -> Coded:
    """The cases of a batch's column."""
    if isinstance(column, pa.ListArray):
        return _coded_lists(column)
    encoded = _encoded(column)
    values: pa.Array[Any] = encoded.dictionary
    count = len(values)
    flat = one_each(values) if encoded is column else values
    return Coded(codes_of(encoded), flat, np.arange(count), np.ones(count, np.int64))


def _encoded(column: pa.Array[Any]) -> pa.DictionaryArray[Any, Any]:
    return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()


def codes_of(encoded: pa.DictionaryArray[Any, Any]) -> Numbers:
    """The code of each row, -1 for null."""
    codes: Numbers = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def one_each(texts: pa.Array[Any]) -> pa.DictionaryArray[Any, Any]:
    """Different texts, encoded."""
    return pa.DictionaryArray.from_arrays(pa.array(np.arange(len(texts)), pa.int32()), texts)


def text_bytes(texts: pa.Array[Any]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Where each of some texts begins and the last ends, and the bytes of all, in UTF-8."""
    _, offsets, data = texts.buffers()
    if not len(texts) or offsets is None or data is None:
        return np.zeros(len(texts) + 1, np.int32), np.zeros(0, np.uint8)
    begins = np.frombuffer(memoryview(offsets), np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return begins, np.frombuffer(memoryview(data), np.uint8)


def _coded_lists(column: pa.ListArray[Any]) -> Coded:
    flat = column.values
    places = codes_of(_encoded(flat))
    offsets = column.offsets.to_numpy().astype(np.int64)
    codes = np.full(len(column), -1, np.int64)
    known: dict[bytes, int] = {}
    rows: list[int] = []
    for row in np.flatnonzero(np.diff(offsets)).tolist():
        code = known.setdefault(places[offsets[row] : offsets[row + 1]].tobytes(), len(rows))
        if code == len(rows):
            rows.append(row)
        codes[row] = code
    return Coded(codes, flat, offsets[rows], np.diff(offsets)[rows])


def first_with_values(parts: Sequence[tuple[Coded, Flags]]) -> Coded:
    """Each row's values from the first part in which its case counts.

    Args:
        parts: Columns of equal length and type, each with a flag for every case: whether it counts.
    """
    codes = np.full(len(parts[0][0].codes), -1, np.int64)
    cases, values = 0, 0
    starts: list[Numbers] = []
    for part, counting in parts:
        taken = (codes < 0) & (part.codes >= 0)
        taken[taken] = counting[part.codes[taken]]
        codes[taken] = part.codes[taken] + cases
        starts.append(part.starts + values)
        cases += len(part.counts)
        values += len(part.flat)
    counts = np.concatenate([part.counts for part, _ in parts])
    return Coded(codes, joined([part.flat for part, _ in parts]), np.concatenate(starts), counts)


@lru_cache(maxsize=64)
def no_values(kind: pa.DataType, length: int) -> pa.Array[Any]:
    """A column of so many rows without values."""
    nothing: pa.Array[Any] = pa.array([], kind)
    return nothing.take(pa.array([None] * length, pa.int64()))


def value_array(values: Sequence[Scalar | None], kind: FieldType) -> pa.Array[Any]:
    """Values of one type of field as an array of its storage type; texts are encoded."""
    return text_array(values) if kind.is_text else pa.array(values, storage_type(kind))


def text_array(values: Sequence[Scalar | None]) -> pa.DictionaryArray[Any, Any]:
    """Texts, encoded."""
    try:
        plain = pa.array(values, pa.utf8())
    except UnicodeEncodeError:
        # A lone surrogate is no text to Arrow (nor to UTF-8).
        mended = [None if value is None else _whole_characters(str(value)) for value in values]
        plain = pa.array(mended, pa.utf8())
    return plain.dictionary_encode()


def constant_text(text: str | None, length: int) -> pa.DictionaryArray[Any, Any]:
    """One text, or none, so many times."""
    return text_array([text]).take(pa.array(np.zeros(length, np.int64), pa.int64()))


def joined(parts: Sequence[Array]) -> Array:
    """Arrays of one type, one after the other; encoded texts under common codes."""
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return filled[0] if filled else parts[0]
    whole: Array = pa.concat_arrays(filled)
    return whole


def _whole_characters(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
