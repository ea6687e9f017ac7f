"""Which documents a predicate selects, asked of both evaluators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dogwatch.engine.plan import Plan
from dogwatch.engine.reference import evaluate
from dogwatch.events.batch import NO_TIEBREAK
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.document import field_values
from dogwatch.events.report import ReadReport
from dogwatch.languages.kql.lower import lower_text
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import Predicate
from dogwatch.schema.schema import Schema


def kql(query: str, mappings: Mapping[str, str], now: int | None = None) -> Predicate:
    """The predicate of a query under a schema."""
    schema = Schema(mappings)
    lowered = lower_text(
        query, type_of=schema.type_of, now=now, known_fields=schema.mappings, mapping_of=schema.mappings.get
    )
    assert isinstance(lowered.pattern, EventPattern)
    return lowered.pattern.predicate


def selected(predicate: Predicate, documents: Sequence[dict[str, Any]]) -> list[bool]:
    """For each document whether it satisfies the predicate; the two evaluators must agree."""
    plan = Plan([predicate])
    rows = [Row(document, str(number), True, None, None, NO_TIEBREAK) for number, document in enumerate(documents)]
    (flags,) = plan.evaluate(make_batch(rows, plan.fields, 0, ReadReport()))
    answers = [evaluate(predicate, partial(field_values, document)) for document in documents]
    assert None not in answers, "KQL has no unknown"
    assert flags.tolist() == answers
    return [answer is True for answer in answers]
