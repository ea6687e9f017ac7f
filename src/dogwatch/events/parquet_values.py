"""Values of Parquet files as the values that an event's JSON would hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.types as kinds

from dogwatch.base.time import SECOND, format_instant
from dogwatch.events.batch import Document

NANOSECONDS = {"s": SECOND, "ms": 1_000_000, "us": 1000, "ns": 1}
"""Unit of an Arrow timestamp, time or duration -> its nanoseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1)
_DAY_MILLISECONDS = 86_400_000
_MOST = 2**63


def documents_of(batch: pa.RecordBatch) -> list[Document]:
    """Each row as a document: nulls are left out, and so is what no JSON can hold.

    Instants are ISO 8601 text that ends with ``Z``, also those without a zone; lengths of time are
    nanoseconds; bytes are their text if they are UTF-8.
    """
    rows: list[Document] = [{} for _ in range(batch.num_rows)]
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        for row, value in zip(rows, values_of(column), strict=True):
            if value is not None and not isinstance(value, bytes):
                row[name] = _without_bytes(value)
    return rows


def values_of(array: Any) -> list[Any]:  # noqa: ANN401 - what an array has depends on its type
    """The array's elements as decoded JSON.

    Three things are not: ``None`` for a null and for an instant that no calendar has; bytes that are no text;
    a float that is no number.
    """
    kind = array.type
    if kinds.is_dictionary(kind):
        return values_of(array.dictionary_decode())
    if isinstance(array, pa.UuidArray):
        return [None if each is None else str(UUID(bytes=each)) for each in array.storage.to_pylist()]
    if isinstance(array, pa.ExtensionArray):
        return values_of(array.storage)
    if kinds.is_struct(kind):
        return _structs(array)
    if kinds.is_map(kind):
        return _maps(array)
    if is_listed(kind):
        return _lists(array)
    if kinds.is_temporal(kind):
        return _temporal(array)
    if _is_text(kind) or _is_bytes(kind):
        return _texts(array)
    if kinds.is_decimal(kind):
        return [None if each is None else _number(each) for each in array.to_pylist()]
    return list((array.cast(pa.float32()) if kinds.is_float16(kind) else array).to_pylist())


def is_listed(kind: pa.DataType) -> bool:
    """Whether a value of the type holds any number of values."""
    return (
        kinds.is_list(kind)
        or kinds.is_large_list(kind)
        or kinds.is_fixed_size_list(kind)
        or kinds.is_list_view(kind)
        or kinds.is_large_list_view(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether values of the type are texts, also where each distinct one is stored once."""
    return _is_text(kind.value_type) if isinstance(kind, pa.DictionaryType) else _is_text(kind)


def _is_text(kind: pa.DataType) -> bool:
    return kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return (
        kinds.is_binary(kind)
        or kinds.is_large_binary(kind)
        or kinds.is_fixed_size_binary(kind)
        or kinds.is_binary_view(kind)
    )


def _structs(array: Any) -> list[Any]:  # noqa: ANN401
    names = [field.name for field in array.type]
    columns = [values_of(child) for child in array.flatten()]
    valid = array.is_valid().to_pylist()
    found: list[Any] = []
    for row, is_there in enumerate(valid):
        pairs = zip(names, (column[row] for column in columns), strict=True)
        found.append({name: value for name, value in pairs if value is not None} if is_there else None)
    return found


def _maps(array: Any) -> list[Any]:  # noqa: ANN401
    kind = array.type
    entries = pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)])
    return [
        None if pairs is None else {str(pair.get("key", "")): pair.get("value") for pair in pairs}
        for pairs in _lists(array.cast(pa.list_(entries)))
    ]


def _lists(array: Any) -> list[Any]:  # noqa: ANN401
    items = values_of(array.flatten())
    found: list[Any] = []
    start = 0
    for length in array.value_lengths().to_pylist():
        found.append(None if length is None else items[start : start + length])
        start += length or 0
    return found


def _temporal(array: Any) -> list[Any]:  # noqa: ANN401
    kind = array.type
    if kinds.is_date(kind):
        days = 1 if kinds.is_date32(kind) else _DAY_MILLISECONDS
        numbers = array.cast(pa.int32() if kinds.is_date32(kind) else pa.int64()).to_pylist()
        return [None if each is None else _day(each // days) for each in numbers]
    if kinds.is_interval(kind):
        return [None if each is None else str(each) for each in array.to_pylist()]
    factor = NANOSECONDS[kind.unit]
    nanos = [None if each is None else each * factor for each in array.cast(_integers(kind)).to_pylist()]
    if kinds.is_duration(kind):
        return nanos
    show = _instant if kinds.is_timestamp(kind) else _clock
    return [None if each is None else show(each) for each in nanos]


def _integers(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if kinds.is_time32(kind) else pa.int64()


def _instant(nanos: int) -> str | None:
    try:
        return format_instant(nanos)
    except OverflowError:
        return None


def _clock(nanos: int) -> str:
    return format_instant(nanos).partition("T")[2].removesuffix("Z")


def _day(number: int) -> str | None:
    try:
        return (_FIRST_DAY + timedelta(days=number)).isoformat()
    except OverflowError:
        return None


def _texts(array: Any) -> list[Any]:  # noqa: ANN401
    if _is_text(array.type):
        try:
            return list(array.to_pylist())
        except UnicodeDecodeError:
            array = array.cast(pa.large_binary())
    return [None if each is None else _text(each) for each in array.to_pylist()]


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _number(value: Decimal) -> int | float:
    # As from JSON, what has more than 64 bits is a float.
    is_whole = value.as_tuple().exponent == 0 and abs(value) < _MOST
    return int(value) if is_whole else float(value)


def _without_bytes(value: Any) -> Any:  # noqa: ANN401 - decoded JSON is of any type
    match value:
        case dict():
            return {key: _without_bytes(item) for key, item in value.items() if not isinstance(item, bytes)}
        case list():
            return [_without_bytes(item) for item in value if not isinstance(item, bytes)]
        case _:
            return value


def first_values(rows: Sequence[int], values: Sequence[Any], length: int) -> list[Any]:
    """For each of ``length`` rows the first of its values, or ``None``.

    Args:
        rows: The row of each value, ascending.
        values: The values.
        length: Rows in all.
    """
    firsts: list[Any] = [None] * length
    for row, value in zip(reversed(rows), reversed(values), strict=True):
        firsts[row] = value
    return firsts
