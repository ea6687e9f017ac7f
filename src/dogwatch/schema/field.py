"""Fields and their types: what a column holds and how its values compare."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class FieldType(enum.Enum):
    """The kinds of value that a column can hold.

    Elasticsearch's many mapping types fall into these by how they match (see ``TYPE_OF_MAPPING``).
    """

    KEYWORD = "keyword"
    """Text matched as a whole (keyword, constant_keyword, wildcard, flattened leaves)."""
    TEXT = "text"
    """Analysed text (text, match_only_text): KQL matches its words; EQL uses the exact value."""
    LONG = "long"
    """64-bit signed integers."""
    DOUBLE = "double"
    """64-bit floating point numbers."""
    BOOLEAN = "boolean"
    DATE = "date"
    """Instants as nanoseconds since 1970-01-01T00:00:00Z."""
    IP = "ip"
    """IPv4 and IPv6 addresses, as canonical text."""
    VERSION = "version"
    """Software versions, ordered as semantic versions."""
    OBJECT = "object"
    """Whole objects as JSON text with sorted keys: the elements of a field that an index maps as ``nested``."""

    # Members are equal only to themselves, so their names need not be hashed.
    __hash__ = object.__hash__

    @property
    def is_text(self) -> bool:
        """Whether a column of this type holds text (dictionary-encoded)."""
        return self in _TEXT_TYPES

    @property
    def is_number(self) -> bool:
        """Whether values of this type are numbers."""
        return self in (FieldType.LONG, FieldType.DOUBLE)


_TEXT_TYPES = frozenset({FieldType.KEYWORD, FieldType.TEXT, FieldType.IP, FieldType.VERSION, FieldType.OBJECT})

TYPE_OF_MAPPING = {
    "keyword": FieldType.KEYWORD,
    "constant_keyword": FieldType.KEYWORD,
    "wildcard": FieldType.KEYWORD,
    "flattened": FieldType.KEYWORD,
    "text": FieldType.TEXT,
    "match_only_text": FieldType.TEXT,
    "long": FieldType.LONG,
    "integer": FieldType.LONG,
    "short": FieldType.LONG,
    "byte": FieldType.LONG,
    "unsigned_long": FieldType.LONG,
    "double": FieldType.DOUBLE,
    "float": FieldType.DOUBLE,
    "half_float": FieldType.DOUBLE,
    "scaled_float": FieldType.DOUBLE,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "date_nanos": FieldType.DATE,
    "ip": FieldType.IP,
    "version": FieldType.VERSION,
}
"""Elasticsearch mapping type -> ours. Types without scalar values (object, nested, geo_point) are absent."""

Scalar = str | int | float | bool
"""A coerced value: text for the text types, int for LONG and DATE, float for DOUBLE, bool for BOOLEAN."""


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A field as a rule reads it: its dotted path and the type that its values are coerced to.

    The same path may be read under two types by two rules (a field that no schema knows); those are
    two columns.

    Attributes:
        path: The dotted path under which documents hold the values.
        type: What they are coerced to.
        formats: Date formats of the field's mapping, in Java's notation; empty is Elasticsearch's default.
        null_value: What an index stores for an explicit null, if the mapping says so.
    """

    path: str
    type: FieldType
    formats: tuple[str, ...] = ()
    null_value: Scalar | None = None

    def __hash__(self) -> int:
        # Tables of fields are asked for every event. A text remembers its hash; few fields share a path.
        return hash(self.path)

    def __lt__(self, other: FieldRef) -> bool:
        """Order by path, then type name: a stable order for columns."""
        return (self.path, self.type.value) < (other.path, other.type.value)

    def __str__(self) -> str:
        """The path alone."""
        return self.path
