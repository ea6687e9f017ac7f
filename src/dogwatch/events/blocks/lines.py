"""Where the lines of a block are."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from dogwatch.events.readers.pending import SURE_DEPTH

_LINE_FEED = 10
_STRETCH = 1 << 16
"""Bytes that are looked at together; they stay in the processor's cache."""

_CELL = 1 << 10
"""Bytes in which brackets are counted together: 8 * 255 at most."""


class BlockLines:
    """The lines of a block, by their places in it, from 0.

    Args:
        data: The block.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each line starts, and behind them where the next would."""
        whole = np.frombuffer(self.data, np.uint8)
        ends = [
            np.flatnonzero(whole[start : start + _STRETCH] == _LINE_FEED) + (start + 1)
            for start in range(0, len(whole), _STRETCH)
        ]
        return np.concatenate([np.zeros(1, np.int64), *ends])

    def __len__(self) -> int:
        return len(self.starts) - 1

    def text(self, line: int) -> bytes:
        """A line without its end."""
        return self.data[self.starts[line] : self.starts[line + 1] - 1].removesuffix(b"\r")

    def at(self, places: list[int]) -> list[int]:
        """The lines that some bytes belong to, each line once, ascending."""
        found: list[int] = np.unique(np.searchsorted(self.starts, places, side="right") - 1).tolist()
        return found

    def deep(self) -> list[int]:
        """The lines that nest so much, or may, that decoding them again could fail."""
        whole = np.frombuffer(self.data, np.uint8)
        before = _opened_before(whole)
        firsts, lasts = self.starts[:-1] // _CELL, (self.starts[1:] - 1) // _CELL
        candidates = np.flatnonzero(before[lasts + 1] - before[firsts] > SURE_DEPTH)
        return [
            line
            for line in candidates.tolist()
            if np.count_nonzero(_opens(whole[self.starts[line] : self.starts[line + 1]])) > SURE_DEPTH
        ]


def _opened_before(whole: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How many opening brackets and braces there are before each cell, and before the end."""
    cells = len(whole) // _CELL
    counts = [np.zeros(1, np.int64)]
    for start in range(0, cells * _CELL, _STRETCH):
        flags = _opens(whole[start : min(start + _STRETCH, cells * _CELL)])
        # Eight bytes are added up at once; none of them can overflow into the next.
        sums = flags.view(np.uint64).reshape(-1, _CELL // 8).sum(axis=1)
        counts.append(sums.view(np.uint8).reshape(-1, 8).sum(axis=1, dtype=np.int64))
    counts.append(np.array([np.count_nonzero(_opens(whole[cells * _CELL :]))], np.int64))
    return np.cumsum(np.concatenate(counts))


def _opens(some: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    # The two differ from each other in one bit, and in more from any other byte.
    flags: npt.NDArray[np.bool_] = (some & 0xDF) == ord("[")
    return flags
