"""How detections are printed: one module a format, each with a ``write`` of the same shape, imported when used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import BinaryIO, TextIO, cast

from dogwatch.alerts.model import Detection
from dogwatch.cli.formats.options import Options

__all__ = ["BINARY_FORMATS", "FORMATS", "Options", "Write", "WriteBytes", "binary_writer", "writer"]

Write = Callable[[Iterable[Detection], TextIO, Options], None]
"""Prints detections, as they come if the format allows it. The stream's newlines must be left as written."""

WriteBytes = Callable[[Iterable[Detection], BinaryIO, Options], None]
"""The same for a format that is no text, and so not for a terminal."""

FORMATS = ("table", "ndjson", "csv")
"""What ``--format`` names, of the formats that are text."""

BINARY_FORMATS = ("parquet",)
"""The same of the others."""


def writer(name: str) -> Write:
    """What prints a format of ``FORMATS``."""
    return cast(Write, _module_write(name))


def binary_writer(name: str) -> WriteBytes:
    """What prints a format of ``BINARY_FORMATS``."""
    return cast(WriteBytes, _module_write(name))


def _module_write(name: str) -> object:
    return importlib.import_module(f"{__name__}.{name}").write
