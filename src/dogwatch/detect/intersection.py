"""What several documents have in common: the body of a sequence's shell alert."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

_NOTHING = object()

_DEEPEST = 100
"""Levels of nesting that are looked into: documents are hostile, and Elasticsearch takes no more than 20."""


def intersection(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The recursive intersection of documents, as Kibana builds a sequence's shell alert.

    Equal scalars are kept; objects are intersected key by key; arrays are intersected, a scalar against an
    array counting as an array of one; a key with nothing in common, or nested absurdly deep, is left out.

    Examples:
        >>> intersection([{"a": 1, "b": [1, 2]}, {"a": 2, "b": 2}])
        {'b': [2]}
    """
    if not documents:
        return {}
    common: object = reduce(_both, documents)
    return common if isinstance(common, dict) else {}


def _both(left: Any, right: Any, depth: int = 0) -> Any:  # noqa: ANN401 - JSON values are of any shape
    if depth > _DEEPEST:
        return _NOTHING
    if type(left) is str and type(right) is str:
        return left if left == right else _NOTHING
    if isinstance(left, dict) and isinstance(right, dict):
        kept = {}
        for key, value in left.items():
            both = _both(value, right[key], depth + 1) if key in right else _NOTHING
            if both is not _NOTHING:
                kept[key] = both
        return kept or _NOTHING
    if isinstance(left, list) or isinstance(right, list):
        others = {_identity(value, depth) for value in (right if isinstance(right, list) else [right])}
        values = left if isinstance(left, list) else [left]
        return [value for value in values if _identity(value, depth) in others] or _NOTHING
    return left if _identity(left, depth) == _identity(right, depth) else _NOTHING


def _identity(value: object, depth: int) -> object:
    """What is equal for equal JSON values and can be put into a set."""
    if depth > _DEEPEST:
        return object()
    match value:
        case bool():
            # True == 1 in Python but not in JSON.
            return (bool, value)
        case dict():
            return (dict, frozenset([(key, _identity(inner, depth + 1)) for key, inner in value.items()]))
        case list():
            return (list, tuple([_identity(inner, depth + 1) for inner in value]))
        case _:
            return value
