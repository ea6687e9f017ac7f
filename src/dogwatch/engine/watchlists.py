"""Watch lists: what rules have noted of earlier events, for others to ask about (FortiSIEM)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dogwatch.base.stretches import Stretches, with_stretch
from dogwatch.base.time import FOREVER
from dogwatch.logic.keytext import key_text
from dogwatch.schema.field import Scalar

LIMIT_ENTRIES = 1_000_000
"""Entries of all lists together: their values come from events."""

Entry = tuple[str, Scalar, int, int]
"""The list's name, the value, when it was added, and when it is over (nanoseconds since 1970 UTC)."""


class WatchLists:
    """Values by list, each with the times at which it is there.

    Names of lists and values are compared without regard to letter case, numbers as numbers. An addition makes a
    value be there between two times; what is added again while it is there stays longer.

    When there are too many entries, the longest list loses the one that has not been added for longest: a flood
    of one list costs the others nothing.

    Args:
        limit: Most entries of all lists together.

    Attributes:
        evicted: Entries lost for want of room.
    """

    def __init__(self, limit: int = LIMIT_ENTRIES) -> None:
        self.evicted = 0
        self._limit = limit
        self._count = 0
        # Each list in the order of last additions.
        self._lists: dict[str, dict[str, Stretches]] = {}

    def __len__(self) -> int:
        """The entries of all lists."""
        return self._count

    def add(self, name: str, value: Scalar, time: int, until: int = FOREVER) -> None:
        """Put a value on a list.

        Args:
            name: The list's name.
            value: The value.
            time: When, nanoseconds since 1970 UTC; later events find it there.
            until: When it is over; events from then on do not find it.
        """
        entries = self._lists.setdefault(key_text(name), {})
        text = key_text(value)
        known = entries.pop(text, None)
        entries[text] = with_stretch(known or (), time, until)
        if known is None:
            self._count += 1
            if self._count > self._limit:
                self._evict()

    def holds(self, name: str, value: Scalar, time: int) -> bool:
        """Whether the value is on the list at ``time``, not if it is put there or taken off at that very time."""
        entries = self._lists.get(key_text(name))
        if not entries:
            return False
        return any(added < time < until for added, until in entries.get(key_text(value), ()))

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add many."""
        for name, value, added, until in entries:
            self.add(name, value, added, until)

    def replace(self, entries: Iterable[Entry]) -> None:
        """Forget all entries and add others."""
        self._lists.clear()
        self._count = 0
        self.extend(entries)

    def entries(self) -> Iterator[Entry]:
        """Every entry, those of a list in the order of their last additions; texts in lower case."""
        for name, values in self._lists.items():
            for text, stretches in values.items():
                for added, until in stretches:
                    yield name, text, added, until

    def _evict(self) -> None:
        longest = max(self._lists.values(), key=len)
        del longest[next(iter(longest))]
        self._count -= 1
        self.evicted += 1
