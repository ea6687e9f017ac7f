"""The plan answers as the reference does, however the rows are cut into batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predicate_strategies import (
    FIELDS,
    KEYWORD,
    LONG,
    OTHER,
    Sample,
    batch_of,
    batch_of_columns,
    predicates,
    samples,
    values_of,
)

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.plan import Plan, check
from dogwatch.engine.reference import evaluate
from dogwatch.events.batch import Batch
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    And,
    Call,
    Compare,
    Exists,
    Field,
    IsTrue,
    Like,
    Literal,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Truth,
    Wild,
    WildcardPattern,
)
from dogwatch.schema.field import FieldRef, FieldType

NAME = Field(KEYWORD)


def equals(text: str, ref: FieldRef = KEYWORD) -> Compare:
    return Compare(Order.EQ, Field(ref), Literal(text, ref.type))


def like(*pieces: str | Wild) -> Like:
    return Like(NAME, (WildcardPattern(pieces),))


def answers(plan: Plan, batch: Batch) -> list[list[bool]]:
    return [found.tolist() for found in plan.evaluate(batch)]


def expected(found: Sequence[Predicate], documents: Sequence[Sample]) -> list[list[bool]]:
    return [[evaluate(predicate, values_of(d)) is True for d in documents] for predicate in found]


@settings(max_examples=120, deadline=None)
@given(st.lists(predicates(), min_size=1, max_size=3), st.lists(samples(), max_size=6))
def test_agrees_with_reference(found: list[Predicate], documents: list[Sample]) -> None:
    assert answers(Plan(found), batch_of(documents)) == expected(found, documents)


@settings(max_examples=60, deadline=None)
@given(predicates(), st.lists(samples(), max_size=8), st.integers(0, 8))
def test_splitting_a_batch_changes_nothing(predicate: Predicate, documents: list[Sample], cut: int) -> None:
    plan = Plan([predicate])
    whole = plan.evaluate(batch_of(documents))[0].tolist()
    parts = [plan.evaluate(batch_of(part))[0].tolist() for part in (documents[:cut], documents[cut:])]
    assert whole == [*parts[0], *parts[1]]


@settings(max_examples=60, deadline=None)
@given(predicates(), st.lists(samples(), min_size=2, max_size=8), st.integers(0, 8))
def test_sliced_columns(predicate: Predicate, documents: list[Sample], skip: int) -> None:
    columns = {ref: array.slice(skip) for ref, array in batch_of(documents).columns.items()}
    rest = documents[skip:]
    assert answers(Plan([predicate]), batch_of_columns(columns, len(rest))) == expected([predicate], rest)


@settings(max_examples=60, deadline=None)
@given(predicates(), st.lists(st.tuples(samples(), st.booleans()), max_size=8))
def test_wanted_rows_only(predicate: Predicate, documents: list[tuple[Sample, bool]]) -> None:
    wanted = np.array([flag for _, flag in documents], np.bool_)
    batch = batch_of([sample for sample, _ in documents])
    plan = Plan([predicate, predicate])
    everywhere = plan.evaluate(batch)[0]
    masked, whole = plan.evaluate(batch, [wanted, None])
    assert masked.tolist() == (everywhere & wanted).tolist()
    assert whole.tolist() == everywhere.tolist()


def test_fields_are_those_of_all_predicates() -> None:
    plan = Plan([equals("a"), And((Exists(Field(LONG)), equals("b", OTHER))), ALWAYS])
    assert plan.fields == {KEYWORD, LONG, OTHER}


def test_constants_and_empty_batch() -> None:
    plan = Plan([ALWAYS, NEVER, And(()), Or(())])
    assert answers(plan, batch_of([{}, {}])) == [[True] * 2, [False] * 2, [True] * 2, [False] * 2]
    assert answers(plan, batch_of([])) == [[], [], [], []]


def test_large_batch_with_shared_leaves() -> None:
    documents: list[Sample] = [
        {KEYWORD: [f"p{i % 50}"] if i % 3 else [], LONG: [i % 7], OTHER: ["x", f"y{i % 11}"]} for i in range(3000)
    ]
    costly = like("p", Wild.ONE)
    shared = And((Member(Field(LONG), frozenset({1, 2})), costly))
    found: list[Predicate] = [
        And((equals("p3"), costly)),
        And((IsTrue(equals("p4")), Not(IsTrue(equals("y1", OTHER))), costly)),
        Or((shared, Not(costly))),
        And((Or((shared, equals("p9"))), Not(shared))),
        Or((equals("p1"), equals("p2"), Not(IsTrue(costly)))),
        shared,
    ]
    assert answers(Plan(found), batch_of(documents)) == expected(found, documents)


def test_select_gives_ascending_rows() -> None:
    documents: list[Sample] = [{KEYWORD: [text]} for text in ("b", "a", "c", "a", "b")]
    plan = Plan([Or((equals("b"), like("a", Wild.ANY)))])
    assert [rows.tolist() for rows in plan.select(batch_of(documents))] == [[0, 1, 3, 4]]


def test_bad_regex_is_named_and_located() -> None:
    bad = Regex(NAME, (r"(a)\1",), RegexDialect.PERL)
    with pytest.raises(DogwatchError) as raised:
        Plan([equals("a"), Or((bad, equals("b")))])
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "regex-unsupported"
    assert "back-references" in diagnostic.message
    assert "`name`" in diagnostic.message
    assert check(bad) == (diagnostic,)
    assert check(equals("a")) == ()


def test_every_problem_is_reported() -> None:
    predicate = And(
        (
            Regex(NAME, ("a(?=b)",), RegexDialect.PERL),
            Regex(NAME, ("(a",), RegexDialect.LUCENE),
            Truth(Call("no_such_function", (NAME,))),
            Truth(Call("starts_with", (NAME,))),
        )
    )
    assert [found.code for found in check(predicate)] == [
        "regex-unsupported",
        "regex-unsupported",
        "unknown-function",
        "wrong-arguments",
    ]


def test_text_columns_need_not_be_encoded() -> None:
    columns = {ref: pa.nulls(3, pa.string()) for ref in FIELDS}
    columns[KEYWORD] = pa.array(["a", None, "b"])
    assert answers(Plan([equals("a"), Not(equals("a"))]), batch_of_columns(columns, 3)) == [
        [True, False, False],
        [False, False, True],
    ]


def test_dictionary_with_a_null_entry_and_repeats() -> None:
    dictionary = pa.array(["a", None, "a"])
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None], pa.int32()), dictionary)
    plan = Plan([equals("a"), Exists(NAME)])
    assert answers(plan, batch_of_columns({KEYWORD: column}, 4)) == [[True, False, True, False]] * 2


def test_dates_may_be_timestamps() -> None:
    ref = FieldRef("created", FieldType.DATE)
    column = pa.array([1_000_000, None, 2_000_000], pa.timestamp("ns"))
    plan = Plan([Compare(Order.GT, Field(ref), Literal(1_500_000, FieldType.DATE))])
    assert answers(plan, batch_of_columns({ref: column}, 3)) == [[False, False, True]]
