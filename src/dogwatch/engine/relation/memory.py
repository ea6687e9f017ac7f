"""Matches that are kept for a while because something may still meet them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from dogwatch.engine.relation.join import JoinKey
from dogwatch.engine.relation.match import Groups, Match, events_of, thinned


@dataclass(frozen=True, slots=True)
class Room:
    """What a matcher of a composite pattern keeps at most; beyond it the oldest goes, and is counted.

    Attributes:
        groups: Groups of one part.
        rows: Rows of one part, over all its groups.
        documents: Whole events of one part, and of the matches of one side; beyond it the oldest are given up,
            which changes only what hits show.
        events: Events that a hit shows of one part (at least 2): half of them the oldest, half the newest.
        matches: Matches of one side of a relation that wait for the other.
        matches_of_key: Those of them with one join key, which bounds the time that a row takes.
        meetings: Pairs remembered so that none is given twice, for one side of a relation.
        rows_of_group: Rows of one group of a part that follows something, which bounds the time that a row takes
            (more if the part's own constraint asks for more).
    """

    groups: int = 1_000_000
    rows: int = 1_000_000
    documents: int = 100_000
    events: int = 100
    matches: int = 100_000
    matches_of_key: int = 1_000
    meetings: int = 1_000_000
    rows_of_group: int = 1_000


@dataclass(slots=True, eq=False)
class Kept:
    """A match that is kept.

    Attributes:
        number: Its place in the order of coming.
        match: The match.
        key: Its join key; ``None`` joins nothing.
        met: The groups of the other side that it has been matched with, or never will be.
    """

    number: int
    match: Match
    key: JoinKey | None
    met: set[Groups] = field(default_factory=set)


class Memory:
    """The matches of one side, under their join keys, in the order of becoming certain.

    Args:
        room: The limits.

    Attributes:
        evicted: Matches forgotten for want of room.
    """

    def __init__(self, room: Room) -> None:
        self.evicted = 0
        self._room = room
        self._numbers = 0
        self._meetings = 0
        self._events = 0
        self._all: OrderedDict[int, Kept] = OrderedDict()
        # Those that still show all of their events.
        self._whole: OrderedDict[int, Kept] = OrderedDict()
        self._of_key: dict[JoinKey, OrderedDict[int, Kept]] = {}
        # The numbers of those that have met some groups; the other way round than ``Kept.met``.
        self._met: dict[Groups, set[int]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Kept]:
        """All of them, the oldest first."""
        return iter(self._all.values())

    @property
    def oldest(self) -> Kept | None:
        """The one that came first."""
        return next(iter(self._all.values()), None)

    def open_to(self, key: JoinKey | None, groups: Groups) -> list[Kept]:
        """Those with a key that have not met some groups, the oldest first."""
        alike = None if key is None else self._of_key.get(key)
        if alike is None:
            return []
        met = self._met.get(groups)
        if met is None:
            return list(alike.values())
        return [alike[number] for number in sorted(alike.keys() - met)]

    def has(self, key: JoinKey | None) -> bool:
        """Whether there is any with a key."""
        return key is not None and key in self._of_key

    def add(self, match: Match, key: JoinKey | None) -> Kept:
        """Keep a match that is no older than any other."""
        one = Kept(self._numbers, match, key)
        self._numbers += 1
        self._all[one.number] = self._whole[one.number] = one
        self._events += events_of(match)
        while self._events > self._room.documents and self._whole:
            _, oldest = self._whole.popitem(last=False)
            self._events -= events_of(oldest.match)
            oldest.match = thinned(oldest.match)
            self._events += events_of(oldest.match)
        if key is not None:
            alike = self._of_key.setdefault(key, OrderedDict())
            alike[one.number] = one
            if len(alike) > self._room.matches_of_key:
                self._evict(next(iter(alike.values())))
        if len(self._all) > self._room.matches:
            self._evict(next(iter(self._all.values())))
        return one

    def meet(self, one: Kept, groups: Groups) -> None:
        """Remember that there is nothing more between a match and groups of the other side."""
        if one.number not in self._all or groups in one.met:
            return
        one.met.add(groups)
        self._met.setdefault(groups, set()).add(one.number)
        self._meetings += 1
        while self._meetings > self._room.meetings:
            self._evict(next(iter(self._all.values())))

    def drop(self, one: Kept) -> None:
        """Forget one, if it is still there."""
        if self._all.pop(one.number, None) is None:
            return
        self._whole.pop(one.number, None)
        self._events -= events_of(one.match)
        self._meetings -= len(one.met)
        for groups in one.met:
            numbers = self._met[groups]
            numbers.discard(one.number)
            if not numbers:
                del self._met[groups]
        if one.key is not None:
            alike = self._of_key[one.key]
            del alike[one.number]
            if not alike:
                del self._of_key[one.key]

    def until(self, time: int) -> list[Kept]:
        """Take out those that became certain no later than ``time``, the oldest first."""
        found = []
        while (one := self.oldest) is not None and one.match.at[0] <= time:
            self.drop(one)
            found.append(one)
        return found

    def _evict(self, one: Kept) -> None:
        self.evicted += 1
        self.drop(one)
