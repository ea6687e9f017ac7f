"""The inputs that paths name."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from dogwatch.events.readers.lines import Source

STDIN = "-"
"""The path that means standard input."""


def expand_paths(paths: Iterable[str | Path]) -> list[Source]:
    """The inputs that paths name: files, the files of folders and what they hold, and what patterns match.

    A folder's files come in the order of their names, hidden ones not at all. A file that is named twice, or
    through a link, comes once. What names nothing stays as it is, so that reading it tells why.
    """
    found: dict[str, Source] = {}
    for path in paths:
        if path == STDIN:
            found.setdefault(STDIN, "-")
            continue
        for file in _files(Path(path)):
            found.setdefault(str(file.resolve()), file)
    return list(found.values())


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return _files_inside(path) or [path]
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    matches = sorted(Path(match) for match in glob.iglob(str(path), recursive=True))  # noqa: PTH207 - absolute too
    return [file for match in matches for file in _files(match)] or [path]


def _files_inside(folder: Path) -> list[Path]:
    found: list[Path] = []

    def unreadable(error: OSError) -> None:
        # Reading the folder itself as an input tells the user why nothing in it was read.
        found.append(Path(error.filename))

    for inner, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(inner, name) for name in files if not name.startswith("."))
        found += [path for path in paths if path.is_file()]
    return sorted(found)
