"""A rule's pipes (EQL's ``| head 5``, ``| tail 1``): which of the ordered results of one run it keeps."""

from __future__ import annotations

import bisect
from typing import Generic, TypeVar

from dogwatch.engine.limit import limited
from dogwatch.logic.pattern import End, Limit

T = TypeVar("T")


class Pipe(Generic[T]):
    """Takes the results of a run as they are found and says which of them are kept.

    No more is held than the first limit keeps.

    Args:
        limits: The rule's pipes, at least one.

    Attributes:
        seen: How many results there were.
    """

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self.seen = 0
        self._first, *self._rest = limits
        self._held: list[tuple[tuple[int, ...], int, T]] = []

    def add(self, place: tuple[int, ...], result: T) -> None:
        """Take a result.

        Args:
            place: Its place in the order of results; equal ones stay as they came.
            result: The result.
        """
        bisect.insort(self._held, (place, self.seen, result), key=lambda entry: entry[:2])
        self.seen += 1
        if len(self._held) > self._first.count:
            del self._held[0 if self._first.end is End.TAIL else -1]

    def kept(self) -> list[T]:
        """What is kept of the results so far, in order."""
        return list(limited((result for _, _, result in self._held), self._rest))
