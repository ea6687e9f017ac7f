"""Sorting more than memory holds: sorted runs in temporary files, merged while iterating.

Keys are tuples of integers and text, payloads are bytes. Equal keys come in the order of their payloads, so
the result depends on what was added and never on the order of adding.
"""

from __future__ import annotations

import heapq
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

Key = tuple[int | str, ...]
"""What entries are ordered by: keys compared with each other must have the same types at each place."""

Entry = tuple[Key, bytes]

_ENTRY_OVERHEAD = 250
"""Rough cost in bytes of holding one entry in memory, beyond its payload and the texts of its key."""
_MAX_RUNS = 64
"""Runs open at once; more are first merged into one, so that file descriptors stay few."""
_LENGTH = 4
_BLOCK = 1 << 18

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[tuple[int | str, ...], bytes]).decode


class ExternalSorter:
    """Takes entries in any order and gives them back sorted, in bounded memory.

    Use it as a context manager, or call ``close``: temporary files disappear with it (and, on POSIX, with
    the process, however it ends).

    Args:
        limit_bytes: Memory that entries may take before they are written to a run; at least one entry is
            always held.
        directory: Where runs are written; the system's temporary directory if ``None``.
    """

    def __init__(self, limit_bytes: int, *, directory: Path | None = None) -> None:
        self._limit = limit_bytes
        self._directory = directory
        self._entries: list[Entry] = []
        self._held = 0
        self._runs: list[IO[bytes]] = []
        self._spilled = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def spilled(self) -> int:
        """Entries that were written to disk."""
        return self._spilled

    def add(self, key: Key, payload: bytes) -> None:
        """Put in one entry.

        Raises:
            OSError: If a run could not be written, such as when the disk is full.
        """
        self._entries.append((key, payload))
        self._held += len(payload) + _ENTRY_OVERHEAD
        for part in key:
            if isinstance(part, str):
                self._held += sys.getsizeof(part)
        if self._held >= self._limit:
            self._spill()

    def __iter__(self) -> Iterator[Entry]:
        """All entries in order. Iterating again starts from the beginning, while none is being iterated."""
        self._entries.sort()
        if not self._runs:
            return iter(self._entries)
        return heapq.merge(*(_read(run) for run in self._runs), self._entries)

    def close(self) -> None:
        """Forget every entry and delete the temporary files."""
        for run in self._runs:
            run.close()
        self._runs.clear()
        self._entries.clear()
        self._held = 0

    def _spill(self) -> None:
        if len(self._runs) >= _MAX_RUNS:
            merged = self._write(heapq.merge(*(_read(run) for run in self._runs)))
            for run in self._runs:
                run.close()
            self._runs = [merged]
        self._entries.sort()
        self._runs.append(self._write(iter(self._entries)))
        self._spilled += len(self._entries)
        self._entries.clear()
        self._held = 0

    def _write(self, entries: Iterator[Entry]) -> IO[bytes]:
        run = tempfile.TemporaryFile(prefix="dogwatch-sort-", dir=self._directory, buffering=_BLOCK)  # noqa: SIM115
        try:
            for entry in entries:
                frame = _encode(entry)
                run.write(len(frame).to_bytes(_LENGTH, "big"))
                run.write(frame)
        except BaseException:
            # Nobody else knows the file yet: an interrupt too must not leave it behind.
            run.close()
            raise
        return run


def _read(run: IO[bytes]) -> Iterator[Entry]:
    run.seek(0)
    while head := run.read(_LENGTH):
        yield _decode(run.read(int.from_bytes(head, "big")))
