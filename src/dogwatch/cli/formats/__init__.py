"""How detections are printed: one module a format, each with a ``write`` of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import BinaryIO, TextIO

from dogwatch.alerts.model import Detection
from dogwatch.cli.formats import csv, ndjson, parquet, table
from dogwatch.cli.formats.options import Options

__all__ = ["BINARY_FORMATS", "FORMATS", "Options", "Write", "WriteBytes"]

Write = Callable[[Iterable[Detection], TextIO, Options], None]
"""Prints detections, as they come if the format allows it. The stream's newlines must be left as written."""

WriteBytes = Callable[[Iterable[Detection], BinaryIO, Options], None]
"""The same for a format that is no text, and so not for a terminal."""

FORMATS: Mapping[str, Write] = MappingProxyType({"table": table.write, "ndjson": ndjson.write, "csv": csv.write})
"""What ``--format`` names -> what prints it, of the formats that are text."""

BINARY_FORMATS: Mapping[str, WriteBytes] = MappingProxyType({"parquet": parquet.write})
"""The same of the others."""
