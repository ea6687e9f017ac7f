"""A small schema, and short ways to write the predicates that its queries should become."""

from __future__ import annotations

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.base.time import parse_instant
from dogwatch.languages.eql import lower_text
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import (
    Compare,
    Expression,
    Field,
    IsTrue,
    Like,
    Literal,
    Order,
    Predicate,
    Wild,
    WildcardPattern,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar

TYPES = {
    "event.category": FieldType.KEYWORD,
    "name": FieldType.KEYWORD,
    "parent": FieldType.KEYWORD,
    "message": FieldType.TEXT,
    "message.keyword": FieldType.KEYWORD,
    "analysed": FieldType.TEXT,
    "pid": FieldType.LONG,
    "score": FieldType.DOUBLE,
    "signed": FieldType.BOOLEAN,
    "@timestamp": FieldType.DATE,
    "ip": FieldType.IP,
    "version": FieldType.VERSION,
}
NOON = parse_instant("2024-05-06T12:00:00Z")
NAME, PID, SIGNED = (Field(FieldRef(path, TYPES[path])) for path in ("name", "pid", "signed"))
ANY, ONE = Wild.ANY, Wild.ONE


def field(path: str, kind: FieldType | None = None) -> Field:
    return Field(FieldRef(path, kind or TYPES[path]))


def keyword(text: str | None) -> Literal:
    return Literal(text, FieldType.KEYWORD)


def long(number: int | None) -> Literal:
    return Literal(number, FieldType.LONG)


def equal(
    left: Expression, right: Scalar, kind: FieldType = FieldType.KEYWORD, fold: Fold = Fold.NONE
) -> Predicate:
    return Compare(Order.EQ, left, Literal(right, kind), fold)


def like(left: Expression, fold: Fold, *patterns: tuple[str | Wild, ...]) -> Predicate:
    return Like(left, tuple(WildcardPattern(pattern) for pattern in patterns), fold)


def lowered(condition: str) -> Predicate:
    pattern = lower_text(f"any where {condition}", type_of=TYPES.get, now=NOON).pattern
    assert isinstance(pattern, EventPattern)
    return pattern.predicate


def codes(query: str) -> list[str]:
    with pytest.raises(DogwatchError) as caught:
        lower_text(query, type_of=TYPES.get)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


IS_A = IsTrue(equal(NAME, "a"))
IS_ONE = IsTrue(equal(PID, 1, FieldType.LONG))
