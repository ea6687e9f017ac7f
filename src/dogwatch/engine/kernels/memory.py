"""What has been decided about texts, remembered from batch to batch within a limit.

Log data repeat themselves: the same paths, programs and addresses come in every batch. A text that was decided
once is looked up instead of being decided again. What is remembered never changes an answer, only its cost.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

REMEMBERED_BYTES = 64 * 2**20
"""What all memories of one plan may take together; over it they start anew."""

LONGEST_REMEMBERED = 4096
"""Characters of the longest text that is remembered."""

_OVERHEAD = 100
"""Bytes that a text takes in a memory besides its own."""

_TRIAL = 8192
"""After so many look-ups a memory is judged by how many of them it could answer."""

_LEAST_SHARE = 8
"""A memory that answers less than one look-up in so many rests."""

_REST = 64 * _TRIAL
"""A resting memory is tried again after so many texts."""

Outcome = TypeVar("Outcome")


class Allowance:
    """The bytes that several memories share.

    Args:
        limit: How many; 0 remembers nothing.
    """

    def __init__(self, limit: int = REMEMBERED_BYTES) -> None:
        self._limit = limit
        self._taken = 0
        self._memories: list[Memory[Any]] = []
        self._lock = threading.Lock()

    def join(self, memory: Memory[Any]) -> None:
        """Let a memory share the bytes."""
        self._memories.append(memory)

    def take(self, size: int) -> None:
        """Take bytes, or give some back; where there are none left, all memories are emptied."""
        with self._lock:
            self._taken += size
            if self._taken <= self._limit:
                return
            for memory in self._memories:
                memory.forget()
            self._taken = 0


class Memory(Generic[Outcome]):
    """The outcomes of one question about texts.

    A column whose texts hardly ever come again is not remembered: after a trial the memory rests for a while.

    Args:
        allowance: What it may take, shared with others.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._known: dict[str, Outcome] = {}
        self._size = 0
        self._asked = 0
        self._found = 0
        self._rest = 0
        allowance.join(self)

    def outcomes(
        self, texts: Sequence[str], decide: Callable[[list[str]], list[Outcome]]
    ) -> tuple[list[Outcome], int]:
        """The outcome of each text, and how many had to be decided.

        Args:
            texts: Texts, in any order.
            decide: Gives the outcomes of texts that are not known; none is ``None``.
        """
        if self._rest > 0:
            self._rest -= len(texts)
            return decide(list(texts)), len(texts)
        known = self._known
        seasoned = bool(known)
        found: list[Outcome | None] = list(map(known.get, texts))
        places = [place for place, outcome in enumerate(found) if outcome is None]
        if places:
            missing = [texts[place] for place in places]
            for place, outcome in zip(places, decide(missing), strict=True):
                found[place] = outcome
            self._learn(missing, [found[place] for place in places])
        if seasoned:
            self._judge(len(texts), len(texts) - len(places))
        return found, len(places)  # type: ignore[return-value] # every gap has been filled

    def forget(self) -> None:
        """Start anew."""
        self._known = {}
        self._size = 0

    def _learn(self, texts: list[str], outcomes: list[Outcome | None]) -> None:
        size = 0
        known = self._known
        for text, outcome in zip(texts, outcomes, strict=True):
            if len(text) <= LONGEST_REMEMBERED and outcome is not None:
                known[text] = outcome
                size += sys.getsizeof(text) + _OVERHEAD
        self._size += size
        self._allowance.take(size)

    def _judge(self, asked: int, found: int) -> None:
        self._asked += asked
        self._found += found
        if self._asked < _TRIAL:
            return
        if self._found * _LEAST_SHARE < self._asked:
            self._rest = _REST
            self._allowance.take(-self._size)
            self.forget()
        self._asked = self._found = 0
