"""Parquet files: telling them, opening them, and what to say of those that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.events.report import ReadReport
from dogwatch.events.units import RowGroup

DAMAGE = (pa.ArrowException, OSError, ValueError, RecursionError)
"""What Arrow raises on files that are damaged, or that it cannot read."""

_MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
_HEAD = 4096


def is_parquet(path: Path) -> bool:
    """Whether a file is a Parquet file, also an encrypted one or one that was cut off.

    A log may begin with the same four letters, but then it holds no zero byte near its beginning.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if head[:4] not in (_MAGIC, _ENCRYPTED):
                return False
            file.seek(-min(4, len(head)), os.SEEK_END)
            return file.read(4) == head[:4] or b"\0" in head
    except OSError:
        return False


def row_groups(path: Path, file: str, first_number: int, report: ReadReport) -> Iterator[RowGroup]:
    """The row groups of a Parquet file that have rows.

    Args:
        path: The file.
        file: How places name it; opening that name must open the file.
        first_number: The number of the first row group among the units of the run.
        report: Counts the file if anything in it can be read, and tells why not.
    """
    try:
        with open_file(path) as opened:
            metadata = opened.metadata
            sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            columns = metadata.num_columns
    except DAMAGE as error:
        report.add(unreadable(path, file, error), lost=True)
        return
    report.files += 1
    if not columns or not any(sizes):
        what = "rows" if columns else "columns"
        report.add(Diagnostic("empty-input", f"the Parquet file has no {what}", Severity.NOTICE, Place(file)))
        return
    first_row, number = 1, first_number
    for group, rows in enumerate(sizes):
        if rows > 0:
            yield RowGroup(number, file, group, first_row)
            first_row, number = first_row + rows, number + 1


def open_file(path: Path, texts: tuple[str, ...] = ()) -> pq.ParquetFile:
    """Open a Parquet file.

    Args:
        path: The file.
        texts: Columns of which each distinct value is read once.

    Raises:
        One of ``DAMAGE``: it cannot be read.
    """
    # Not mapped into memory: a file that somebody cuts off meanwhile would end the process.
    return pq.ParquetFile(
        path, read_dictionary=list(texts), memory_map=False, pre_buffer=False, page_checksum_verification=True
    )


def unreadable(path: Path, file: str, error: Exception) -> Diagnostic:
    """Why a Parquet file cannot be opened."""
    place = Place(file)
    if isinstance(error, PermissionError):
        hint = "run as a user who may read it"
        return Diagnostic("not-permitted", "the file may not be read by this user", place=place, hint=hint)
    if isinstance(error, FileNotFoundError):
        hint = "check the path or the pattern"
        return Diagnostic("no-such-file", "there is no such file", place=place, hint=hint)
    if _is_encrypted(path, error):
        return Diagnostic(
            "parquet-encrypted",
            "the Parquet file is encrypted",
            place=place,
            hint="write it anew without encryption, as its keys are not asked for",
        )
    if _is_cut_off(path):
        return Diagnostic(
            "parquet-damaged",
            "the Parquet file is cut off: what tells of its columns stands at its end, and is missing",
            place=place,
            hint="fetch the file again, or wait until its writer has closed it",
        )
    return Diagnostic(
        "parquet-damaged",
        f"the Parquet file cannot be read: {reason(error)}",
        place=place,
        hint="fetch the file again, or read it where it was written and write it anew",
    )


def damaged(group: RowGroup, row: int, error: Exception) -> Diagnostic:
    """That the rest of a row group cannot be read."""
    return Diagnostic(
        "parquet-damaged",
        f"row group {group.group} cannot be read from this row on: {reason(error)}",
        place=Place(group.file, row),
        hint="the rows before it and the other row groups are read; fetch the file again for the rest",
    )


def _is_encrypted(path: Path, error: Exception) -> bool:
    text = str(error).lower()
    return "decrypt" in text or "encrypt" in text or _ends(path)[0] == _ENCRYPTED


def _is_cut_off(path: Path) -> bool:
    first, last = _ends(path)
    return first == _MAGIC and last != _MAGIC


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The first four bytes and the last four."""
    try:
        with path.open("rb") as file:
            first = file.read(4)
            file.seek(-len(first), os.SEEK_END)
            return first, file.read(4)
    except OSError:
        return b"", b""


def reason(error: Exception) -> str:
    """The first line of what Arrow says, which may be long and of several lines."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]
