"""How many rows can satisfy each node of a graph at most, from what is known of its leaves.

That is the index of a plan: a predicate whose bound is zero is done with, and the others ask first the parts that
leave the fewest rows. All nodes are worked out together, level by level.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from dogwatch.engine.kernels.mask import Flags
from dogwatch.engine.planning.graph import Graph, Kind, Numbers


@dataclass(slots=True)
class Bounds:
    """For each node, rows of one batch.

    Attributes:
        true: At most so many rows have the answer true.
        false: At most so many have the answer false.
        surely: At least so many have the answer true.
    """

    true: Numbers
    false: Numbers
    surely: Numbers


@dataclass(frozen=True, slots=True)
class _Level:
    """Nodes of one kind whose parts are all on lower levels.

    Attributes:
        parts: Their parts, one node's after the other's.
        starts: Where each node's parts begin.
        lengths: How many parts each node has.
    """

    kind: Kind
    nodes: Numbers
    parts: Numbers
    starts: Numbers
    lengths: Numbers


class Spreader:
    """Carries bounds from the leaves of a graph to its other nodes."""

    def __init__(self, graph: Graph) -> None:
        self._size = len(graph.kinds)
        self._fixed = list(graph.value.items())
        self._levels = _levels(graph)

    def unknown(self, length: int) -> Bounds:
        """Bounds for a batch of ``length`` rows of which nothing is known."""
        bounds = Bounds(
            np.full(self._size, length, np.int64),
            np.full(self._size, length, np.int64),
            np.zeros(self._size, np.int64),
        )
        for node, value in self._fixed:
            bounds.true[node] = bounds.surely[node] = length if value is True else 0
            bounds.false[node] = length if value is False else 0
        return bounds

    def spread(self, bounds: Bounds, length: int) -> None:
        """Work out the bounds of all nodes that have parts."""
        true, false, surely = bounds.true, bounds.false, bounds.surely
        for level in self._levels:
            nodes, parts, starts = level.nodes, level.parts, level.starts
            match level.kind:
                case Kind.AND:
                    true[nodes] = np.minimum.reduceat(true[parts], starts)
                    false[nodes] = np.minimum(np.add.reduceat(false[parts], starts), length)
                case Kind.OR:
                    true[nodes] = np.minimum(np.add.reduceat(true[parts], starts), length)
                    false[nodes] = np.minimum.reduceat(false[parts], starts)
                    surely[nodes] = np.maximum.reduceat(surely[parts], starts)
                case Kind.NOT:
                    true[nodes] = false[parts]
                    false[nodes] = true[parts]
                case _:
                    true[nodes] = true[parts]
                    surely[nodes] = surely[parts]
                    false[nodes] = length - surely[parts]

    def askers(self) -> Numbers:
        """For each node, of how many others it is a part."""
        parts = [level.parts for level in self._levels]
        return np.bincount(np.concatenate([np.zeros(0, np.int64), *parts]), minlength=self._size)

    def most(self, values: Numbers) -> Numbers:
        """For each node the most that any node under it has of something, given what nodes without parts have."""
        found = values.copy()
        for level in self._levels:
            found[level.nodes] = np.maximum.reduceat(found[level.parts], level.starts)
        return found

    def total(self, values: Numbers, limit: int) -> Numbers:
        """The same added up, what several parts share for each of them, and never more than a limit."""
        found = values.copy()
        for level in self._levels:
            found[level.nodes] = np.minimum(np.add.reduceat(found[level.parts], level.starts), limit)
        return found

    def under(self, nodes: Numbers) -> Flags:
        """Some nodes and all that they are made of."""
        found = np.zeros(self._size, np.bool_)
        found[nodes] = True
        for level in reversed(self._levels):
            found[level.parts[np.repeat(found[level.nodes], level.lengths)]] = True
        return found


def _levels(graph: Graph) -> list[_Level]:
    lengths = np.fromiter(map(len, graph.parts), np.int64, len(graph.parts))
    nodes = np.flatnonzero(lengths)
    if not len(nodes):
        return []
    parts = np.fromiter(chain.from_iterable(graph.parts), np.int64, int(lengths.sum()))
    lengths = lengths[nodes]
    starts = np.cumsum(lengths) - lengths
    depths = _depths(nodes, parts, starts, len(graph.parts))
    kinds = np.array(graph.kinds, np.int64)[nodes]
    order = np.lexsort((kinds, depths))
    groups = np.flatnonzero(np.diff(depths[order]) | np.diff(kinds[order])) + 1
    levels = []
    for own in np.split(order, groups):
        counts = lengths[own]
        begins = _starts(counts)
        places = np.repeat(starts[own] - begins, counts) + np.arange(int(counts.sum()))
        levels.append(_Level(Kind(int(kinds[own[0]])), nodes[own], parts[places], begins, counts))
    return levels


def _depths(nodes: Numbers, parts: Numbers, starts: Numbers, size: int) -> Numbers:
    """For each of the nodes that have parts, how many levels there are below it."""
    depth = np.zeros(size, np.int64)
    while True:
        found: Numbers = np.maximum.reduceat(depth[parts], starts) + 1
        if np.array_equal(found, depth[nodes]):
            return found
        depth[nodes] = found


def _starts(lengths: Numbers) -> Numbers:
    found: Numbers = np.cumsum(lengths) - lengths
    return found
