"""Matches of a relation or of a side of it, and their place in the order of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dogwatch.engine.aggregate import AggregateHit
from dogwatch.logic.pattern import Key
from dogwatch.schema.field import Scalar

Place = tuple[int, int, int]
"""An event's ``order``, or a moment."""

Parts = tuple[AggregateHit | None, ...]
"""The occurrence of each part of the pattern, by number; ``None`` for those that are missing."""

Groups = tuple[Key | None, ...]
"""The group of each part of a match, ``None`` for those that are missing."""

_BEFORE_ALL = (-(2**63), -1)
"""What comes before the tiebreak and the arrival of every event."""


def moment(time: int) -> Place:
    """The place before all events of a time."""
    return (time, *_BEFORE_ALL)


def is_moment(place: Place) -> bool:
    """Whether a place is that of a time that passed, not of an event."""
    return place[1:] == _BEFORE_ALL


@dataclass(frozen=True, slots=True)
class Match:
    """A match of a tree of relations; times in nanoseconds since 1970 UTC.

    Attributes:
        parts: The occurrences that it consists of.
        at: Where it became certain: the place of an event, or the moment at which a wait was over.
        last: The place of the newest contributing event.
        first_time: The time of the earliest contributing event.
        start: From when on events count that contribute to something that follows: no event of that may be earlier
            than the first event of any part of this match.
        since: From when on the window runs in which something follows.
        groups: The groups that met.
    """

    parts: Parts
    at: Place
    last: Place
    first_time: int
    start: int
    since: int
    groups: Groups


def occurrence(hit: AggregateHit, at: Place, number: int, count: int) -> Match:
    """A match of one part.

    Args:
        hit: Its group whose constraint came to hold.
        at: The place of the event at which it did.
        number: The part's number.
        count: How many parts the pattern has.
    """
    parts = tuple(hit if place == number else None for place in range(count))
    return Match(parts, at, at, hit.first_time, hit.first_time, hit.first_time, groups_of(parts))


def both(left: Match, right: Match) -> Match:
    """A match of two sides that stand beside each other."""
    return _united(left, right, min(left.since, right.since))


def followed(left: Match, right: Match) -> Match:
    """A match of a side and one that follows it."""
    return _united(left, right, left.since)


def left_alone(match: Match, time: int) -> Match:
    """A match that nothing refuted until ``time``; what is around it sees it happen at that moment."""
    return replace(match, at=moment(time), start=time, since=time)


def groups_of(parts: Parts) -> Groups:
    """The groups of occurrences."""
    return tuple(None if hit is None else hit.group for hit in parts)


def events_of(match: Match) -> int:
    """How many whole events a match holds."""
    return sum(len(hit.events) for hit in match.parts if hit is not None)


def thinned(match: Match) -> Match:
    """The same match, which shows only the newest event of each occurrence."""
    parts = tuple(None if hit is None else replace(hit, events=hit.events[-1:]) for hit in match.parts)
    return replace(match, parts=parts)


def merged(left: Parts, right: Parts) -> Parts:
    """The occurrences of two sides, which have no part in common."""
    return tuple(right[place] if hit is None else hit for place, hit in enumerate(left))


def _united(left: Match, right: Match, since: int) -> Match:
    at, start = max(left.at, right.at), max(left.start, right.start)
    if is_moment(at):
        start = since = at[0]
    parts = merged(left.parts, right.parts)
    first_time = min(left.first_time, right.first_time)
    return Match(parts, at, max(left.last, right.last), first_time, start, since, groups_of(parts))


def in_order(matches: Iterable[Match]) -> list[Match]:
    """Matches by the place where they became certain, then by their groups, then by the places of their parts."""
    found = list(matches)
    if len(found) > 1:
        found.sort(key=_order)
    return found


SortKey = tuple[Place, tuple[tuple[tuple[str, float | str], ...], ...], tuple[Place, ...]]
"""Where a match became certain, its groups, and the newest events of its parts."""


def _order(match: Match) -> SortKey:
    return (
        match.at,
        tuple(() if group is None else tuple(map(_rank, group)) for group in match.groups),
        tuple(hit.events[-1].order for hit in match.parts if hit is not None and hit.events),
    )


def _rank(value: Scalar | None) -> tuple[str, float | str]:
    """Values of different types side by side: null, then numbers, then texts."""
    if value is None:
        return ("", 0)
    return ("text", value) if isinstance(value, str) else ("number", value)
