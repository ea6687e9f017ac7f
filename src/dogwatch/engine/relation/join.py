"""What must agree between the two sides of a relation."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence

from dogwatch.base.text import Fold
from dogwatch.engine.relation.match import Parts, merged
from dogwatch.logic.pattern import Key
from dogwatch.logic.predicate import Order
from dogwatch.logic.relation import (
    Fixed,
    JoinCompare,
    Part,
    PartValue,
    Relation,
    RelationTree,
    parts_of,
)
from dogwatch.schema.field import Scalar

JoinKey = tuple[str, ...]
"""The values that two sides must have in common, as ``joined`` writes them."""


class Joins:
    """The comparisons that are decided where two sides meet.

    Equalities between grouping fields of parts that both sides always have make a key, by which one side finds the
    other. All else is asked of each pair that the key lets meet.

    Args:
        joins: All joins of the pattern.
        left: The one side.
        right: The other side.
    """

    def __init__(self, joins: Iterable[JoinCompare], left: RelationTree, right: RelationTree) -> None:
        on_left, on_right = frozenset(parts_of(left)), frozenset(parts_of(right))
        sure = sure_parts(left) | sure_parts(right)
        pairs: list[tuple[tuple[int, int], tuple[int, int]]] = []
        self._rest: list[JoinCompare] = []
        for join in joins:
            if not (join.parts <= on_left | on_right and join.parts & on_left and join.parts & on_right):
                continue
            pair = _equality(join)
            if pair is None or not join.parts <= sure:
                self._rest.append(join)
            else:
                pairs.append(pair if pair[0][0] in on_left else (pair[1], pair[0]))
        self._left = [one for one, _ in pairs]
        self._right = [other for _, other in pairs]

    @property
    def is_fixed(self) -> bool:
        """Whether two sides that do not fit never will as long as their groups are the same."""
        return not any(isinstance(join.left.source, str) or _is_shown(join.right) for join in self._rest)

    def left_key(self, parts: Parts) -> JoinKey | None:
        """The key of a match of the left side; ``None`` if a value is null, which joins nothing."""
        return _key(self._left, {number: hit.group for number, hit in enumerate(parts) if hit is not None})

    def right_key(self, parts: Parts) -> JoinKey | None:
        """The key of a match of the right side."""
        return _key(self._right, {number: hit.group for number, hit in enumerate(parts) if hit is not None})

    def group_key(self, number: int, group: Key) -> JoinKey | None:
        """The key of any match of the right side if that is one part, by its group."""
        return _key(self._right, {number: group})

    def fit(self, left: Parts, right: Parts) -> bool:
        """Whether two sides with one key fit together."""
        return not self._rest or all_hold(self._rest, merged(left, right))


def joins_within(joins: Iterable[JoinCompare], number: int) -> tuple[JoinCompare, ...]:
    """The joins that speak of one part alone."""
    return tuple(join for join in joins if join.parts == {number})


def all_hold(joins: Iterable[JoinCompare], parts: Parts) -> bool:
    """Whether every join holds that speaks of parts that are there."""
    return all(_holds(join, parts) for join in joins)


def sure_parts(tree: RelationTree) -> frozenset[int]:
    """The parts that every match of a tree has."""
    if isinstance(tree, Part):
        return frozenset((tree.number,))
    if tree.relation is Relation.OR:
        return frozenset()
    if tree.relation.negates:
        return sure_parts(tree.left)
    return sure_parts(tree.left) | sure_parts(tree.right)


def joined(value: Scalar | None) -> str | None:
    """What a value is compared by where values must be equal: texts without case, numbers as numbers are written.

    A number joins the text that is its decimal form. ``None`` joins nothing, nor does what is not a number (NaN).
    """
    match value:
        case None:
            return None
        case str():
            return Fold.UNICODE.apply(value)
        case bool():
            return "true" if value else "false"
        case float() if math.isnan(value):
            return None
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _is_shown(side: PartValue | Fixed) -> bool:
    return isinstance(side, PartValue) and isinstance(side.source, str)


def _equality(join: JoinCompare) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Part and place of both sides of an equality of grouping fields."""
    match join:
        case JoinCompare(
            op=Order.EQ,
            negated=False,
            left=PartValue(part=one, source=int() as place),
            right=PartValue(part=other, source=int() as other_place),
        ):
            return (one, place), (other, other_place)
        case _:
            return None


def _key(places: Sequence[tuple[int, int]], groups: Mapping[int, Key]) -> JoinKey | None:
    key = []
    for part, place in places:
        value = joined(groups[part][place])
        if value is None:
            return None
        key.append(value)
    return tuple(key)


def _holds(join: JoinCompare, parts: Parts) -> bool:
    if any(parts[number] is None for number in join.parts):
        return True
    left, right = _value(join.left, parts), _value(join.right, parts)
    answer = _equal(left, right) if join.op is Order.EQ else _ordered(_ORDERED[join.op], left, right)
    return answer is not None and answer is not join.negated


def _value(side: PartValue | Fixed, parts: Parts) -> Scalar | None:
    if isinstance(side, Fixed):
        return side.value
    hit = parts[side.part]
    if hit is None:
        return None
    return hit.shown[side.source] if isinstance(side.source, str) else hit.group[side.source]


def _equal(left: Scalar | None, right: Scalar | None) -> bool | None:
    one, other = joined(left), joined(right)
    return None if one is None or other is None else one == other


def _ordered(
    compare: Callable[[float | str, float | str], bool], left: Scalar | None, right: Scalar | None
) -> bool | None:
    if isinstance(left, str) and isinstance(right, str):
        return compare(Fold.UNICODE.apply(left), Fold.UNICODE.apply(right))
    if left is None or right is None or isinstance(left, str) or isinstance(right, str):
        return None
    return None if math.isnan(left) or math.isnan(right) else compare(left, right)


_ORDERED: dict[Order, Callable[[float | str, float | str], bool]] = {
    Order.LT: operator.lt,
    Order.LE: operator.le,
    Order.GT: operator.gt,
    Order.GE: operator.ge,
}
