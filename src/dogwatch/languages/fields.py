"""The fields that a KQL or Lucene query may name: their types, which a pattern means, and what lies nested."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cached_property

from dogwatch.base.fieldpath import is_too_deep, parents
from dogwatch.languages.lowering import MappingOf, TypeOf
from dogwatch.logic.predicate import Wild
from dogwatch.schema.field import FieldRef, FieldType

_NESTED, _OBJECT, _FLATTENED, _KEYWORD = "nested", "object", "flattened", "keyword"
_VALUELESS = frozenset({_OBJECT, None})

_LONGEST_SUGGESTED = 100
_LENGTHS_APART = 3
_LIKENESS = 0.75

Pieces = tuple[str | Wild, ...]
"""A field name, or a pattern of names, as literal stretches and stars."""


class Fields:
    """What is known about fields.

    Args:
        type_of: The type of a field's values.
        mapping_of: Its mapping type; without it no field is nested and every text is an exact keyword.
        known: Every field that a pattern may mean, or ``None`` if they are not known.
    """

    def __init__(self, type_of: TypeOf, mapping_of: MappingOf | None, known: Iterable[str] | None) -> None:
        self._type_of = type_of
        self._mapping_of: MappingOf = mapping_of or (lambda _: None)
        self._known = None if known is None else tuple(known)
        self._homes: dict[str, str | None] = {}

    @property
    def are_known(self) -> bool:
        """Whether it is known which fields there are."""
        return self._known is not None

    def ref(self, path: str) -> FieldRef | None:
        """The field of a path, or ``None`` if no schema knows it."""
        kind = self._type_of(path)
        return None if kind is None else FieldRef(path, kind)

    def is_nested(self, path: str) -> bool:
        """Whether the objects under a path are mapped as ``nested``, so that each is matched by itself."""
        return self._mapping_of(path) == _NESTED

    def is_flattened(self, path: str) -> bool:
        """Whether the field is a whole object mapped as ``flattened``, of which only the keys are columns here."""
        return self._mapping_of(path) == _FLATTENED

    def holds_objects(self, path: str) -> bool:
        """Whether a path is that of plain objects, which have no values of their own."""
        below = f"{path}."
        return self._mapping_of(path) in _VALUELESS and any(name.startswith(below) for name in self._known or ())

    def home(self, path: str) -> str | None:
        """The path of the nested objects that the field belongs to, or ``None`` if it is the event's own."""
        if path not in self._homes:
            self._homes[path] = next((parent for parent in parents(path) if self.is_nested(parent)), None)
        return self._homes[path]

    def is_exact(self, path: str) -> bool:
        """Whether Kibana takes the field for a keyword, and hands over wildcards to it as they are."""
        mapping = self._mapping_of(path)
        if mapping is not None or is_too_deep(path):
            return mapping in (_KEYWORD, None)
        return all(self._mapping_of(parent) != _FLATTENED for parent in parents(path))

    def matching(self, pieces: Pieces) -> list[FieldRef]:
        """The known fields with values whose paths match the pattern, in the order in which they are known."""
        literals = _literals(pieces)
        return [ref for ref in self._refs if _fits(literals, ref.path)]

    def suggestion(self, path: str) -> str | None:
        """The known field that an unknown one was probably meant to be."""
        if len(path) > _LONGEST_SUGGESTED:
            return None
        # Measuring likeness is slow, and a mistyped name still begins or ends as the right one does.
        begin, end = path[:2], path[-2:]
        alike = [
            name
            for name in self._known or ()
            if (name.startswith(begin) or name.endswith(end)) and abs(len(name) - len(path)) <= _LENGTHS_APART
        ]
        close = difflib.get_close_matches(path, alike, 1, _LIKENESS)
        return close[0] if close else None

    @cached_property
    def _refs(self) -> list[FieldRef]:
        refs = (self.ref(path) for path in self._known or ())
        return [ref for ref in refs if ref is not None and ref.type is not FieldType.OBJECT]


def _literals(pieces: Pieces) -> list[str]:
    """The literal stretches between the stars, with an empty one where the pattern begins or ends in a star."""
    literals = [""]
    for piece in pieces:
        if not isinstance(piece, Wild):
            literals[-1] += piece
        elif literals[-1] or len(literals) == 1:
            literals.append("")
    return literals


def _fits(literals: list[str], path: str) -> bool:
    if len(literals) == 1:
        return path == literals[0]
    first, *middle, last = literals
    if len(path) < len(first) + len(last) or not path.startswith(first) or not path.endswith(last):
        return False
    position, end = len(first), len(path) - len(last)
    for literal in middle:
        found = path.find(literal, position, end)
        if found < 0:
            return False
        position = found + len(literal)
    return True
