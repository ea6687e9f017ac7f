"""What several documents have in common: the body of a sequence's shell alert."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

_NOTHING = object()


def intersection(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The recursive intersection of documents, as Kibana builds a sequence's shell alert.

    Equal scalars are kept; objects are intersected key by key; arrays are intersected, a scalar against an
    array counting as an array of one; a key with nothing in common is left out.

    Examples:
        >>> intersection([{"a": 1, "b": [1, 2]}, {"a": 2, "b": 2}])
        {'b': [2]}
    """
    if not documents:
        return {}
    common: object = reduce(_both, documents)
    return common if isinstance(common, dict) else {}


def _both(left: Any, right: Any) -> Any:  # noqa: ANN401 - JSON values are of any shape
    if isinstance(left, dict) and isinstance(right, dict):
        shared = {key: _both(value, right[key]) for key, value in left.items() if key in right}
        kept = {key: value for key, value in shared.items() if value is not _NOTHING}
        return kept or _NOTHING
    if isinstance(left, list) or isinstance(right, list):
        others = right if isinstance(right, list) else [right]
        values = left if isinstance(left, list) else [left]
        kept_values = [value for value in values if any(_equal(value, other) for other in others)]
        return kept_values or _NOTHING
    return left if _equal(left, right) else _NOTHING


def _equal(left: Any, right: Any) -> bool:  # noqa: ANN401 - JSON values are of any shape
    # True == 1 in Python but not in JSON.
    return type(left) is type(right) and bool(left == right)
