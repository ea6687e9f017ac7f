"""Columns of raw texts as columns of typed values, worked out once for each different text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dogwatch.events.blocks.elements import Elements, elements_of
from dogwatch.events.blocks.memo import ScalarMemo
from dogwatch.events.blocks.raw import RawColumn
from dogwatch.events.storage import (
    Coded,
    Flags,
    Numbers,
    codes_of,
    first_with_values,
    joined,
    one_each,
    value_array,
)
from dogwatch.schema.coerce import Missing
from dogwatch.schema.field import FieldRef, FieldType

AS_THEY_ARE = frozenset({FieldType.KEYWORD, FieldType.TEXT, FieldType.VERSION})
"""Types under which a text is stored unchanged."""

_INSTANT = r"^(?:19|20)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z?\z"
"""The usual instants, which Arrow reads as ``parse_instant`` does."""


class Texts:
    """The different texts of a raw column.

    Attributes:
        is_json: Whether each is JSON.
        encoded: The column, encoded.
        codes: int64, one a row: the number of its text, -1 for none.
        texts: The texts, each once.
    """

    def __init__(self, column: RawColumn) -> None:
        self.is_json = column.is_json
        self.encoded = column.values.dictionary_encode()
        self.codes = codes_of(self.encoded)
        self.texts: pa.Array[Any] = self.encoded.dictionary

    def leave_out(self, rows: Flags) -> None:
        """Make as if some rows had no text."""
        self.codes[rows] = -1
        places = pa.array(self.codes, pa.int32(), mask=self.codes < 0)
        self.encoded = pa.DictionaryArray.from_arrays(places, self.texts)

    @cached_property
    def elements(self) -> Elements:
        """The values in each text of a column of JSON."""
        return elements_of(self.texts)


@dataclass(frozen=True)
class Typed:
    """The values of one field.

    Attributes:
        coded: The values of each row.
        found: One a case: whether the document holds anything there but nulls.
        lost: One a case: how many of its values do not fit the type.
        ready: The column, if nothing is left to do for it.
    """

    coded: Coded
    found: Flags
    lost: Numbers
    ready: pa.Array[Any] | None = None

    @cached_property
    def column(self) -> pa.Array[Any]:
        """The rows as a column of a batch."""
        return self.coded.column() if self.ready is None else self.ready

    @cached_property
    def losses(self) -> int:
        """How many values do not fit the type."""
        if not self.lost.any():
            return 0
        codes = self.coded.codes
        return int(self.lost[codes[codes >= 0]].sum())


def typed(texts: Texts, ref: FieldRef, memo: ScalarMemo, *, objects: bool = True) -> Typed:
    """A raw column's values under the type of a field.

    Args:
        texts: The column.
        ref: The field.
        memo: Knows what texts became before.
        objects: Whether an object is a value (that may not fit) or none at all.
    """
    if texts.is_json:
        return _typed_json(texts, ref, memo, objects=objects)
    count = len(texts.texts)
    found = np.ones(count, np.bool_)
    places = np.arange(count)
    if ref.type in AS_THEY_ARE:
        coded = Coded(texts.codes, one_each(texts.texts), places, np.ones(count, np.int64))
        return Typed(coded, found, np.zeros(count, np.int64), texts.encoded)
    values, lost = _scalars_of_texts(texts.texts, ref, memo)
    coded = Coded(texts.codes, values, places, _present(values).astype(np.int64))
    return Typed(coded, found, lost.astype(np.int64))


def either(own: Typed, above: Typed) -> Typed:
    """The values of a field where the document holds any, else those of the one above it."""
    coded = first_with_values([(own.coded, own.found), (above.coded, above.found)])
    return Typed(coded, np.concatenate([own.found, above.found]), np.concatenate([own.lost, above.lost]))


def _typed_json(texts: Texts, ref: FieldRef, memo: ScalarMemo, *, objects: bool) -> Typed:
    elements, count = texts.elements, len(texts.texts)
    others, other_owners = elements.others, elements.other_owners
    if not objects:
        kept = [place for place, item in enumerate(others) if not isinstance(item, dict)]
        others, other_owners = [others[place] for place in kept], other_owners[kept]
    strings, lost_strings = _scalars_of_strings(elements.strings, ref, memo)
    rest, lost_rest = _scalars_of_values(others, ref, memo)
    owners = np.concatenate([elements.string_owners, other_owners])
    lost = np.bincount(owners[np.concatenate([lost_strings, lost_rest])], minlength=count)
    found = np.bincount(owners, minlength=count) > 0
    values = joined([strings, rest])
    present = np.flatnonzero(_present(values))
    order = present[np.argsort(owners[present], kind="stable")]
    if len(order) < len(values) or (len(strings) and len(rest)):
        values = values.take(pa.array(order, pa.int64()))
    counts = np.bincount(owners[order], minlength=count)
    return Typed(Coded(texts.codes, values, np.cumsum(counts) - counts, counts), found, lost)


def _scalars_of_strings(texts: pa.Array[Any], ref: FieldRef, memo: ScalarMemo) -> tuple[pa.Array[Any], Flags]:
    """The scalar of each text, null where there is none, and whether that is for want of fitting."""
    encoded = texts.dictionary_encode()
    if ref.type in AS_THEY_ARE:
        return encoded, np.zeros(len(texts), np.bool_)
    values, lost = _scalars_of_texts(encoded.dictionary, ref, memo)
    return values.take(encoded.indices), lost[codes_of(encoded)]


def _scalars_of_texts(texts: pa.Array[Any], ref: FieldRef, memo: ScalarMemo) -> tuple[pa.Array[Any], Flags]:
    """The same for texts that differ, of a type that changes them."""
    known: pa.Array[Any] | None = None
    if ref.type is FieldType.LONG:
        known = _integers(texts)
    elif ref.type is FieldType.DATE and not ref.formats:
        known = _instants(texts)
    if known is not None:
        return known, np.zeros(len(texts), np.bool_)
    return _scalars_of_values(texts.to_pylist(), ref, memo)


def _scalars_of_values(values: Sequence[Any], ref: FieldRef, memo: ScalarMemo) -> tuple[pa.Array[Any], Flags]:
    """The same for decoded values that are no lists or nulls."""
    convert = memo.coercion(ref)
    scalars = [convert(value) for value in values]
    lost = np.fromiter((scalar is Missing.LOST for scalar in scalars), np.bool_, len(scalars))
    kept = [None if isinstance(scalar, Missing) else scalar for scalar in scalars]
    return value_array(kept, ref.type), lost


def _integers(texts: pa.Array[Any]) -> pa.Array[Any] | None:
    """The integers that all of the texts are, as this would write them again."""
    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    return numbers if numbers.cast(pa.utf8()).equals(texts) else None


def _instants(texts: pa.Array[Any]) -> pa.Array[Any] | None:
    """The instants that all of the texts are, if they are of the usual form."""
    if not pc.all(pc.match_substring_regex(texts, _INSTANT)).as_py():
        return None
    try:
        return pc.utf8_rtrim(texts, "Z").cast(pa.timestamp("ns")).cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def _present(values: pa.Array[Any]) -> Flags:
    present: Flags = values.is_valid().to_numpy(zero_copy_only=False)
    return present
