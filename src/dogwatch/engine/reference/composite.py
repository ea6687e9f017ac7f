"""Patterns of several parts the long way: every pair is looked at, over a complete list of rows.

``engine.composite`` finds the same in a stream. What is written here decides.

*Order.* Rows are in canonical order: time, tiebreak, arrival. ``w`` is the pattern's window. A repeated event
(one identity) counts once for each part.

*Occurrences.* A part has an occurrence at an event of a group if its constraint holds over the group's events in
``(t - w, t]``; the group then starts anew, exactly as an ``AggregatePattern`` by itself. A join that speaks of
one part alone is a condition of its occurrences.

*A match* of a tree has an occurrence of each of its parts, but for the other side of an OR and the side that
must not occur. It becomes certain at an event, or at the moment at which a wait is over, which is before all
events of that time. To what is around it, a match that is certain at a moment stands at that moment: its window
runs from there, and what follows it comes after.

*AND.* A match of each side, in any order, from the earliest event to the newest no more than ``w``. For each two
tuples of groups the matches pair up one to one: each, as it becomes certain (the left side's first), takes the
earliest of the other side that fits and has not met this tuple of groups.

*OR.* Each match of either side.

*x FOLLOWED_BY R.* If R is one part, a group of it follows x at its first event e after the place where x became
certain, at most ``w`` after the first event of x, such that the constraint holds over all events of the group
from s to e; s is the latest of the times of the first events of the parts of x. Nothing starts anew, and no
event is used up. A part that any single event satisfies (``COUNT(*) >= 1``) has occurrences of one event here
too. Each x has one match with each group. If R is a relation, its matches are found by themselves; one follows x
if its newest event is after x and at most ``w`` after the first event of x, and its earliest event is not before
s. Each x has one match with each tuple of groups of R, the first to become certain.

*x NOT_FOLLOWED_BY R.* A match of x alone, certain ``w`` after x, unless something of R follows x as above, but
at a time less than ``w`` after the time of x.

*x AND_NOT R.* The same, unless R has a match by itself whose newest event is less than ``w`` before or after x.

If R can itself become certain only after a wait, x waits that much longer.

*Joins.* One is tested where two sides meet that have its parts between them; it is passed over if a part is
missing from the match. Texts are equal without regard to case, numbers are equal as numbers, a number is equal
to a text that is its decimal form, and truth is a text. Null joins nothing, not even by ``!=``. Numbers are
ordered among each other, and so are texts; a number and a text are not.

*Result.* Matches in the order in which they become certain, those of one event or moment by the groups of the
parts from the first to the last, a missing part before any group.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dogwatch.engine.external import NO_EXTERNALS, Externals
from dogwatch.engine.passed import GroupPassed, PartsPassed
from dogwatch.engine.reference.aggregate import Triggered, find_groups, trigger_of
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    CompositePattern,
)
from dogwatch.logic.pattern import Number as Constant
from dogwatch.logic.predicate import Order
from dogwatch.logic.relation import (
    Fixed,
    JoinCompare,
    Part,
    PartValue,
    Related,
    Relation,
    RelationTree,
    parts_of,
)
from dogwatch.schema.field import Scalar

Place = tuple[int, float, int]

_BEFORE_ALL = -math.inf


@dataclass(frozen=True, slots=True)
class Found:
    """A match.

    Attributes:
        parts: The occurrence of each part by number, ``None`` where it has none.
        time: When it became certain.
        first_time: The time of its earliest event.
    """

    parts: tuple[Triggered | None, ...]
    time: int
    first_time: int


@dataclass(frozen=True, slots=True)
class _Match:
    """``certain`` is an event's place or a moment; ``start`` is s, and ``since`` where the window begins."""

    parts: dict[int, Triggered]
    certain: Place
    start: int
    since: int

    @property
    def times(self) -> list[int]:
        return [event.time for part in self.parts.values() for event in part.events]

    @property
    def newest(self) -> Place:
        return max(part.events[-1].order for part in self.parts.values())

    @property
    def groups(self) -> dict[int, tuple[Scalar | None, ...]]:
        return {number: part.group for number, part in self.parts.items()}


def find_matches(
    pattern: CompositePattern,
    passed: Iterable[PartsPassed],
    clock: int | None = None,
    externals: Externals = NO_EXTERNALS,
) -> list[Found]:
    """Every match in a complete list of rows, which may come in any order.

    Args:
        pattern: What to look for.
        passed: The rows.
        clock: How far the data's clock has come; what is certain later is left out. ``None`` waits for everything.
        externals: Where limits of devices and baselines come from.
    """
    search = _Search(pattern, sorted(passed, key=lambda row: row.event.order), externals)
    matches = sorted(search.matches(pattern.relation), key=_order)
    return [
        Found(tuple(map(match.parts.get, range(len(pattern.parts)))), int(match.certain[0]), min(match.times))
        for match in matches
        if clock is None or match.certain[0] <= clock
    ]


@dataclass(frozen=True, slots=True)
class _Search:
    pattern: CompositePattern
    rows: Sequence[PartsPassed]
    externals: Externals

    def matches(self, tree: RelationTree) -> list[_Match]:
        """All matches of a tree by itself, in order."""
        match tree:
            case Part(number=number):
                found = self.occurrences(number)
            case Related(relation=Relation.OR, left=left, right=right):
                found = self.matches(left) + self.matches(right)
            case Related(relation=Relation.AND):
                found = self.together(tree)
            case Related(relation=Relation.FOLLOWED_BY, left=left):
                found = [_followed(x, y) for x in self.matches(left) for y in self.following(x, tree)]
            case Related(relation=Relation.NOT_FOLLOWED_BY, left=left):
                found = [self.alone(x, tree) for x in self.matches(left) if not self.following(x, tree)]
            case Related(left=left, right=right):
                around = self.matches(right)
                found = [
                    self.alone(x, tree)
                    for x in self.matches(left)
                    if not any(
                        abs(y.newest[0] - x.certain[0]) < self.pattern.window and self.fit(x, y, tree)
                        for y in around
                    )
                ]
        return sorted(found, key=_order)

    def occurrences(self, number: int) -> list[_Match]:
        """The occurrences of a part by itself."""
        part = self.pattern.parts[number]
        found = [_occurrence(number, one) for one in find_groups(part, self.rows_of(number), self.externals)]
        return [one for one in found if self.holds_alone(one)]

    def together(self, tree: Related) -> list[_Match]:
        """The pairs of an AND."""
        sides = (self.matches(tree.left), self.matches(tree.right))
        coming = sorted(
            ((one.certain, side, place) for side in (0, 1) for place, one in enumerate(sides[side])),
        )
        found: list[_Match] = []
        pairs: list[tuple[_Match, _Match]] = []
        for turn, (_, side, place) in enumerate(coming):
            one = sides[side][place]
            for _, other_side, other_place in coming[:turn]:
                other = sides[other_side][other_place]
                x, y = (one, other) if side == 0 else (other, one)
                met = any(
                    (x is left and y.groups == right.groups) or (y is right and x.groups == left.groups)
                    for left, right in pairs
                )
                if side == other_side or met or not self.fit(x, y, tree):
                    continue
                if max(x.times + y.times) - min(x.times + y.times) <= self.pattern.window:
                    pairs.append((x, y))
                    found.append(_together(x, y))
        return found

    def following(self, x: _Match, tree: Related) -> list[_Match]:
        """What of the right side follows a match of the left, once for each group or tuple of groups."""
        if isinstance(tree.right, Part):
            rows = self.rows_of(tree.right.number)
            groups = list(dict.fromkeys(row.group for row in rows))
            each = [
                self.first_of(x, tree, tree.right.number, [row for row in rows if row.group == group])
                for group in groups
            ]
            return [one for one in each if one is not None]
        found: list[_Match] = []
        for y in self.matches(tree.right):
            if (
                y.newest > x.certain
                and self.in_time(x, y.newest[0], tree)
                and min(y.times) >= x.start
                and self.fit(x, y, tree)
                and all(y.groups != other.groups for other in found)
            ):
                found.append(y)
        return found

    def first_of(self, x: _Match, tree: Related, number: int, rows: Sequence[GroupPassed]) -> _Match | None:
        """The first occurrence that follows, of one group with these rows."""
        part = self.pattern.parts[number]
        for place, row in enumerate(rows):
            if row.event.order <= x.certain or not self.in_time(x, row.event.time, tree):
                continue
            window = [other for other in rows[: place + 1] if other.event.time >= x.start]
            trigger = trigger_of(part, [row] if _any_event_will_do(part) else window, self.externals)
            if trigger is not None:
                found = _occurrence(number, trigger)
                if self.holds_alone(found) and self.fit(x, found, tree):
                    return found
        return None

    def in_time(self, x: _Match, time: float, tree: Related) -> bool:
        """Whether something at a time is not too late to follow."""
        if tree.relation is Relation.FOLLOWED_BY:
            return time - x.since <= self.pattern.window
        return time < x.certain[0] + self.pattern.window

    def alone(self, x: _Match, tree: Related) -> _Match:
        """A match whose wait is over."""
        return _at_moment(x.parts, int(x.certain[0]) + self.pattern.window + self.wait(tree.right))

    def wait(self, tree: RelationTree) -> int:
        """How long after its newest event a match of a tree may become certain."""
        match tree:
            case Part():
                return 0
            case Related(relation=relation, left=left, right=right) if relation.negates:
                return self.wait(left) + self.pattern.window + self.wait(right)
            case Related(left=left, right=right):
                return max(self.wait(left), self.wait(right))

    def rows_of(self, number: int) -> list[GroupPassed]:
        """The rows of one part, repeats left out, in order."""
        found: list[GroupPassed] = []
        part = self.pattern.parts[number]
        for row in self.rows:
            for own, group, values in row.parts:
                repeated = any(row.event.identity == other.event.identity for other in found)
                if own == number and not repeated and (part.keep_null_groups or None not in group):
                    found.append(GroupPassed(row.event, group, values))
        return found

    def holds_alone(self, one: _Match) -> bool:
        """Whether the joins hold that speak of this part alone."""
        return all(_joins(join, one.parts) for join in self.pattern.joins if join.parts == one.parts.keys())

    def fit(self, left: _Match, right: _Match, tree: Related) -> bool:
        """Whether the joins hold that are decided where two sides meet."""
        on_left, on_right = set(parts_of(tree.left)), set(parts_of(tree.right))
        here = [
            join
            for join in self.pattern.joins
            if join.parts <= on_left | on_right and not join.parts <= on_left and not join.parts <= on_right
        ]
        return all(_joins(join, left.parts | right.parts) for join in here)


def _occurrence(number: int, one: Triggered) -> _Match:
    first = one.events[0].time
    return _Match({number: one}, one.events[-1].order, first, first)


def _at_moment(parts: dict[int, Triggered], time: int) -> _Match:
    return _Match(parts, (time, _BEFORE_ALL, 0), time, time)


def _together(x: _Match, y: _Match) -> _Match:
    return _united(x, y, min(x.since, y.since))


def _followed(x: _Match, y: _Match) -> _Match:
    return _united(x, y, x.since)


def _united(x: _Match, y: _Match, since: int) -> _Match:
    certain = max(x.certain, y.certain)
    if certain[1] == _BEFORE_ALL:
        return _at_moment(x.parts | y.parts, certain[0])
    return _Match(x.parts | y.parts, certain, max(x.start, y.start), since)


def _any_event_will_do(part: AggregatePattern) -> bool:
    count = Aggregate(AggregateFunction.COUNT)
    return isinstance(part.constraint, AggregateCompare) and part.constraint in (
        AggregateCompare(Order.GE, count, Constant(1)),
        AggregateCompare(Order.GT, count, Constant(0)),
    )


def _joins(join: JoinCompare, parts: dict[int, Triggered]) -> bool:
    if not join.parts <= parts.keys():
        return True
    left, right = _value(join.left, parts), _value(join.right, parts)
    if left is None or right is None or _is_nan(left) or _is_nan(right):
        return False
    if join.op is Order.EQ:
        return (_same(left) == _same(right)) is not join.negated
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.lower(), right.lower()
        answer = {Order.LT: left < right, Order.LE: left <= right, Order.GT: left > right, Order.GE: left >= right}
        return answer[join.op] is not join.negated
    if isinstance(left, str) or isinstance(right, str):
        return False
    answer = {Order.LT: left < right, Order.LE: left <= right, Order.GT: left > right, Order.GE: left >= right}
    return answer[join.op] is not join.negated


def _is_nan(value: Scalar) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _same(value: Scalar) -> str:
    """The text that stands for all values equal to this."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower()


def _value(side: PartValue | Fixed, parts: dict[int, Triggered]) -> Scalar | None:
    if isinstance(side, Fixed):
        return side.value
    part = parts[side.part]
    return part.shown[side.source] if isinstance(side.source, str) else part.group[side.source]


def _order(match: _Match) -> tuple[object, ...]:
    groups = [
        [(value is not None, isinstance(value, str), value or 0) for value in match.parts[number].group]
        if number in match.parts
        else []
        for number in range(max(match.parts) + 1)
    ]
    return (match.certain, groups, [part.events[-1].order for _, part in sorted(match.parts.items())])
