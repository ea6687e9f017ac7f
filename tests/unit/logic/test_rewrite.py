"""Predicates made over."""

from __future__ import annotations

from dogwatch.logic.predicate import (
    And,
    Between,
    Call,
    Compare,
    Expression,
    Field,
    IsTrue,
    Literal,
    Not,
    Or,
    Order,
    Predicate,
    Truth,
    fields_of,
)
from dogwatch.logic.rewrite import predicate_with_fields, with_own_values
from dogwatch.schema.field import FieldRef, FieldType

A = Field(FieldRef("a", FieldType.KEYWORD))
B = Field(FieldRef("b", FieldType.KEYWORD))
SECOND, THIRD = Field(A.ref, mention=1), Field(A.ref, mention=2)


def _equal(*parts: Expression) -> Compare:
    return Compare(Order.EQ, Call("concat", parts), Literal("x", FieldType.KEYWORD))


def test_each_mention_of_a_field_in_a_leaf_gets_a_value_of_its_own() -> None:
    assert with_own_values(_equal(A, B, A)) == _equal(A, B, SECOND)
    assert with_own_values(_equal(A, Call("concat", (A, A)))) == _equal(A, Call("concat", (SECOND, THIRD)))


def test_one_mention_is_left_as_it_is() -> None:
    end = Literal(3, FieldType.LONG)
    for leaf in (
        _equal(A, B),
        Between(A, end, end),
        Truth(Call("starts_with", (A, Literal("x", FieldType.KEYWORD)))),
    ):
        assert with_own_values(leaf) is leaf


def test_leaves_do_not_count_each_others_mentions() -> None:
    def nested(leaf: Predicate) -> Predicate:
        return Or((And((IsTrue(leaf), _equal(A))), Not(leaf)))

    assert with_own_values(nested(_equal(A, A))) == nested(_equal(A, SECOND))


def test_mentions_outlive_another_column() -> None:
    renamed = predicate_with_fields(_equal(A, SECOND), lambda ref: FieldRef(f"{ref.path}2", ref.type))
    assert [(field.ref.path, field.mention) for field in fields_of(renamed)] == [("a2", 0), ("a2", 1)]
