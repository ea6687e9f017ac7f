"""Which rows each rule is offered: those of the data streams that it names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from dogwatch.events.batch import Batch
from dogwatch.events.index import IndexPatterns

Flags = npt.NDArray[np.bool_]
"""One answer for each row of a batch, or for each set of patterns."""

_REMEMBERED = 10_000
"""Names of data streams whose answers are remembered; they come from events."""


class Offers:
    """Answers for several sets of index patterns together which rows of a batch each covers.

    A row whose data stream is unknown is everybody's, and a set without patterns covers everything.

    Args:
        sets: The patterns, each set once.
    """

    def __init__(self, sets: Iterable[tuple[str, ...]]) -> None:
        self._sets = [IndexPatterns(patterns) if patterns else None for patterns in sets]
        self._answers: dict[str | None, Flags] = {}

    def rows(self, batch: Batch, inside: Flags | None) -> list[Flags | None]:
        """For each set the rows that it is offered, ``None`` for all; sets with equal answers share one object.

        Args:
            batch: The events.
            inside: The rows that anybody is offered; ``None`` for all.
        """
        names: list[str | None] = [*batch.index.dictionary.to_pylist(), None]
        codes = np.asarray(batch.index.indices.fill_null(len(names) - 1), np.int64)
        used = np.unique(codes)
        answers = np.stack([self.covering(names[code]) for code in used.tolist()]) if used.size else None
        if answers is None:
            return [inside] * len(self._sets)
        found: dict[bytes, Flags | None] = {answers[:, :0].tobytes(): inside}
        table = np.zeros(len(names), np.bool_)
        offered: list[Flags | None] = []
        for number in range(len(self._sets)):
            answer = answers[:, number]
            key = b"" if answer.all() else answer.tobytes()
            if key not in found:
                table[used] = answer
                found[key] = table[codes] if inside is None else table[codes] & inside
            offered.append(found[key])
        return offered

    def covering(self, name: str | None) -> Flags:
        """For each set, whether it covers a data stream's name; ``None`` is the unknown one."""
        answer = self._answers.get(name)
        if answer is None:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            covers = [name is None or patterns is None or patterns.matches(name) for patterns in self._sets]
            answer = self._answers[name] = np.array(covers, np.bool_)
        return answer
