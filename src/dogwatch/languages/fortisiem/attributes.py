"""FortiSIEM's event attributes: which exist, what they hold, and the fields that they are read from."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from dogwatch.schema.derived import DERIVED_FIELDS, FORTISIEM_PREFIX
from dogwatch.schema.field import FieldType

RAW_MESSAGE = "rawEventMsg"
"""The attribute that holds the event as it was received; CONTAIN looks only where its words begin."""

_TYPES = {
    "STRING": FieldType.KEYWORD,
    "BINARY": FieldType.KEYWORD,
    "BINHEX": FieldType.KEYWORD,
    "IP": FieldType.IP,
    "DATE": FieldType.DATE,
    "DOUBLE": FieldType.DOUBLE,
    "INT16": FieldType.LONG,
    "INT32": FieldType.LONG,
    "INT64": FieldType.LONG,
    "UCHAR": FieldType.LONG,
    "UINT16": FieldType.LONG,
    "UINT32": FieldType.LONG,
    "UINT64": FieldType.LONG,
}

_LONGEST_SUGGESTED = 64
_LENGTHS_APART = 3
_LIKENESS = 0.75


@lru_cache(maxsize=1)
def attribute_types() -> Mapping[str, FieldType]:
    """The type of every attribute that FortiSIEM defines, by internal name."""
    table = resources.files("dogwatch.schema").joinpath("fortisiem_attributes.csv")
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    exported = {row["name"]: _TYPES[row["value_type"]] for row in rows}
    derived = {
        path.removeprefix(FORTISIEM_PREFIX): field.ref.type
        for path, field in DERIVED_FIELDS.items()
        if path.startswith(FORTISIEM_PREFIX)
    }
    return {**exported, **derived}


def attribute_path(name: str) -> str:
    """The path of the field that an attribute is read from."""
    return FORTISIEM_PREFIX + name


def suggest_attribute(name: str) -> str | None:
    """The defined attribute that a mistyped name most likely means, if one resembles it."""
    if len(name) > _LONGEST_SUGGESTED:
        return None
    folded = name.lower()
    begin, end = folded[:2], folded[-2:]
    # Measuring likeness is slow, and a mistyped name still begins or ends as the right one does.
    alike = {
        candidate.lower(): candidate
        for candidate in attribute_types()
        if abs(len(candidate) - len(name)) <= _LENGTHS_APART
        and (candidate.lower().startswith(begin) or candidate.lower().endswith(end))
    }
    close = difflib.get_close_matches(folded, alike, 1, _LIKENESS)
    return alike[close[0]] if close else None
