"""Predicates put together with their constants folded, in Kleene's three values."""

from __future__ import annotations

from collections.abc import Sequence

from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    And,
    Call,
    Compare,
    Constant,
    Exists,
    IsTrue,
    Like,
    Literal,
    Member,
    Not,
    Or,
    Predicate,
    Regex,
    Truth,
    conjunction,
    disjunction,
    negation,
)

UNKNOWN = Constant(None)
"""The answer that null gives."""


def both(parts: Sequence[Predicate]) -> Predicate:
    """All of the parts; false if one is, and without those that are true."""
    if any(part == NEVER for part in parts):
        return NEVER
    if all(isinstance(part, Constant) for part in parts):
        return UNKNOWN if any(part == UNKNOWN for part in parts) else ALWAYS
    return conjunction(list(parts))


def either(parts: Sequence[Predicate]) -> Predicate:
    """Any of the parts; true if one is, and without those that are false."""
    if any(part == ALWAYS for part in parts):
        return ALWAYS
    if all(isinstance(part, Constant) for part in parts):
        return UNKNOWN if any(part == UNKNOWN for part in parts) else NEVER
    return disjunction(list(parts))


def is_certain(part: Predicate) -> bool:
    """Whether the predicate is never unknown."""
    match part:
        case Constant(value=value):
            return value is not None
        case Exists() | IsTrue() | Truth(call=Call(function="is_null")):
            return True
        case And(parts=parts) | Or(parts=parts):
            return all(map(is_certain, parts))
        case Not(part=inner):
            return is_certain(inner)
        case _:
            return False


def settle(part: Predicate) -> Predicate:
    """The predicate with unknown made false, each leaf on its own so that equal leaves stay equal."""
    match part:
        case And(parts=parts):
            return both([settle(inner) for inner in parts])
        case Or(parts=parts):
            return either([settle(inner) for inner in parts])
        case Constant(value=value):
            return Constant(bool(value))
        case _:
            return part if is_certain(part) else IsTrue(part)


def complete(part: Predicate) -> Predicate:
    """A filter of settled leaves with its remaining constant nulls made false where they stand.

    What Elasticsearch cannot fold away it hands to Lucene, where a null matches no document and a ``not``
    around it is the complement.
    """
    match part:
        case And(parts=parts):
            return both([complete(inner) for inner in parts])
        case Or(parts=parts):
            return either([complete(inner) for inner in parts])
        case Not(part=inner):
            return negation(complete(inner))
        case Constant(value=None):
            return NEVER
        case _:
            return part


def is_unknown(part: Predicate) -> Predicate:
    """Whether the predicate is unknown: itself never unknown.

    Of a function over many values it is, as in Elasticsearch, if the function's value is null for one of them.
    """
    match part:
        case Constant(value=value):
            return Constant(value is None)
        case _ if is_certain(part):
            return NEVER
        case Not(part=inner):
            return is_unknown(inner)
        case Compare(left=Call() as call, right=Literal()) | Truth(call=call):
            return Truth(Call("is_null", (call,)))
        case Member(operand=Call() as call) | Like(operand=Call() as call) | Regex(operand=Call() as call):
            return Truth(Call("is_null", (call,)))
        case _:
            # A Kleene "p or not p" is true exactly where p is known.
            return Not(IsTrue(Or((part, negation(part)))))
