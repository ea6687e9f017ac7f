"""Predicates as one graph of numbered nodes, in which equal questions are one node."""

from __future__ import annotations

import enum
from collections.abc import Iterable

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
        value: The answer of each node that is fixed.
        leaves: The distinct leaves by number.
        leaf_nodes: For each leaf its node.
        roots: The node of each predicate.
    """

    def __init__(self, predicates: Iterable[Predicate]) -> None:
        self.kinds: list[Kind] = []
        self.parts: list[tuple[int, ...]] = []
        self.value: dict[int, bool | None] = {}
        self.leaves: list[Leaf] = []
        self.leaf_nodes: list[int] = []
        self._leaf_numbers: dict[Leaf, int] = {}
        self._combinations: dict[Kind, dict[tuple[int, ...], int]] = {kind: {} for kind in Kind}
        self._fixed: dict[bool | None, int] = {}
        self._seen: dict[int, int] = {}
        # Whatever is seen lives as long as the predicates do, so that an id is an object's own.
        kept = list(predicates)
        self.roots = [self._node(predicate) for predicate in kept]
        self._seen.clear()
        self._leaf_numbers.clear()
        self._combinations.clear()
        self.leaf = [-1] * len(self.kinds)
        for number, node in enumerate(self.leaf_nodes):
            self.leaf[node] = number

    def leaves_under(self, node: int) -> list[int]:
        """The leaves that a node asks, each once, in order of appearance."""
        found: dict[int, None] = {}
        seen = {node}
        stack = [node]
        while stack:
            top = stack.pop()
            if self.leaf[top] >= 0:
                found[self.leaf[top]] = None
            parts = [part for part in self.parts[top] if part not in seen]
            seen.update(parts)
            stack += reversed(parts)
        return list(found)

    def _node(self, predicate: Predicate) -> int:
        """The node of a predicate; those that are read from a cache come in equal objects that are one."""
        node = self._seen.get(id(predicate))
        if node is None:
            node = self._seen[id(predicate)] = self._make(predicate)
        return node

    def _make(self, predicate: Predicate) -> int:
        if isinstance(predicate, IsTrue):
            return self._with_parts(Kind.CERTAIN, (self._node(predicate.part),))
        if isinstance(predicate, Not):
            return self._with_parts(Kind.NOT, (self._node(predicate.part),))
        if isinstance(predicate, And | Or):
            kind = Kind.AND if isinstance(predicate, And) else Kind.OR
            distinct = tuple(sorted({self._node(part) for part in predicate.parts}))
            if len(distinct) > 1:
                return self._with_parts(kind, distinct)
            return distinct[0] if distinct else self._constant(kind is Kind.AND)
        if isinstance(predicate, Constant):
            return self._constant(predicate.value)
        number = self._leaf_numbers.setdefault(predicate, len(self.leaves))
        if number == len(self.leaves):
            self.leaves.append(predicate)
            self.leaf_nodes.append(self._add(Kind.LEAF, ()))
        return self.leaf_nodes[number]

    def _with_parts(self, kind: Kind, parts: tuple[int, ...]) -> int:
        nodes = self._combinations[kind]
        node = nodes.get(parts)
        if node is None:
            node = nodes[parts] = self._add(kind, parts)
        return node

    def _constant(self, value: bool | None) -> int:
        node = self._fixed.get(value)
        if node is None:
            node = self._fixed[value] = self._add(Kind.FIXED, ())
            self.value[node] = value
        return node

    def _add(self, kind: Kind, parts: tuple[int, ...]) -> int:
        self.kinds.append(kind)
        self.parts.append(parts)
        return len(self.kinds) - 1
