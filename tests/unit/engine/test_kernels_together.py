"""One pass for many patterns finds what the leaves would find one by one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from predicate_strategies import KEYWORD, TEXTS, Sample, batch_of, predicates, samples, values_of

from dogwatch.base.text import Fold
from dogwatch.engine.kernels import together
from dogwatch.engine.kernels.together import PatternGroup, PatternGroups
from dogwatch.engine.plan import Plan
from dogwatch.engine.reference import evaluate
from dogwatch.logic.predicate import Contains, Field, Like, Predicate, Wild, WildcardPattern

ANY, ONE = Wild.ANY, Wild.ONE

_PATTERNS = st.lists(st.one_of(TEXTS, st.sampled_from([ANY, ONE, ANY])), max_size=6).map(
    lambda pieces: WildcardPattern(tuple(pieces))
)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass is made for the first answer."""
    monkeypatch.setattr(together, "_PATIENCE", -1)
    monkeypatch.setattr(together, "_LEAST_LEAVES", 1)


@given(st.lists(_PATTERNS, min_size=1, max_size=5), st.lists(TEXTS, max_size=5))
def test_pass_agrees_with_reference(patterns: list[WildcardPattern], texts: list[str]) -> None:
    group = PatternGroup()
    numbers = [group.join([pattern]) for pattern in patterns]
    found = group.scan(texts)
    assert found is not None
    for pattern, number in zip(patterns, numbers, strict=True):
        assert number is not None
        leaf = Like(Field(KEYWORD), (pattern,))
        expected = [place for place, text in enumerate(texts) if evaluate(leaf, values_of({KEYWORD: [text]}))]
        assert sorted(found[number].tolist() if number in found else []) == expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(predicates(), min_size=1, max_size=3), st.lists(samples(), max_size=6))
@pytest.mark.usefixtures("eager")
def test_plan_agrees_with_reference(found: list[Predicate], documents: list[Sample]) -> None:
    answers = [flags.tolist() for flags in Plan(found).evaluate(batch_of(documents))]
    assert answers == [
        [evaluate(predicate, values_of(document)) is True for document in documents] for predicate in found
    ]


def test_a_pass_is_made_once_it_pays() -> None:
    group = PatternGroup()
    for _ in range(together._LEAST_LEAVES - 1):
        group.join([WildcardPattern((ANY, "a", ANY))])
    assert not group.is_due(10**9, 10)
    group.join([WildcardPattern(("a", ANY))])
    assert group.is_due(100, 10)
    assert not group.is_due(10, 10)


def test_what_stands_better_alone() -> None:
    groups = PatternGroups()
    field = Field(KEYWORD)
    assert groups.join(Like(field, (WildcardPattern((ANY, "a") * 50),))) is None
    assert groups.join(Like(field, (WildcardPattern(("a" * 2000,)),))) is None
    assert groups.join(Contains(field, "a", at_word_start=True)) is None
    assert groups.join(Contains(field, "a")) is not None


def test_groups_are_of_one_column_and_fold() -> None:
    groups = PatternGroups()
    joined = [groups.join(Contains(Field(KEYWORD), "a", fold)) for fold in (Fold.NONE, Fold.ASCII, Fold.NONE)]
    assert [found[1] for found in joined if found] == [0, 0, 1]


def test_a_group_too_large_to_compile_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    group = PatternGroup()
    group.join([WildcardPattern(("a",))])
    monkeypatch.setattr(group, "_expressions", [b"("])
    assert group.scan(["a"]) is None
    assert not group.is_due(10**9, 1)
