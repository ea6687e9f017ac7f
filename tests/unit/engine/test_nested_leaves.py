"""Leaves that hold predicates or two ends: the columns and the reference agree, and one value decides."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.plan import Plan, check
from dogwatch.engine.reference import evaluate
from dogwatch.events.batch import NO_TIEBREAK
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.document import field_values
from dogwatch.events.report import ReadReport
from dogwatch.logic.predicate import (
    ALWAYS,
    And,
    AnyWord,
    Between,
    Compare,
    Exists,
    Field,
    IsTrue,
    Like,
    Literal,
    Member,
    Not,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Wild,
    WildcardPattern,
    Within,
    Words,
)
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldRef, FieldType

NAME, PID = Field(FieldRef("a.name", FieldType.KEYWORD)), Field(FieldRef("a.pid", FieldType.LONG))
TEXT, INNER_TEXT = Field(FieldRef("m", FieldType.TEXT)), Field(FieldRef("a.name.text", FieldType.TEXT))
WORD = Field(FieldRef("m", FieldType.KEYWORD))
OUTER, INNER = Field(FieldRef("a", FieldType.OBJECT)), Field(FieldRef("a.b", FieldType.OBJECT))
FLAG = Field(FieldRef("a.b.flag", FieldType.BOOLEAN))


def answers(predicate: Predicate, documents: list[dict[str, Any]]) -> list[bool]:
    """Which documents satisfy the predicate; asserts that the evaluators agree."""
    plan = Plan([predicate])
    rows = [Row(document, str(number), True, None, None, NO_TIEBREAK) for number, document in enumerate(documents)]
    (flags,) = plan.evaluate(make_batch(rows, plan.fields, 0, ReadReport()))
    reference = [evaluate(predicate, partial(field_values, document)) is True for document in documents]
    assert flags.tolist() == reference
    return reference


def equals(field: Field, value: str | int | bool) -> Compare:
    return Compare(Order.EQ, field, Literal(value, field.ref.type))


def between(field: Field, low: Any, high: Any, *, with_low: bool = True, with_high: bool = True) -> Between:
    kind = field.ref.type
    return Between(field, Literal(low, kind), Literal(high, kind), with_low=with_low, with_high=with_high)


def test_one_object_must_satisfy_all() -> None:
    both = Within(OUTER, And((equals(NAME, "x"), equals(PID, 1))))
    documents: list[dict[str, Any]] = [
        {"a": [{"name": "x", "pid": 1}]},
        {"a": [{"name": "x", "pid": 2}, {"name": "y", "pid": 1}]},
        {"a": {"name": ["y", "x"], "pid": "1"}},
        {"a": [[{"pid": 1.9, "name": "x"}], None]},
        {"a": []},
        {"a": "x"},
        {"a": [{"name": "x"}, 1, "text", {"pid": 1}]},
        {},
    ]
    assert answers(both, documents) == [True, False, True, True, False, False, False, False]
    assert answers(Not(IsTrue(both)), documents) == [False, True, False, False, True, True, True, True]


def test_objects_in_objects_and_multi_fields() -> None:
    predicate = Within(OUTER, And((Within(INNER, equals(FLAG, True)), Words(INNER_TEXT, ("big",)))))
    documents: list[dict[str, Any]] = [
        {"a": [{"name": "A big name", "b": [{"flag": False}, {"flag": True}]}]},
        {"a": [{"name": "A big name", "b": [{"flag": False}]}, {"name": "small", "b": {"flag": True}}]},
        {"a": [{"name.text": "Big", "b.flag": True}]},
    ]
    # A dotted key is no object of its own, so that `b.flag` is not found inside a nested `b`.
    assert answers(predicate, documents) == [True, False, False]


def test_any_object_at_all() -> None:
    assert answers(Within(OUTER, ALWAYS), [{"a": {}}, {"a": [None]}, {}]) == [True, False, False]


@pytest.mark.parametrize(
    "value",
    [{"x": "\ud800"}, {"x": float("nan")}, {"x": 10**400}, {"x": "\0"}, {"": {"": []}}, {"x": "y" * 10**6}],
)
def test_odd_objects_are_read_back(value: dict[str, Any]) -> None:
    assert answers(Within(OUTER, ALWAYS), [{"a": value}]) == [True]


def test_objects_too_deep_are_lost_and_not_an_error() -> None:
    deep: dict[str, Any] = {}
    for _ in range(50_000):
        deep = {"a": [deep]}
    assert coerce(deep, FieldType.OBJECT) is Missing.LOST
    assert answers(Exists(OUTER), [deep]) == [False]


def test_one_value_must_lie_between() -> None:
    pids: list[dict[str, Any]] = [{"a": {"pid": held}} for held in ([1, 9], 5, [], [5, 20], "3", 7)]
    assert answers(between(PID, 3, 7), pids) == [False, True, False, True, True, True]
    assert answers(between(PID, 3, 7, with_low=False, with_high=False), pids) == [
        False, True, False, True, False, False,
    ]  # fmt: skip
    assert answers(Not(between(PID, 3, 7)), pids) == [True, False, False, False, False, False]


def test_addresses_and_versions_lie_between_by_their_own_order() -> None:
    ip, version = Field(FieldRef("ip", FieldType.IP)), Field(FieldRef("v", FieldType.VERSION))
    documents = [{"ip": "10.0.0.9", "v": "1.9.0"}, {"ip": "10.0.0.100", "v": "1.10.0"}, {"ip": "::1", "v": "no"}]
    assert answers(between(ip, "10.0.0.10", "10.0.0.200"), documents) == [False, True, False]
    assert answers(between(version, "1.9.5", "2.0.0"), documents) == [False, True, False]


def test_one_word_must_satisfy() -> None:
    documents = [{"m": text} for text in ("run CMD.exe now", "cmd exe", "", ["x", "cmd.exe"])]
    whole = Like(WORD, (WildcardPattern(("c", Wild.ANY, ".", Wild.ONE, "xe")),))
    assert answers(AnyWord(TEXT, whole), documents) == [True, False, False, True]
    pattern = Regex(WORD, ("cmd.+",), RegexDialect.LUCENE)
    assert answers(AnyWord(TEXT, pattern), documents) == [True, False, False, True]
    folded = Like(WORD, (WildcardPattern(("cmd", Wild.ANY)),), Fold.UNICODE)
    assert answers(AnyWord(TEXT, And((folded, Not(Member(WORD, frozenset({"cmd"})))))), documents) == [
        True, False, False, True,
    ]  # fmt: skip
    assert answers(AnyWord(TEXT, between(WORD, "exd", "exf")), documents) == [False, True, False, False]


def test_problems_inside_are_found_when_the_plan_is_made() -> None:
    broken = Regex(WORD, ("(",), RegexDialect.LUCENE)
    for leaf in (AnyWord(TEXT, broken), Within(OUTER, Regex(NAME, ("(",), RegexDialect.LUCENE))):
        assert check(leaf)
        with pytest.raises(DogwatchError):
            Plan([leaf])


_SCALARS = st.sampled_from(["x", "y", "x y", 1, 2, 3, True, None])
_OBJECTS = st.recursive(
    st.dictionaries(
        st.sampled_from(["name", "pid", "b.flag"]), _SCALARS | st.lists(_SCALARS, max_size=2), max_size=3
    ),
    lambda inner: st.dictionaries(st.just("b"), inner | st.lists(inner, max_size=3), max_size=1),
    max_leaves=4,
)
_DOCUMENTS = st.dictionaries(
    st.sampled_from(["a", "m"]), _OBJECTS | st.lists(_OBJECTS | _SCALARS, max_size=3) | _SCALARS, max_size=2
)
_INSIDE = st.recursive(
    st.sampled_from(
        [equals(NAME, "x"), equals(PID, 1), Exists(NAME), between(PID, 1, 2), Within(INNER, equals(FLAG, True))]
    ),
    lambda inner: (
        st.builds(Not, inner) | st.builds(IsTrue, inner) | st.builds(lambda a, b: And((a, b)), inner, inner)
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(_INSIDE, st.lists(_DOCUMENTS, max_size=6), st.booleans())
def test_the_evaluators_agree_on_any_objects(inside: Predicate, documents: list[Any], negated: bool) -> None:
    leaf: Predicate = IsTrue(Within(OUTER, inside))
    answers(Not(leaf) if negated else leaf, documents)
    answers(AnyWord(TEXT, equals(WORD, "x")), documents)
