"""The operators of comparisons: what they ask of the engine, and how they read from the other side."""

from __future__ import annotations

from collections.abc import Mapping

from dogwatch.logic.predicate import Order

ORDERS: Mapping[str, Order] = {
    "=": Order.EQ,
    "!=": Order.EQ,
    "<": Order.LT,
    "<=": Order.LE,
    ">": Order.GT,
    ">=": Order.GE,
}
"""The comparison that an operator asks for; ``!=`` is ``=``, to be negated."""

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def mirrored(op: str) -> str:
    """The operator that says the same when its sides change places."""
    return _MIRRORED.get(op, op)
