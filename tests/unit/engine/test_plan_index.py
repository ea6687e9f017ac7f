"""Bounds on rows may leave work out, never a row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from predicate_strategies import KEYWORD, LONG, OTHER, Sample, batch_of, predicates, samples, values_of

from dogwatch.engine.kernels import together
from dogwatch.engine.kernels.column import Columns
from dogwatch.engine.plan import Plan
from dogwatch.engine.planning.answers import Answers
from dogwatch.engine.planning.bounds import Bounds, Spreader
from dogwatch.engine.planning.graph import Graph
from dogwatch.engine.reference import evaluate
from dogwatch.logic.predicate import (
    ALWAYS,
    And,
    Compare,
    Constant,
    Exists,
    Field,
    IsTrue,
    Literal,
    Member,
    Not,
    Or,
    Order,
    Predicate,
)

NAME = Field(KEYWORD)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(predicates(), min_size=1, max_size=4), st.lists(samples(), max_size=6))
def test_no_row_is_lost_to_the_index(
    monkeypatch: pytest.MonkeyPatch, found: list[Predicate], documents: list[Sample]
) -> None:
    batch = batch_of(documents)
    narrowed = [rows.tolist() for rows in Plan(found).select(batch)]

    def know_nothing(_: Spreader, bounds: Bounds, length: int) -> None:
        for rows in (bounds.true, bounds.false):
            rows[:] = length

    with monkeypatch.context() as patch:
        patch.setattr(Spreader, "spread", know_nothing)
        plain = [rows.tolist() for rows in Plan(found).select(batch)]
    assert narrowed == plain


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(predicates(), min_size=1, max_size=4), st.lists(samples(), max_size=6))
def test_bounds_hold_for_every_predicate(
    monkeypatch: pytest.MonkeyPatch, found: list[Predicate], documents: list[Sample]
) -> None:
    monkeypatch.setattr(together, "_PATIENCE", -1)
    monkeypatch.setattr(together, "_LOOK", -1)
    monkeypatch.setattr(together, "_LEAST_PATTERNS", 0)
    whole = [part for predicate in found for part in (predicate, Not(predicate), IsTrue(predicate))]
    batch = batch_of(documents)
    plan = Plan(whole)
    known = Answers(plan._program, Columns(batch.length, batch.columns), None)
    known.candidates(np.ones(len(whole), np.bool_))
    for predicate, node in zip(whole, plan._program.graph.roots, strict=True):
        answers = [evaluate(predicate, values_of(document)) for document in documents]
        true, false = answers.count(True), answers.count(False)
        assert known.bounds.surely[node] <= true <= known.bounds.true[node]
        assert false <= known.bounds.false[node]


def test_what_a_batch_cannot_satisfy_is_not_asked() -> None:
    other = Field(OTHER)
    found: list[Predicate] = [
        And((IsTrue(Member(NAME, frozenset({"a"}))), Exists(other))),
        And((IsTrue(Member(NAME, frozenset({"b"}))), Exists(other))),
        And(
            (IsTrue(Member(NAME, frozenset({"a"}))), IsTrue(Compare(Order.GT, Field(LONG), Literal(1, LONG.type))))
        ),
    ]
    plan = Plan(found)
    batch = batch_of([{KEYWORD: ["a"], OTHER: ["x"]}, {KEYWORD: ["c"], OTHER: ["b"]}])
    known = Answers(plan._program, Columns(batch.length, batch.columns), None)
    assert known.candidates(np.ones(3, np.bool_)).tolist() == [0]
    again = Answers(plan._program, Columns(batch.length, batch.columns), None)
    assert again.candidates(np.array([False, True, True])).tolist() == []


def test_equal_questions_are_one_node() -> None:
    a, b = (Member(NAME, frozenset({text})) for text in "ab")
    graph = Graph([And((a, b)), And((b, a, b)), Or((And((b, a)),)), And(()), ALWAYS, Constant(None)])
    assert graph.roots[0] == graph.roots[1] == graph.roots[2]
    assert graph.roots[3] == graph.roots[4] != graph.roots[5]
    assert graph.leaves == [a, b]
    assert [graph.leaves_under(root) for root in graph.roots] == [[0, 1]] * 3 + [[]] * 3
