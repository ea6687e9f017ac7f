"""How detections are printed: one module a format, each with a ``write`` of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TextIO

from dogwatch.alerts.model import Detection
from dogwatch.cli.formats import csv, ndjson, table
from dogwatch.cli.formats.options import Options

__all__ = ["FORMATS", "Options", "Write"]

Write = Callable[[Iterable[Detection], TextIO, Options], None]
"""Prints detections, as they come if the format allows it. The stream's newlines must be left as written."""

FORMATS: Mapping[str, Write] = MappingProxyType({"table": table.write, "ndjson": ndjson.write, "csv": csv.write})
"""What ``--format`` names -> what prints it."""
