"""Field awareness: the rules that could not match because no event had the fields that they need.

A rule that finds nothing is good news only if it could have found something. While events pass,
``detect/presence.py`` notes which columns ever had a value; afterwards ``blind_rule`` works out on each rule's
predicates whether any event without the others could satisfy them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dogwatch.detect.compiled import CompiledRule
from dogwatch.logic.functions import FUNCTIONS
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateExpression,
    AggregateFunction,
    AggregateOr,
    AggregatePattern,
    Arithmetic,
    Baseline,
    Clock,
    CompositePattern,
    Constraint,
    EventPattern,
    Number,
    Pattern,
    SamplePattern,
    SequencePattern,
    Stage,
    Text,
    Threshold,
)
from dogwatch.logic.predicate import (
    And,
    Call,
    Compare,
    Constant,
    Exists,
    Expression,
    Field,
    IsTrue,
    Literal,
    Mapped,
    Not,
    Or,
    Predicate,
    Truth,
)
from dogwatch.logic.relation import Fixed, Part, PartValue, Related, Relation, RelationTree
from dogwatch.rules.model import Rule
from dogwatch.schema.field import FieldRef

Missing = frozenset[FieldRef]
"""Columns that had no value."""

Worlds = int
"""A set of cases, a bit for each: a case says which columns are missing, and all are looked at together."""


@dataclass(frozen=True, slots=True)
class BlindRule:
    """A rule that was offered events, none of which could have satisfied it.

    Attributes:
        rule: The rule.
        fields: The columns that no event offered to it had, at least one.
        alone: Whether any one of ``fields`` is cause enough; else it takes all of them together.
        everywhere: Whether no event at all had any of them; else some did that the rule was not offered.
    """

    rule: Rule
    fields: tuple[FieldRef, ...]
    alone: bool
    everywhere: bool = False


def blind_rule(compiled: CompiledRule, missing: Missing) -> BlindRule | None:
    """The rule as a blind one, with the cause, if no event without the missing columns can satisfy it.

    A rule that no event at all can satisfy is not blind: its query is at fault, not the data.
    """
    pattern, clock = compiled.pattern, compiled.clock
    fields = sorted(compiled.columns & missing)
    if not fields:
        return None
    nothing, everything, *singly = _possible(pattern, clock, [(), fields, *([field] for field in fields)])
    if everything or not nothing:
        return None
    alone = tuple(field for field, possible in zip(fields, singly, strict=True) if not possible)
    if alone:
        return BlindRule(compiled.rule, alone, alone=True)
    needed = fields
    for field in fields:
        fewer = [each for each in needed if each != field]
        if not any(_possible(pattern, clock, [fewer])):
            needed = fewer
    return BlindRule(compiled.rule, tuple(needed), alone=False)


_Answers = tuple[Worlds, Worlds, Worlds]
"""In which worlds a predicate can be true, false, unknown."""


@dataclass(frozen=True, slots=True)
class _Cases:
    """What is missing where.

    Attributes:
        everywhere: All worlds.
        absent: The worlds in which a column is missing.
    """

    everywhere: Worlds
    absent: Mapping[FieldRef, Worlds]

    def without(self, fields: Iterable[Field]) -> Worlds:
        """The worlds in which one of the fields is missing."""
        worlds = 0
        for field in fields:
            worlds |= self.absent.get(field.ref, 0)
        return worlds


def _possible(pattern: Pattern, clock: Clock, cases: Sequence[Iterable[FieldRef]]) -> list[bool]:
    """For each case, the columns that are missing in it, whether events without them could satisfy the pattern."""
    absent: dict[FieldRef, Worlds] = {}
    for number, missing in enumerate(cases):
        for ref in missing:
            absent[ref] = absent.get(ref, 0) | 1 << number
    worlds = _satisfiable(pattern, clock, _Cases((1 << len(cases)) - 1, absent))
    return [bool(worlds >> number & 1) for number in range(len(cases))]


def _satisfiable(pattern: Pattern, clock: Clock, cases: _Cases) -> Worlds:
    match pattern:
        case EventPattern(predicate=predicate):
            return _answers(predicate, cases)[0]
        case SamplePattern(stages=stages):
            return _reachable(stages, cases)
        case SequencePattern(stages=stages):
            timeless = 0 if clock.timestamp is None else cases.absent.get(clock.timestamp, 0)
            return _reachable(stages, cases) & ~timeless
        case AggregatePattern():
            return _occurs(pattern, cases)
        case CompositePattern(parts=parts, relation=relation, joins=joins):
            worlds = _related(relation, [_occurs(part, cases) for part in parts])
            required = _required(relation)
            for join in joins:
                if join.parts <= required:
                    worlds &= ~(_unjoined(join.left, parts, cases) | _unjoined(join.right, parts, cases))
            return worlds


def _occurs(pattern: AggregatePattern, cases: _Cases) -> Worlds:
    """Where a group can trigger."""
    worlds = _answers(pattern.predicate, cases)[0] & _holds(pattern.constraint, cases)
    if pattern.residual is not None:
        worlds &= _answers(pattern.residual, cases)[0]
    return worlds if pattern.keep_null_groups else worlds & ~cases.without(pattern.group_by)


def _related(tree: RelationTree, parts: Sequence[Worlds]) -> Worlds:
    """Where a side of a relation can occur; what must not occur need not be possible."""
    match tree:
        case Part(number=number):
            return parts[number]
        case Related(relation=relation, left=left, right=right):
            first = _related(left, parts)
            if relation.negates:
                return first
            second = _related(right, parts)
            return first | second if relation is Relation.OR else first & second


def _required(tree: RelationTree) -> frozenset[int]:
    """The parts that each match has."""
    match tree:
        case Part(number=number):
            return frozenset({number})
        case Related(relation=relation, left=left, right=right):
            if relation.negates:
                return _required(left)
            sides = _required(left), _required(right)
            return sides[0] & sides[1] if relation is Relation.OR else sides[0] | sides[1]


def _unjoined(side: PartValue | Fixed, parts: Sequence[AggregatePattern], cases: _Cases) -> Worlds:
    """Where a side of a join is null for want of a column, so that it joins nothing."""
    match side:
        case Fixed():
            return 0
        case PartValue(part=number, source=int() as place):
            return cases.without([parts[number].group_by[place]])
        case PartValue(part=number, source=source):
            return _valueless(dict(parts[number].shown)[str(source)], cases)


def _reachable(stages: Iterable[Stage], cases: _Cases) -> Worlds:
    """Where each of the stages that must occur can."""
    worlds = cases.everywhere
    for stage in stages:
        keyless = cases.without(key.field for key in stage.keys if not key.optional)
        worlds &= _answers(stage.predicate, cases)[0] & ~keyless
    return worlds


def _answers(predicate: Predicate, cases: _Cases) -> _Answers:
    """The answers that a predicate can give.

    Parts are taken to answer independently of each other, so an answer may be called possible that is not;
    never the other way round.
    """
    everywhere = cases.everywhere
    match predicate:
        case IsTrue(part=part):
            true, false, unknown = _answers(part, cases)
            return true, false | unknown, 0
        case And(parts=parts):
            return _all(parts, cases)
        case Or(parts=parts):
            return _any(parts, cases)
        case Not(part=part):
            true, false, unknown = _answers(part, cases)
            return false, true, unknown
        case Constant(value=value):
            return (
                everywhere if value is True else 0,
                everywhere if value is False else 0,
                everywhere if value is None else 0,
            )
        case Exists(field=field):
            return everywhere & ~cases.without([field]), everywhere, 0
        case Compare(left=left, right=right):
            return _asked(_null(left, cases) | _null(right, cases), everywhere)
        case Truth(call=call):
            return _asked(_null(call, cases), everywhere)
        case _:
            return _asked(_null(predicate.operand, cases), everywhere)


def _asked(null: Worlds, everywhere: Worlds) -> _Answers:
    """A leaf's answers, given where what it asks about is null for certain."""
    asked = everywhere & ~null
    return asked, asked, everywhere


def _null(node: Expression, cases: _Cases) -> Worlds:
    """Where an expression has no value for want of a column."""
    match node:
        case Field():
            return cases.absent.get(node.ref, 0)
        case Literal():
            return 0
        case Call(function=function, args=args):
            parameters = FUNCTIONS[function].parameters
            worlds = 0
            for number, arg in enumerate(args):
                # The last parameter may repeat.
                if not parameters[min(number, len(parameters) - 1)].takes_null:
                    worlds |= _null(arg, cases)
            return worlds
        case Mapped(args=args, nested=nested):
            worlds = 0
            for arg in args[:0] if nested else args:
                worlds |= _null(arg, cases)
            return worlds


def _all(parts: Iterable[Predicate], cases: _Cases) -> _Answers:
    true, false, unknown = cases.everywhere, 0, 0
    for part in parts:
        answers = _answers(part, cases)
        true &= answers[0]
        false |= answers[1]
        unknown |= answers[2]
    return true, false, unknown


def _any(parts: Iterable[Predicate], cases: _Cases) -> _Answers:
    true, false, unknown = 0, cases.everywhere, 0
    for part in parts:
        answers = _answers(part, cases)
        true |= answers[0]
        false &= answers[1]
        unknown |= answers[2]
    return true, false, unknown


def _holds(node: Constraint, cases: _Cases) -> Worlds:
    """Where a constraint over groups can hold."""
    match node:
        case AggregateAnd(parts=parts):
            worlds = cases.everywhere
            for part in parts:
                worlds &= _holds(part, cases)
            return worlds
        case AggregateOr(parts=parts):
            worlds = 0
            for part in parts:
                worlds |= _holds(part, cases)
            return worlds
        case AggregateCompare(left=left, right=right):
            return cases.everywhere & ~(_valueless(left, cases) | _valueless(right, cases))


def _valueless(node: AggregateExpression, cases: _Cases) -> Worlds:
    """Where an expression over a group has no value for want of a column; what is counted is then zero."""
    match node:
        case (
            Number()
            | Text()
            | Threshold()
            | Baseline()
            | Aggregate(function=AggregateFunction.COUNT | AggregateFunction.COUNT_DISTINCT)
        ):
            return 0
        case Arithmetic(left=left, right=right):
            return _valueless(left, cases) | _valueless(right, cases)
        case Aggregate(field=field):
            return 0 if field is None else cases.without([field])
