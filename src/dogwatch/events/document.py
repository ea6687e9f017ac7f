"""The values of fields in decoded documents.

Nested and dotted keys are the same field, in any mixture; arrays, and arrays of objects, are dissolved;
nulls are no values. Values come in the order of the document, which is decoded JSON: dictionaries, lists and
scalars, and no classes made from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from dogwatch.base.fieldpath import split_path
from dogwatch.events.batch import Document
from dogwatch.schema.coerce import coerce_field, flatten
from dogwatch.schema.field import FieldRef, Scalar
from dogwatch.schema.schema import multi_field_parent

_NO_SLOT = -1
_NONE = type(None)


@dataclass(slots=True)
class Found:
    """What many documents hold under one path: values, each with the number of its document."""

    rows: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class _Node:
    """A point on a wanted path.

    ``below`` leads from every relative path to the node it names, so that a dotted key is one look-up;
    ``null_slot`` is where explicit nulls are noted if somebody asks for them.
    """

    slot: int = _NO_SLOT
    null_slot: int = _NO_SLOT
    below: dict[str, _Node] = field(default_factory=dict)


class PathTree:
    """Some paths, compiled so that one walk through a document finds the values of all of them.

    Args:
        paths: Dotted field paths without repeats; results come in their order.
        with_nulls: Paths whose explicit nulls, also those in lists, are wanted too: their places follow those of
            ``paths``, and there the nulls are values.
    """

    def __init__(self, paths: Sequence[str], with_nulls: Sequence[str] = ()) -> None:
        self._count = len(paths) + len(with_nulls)
        self._root = _Node()
        for slot, path in enumerate(paths):
            _insert(self._root, split_path(path)).slot = slot
        for slot, path in enumerate(with_nulls, len(paths)):
            _insert(self._root, split_path(path)).null_slot = slot

    def extract(self, document: Document) -> list[list[Any]]:
        """The document's values of each path. An object under a path that names it is a value."""
        found = self.empty()
        self.extract_into(found, 0, document)
        return [column.values for column in found]

    def empty(self) -> list[Found]:
        """For each path, nothing found yet."""
        return [Found() for _ in range(self._count)]

    def extract_into(self, found: list[Found], row: int, document: Document) -> None:
        """Add the document's values of each path to what was found, under the number ``row``."""
        _walk(document, self._root, row, found)


def _insert(root: _Node, components: tuple[str, ...]) -> _Node:
    trail = [root]
    for depth, component in enumerate(components):
        node = trail[-1].below.setdefault(component, _Node())
        for start, ancestor in enumerate(trail[:-1]):
            ancestor.below[".".join(components[start : depth + 1])] = node
        trail.append(node)
    return trail[-1]


def _walk(document: Document, node: _Node, row: int, found: list[Found]) -> None:
    # Each call goes at least one component down a wanted path, so that a document cannot choose the depth.
    below = node.below
    for key, value in document.items():
        child = below.get(key)
        if child is None:
            continue
        kind = type(value)
        if kind is list:
            _walk_list(value, child, row, found)
        elif value is None:
            _note_null(child, row, found)
        else:
            if child.slot != _NO_SLOT:
                column = found[child.slot]
                column.rows.append(row)
                column.values.append(value)
            if kind is dict and child.below:
                _walk(value, child, row, found)


def _walk_list(items: list[Any], node: _Node, row: int, found: list[Found]) -> None:
    kinds = set(map(type, items))
    if list in kinds:
        items = list(flatten(items))
        kinds = set(map(type, items))
    if _NONE in kinds:
        for _ in range(items.count(None)):
            _note_null(node, row, found)
        items = [item for item in items if item is not None]
    if node.slot != _NO_SLOT:
        column = found[node.slot]
        column.rows += [row] * len(items)
        column.values += items
    if dict in kinds and node.below:
        for item in items:
            if type(item) is dict:
                _walk(item, node, row, found)


def _note_null(node: _Node, row: int, found: list[Found]) -> None:
    if node.null_slot != _NO_SLOT:
        column = found[node.null_slot]
        column.rows.append(row)
        column.values.append(None)


def field_values(document: Document, ref: FieldRef) -> list[Scalar]:
    """One document's values of one field, coerced: the plain way to what a batch's column holds.

    Fields that follow from others (``dogwatch.schema.derived``) are not worked out.
    """
    parent = multi_field_parent(ref.path)
    own, *rest = _tree_of(ref.path, parent, ref.null_value is not None).extract(document)
    above = rest.pop(0) if parent is not None else []
    values = own or [value for value in above if not isinstance(value, dict)]
    nulls = rest[0] if rest else []
    return coerce_field([*values, *nulls], ref)[0]


@lru_cache(maxsize=1024)
def _tree_of(path: str, parent: str | None, with_nulls: bool) -> PathTree:
    return PathTree((path,) if parent is None else (path, parent), (path,) if with_nulls else ())


def leaf_value(document: Document, parent: str, leaf: str) -> object:
    """The first value of the field ``parent.leaf``, or ``None``; the short way for one field of two components."""
    holder = document.get(parent)
    if isinstance(holder, dict):
        value = holder.get(leaf)
        if value is not None and not isinstance(value, list):
            return value
    for holding in holder if isinstance(holder, list) else (holder,):
        if isinstance(holding, dict) and (value := _first(holding.get(leaf))) is not None:
            return value
    return _first(document.get(f"{parent}.{leaf}"))


def _first(value: Any) -> object:  # noqa: ANN401
    if isinstance(value, list):
        return next((item for item in flatten(value) if item is not None), None)
    return value
