"""Queries in any language: from a name and a text to a pattern of events."""

from __future__ import annotations

from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.detect.bound import bound
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import EventPattern
from dogwatch.schema.schema import Schema

LANGUAGES = ("eql", "kql", "lucene", "fortisiem")
"""The languages that a search can be written in; ``kuery`` is another name for ``kql``."""

_WITHOUT_FIELDS = frozenset({"kql", "kuery", "lucene", "fortisiem"})


@dataclass(frozen=True, slots=True)
class EventFields:
    """The fields that give an EQL query's events their category and their order.

    Attributes:
        category: What the word before ``where`` is compared with.
        timestamp: An event's time.
        tiebreaker: The order of events of one time; ``None`` is their own.
    """

    category: str = "event.category"
    timestamp: str = "@timestamp"
    tiebreaker: str | None = None


def lower_query(
    language: str,
    query: str,
    schema: Schema,
    now: int | None,
    fields: EventFields,
    resources: Resources = NO_RESOURCES,
    fortisiem: FortisiemOptions = VENDOR,
) -> Lowered:
    """What a query looks for.

    Args:
        language: One of ``LANGUAGES``, or ``kuery``; letter case does not matter.
        query: Its text; for FortiSIEM the filter of single events.
        schema: The types of fields.
        now: What ``now`` means in the query's dates, nanoseconds since 1970 UTC.
        fields: Where EQL looks for an event's category and order; other languages have no such choice.
        resources: Groups and tables that a filter of FortiSIEM's refers to.
        fortisiem: How a filter of FortiSIEM's is read where the vendor leaves room.

    Raises:
        DogwatchError: The query cannot be run (the diagnostics point into its text), the language is not known
            (``unknown-language``), or it has no such choice of fields (``search-option``).
    """
    if language.lower() in _WITHOUT_FIELDS and fields != EventFields():
        raise DogwatchError(
            Diagnostic(
                "search-option",
                "only EQL lets a search name the fields of an event's category, time and tiebreaker",
                hint=f"leave them out, or write the query in EQL instead of {language}",
            )
        )
    if language.lower() == "fortisiem":
        from dogwatch.languages.fortisiem.lower import lower_filter

        predicate, notes = lower_filter(query, type_of=schema.type_of, resources=resources, options=fortisiem)
        return bound(Lowered(EventPattern(predicate), notes), schema)
    return bound(_lowered(language, query, schema, now, fields), schema)


def _lowered(language: str, query: str, schema: Schema, now: int | None, fields: EventFields) -> Lowered:
    match language.lower():
        case "eql":
            from dogwatch.languages import eql

            return eql.lower_text(
                query,
                type_of=schema.type_of,
                event_category_field=fields.category,
                timestamp_field=fields.timestamp,
                tiebreaker_field=fields.tiebreaker,
                now=now,
                suggest=schema.hint,
            )
        case "kql" | "kuery":
            from dogwatch.languages.kql.lower import lower_text as lower_kql

            return lower_kql(
                query,
                type_of=schema.type_of,
                now=now,
                known_fields=schema.mappings,
                mapping_of=schema.mappings.get,
            )
        case "lucene":
            from dogwatch.languages.lucene.lower import lower_text as lower_lucene

            return lower_lucene(
                query,
                type_of=schema.type_of,
                now=now,
                known_fields=schema.mappings,
                mapping_of=schema.mappings.get,
            )
        case _:
            raise DogwatchError(
                Diagnostic(
                    "unknown-language",
                    f"`{language}` is no language that Dogwatch searches in",
                    hint=f"choose one of {', '.join(LANGUAGES)}",
                )
            )
