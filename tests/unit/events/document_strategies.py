"""Strategies for documents and paths, and the obvious way to find the values of one in the other."""

from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["a", "b", "c", "a.b", "b.c", "a.b.c", "c.text", "text"])
PATHS = ["a", "a.b", "a.b.c", "b", "b.c", "c", "c.text", "a.c.b"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["12", "1.5", "true", "10.0.0.1", "::ffff:1.2.3.4", "2024-01-01", "\ud800x", "\0", ""])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(KEYS | st.just("@timestamp"), VALUES, max_size=5)


def plain_values(document: dict[str, Any], path: str) -> list[Any]:
    """Every value under a path: tries each key as the beginning of what is left of the path."""
    found: list[Any] = []
    for key, value in document.items():
        if key == path:
            found += _dissolved(value)
        elif path.startswith(f"{key}."):
            for item in _dissolved(value):
                if isinstance(item, dict):
                    found += plain_values(item, path[len(key) + 1 :])
    return found


def _dissolved(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [part for item in value for part in _dissolved(item)]
    return [] if value is None else [value]
