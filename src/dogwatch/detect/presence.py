"""Which fields had values in which data stream: noted batch by batch in any process, put together in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from dogwatch.events.batch import Batch
from dogwatch.schema.field import FieldRef

MAX_STREAMS = 10_000
"""Data streams told apart; their names come from events. Further ones count as unknown, so as every rule's."""

Flags = npt.NDArray[np.bool_]
"""One answer for each row of a batch, or for each field."""

Presence = list[tuple[str | None, bytes]]
"""Data streams in the order of their first events, each with a bit for every field that had a value there."""


class FieldNotes:
    """Notes which columns have values in which data stream.

    What was told once need not be told again to somebody who puts everything together in order.

    Args:
        fields: The columns of interest; batches have them.
    """

    def __init__(self, fields: Iterable[FieldRef]) -> None:
        self._fields = tuple(sorted(set(fields)))
        self._told: dict[str | None, Flags] = {}
        self._new: dict[str | None, Flags] = {}

    def note(self, batch: Batch, rows: Flags | None) -> None:
        """Look at a batch.

        Args:
            batch: The events.
            rows: Which of them count; ``None`` is all.
        """
        names: list[str | None] = [*batch.index.dictionary.to_pylist(), None]
        codes = np.asarray(batch.index.indices.fill_null(len(names) - 1), np.int64)
        if rows is not None:
            codes = codes[rows]
        present, first = np.unique(codes, return_index=True)
        if not present.size:
            return
        streams = [names[code] for code in present.tolist()]
        counts = np.bincount(codes, minlength=len(names))
        plain = len(streams) == 1 and rows is None
        flags = np.zeros((len(streams), len(self._fields)), np.bool_)
        for number in np.flatnonzero(~np.logical_and.reduce([self._seen(name) for name in streams])).tolist():
            column = batch.columns[self._fields[number]]
            nulls = column.null_count
            if nulls == batch.length:
                continue
            if plain or not nulls:
                found = counts
            else:
                filled: Flags = np.asarray(column.is_valid())
                found = np.bincount(codes[filled if rows is None else filled[rows]], minlength=len(names))
            flags[:, number] = found[present] > 0
        for place in np.argsort(first).tolist():
            known = self._new.get(streams[place])
            self._new[streams[place]] = flags[place] if known is None else known | flags[place]

    def taken(self) -> Presence:
        """What is known now and was not told before."""
        told: Presence = []
        for name, flags in self._new.items():
            known = self._told.get(name)
            if known is not None and not (flags & ~known).any():
                continue
            told.append((name, np.packbits(flags).tobytes()))
            self._told[name] = flags if known is None else flags | known
        self._new.clear()
        if len(self._told) > MAX_STREAMS:
            self._told.clear()
        return told

    def _seen(self, name: str | None) -> Flags:
        known = [flags for flags in (self._told.get(name), self._new.get(name)) if flags is not None]
        seen: Flags = np.logical_or.reduce([np.zeros(len(self._fields), np.bool_), *known])
        return seen


class FieldPresence:
    """Which columns ever had a value in which data stream, in a whole run.

    Args:
        fields: The columns of interest, those of the ``FieldNotes`` whose notes come here.
    """

    def __init__(self, fields: Iterable[FieldRef]) -> None:
        self._fields = tuple(sorted(set(fields)))
        self._seen: dict[str | None, Flags] = {}
        self._missing: dict[tuple[str | None, ...], frozenset[FieldRef]] = {}

    def merge(self, presence: Presence) -> None:
        """Put in what was noted next."""
        self._missing.clear()
        for name, packed in presence:
            flags = np.unpackbits(np.frombuffer(packed, np.uint8), count=len(self._fields)).astype(np.bool_)
            known = name in self._seen or len(self._seen) < MAX_STREAMS
            key = name if known else None
            self._seen[key] = self._seen[key] | flags if key in self._seen else flags

    def missing(self, offered: Callable[[str], bool]) -> frozenset[FieldRef]:
        """The columns that never had a value in any data stream that counts; the unknown one always does."""
        counting = tuple(name for name in self._seen if name is None or offered(name))
        if counting not in self._missing:
            seen = [self._seen[name] for name in counting]
            absent = ~np.logical_or.reduce([np.zeros(len(self._fields), np.bool_), *seen])
            self._missing[counting] = frozenset(self._fields[number] for number in np.flatnonzero(absent).tolist())
        return self._missing[counting]
