"""One answer to one question: on both evaluators, however batches are cut, in whatever order events come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from campaign import campaign
from event_strategies import events
from hypothesis import given
from hypothesis import strategies as st
from query_strategies import event_queries, sample_queries, sequence_queries

import dogwatch
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.detect.bound import bound
from dogwatch.detect.query import EventFields, lower_query
from dogwatch.engine.reference.predicate import ValuesOf
from dogwatch.engine.reference.search import search as search_plainly
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import Document, Event
from dogwatch.events.document import field_values
from dogwatch.events.readers import ReadOptions, documents_to_batches
from dogwatch.logic.pattern import AggregatePattern, CompositePattern, EventPattern, SequencePattern
from dogwatch.schema.derived import derived_fields
from dogwatch.schema.field import FieldRef, Scalar
from dogwatch.schema.schema import Schema

Documents = list[dict[str, Any]]
Found = list[tuple[int | None, ...]]
"""For each hit the numbers of its events, ``None`` in the place of one that must not occur."""


def found(language: str, query: str, documents: Documents, batch_rows: int = 8192) -> Found:
    hits = dogwatch.search(language, query, documents, reading=ReadOptions(batch_rows=batch_rows))
    return [tuple(event.get("n") for event in hit.events) for hit in hits]


def found_plainly(language: str, query: str, documents: Documents) -> Found:
    schema = Schema.ecs()
    lowered = bound(lower_query(language, query, schema, None, EventFields()), schema)
    pattern = lowered.pattern
    if isinstance(pattern, AggregatePattern):
        pattern = EventPattern(pattern.predicate)
    assert not isinstance(pattern, CompositePattern)
    batches = documents_to_batches(documents, [])
    listed = [batch.event(row) for batch in batches for row in range(batch.length)]
    results = search_plainly(pattern, listed, clock=lowered.clock, limits=lowered.limits, read=_values)
    return [_numbers(pattern, result) for result in results]


def _values(document: Document) -> ValuesOf:
    """The values in a document, and those that follow from them as batches have it."""

    def values(ref: FieldRef) -> Sequence[Scalar]:
        if ref.path not in derived_fields():
            return field_values(document, ref)
        (batch,) = documents_to_batches([document], [ref])
        return batch.values(ref, 0)

    return values


def _numbers(pattern: object, result: Event | SequenceHit) -> tuple[int | None, ...]:
    if isinstance(result, Event):
        return (result.document["n"],)
    laid_out = pattern.laid_out(result.events) if isinstance(pattern, SequencePattern) else result.events
    return tuple(None if event is None else event.document["n"] for event in laid_out)


QUERIES = event_queries() | sequence_queries() | sample_queries()


@campaign(40)
@given(QUERIES, events())
def test_both_evaluators_find_the_same(query: tuple[str, str], documents: Documents) -> None:
    assert found(*query, documents) == found_plainly(*query, documents)


@campaign(40)
@given(QUERIES, events(), st.integers(1, 8))
def test_cutting_batches_changes_nothing(query: tuple[str, str], documents: Documents, batch_rows: int) -> None:
    assert found(*query, documents, batch_rows) == found(*query, documents)


@campaign(40)
@given(event_queries() | sequence_queries(), events(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(
    query: tuple[str, str], documents: Documents, chance: random.Random
) -> None:
    timed = [document for document in documents if document["@timestamp"] not in ("soon", None)]
    shuffled = list(timed)
    chance.shuffle(shuffled)
    assert found(*query, shuffled) == found(*query, timed)


@campaign(40)
@given(sample_queries(), events(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_sample(
    query: tuple[str, str], documents: Documents, chance: random.Random
) -> None:
    timed = [document for document in documents if document["@timestamp"] not in ("soon", None)]
    shuffled = list(timed)
    chance.shuffle(shuffled)
    assert found(*query, shuffled) == found(*query, timed)


@campaign(40)
@given(st.sampled_from(["eql", "kql", "lucene", "fortisiem"]), st.text(max_size=30), events())
def test_a_search_fails_with_diagnostics_only(language: str, query: str, documents: Documents) -> None:
    try:
        found(language, query, documents)
    except DogwatchError as error:
        assert str(error)  # noqa: PT017 - refusing is as right as answering
