"""Where the lines of a block are."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from dogwatch.events.readers.pending import SURE_DEPTH

_LINE_FEED = 10
_STRETCH = 1 << 20
_TOGETHER = 8
"""Lines whose brackets are counted at once."""


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
        count = len(self)
        groups = [(first, min(first + _TOGETHER, count)) for first in range(0, count, _TOGETHER)]
        return [
            line
            for group in groups
            if self._brackets(whole, *group) > SURE_DEPTH
            for line in range(*group)
            if self._brackets(whole, line, line + 1) > SURE_DEPTH
        ]

    def _brackets(self, whole: npt.NDArray[np.uint8], first: int, end: int) -> int:
        """How many opening brackets and braces there are in some lines."""
        some = whole[self.starts[first] : self.starts[end]]
        # The two differ from each other in one bit, and in more from any other byte.
        return int(np.count_nonzero((some & 0xDF) == ord("[")))
