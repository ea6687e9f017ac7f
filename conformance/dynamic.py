"""Types of fields that no mapping names, as Elasticsearch's dynamic mapping would choose them.

The first value decides. Document: Elasticsearch reference, "Dynamic field mapping".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dogwatch.events.batch import Document
from dogwatch.schema.coerce import flatten
from dogwatch.schema.dateformat import date_reader

_TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword"}}}
_READ_DATE = date_reader(("strict_date_optional_time", "yyyy/MM/dd HH:mm:ss Z", "yyyy/MM/dd Z", "yyyy/MM/dd"))


def dynamic_mapping(documents: Iterable[Document]) -> dict[str, Any]:
    """From the dotted path of each field that the documents hold to its definition."""
    found: dict[str, Any] = {}
    for document in documents:
        for path, value in _leaves(document, ""):
            if path not in found and (definition := _definition(value)) is not None:
                found[path] = definition
    return found


def _leaves(document: Document, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        for item in flatten([value]):
            if isinstance(item, dict):
                yield from _leaves(item, f"{prefix}{key}.")
            else:
                yield prefix + key, item


def _definition(value: object) -> object:
    match value:
        case bool():
            return "boolean"
        case int():
            return "long"
        case float():
            return "double"
        case str():
            return "date" if _is_date(value) else _TEXT
        case _:
            return None


def _is_date(text: str) -> bool:
    # Pure digits are too often no date.
    return any(mark in text for mark in "-:/") and _READ_DATE is not None and _READ_DATE(text) is not None
