"""What is known about fields before any event is read: their names and types."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from dogwatch.base.fieldpath import is_too_deep, parents
from dogwatch.schema.coerce import coerce_field
from dogwatch.schema.derived import derived_fields
from dogwatch.schema.field import TYPE_OF_MAPPING, FieldRef, FieldType
from dogwatch.schema.mapping import Definition, definitions, resolved

_MULTI_FIELDS = {"text": FieldType.TEXT, "caseless": FieldType.KEYWORD, "keyword": FieldType.KEYWORD}
"""Names under which a field's own values are indexed a second time, and the type that they have there."""

_KEYWORD_OBJECTS = frozenset({"labels", "container.labels"})
"""Objects of any keys whose values ECS declares to be keywords."""

_SUGGESTIONS = 3
_LONGEST_SUGGESTED = 100
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
        mappings: Mapping type (``keyword``, ``long``, ``object``, ..) of each field by its dotted path; of an
            alias, that of the field that it stands for.
        definitions: What else a mapping says about a field: another path that holds its values, formats of its
            dates, the value of an explicit null. Most fields have no entry.
        analysed_only: The analysed texts that a mapping gives no keyword of the whole text beside.
    """

    mappings: Mapping[str, str]
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    analysed_only: frozenset[str] = frozenset()

    @staticmethod
    def ecs() -> Schema:
        """The Elastic Common Schema with the fields that Elastic's integrations add, and our derived fields."""
        return _ecs()

    def type_of(self, path: str) -> FieldType | None:
        """The type of a field's values, or ``None`` if it is unknown or holds objects."""
        mapping = self.mappings.get(path)
        if mapping is None and is_too_deep(path):
            return None
        if mapping is not None:
            return TYPE_OF_MAPPING.get(mapping)
        parent = self._multi_field_parent(path)
        if parent is not None:
            return _MULTI_FIELDS[path[len(parent) + 1 :]]
        for parent in parents(path):
            if self.mappings.get(parent) == "flattened" or parent in _KEYWORD_OBJECTS:
                return FieldType.KEYWORD
        return None

    def source_path(self, path: str) -> str:
        """The path under which documents hold the field's values: a multi-field's parent, an alias's target."""
        if path in self.definitions:
            return self.definitions[path].source
        return self._multi_field_parent(path) or path

    def is_known(self, path: str) -> bool:
        """Whether the schema has the field, be it a scalar, an object or a multi-field."""
        return path in self.mappings or self.type_of(path) is not None

    def with_mapping(self, mapping: Mapping[str, Any]) -> Schema:
        """This schema with the fields of an Elasticsearch mapping added or replaced.

        Args:
            mapping: Paths to mapping types (``{"a.b": "long"}``), or a mapping as Elasticsearch prints it
                (``{"properties": {"a": {"properties": {"b": {"type": "long"}}}}}``), or a mixture. Of a
                definition count its ``type``, ``properties``, ``fields``, ``path`` (of an alias), ``format`` (of a
                date) and ``null_value``.

        Raises:
            DogwatchError: An entry is neither a type's name nor a definition, an alias names no field, a date's
                format is not supported, or a null value is none of its type (code ``mapping-syntax``).
        """
        added = resolved(definitions(mapping), self.mappings, self.definitions)
        mappings = {**self.mappings, **{path: each.type for path, each in added.items()}}
        plain = {path: each for path, each in self.definitions.items() if path not in added}
        facts = {path: each for path, each in added.items() if each != Definition(each.type, path)}
        analysed = (self.analysed_only - added.keys()) | _analysed_only(added)
        return Schema(mappings, {**plain, **facts}, analysed)

    def bind(self, ref: FieldRef) -> FieldRef:
        """The field as documents are to be read: an alias's target, with its mapping's formats and null value.

        Examples:
            >>> schema = Schema.ecs().with_mapping({"pid": {"type": "alias", "path": "process.pid"}})
            >>> schema.bind(FieldRef("pid", FieldType.LONG)).path
            'process.pid'
        """
        fact = self.definitions.get(ref.path)
        if fact is None:
            return ref
        formats = fact.formats if ref.type is FieldType.DATE else ()
        bound = FieldRef(fact.source, ref.type, formats)
        if fact.null_value is None:
            return bound
        values, _ = coerce_field([fact.null_value], bound)
        return replace(bound, null_value=values[0] if values else None)

    def suggest(self, path: str) -> list[str]:
        """Up to three known names that resemble ``path``, the best first; none for one far longer than any."""
        if len(path) > _LONGEST_SUGGESTED:
            return []
        # A name can be no more like the path than their lengths are, which takes far less time to find.
        alike = [
            name for name in self.mappings if 2 * min(len(name), len(path)) >= _LIKENESS * (len(name) + len(path))
        ]
        return difflib.get_close_matches(path, alike, _SUGGESTIONS, _LIKENESS)

    def hint(self, path: str) -> str | None:
        """What to say to someone who wrote a field that is unknown; ``None`` if no known one is like it."""
        names = self.suggest(path)
        return f"did you mean `{names[0]}`?" if names else None

    def _multi_field_parent(self, path: str) -> str | None:
        """The field that ``path`` is taken for a multi-field of, though no mapping names it."""
        parent = multi_field_parent(path)
        if parent is None or (parent in self.analysed_only and path.endswith(".keyword")):
            return None
        is_text = TYPE_OF_MAPPING.get(self.mappings.get(parent, "")) in (FieldType.KEYWORD, FieldType.TEXT)
        return parent if is_text else None


def _analysed_only(added: Mapping[str, Definition]) -> frozenset[str]:
    types = {path: TYPE_OF_MAPPING.get(each.type) for path, each in added.items()}
    with_keyword = {path.rpartition(".")[0] for path, kind in types.items() if kind is FieldType.KEYWORD}
    texts = (path for path, kind in types.items() if kind is FieldType.TEXT)
    return frozenset(path for path in texts if _own_path(path, added[path].source) not in with_keyword)


def _own_path(path: str, source: str) -> str:
    """Where a text is mapped: an alias at its target; a multi-field, which reads its parent, at its own path."""
    return path if path.rpartition(".")[0] == source else source


@lru_cache(maxsize=1)
def _ecs() -> Schema:
    _, *rows = Path(__file__).with_name("ecs_fields.csv").read_text(encoding="utf-8").splitlines()
    # No name is quoted.
    mappings = {name: kind for name, _, kind in (row.partition(",") for row in rows)}
    mappings.update((path, field.ref.type.value) for path, field in derived_fields().items())
    return Schema(mappings)
