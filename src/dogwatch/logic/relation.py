"""How the parts of a composite pattern relate to each other, and what joins them.

FortiSIEM's rules name several subpatterns, the relations between them, and one global constraint.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from dogwatch.logic.predicate import Order


class Relation(enum.Enum):
    """What two sides of a pattern have to do with each other.

    A side is satisfied by a match of it: one *occurrence* (a group whose constraint came to hold) of each part
    that the match has. The sides of a match must agree with the joins, and lie within the window.
    """

    AND = "AND"
    """Both sides, in any order."""
    OR = "OR"
    """Either side; the other is missing from the match."""
    AND_NOT = "AND_NOT"
    """The left side, and no match of the right one less than a window before or after it."""
    FOLLOWED_BY = "FOLLOWED_BY"
    """The left side, then the right one, with no event earlier than the left side's."""
    NOT_FOLLOWED_BY = "NOT_FOLLOWED_BY"
    """The left side, and no match of the right one after it, for less than a window."""

    @property
    def negates(self) -> bool:
        """Whether the right side must not occur."""
        return self in (Relation.AND_NOT, Relation.NOT_FOLLOWED_BY)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the pattern, by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class Related:
    """Two sides in a relation."""

    relation: Relation
    left: RelationTree
    right: RelationTree


RelationTree = Part | Related


@dataclass(frozen=True, slots=True)
class PartValue:
    """A value of the occurrence of a part.

    Attributes:
        part: The number of the part.
        source: The place of one of its grouping fields, or the name of one of the values that it shows.
    """

    part: int
    source: int | str


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant that a part's value is compared with."""

    value: str | int | float


@dataclass(frozen=True, slots=True)
class JoinCompare:
    """A comparison between parts; a null side makes it unknown, which does not join.

    Texts are compared without regard to letter case, numbers as numbers.

    Attributes:
        op: The comparison.
        left: A value of a part.
        right: A value of another part, or of the same, or a constant.
        negated: Turned around: ``!=``.
    """

    op: Order
    left: PartValue
    right: PartValue | Fixed
    negated: bool = False

    @property
    def parts(self) -> frozenset[int]:
        """The numbers of the parts that it speaks of."""
        return frozenset(side.part for side in (self.left, self.right) if isinstance(side, PartValue))


def parts_of(tree: RelationTree) -> tuple[int, ...]:
    """The numbers of the parts in a tree, from left to right."""
    match tree:
        case Part(number=number):
            return (number,)
        case Related(left=left, right=right):
            return (*parts_of(left), *parts_of(right))
