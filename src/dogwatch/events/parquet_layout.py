"""Which columns of a Parquet file hold what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as kinds

from dogwatch.base.fieldpath import MAX_NAMES
from dogwatch.events.parquet_values import is_listed

SOURCE = "_source"
"""The column that holds whole documents, as JSON text or as a struct."""


class WantedPaths:
    """Paths of fields, and how to tell whether a column lies on the way to one.

    Args:
        paths: Dotted field paths.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = frozenset(paths)
        self._above = frozenset(
            path[:end] for path in self.paths for end, character in enumerate(path) if character == "."
        )

    def is_value(self, path: str) -> bool:
        """Whether what lies under the path is itself wanted."""
        return path in self.paths

    def is_above(self, path: str) -> bool:
        """Whether something wanted lies below the path."""
        return path in self._above

    def below(self, path: str) -> tuple[str, ...]:
        """What is wanted below the path, relative to it."""
        start = f"{path}."
        return tuple(sorted(each.removeprefix(start) for each in self.paths if each.startswith(start)))


@dataclass(frozen=True, slots=True)
class Projection:
    """What to read of a file.

    Attributes:
        columns: Paths of columns as the file's own schema has them.
        texts: Those of them that hold texts: each distinct one is read once.
    """

    columns: tuple[str, ...]
    texts: tuple[str, ...]


def projection(file: pq.ParquetFile, wanted: WantedPaths, names: Iterable[str]) -> Projection:
    """The columns that hold the wanted paths.

    Args:
        file: The file.
        wanted: Paths of fields; the document begins at the file's root, or below a struct ``_source``.
        names: Further columns at the root that are read whole if the file has them.
    """
    leaves = [leaf for field in file.schema_arrow for leaf in _leaves(field.name, field.type)]
    whole = frozenset(names)
    below = f"{SOURCE}." if has_struct_source(file.schema_arrow) else ""
    columns: dict[str, None] = {}
    texts: dict[str, None] = {}
    for number, leaf in enumerate(leaves):
        is_inside = leaf.startswith(below) and _is_read(leaf.removeprefix(below), wanted)
        if is_inside or _root(leaf, whole):
            column = file.schema.column(number)
            columns[column.path] = None
            if column.physical_type == "BYTE_ARRAY" and column.logical_type.type == "STRING":
                texts[column.path] = None
    return Projection(tuple(columns), tuple(texts))


def has_struct_source(schema: pa.Schema) -> bool:
    """Whether the documents are a struct of their own."""
    return SOURCE in schema.names and kinds.is_struct(schema.field(SOURCE).type)


def _root(leaf: str, names: frozenset[str]) -> bool:
    return any(leaf == name or leaf.startswith(f"{name}.") for name in names)


def _is_read(path: str, wanted: WantedPaths) -> bool:
    """Whether a leaf is wanted, part of an object that is, or perhaps a map that holds what is wanted."""
    ends = (end for end, character in enumerate(path) if character == ".")
    return wanted.is_value(path) or wanted.is_above(path) or any(wanted.is_value(path[:end]) for end in ends)


def _leaves(path: str, kind: pa.DataType, depth: int = 0) -> Iterator[str]:
    """The dotted path of each leaf below a column, in the order of the file; names within lists are no part."""
    if depth > MAX_NAMES:
        raise ValueError(f"columns are nested more than {MAX_NAMES} levels deep")
    if isinstance(kind, pa.BaseExtensionType):
        yield from _leaves(path, kind.storage_type, depth)
    elif kinds.is_struct(kind):
        for field in _fields(kind):
            yield from _leaves(f"{path}.{field.name}", field.type, depth + 1)
    elif kinds.is_map(kind):
        # What a map holds is known only by its rows, so that all of it is read for anything below it.
        yield from _leaves(path, kind.key_type, depth + 1)
        yield from _leaves(path, kind.item_type, depth + 1)
    elif is_listed(kind):
        yield from _leaves(path, kind.value_type, depth + 1)  # type: ignore[attr-defined]  # it is a list
    else:
        yield path


def _fields(kind: Any) -> Iterator[pa.Field[Any]]:  # noqa: ANN401 - a struct's type lists its fields
    yield from kind
