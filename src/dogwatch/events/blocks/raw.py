"""What the native parser gives of a block, before types: one column of texts a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class RawColumn:
    """The values under one path.

    Attributes:
        values: Texts (``pa.utf8()``), one a row, null where the row has no value (absent, or JSON null).
        is_json: Whether each text is JSON (``"a"`` in quotes, ``12``, ``["a","b"]``, ``{..}``), so that lists and
            types can be told; else a string stands for itself, a number or boolean as JSON writes it, and a list
            or object as its JSON text, which cannot be told from a string that looks like one.
    """

    values: pa.StringArray
    is_json: bool


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows whose values were parsed natively.

    Attributes:
        length: How many.
        columns: By dotted path; a path that no row has a value for is left out.
        index: What the object around each event says of its index, as JSON; ``None`` if there are no such objects.
    """

    length: int
    columns: Mapping[str, RawColumn]
    index: RawColumn | None = None


EMPTY: pa.Array[Any] = pa.array([], pa.utf8())
"""A column without rows."""
