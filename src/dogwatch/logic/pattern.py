"""Patterns: what a rule looks for in a stream of events."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from dogwatch.logic.predicate import Field, Order, Predicate, fields_of
from dogwatch.schema.field import FieldRef, Scalar


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
class SequencePattern:
    """Events that follow each other under one key, as Elasticsearch's EQL sequences do.

    Attributes:
        stages: At least two; ``with runs`` is already written out.
        maxspan: Longest time from the first event to the last, inclusive, in nanoseconds; ``None`` is no limit.
        until: Events that end what is pending under their key.
    """

    stages: tuple[Stage, ...]
    maxspan: int | None = None
    until: Stage | None = None


class AggregateFunction(enum.Enum):
    """What is computed over the events of a group."""

    COUNT = "COUNT"
    COUNT_DISTINCT = "COUNT DISTINCT"
    SUM = "SUM"
    AVG = "AVG"
    MIN = "MIN"
    MAX = "MAX"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate over a group; ``field`` is ``None`` for ``COUNT(*)``. Missing values take no part."""

    function: AggregateFunction
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A constant in a constraint."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` with op one of ``+ - * /``; null spreads, division by zero is null."""

    op: str
    left: AggregateExpression
    right: AggregateExpression


AggregateExpression = Aggregate | Number | Arithmetic


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
    """

    name: str
    predicate: Predicate
    group_by: tuple[Field, ...]
    constraint: Constraint
    window: int
    keep_null_groups: bool = True


Pattern = EventPattern | SequencePattern | AggregatePattern

Key = tuple[Scalar | None, ...]
"""A join key or group: one value for each component."""


def predicates_of(pattern: Pattern) -> tuple[Predicate, ...]:
    """The predicates whose answers the pattern needs for each event; for a sequence, ``until`` comes last."""
    match pattern:
        case EventPattern(predicate=predicate) | AggregatePattern(predicate=predicate):
            return (predicate,)
        case SequencePattern(stages=stages, until=until):
            return tuple(stage.predicate for stage in (*stages, *([until] if until else [])))


def columns_of(pattern: Pattern) -> frozenset[FieldRef]:
    """Every column that evaluating the pattern reads."""
    return frozenset(field.ref for field in _fields(pattern))


def aggregates_of(constraint: Constraint) -> tuple[Aggregate, ...]:
    """The distinct aggregates of a constraint, in order of appearance."""
    return tuple(dict.fromkeys(_aggregates(constraint)))


def _fields(pattern: Pattern) -> Iterator[Field]:
    for predicate in predicates_of(pattern):
        yield from fields_of(predicate)
    match pattern:
        case SequencePattern(stages=stages, until=until):
            for stage in (*stages, *([until] if until else [])):
                for key in stage.keys:
                    yield key.field
        case AggregatePattern(group_by=group_by, constraint=constraint):
            yield from group_by
            for aggregate in _aggregates(constraint):
                if aggregate.field is not None:
                    yield aggregate.field
        case EventPattern():
            return


def _aggregates(node: Constraint | AggregateExpression) -> Iterator[Aggregate]:
    match node:
        case Aggregate():
            yield node
        case Number():
            return
        case Arithmetic(left=left, right=right) | AggregateCompare(left=left, right=right):
            yield from _aggregates(left)
            yield from _aggregates(right)
        case AggregateAnd(parts=parts) | AggregateOr(parts=parts):
            for part in parts:
                yield from _aggregates(part)
