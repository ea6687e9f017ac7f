"""Predicates as one graph of numbered nodes, in which equal questions are one node."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from dogwatch.logic.predicate import And, Constant, IsTrue, Leaf, Not, Or, Predicate

Numbers = npt.NDArray[np.int64]


class Kind(enum.IntEnum):
    """What a node does with the answers of its parts."""

    LEAF = 0
    FIXED = 1
    AND = 2
    OR = 3
    NOT = 4
    CERTAIN = 5
    """True where its part is, else false: ``IsTrue``."""


class Graph:
    """The nodes of some predicates.

    Nodes are numbered so that parts come before what they are parts of. A conjunction or disjunction of one part
    is that part; one of none is fixed.

    Args:
        predicates: The predicates.

    Attributes:
        kinds: What each node is.
        parts: The parts of each node; for a leaf none.
        leaf: For each node the number of its leaf, or -1.
        value: For each node that is fixed its answer.
        leaves: The distinct leaves by number.
        leaf_nodes: For each leaf its node.
        roots: The node of each predicate.
    """

    def __init__(self, predicates: Iterable[Predicate]) -> None:
        self.kinds: list[Kind] = []
        self.parts: list[tuple[int, ...]] = []
        self.leaf: list[int] = []
        self.value: list[bool | None] = []
        self.leaves: list[Leaf] = []
        self.leaf_nodes: list[int] = []
        self._leaf_numbers: dict[Leaf, int] = {}
        self._combinations: dict[Kind, dict[tuple[int, ...], int]] = {kind: {} for kind in Kind}
        self._fixed: dict[bool | None, int] = {}
        self._seen: dict[int, int] = {}
        self._leaves_under: list[tuple[int, ...]] = []
        # Whatever is seen lives as long as the predicates do, so that an id is an object's own.
        kept = list(predicates)
        self.roots = [self._node(predicate) for predicate in kept]
        self._seen.clear()

    def uses(self) -> tuple[Numbers, Numbers]:
        """The leaves that each predicate asks, one predicate's after the other's, and how many each asks."""
        own = [self._leaves_under[root] for root in self.roots]
        lengths = np.array([len(leaves) for leaves in own], np.int64)
        return np.array([leaf for leaves in own for leaf in leaves], np.int64), lengths

    def shared(self) -> list[bool]:
        """For each node, whether more than one predicate or node asks it."""
        askers = [0] * len(self.kinds)
        for node in (*self.roots, *(part for parts in self.parts for part in parts)):
            askers[node] += 1
        return [count > 1 for count in askers]

    def costs(self, of_leaves: Sequence[int]) -> Numbers:
        """For each node what its most costly leaf costs, given what each leaf does."""
        costs = [0] * len(self.kinds)
        for node, (leaf, parts) in enumerate(zip(self.leaf, self.parts, strict=True)):
            if leaf >= 0:
                costs[node] = of_leaves[leaf]
            elif parts:
                costs[node] = max([costs[part] for part in parts])
        return np.array(costs, np.int64)

    def _node(self, predicate: Predicate) -> int:
        node = self._seen.get(id(predicate))
        if node is None:
            node = self._seen[id(predicate)] = self._make(predicate)
        return node

    def _make(self, predicate: Predicate) -> int:
        match predicate:
            case IsTrue(part=part):
                return self._with_parts(Kind.CERTAIN, (self._node(part),))
            case And(parts=parts):
                return self._combination(Kind.AND, [self._node(part) for part in parts])
            case Or(parts=parts):
                return self._combination(Kind.OR, [self._node(part) for part in parts])
            case Not(part=part):
                return self._with_parts(Kind.NOT, (self._node(part),))
            case Constant(value=value):
                return self._constant(value)
        number = self._leaf_numbers.setdefault(predicate, len(self.leaves))
        if number == len(self.leaves):
            self.leaves.append(predicate)
            self.leaf_nodes.append(self._add(Kind.LEAF, (), (number,), leaf=number))
        return self.leaf_nodes[number]

    def _combination(self, kind: Kind, parts: Iterable[int]) -> int:
        distinct = tuple(sorted(set(parts)))
        if not distinct:
            return self._constant(kind is Kind.AND)
        return distinct[0] if len(distinct) == 1 else self._with_parts(kind, distinct)

    def _with_parts(self, kind: Kind, parts: tuple[int, ...]) -> int:
        nodes = self._combinations[kind]
        node = nodes.get(parts)
        if node is None:
            under = self._leaves_under[parts[0]]
            if len(parts) > 1:
                under = tuple(dict.fromkeys([leaf for part in parts for leaf in self._leaves_under[part]]))
            node = nodes[parts] = self._add(kind, parts, under)
        return node

    def _constant(self, value: bool | None) -> int:
        node = self._fixed.get(value)
        if node is None:
            node = self._fixed[value] = self._add(Kind.FIXED, (), (), value=value)
        return node

    def _add(
        self,
        kind: Kind,
        parts: tuple[int, ...],
        under: tuple[int, ...],
        *,
        leaf: int = -1,
        value: bool | None = None,
    ) -> int:
        self.kinds.append(kind)
        self.parts.append(parts)
        self.leaf.append(leaf)
        self.value.append(value)
        self._leaves_under.append(under)
        return len(self.kinds) - 1
