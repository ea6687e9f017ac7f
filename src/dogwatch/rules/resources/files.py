"""The files of resources: which there are, their text within limits, their lines and rows."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place
from dogwatch.base.message import quoted, shortened
from dogwatch.base.text import printable
from dogwatch.rules.loaders.source import read_text
from dogwatch.rules.resources.problems import Problems, Source

MAX_BYTES = 100 * 1024 * 1024
"""The largest file read."""

MAX_ENTRIES = 1_000_000
"""Members of a group, values of a watch list, rows of a file."""

MAX_VALUES = 3_000_000
"""Texts, lists and tables of a YAML file, those behind aliases counted each time."""

YAML = frozenset({".yaml", ".yml"})
CSV = frozenset({".csv"})

_SEPARATORS = (",", ";", "\t")


_LONGEST_PATH = 250
"""Characters of a path in a message: its end is what tells it from others."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to load, and whether it was named itself or found in a folder."""

    path: Path
    is_named: bool


def find_files(paths: Sequence[Path | str], problems: Problems) -> list[Found]:
    """The YAML and CSV files of some files and folders, each once: a folder's by name, all that is below it."""
    found: dict[Path, Found] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            for each in _below(path, problems):
                found.setdefault(each.resolve(), Found(each, is_named=False))
        elif not path.exists():
            problems.add(
                Diagnostic(
                    "resources-not-found",
                    "there is no such file or folder",
                    place=Place(str(given)),
                    hint="give a YAML or CSV file, or a folder of them",
                )
            )
        elif path.suffix.lower() not in YAML | CSV:
            problems.add(
                Diagnostic(
                    "resource-format-unknown",
                    f"resources are not read from files named *{path.suffix}",
                    place=Place(str(given)),
                    hint="known are .yaml, .yml and .csv; a list of values in a text file is named by one of them",
                )
            )
        else:
            found.setdefault(path.resolve(), Found(path, is_named=True))
    return list(found.values())


def _below(folder: Path, problems: Problems) -> Iterator[Path]:
    for parent, below, names in os.walk(folder, onerror=lambda error: problems.add(_unreadable(error))):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in YAML | CSV:
                yield Path(parent) / name


def read_resource(path: Path, source: Source, line: int | None = None) -> str | None:
    """A file's text; ``None``, with a report, if it cannot be read, is no plain file, is too large or is binary.

    Args:
        path: The file.
        source: Where to report: the file itself, or the one that names it.
        line: The line of ``source`` that names the file.
    """
    about = "" if str(path) == source.file else f"`{shortened(printable(str(path)), _LONGEST_PATH)}`: "
    try:
        if path.exists() and not path.is_file():
            source.error("resource-file-unreadable", f"{about}this is not a plain file", line)
            return None
        text = read_text(path, limit=MAX_BYTES)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        source.error("resource-file-unreadable", f"{about}this file cannot be read: {reason}", line)
        return None
    except DogwatchError as error:
        for diagnostic in error.diagnostics:
            code = diagnostic.code.replace("rule-file", "resource-file")
            hint = "split it" if code == "resource-file-too-large" else diagnostic.hint
            place = source.at(line) if about else diagnostic.place
            message = about + diagnostic.message
            source.problems.add(replace(diagnostic, code=code, message=message, hint=hint, place=place))
        return None
    at = text.find("\0")
    if at >= 0:
        within = text.count("\n", 0, at) + 1
        source.error(
            "resource-file-encoding", f"{about}line {within} holds a NUL: this is not a text file", line or within
        )
        return None
    return text


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The entries of a list in a text file with their lines: one a line, ``#`` begins a comment.

    A ``#`` within a word belongs to it.
    """
    for number, line in enumerate(_split(text), 1):
        entry = line.strip()
        if "#" in entry:
            entry = _without_comment(entry)
        if entry:
            yield number, entry


def _without_comment(entry: str) -> str:
    at = entry.find("#")
    while at > 0 and not entry[at - 1].isspace():
        at = entry.find("#", at + 1)
    return entry if at < 0 else entry[:at].rstrip()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file.

    Attributes:
        source: The file, for its problems.
        header: The names of its columns.
        rows: Its rows with their lines; each has as many cells as the header, without blanks around them.
    """

    source: Source
    header: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]


def read_sheet(path: Path, namer: Source, line: int | None = None) -> Sheet | None:
    """A CSV file with a header, separated by commas, semicolons or tabs; ``None``, with a report, if it is none.

    Args:
        path: The file.
        namer: The file that names it, or it itself.
        line: The line of ``namer`` that does.
    """
    text = read_resource(path, namer, line)
    if text is None:
        return None
    source = Source(str(path), path.parent, namer.problems)
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(_split(text), delimiter=separator, strict=True)
    try:
        header = tuple(name.strip() for name in next(reader, ()))
    except csv.Error as error:
        source.error("resource-syntax", f"the header is not CSV: {error}", 1)
        return None
    twice = next((name for at, name in enumerate(header) if name in header[:at]), None)
    if not any(header):
        source.error("resource-columns", "the first line must name the columns", 1)
        return None
    if twice is not None:
        source.error("resource-columns", f"two columns have the name {quoted(twice)}", 1, "rename one")
        return None
    return Sheet(source, header, _rows(reader, len(header), source))


def _rows(reader: Iterator[list[str]], width: int, source: Source) -> Iterator[tuple[int, list[str]]]:
    count = 0
    line = 1
    while True:
        line = max(line, reader.line_num) + 1  # type: ignore[attr-defined]  # csv's reader counts its lines
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            source.error("resource-syntax", f"this is not CSV, and the rest was not read: {error}", line)
            return
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if len(cells) != width:
            source.error(
                "resource-columns", f"this row has {len(cells)} cells, and the header has {width} columns", line
            )
            continue
        if count >= MAX_ENTRIES:
            too_many(source, MAX_ENTRIES, "rows", line)
            return
        count += 1
        yield line, cells


def too_many(source: Source, most: int, what: str, line: int) -> None:
    """Report that a limit was reached."""
    source.error("resource-limit", f"more than {most:,} {what} are not read; the rest was left out", line)


def _split(text: str) -> Iterator[str]:
    """The lines of a text with their ends: only a line feed ends one, so that no value is split."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _unreadable(error: OSError) -> Diagnostic:
    reason = error.strerror or type(error).__name__
    return Diagnostic(
        "resource-file-unreadable",
        f"this folder cannot be read: {reason}",
        place=Place(str(error.filename)),
    )
