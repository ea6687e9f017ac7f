"""Parts of inputs that can be read on their own: in any process, in any order, with the same answer."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

ARRIVAL_BITS = 40
"""Row ``i`` of unit ``n`` has the arrival number ``(n << ARRIVAL_BITS) + i``: no unit needs others' sizes."""


class BlockBuffer:
    """A file in memory that holds one block at a time; processes forked from this one share it.

    Attributes:
        path: The file's name, for libraries that read files; valid in this process and in those forked from it.
    """

    def __init__(self) -> None:
        self._descriptor = os.memfd_create("dogwatch-block")
        self.path = f"/proc/self/fd/{self._descriptor}"

    def write(self, parts: Iterable[bytes]) -> int:
        """Hold these bytes and no others; how many they are."""
        size = 0
        for part in parts:
            view = memoryview(part)
            while view:
                written = os.pwrite(self._descriptor, view, size)
                size += written
                view = view[written:]
        # At the end only, so that the memory of the last block is used again.
        os.ftruncate(self._descriptor, size)
        return size

    def view(self, size: int) -> mmap.mmap:
        """The first ``size`` bytes (at least one); what is written there the file holds. Close it after use."""
        return mmap.mmap(self._descriptor, size)

    def close(self) -> None:
        """Give the memory back. Further calls do nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of an input that holds JSON, one document a line.

    Attributes:
        number: Its place among the units of a run, from 0, in the order of reading.
        file: The name of the input, for places.
        first_line: The 1-based number of its first line in the input, blank ones counted.
        size: Bytes in the buffer; the last line ends with a line feed.
        lines: Line feeds in it.
        buffer: Where they are.
    """

    number: int
    file: str
    first_line: int
    size: int
    lines: int
    buffer: BlockBuffer

    @property
    def first_arrival(self) -> int:
        """The arrival number of its first event."""
        return self.number << ARRIVAL_BITS


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group of a Parquet file.

    Attributes:
        number: Its place among the units of a run, from 0, in the order of reading.
        file: The name of the input.
        group: The row group's number in the file, from 0.
        first_row: The 1-based number of its first row in the file.
    """

    number: int
    file: str
    group: int
    first_row: int

    @property
    def first_arrival(self) -> int:
        """The arrival number of its first event."""
        return self.number << ARRIVAL_BITS


Unit = Block | RowGroup


@dataclass(frozen=True, slots=True)
class Stray:
    """A line among JSON that is an audit record: whoever joins the records of the run takes it.

    Attributes:
        file: The name of the input.
        line: The line without its end.
        number: Its 1-based number in the input.
    """

    file: str
    line: bytes
    number: int
