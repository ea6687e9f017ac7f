"""Which rows a rule is offered: those of the data streams that it names."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dogwatch.events.batch import Batch
from dogwatch.events.index import IndexPatterns

Rows = npt.NDArray[np.bool_]


@dataclass(slots=True)
class IndexFilter:
    """Answers, batch by batch, which rows belong to a rule's index patterns.

    A row whose data stream is unknown belongs to every rule. Patterns are decided once per distinct name.
    """

    _decided: dict[tuple[tuple[str, ...], str], bool] = field(default_factory=dict)
    _compiled: dict[tuple[str, ...], IndexPatterns] = field(default_factory=dict)

    def rows(self, patterns: tuple[str, ...], batch: Batch) -> Rows:
        """The rows of ``batch`` that a rule with these patterns is offered: ``batch.length`` booleans."""
        names = batch.index.dictionary.to_pylist()
        # One answer a distinct name, and one more for the rows that have none.
        known = np.array([name is None or self.matches(patterns, name) for name in [*names, None]], dtype=np.bool_)
        codes: npt.NDArray[np.int32] = batch.index.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        return known[codes]

    def matches(self, patterns: tuple[str, ...], name: str) -> bool:
        """Whether the patterns cover a data stream's name."""
        key = (patterns, name)
        if key not in self._decided:
            if patterns not in self._compiled:
                self._compiled[patterns] = IndexPatterns(patterns)
            self._decided[key] = self._compiled[patterns].matches(name)
        return self._decided[key]
