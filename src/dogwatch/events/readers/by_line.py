"""Inputs that are read line by line, in the process that opened them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.events.batch import Batch
from dogwatch.events.columns import ColumnPlan
from dogwatch.events.linux_audit.handed import AuditShare
from dogwatch.events.readers.fortisiem import EventReader, begins_json_text
from dogwatch.events.readers.fortisiem_csv import CsvReader
from dogwatch.events.readers.lines import Line, Piece, Source, name_of
from dogwatch.events.readers.options import ReadOptions
from dogwatch.events.readers.paths import STDIN
from dogwatch.events.readers.pending import Pending
from dogwatch.events.readers.sniff import Format, is_record
from dogwatch.events.report import ReadReport
from dogwatch.events.units import BlockBuffer, Stray
from dogwatch.schema.field import FieldRef

if TYPE_CHECKING:
    from dogwatch.events.readers.audit_log import AuditLogReader

_LINGER = 100_000_000
"""Nanoseconds that an event of a flowing pipe waits for company; when the pipe pauses it waits no longer."""

_LONGEST_TEXT = 256 << 20
"""Bytes that an input may have which must be read as a whole."""


class ByLine:
    """Reads inputs line by line; those of one run share batches and the stream of audit records.

    Args:
        fields: The columns wanted.
        options: What is known about the inputs.
        report: Counts the lines and events, and what is left out.
        arrivals: Gives the next arrival number each time it is asked.
    """

    def __init__(
        self, fields: frozenset[FieldRef], options: ReadOptions, report: ReadReport, arrivals: Iterator[int]
    ) -> None:
        self._fields = fields
        self._options = options
        self._report = report
        self._arrivals = arrivals
        self._pending = Pending(ColumnPlan(fields), options.index, options.batch_rows, report, arrivals)
        self._audits = _AuditReaders(self._audit_reader)

    def batches(self, source: Source, found: Format, lines: Iterator[Line | None]) -> Iterator[Batch]:
        """The batches that the lines of an input of this format fill; ``None`` among them is a pause."""
        name = name_of(source)
        clock = self._options.clock
        match found:
            case Format.JSON:
                yield from self._json(EventReader(name, self._report, clock), lines, name)
            case Format.CSV:
                yield from self._csv(CsvReader(name, self._report, clock), lines, name)
            case Format.NDJSON | Format.FORTISIEM | Format.AUDIT:
                yield from self._lines(source, found, lines)

    def untaken(self, source: Source, pieces: Iterable[Piece | None]) -> Iterator[Line | None]:
        """Hand runs of audit records to their reader as they stand; gives the lines that are left.

        Args:
            source: A file.
            pieces: Its lines.
        """
        reader, name = self._audits.of(source), name_of(source)
        for piece in pieces:
            if piece is None:
                yield None
            else:
                yield from reader.untaken(piece.data, name, piece.first_line)

    def record(self, stray: Stray) -> None:
        """Take an audit record that was found in a file read elsewhere."""
        reader = self._audits.of(Path(stray.file))
        # A reader that does not follow gives nothing before the end.
        deque(reader.feed_line(stray.line, stray.file, stray.number), maxlen=0)

    def flush(self) -> Iterator[Batch]:
        """The batch that was not full."""
        if (batch := self._pending.flush()) is not None:
            yield batch

    def finish(self) -> Iterator[Batch]:
        """The events of audit logs in files, and what a pipe has left."""
        yield from self._audits.finish()

    def shares(self, lend: Callable[[], BlockBuffer]) -> Iterator[Batch | AuditShare]:
        """As ``finish``, with the events of audit logs as shares that any process can read.

        Args:
            lend: Asked for a buffer before each share.
        """
        yield from self._audits.shares(lend)

    def _audit_reader(self, follow: bool) -> AuditLogReader:
        # Most inputs hold no audit records.
        from dogwatch.events.readers.audit_log import AuditLogReader

        return AuditLogReader(
            sorted(self._fields),
            self._options.index,
            self._options.host,
            self._report,
            self._arrivals,
            follow=follow,
            linger=_LINGER if follow else 0,
            batch_rows=self._options.batch_rows,
        )

    def _lines(self, source: Source, found: Format, lines: Iterator[Line | None]) -> Iterator[Batch]:
        """The events of lines, each read as what it is: what a log begins with says nothing of those behind it.

        A line that is nothing known is told of as the input's format tells of bad lines.
        """
        name = name_of(source)
        events = EventReader(name, self._report, self._options.clock, fortisiem=found is Format.FORTISIEM)
        first = next((item for item in lines if item is not None), None)
        if first is None:
            return
        lines = chain([first], lines)
        if found is Format.FORTISIEM and begins_json_text(first[1]):
            yield from self._json(events, lines, name)
            return
        audit: AuditLogReader | None = None
        for item in lines:
            if item is None:
                yield from self._audits.idle()
                if (batch := self._pending.pause()) is not None:
                    yield batch
                continue
            number, line = item
            if is_record(line, found):
                if audit is None:
                    audit = self._audits.of(source)
                yield from audit.feed_line(line, name, number)
                continue
            for each in events.documents(line, number):
                if (batch := self._pending.add(each, name, number, events.decode)) is not None:
                    yield batch

    def _csv(self, reader: CsvReader, lines: Iterator[Line | None], name: str) -> Iterator[Batch]:
        for item in lines:
            if item is None:
                if (batch := self._pending.pause()) is not None:
                    yield batch
                continue
            for found, number in reader.documents(item[1], item[0]):
                if (batch := self._pending.add(found, name, number, reader.decode)) is not None:
                    yield batch
        for found, number in reader.finish():
            if (batch := self._pending.add(found, name, number, reader.decode)) is not None:
                yield batch

    def _json(self, reader: EventReader, lines: Iterator[Line | None], name: str) -> Iterator[Batch]:
        parts: list[bytes] = []
        size = 0
        for item in lines:
            if item is None:
                continue
            parts.append(item[1])
            size += len(item[1])
            if size > _LONGEST_TEXT:
                self._report.add(
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
            if (batch := self._pending.add(found, name, None, reader.decode)) is not None:
                yield batch


class _AuditReaders:
    """The reader of the audit logs in files, one stream for all of them, and that of a pipe.

    Args:
        make: Makes a reader that follows a pipe or not.
    """

    def __init__(self, make: Callable[[bool], AuditLogReader]) -> None:
        self._make = make
        self._readers: dict[bool, AuditLogReader] = {}

    def of(self, source: Source) -> AuditLogReader:
        """The reader of an input's records."""
        follow = source == STDIN
        if follow not in self._readers:
            self._readers[follow] = self._make(follow)
        return self._readers[follow]

    def idle(self) -> Iterator[Batch]:
        """What a pipe that has paused gives."""
        if (reader := self._readers.get(True)) is not None:
            yield from reader.idle()

    def finish(self) -> Iterator[Batch]:
        """What is left."""
        for reader in self._readers.values():
            yield from reader.finish()

    def shares(self, lend: Callable[[], BlockBuffer]) -> Iterator[Batch | AuditShare]:
        """The same, as shares for other processes."""
        for reader in self._readers.values():
            yield from reader.shares(lend)
