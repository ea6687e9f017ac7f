"""From files, folders, pipes and documents to batches.

To read another format, add a module beside these, a member to ``sniff.Format`` and a case to ``_batches``.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from pathlib import Path

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.events.batch import Batch
from dogwatch.events.columns import ColumnPlan
from dogwatch.events.readers.audit_log import AuditLogReader
from dogwatch.events.readers.fortisiem import EventReader, begins_json_text, is_fortisiem_line, is_json
from dogwatch.events.readers.fortisiem_csv import CsvReader
from dogwatch.events.readers.lines import Line, Progress, Source, name_of, read_lines
from dogwatch.events.readers.ndjson import kind_of
from dogwatch.events.readers.pending import Pending
from dogwatch.events.readers.sniff import (
    ENOUGH_BYTES,
    ENOUGH_LINES,
    Format,
    is_audit_record,
    sniff,
    unknown_format,
)
from dogwatch.events.report import ReadReport
from dogwatch.schema.field import FieldRef

STDIN = "-"
"""The path that means standard input."""

_LINGER = 100_000_000
"""Nanoseconds that an event of a flowing pipe waits for company; when the pipe pauses it waits no longer."""

_LONGEST_TEXT = 256 << 20
"""Bytes that an input may have which must be read as a whole."""


@dataclass(slots=True)
class ReadOptions:
    """What the user says about the inputs.

    Attributes:
        index: The data stream of every event, whatever the input says.
        host: The name of the host that audit logs come from, where they do not say.
        format: ``ndjson``, ``audit``, ``json``, ``fortisiem`` or ``csv``; ``None`` looks at the content.
        batch_rows: Most rows of a batch.
        clock: Gives the time of reading in nanoseconds since 1970: it tells the year of times that have none.
    """

    index: str | None = None
    host: str | None = None
    format: str | None = None
    batch_rows: int = 8192
    clock: Callable[[], int] = time.time_ns


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


def read_batches(
    paths: Iterable[str | Path],
    fields: Iterable[FieldRef],
    options: ReadOptions,
    report: ReadReport,
    progress: Progress | None = None,
) -> Iterator[Batch]:
    """The events of some inputs as batches, in the order of reading and in bounded memory.

    Standard input (``-``) is followed: a batch is given as soon as the pipe pauses, and while it stays silent
    an empty one about once a second, so that who waits sees time pass. Audit logs in
    files are one stream, since an event's records may be in two of them; their events come at the very end.

    Args:
        paths: Files, folders, patterns, or ``-``.
        fields: The columns wanted.
        options: What is known about the inputs.
        report: Filled while reading; nothing that goes wrong with an input is raised. No input could be read
            if its ``files`` is still 0 at the end.
        progress: Told of the bytes of every read.

    Raises:
        ValueError: ``options.format`` is no format.
    """
    forced = None if options.format is None else Format(options.format)
    return _batches(expand_paths(paths), frozenset(fields), options, forced, report, progress)


def documents_to_batches(
    documents: Iterable[object],
    fields: Iterable[FieldRef],
    report: ReadReport | None = None,
    *,
    index: str | None = None,
    batch_rows: int = 8192,
) -> Iterator[Batch]:
    """Events that are already in memory as batches; search hits are taken as ``read_batches`` takes them."""
    report = ReadReport() if report is None else report
    reader = EventReader(None, report)
    pending = Pending(ColumnPlan(fields), index, batch_rows, report, count())
    for document in documents:
        if not isinstance(document, dict):
            problem = f"{kind_of(document)} is no event: an event is an object"
            report.add(Diagnostic("json-line", problem, Severity.WARNING))
            continue
        for found in reader.decoded(document):
            if (batch := pending.add(found, None, None)) is not None:
                yield batch
    if (batch := pending.flush()) is not None:
        yield batch


def _batches(
    sources: list[Source],
    fields: frozenset[FieldRef],
    options: ReadOptions,
    forced: Format | None,
    report: ReadReport,
    progress: Progress | None,
) -> Iterator[Batch]:
    arrivals = count()
    pending = Pending(ColumnPlan(fields), options.index, options.batch_rows, report, arrivals)
    audits = _AuditReaders(partial(_audit_reader, fields, options, report, arrivals))
    for source in sources:
        name = name_of(source)
        found, lines = _recognised(source, read_lines(source, report, progress), forced, report)
        events = EventReader(name, report, options.clock, fortisiem=found is Format.FORTISIEM)
        match found:
            case Format.JSON:
                yield from _json(events, lines, pending, name, report)
            case Format.CSV:
                yield from _csv(CsvReader(name, report, options.clock), lines, pending, name)
            case Format.NDJSON | Format.FORTISIEM | Format.AUDIT:
                yield from _lines(found, events, audits, source, lines, pending, report)
            case None:
                pass
    if (batch := pending.flush()) is not None:
        yield batch
    yield from audits.finish()


class _AuditReaders:
    """The reader of the audit logs in files, one stream for all of them, and that of a pipe.

    Args:
        make: Makes a reader that follows a pipe or not.
    """

    def __init__(self, make: Callable[..., AuditLogReader]) -> None:
        self._make = make
        self._readers: dict[bool, AuditLogReader] = {}

    def of(self, source: Source) -> AuditLogReader:
        """The reader of an input's records."""
        follow = source == STDIN
        if follow not in self._readers:
            self._readers[follow] = self._make(follow=follow)
        return self._readers[follow]

    def idle(self) -> Iterator[Batch]:
        """What a pipe that has paused gives."""
        if (reader := self._readers.get(True)) is not None:
            yield from reader.idle()

    def finish(self) -> Iterator[Batch]:
        """What is left."""
        for reader in self._readers.values():
            yield from reader.finish()


def _audit_reader(
    fields: frozenset[FieldRef], options: ReadOptions, report: ReadReport, arrivals: Iterator[int], *, follow: bool
) -> AuditLogReader:
    return AuditLogReader(
        sorted(fields),
        options.index,
        options.host,
        report,
        arrivals,
        follow=follow,
        linger=_LINGER if follow else 0,
        batch_rows=options.batch_rows,
    )


def _lines(
    found: Format,
    events: EventReader,
    audits: _AuditReaders,
    source: Source,
    lines: Iterator[Line | None],
    pending: Pending,
    report: ReadReport,
) -> Iterator[Batch]:
    """The events of lines, each read as what it is: what a log begins with says nothing of those behind it.

    A line that is nothing known is told of as the input's format tells of bad lines.
    """
    name = name_of(source)
    first = next((item for item in lines if item is not None), None)
    if first is None:
        return
    lines = chain([first], lines)
    if found is Format.FORTISIEM and begins_json_text(first[1]):
        yield from _json(events, lines, pending, name, report)
        return
    for item in lines:
        if item is None:
            yield from audits.idle()
            if (batch := pending.pause()) is not None:
                yield batch
            continue
        number, line = item
        if _is_record(line, found):
            yield from audits.of(source).feed(line, Place(name, number))
            continue
        for each in events.documents(line, number):
            if (batch := pending.add(each, name, number, events.decode)) is not None:
                yield batch


def _is_record(line: bytes, found: Format) -> bool:
    """Whether a line is for the reader of audit records."""
    if is_json(line):
        return False
    return (found is Format.AUDIT or is_audit_record(line)) and not is_fortisiem_line(line)


def _csv(reader: CsvReader, lines: Iterator[Line | None], pending: Pending, name: str) -> Iterator[Batch]:
    for item in lines:
        if item is None:
            if (batch := pending.pause()) is not None:
                yield batch
            continue
        for found, number in reader.documents(item[1], item[0]):
            if (batch := pending.add(found, name, number, reader.decode)) is not None:
                yield batch
    for found, number in reader.finish():
        if (batch := pending.add(found, name, number, reader.decode)) is not None:
            yield batch


def _json(
    reader: EventReader, lines: Iterator[Line | None], pending: Pending, name: str, report: ReadReport
) -> Iterator[Batch]:
    parts: list[bytes] = []
    size = 0
    for item in lines:
        if item is None:
            continue
        parts.append(item[1])
        size += len(item[1])
        if size > _LONGEST_TEXT:
            report.add(
                Diagnostic(
                    "json-text",
                    f"a JSON text of more than {_LONGEST_TEXT} bytes is not read",
                    place=Place(name),
                    hint="write one document a line (NDJSON)",
                ),
                lost=True,
            )
            return
    for found in reader.whole(b"\n".join(parts)):
        if (batch := pending.add(found, name, None, reader.decode)) is not None:
            yield batch


def _recognised(
    source: Source, lines: Iterator[Line | None], forced: Format | None, report: ReadReport
) -> tuple[Format | None, Iterator[Line | None]]:
    """The format, and all of the lines again."""
    seen: list[Line] = []
    size = 0
    found: Format | None = None
    enough = False
    while found is None and not enough:
        try:
            item = next(lines)
        except StopIteration:
            enough = True
        else:
            if item is None:
                continue
            seen.append(item)
            size += len(item[1])
            enough = len(seen) >= ENOUGH_LINES or size >= ENOUGH_BYTES
        if seen:
            found = forced or sniff([line for _, line in seen], complete=enough)
    if found is not None:
        report.files += 1
    elif seen:
        report.add(unknown_format(name_of(source), [line for _, line in seen]), lost=True)
    return found, chain(seen, lines)


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
