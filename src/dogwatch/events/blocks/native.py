"""Natively parsed rows on their way into a batch: their columns, and which of them are in doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from dogwatch.events.batch import NO_TIEBREAK
from dogwatch.events.blocks.derived import numbered
from dogwatch.events.blocks.doubt import Reading, in_doubt
from dogwatch.events.blocks.memo import ScalarMemo
from dogwatch.events.blocks.raw import RawRows
from dogwatch.events.blocks.typed import AS_THEY_ARE, Texts, Typed, either, typed
from dogwatch.events.columns import ColumnPlan, paths_read
from dogwatch.events.index import data_stream_of
from dogwatch.events.storage import Coded, Flags, Numbers, constant_text, no_values, storage_type, text_array
from dogwatch.schema.field import FieldRef, FieldType

SEQUENCE = "event.sequence"
"""The path of an event's own order among equal times."""

NAMES = ("data_stream.type", "data_stream.dataset", "data_stream.namespace")
"""The paths of the parts of a data stream's name."""

_Key = tuple[tuple[str, ...], bool, FieldType, tuple[str, ...]]
_INT64 = range(-(2**63), 2**63)


def readings(plan: ColumnPlan, *, names: bool) -> Mapping[str, Reading]:
    """What each path is read for.

    Args:
        plan: The columns wanted.
        names: Whether documents say which data stream they belong to.
    """
    found = {path: Reading.VALUES for ref in plan.sources for path in paths_read(ref)}
    for ref in plan.sources:
        for path in paths_read(ref):
            found[path] |= _reading(ref)
    found[SEQUENCE] = found.get(SEQUENCE, Reading.VALUES) | Reading.TYPES
    for path in NAMES if names else ():
        found[path] = found.get(path, Reading.VALUES) | Reading.NAMES
    return found


def _reading(ref: FieldRef) -> Reading:
    if ref.type is FieldType.OBJECT or (ref.type is FieldType.DATE and ref.formats):
        return Reading.TYPES
    return Reading.DATES if ref.type is FieldType.DATE else Reading.VALUES


class NativeRows:
    """Rows of raw texts, each column worked out (and its losses counted) once.

    Args:
        raw: The rows.
        reading: What each path is read for.
        memo: Knows what texts became before.

    Attributes:
        length: How many rows.
        doubtful: Which rows are in doubt, by the path that makes them so; paths without any are left out.
    """

    def __init__(self, raw: RawRows, reading: Mapping[str, Reading], memo: ScalarMemo) -> None:
        self.length = raw.length
        self._index = None if raw.index is None else Texts(raw.index)
        self._memo = memo
        self._texts = {
            path: Texts(column)
            for path, column in raw.columns.items()
            if path in reading and column.values.null_count < raw.length
        }
        self.doubtful = {
            path: rows for path, texts in self._texts.items() if (rows := _doubtful(texts, reading[path])).any()
        }
        self._typed: dict[_Key, Typed | None] = {}

    def leave_out(self, rows: Flags) -> None:
        """Make as if some rows had no values; to be called before columns are asked for."""
        for texts in self._texts.values():
            texts.leave_out(rows)

    @property
    def paths(self) -> Collection[str]:
        """The paths under which any row has a value."""
        return self._texts.keys()

    def text(self, path: str, row: int) -> str | None:
        """A row's raw text under a path that any row has a value for."""
        text: str | None = self._texts[path].encoded[row].as_py()
        return text

    def given(self, ref: FieldRef) -> Coded | None:
        """A field's values as the documents hold them, or ``None`` if none holds anything."""
        values = self._values(ref)
        return None if values is None else values.coded

    def column(self, ref: FieldRef) -> pa.Array[Any]:
        """The same as a column of a batch, for a field that any row has a value for."""
        values = self._values(ref)
        return no_values(storage_type(ref.type), self.length) if values is None else values.column

    def losses(self, ref: FieldRef) -> int:
        """How many of a field's values do not fit its type."""
        values = self._values(ref)
        return 0 if values is None else values.losses

    def _values(self, ref: FieldRef) -> Typed | None:
        paths = tuple(path for path in paths_read(ref) if path in self._texts)
        form = FieldType.KEYWORD if ref.type in AS_THEY_ARE else ref.type
        # Fields that hold the same under two names have one column.
        key = (paths, ref.path in paths, form, ref.formats)
        if key not in self._typed:
            parts = [typed(self._texts[path], ref, self._memo, objects=path == ref.path) for path in paths]
            self._typed[key] = None if not parts else parts[0] if len(parts) == 1 else either(*parts)
        return self._typed[key]

    def tiebreaks(self) -> Numbers:
        """Each row's own order among equal times; only a whole number of 64 bits is one."""
        result = np.full(self.length, NO_TIEBREAK, np.int64)
        texts = self._texts.get(SEQUENCE)
        if texts is not None and texts.is_json:
            numbers = np.full(len(texts.texts) + 1, NO_TIEBREAK, np.int64)
            # Written backwards, so that the first of several values stays.
            elements = texts.elements
            for owner, value in zip(elements.other_owners[::-1].tolist(), elements.others[::-1], strict=True):
                numbers[owner] = value if type(value) is int and value in _INT64 else NO_TIEBREAK
            # The code of a row without a value is -1, which is the last place.
            result = numbers[texts.codes]
        return result

    def indices(self) -> pa.DictionaryArray[Any, Any]:
        """The data stream that each row belongs to, null where nothing says: what is around it goes first."""
        if self._index is None:
            return self._named()
        around = [_name_around(str(text)) for text in self._index.texts.to_pylist()]
        codes = self._index.codes
        if None not in around and not (codes < 0).any():
            taken: pa.DictionaryArray[Any, Any] = text_array(around).take(pa.array(codes, pa.int64()))
            return taken
        own: list[str | None] = self._named().cast(pa.utf8()).to_pylist()
        names = [*around, None]
        return text_array([names[code] or own[row] for row, code in enumerate(codes.tolist())])

    def _named(self) -> pa.DictionaryArray[Any, Any]:
        """The data stream that each row names itself."""
        parts = [self._texts.get(path) for path in NAMES]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            return constant_text(None, self.length)
        codes, rows = numbered([(part.codes, len(part.texts)) for part in found])
        words = [_words_at(part, rows) for part in found]
        names = [None if None in each else "-".join(map(str, each)) for each in zip(*words, strict=True)]
        named: pa.DictionaryArray[Any, Any] = text_array(names).take(pa.array(codes, pa.int64()))
        return named


def _name_around(text: str) -> str | None:
    """The data stream that the JSON text of ``_index`` names."""
    name = msgspec.json.decode(text)
    return data_stream_of(name) if isinstance(name, str) and name else None


def _words_at(texts: Texts, rows: Numbers) -> list[str | None]:
    """The first value of each of some rows, if it is a string."""
    words: list[str | None] = [None] * (len(texts.texts) + 1)
    if texts.is_json:
        elements = texts.elements
        values = elements.strings.to_pylist()
        for owner, value in zip(elements.string_owners[::-1].tolist(), values[::-1], strict=True):
            words[owner] = value
        for owner, value in zip(elements.other_owners[::-1].tolist(), elements.others[::-1], strict=True):
            words[owner] = value if isinstance(value, str) else None
    else:
        words[:-1] = texts.texts.to_pylist()
    return [words[code] for code in texts.codes[rows].tolist()]


def _doubtful(texts: Texts, reading: Reading) -> Flags:
    flags = np.zeros(len(texts.texts) + 1, np.bool_)
    if texts.is_json:
        flags[list(texts.elements.unreadable)] = True
    else:
        flags[:-1] = in_doubt(texts.texts, reading)
    # The code of a row without a value is -1, which is the last place.
    doubtful: Flags = flags[texts.codes]
    return doubtful
