"""Lowered queries made to read documents as an index's mapping says."""

from __future__ import annotations

from dataclasses import replace

from dogwatch.events.columns import TIMESTAMP
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import Clock
from dogwatch.logic.rewrite import with_fields
from dogwatch.schema.schema import Schema


def bound(lowered: Lowered, schema: Schema) -> Lowered:
    """The query with each field, those of its clock too, read as the schema's mapping says.

    An alias reads its target, a date its formats, an explicit null its ``null_value``. A schema that says nothing
    beyond types leaves the query as it is.
    """
    if not schema.definitions:
        return lowered
    clock = lowered.clock
    timestamp = schema.bind(clock.timestamp or TIMESTAMP)
    tiebreaker = clock.tiebreaker and schema.bind(clock.tiebreaker)
    return replace(
        lowered,
        pattern=with_fields(lowered.pattern, schema.bind),
        clock=Clock(None if timestamp == TIMESTAMP else timestamp, tiebreaker),
    )
