"""How many rows can satisfy each node of a graph at most, from what is known of its leaves.

That is the index of a plan: a predicate whose bound is zero is done with, and the others ask first the parts that
leave the fewest rows. All nodes are worked out together, level by level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    """

    kind: Kind
    nodes: Numbers
    parts: Numbers
    starts: Numbers


class Spreader:
    """Carries bounds from the leaves of a graph to its other nodes."""

    def __init__(self, graph: Graph) -> None:
        self._size = len(graph.kinds)
        self._fixed = [(node, graph.value[node]) for node, kind in enumerate(graph.kinds) if kind is Kind.FIXED]
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


def _levels(graph: Graph) -> list[_Level]:
    depth = [0] * len(graph.kinds)
    grouped: dict[tuple[int, Kind], list[int]] = {}
    for node, (kind, parts) in enumerate(zip(graph.kinds, graph.parts, strict=True)):
        if parts:
            depth[node] = 1 + max([depth[part] for part in parts])
            grouped.setdefault((depth[node], kind), []).append(node)
    return [
        _Level(
            kind,
            np.array(nodes, np.int64),
            np.array([part for node in nodes for part in graph.parts[node]], np.int64),
            _starts([len(graph.parts[node]) for node in nodes]),
        )
        for (_, kind), nodes in sorted(grouped.items())
    ]


def _starts(lengths: Sequence[int]) -> Numbers:
    return np.cumsum([0, *lengths[:-1]], dtype=np.int64)
