"""From a composite pattern to the nodes that find its matches."""

from __future__ import annotations

from dataclasses import dataclass, field

from dogwatch.engine.aggregate import GroupAggregator
from dogwatch.engine.external import Externals
from dogwatch.engine.relation.history import Histories, is_single
from dogwatch.engine.relation.join import Joins, joins_within
from dogwatch.engine.relation.memory import Memory, Room
from dogwatch.engine.relation.node import Either, Leaf, Node, Together
from dogwatch.engine.relation.order import After, Follow, PartAfter, TreeAfter, Unfollowed, Without
from dogwatch.logic.pattern import CompositePattern
from dogwatch.logic.relation import Part, Related, Relation, RelationTree


@dataclass
class Plan:
    """The nodes of a pattern, and all that they keep, from left to right.

    Attributes:
        pattern: The pattern.
        room: The limits.
        externals: Where limits of devices and baselines come from.
        aggregators: The windows of parts whose occurrences count by themselves.
        followers: The parts that must follow something, or must not.
        memories: The matches that are kept.
        waits: Those of them that wait for nothing to refute them.
    """

    pattern: CompositePattern
    room: Room
    externals: Externals
    aggregators: list[GroupAggregator] = field(default_factory=list)
    followers: list[PartAfter] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    waits: list[Memory] = field(default_factory=list)

    def node(self, tree: RelationTree) -> Node:
        """What finds the matches of a tree."""
        if isinstance(tree, Part):
            return self._leaf(tree.number)
        room, window = self.room, self.pattern.window
        left = self.node(tree.left)
        joins = Joins(self.pattern.joins, tree.left, tree.right)
        delays = (delay_of(tree.left, window), delay_of(tree.right, window))
        match tree.relation:
            case Relation.OR:
                return Either(left, self.node(tree.right))
            case Relation.AND:
                together = Together(left, self.node(tree.right), joins, window, delays, room)
                self.memories += (together.lefts, together.rights)
                return together
            case Relation.FOLLOWED_BY:
                follow = Follow(left, self._after(tree, joins), joins, window, delays[1], room)
                self.memories.append(follow.lefts)
                return follow
            case Relation.NOT_FOLLOWED_BY:
                unfollowed = Unfollowed(left, self._after(tree, joins), joins, window, delays[1], room)
                self.memories.append(unfollowed.lefts)
                self.waits.append(unfollowed.lefts)
                return unfollowed
            case Relation.AND_NOT:
                without = Without(left, self.node(tree.right), joins, window, delays[1], room)
                self.memories += (without.lefts, without.rights)
                self.waits.append(without.lefts)
                return without

    def _leaf(self, number: int) -> Leaf:
        room = self.room
        part = self.pattern.parts[number]
        aggregator = GroupAggregator(
            part, room.groups, room.rows, room.events, room.documents, externals=self.externals
        )
        self.aggregators.append(aggregator)
        return Leaf(number, len(self.pattern.parts), aggregator, joins_within(self.pattern.joins, number))

    def _after(self, tree: Related, joins: Joins) -> After:
        if not isinstance(tree.right, Part):
            return TreeAfter(self.node(tree.right), joins)
        number = tree.right.number
        part = self.pattern.parts[number]
        single = is_single(part.constraint)
        instant = self._is_instant(tree.left)
        # What must not follow may do so until a window after a match that may have begun a window before it.
        keep = self.pattern.window * (1 if instant or not tree.relation.negates else 2)
        follower = PartAfter(
            number,
            len(self.pattern.parts),
            Histories(part, 0 if single else keep, self.room, self.externals),
            joins,
            joins_within(self.pattern.joins, number),
            keep_null_groups=part.keep_null_groups,
            single=single,
            instant=instant,
        )
        self.followers.append(follower)
        return follower

    def _is_instant(self, tree: RelationTree) -> bool:
        """Whether each match of a tree starts at the time at which it becomes certain."""
        if isinstance(tree, Part):
            return is_single(self.pattern.parts[tree.number].constraint)
        return tree.relation.negates


def delay_of(tree: RelationTree, window: int) -> int:
    """How much later than its newest event a match of a tree becomes certain at most, in nanoseconds."""
    if isinstance(tree, Part):
        return 0
    left, right = delay_of(tree.left, window), delay_of(tree.right, window)
    return left + window + right if tree.relation.negates else max(left, right)
