"""Columns that stand beside raw documents in a Parquet file of ours, and what each of them holds.

The file's metadata say for which field, under which type, a column was made; it serves that field alone, and
everything else is read from the documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from dogwatch.events.parquet_columns import Cells, column_of, encoded_texts
from dogwatch.events.storage import storage_type
from dogwatch.schema.derived import derived_field
from dogwatch.schema.field import FieldRef, FieldType, Scalar

ID = "_id"
"""The column of events' ids."""

INDEX = "_index"
"""The column of data streams."""

TIEBREAK = "_tiebreak"
"""The column of the events' own order among equal times."""

PARTIAL = "_partial"
"""The column that tells of rows whose other columns do not hold all of their values."""

HASHED_ID = "line-"
"""How the id begins of an event that has none of its own."""

_KEY = b"dogwatch"


class _Column(msgspec.Struct):
    name: str
    path: str
    type: str
    formats: list[str]
    null_value: Scalar | None = None


class _Declaration(msgspec.Struct):
    version: str
    columns: list[_Column]


def column_names(fields: Iterable[FieldRef]) -> dict[FieldRef, str]:
    """A name for the column of each field: its path, or path and type where two fields share it.

    No name begins as those of our own columns do.
    """
    names: dict[FieldRef, str] = {}
    for ref in sorted(set(fields)):
        plain = f"field {ref.path}" if ref.path.startswith("_") else ref.path
        name = plain
        number = 1
        while name in names.values():
            number += 1
            name = f"{plain} ({ref.type.value}{'' if number == 2 else f' {number}'})"
        names[ref] = name
    return names


def declaration(names: Mapping[FieldRef, str]) -> dict[bytes | str, bytes | str]:
    """The metadata that tell what columns hold."""
    columns = [
        _Column(name, ref.path, ref.type.value, list(ref.formats), ref.null_value) for ref, name in names.items()
    ]
    return {_KEY: msgspec.json.encode(_Declaration(version("dogwatch"), columns))}


def is_declared(schema: pa.Schema) -> bool:
    """Whether a file is one of ours."""
    return _declared(schema) is not None


def hot_columns(schema: pa.Schema) -> dict[FieldRef, str]:
    """The fields that a file has columns for, and the columns' names; none for a file that is not ours."""
    found = _declared(schema)
    if found is None:
        return {}
    columns: dict[FieldRef, str] = {}
    for each in found.columns:
        if each.type not in _TYPES or schema.names.count(each.name) != 1:
            continue
        ref = FieldRef(each.path, _TYPES[each.type], tuple(each.formats), each.null_value)
        # What a derived field is computed from, and how, may differ in another version.
        if derived_field(ref) is not None and found.version != version("dogwatch"):
            continue
        if _fits(schema.field(each.name).type, ref.type):
            columns[ref] = each.name
    return columns


def written_type(kind: FieldType, *, many: bool) -> pa.DataType:
    """The type of a field's column in a file; dates are timestamps there."""
    single = _FILE_TYPES.get(kind, pa.utf8())
    return pa.list_(single) if many else single


def written(column: pa.Array[Any], kind: FieldType, *, many: bool) -> pa.Array[Any]:
    """A batch's column as it is written, where it fits: several values need a column of lists."""
    values: Any = column
    if not many:
        return _plain(values, kind)
    if kinds.is_list(values.type):
        return _with_values(values, _plain(values.flatten(), kind))
    offsets = pa.array(range(len(values) + 1), pa.int32())
    lists: pa.Array[Any] = pa.ListArray.from_arrays(offsets, _plain(values, kind), mask=values.is_null())
    return lists


def read_back(column: pa.Array[Any], kind: FieldType) -> pa.Array[Any]:
    """A written column as a batch holds it."""
    values: Any = column
    return (
        _with_values(values, _stored(values.flatten(), kind))
        if kinds.is_list(values.type)
        else _stored(values, kind)
    )


def _with_values(lists: Any, values: pa.Array[Any]) -> pa.Array[Any]:  # noqa: ANN401 - a list array
    """Lists of the same lengths, with the nulls where they were, that hold other values."""
    offsets = np.zeros(len(lists) + 1, np.int32)
    np.cumsum(pc.fill_null(lists.value_lengths(), 0).to_numpy(zero_copy_only=False), out=offsets[1:])
    made: pa.Array[Any] = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, mask=lists.is_null())
    return made


def _plain(values: Any, kind: FieldType) -> pa.Array[Any]:  # noqa: ANN401 - an array of the field's type
    array: pa.Array[Any] = values.cast(pa.utf8() if kind.is_text else _FILE_TYPES[kind])
    return array


def _stored(values: Any, kind: FieldType) -> pa.Array[Any]:  # noqa: ANN401
    if not kind.is_text:
        numbers: pa.Array[Any] = values.cast(storage_type(kind))
        return numbers
    rows = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    texts = encoded_texts(values.drop_null())
    if texts is None:
        raise pa.ArrowInvalid("a column of texts holds bytes that are no UTF-8")
    return column_of(Cells(rows, texts), kind, len(values))


def _fits(kind: Any, wanted: FieldType) -> bool:  # noqa: ANN401
    single = kind.value_type if kinds.is_list(kind) else kind
    # Texts may be read so that each distinct one comes once.
    return bool(
        (single.value_type if kinds.is_dictionary(single) else single) == _FILE_TYPES.get(wanted, pa.utf8())
    )


def _declared(schema: pa.Schema) -> _Declaration | None:
    text = (schema.metadata or {}).get(_KEY)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=_Declaration)
    except (msgspec.DecodeError, RecursionError):
        return None


_TYPES = {kind.value: kind for kind in FieldType}
_FILE_TYPES: dict[FieldType, pa.DataType] = {
    FieldType.LONG: pa.int64(),
    FieldType.DOUBLE: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.timestamp("ns", "UTC"),
}
