"""Predicates made over."""

from __future__ import annotations

import pytest

from dogwatch.logic.pattern import (
    Aggregate,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    Baseline,
    CompositePattern,
    Number,
    Statistic,
    Text,
    columns_of,
)
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    And,
    AnyWord,
    Between,
    Call,
    Compare,
    Constant,
    Exists,
    Expression,
    Field,
    IsTrue,
    Listed,
    Literal,
    Mapped,
    Not,
    Or,
    Order,
    Predicate,
    Truth,
    Within,
    fields_of,
)
from dogwatch.logic.relation import Part, Related, Relation
from dogwatch.logic.rewrite import (
    has_lists,
    loosened,
    predicate_with_fields,
    with_fields,
    with_own_values,
    with_predicates,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar

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


LISTED = Listed(A, "bad")
OBJECT = Field(FieldRef("o", FieldType.OBJECT))
PLAIN = Compare(Order.EQ, B, Literal("x", FieldType.KEYWORD))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (PLAIN, PLAIN),
        (LISTED, Exists(A)),
        (Not(LISTED), Not(Not(Exists(A)))),
        (IsTrue(LISTED), IsTrue(Exists(A))),
        (Not(IsTrue(LISTED)), Not(IsTrue(Constant(None)))),
        (Not(IsTrue(Not(LISTED))), Not(IsTrue(Constant(None)))),
        (And((PLAIN, LISTED)), And((PLAIN, Exists(A)))),
        (Or((PLAIN, And((LISTED, Not(PLAIN))))), Or((PLAIN, And((Exists(A), Not(PLAIN)))))),
        (Within(OBJECT, LISTED), Within(OBJECT, Exists(A))),
        (Not(Within(OBJECT, LISTED)), Not(Within(OBJECT, Constant(None)))),
        (AnyWord(B, Not(LISTED)), AnyWord(B, Not(Not(Exists(A))))),
    ],
)
def test_what_is_said_without_watch_lists(predicate: Predicate, expected: Predicate) -> None:
    assert loosened(predicate) in (expected, _without_double_negation(expected))
    assert has_lists(predicate) is (predicate != PLAIN)
    assert not has_lists(loosened(predicate))


def _without_double_negation(node: Predicate) -> Predicate:
    match node:
        case Not(part=Not(part=part)):
            return part
        case AnyWord(operand=operand, predicate=inner):
            return AnyWord(operand, _without_double_negation(inner))
        case _:
            return node


def test_without_watch_lists_nothing_is_made_over() -> None:
    predicate = And((PLAIN, Or((Not(PLAIN), IsTrue(PLAIN)))))
    assert loosened(predicate) is predicate


def _part(name: str, field: Field) -> AggregatePattern:
    total = Aggregate(AggregateFunction.SUM, field)
    return AggregatePattern(
        name,
        Exists(field),
        (field,),
        AggregateCompare(Order.GT, total, Baseline(Statistic.AVERAGE, total, 3)),
        window=5,
        residual=Listed(field, "bad"),
        shown=(("SUM(x)", total), ("text", Text("x")), ("number", Number(1))),
    )


def _composite(*parts: AggregatePattern) -> CompositePattern:
    return CompositePattern(parts, Related(Relation.AND, Part(0), Part(1)), (), 5)


def test_all_columns_of_all_parts_are_replaced() -> None:
    def change(ref: FieldRef) -> FieldRef:
        return FieldRef(f"{ref.path}2", ref.type)

    c, d = Field(FieldRef("a2", FieldType.KEYWORD)), Field(FieldRef("b2", FieldType.KEYWORD))
    assert with_fields(_composite(_part("p", A), _part("q", B)), change) == _composite(
        _part("p", c), _part("q", d)
    )
    assert with_fields(_part("p", A), change) == _part("p", c)


def test_predicates_of_parts_are_replaced_and_residuals_stay() -> None:
    changed = with_predicates(_composite(_part("p", A), _part("q", B)), lambda _: NEVER)
    assert isinstance(changed, CompositePattern)
    assert [(part.predicate, part.residual) for part in changed.parts] == [
        (NEVER, Listed(A, "bad")),
        (NEVER, Listed(B, "bad")),
    ]


def test_a_residuals_columns_are_the_patterns() -> None:
    pattern = AggregatePattern(
        "p", ALWAYS, (), AggregateCompare(Order.EQ, Number(1), Number(1)), 5, residual=LISTED
    )
    assert columns_of(pattern) == {A.ref}


def test_columns_of_what_is_looked_up_are_replaced() -> None:
    rows: dict[tuple[str, ...], Scalar] = {("x",): 1}
    leaf = Compare(Order.EQ, Mapped((A, B), "t", "c", rows, FieldType.LONG, 0), Literal(1, FieldType.LONG))
    renamed = predicate_with_fields(leaf, lambda ref: FieldRef(f"{ref.path}2", ref.type))
    assert [field.ref.path for field in fields_of(renamed)] == ["a2", "b2"]
    assert isinstance(renamed, Compare)
    assert isinstance(renamed.left, Mapped)
    assert renamed.left.values is rows


def test_a_tables_rows_count_when_nodes_are_compared_and_not_in_their_hash() -> None:
    node, same, other = (Mapped((A,), "t", "c", {("x",): value}, FieldType.LONG) for value in (1, 1, 2))
    assert node == same
    assert node != other
    assert hash(node) == hash(other)
    assert "x" not in repr(node)
