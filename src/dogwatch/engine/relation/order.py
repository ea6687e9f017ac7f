"""Relations with an order, or with an absence: what follows, what must not follow, and what must not be around."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from dogwatch.engine.relation.history import Histories
from dogwatch.engine.relation.join import Joins, all_hold
from dogwatch.engine.relation.match import Match, followed, in_order, left_alone, occurrence
from dogwatch.engine.relation.memory import Kept, Memory, Room
from dogwatch.engine.relation.node import Node, Step, earliest
from dogwatch.engine.state import Repeats
from dogwatch.logic.relation import JoinCompare

InTime = Callable[[Match, int], bool]
"""Whether something at a time (nanoseconds since 1970 UTC) is not too late for a match of the left side."""

Pairs = list[tuple[Kept, Match]]
"""Matches of the left side, each with a match of the right one that follows it and fits."""


class After(Protocol):
    """The right side of a relation with an order: what happens after the matches of the left one."""

    @property
    def due(self) -> int | None:
        """The next time at which something becomes certain because time has passed."""
        ...

    def feed(self, step: Step, lefts: Memory, in_time: InTime) -> Pairs:
        """What an event makes follow the matches of the left side, of those that it is in time for."""
        ...

    def fire(self, time: int, lefts: Memory, in_time: InTime) -> Pairs:
        """The same of what becomes certain because it is ``time``."""
        ...

    def advance(self, clock: int) -> None:
        """Forget what is of no use any more once the clock of the data is at ``clock``."""
        ...


class PartAfter:
    """One part on the right side: a group's events from the start of the left match on, tested at each of them.

    Args:
        number: The part's number.
        count: How many parts the pattern has.
        histories: The events of its groups.
        joins: What must agree with the left side.
        own: What must hold of the part alone.
        keep_null_groups: Whether a group may have a null.
        single: Whether any one event satisfies the part; its occurrences are then single events.
        instant: Whether each match of the left side starts where it becomes certain, so that what was before
            it is of no use.

    Attributes:
        repeated: Rows ignored because their event was already there.
        without_group: Rows dropped because a grouping field was missing.
    """

    due = None

    def __init__(
        self,
        number: int,
        count: int,
        histories: Histories,
        joins: Joins,
        own: tuple[JoinCompare, ...],
        *,
        keep_null_groups: bool,
        single: bool,
        instant: bool,
    ) -> None:
        self.repeated = 0
        self.without_group = 0
        self.repeats = Repeats()
        self.histories = histories
        self.number = number
        self._count = count
        self._joins = joins
        self._own = own
        self._is_fixed = joins.is_fixed
        self._keep_null_groups = keep_null_groups
        self._single = single
        self._instant = instant

    def feed(self, step: Step, lefts: Memory, in_time: InTime) -> Pairs:
        """What an event makes follow the matches of the left side."""
        if self.number not in step.parts:
            return []
        if self.repeats.seen(step.event):
            self.repeated += 1
            return []
        group, values = step.parts[self.number]
        if not self._keep_null_groups and None in group:
            self.without_group += 1
            return []
        key = self._joins.group_key(self.number, group)
        if key is None:
            return []
        event, place, time = step.event, step.event.order, step.event.time
        groups = tuple(group if number == self.number else None for number in range(self._count))
        if not self._single:
            # Only what begins together with a match of the left side counts where that is over at once.
            useless = self._instant and not lefts.has(key)
            if self.histories.enter(group, event, values, time if useless else 0) < self.histories.least:
                return []
        waiting = [one for one in lefts.open_to(key, groups) if one.match.at < place and in_time(one.match, time)]
        if self._single:
            if not waiting:
                return []
            # Later than the time of any event, so that this one stays alone.
            self.histories.enter(group, event, values, time + 1)
            starts = {one.number: time for one in waiting}
        else:
            starts = {one.number: one.match.start for one in waiting}
        hits = self.histories.held_from(group, event, starts.values())
        matches = {start: occurrence(hit, place, self.number, self._count) for start, hit in hits.items()}
        matches = {start: match for start, match in matches.items() if all_hold(self._own, match.parts)}
        pairs: Pairs = []
        for one in waiting:
            match = matches.get(starts[one.number])
            if match is None:
                continue
            if self._joins.fit(one.match.parts, match.parts):
                pairs.append((one, match))
            elif self._is_fixed:
                lefts.meet(one, groups)
        return pairs

    def fire(self, time: int, lefts: Memory, in_time: InTime) -> Pairs:  # noqa: ARG002 - part of the protocol
        """Nothing: a part is satisfied at events."""
        return []

    def advance(self, clock: int) -> None:
        """Forget the events that are too old."""
        self.histories.advance(clock)


class TreeAfter:
    """A relation on the right side: its matches by themselves, those that lie after the left match.

    Args:
        node: Finds its matches.
        joins: What must agree with the left side.
    """

    def __init__(self, node: Node, joins: Joins) -> None:
        self._node = node
        self._joins = joins

    @property
    def due(self) -> int | None:
        """When the side itself is due."""
        return self._node.due

    def feed(self, step: Step, lefts: Memory, in_time: InTime) -> Pairs:
        """What an event makes follow the matches of the left side."""
        return self._after(self._node.feed(step), lefts, in_time)

    def fire(self, time: int, lefts: Memory, in_time: InTime) -> Pairs:
        """The same of what becomes certain because it is ``time``."""
        return self._after(self._node.fire(time), lefts, in_time)

    def advance(self, clock: int) -> None:
        """Let the side itself forget."""
        self._node.advance(clock)

    def _after(self, matches: Iterable[Match], lefts: Memory, in_time: InTime) -> Pairs:
        return [
            (one, match)
            for match in matches
            for one in lefts.open_to(self._joins.right_key(match.parts), match.groups)
            if match.last > one.match.at
            and match.first_time >= one.match.start
            and in_time(one.match, match.last[0])
            and self._joins.fit(one.match.parts, match.parts)
        ]


class Follow:
    """FOLLOWED_BY: each match of the left side with the first of the right that follows, once for each group.

    Args:
        left: The left side.
        right: What follows.
        joins: What must agree.
        window: The longest time from the start of the left side to the last event of the right, in nanoseconds.
        delay: How much later than its newest event a match of the right side may become certain.
        room: The limits.
    """

    def __init__(self, left: Node, right: After, joins: Joins, window: int, delay: int, room: Room) -> None:
        self.lefts = Memory(room)
        self._left = left
        self._right = right
        self._joins = joins
        self._window = window
        self._keep = window + delay

    @property
    def due(self) -> int | None:
        """When either side is due."""
        return earliest(self._left.due, self._right.due)

    def feed(self, step: Step) -> list[Match]:
        """The matches that an event completes."""
        self._wait(self._left.feed(step))
        return self._follow(self._right.feed(step, self.lefts, self._in_time))

    def fire(self, time: int) -> list[Match]:
        """The matches that become certain because it is ``time``."""
        self._wait(self._left.fire(time))
        return self._follow(self._right.fire(time, self.lefts, self._in_time))

    def advance(self, clock: int) -> None:
        """Forget what nothing can follow any more."""
        self._left.advance(clock)
        self._right.advance(clock)
        self.lefts.until(clock - self._keep - 1)

    def _wait(self, matches: Iterable[Match]) -> None:
        for match in matches:
            if (key := self._joins.left_key(match.parts)) is not None:
                self.lefts.add(match, key)

    def _follow(self, pairs: Pairs) -> list[Match]:
        found = []
        for one, match in pairs:
            if match.groups not in one.met:
                self.lefts.meet(one, match.groups)
                found.append(followed(one.match, match))
        return in_order(found)

    def _in_time(self, match: Match, time: int) -> bool:
        return time - match.since <= self._window


class Unfollowed:
    """NOT_FOLLOWED_BY: each match of the left side that nothing of the right follows in less than a window.

    Args:
        left: The left side.
        right: What must not follow.
        joins: What must agree.
        window: For how long nothing may follow, in nanoseconds.
        delay: How much later than its newest event a match of the right side may become certain.
        room: The limits.
    """

    def __init__(self, left: Node, right: After, joins: Joins, window: int, delay: int, room: Room) -> None:
        self.lefts = Memory(room)
        self._left = left
        self._right = right
        self._joins = joins
        self._window = window
        self._wait = window + delay

    @property
    def due(self) -> int | None:
        """When a wait is over, or either side is due."""
        sides = earliest(self._left.due, self._right.due)
        return earliest(sides, _end_of_wait(self.lefts, self._wait))

    def feed(self, step: Step) -> list[Match]:
        """Let an event act; no match becomes certain with it."""
        self._add(self._left.feed(step))
        self._refute(self._right.feed(step, self.lefts, self._in_time))
        return []

    def fire(self, time: int) -> list[Match]:
        """The matches whose wait is over at ``time``."""
        self._add(self._left.fire(time))
        self._refute(self._right.fire(time, self.lefts, self._in_time))
        return in_order(left_alone(one.match, time) for one in self.lefts.until(time - self._wait))

    def advance(self, clock: int) -> None:
        """Let both sides forget."""
        self._left.advance(clock)
        self._right.advance(clock)

    def _add(self, matches: Iterable[Match]) -> None:
        for match in matches:
            self.lefts.add(match, self._joins.left_key(match.parts))

    def _refute(self, pairs: Pairs) -> None:
        for one, _ in pairs:
            self.lefts.drop(one)

    def _in_time(self, match: Match, time: int) -> bool:
        return time < match.at[0] + self._window


class Without:
    """AND_NOT: each match of the left side without one of the right less than a window before or after it.

    Args:
        left: The left side.
        right: What must not be around; its matches are taken by themselves.
        joins: What must agree.
        window: For how long before and after nothing may be, in nanoseconds.
        delay: How much later than its newest event a match of the right side may become certain.
        room: The limits.
    """

    def __init__(self, left: Node, right: Node, joins: Joins, window: int, delay: int, room: Room) -> None:
        self.lefts = Memory(room)
        self.rights = Memory(room)
        self._left = left
        self._right = right
        self._joins = joins
        self._window = window
        self._wait = window + delay

    @property
    def due(self) -> int | None:
        """When a wait is over, or either side is due."""
        sides = earliest(self._left.due, self._right.due)
        return earliest(sides, _end_of_wait(self.lefts, self._wait))

    def feed(self, step: Step) -> list[Match]:
        """Let an event act; no match becomes certain with it."""
        self._meet(self._left.feed(step), self._right.feed(step))
        return []

    def fire(self, time: int) -> list[Match]:
        """The matches whose wait is over at ``time``."""
        self._meet(self._left.fire(time), self._right.fire(time))
        return in_order(left_alone(one.match, time) for one in self.lefts.until(time - self._wait))

    def advance(self, clock: int) -> None:
        """Forget what is too old to refute anything."""
        self._left.advance(clock)
        self._right.advance(clock)
        self.rights.until(clock - self._window)

    def _meet(self, left: Iterable[Match], right: Iterable[Match]) -> None:
        for match in right:
            if (key := self._joins.right_key(match.parts)) is None:
                continue
            self.rights.add(match, key)
            for one in self.lefts.open_to(key, match.groups):
                if self._refutes(match, one.match):
                    self.lefts.drop(one)
        for match in left:
            key = self._joins.left_key(match.parts)
            if not any(self._refutes(other.match, match) for other in self.rights.open_to(key, match.groups)):
                self.lefts.add(match, key)

    def _refutes(self, right: Match, left: Match) -> bool:
        return abs(right.last[0] - left.at[0]) < self._window and self._joins.fit(left.parts, right.parts)


def _end_of_wait(lefts: Memory, wait: int) -> int | None:
    oldest = lefts.oldest
    return None if oldest is None else oldest.match.at[0] + wait
