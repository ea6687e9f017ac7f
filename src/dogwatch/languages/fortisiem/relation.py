"""The operators between the subpatterns of a rule, as a tree of relations."""

from __future__ import annotations

from collections.abc import Sequence

from dogwatch.logic.relation import Part, Related, Relation, RelationTree

_WORDS = {relation.value: relation for relation in Relation}


def relation_named(word: str) -> Relation | None:
    """The relation that a word stands for: ``FOLLOWED_BY``, in any letter case, also with blanks or hyphens."""
    return _WORDS.get("_".join(word.upper().replace("_", " ").replace("-", " ").split()))


def relation_tree(relations: Sequence[tuple[Relation, int]]) -> RelationTree:
    """The tree of the parts 0, 1, 2, ... with a relation and its rank between each two of them.

    The lower rank binds first, equal ranks from left to right.

    Examples:
        >>> relation_tree([(Relation.AND, 1), (Relation.OR, 0)])  # 0 AND (1 OR 2)
        Related(relation=<Relation.AND: 'AND'>, left=Part(number=0), right=Related(relation=<Relation.OR: 'OR'>, \
left=Part(number=1), right=Part(number=2)))
    """
    sides: list[RelationTree] = [Part(0)]
    waiting: list[tuple[Relation, int]] = []
    for number, (relation, rank) in enumerate(relations, 1):
        while waiting and waiting[-1][1] <= rank:
            _relate(sides, waiting)
        waiting.append((relation, rank))
        sides.append(Part(number))
    while waiting:
        _relate(sides, waiting)
    return sides[0]


def _relate(sides: list[RelationTree], waiting: list[tuple[Relation, int]]) -> None:
    relation, _ = waiting.pop()
    right = sides.pop()
    sides.append(Related(relation, sides.pop(), right))
