"""What is known about one batch's leaves: which texts satisfy them, and bounds on the rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from time import perf_counter_ns

import numpy as np

from dogwatch.engine.kernels.column import Column, Columns
from dogwatch.engine.kernels.family import Satisfied
from dogwatch.engine.kernels.mask import Flags
from dogwatch.engine.planning.bounds import Bounds, Spreader
from dogwatch.engine.planning.graph import Graph, Numbers
from dogwatch.engine.planning.leafbook import NO_FAMILY, LeafBook
from dogwatch.engine.planning.rowset import RowSet
from dogwatch.engine.profile import Cost, PlanProfile

_SMALL_COLUMN = 1024
"""Families about columns of at most so many distinct texts are asked before it is known who needs them."""

_FEW = 4
"""Rows are found by their value where that gives less than one row in so many of those asked about."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """What all runs of a plan have in common.

    Attributes:
        graph: The nodes.
        book: The leaves.
        spreader: Bounds of the nodes from those of the leaves.
        roots: The node of each predicate.
        leaf_nodes: The node of each leaf.
        family_nodes: The nodes of each family's leaves.
        family_refs: For each family the place of its column among the book's ``refs``.
        eager: For each family whether it is asked before it is known who needs it.
        costs: For each node, what its most costly leaf costs.
        shared: For each node, whether it is a part of several others.
    """

    graph: Graph
    book: LeafBook
    spreader: Spreader
    roots: Numbers
    leaf_nodes: Numbers
    family_nodes: tuple[Numbers, ...]
    family_refs: Numbers
    eager: Flags
    costs: Numbers
    shared: list[bool]


def program_of(graph: Graph, book: LeafBook) -> Program:
    """What all runs over a graph with these leaves have in common."""
    spreader = Spreader(graph)
    roots = np.array(graph.roots, np.int64)
    leaf_nodes = np.array(graph.leaf_nodes, np.int64)
    costs = np.zeros(len(graph.kinds), np.int64)
    costs[leaf_nodes] = book.costs
    families = book.families.all
    places = {ref: place for place, ref in enumerate(book.refs)}
    return Program(
        graph=graph,
        book=book,
        spreader=spreader,
        roots=roots,
        leaf_nodes=leaf_nodes,
        family_nodes=tuple(leaf_nodes[np.array(family.leaves)] for family in families),
        family_refs=np.array([places[family.field.ref] for family in families], np.int64),
        eager=np.array([family.eager for family in families], np.bool_),
        costs=spreader.most(costs),
        shared=(spreader.askers() + np.bincount(roots, minlength=len(graph.kinds)) > 1).tolist(),
    )


class Answers:
    """The answers of one batch's leaves.

    Args:
        program: The plan.
        columns: The batch.
        profile: Where costs are added, if anywhere.

    Attributes:
        bounds: How many rows can satisfy each node.
    """

    def __init__(self, program: Program, columns: Columns, profile: PlanProfile | None) -> None:
        book = program.book
        self._program = program
        self._book = book
        self._families = book.families.all
        self._columns = columns
        self._profile = profile
        self._codes: dict[int, Numbers] = {}
        self._tables: dict[int, Flags] = {}
        self._asked: Flags = np.zeros(len(self._families), np.bool_)
        self.bounds: Bounds = program.spreader.unknown(columns.length)
        counts = np.array([columns.valued(ref) for ref in book.refs], np.int64)
        self._absent: Flags = counts[program.family_refs] == 0
        true, false = book.bounds(counts, columns.length)
        self.bounds.true[program.leaf_nodes] = true
        self.bounds.false[program.leaf_nodes] = false

    def candidates(self, asked: Flags) -> Numbers:
        """The predicates that some row may satisfy; what decides that cheaply has then been asked.

        Args:
            asked: Which predicates are asked at all.
        """
        for number in np.flatnonzero(self._program.eager & ~self._absent).tolist():
            family = self._families[number]
            column = self._columns[family.field]
            if len(column.texts or ()) <= _SMALL_COLUMN:
                self._ask(number, column, family.leaves[0])
        found = self._possible(asked)
        if found.any() and self._ask_needed(found):
            found = self._possible(found)
        return np.flatnonzero(found)

    def leaf(self, number: int, start: RowSet, *, answer: bool) -> RowSet:
        """Those rows of a set for which a leaf has the answer."""
        if self._profile is None:
            return self._leaf(number, start, answer=answer)
        decided, begun = self._columns.decided, perf_counter_ns()
        found = self._leaf(number, start, answer=answer)
        cost = Cost(
            len(start), len(found) if answer else 0, perf_counter_ns() - begun, self._columns.decided - decided
        )
        self._profile.leaves[number].add(cost)
        return found

    def _leaf(self, number: int, start: RowSet, *, answer: bool) -> RowSet:
        family = int(self._book.family_of[number])
        if family == NO_FAMILY or not self._asked[family]:
            mask = self._book.kernel(number).evaluate(self._columns, None if start.is_everything else start.rows)
            return start.narrowed(start.rows[mask.where(answer=answer)])
        column = self._columns[self._families[family].field]
        codes = self._codes.get(number)
        if answer and codes is not None:
            bound = int(self.bounds.true[self._program.leaf_nodes[number]])
            if bound * _FEW < len(start):
                return start.narrowed(start.among(column.rows_of(codes)))
        return start.narrowed(start.rows[self._flags(number, column, codes, start, answer=answer)])

    def _flags(self, number: int, column: Column, codes: Numbers | None, start: RowSet, *, answer: bool) -> Flags:
        """For each row of the set, whether a leaf that its family answered has the answer."""
        table = self._tables.get(number)
        if table is None:
            table = self._tables[number] = column.coded(np.zeros(0, np.int64) if codes is None else codes)
        rows = None if start.is_everything else start.rows
        if column.dense is None:
            slots = column.slots(rows)
            return slots.any(table[column.values[slots.at]]).where(answer=answer)
        own = column.dense if rows is None else column.dense[rows]
        flags: Flags = table[own]
        return flags if answer else (own >= 0) & ~flags

    def _possible(self, asked: Flags) -> Flags:
        self._program.spreader.spread(self.bounds, self._columns.length)
        return asked & (self.bounds.true[self._program.roots] > 0)

    def _ask_needed(self, predicates: Flags) -> bool:
        """Ask the families that enough leaves of some predicates need; whether there was any."""
        program = self._program
        needed = np.flatnonzero(program.spreader.under(program.roots[predicates])[program.leaf_nodes])
        numbers = self._book.family_of[needed]
        any_asked = False
        counts = np.bincount(numbers[numbers != NO_FAMILY], minlength=len(self._families))
        for number in np.flatnonzero((counts > 0) & ~self._asked & ~self._absent).tolist():
            family = self._families[number]
            column = self._columns[family.field]
            own = needed[numbers == number]
            if family.is_due(len(own), len(column.texts or ())):
                self._ask(number, column, int(own[0]))
                any_asked = True
        return any_asked

    def _ask(self, number: int, column: Column, first: int) -> None:
        """Ask a family about all texts of its column, at the expense of one of its leaves."""
        begun = perf_counter_ns()
        texts = column.texts
        if texts is None:
            raise TypeError("a family asks about texts")
        satisfied, decided = self._families[number].ask(texts)
        self._asked[number] = True
        self._note_bounds(number, column, self._note_codes(satisfied))
        if self._profile is not None:
            self._profile.leaves[first].add(Cost(0, 0, perf_counter_ns() - begun, decided))

    def _note_codes(self, satisfied: list[Satisfied]) -> dict[int, Numbers]:
        """The codes of the texts that satisfy each leaf, for leaves that any satisfies."""
        places = [place for place, own in enumerate(satisfied) if own]
        if not places:
            return {}
        own_leaves = [satisfied[place] for place in places]
        lengths = np.fromiter(map(len, own_leaves), np.int64, len(places))
        leaves = np.fromiter(chain.from_iterable(own_leaves), np.int64, int(lengths.sum()))
        codes = np.repeat(np.array(places, np.int64), lengths)
        order = np.argsort(leaves, kind="stable")
        leaves = leaves[order]
        starts = np.flatnonzero(np.diff(leaves, prepend=-1))
        found = dict(zip(leaves[starts].tolist(), np.split(codes[order], starts[1:]), strict=True))
        self._codes.update(found)
        return found

    def _note_bounds(self, number: int, column: Column, codes: dict[int, Numbers]) -> None:
        """What a family's answers tell about the rows: for a column of single values all, else their most."""
        bounds = self.bounds
        nodes = self._program.family_nodes[number]
        bounds.true[nodes] = 0
        bounds.false[nodes] = min(len(column.values), self._columns.length)
        if not codes:
            return
        leaves = np.fromiter(codes, np.int64, len(codes))
        own = np.concatenate(list(codes.values()))
        lengths = np.fromiter(map(len, codes.values()), np.int64, len(codes))
        totals = np.add.reduceat(column.counts[own], np.cumsum(lengths) - lengths)
        true = self._program.leaf_nodes[leaves]
        bounds.true[true] = np.minimum(totals, self._columns.length)
        if column.single:
            bounds.surely[true] = totals
            bounds.false[true] -= totals
