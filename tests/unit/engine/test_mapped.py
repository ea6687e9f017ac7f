"""What is looked up in tables and on watch lists, by both evaluators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predicate_strategies import DOUBLE, IP, KEYWORD, LONG, OTHER, Sample, batch_of, values_of

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.kernels import column
from dogwatch.engine.kernels.column import combined
from dogwatch.engine.kernels.leaf import compile_leaf
from dogwatch.engine.kernels.memory import Allowance
from dogwatch.engine.plan import Plan, check
from dogwatch.engine.reference import evaluate
from dogwatch.engine.reference.predicate import compute
from dogwatch.logic.predicate import (
    And,
    Compare,
    Expression,
    Field,
    Listed,
    Literal,
    Mapped,
    Not,
    Order,
    Predicate,
    Within,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar

NAME, PID, SCORE = Field(KEYWORD), Field(LONG), Field(DOUBLE)
ROWS: dict[tuple[str, ...], Scalar] = {
    (): "all",
    ("bob",): "device",
    ("bob", "80"): "both",
    ("", "80"): "blank",
}


def mapped(*args: Expression, rows: Mapping[tuple[str, ...], Scalar] = ROWS, nested: bool = False) -> Mapped:
    return Mapped(args, "t", "c", rows, FieldType.KEYWORD, nested=nested)


@pytest.mark.parametrize(
    ("nested", "name", "pid", "expected"),
    [
        (False, "BOB", 80, "both"),
        (False, "bob", 81, None),
        (False, "bob", None, None),
        (False, None, 80, None),
        (False, "", 80, "blank"),
        (True, "Bob", 80, "both"),
        (True, "Bob", 81, "device"),
        (True, "bob", None, "device"),
        (True, "eve", 80, "all"),
        (True, None, 80, "all"),
        (True, None, None, "all"),
    ],
)
def test_what_is_found(nested: bool, name: str | None, pid: int | None, expected: str | None) -> None:
    assert compute(mapped(NAME, PID, nested=nested), {NAME: name, PID: pid}) == expected


def test_where_nothing_is_found() -> None:
    node = Mapped((NAME,), "t", "c", {("bob",): 1}, FieldType.LONG, otherwise=0)
    assert [compute(node, {NAME: name}) for name in ("bob", "eve", None)] == [1, 0, None]
    nested = Mapped((NAME,), "t", "c", {}, FieldType.LONG, otherwise=0, nested=True)
    assert compute(nested, {NAME: None}) == 0


def test_numbers_are_looked_up_by_their_value_not_their_type() -> None:
    node = mapped(NAME, SCORE)
    assert [compute(node, {NAME: "bob", SCORE: value}) for value in (80.0, 80.5)] == ["both", None]


def test_values_are_ordered_as_the_tables_type_orders_them() -> None:
    node = Mapped((NAME,), "t", "c", {("bob",): "10.0.0.9"}, FieldType.IP)
    leaf = Compare(Order.LT, node, Literal("10.0.0.10", FieldType.KEYWORD))
    documents: list[Sample] = [{KEYWORD: ["bob"]}, {IP: ["::1"]}]
    assert Plan([leaf]).evaluate(batch_of(documents))[0].tolist() == [True, False]
    assert [evaluate(leaf, values_of(each)) for each in documents] == [True, None]


def test_combinations_of_many_rows() -> None:
    leaf = Compare(Order.EQ, mapped(NAME, PID, nested=True), Literal("device", FieldType.KEYWORD))
    documents: list[Sample] = [
        {
            KEYWORD: []
            if number % 7 == 0
            else ["eve", "bob"]
            if number % 5 == 0
            else ["Bob" if number % 2 else "eve"],
            LONG: [] if number % 11 == 0 else [number % 3 + 79],
        }
        for number in range(500)
    ]
    expected = [
        evaluate(predicate, values_of(each)) is True for predicate in (leaf, Not(leaf)) for each in documents
    ]
    found = Plan([leaf, Not(leaf)]).evaluate(batch_of(documents))
    assert [*found[0].tolist(), *found[1].tolist()] == expected
    assert set(found[0].tolist()) == {True, False}


@given(
    st.lists(st.lists(st.integers(-1, 4), min_size=3, max_size=3), max_size=12), st.sampled_from([1, 20, 2**62])
)
def test_combined_codes_are_equal_where_all_codes_are(rows: list[list[int]], largest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(column, "_LARGEST_CODE", largest)
        numbers = combined([np.array([row[place] for row in rows], np.int64) for place in range(3)]).tolist()
    assert len(numbers) == len(rows)
    assert all(
        (a == b) == (x == y)
        for a, x in zip(numbers, rows, strict=True)
        for b, y in zip(numbers, rows, strict=True)
    )


def on_lists(name: str, value: Scalar) -> bool:
    return (name, value) in {("bad", "eve"), ("bad", 7)}


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ({KEYWORD: ["EVE"]}, True),
        ({KEYWORD: ["bob", "eve"]}, True),
        ({KEYWORD: ["bob"]}, False),
        ({OTHER: ["eve"]}, None),
    ],
)
def test_whether_a_value_is_on_a_list(sample: Sample, expected: bool | None) -> None:
    leaf = Listed(NAME, "bad")
    assert evaluate(leaf, values_of(sample), on_lists) is expected
    assert evaluate(Not(leaf), values_of(sample), on_lists) is (None if expected is None else not expected)
    assert evaluate(leaf, values_of(sample)) is (None if expected is None else False)
    assert evaluate(Listed(NAME, "good"), values_of(sample), on_lists) is (None if expected is None else False)


def test_letter_case_and_numbers_on_lists() -> None:
    assert evaluate(Listed(NAME, "bad", Fold.NONE), values_of({KEYWORD: ["EVE"]}), on_lists) is False
    assert evaluate(Listed(PID, "bad"), values_of({LONG: [7]}), on_lists) is True


@pytest.mark.parametrize(
    "predicate",
    [
        Listed(NAME, "bad"),
        And((Not(Listed(NAME, "bad")),)),
        Within(Field(FieldRef("answers", FieldType.OBJECT)), Listed(NAME, "bad")),
    ],
)
def test_columns_are_never_asked_about_a_list(predicate: Predicate) -> None:
    (problem,) = check(predicate)
    assert problem.code == "watch-list-asked"
    assert "`bad`" in problem.message
    with pytest.raises(DogwatchError):
        Plan([predicate])


def test_a_list_has_no_kernel() -> None:
    with pytest.raises(TypeError, match="watch list"):
        compile_leaf(Listed(NAME, "bad"), Allowance())
