"""A rule file's text, read within limits; and what loading it gave."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, line_and_column
from dogwatch.rules.model import Rule

MAX_BYTES = 32 * 1024 * 1024
"""The largest rule file read. Elastic's whole prebuilt set, exported, is two thirds of it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one file gave: its rules in the file's order, and every problem met."""

    rules: Sequence[Rule] = ()
    diagnostics: Sequence[Diagnostic] = ()


def read_text(path: Path, *, limit: int = MAX_BYTES) -> str:
    """The file's text: UTF-8, or UTF-16 with a byte order mark; line ends as they are.

    Raises:
        DogwatchError: ``rule-file-unreadable``, ``rule-file-too-large`` or ``rule-file-encoding``.
    """
    return text_of(read_bytes(path, limit=limit), str(path))


def read_bytes(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """What is in the file.

    Raises:
        DogwatchError: ``rule-file-unreadable`` or ``rule-file-too-large``.
    """
    file = str(path)
    try:
        with path.open("rb", buffering=0) as stream:
            data = b""
            wanted = min(os.fstat(stream.fileno()).st_size, limit) + 1
            while len(data) <= limit and (more := stream.read(wanted)):
                data += more
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DogwatchError(
            Diagnostic("rule-file-unreadable", f"this file cannot be read: {reason}", place=Place(file))
        ) from error
    if len(data) > limit:
        raise DogwatchError(
            Diagnostic(
                "rule-file-too-large",
                f"this file holds more than {limit:,} bytes and was not read",
                place=Place(file),
                hint="split it, or point at the rules themselves if it holds events",
            )
        )
    return data


def text_of(data: bytes, file: str) -> str:
    """The text that bytes of a file are.

    Raises:
        DogwatchError: ``rule-file-encoding``.
    """
    try:
        return data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = line_and_column(data[: error.start].decode("latin-1"), error.start)
        raise DogwatchError(
            Diagnostic(
                "rule-file-encoding",
                "this file is not UTF-8 text",
                place=Place(file, line, column),
                hint="save it as UTF-8",
            )
        ) from error
