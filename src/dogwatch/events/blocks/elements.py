"""The values in texts of JSON: each text is one value, or a list of values in lists however deep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dogwatch.events.storage import Flags, Numbers, text_bytes
from dogwatch.schema.coerce import flatten

_DECODER = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Elements:
    """The values that some texts hold, nulls left out; a text has all of its values in one of two forms.

    Attributes:
        strings: Values that are strings and were found without decoding.
        string_owners: int64: the number of the text that holds each of them, ascending.
        others: The rest, decoded.
        other_owners: int64: the number of the text that holds each of them, ascending.
        unreadable: Numbers of texts that the decoder refuses.
    """

    strings: pa.Array[Any]
    string_owners: Numbers
    others: Sequence[Any]
    other_owners: Numbers
    unreadable: Sequence[int]


def elements_of(texts: pa.Array[Any]) -> Elements:
    """The values in texts that each hold one JSON value; no text is null."""
    # Where nothing is escaped, quotes stand only around strings, so that texts can be cut instead of decoded.
    plain = ~_matches(texts, "\\")
    alone = plain & _flags(pc.starts_with(texts, '"'))
    listed = plain & _flags(pc.starts_with(texts, '["')) & _flags(pc.ends_with(texts, '"]'))
    items, item_owners, mixed = _cut_lists(texts, np.flatnonzero(listed))
    single_owners = np.flatnonzero(alone)
    singles = pc.binary_slice(_at(texts, single_owners).cast(pa.binary()), 1, -1).cast(pa.utf8())
    decoded = np.flatnonzero(~(alone | listed))
    others, other_owners, unreadable = _decoded(texts, np.union1d(decoded, mixed))
    strings, string_owners = _in_order([singles, items], [single_owners, item_owners])
    return Elements(strings, string_owners, others, other_owners, unreadable)


def _cut_lists(texts: pa.Array[Any], rows: Numbers) -> tuple[pa.Array[Any], Numbers, Numbers]:
    """The items of lists of strings, the text that holds each, and which texts hold something else besides."""
    inner = pc.binary_slice(_at(texts, rows).cast(pa.binary()), 2, -2).cast(pa.utf8())
    lists = pc.split_pattern(inner, '","')
    items = lists.flatten()
    owners = np.repeat(rows, _numbers(pc.list_value_length(lists)))
    # A quote that is left had something else than a string beside it.
    odd = _matches(items, '"')
    if not odd.any():
        return items, owners, rows[:0]
    mixed = np.unique(owners[odd])
    kept = ~np.isin(owners, mixed)
    return items.filter(pa.array(kept)), owners[kept], mixed


def _decoded(texts: pa.Array[Any], rows: Numbers) -> tuple[list[Any], Numbers, list[int]]:
    values: list[Any] = []
    owners: list[int] = []
    unreadable: list[int] = []
    for row, text in zip(rows.tolist(), _at(texts, rows).to_pylist(), strict=True):
        try:
            value = _DECODER.decode(text)  # type: ignore[arg-type]
        except (msgspec.DecodeError, RecursionError):
            unreadable.append(row)
            continue
        found = flatten(value) if isinstance(value, list) else (value,)
        before = len(values)
        values += [item for item in found if item is not None]
        owners += [row] * (len(values) - before)
    return values, np.array(owners, np.int64), unreadable


def _in_order(parts: Sequence[pa.Array[Any]], owners: Sequence[Numbers]) -> tuple[pa.Array[Any], Numbers]:
    filled = [number for number, part in enumerate(parts) if len(part)]
    if len(filled) <= 1:
        only = filled[0] if filled else 0
        return parts[only], owners[only]
    whole = pa.concat_arrays([parts[number] for number in filled])
    of_whole = np.concatenate([owners[number] for number in filled])
    order = np.argsort(of_whole, kind="stable")
    return _at(whole, order), of_whole[order]


def _matches(texts: pa.Array[Any], character: str) -> Flags:
    """Which texts hold an ASCII character; cheap where none does."""
    offsets, data = text_bytes(texts)
    if not (data[offsets[0] : offsets[-1]] == ord(character)).any():
        return np.zeros(len(texts), np.bool_)
    return _flags(pc.match_substring(texts, character))


def _at(texts: pa.Array[Any], places: Numbers) -> pa.Array[Any]:
    return texts.take(pa.array(places, pa.int64()))


def _flags(values: pa.Array[Any]) -> Flags:
    flags: Flags = values.to_numpy(zero_copy_only=False)
    return flags


def _numbers(values: pa.Array[Any]) -> Numbers:
    numbers: Numbers = values.to_numpy()
    return numbers
