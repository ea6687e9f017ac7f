"""FortiSIEM's event attributes: which exist, what they hold, and the fields that they are read from."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from dogwatch.schema.fortisiem import FORTISIEM_PREFIX, attribute_types

RAW_MESSAGE = "rawEventMsg"
"""The attribute that holds the event as it was received; CONTAIN looks only where its words begin."""

_LONGEST_SUGGESTED = 64
_LENGTHS_APART = 3
_LIKENESS = 0.75


def attribute_path(name: str) -> str:
    """The path of the field that an attribute is read from."""
    return FORTISIEM_PREFIX + name


def attribute_displayed(name: str) -> str | None:
    """The attribute that the product's screens show under a name such as ``Source IP``, in any letter case."""
    return _displayed().get(name.lower())


def suggest_attribute(name: str) -> str | None:
    """The defined attribute that a mistyped name most likely means, if one resembles it."""
    if len(name) > _LONGEST_SUGGESTED:
        return None
    if (shown := attribute_displayed(name)) is not None:
        return shown
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


@cache
def _displayed() -> Mapping[str, str]:
    """From the names that the product's screens show, in lower case, to internal names; of several the first."""
    table = resources.files("dogwatch.schema").joinpath("fortisiem_attributes.csv").read_text(encoding="utf-8")
    shown: dict[str, str] = {}
    for row in csv.DictReader(table.splitlines()):
        shown.setdefault(row["display_name"].lower(), row["name"])
    return shown
