"""One batch's way through a plan.

A predicate's answer is needed only where it is true, so that a run narrows sets of rows instead of keeping
three-valued masks: asked where a node is true (or, below a negation, false), a conjunction hands the rows that
survive one part to the next, the part that leaves the fewest first. A row whose answer is unknown is in neither
set, which is Kleene's logic.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter_ns

import numpy as np

from dogwatch.engine.kernels.column import Columns
from dogwatch.engine.kernels.leaf import CHEAP
from dogwatch.engine.kernels.mask import Rows, ascending
from dogwatch.engine.planning.answers import Answers, Program
from dogwatch.engine.planning.graph import Kind
from dogwatch.engine.planning.rowset import RowSet
from dogwatch.engine.profile import Cost, PlanProfile

KEPT_ROWS = 2**22
"""Row numbers kept during one batch for what several predicates ask of the same rows (32 MiB)."""

_WORTH_KEEPING = 64
"""What is asked of fewer rows is asked again."""

_FEW = 8
"""Less than one row in so many is put in order by sorting, more by flags."""

_COSTS = 16
"""More than any leaf costs: orders parts by rows first, then by cost."""


class Run:
    """One batch's answers.

    Args:
        program: The plan.
        columns: The batch.
        profile: Where costs are added, if anywhere.
    """

    def __init__(self, program: Program, columns: Columns, profile: PlanProfile | None = None) -> None:
        self._kinds = program.graph.kinds
        self._parts = program.graph.parts
        self._leaf = program.graph.leaf
        self._value = program.graph.value
        self._program = program
        self._profile = profile
        self._length = columns.length
        self._answers = Answers(program, columns, profile)
        self._nobody = RowSet(np.zeros(0, np.int64), columns.length)
        self._kept: dict[tuple[int, int, bool], tuple[RowSet, RowSet]] = {}
        self._room = KEPT_ROWS
        self._true: list[int] = []
        self._false: list[int] = []

    def select(self, starts: Sequence[RowSet]) -> list[Rows]:
        """For each predicate, those of its rows that satisfy it."""
        found = [self._nobody.rows] * len(starts)
        asked = np.fromiter(map(len, starts), np.int64, len(starts))
        candidates = self._answers.candidates(asked > 0)
        if self._profile is not None:
            for cost, rows in zip(self._profile.predicates, asked.tolist(), strict=True):
                cost.asked += rows
        if len(candidates):
            self._rank()
        roots = self._program.graph.roots
        for number in candidates.tolist():
            begun = perf_counter_ns()
            found[number] = self._select(roots[number], starts[number], answer=True).rows
            if self._profile is not None:
                cost = Cost(0, len(found[number]), perf_counter_ns() - begun)
                self._profile.predicates[number].add(cost)
        return found

    def _rank(self) -> None:
        """For each node how late it is asked for rows with an answer; 0 if there are none."""
        bounds, costs = self._answers.bounds, self._program.costs
        self._true = np.where(bounds.true > 0, bounds.true * _COSTS + costs, 0).tolist()
        self._false = np.where(bounds.false > 0, bounds.false * _COSTS + costs, 0).tolist()

    def _select(self, node: int, start: RowSet, *, answer: bool) -> RowSet:
        """Those rows of a set for which the node has the answer."""
        if not (self._true if answer else self._false)[node] or not len(start):
            return self._nobody
        if not self._program.shared[node] or len(start) < _WORTH_KEEPING:
            return self._work_out(node, start, answer=answer)
        key = (id(start), node, answer)
        kept = self._kept.get(key)
        if kept is not None:
            return kept[1]
        found = self._work_out(node, start, answer=answer)
        if found is start or self._room >= len(found):
            self._room -= 0 if found is start else len(found)
            # The set asked about is kept with it, so that no other can come to have its id.
            self._kept[key] = (start, found)
        return found

    def _work_out(self, node: int, start: RowSet, *, answer: bool) -> RowSet:
        kind = self._kinds[node]
        if kind is Kind.LEAF:
            return self._answers.leaf(self._leaf[node], start, answer=answer)
        if kind is Kind.AND or kind is Kind.OR:
            # An "and" is true, and an "or" false, where all parts agree.
            if answer is (kind is Kind.AND):
                return self._all(node, start, answer=answer)
            return self._any(node, start, answer=answer)
        if kind is Kind.NOT:
            return self._select(self._parts[node][0], start, answer=not answer)
        if kind is Kind.CERTAIN:
            found = self._select(self._parts[node][0], start, answer=True)
            return found if answer else start.without(found)
        return start if self._value[node] is answer else self._nobody

    def _all(self, node: int, start: RowSet, *, answer: bool) -> RowSet:
        """The rows for which every part has the answer."""
        rank = self._true if answer else self._false
        for part in sorted(self._parts[node], key=rank.__getitem__):
            start = self._select(part, start, answer=answer)
            if not len(start):
                break
        return start

    def _any(self, node: int, start: RowSet, *, answer: bool) -> RowSet:
        """The rows for which any part has the answer; a costly part is asked about those that no other had."""
        rank = self._true if answer else self._false
        late = self._length * _COSTS + CHEAP
        found: list[RowSet] = []
        rest = start
        for part in sorted(self._parts[node], key=rank.__getitem__):
            if not rank[part]:
                continue
            if found and rank[part] > late:
                rest = start.without(_union(found, start))
            hits = self._select(part, rest, answer=answer)
            if len(hits) == len(start):
                return start
            if len(hits):
                found.append(hits)
        return _union(found, start) if found else self._nobody


def _union(found: Sequence[RowSet], start: RowSet) -> RowSet:
    """The rows of several parts of a set."""
    if len(found) == 1:
        return found[0]
    rows = np.concatenate([each.rows for each in found])
    if len(rows) * _FEW < len(start):
        return start.narrowed(ascending(rows))
    flags = np.zeros(start.length, np.bool_)
    flags[rows] = True
    return start.narrowed(start.rows[flags[start.rows]])
