"""Finished sequences that wait to see whether something follows that must not (a trailing ``![...]``)."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator

import msgspec

from dogwatch.events.batch import Event
from dogwatch.logic.pattern import Key

_SLACK = 64
"""Places of the heap that may be stale before it is made anew."""


class Waiting(msgspec.Struct):
    """A finished sequence that a later event may still refute.

    Attributes:
        key: Its join key.
        events: One for each stage.
        end: Until when, inclusive, a match of a trailing absence refutes it; nanoseconds since 1970 UTC.
        rank: The key's place among the keys of the last event's row, which orders the sequences of one event.
        open: Whether it is still undecided.
    """

    key: Key
    events: tuple[Event, ...]
    end: int
    rank: int
    open: bool = True


class WaitingRoom:
    """The sequences of all keys that wait, until the clock of the data decides them.

    Attributes:
        count: How many are undecided.
    """

    def __init__(self) -> None:
        self.count = 0
        # By last event. What was released stays in its queue until it comes to the front.
        self._of_key: dict[Key, deque[Waiting]] = {}
        # By end. What was refuted or dropped stays until it comes to the top, or there is too much of it.
        self._heap: list[tuple[int, int, Waiting]] = []
        self._numbers = itertools.count()

    def __iter__(self) -> Iterator[Waiting]:
        """Those undecided, in the order of their last events."""
        return iter(sorted((one for _, _, one in self._heap if one.open), key=_place))

    @property
    def first_end(self) -> int | None:
        """The end of the window that ends first."""
        self._uncover()
        return self._heap[0][0] if self._heap else None

    def add(self, one: Waiting) -> None:
        """Let a sequence wait."""
        queue = self._of_key.setdefault(one.key, deque())
        at = len(queue)
        while at and _place(one) < _place(queue[at - 1]):
            at -= 1
        queue.insert(at, one)
        heapq.heappush(self._heap, (one.end, next(self._numbers), one))
        self.count += 1

    def refute(self, key: Key, time: int) -> None:
        """Take note of a match of a trailing absence: sequences of the key that ended before it are refuted.

        The match is no later than any end, since ``release`` was called with the clock.
        """
        queue = self._of_key.get(key)
        if queue is None:
            return
        while queue and (not queue[0].open or queue[0].events[-1].time < time):
            self._close(queue.popleft())
        if not queue:
            del self._of_key[key]
        self._compact()

    def release(self, clock: int) -> list[Waiting]:
        """Those whose window the clock has passed, no more waiting, in the order of their last events."""
        released = []
        while self._heap and self._heap[0][0] < clock:
            _, _, one = heapq.heappop(self._heap)
            if one.open:
                released.append(one)
                self._close(one)
                self._tidy(one.key)
        return sorted(released, key=_place)

    def drop(self, key: Key) -> int:
        """Forget what waits under a key; returns how many those were."""
        before = self.count
        for one in self._of_key.pop(key, ()):
            self._close(one)
        self._compact()
        return before - self.count

    def drop_first(self) -> None:
        """Forget the one whose window ends first."""
        self._uncover()
        if self._heap:
            _, _, one = heapq.heappop(self._heap)
            self._close(one)
            self._tidy(one.key)

    def empty(self) -> list[Waiting]:
        """All of them, no more waiting, in the order of their last events."""
        everything = list(self)
        self._of_key.clear()
        self._heap.clear()
        self.count = 0
        return everything

    def _close(self, one: Waiting) -> None:
        if one.open:
            one.open = False
            self.count -= 1

    def _tidy(self, key: Key) -> None:
        queue = self._of_key[key]
        while queue and not queue[0].open:
            queue.popleft()
        if not queue:
            del self._of_key[key]

    def _uncover(self) -> None:
        while self._heap and not self._heap[0][2].open:
            heapq.heappop(self._heap)

    def _compact(self) -> None:
        if len(self._heap) > 2 * self.count + _SLACK:
            self._heap = [place for place in self._heap if place[2].open]
            heapq.heapify(self._heap)


def _place(one: Waiting) -> tuple[tuple[int, int, int], int]:
    return one.events[-1].order, one.rank
