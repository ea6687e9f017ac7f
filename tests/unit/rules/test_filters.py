from typing import Any

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    EventPattern,
    Number,
    SequencePattern,
    Stage,
    predicates_of,
)
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    And,
    Exists,
    Field,
    IsTrue,
    Like,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Wild,
    WildcardPattern,
)
from dogwatch.rules.filters import filters_predicate, restricted
from dogwatch.schema.field import FieldRef, FieldType

TYPES = {"n": FieldType.LONG, "b": FieldType.BOOLEAN, "t": FieldType.TEXT}


def field(path: str) -> Field:
    return Field(FieldRef(path, TYPES.get(path, FieldType.KEYWORD)))


def lowered(*filters: dict[str, Any]) -> Predicate:
    return filters_predicate(filters, TYPES.get)


def query(clause: dict[str, Any], **meta: bool) -> dict[str, Any]:
    return {"meta": meta, "query": clause}


def has(path: str) -> dict[str, Any]:
    return {"exists": {"field": path}}


def like(path: str, *pieces: str | Wild, fold: Fold = Fold.NONE) -> Predicate:
    return IsTrue(Like(field(path), (WildcardPattern(pieces),), fold))


def test_all_filters_must_pass_and_disabled_ones_do_not_count() -> None:
    assert lowered() == ALWAYS
    found = lowered(query(has("a")), query(has("b"), negate=True), query({"no": 1}, disabled=True))
    assert found == And((Exists(field("a")), Not(Exists(field("b")))))


def test_the_old_style_has_its_clause_beside_meta() -> None:
    assert lowered({"$state": {}, "meta": {"negate": False}, "exists": {"field": "a"}}) == Exists(field("a"))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a*b?", ("a", Wild.ANY, "b", Wild.ONE)),
        (r"C:\\x\*", (r"C:\x*",)),
        (r"C:\x", ("C:x",)),
        ("end\\", ("end\\",)),
        ("*", (Wild.ANY,)),
        ("", ()),
    ],
)
def test_wildcards(text: str, pieces: tuple[str | Wild, ...]) -> None:
    for body in (text, {"value": text}, {"wildcard": text}):
        assert lowered(query({"wildcard": {"f": body}})) == like("f", *pieces)


def test_folded_wildcards_and_prefixes() -> None:
    body = {"value": "ÄB*", "case_insensitive": True}
    assert lowered(query({"wildcard": {"f": body}})) == like("f", "Äb", Wild.ANY, fold=Fold.ASCII)
    assert lowered(query({"prefix": {"f": "A*"}})) == like("f", "A*", Wild.ANY)


@pytest.mark.parametrize(
    ("clause", "path", "values"),
    [
        ({"term": {"f": "A"}}, "f", {"A"}),
        ({"term": {"f": {"value": "A"}}}, "f", {"A"}),
        ({"match_phrase": {"f": "A b"}}, "f", {"A b"}),
        ({"match_phrase": {"f": {"query": 3}}}, "f", {"3"}),
        ({"terms": {"f": ["a", True]}}, "f", {"a", "true"}),
        ({"term": {"n": 3}}, "n", {3}),
        ({"term": {"b": True}}, "b", {True}),
    ],
)
def test_terms(clause: dict[str, Any], path: str, values: set[Any]) -> None:
    assert lowered(query(clause)) == IsTrue(Member(field(path), frozenset(values)))


def test_bool() -> None:
    a, b, c = (Exists(field(name)) for name in "abc")
    assert lowered(query({"bool": {"must": has("a"), "filter": [has("b")], "must_not": [has("c")]}})) == And(
        (a, b, Not(c))
    )
    assert lowered(query({"bool": {"should": [has("a"), has("b")]}})) == Or((a, b))
    assert lowered(query({"bool": {"must": [has("a")], "should": [has("b")]}})) == a
    assert lowered(
        query({"bool": {"must": [has("a")], "should": [has("b"), has("c")], "minimum_should_match": 1}})
    ) == And((a, Or((b, c))))
    assert lowered(query({"bool": {}})) == ALWAYS
    assert lowered(query({"match_all": {}})) == ALWAYS


@pytest.mark.parametrize(
    "clause",
    [
        {},
        {"script": {}},
        {"exists": {"field": "a"}, "term": {"f": 1}},
        {"wildcard": {"t": "a*"}},
        {"wildcard": {"a": "x", "b": "y"}},
        {"term": {"n": "three"}},
        {"term": {"n": True}},
        {"term": {"t": "words"}},
        {"term": {"f": {"value": "a", "unknown": 1}}},
        {"term": {"f": None}},
        {"bool": {"minimum_should_match": 2, "should": []}},
        {"bool": {"must": [{"script": {}}]}},
    ],
)
def test_what_is_not_run_is_refused(clause: dict[str, Any]) -> None:
    with pytest.raises(DogwatchError) as caught:
        lowered(query(clause))
    assert [each.code for each in caught.value.diagnostics] == ["filter-unsupported"]


def test_filters_restrict_every_step() -> None:
    allowed = Exists(field("a"))
    stage = Stage(Exists(field("b")))
    both = And((allowed, stage.predicate))
    sequence = SequencePattern((stage, stage), until=stage)
    count = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(1))
    aggregate = AggregatePattern("F", stage.predicate, (), count, 1)
    for pattern in (sequence, EventPattern(stage.predicate), aggregate):
        assert set(predicates_of(restricted(pattern, allowed))) == {both}
        assert restricted(pattern, ALWAYS) is pattern
    assert restricted(SequencePattern((stage, stage)), NEVER).stages[0].predicate == And((NEVER, stage.predicate))  # type: ignore[union-attr] # a sequence stays one
