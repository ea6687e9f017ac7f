"""From what the parser gives to one raw column for each wanted field."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dogwatch.events.blocks.parser import Parsed
from dogwatch.events.blocks.raw import RawColumn, RawRows
from dogwatch.events.blocks.shape import Node
from dogwatch.events.document import PathTree

Flags = npt.NDArray[np.bool_]

_WHOLE = "value"


@dataclass(frozen=True, slots=True)
class Extracted:
    """Rows that were parsed natively.

    Attributes:
        raw: Their values; what it says of odd rows does not count.
        odd: Which rows hold something that the columns cannot show.
    """

    raw: RawRows
    odd: Flags

    def without_odd(self) -> RawRows:
        """The rows that are not odd."""
        if not self.odd.any():
            return self.raw
        keep = pa.array(~self.odd)
        columns = {path: _filtered(column, keep) for path, column in self.raw.columns.items()}
        index = None if self.raw.index is None else _filtered(self.raw.index, keep)
        return RawRows(int(np.count_nonzero(~self.odd)), columns, index)


def extract(parsed: Parsed, root: Node, telling: Collection[str]) -> Extracted:
    """The columns of the fields that a shape asks for.

    Args:
        parsed: What the parser gave for it.
        root: The shape; one that asks for ``_source`` is that of search hits.
        telling: Keys of the document itself; rows that have a value there are odd.
    """
    odd = np.zeros(parsed.rows, np.bool_)
    top = dict(zip(root.below, parsed.top, strict=True))
    index = None
    source = root.below.get("_source")
    if source is not None and source.is_object:
        index = top.pop("_index", None)
        inside = top.pop("_source")
        odd |= ~_valid(inside)
        odd |= _told(top, telling)
        top = dict(zip(source.below, inside.flatten(), strict=True))  # type: ignore[attr-defined]
    odd |= _told(top, telling)
    parts: dict[str, list[RawColumn]] = {}
    for _, node, column in parsed.leaves(root):
        if column.null_count == len(column):
            continue
        if node.inner:
            odd |= _look_inside(column, node, parts)
        elif node.path is not None:
            parts.setdefault(node.path, []).append(RawColumn(_texts(column), node.as_json))
            if node.below and node.as_json:
                odd |= _true(pc.match_substring(column, "{"))
    columns = {path: _one(found, odd) for path, found in parts.items()}
    named = None if index is None else RawColumn(_texts(index), is_json=True)
    return Extracted(RawRows(parsed.rows, columns, named), odd)


def _told(columns: Mapping[str, pa.Array[Any]], telling: Collection[str]) -> Flags:
    """Which rows have a value under one of some keys."""
    flags: Flags | bool = False
    for key, column in columns.items():
        if key in telling:
            flags = flags | _valid(column)
    return np.asarray(flags)


def _filtered(column: RawColumn, keep: pa.Array[Any]) -> RawColumn:
    return RawColumn(_texts(column.values.filter(keep)), column.is_json)


def _one(found: Sequence[RawColumn], odd: Flags) -> RawColumn:
    """The column of a field that is spelled in several ways; a row that uses two of them is odd."""
    if len(found) > 1:
        odd |= sum((_valid(column.values).astype(np.int64) for column in found), np.zeros(len(odd), np.int64)) > 1
    return RawColumn(_texts(reduce(pc.coalesce, (column.values for column in found))), found[0].is_json)


def _look_inside(column: pa.Array[Any], node: Node, parts: dict[str, list[RawColumn]]) -> Flags:
    """Add the columns of the fields in values of JSON text, each different text taken apart once.

    Returns:
        Which rows hold a text that cannot be read again.
    """
    encoded = column.dictionary_encode()
    tree = PathTree([_WHOLE + path.removeprefix(node.at) for path in node.inner])
    texts: list[list[str | None]] = [[] for _ in node.inner]
    unreadable = np.zeros(len(encoded.dictionary) + 1, np.bool_)
    for place, text in enumerate(map(str, encoded.dictionary.to_pylist())):
        try:
            values = tree.extract({_WHOLE: msgspec.json.decode(text)})
        except (msgspec.DecodeError, RecursionError):
            unreadable[place] = True
            values = [[] for _ in node.inner]
        for column_texts, of_path in zip(texts, values, strict=True):
            column_texts.append(json.dumps(of_path) if of_path else None)
    for path, column_texts in zip(node.inner, texts, strict=True):
        values_by_row = pa.array(column_texts, pa.utf8()).take(encoded.indices)
        if values_by_row.null_count < len(values_by_row):
            parts.setdefault(path, []).append(RawColumn(_texts(values_by_row), is_json=True))
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    flags: Flags = unreadable[codes]
    return flags


def _texts(column: pa.Array[Any]) -> pa.StringArray:
    if not isinstance(column, pa.StringArray):
        raise TypeError(f"the parser gives no texts but {column.type}")
    return column


def _valid(column: pa.Array[Any]) -> Flags:
    flags: Flags = column.is_valid().to_numpy(zero_copy_only=False)
    return flags


def _true(answers: pa.Array[Any]) -> Flags:
    flags: Flags = answers.fill_null(False).to_numpy(zero_copy_only=False)
    return flags
