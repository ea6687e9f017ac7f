"""Patterns of several parts: occurrences of aggregate patterns in relation to each other (FortiSIEM's rules).

``engine.reference.composite`` says what is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from dogwatch.engine.aggregate import AggregateHit
from dogwatch.engine.external import NO_EXTERNALS, Externals
from dogwatch.engine.passed import PartsPassed, aggregated_fields
from dogwatch.engine.relation.build import Plan
from dogwatch.engine.relation.match import Match, Place
from dogwatch.engine.relation.memory import Room
from dogwatch.engine.relation.node import Step
from dogwatch.engine.relation.stored import Store, StoredFollower, StoredMemory
from dogwatch.engine.state import EventRow, decode, encode, state_error
from dogwatch.events.batch import NO_TIME
from dogwatch.logic.pattern import CompositePattern
from dogwatch.logic.relation import Part, RelationTree

_FORMAT = 1
"""Version of the saved state."""


@dataclass(frozen=True, slots=True)
class CompositeHit:
    """A match of a composite pattern.

    Attributes:
        time: When it became certain: the time of its last event, or the end of the wait for something that
            must not occur; nanoseconds since 1970 UTC.
        first_time: The time of the earliest contributing event.
        parts: The occurrence of each part by number; ``None`` for those that are missing from the match.
        pending: Whether its wait was cut short by the end of the data, which had not disproved it.
    """

    time: int
    first_time: int
    parts: tuple[AggregateHit | None, ...]
    pending: bool = False


class _Saved(msgspec.Struct, frozen=True, array_like=True, tag="composite"):
    format: int
    shape: str
    clock: int
    last: Place | None
    too_late: int
    events: list[EventRow]
    aggregators: list[bytes]
    memories: list[StoredMemory]
    followers: list[StoredFollower]


class CompositeMatcher:
    """Finds the matches of one composite pattern in a stream of passed rows.

    Rows must come in canonical order (``engine.reorder`` brings late ones there). Memory is bounded by ``room``,
    and so is the time that a row takes.

    Args:
        pattern: What to look for.
        room: The limits.
        externals: Where limits of devices and baselines come from.

    Attributes:
        too_late: Rows that came out of order and were ignored.
    """

    def __init__(
        self, pattern: CompositePattern, room: Room | None = None, *, externals: Externals = NO_EXTERNALS
    ) -> None:
        self.too_late = 0
        self._pattern = pattern
        self._room = room or Room()
        self._externals = externals
        self._plan = Plan(pattern, self._room, externals)
        self._root = self._plan.node(pattern.relation)
        self._clock = NO_TIME
        self._last: Place | None = None

    @property
    def waiting(self) -> int:
        """Matches that wait for the time to pass in which something could refute them."""
        return sum(map(len, self._plan.waits))

    @property
    def evicted(self) -> int:
        """Matches of sides forgotten for want of room, with what could have come of them."""
        return sum(memory.evicted for memory in self._plan.memories)

    @property
    def evicted_rows(self) -> int:
        """Rows forgotten for want of room."""
        rows = sum(aggregator.evicted_rows for aggregator in self._plan.aggregators)
        return rows + sum(follower.histories.evicted for follower in self._plan.followers)

    @property
    def evicted_groups(self) -> int:
        """Groups of parts forgotten for want of room."""
        return sum(aggregator.evicted_groups for aggregator in self._plan.aggregators)

    @property
    def repeated(self) -> int:
        """Rows ignored by a part because their event was already there."""
        followers = sum(follower.repeated for follower in self._plan.followers)
        return followers + sum(aggregator.repeated for aggregator in self._plan.aggregators)

    @property
    def without_group(self) -> int:
        """Rows dropped by a part because a grouping field was missing."""
        followers = sum(follower.without_group for follower in self._plan.followers)
        return followers + sum(aggregator.without_group for aggregator in self._plan.aggregators)

    def feed(self, passed: PartsPassed) -> list[CompositeHit]:
        """Let the next row act.

        Returns:
            First the matches that its time decided, then those that it completes.
        """
        event = passed.event
        if event.time < self._clock or (self._last is not None and event.order < self._last):
            self.too_late += 1
            return []
        hits = self.advance(event.time)
        self._last = event.order
        step = Step(event, {number: (group, values) for number, group, values in passed.parts})
        return hits + _hits(self._root.feed(step))

    def advance(self, clock: int) -> list[CompositeHit]:
        """Let the clock of the data reach ``clock``: no row of an earlier time will come.

        Returns:
            The matches that this decides, in the order of the times at which they are certain.
        """
        hits = []
        while (due := self._root.due) is not None and due <= clock:
            hits += self._fire(due)
        if clock > self._clock:
            self._clock = clock
            self._root.advance(clock)
        return hits

    def finish(self, flush: bool = False) -> list[CompositeHit]:
        """The data has ended.

        Args:
            flush: Whether what still waits counts as a match, as if nothing more happened.

        Returns:
            What was waiting, marked as pending; nothing without ``flush``.
        """
        hits = []
        while flush and (due := self._root.due) is not None:
            hits += self._fire(due, pending=True)
        return hits

    def save(self) -> bytes:
        """All that is kept, as bytes for ``restore``, in this or a later version of the program."""
        plan, store = self._plan, Store(self._pattern)
        memories = [store.memory(memory) for memory in plan.memories]
        followers = [store.follower(follower) for follower in plan.followers]
        aggregators = [aggregator.save() for aggregator in plan.aggregators]
        saved = _Saved(
            _FORMAT,
            _shape(self._pattern),
            self._clock,
            self._last,
            self.too_late,
            store.table.rows(),
            aggregators,
            memories,
            followers,
        )
        return encode(saved)

    def restore(self, data: bytes) -> None:
        """Go on from what ``save`` gave, in place of what is held now.

        The caller knows that the state belongs to the same pattern; only its shape is checked. After an error the
        matcher must not be used.

        Raises:
            DogwatchError: The bytes hold no state of such a pattern (``state-format``).
        """
        saved = decode(data, _Saved)
        if saved.format != _FORMAT:
            raise state_error(f"their format is {saved.format}, not {_FORMAT}")
        if saved.shape != _shape(self._pattern):
            raise state_error(f"they are of the pattern {saved.shape}, not {_shape(self._pattern)}")
        # A new plan, so that nothing of the old state is left.
        self._plan = Plan(self._pattern, self._room, self._externals)
        self._root = self._plan.node(self._pattern.relation)
        plan, store = self._plan, Store(self._pattern, [row.event() for row in saved.events])
        held = (len(plan.aggregators), len(plan.memories), len(plan.followers))
        if (len(saved.aggregators), len(saved.memories), len(saved.followers)) != held:
            raise state_error("they hold another number of things than the pattern keeps")
        for aggregator, data_of_it in zip(plan.aggregators, saved.aggregators, strict=True):
            aggregator.restore(data_of_it)
        for memory, stored in zip(plan.memories, saved.memories, strict=True):
            store.restore_memory(memory, stored)
        for follower, stored_follower in zip(plan.followers, saved.followers, strict=True):
            store.restore_follower(follower, stored_follower)
        self._clock = saved.clock
        self._last = saved.last
        self.too_late = saved.too_late

    def _fire(self, due: int, *, pending: bool = False) -> list[CompositeHit]:
        return _hits(self._root.fire(due), pending=pending)


def _hits(matches: Iterable[Match], *, pending: bool = False) -> list[CompositeHit]:
    return [CompositeHit(match.at[0], match.first_time, match.parts, pending) for match in matches]


def _shape(pattern: CompositePattern) -> str:
    fields = ",".join(f"{len(part.group_by)}/{len(aggregated_fields(part))}" for part in pattern.parts)
    return f"{_tree(pattern.relation)} of {fields}"


def _tree(tree: RelationTree) -> str:
    if isinstance(tree, Part):
        return str(tree.number)
    return f"({_tree(tree.left)} {tree.relation.value} {_tree(tree.right)})"
