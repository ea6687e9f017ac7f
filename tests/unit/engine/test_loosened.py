"""Predicates without their questions about watch lists pass every event that may satisfy the whole."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from predicate_strategies import LISTS, TEXTS, Sample, batch_of, predicates, samples, values_of

from dogwatch.engine.plan import Plan
from dogwatch.engine.reference import evaluate
from dogwatch.logic.predicate import Predicate
from dogwatch.logic.rewrite import has_lists, loosened
from dogwatch.schema.field import Scalar

CONTENTS = st.frozensets(
    st.tuples(st.sampled_from(LISTS), st.one_of(TEXTS, st.integers(-3, 3), st.booleans())), max_size=8
)


@settings(max_examples=300, deadline=None)
@given(predicates(lists=True), st.lists(samples(), max_size=3), CONTENTS, st.booleans())
def test_passes_what_may_satisfy_the_whole(
    predicate: Predicate, documents: list[Sample], contents: frozenset[tuple[str, Scalar]], turned: bool
) -> None:
    def lists(name: str, value: Scalar) -> bool:
        return ((name, value) in contents) is not turned

    loose = loosened(predicate)
    for document in documents:
        values = values_of(document)
        if evaluate(predicate, values, lists) is True:
            assert evaluate(loose, values) is True


@settings(max_examples=100, deadline=None)
@given(predicates(lists=True), st.lists(samples(), max_size=3))
def test_the_columns_can_answer(predicate: Predicate, documents: list[Sample]) -> None:
    loose = loosened(predicate)
    expected = [evaluate(loose, values_of(document)) is True for document in documents]
    assert not has_lists(loose)
    assert Plan([loose]).evaluate(batch_of(documents))[0].tolist() == expected


@settings(max_examples=100, deadline=None)
@given(predicates())
def test_without_lists_it_is_the_same(predicate: Predicate) -> None:
    assert loosened(predicate) is predicate
