"""One plan over many batches: what it remembers of earlier ones changes no answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from predicate_strategies import (
    DOUBLE,
    IP,
    KEYWORD,
    LONG,
    OTHER,
    TEXTS,
    Sample,
    batch_of,
    predicates,
    samples,
    values_of,
)

from dogwatch.base.text import Fold
from dogwatch.engine.kernels import memory, together
from dogwatch.engine.plan import Plan
from dogwatch.engine.planning import answers, run
from dogwatch.engine.reference import evaluate
from dogwatch.logic.predicate import (
    And,
    Compare,
    Contains,
    Exists,
    Field,
    InNetwork,
    IsTrue,
    Like,
    Literal,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Wild,
    WildcardPattern,
)
from dogwatch.schema.field import FieldType

ANY = Wild.ANY


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits, so that a few events reach them: passes at once, memories judged soon, sets kept or not."""
    monkeypatch.setattr(together, "_PATIENCE", -1)
    monkeypatch.setattr(together, "_LOOK", -1)
    monkeypatch.setattr(together, "_LEAST_PATTERNS", 0)
    monkeypatch.setattr(memory, "_TRIAL", 6)
    monkeypatch.setattr(memory, "_REST", 10)
    monkeypatch.setattr(memory, "LONGEST_REMEMBERED", 4)
    monkeypatch.setattr(run, "_WORTH_KEEPING", 1)
    monkeypatch.setattr(run, "KEPT_ROWS", 20)
    monkeypatch.setattr(answers, "_SMALL_COLUMN", 1)


_NAMES = [Field(KEYWORD), Field(OTHER), Field(KEYWORD, blank_is_missing=True)]
_FOLDS = st.sampled_from([Fold.NONE, Fold.ASCII, Fold.UNICODE])


def _like(field: Field, pieces: list[str | Wild], fold: Fold) -> Like:
    folded = tuple(piece if isinstance(piece, Wild) else fold.apply(piece) for piece in pieces)
    return Like(field, (WildcardPattern(folded),), fold)


_POOL: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Exists, st.sampled_from(_NAMES)),
    st.builds(
        lambda field, text, fold: Compare(Order.EQ, field, Literal(text, FieldType.KEYWORD), fold),
        st.sampled_from(_NAMES),
        TEXTS,
        _FOLDS,
    ),
    st.builds(
        lambda field, texts, fold: Member(field, frozenset(map(fold.apply, texts)), fold),
        st.sampled_from(_NAMES),
        st.lists(TEXTS, max_size=3),
        _FOLDS,
    ),
    st.builds(_like, st.sampled_from(_NAMES), st.lists(st.one_of(TEXTS, st.just(ANY)), max_size=4), _FOLDS),
    st.builds(
        lambda field, text, fold: Contains(field, fold.apply(text), fold), st.sampled_from(_NAMES), TEXTS, _FOLDS
    ),
    st.builds(
        lambda blocks: InNetwork(Field(IP), tuple(blocks)),
        st.lists(st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "::/0", "0.0.0.0/0", "fe80::/10"]), max_size=3),
    ),
    st.builds(
        lambda op, value: Compare(op, Field(LONG), Literal(value, FieldType.LONG)),
        st.sampled_from(list(Order)),
        st.integers(-2, 2),
    ),
    predicates(),
)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Predicate]:
    """Predicates that share leaves and whole parts, as rules do."""
    pool = draw(st.lists(_POOL, min_size=3, max_size=6))
    parts = st.sampled_from(pool)
    part = st.one_of(parts, st.builds(IsTrue, parts), st.builds(lambda inner: Not(IsTrue(inner)), parts))
    shared = draw(st.lists(st.builds(lambda several: Or(tuple(several)), st.lists(part, max_size=3)), max_size=2))
    both = st.one_of(part, st.sampled_from(shared)) if shared else part
    whole = st.one_of(
        st.builds(lambda several: And(tuple(several)), st.lists(both, min_size=1, max_size=4)),
        st.builds(lambda several: Not(Or(tuple(several))), st.lists(both, min_size=1, max_size=3)),
        both,
    )
    return draw(st.lists(whole, min_size=2, max_size=6))


def expected(
    found: Sequence[Predicate], documents: Sequence[Sample], wanted: Sequence[np.ndarray | None]
) -> list[list[int]]:
    return [
        [
            row
            for row, document in enumerate(documents)
            if (flags is None or flags[row]) and evaluate(predicate, values_of(document)) is True
        ]
        for predicate, flags in zip(found, wanted, strict=True)
    ]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), rule_sets(), st.sampled_from([0, 300, 10**6]), st.booleans())
@pytest.mark.usefixtures("hasty")
def test_a_warm_plan_agrees_with_the_reference(
    data: st.DataObject, found: list[Predicate], remembered: int, profile: bool
) -> None:
    plan = Plan(found, checked=True, remembered=remembered, profile=profile)
    pool = data.draw(st.lists(samples(), min_size=1, max_size=8), label="documents")
    for _ in range(data.draw(st.integers(2, 4), label="batches")):
        documents = data.draw(st.lists(st.sampled_from(pool), max_size=10))
        masks = data.draw(
            st.lists(st.lists(st.booleans(), min_size=len(documents), max_size=len(documents)), max_size=2)
        )
        choices = [None, *(np.array(mask, np.bool_) for mask in masks)]
        wanted = [choices[data.draw(st.integers(0, len(masks)))] for _ in found]
        rows = [each.tolist() for each in plan.select(batch_of(documents), wanted)]
        assert rows == expected(found, documents, wanted)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule_sets(), st.lists(samples(), min_size=2, max_size=8), st.integers(0, 8))
@pytest.mark.usefixtures("hasty")
def test_order_and_size_of_batches_change_nothing(
    found: list[Predicate], documents: list[Sample], cut: int
) -> None:
    plan = Plan(found, remembered=500)
    whole = [rows.tolist() for rows in plan.select(batch_of(documents))]
    late = [rows.tolist() for rows in plan.select(batch_of(documents[cut:]))]
    early = [rows.tolist() for rows in plan.select(batch_of(documents[:cut]))]
    joined = [
        [*first, *(row + len(documents[:cut]) for row in last)] for first, last in zip(early, late, strict=True)
    ]
    assert joined == whole


def test_a_large_batch_after_another() -> None:
    """As many rows as it takes for sets to be kept, found by value and shared."""
    name, other = Field(KEYWORD), Field(OTHER)
    found: list[Predicate] = [
        And((IsTrue(Member(other, frozenset({"x", "y1"}))), IsTrue(_like(name, ["p1", ANY], Fold.ASCII)))),
        And((IsTrue(Member(other, frozenset({"x", "y1"}))), Not(IsTrue(_like(name, ["p1", ANY], Fold.ASCII))))),
        And((Exists(name), Or((_like(name, [ANY, "7"], Fold.NONE), Contains(other, "3"))))),
        Or(
            (
                Member(name, frozenset(f"p{i}" for i in range(30))),
                Compare(Order.GT, Field(LONG), Literal(4, LONG.type)),
            )
        ),
        Not(Member(name, frozenset({"p3"}))),
        And((Not(Exists(Field(DOUBLE))), Not(Contains(name, "p")))),
    ]
    plan = Plan(found)
    for shift in range(3):
        documents: list[Sample] = [
            {
                KEYWORD: [f"P{i % 90}" if i % 2 else f"p{(i + shift) % 90}"] if i % 5 else [],
                OTHER: ["x", f"y{(i + shift) % 11}"] if i % 3 else [],
                LONG: [i % 7],
            }
            for i in range(900)
        ]
        rows = [each.tolist() for each in plan.select(batch_of(documents))]
        assert rows == expected(found, documents, [None] * len(found))


def test_each_predicate_needs_its_wanted_rows() -> None:
    plan = Plan([Exists(Field(KEYWORD))] * 2)
    with pytest.raises(ValueError, match="1 sets of wanted rows for 2 predicates"):
        plan.select(batch_of([{}]), [None])
