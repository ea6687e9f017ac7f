"""One way to read a column, whether its rows hold no value, one or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dogwatch.base.text import Fold
from dogwatch.engine.kernels.mask import Flags, Mask, Rows, ascending
from dogwatch.logic.predicate import Field
from dogwatch.schema.field import FieldRef, Scalar

Numbers = npt.NDArray[Any]
"""int64 (LONG, DATE), float64 or bool."""


_LARGEST_CODE = 2**62


@dataclass(frozen=True, slots=True)
class Slots:
    """Where the values of some rows lie.

    Attributes:
        rows: How many rows were asked for.
        at: Places in the column's values.
        owner: For each place, which of the rows asked for it belongs to; ``None`` if the i-th to the i-th.
    """

    rows: int
    at: npt.NDArray[np.int64] | slice
    owner: npt.NDArray[np.int64] | None

    def any(self, true: Flags, known: Flags | None = None) -> Mask:
        """The answer of each row: true if any of its values' is, unknown if none of theirs is known.

        Args:
            true: For each place, whether the answer is true.
            known: For each place, whether the answer is true or false; ``None`` if all are.
        """
        if self.owner is None:
            return Mask(true, None if known is None else ~known)
        result = np.zeros(self.rows, np.bool_)
        result[self.owner[true]] = True
        unknown = np.ones(self.rows, np.bool_)
        unknown[self.owner if known is None else self.owner[known]] = False
        return Mask(result, unknown)


class Texts:
    """The distinct texts of a column, read from Arrow when they are asked for."""

    def __init__(self, array: pa.Array[Any]) -> None:
        self._array = array
        self._folded: dict[Fold, list[str]] = {}

    def __len__(self) -> int:
        return len(self._array)

    def folded(self, fold: Fold) -> list[str]:
        """The texts, one for each code, folded."""
        if fold not in self._folded:
            if fold is Fold.NONE:
                texts: list[Any] = self._array.to_pylist()
            else:
                texts = [fold.apply(text) for text in self.folded(Fold.NONE)]
            self._folded[fold] = texts
        return self._folded[fold]


class Column:
    """The values of a field in a batch, without the missing ones.

    Args:
        length: Rows of the batch.
        rows: The row of each value, ascending; ``None`` if every row has exactly one.
        values: The values of a column of numbers, dates or booleans; for text the codes.
        texts: The distinct texts, one for each code; ``None`` if the column holds no text.
        single: Whether no row has more than one value.
    """

    def __init__(
        self, length: int, rows: Rows | None, values: Numbers, texts: Texts | None, *, single: bool
    ) -> None:
        self.length = length
        self.rows = rows
        self.values = values
        self.texts = texts
        self.single = single

    @classmethod
    def from_arrow(cls, array: pa.Array[Any]) -> Column:
        """A column over an Arrow array: plain or a list, text dictionary-encoded or not."""
        length = len(array)
        rows: Rows | None = None
        single = True
        if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
            rows = np.asarray(pc.list_parent_indices(array), np.int64)
            array = pc.list_flatten(array)
            single = False
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            array = array.dictionary_encode()
        if isinstance(array, pa.DictionaryArray) and array.dictionary.null_count:
            array = array.dictionary_decode().dictionary_encode()
        if array.null_count:
            present = np.flatnonzero(np.asarray(array.is_valid()))
            rows = present if rows is None else rows[present]
            array = array.drop_null()
        if isinstance(array, pa.DictionaryArray):
            codes = np.asarray(array.indices)
            dictionary = array.dictionary
            if len(dictionary) > len(codes):
                # A slice brings the dictionary of the whole; only its own texts are looked at.
                used, codes = np.unique(codes, return_inverse=True)
                dictionary = dictionary.take(pa.array(used))
            return cls(length, rows, codes, Texts(dictionary), single=single)
        if pa.types.is_timestamp(array.type):
            array = array.cast(pa.timestamp("ns")).cast(pa.int64())
        return cls(length, rows, array.to_numpy(zero_copy_only=False), None, single=single)

    def without_blanks(self) -> Column:
        """The column without its empty texts."""
        if self.texts is None:
            return self
        blank = [code for code, text in enumerate(self.texts.folded(Fold.NONE)) if not text]
        if not blank:
            return self
        keep = np.flatnonzero(~self.coded(np.array(blank))[self.values])
        rows = keep if self.rows is None else self.rows[keep]
        return Column(self.length, rows, self.values[keep], self.texts, single=self.single)

    @cached_property
    def present(self) -> Flags | None:
        """Which rows have a value; ``None`` if all have."""
        if self.rows is None:
            return None
        flags = np.zeros(self.length, np.bool_)
        flags[self.rows] = True
        return flags

    @cached_property
    def distinct(self) -> tuple[list[Scalar], npt.NDArray[np.integer[Any]]]:
        """The distinct values, and for each value its place among them."""
        if self.texts is not None:
            return list(self.texts.folded(Fold.NONE)), self.values
        found, codes = np.unique(_bits(self.values), return_inverse=True)
        return found.view(self.values.dtype).tolist(), codes

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each distinct text occurs."""
        return np.bincount(self.values, minlength=len(self.texts or ()))

    @cached_property
    def dense(self) -> npt.NDArray[np.signedinteger[Any]] | None:
        """The code of each row's text, -1 where it has none; ``None`` if rows may have several."""
        if not self.single:
            return None
        if self.rows is None:
            return self.values
        found = np.full(self.length, -1, np.int32)
        found[self.rows] = self.values
        return found

    def rows_of(self, codes: npt.NDArray[np.int64]) -> Rows:
        """The rows that hold any of some texts, ascending, each once. The codes are distinct."""
        order, starts = self._by_code
        if len(codes) == 1:
            code = int(codes[0])
            places = order[starts[code] : starts[code + 1]]
        else:
            places = np.concatenate([order[starts[code] : starts[code + 1]] for code in codes.tolist()])
        rows = places if self.rows is None else self.rows[places]
        if not self.single:
            return ascending(rows)
        return rows if len(codes) == 1 else np.sort(rows)

    def coded(self, codes: npt.NDArray[np.int64]) -> Flags:
        """A table over the distinct texts that is true for some codes; its last entry, for no text, is false."""
        table = np.zeros(len(self.texts or ()) + 1, np.bool_)
        table[codes] = True
        return table

    def slots(self, rows: Rows | None) -> Slots:
        """Where the values of some rows lie (``None``: of all)."""
        if rows is None:
            return Slots(self.length, slice(None), self.rows)
        if self.rows is None:
            return Slots(len(rows), rows, None)
        first = self._starts[rows]
        count = self._starts[rows + 1] - first
        owner = np.repeat(np.arange(len(rows)), count)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        return Slots(len(rows), first[owner] + within, owner)

    def row_values(self, row: int) -> list[Scalar]:
        """One row's values."""
        if self.rows is None:
            found = self.values[row : row + 1]
        else:
            found = self.values[self._starts[row] : self._starts[row + 1]]
        return self._shown(found)

    def count(self, rows: Rows) -> npt.NDArray[np.int64]:
        """How many values some rows have."""
        if self.rows is None:
            return np.ones(len(rows), np.int64)
        return self._starts[rows + 1] - self._starts[rows]

    def first_values(self, rows: Rows) -> list[Scalar | None]:
        """The first value of each of some rows, null where a row has none."""
        if self.rows is None:
            return [*self._shown(self.values[rows])]
        first = self._starts[rows]
        found = self._starts[rows + 1] > first
        own = iter(self._shown(self.values[first[found]]))
        return [next(own) if each else None for each in found.tolist()]

    def codes(self, rows: Rows) -> npt.NDArray[np.int64]:
        """A number for the first value of each of some rows, equal for equal values; -1 where a row has none."""
        places, found = rows, np.ones(len(rows), np.bool_)
        if self.rows is not None:
            places = self._starts[rows]
            found = self._starts[rows + 1] > places
        own = self.values[places[found]]
        codes = np.full(len(rows), -1, np.int64)
        codes[found] = own if self.texts is not None else np.unique(_bits(own), return_inverse=True)[1]
        return codes

    def _shown(self, values: Numbers) -> list[Scalar]:
        found: list[Any] = values.tolist()
        if self.texts is None:
            return found
        texts = self.texts.folded(Fold.NONE)
        return [texts[code] for code in found]

    @cached_property
    def _by_code(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The places of values in the order of their codes, and where those of each code begin."""
        starts = np.zeros(len(self.counts) + 1, np.int64)
        np.cumsum(self.counts, out=starts[1:])
        return np.argsort(self.values, kind="stable"), starts

    @cached_property
    def _starts(self) -> npt.NDArray[np.int64]:
        return np.searchsorted(self.rows, np.arange(self.length + 1)) if self.rows is not None else np.arange(0)


def _bits(values: Numbers) -> Numbers:
    """Numbers by which values are told apart: 0.0 and -0.0 remain two, and so does each kind of NaN."""
    return values.view(np.int64) if values.dtype == np.float64 else values


def combined(codes: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """One number for each combination of codes: rows with equal codes have equal numbers, others do not.

    Args:
        codes: At least one column of them, none below -1, all of one length.
    """
    whole, *others = codes
    for each in others:
        span = int(each.max(initial=-1)) + 2
        if (int(whole.max(initial=-1)) + 2) * span > _LARGEST_CODE:
            # Numbered anew, they are no more than there are rows.
            whole = np.unique(whole, return_inverse=True)[1]
        whole = (whole + 1) * span + each + 1
    return whole


class Columns:
    """The columns of one batch, each made readable when it is first asked for.

    Attributes:
        length: Rows of the batch.
        tables: What kernels have decided about the distinct values of their column, or about rows.
        decided: How many questions kernels had to decide anew.
    """

    def __init__(self, length: int, arrays: Mapping[FieldRef, pa.Array[Any]]) -> None:
        self.length = length
        self.tables: dict[object, npt.NDArray[np.uint8]] = {}
        self.decided = 0
        self._arrays = arrays
        self._columns: dict[Field, Column] = {}

    def valued(self, ref: FieldRef) -> int:
        """How many rows have a value of a field, or a few more: empty lists and blank texts count."""
        array = self._arrays[ref]
        return len(array) - array.null_count

    def __getitem__(self, field: Field) -> Column:
        """The column of a field, with or without its blank texts."""
        column = self._columns.get(field)
        if column is None:
            if field.mention:
                column = self[replace(field, mention=0)]
            elif field.blank_is_missing:
                column = self[Field(field.ref)].without_blanks()
            else:
                column = Column.from_arrow(self._arrays[field.ref])
            self._columns[field] = column
        return column
