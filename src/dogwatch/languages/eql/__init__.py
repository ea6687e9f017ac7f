"""The Event Query Language as Elasticsearch runs it: from a query's text to a pattern over events."""

from __future__ import annotations

from dogwatch.languages.eql.lower import EVENT_CATEGORY, TIMESTAMP, lower
from dogwatch.languages.eql.operand import Suggest
from dogwatch.languages.eql.parser import parse
from dogwatch.languages.eql.printer import print_query
from dogwatch.languages.lowering import Lowered, TypeOf

__all__ = ["lower", "lower_text", "parse", "print_query"]


def lower_text(
    text: str,
    *,
    type_of: TypeOf,
    event_category_field: str = EVENT_CATEGORY,
    timestamp_field: str = TIMESTAMP,
    tiebreaker_field: str | None = None,
    now: int | None = None,
    suggest: Suggest | None = None,
) -> Lowered:
    """The pattern that the text of an EQL query looks for; the arguments are those of ``lower``.

    Raises:
        DogwatchError: ``eql-syntax``, ``eql-verification`` or ``eql-unsupported``, with spans into ``text``.
    """
    return lower(
        parse(text),
        type_of=type_of,
        event_category_field=event_category_field,
        timestamp_field=timestamp_field,
        tiebreaker_field=tiebreaker_field,
        now=now,
        suggest=suggest,
    )
