"""FortiSIEM's event attributes: which exist, what they hold, and the fields that they are read from."""

from __future__ import annotations

import difflib

from dogwatch.schema.fortisiem import FORTISIEM_PREFIX, attribute_of_header, attribute_types

RAW_MESSAGE = "rawEventMsg"
"""The attribute that holds the event as it was received; CONTAIN looks only where its words begin."""

_LONGEST_SUGGESTED = 64
_LENGTHS_APART = 3
_LIKENESS = 0.82
_SHORTEST_BEGINNING = 5
"""Characters of a name that is taken for the beginning of another."""


def attribute_path(name: str) -> str:
    """The path of the field that an attribute is read from."""
    return FORTISIEM_PREFIX + name


def attribute_displayed(name: str) -> str | None:
    """The attribute that the product's screens show under a name such as ``Source IP``, in any letter case."""
    return attribute_of_header().get(name.lower())


def suggest_attribute(name: str) -> str | None:
    """The defined attribute that a mistyped name most likely means, if one resembles it."""
    if len(name) > _LONGEST_SUGGESTED:
        return None
    if (shown := attribute_displayed(name)) is not None:
        return shown
    folded = name.lower()
    unspaced = folded.replace("_", "")
    for header, attribute in attribute_of_header().items():
        if header.replace(" ", "") == unspaced:
            return attribute
    longer = [known for known in attribute_types() if known.lower().startswith(folded)]
    if longer and len(name) >= _SHORTEST_BEGINNING:
        return min(longer, key=len)
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
