"""What is known about fields before any event is read: their names and types."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.fieldpath import parents
from dogwatch.schema.derived import DERIVED_FIELDS
from dogwatch.schema.field import TYPE_OF_MAPPING, FieldType

_MULTI_FIELDS = {"text": FieldType.TEXT, "caseless": FieldType.KEYWORD, "keyword": FieldType.KEYWORD}
"""Names under which a field's own values are indexed a second time, and the type that they have there."""

_KEYWORD_OBJECTS = frozenset({"labels", "container.labels"})
"""Objects of any keys whose values ECS declares to be keywords."""

_SUGGESTIONS = 3
_LIKENESS = 0.75


def multi_field_parent(path: str) -> str | None:
    """The path whose values ``path`` would read if it is a multi-field, judged by its last component alone.

    Examples:
        >>> multi_field_parent("process.name.text")
        'process.name'
    """
    parent, _, last = path.rpartition(".")
    return parent if parent and last in _MULTI_FIELDS else None


@dataclass(frozen=True, slots=True)
class Schema:
    """Field names and their Elasticsearch mapping types.

    Attributes:
        mappings: Mapping type (``keyword``, ``long``, ``object``, ..) of each field by its dotted path.
    """

    mappings: Mapping[str, str]

    @staticmethod
    def ecs() -> Schema:
        """The Elastic Common Schema with the fields that Elastic's integrations add, and our derived fields."""
        return _ecs()

    def type_of(self, path: str) -> FieldType | None:
        """The type of a field's values, or ``None`` if it is unknown or holds objects."""
        mapping = self.mappings.get(path)
        if mapping is not None:
            return TYPE_OF_MAPPING.get(mapping)
        parent = multi_field_parent(path)
        if parent is not None and self._holds_text(parent):
            return _MULTI_FIELDS[path[len(parent) + 1 :]]
        for parent in parents(path):
            if self.mappings.get(parent) == "flattened" or parent in _KEYWORD_OBJECTS:
                return FieldType.KEYWORD
        return None

    def source_path(self, path: str) -> str:
        """The path under which documents hold the field's values: for a multi-field its parent's."""
        parent = multi_field_parent(path)
        return parent if parent is not None and self._holds_text(parent) else path

    def is_known(self, path: str) -> bool:
        """Whether the schema has the field, be it a scalar, an object or a multi-field."""
        return path in self.mappings or self.type_of(path) is not None

    def with_mapping(self, mapping: Mapping[str, Any]) -> Schema:
        """This schema with the fields of an Elasticsearch mapping added or replaced.

        Args:
            mapping: Paths to mapping types (``{"a.b": "long"}``), or a mapping as Elasticsearch prints it
                (``{"properties": {"a": {"properties": {"b": {"type": "long"}}}}}``), or a mixture.

        Raises:
            DogwatchError: An entry is neither a type's name nor a definition (code ``mapping-syntax``).
        """
        return Schema({**self.mappings, **dict(_flat_mapping(_unwrap(mapping)))})

    def suggest(self, path: str) -> list[str]:
        """Up to three known names that resemble ``path``, the best first."""
        return difflib.get_close_matches(path, self.mappings, _SUGGESTIONS, _LIKENESS)

    def hint(self, path: str) -> str | None:
        """What to say to someone who wrote a field that is unknown; ``None`` if no known one is like it."""
        names = self.suggest(path)
        return f"did you mean `{names[0]}`?" if names else None

    def _holds_text(self, path: str) -> bool:
        return TYPE_OF_MAPPING.get(self.mappings.get(path, "")) in (FieldType.KEYWORD, FieldType.TEXT)


@lru_cache(maxsize=1)
def _ecs() -> Schema:
    table = resources.files("dogwatch.schema").joinpath("ecs_fields.csv").read_text(encoding="utf-8")
    mappings = {row["name"]: row["type"] for row in csv.DictReader(table.splitlines())}
    mappings.update((path, field.ref.type.value) for path, field in DERIVED_FIELDS.items())
    return Schema(mappings)


def _unwrap(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    for wrapper in ("mappings", "properties"):
        inner = mapping.get(wrapper)
        if len(mapping) == 1 and isinstance(inner, Mapping) and not isinstance(inner.get("type"), str):
            mapping = inner
    return mapping


def _flat_mapping(mapping: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    pending = list(mapping.items())
    while pending:
        path, definition = pending.pop()
        match definition:
            case str():
                yield path, definition
            case Mapping():
                children = {**definition.get("properties", {}), **definition.get("fields", {})}
                pending += [(f"{path}.{name}", child) for name, child in children.items()]
                yield path, definition.get("type", "object")
            case _:
                raise DogwatchError(
                    Diagnostic(
                        "mapping-syntax",
                        f"the mapping of `{path}` is neither a type's name nor a definition",
                        hint='write "keyword" or {"type": "keyword"}',
                    )
                )
