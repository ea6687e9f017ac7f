"""A search: the events, or the sequences, that satisfy one query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.detect.matching import SPOOL_BYTES
from dogwatch.engine.passed import PassedSpool, StagePassed, Watch, take
from dogwatch.engine.plan import Plan, check
from dogwatch.engine.sequence import SequenceMatcher
from dogwatch.events.batch import Batch, Document, Event
from dogwatch.languages import eql
from dogwatch.languages.fortisiem.lower import lower_subpattern
from dogwatch.languages.kql.lower import lower_text as lower_kql
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import (
    AggregatePattern,
    EventPattern,
    Key,
    SamplePattern,
    SequencePattern,
    columns_of,
    predicates_of,
)
from dogwatch.schema.field import FieldRef
from dogwatch.schema.schema import Schema

LANGUAGES = ("eql", "kql", "fortisiem")
"""The languages that a search can be written in; ``kuery`` is another name for ``kql``."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a query found.

    Attributes:
        events: The documents: one, or one for each stage of a sequence or sample. ``{"missing": true}`` stands in
            the place of an event that must not occur (``![...]``), as in Elasticsearch's replies.
        join_keys: The values that the events share, dates as ISO 8601 text; empty for a single event.
        open_until: Set if the data ended before the window in which an event must not occur did: the end of that
            window, nanoseconds since 1970 UTC.
    """

    events: tuple[Document, ...]
    join_keys: Key = ()
    open_until: int | None = None


class Search:
    """One query, ready to run over batches.

    Args:
        language: One of ``LANGUAGES``, or ``kuery``.
        query: Its text; for FortiSIEM the filter of single events.
        schema: The types of fields.
        now: What ``now`` means in the query's dates, nanoseconds since 1970 UTC.

    Attributes:
        notes: Warnings and notices about the query.
        fields: The columns that batches must have.

    Raises:
        DogwatchError: The query cannot be run; the diagnostics point into its text.
    """

    def __init__(self, language: str, query: str, schema: Schema, *, now: int | None = None) -> None:
        lowered = _lower(language, query, schema, now)
        self._pattern: EventPattern | SequencePattern = _searched(lowered)
        self.notes = lowered.notes
        problems = [problem for each in predicates_of(self._pattern) for problem in check(each)]
        if problems:
            raise DogwatchError(problems)
        self._plan = Plan(predicates_of(self._pattern))
        self.fields: frozenset[FieldRef] = self._plan.fields | columns_of(self._pattern)

    def run(self, batches: Iterable[Batch], *, size: int | None = None) -> Iterator[Hit]:
        """The hits: single events in the order of reading, sequences by their last event.

        Args:
            batches: The events, with the columns ``fields``.
            size: How many hits at most; the earliest found.
        """
        hits = self._events(batches) if isinstance(self._pattern, EventPattern) else self._sequences(batches)
        for number, hit in enumerate(hits):
            if size is not None and number >= size:
                return
            yield hit

    def _events(self, batches: Iterable[Batch]) -> Iterator[Hit]:
        for batch in batches:
            (mask,) = self._plan.evaluate(batch)
            for row in np.flatnonzero(mask).tolist():
                yield Hit((_document(batch.event(row)),))

    def _sequences(self, batches: Iterable[Batch]) -> Iterator[Hit]:
        if not isinstance(self._pattern, SequencePattern):
            return
        matcher = SequenceMatcher(self._pattern)
        with PassedSpool(SPOOL_BYTES) as spool:
            for batch in batches:
                for passed in take(batch, [Watch(0, self._pattern, self._plan.evaluate(batch))]):
                    spool.add(passed)
            for passed in spool:
                for _, row in passed.rows:
                    if isinstance(row, StagePassed):
                        for hit in matcher.feed(row):
                            yield Hit(tuple(_document(event) for event in hit.events), hit.keys)


def _lower(language: str, query: str, schema: Schema, now: int | None) -> Lowered:
    match language.lower():
        case "eql":
            return eql.lower_text(query, type_of=schema.type_of, suggest=schema.hint)
        case "kql" | "kuery":
            return lower_kql(query, type_of=schema.type_of, now=now, known_fields=schema.mappings)
        case "fortisiem":
            return lower_subpattern("search", query, (), "", 1, type_of=schema.type_of)
        case _:
            raise DogwatchError(
                Diagnostic(
                    "unknown-language",
                    f"`{language}` is no language that Dogwatch searches in",
                    hint=f"choose one of {', '.join(LANGUAGES)}",
                )
            )


def _searched(lowered: Lowered) -> EventPattern | SequencePattern:
    match lowered.pattern:
        case AggregatePattern(predicate=predicate):
            return EventPattern(predicate)
        case SamplePattern():
            raise NotImplementedError
        case pattern:
            return pattern


def _document(event: Event) -> Document:
    return event.document
