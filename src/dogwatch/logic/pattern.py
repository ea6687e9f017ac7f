"""Patterns: what a rule looks for in a stream of events."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dogwatch.logic.predicate import Field, Order, Predicate, fields_of
from dogwatch.logic.relation import JoinCompare, RelationTree
from dogwatch.schema.field import FieldRef, Scalar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EventPattern:
    """Single events that satisfy a predicate."""

    predicate: Predicate


@dataclass(frozen=True, slots=True)
class JoinKey:
    """One component of a stage's key.

    Attributes:
        field: The column; a many-valued one makes the event act once per value.
        optional: A missing value is a key value of its own, equal to itself. Otherwise an event without
            a value takes no part.
    """

    field: Field
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a sequence: which events, and the key that they must share (pairs up by position)."""

    predicate: Predicate
    keys: tuple[JoinKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Absence:
    """A step of a sequence at which no event may occur (EQL's ``![...]``).

    It plays no part while a sequence grows; one that is complete is then tested. Times alone are compared,
    strictly: an event at the very time of a neighbour is not between.

    Attributes:
        stage: Which events must not occur, under which key.
        after: How many of the sequence's stages come before it: none for a leading absence, all for a
            trailing one.
        runs: How many places it takes in the result (``with runs``).
    """

    stage: Stage
    after: int
    runs: int = 1


@dataclass(frozen=True, slots=True)
class SequencePattern:
    """Events that follow each other under one key, as Elasticsearch's EQL sequences do.

    Attributes:
        stages: The events that must occur: at least two, or one beside an absence; ``with runs`` is already
            written out.
        maxspan: Longest time from the first event to the last, inclusive, in nanoseconds; ``None`` is no limit,
            which a pattern with absences never has.
        until: Events that end what is pending under their key.
        absences: Events that must not occur, by their place.
    """

    stages: tuple[Stage, ...]
    maxspan: int | None = None
    until: Stage | None = None
    absences: tuple[Absence, ...] = ()

    def laid_out(self, events: Sequence[T]) -> tuple[T | None, ...]:
        """The events of a finished sequence in the query's order, with ``None`` in each place of an absence."""
        places: list[T | None] = []
        for number in range(len(events) + 1):
            for absence in self.absences:
                places += [None] * (absence.runs if absence.after == number else 0)
            places += events[number : number + 1]
        return tuple(places)


@dataclass(frozen=True, slots=True)
class SamplePattern:
    """Different events under one key, one for each stage, in whatever order they occurred (EQL's ``sample``).

    Events without a timestamp take part.

    Attributes:
        stages: At least two; each has at least one key.
    """

    stages: tuple[Stage, ...]


class AggregateFunction(enum.Enum):
    """What is computed over the events of a group."""

    COUNT = "COUNT"
    COUNT_DISTINCT = "COUNT DISTINCT"
    SUM = "SUM"
    AVG = "AVG"
    MIN = "MIN"
    MAX = "MAX"
    MEDIAN = "MEDIAN"
    MODE = "MODE"
    """The most frequent value; of several, the one that entered the window first."""
    FIRST = "FIRST"
    """The oldest value in the window."""
    LAST = "LAST"
    """The newest value in the window."""
    STDDEV = "STDDEV"
    """The population's standard deviation."""
    VARIANCE = "VARIANCE"
    """The population's variance."""
    PCTILE = "PCTILE"
    """A percentile by nearest rank; ``Aggregate.percent`` says which."""
    PCTCHANGE = "PctChange"
    """From the first value to the last, in per cent of the first."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate over a group; ``field`` is ``None`` for ``COUNT(*)``. Missing values take no part.

    ``percent`` is set for percentiles alone: above 0, at most 100.
    """

    function: AggregateFunction
    field: Field | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A constant in a constraint."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a constraint, to compare FIRST, LAST, MODE with; letter case does not count."""

    value: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit that is kept for each device, or each component of a device (``DeviceToCMDBAttr``).

    Attributes:
        device: Which of the grouping fields names the device; ``None`` asks for the limit of all devices.
        component: Which of them names the component, if the limit is one of components.
        name: The limit's name.
    """

    device: int | None
    component: int | None
    name: str


class Statistic(enum.Enum):
    """What a baseline profile remembers of an aggregate."""

    AVERAGE = "STAT_AVG"
    DEVIATION = "STAT_STDDEV"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a numbered profile holds for the group, the hour and the kind of day (``STAT_AVG(x:116)``)."""

    statistic: Statistic
    of: Aggregate
    profile: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` with op one of ``+ - * /``; null spreads, division by zero is null."""

    op: str
    left: AggregateExpression
    right: AggregateExpression


AggregateExpression = Aggregate | Number | Text | Threshold | Baseline | Arithmetic


@dataclass(frozen=True, slots=True)
class AggregateCompare:
    """A comparison of two aggregate expressions; with a null side it is unknown. ``op`` as in Order, or ``!=``."""

    op: Order
    left: AggregateExpression
    right: AggregateExpression
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AggregateAnd:
    """All of the parts."""

    parts: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class AggregateOr:
    """Any of the parts."""

    parts: tuple[Constraint, ...]


Constraint = AggregateCompare | AggregateAnd | AggregateOr


@dataclass(frozen=True, slots=True)
class AggregatePattern:
    """Groups of events in a sliding window whose aggregates satisfy a constraint (one FortiSIEM subpattern).

    A group is tested at each of its events, over the events in ``(t - window, t]``. When the constraint
    holds the group has triggered, and it starts anew with later events.

    Attributes:
        name: The subpattern's name.
        predicate: Which events count.
        group_by: Grouping fields; the first value of a many-valued field counts, a missing one is null.
        constraint: What must hold over the group.
        window: Length of the window in nanoseconds.
        keep_null_groups: Whether an event without one of the grouping fields joins a group with null there
            (``False`` drops it).
        residual: What an event that satisfied ``predicate`` must satisfy as well, asked when its turn in the order
            of events has come: it depends on what happened before (watch lists). ``predicate`` is then no more
            than what can be said without.
        shown: Further values of a group that its hit tells, each by the text that names it: ``MAX(bytes)``.
    """

    name: str
    predicate: Predicate
    group_by: tuple[Field, ...]
    constraint: Constraint
    window: int
    keep_null_groups: bool = True
    residual: Predicate | None = None
    shown: tuple[tuple[str, AggregateExpression], ...] = ()


@dataclass(frozen=True, slots=True)
class CompositePattern:
    """Several aggregate patterns in relation to each other within one window (a FortiSIEM rule).

    What each relation means is said at ``Relation``, and the whole at ``engine.reference.composite``.

    Attributes:
        parts: At least two, known by their place from here on; each has the window of the whole.
        relation: How they relate; each part occurs in it once.
        joins: What must hold between values of two parts, all of them; one with a part that is missing from a
            match is passed over.
        window: From the first event of a match to its last, in nanoseconds.
    """

    parts: tuple[AggregatePattern, ...]
    relation: RelationTree
    joins: tuple[JoinCompare, ...]
    window: int


Pattern = EventPattern | SequencePattern | SamplePattern | AggregatePattern | CompositePattern

Key = tuple[Scalar | None, ...]
"""A join key or group: one value for each component."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What puts events in order, where it is not their ``@timestamp`` and their own tiebreak.

    Attributes:
        timestamp: The field that gives an event its time, a DATE; ``None`` is ``@timestamp``.
        tiebreaker: The field that orders events of one time, a LONG or a DATE, null last; ``None`` is the
            event's own order.
    """

    timestamp: FieldRef | None = None
    tiebreaker: FieldRef | None = None

    @property
    def fields(self) -> frozenset[FieldRef]:
        """The columns that it reads."""
        return frozenset(ref for ref in (self.timestamp, self.tiebreaker) if ref is not None)


OWN_CLOCK = Clock()
"""``@timestamp``, then the event's own tiebreak."""


class End(enum.Enum):
    """Which end of the ordered results a limit keeps."""

    HEAD = "head"
    TAIL = "tail"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` results of one end (EQL's ``| head 5``); the order stays ascending."""

    end: End
    count: int


def limits_with_size(limits: tuple[Limit, ...], size: int | None, position: End) -> tuple[Limit, ...]:
    """A query's limits together with those of the request.

    As in Elasticsearch, the requested size goes before the first pipe and keeps the same end as that; only
    without a pipe does the requested position count.

    Args:
        limits: The query's pipes, in order.
        size: Most results wanted; ``None`` is no limit.
        position: The end that is kept where the query has no pipe.
    """
    if size is None:
        return limits
    return (Limit(limits[0].end if limits else position, size), *limits)


def predicates_of(pattern: Pattern) -> tuple[Predicate, ...]:
    """The predicates whose answers the pattern needs for each event: ``stages_of``'s, in their order."""
    match pattern:
        case EventPattern(predicate=predicate) | AggregatePattern(predicate=predicate):
            return (predicate,)
        case CompositePattern(parts=parts):
            return tuple(part.predicate for part in parts)
        case SequencePattern() | SamplePattern():
            return tuple(stage.predicate for stage in stages_of(pattern))


def stages_of(pattern: SequencePattern | SamplePattern) -> tuple[Stage, ...]:
    """Every stage of a pattern: those that must occur, then ``until`` if there is one, then the absences.

    A stage's place here is its number wherever stages are numbered (the bits of a passed row).
    """
    match pattern:
        case SamplePattern(stages=stages):
            return stages
        case SequencePattern(stages=stages, until=until, absences=absences):
            return (*stages, *([until] if until else []), *(absence.stage for absence in absences))


def columns_of(pattern: Pattern) -> frozenset[FieldRef]:
    """Every column that evaluating the pattern reads."""
    return frozenset(field.ref for field in _fields(pattern))


def aggregates_of(constraint: Constraint) -> tuple[Aggregate, ...]:
    """The distinct aggregates of a constraint, in order of appearance."""
    return tuple(dict.fromkeys(_aggregates(constraint)))


def aggregates_in(pattern: AggregatePattern) -> tuple[Aggregate, ...]:
    """The distinct aggregates that a pattern needs: those of its constraint, then those that it shows."""
    shown = (aggregate for _, expression in pattern.shown for aggregate in _aggregates(expression))
    return tuple(dict.fromkeys((*_aggregates(pattern.constraint), *shown)))


def _fields(pattern: Pattern) -> Iterator[Field]:
    for predicate in predicates_of(pattern):
        yield from fields_of(predicate)
    match pattern:
        case SequencePattern() | SamplePattern():
            for stage in stages_of(pattern):
                for key in stage.keys:
                    yield key.field
        case AggregatePattern():
            yield from _grouped_fields(pattern)
        case CompositePattern(parts=parts):
            for part in parts:
                yield from _grouped_fields(part)
        case EventPattern():
            return


def _grouped_fields(pattern: AggregatePattern) -> Iterator[Field]:
    yield from pattern.group_by
    if pattern.residual is not None:
        yield from fields_of(pattern.residual)
    for aggregate in aggregates_in(pattern):
        if aggregate.field is not None:
            yield aggregate.field


def _aggregates(node: Constraint | AggregateExpression) -> Iterator[Aggregate]:
    match node:
        case Aggregate():
            yield node
        case Baseline(of=of):
            yield of
        case Number() | Text() | Threshold():
            return
        case Arithmetic(left=left, right=right) | AggregateCompare(left=left, right=right):
            yield from _aggregates(left)
            yield from _aggregates(right)
        case AggregateAnd(parts=parts) | AggregateOr(parts=parts):
            for part in parts:
                yield from _aggregates(part)
