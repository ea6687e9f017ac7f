"""Sets of rows on their way through a plan."""

from __future__ import annotations

import numpy as np

from dogwatch.engine.kernels.mask import Flags, Rows


class RowSet:
    """Rows of a batch, ascending, each once.

    Args:
        rows: Their numbers.
        length: How many rows the batch has.
        flags: The same as one flag for each row, if that is known.
    """

    __slots__ = ("_flags", "length", "rows")

    def __init__(self, rows: Rows, length: int, flags: Flags | None = None) -> None:
        self.rows = rows
        self.length = length
        self._flags = flags

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_everything(self) -> bool:
        """Whether it is all rows of the batch."""
        return len(self.rows) == self.length

    @property
    def flags(self) -> Flags:
        """One flag for each row of the batch."""
        if self._flags is None:
            self._flags = np.zeros(self.length, np.bool_)
            self._flags[self.rows] = True
        return self._flags

    def among(self, rows: Rows) -> Rows:
        """Those of ``rows`` that are in the set."""
        return rows if self.is_everything else rows[self.flags[rows]]

    def narrowed(self, rows: Rows) -> RowSet:
        """The set of some of its rows; itself if they are all."""
        return self if len(rows) == len(self.rows) else RowSet(rows, self.length)

    def without(self, others: RowSet) -> RowSet:
        """The set without another's rows."""
        if not len(others):
            return self
        return self.narrowed(self.rows[~others.flags[self.rows]])
