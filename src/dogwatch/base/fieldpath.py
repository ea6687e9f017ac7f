"""Dotted field paths such as ``process.parent.name``.

In a document the dots are nesting, or part of a key, or both: ``{"process": {"parent.name": ..}}`` holds
the field ``process.parent.name`` as much as three nested objects do.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_NAMES = 100
"""Components of the longest path that a query may name; no schema's comes near it."""


def is_too_deep(path: str) -> bool:
    """Whether a path has more than ``MAX_NAMES`` components."""
    return path.count(".") >= MAX_NAMES


def split_path(path: str) -> tuple[str, ...]:
    """The components of a path.

    Raises:
        ValueError: The path is empty or has an empty component, as in ``process..name``; no document can
            hold such a field.
    """
    components = tuple(path.split("."))
    if not all(components):
        raise ValueError(f"{path!r} is no field path: it has an empty component")
    return components


def parents(path: str) -> Iterator[str]:
    """The paths above ``path``, the nearest first.

    Examples:
        >>> list(parents("process.parent.name"))
        ['process.parent', 'process']
    """
    end = path.rfind(".")
    while end > 0:
        yield path[:end]
        end = path.rfind(".", 0, end)
