"""Three-valued answers for many rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
"""Row numbers within a batch, ascending, each once."""


def ascending(rows: Rows) -> Rows:
    """Row numbers in order, each once."""
    found: Rows = np.sort(rows)
    return found[np.diff(found, prepend=-1) > 0]


@dataclass(frozen=True, slots=True)
class Mask:
    """One answer for each row.

    Attributes:
        true: Where the answer is true.
        unknown: Where it is unknown; ``None`` if it is nowhere. Never set where ``true`` is.
    """

    true: Flags
    unknown: Flags | None = None

    def where(self, *, answer: bool) -> Flags:
        """Where the answer is the one given: an unknown row is neither true nor false."""
        if answer:
            return self.true
        return ~self.true if self.unknown is None else ~(self.true | self.unknown)

    def filled(self, rows: Flags, answer: bool | None) -> Mask:
        """The answers, with another one in some rows."""
        true = self.true & ~rows if answer is not True else self.true | rows
        if answer is None:
            return Mask(true, rows if self.unknown is None else self.unknown | rows)
        return Mask(true, None if self.unknown is None else self.unknown & ~rows)

    def take(self, rows: Rows) -> Mask:
        """The answers of some rows."""
        return Mask(self.true[rows], None if self.unknown is None else self.unknown[rows])
