"""The nodes of a relation: each finds the matches of its tree from those of its two sides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from dogwatch.engine.aggregate import GroupAggregator
from dogwatch.engine.passed import GroupPassed
from dogwatch.engine.relation.join import Joins, all_hold
from dogwatch.engine.relation.match import Match, both, in_order, occurrence
from dogwatch.engine.relation.memory import Kept, Memory, Room
from dogwatch.events.batch import Event
from dogwatch.logic.pattern import Key
from dogwatch.logic.relation import JoinCompare
from dogwatch.schema.field import Scalar

Values = tuple[Scalar | None, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """An event, and what it is to each part that it counts in, by number: a group, and aggregated values."""

    event: Event
    parts: Mapping[int, tuple[Key, Values]]


class Node(Protocol):
    """Finds the matches of a tree of relations."""

    @property
    def due(self) -> int | None:
        """The next time at which something becomes certain because time has passed."""
        ...

    def feed(self, step: Step) -> list[Match]:
        """The matches that become certain with an event; its time has been reached by ``fire`` and ``advance``."""
        ...

    def fire(self, time: int) -> list[Match]:
        """The matches that become certain because it is ``time``, which is ``due``."""
        ...

    def advance(self, clock: int) -> None:
        """Forget what nothing can meet any more once the clock of the data is at ``clock``."""
        ...


class Leaf:
    """The occurrences of one part."""

    due = None

    def __init__(
        self, number: int, count: int, aggregator: GroupAggregator, joins: tuple[JoinCompare, ...]
    ) -> None:
        self._number = number
        self._aggregator = aggregator
        self._count = count
        self._joins = joins

    def feed(self, step: Step) -> list[Match]:
        """The occurrence that an event completes."""
        if self._number not in step.parts:
            return []
        group, values = step.parts[self._number]
        hits = self._aggregator.feed(GroupPassed(step.event, group, values))
        found = [occurrence(hit, step.event.order, self._number, self._count) for hit in hits]
        return [match for match in found if all_hold(self._joins, match.parts)]

    def fire(self, time: int) -> list[Match]:  # noqa: ARG002 - part of the protocol
        """Nothing: a part is satisfied at events."""
        return []

    def advance(self, clock: int) -> None:
        """Free the groups that the clock left behind."""
        self._aggregator.advance(clock)


class _Pair(ABC):
    """A node with two sides that are nodes."""

    def __init__(self, left: Node, right: Node) -> None:
        self._left = left
        self._right = right

    @property
    def due(self) -> int | None:
        return earliest(self._left.due, self._right.due)

    def feed(self, step: Step) -> list[Match]:
        return self._meet(self._left.feed(step), self._right.feed(step))

    def fire(self, time: int) -> list[Match]:
        return self._meet(self._left.fire(time), self._right.fire(time))

    def advance(self, clock: int) -> None:
        self._left.advance(clock)
        self._right.advance(clock)

    @abstractmethod
    def _meet(self, left: list[Match], right: list[Match]) -> list[Match]:
        """What comes of the sides' new matches."""


class Either(_Pair):
    """OR: each match of either side."""

    def _meet(self, left: list[Match], right: list[Match]) -> list[Match]:
        return in_order([*left, *right])


class Together(_Pair):
    """AND: matches of both sides within the window, one to one for each two tuples of groups.

    Args:
        left: The one side.
        right: The other side.
        joins: What must agree.
        window: The longest time from the first event to the last, in nanoseconds.
        delays: How much later than its newest event a match of each side may become certain.
        room: The limits.
    """

    def __init__(
        self, left: Node, right: Node, joins: Joins, window: int, delays: tuple[int, int], room: Room
    ) -> None:
        super().__init__(left, right)
        self.lefts = Memory(room)
        self.rights = Memory(room)
        self._joins = joins
        self._window = window
        self._delays = delays

    def advance(self, clock: int) -> None:
        """Forget what nothing can meet any more."""
        super().advance(clock)
        # A partner's newest event is at most a window later than this match became certain.
        self.lefts.until(clock - self._window - self._delays[1] - 1)
        self.rights.until(clock - self._window - self._delays[0] - 1)

    def _meet(self, left: list[Match], right: list[Match]) -> list[Match]:
        found = []
        for match in left:
            if (key := self._joins.left_key(match.parts)) is not None:
                one = self.lefts.add(match, key)
                others = self.rights.open_to(key, match.groups)
                found += [both(match, other.match) for other in others if self._pair(one, other)]
        for match in right:
            if (key := self._joins.right_key(match.parts)) is not None:
                other = self.rights.add(match, key)
                ones = self.lefts.open_to(key, match.groups)
                found += [both(one.match, match) for one in ones if self._pair(one, other)]
        return in_order(found)

    def _pair(self, left: Kept, right: Kept) -> bool:
        one, other = left.match, right.match
        if other.groups in left.met or one.groups in right.met:
            return False
        if max(one.last, other.last)[0] - min(one.first_time, other.first_time) > self._window:
            return False
        if not self._joins.fit(one.parts, other.parts):
            return False
        self.lefts.meet(left, other.groups)
        self.rights.meet(right, one.groups)
        return True


def earliest(one: int | None, other: int | None) -> int | None:
    """The smaller of two times, either of which may be missing."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
