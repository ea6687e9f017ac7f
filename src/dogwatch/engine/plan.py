"""Many predicates as one plan: what they share is worked out once for a batch, what was decided is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.kernels.column import Columns
from dogwatch.engine.kernels.mask import Flags, Rows
from dogwatch.engine.kernels.memory import REMEMBERED_BYTES, Allowance
from dogwatch.engine.planning.answers import program_of
from dogwatch.engine.planning.check import check, problems_of
from dogwatch.engine.planning.graph import Graph
from dogwatch.engine.planning.leafbook import LeafBook
from dogwatch.engine.planning.outline import HeavyPredicate, LeafOutline, heavy_predicates, outline
from dogwatch.engine.planning.rowset import RowSet
from dogwatch.engine.planning.run import Run
from dogwatch.engine.profile import Cost, PlanProfile
from dogwatch.events.batch import Batch
from dogwatch.logic.predicate import Leaf, Predicate
from dogwatch.schema.field import FieldRef

__all__ = ["HeavyPredicate", "LeafOutline", "Plan", "check"]


class Plan:
    """Predicates compiled together; the answers come in their order.

    What a batch is answered never depends on the batches before it; only what it costs does.

    Args:
        predicates: What will be asked of every batch.
        checked: ``check`` has found no problem in any of them; they are not checked once more.
        cache: A folder where compiled patterns are kept by their content; it is made if need be.
        profile: Count what each predicate and leaf costs.
        remembered: Bytes that decided values may take from batch to batch.

    Attributes:
        fields: The columns that a batch must have.
        leaves: The distinct leaves, in order of appearance.
        profile: What the parts cost so far; ``None`` unless asked for.

    Raises:
        DogwatchError: Some leaves cannot be evaluated; use ``check`` to find whose they are.
    """

    def __init__(
        self,
        predicates: Sequence[Predicate],
        *,
        checked: bool = False,
        cache: Path | None = None,
        profile: bool = False,
        remembered: int = REMEMBERED_BYTES,
    ) -> None:
        graph = Graph(predicates)
        problems = [] if checked else [problem for leaf in graph.leaves for problem in problems_of(leaf)]
        if problems:
            raise DogwatchError(problems)
        self._program = program_of(graph, LeafBook(graph.leaves, Allowance(remembered), cache))
        book = self._program.book
        self.fields: frozenset[FieldRef] = frozenset(book.refs)
        self.leaves: tuple[Leaf, ...] = tuple(graph.leaves)
        self.profile: PlanProfile | None = None
        if profile:
            self.profile = PlanProfile([Cost() for _ in graph.roots], [Cost() for _ in graph.leaves])

    @property
    def heavy(self) -> tuple[HeavyPredicate, ...]:
        """The predicates that cost so much that their rules should be named."""
        return heavy_predicates(self._program)

    def outline(self) -> list[LeafOutline]:
        """How each of ``leaves`` is answered."""
        return outline(self._program)

    def evaluate(self, batch: Batch, wanted: Sequence[Flags | None] | None = None) -> list[Flags]:
        """For each predicate, which rows of the batch satisfy it.

        Args:
            batch: Events with a column for each of ``fields``.
            wanted: For each predicate, the rows that it is asked about (``None``: all); others do not match.
                Predicates that are asked about the same rows should share one array.
        """
        flags = []
        for rows in self.select(batch, wanted):
            matched = np.zeros(batch.length, np.bool_)
            matched[rows] = True
            flags.append(matched)
        return flags

    def select(self, batch: Batch, wanted: Sequence[Flags | None] | None = None) -> list[Rows]:
        """The same as row numbers, ascending: cheaper where few rows match."""
        everybody = RowSet(np.arange(batch.length), batch.length)
        starts = [everybody] * len(self._program.roots) if wanted is None else _starts(wanted, everybody)
        if len(starts) != len(self._program.roots):
            raise ValueError(f"{len(starts)} sets of wanted rows for {len(self._program.roots)} predicates")
        return Run(self._program, Columns(batch.length, batch.columns), self.profile).select(starts)


def _starts(wanted: Sequence[Flags | None], everybody: RowSet) -> list[RowSet]:
    """The rows that each predicate is asked about; equal ones are one set, so that what they share is shared."""
    by_array: dict[int, RowSet] = {id(None): everybody}
    by_content: dict[bytes, RowSet] = {}
    for flags in wanted:
        if flags is not None and id(flags) not in by_array:
            content = flags.tobytes()
            if content not in by_content:
                by_content[content] = everybody.narrowed(np.flatnonzero(flags))
            by_array[id(flags)] = by_content[content]
    return [by_array[id(flags)] for flags in wanted]
