"""The two evaluators, asked the same: the engine over batches, and the reference one document at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conformance.model import Case, Data, Reading
from dogwatch.detect.bound import bound
from dogwatch.detect.search import Hit, Search, hit_of
from dogwatch.engine.reference.search import search
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Document, Event
from dogwatch.events.columns import TIMESTAMP
from dogwatch.events.document import field_values, leaf_value
from dogwatch.events.readers import documents_to_batches
from dogwatch.languages import eql
from dogwatch.logic.pattern import AggregatePattern, CompositePattern, End
from dogwatch.schema.schema import Schema

ABSENT = "-1"
"""The id in the place of an event that must not occur."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an evaluator found: the ids and the join keys of all results in order."""

    ids: tuple[str, ...]
    join_keys: tuple[Any, ...]


class Engine:
    """The engine, with a query made ready.

    Raises:
        DogwatchError: It refuses the query.
    """

    def __init__(self, case: Case, data: Data) -> None:
        reading = data.reading
        self._case, self._data = case, data
        self._search = Search(
            "eql",
            case.query,
            data.schema,
            event_category_field=reading.category,
            timestamp_field=reading.timestamp,
            tiebreaker_field=reading.tiebreaker,
        )

    def answer(self, size: int | None, end: End, batch_rows: int) -> Answer:
        """What it finds over batches of so many rows."""
        batches = documents_to_batches(self._data.documents, self._search.fields, batch_rows=batch_rows)
        samples = self._case.max_samples_per_key
        hits = self._search.run(batches, size=size, result_position=end, max_samples_per_key=samples)
        return _answer(hits, self._data.reading)


class Reference:
    """The reference evaluator, with a query made ready.

    Raises:
        DogwatchError: The query is refused.
    """

    def __init__(self, case: Case, data: Data) -> None:
        reading, schema = data.reading, data.schema
        self._case, self._reading = case, reading
        lowered = eql.lower_text(
            case.query,
            type_of=schema.type_of,
            event_category_field=reading.category,
            timestamp_field=reading.timestamp,
            tiebreaker_field=reading.tiebreaker,
        )
        self._lowered = bound(lowered, schema)
        self._events = [_event(number, document, schema) for number, document in enumerate(data.documents)]

    def answer(self, size: int | None, end: End) -> Answer:
        """What it finds."""
        pattern = self._lowered.pattern
        if isinstance(pattern, AggregatePattern | CompositePattern):
            raise TypeError("EQL has no aggregates")
        found = search(
            pattern,
            self._events,
            clock=self._lowered.clock,
            limits=self._lowered.limits,
            size=size,
            position=end,
            max_samples_per_key=self._case.max_samples_per_key,
        )
        return _answer((hit_of(pattern, result) for result in found), self._reading)


def _answer(hits: Iterable[Hit], reading: Reading) -> Answer:
    ids: list[str] = []
    keys: list[Any] = []
    for hit in hits:
        ids += [_id(document, reading) for document in hit.events]
        keys += hit.join_keys
    return Answer(tuple(ids), tuple(keys))


def _event(number: int, document: Document, schema: Schema) -> Event:
    times = field_values(document, schema.bind(TIMESTAMP))
    sequence = leaf_value(document, "event", "sequence")
    own_id = leaf_value(document, "event", "id")
    return Event(
        id=own_id if isinstance(own_id, str) else f"document-{number}",
        index=None,
        time=int(times[0]) if times else NO_TIME,
        tiebreak=sequence if type(sequence) is int else NO_TIEBREAK,
        arrival=number,
        document=document,
        place=None,
        has_own_id=isinstance(own_id, str),
    )


def _id(document: Document, reading: Reading) -> str:
    if document == {"missing": True}:
        return ABSENT
    value: Any = document
    for component in [reading.id] if reading.id in document else reading.id.split("."):
        value = value.get(component) if isinstance(value, dict) else None
    return str(value)
