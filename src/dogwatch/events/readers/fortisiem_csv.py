"""FortiSIEM's events as CSV: RFC 4180 with a header of internal or displayed names.

Semicolons and tabs may stand for the commas, as the header shows. A quoted cell may go on over many lines. A row
that does not have a cell for each column is left out, since nobody knows which of its cells is which; empty cells
behind the last column are no matter. A row that says the header again is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.events.batch import Document
from dogwatch.events.fortisiem.document import attribute_name, event_of_pairs
from dogwatch.events.fortisiem.export import is_header
from dogwatch.events.readers.fortisiem import unreadable_time
from dogwatch.events.readers.ndjson import FoundDocument
from dogwatch.events.readers.pending import Decode
from dogwatch.events.report import ReadReport
from dogwatch.schema.fortisiem import attribute_types

_MOST_LINES = 10_000
"""Lines of one row, more than any raw message has: behind them an open quote is taken for a mistake."""

_MOST_BYTES = 64 << 20
_SEPARATORS = (",", ";", "\t")
_HINT = "each row has a cell for each column; quotes in a quoted cell are doubled"

Located = tuple[FoundDocument, int]
"""An event and the number of its row's first line."""


def is_fortisiem_header(line: bytes) -> bool:
    """Whether a line is the header of a CSV export of FortiSIEM's events."""
    if line.lstrip().startswith((b"{", b"[")):
        return False
    text = line.decode("utf-8", "replace")
    cells = split_cells(text, _separator_of(text))
    return cells is not None and is_header(cells)


def _separator_of(header: str) -> str:
    """What stands between the cells of a header: what there is most of."""
    return max(_SEPARATORS, key=header.count)


class CsvReader:
    """Finds FortiSIEM's events in the rows of one input.

    Args:
        file: The input's name for places.
        report: Counts the lines, and what is left out.
        clock: Gives the time of reading in nanoseconds since 1970.
    """

    def __init__(self, file: str, report: ReadReport, clock: Callable[[], int] = time.time_ns) -> None:
        self._file = file
        self._report = report
        self._now = clock()
        self._columns: list[str] | None = None
        self._separator = ","
        self._open: list[tuple[int, bytes]] = []
        self._open_bytes = 0
        self._quotes = 0
        self.decode: Decode = _undecoded

    def documents(self, line: bytes, number: int) -> Iterator[Located]:
        """The event that a line completes, if it does.

        Args:
            line: The line without its end, not blank.
            number: Its 1-based number.
        """
        self._report.lines += 1
        yield from self._take(line, number)

    def finish(self) -> Iterator[Located]:
        """What a quote that was never closed has held back."""
        while self._open:
            yield from self._give_up()

    def _take(self, line: bytes, number: int) -> Iterator[Located]:
        if self._columns is None and not self._open:
            self._separator = _separator_of(line.decode("utf-8", "replace"))
        quotes = line.count(b'"')
        if not self._open and quotes % 2 and not _opens(line, self._separator.encode()):
            quotes = 0
        self._open.append((number, line))
        self._open_bytes += len(line)
        self._quotes += quotes
        if self._quotes % 2 == 0:
            first = self._open[0][0]
            row = _joined(self._open)
            self._clear()
            yield from self._row(row, first)
        elif len(self._open) >= _MOST_LINES or self._open_bytes >= _MOST_BYTES:
            yield from self._give_up()

    def _give_up(self) -> Iterator[Located]:
        """Leave out the line that opened the quote, and read those behind it on their own."""
        (number, _), *rest = self._open
        self._clear()
        self._bad("the row opens a quote that nothing closes", number)
        for following, line in rest:
            yield from self._take(line, following)

    def _clear(self) -> None:
        self._open, self._open_bytes, self._quotes = [], 0, 0

    def _row(self, row: bytes, number: int) -> Sequence[Located]:
        cells = split_cells(row.decode("utf-8", "replace"), self._separator)
        if cells is None:
            self._bad("the row has a quote where a comma should follow", number)
            return ()
        if self._columns is None:
            self._begin(cells, number)
            return ()
        columns = self._columns
        if len(cells) != len(columns):
            if any(cells[len(columns) :]) or len(cells) < len(columns):
                self._bad(f"the row has {len(cells)} cells where there are {len(columns)} columns", number)
                return ()
            del cells[len(columns) :]
        if cells == columns or not any(cells):
            return ()
        found = event_of_pairs(zip(columns, cells, strict=True), self._now)
        if found.unreadable is not None:
            self._report.add(unreadable_time(found.unreadable, Place(self._file, number)))
        return (((found.document, {}, row), number),)

    def _begin(self, header: list[str], number: int) -> None:
        while header and not header[-1]:
            header.pop()
        self._columns = header
        self.decode = partial(_decoded, columns=tuple(header), separator=self._separator, now=self._now)
        if not any(attribute_name(column) in attribute_types() for column in header):
            problem = "no column of the table is named like one of FortiSIEM's attributes"
            place = Place(self._file, number)
            hint = "the first line holds the columns' names, such as Event Type and Event Receive Time"
            self._report.add(Diagnostic("csv-header", problem, Severity.WARNING, place, hint=hint))

    def _bad(self, message: str, number: int) -> None:
        place = Place(self._file, number)
        self._report.add(Diagnostic("csv-row", message, Severity.WARNING, place, hint=_HINT))


def split_cells(row: str, separator: str = ",") -> list[str] | None:
    """The cells of a row, or ``None`` if something stands behind a closing quote.

    Blanks around a cell are none of it.

    Examples:
        >>> split_cells('a,"b, ""c"" d",')
        ['a', 'b, "c" d', '']
    """
    if '"' not in row:
        return [cell.strip(" ") for cell in row.split(separator)]
    cells: list[str] = []
    start = 0
    while True:
        opening = _behind_blanks(row, start)
        if not row.startswith('"', opening):
            end = row.find(separator, start)
            cells.append((row[start:] if end < 0 else row[start:end]).strip(" "))
            if end < 0:
                return cells
            start = end + 1
            continue
        end = row.find('"', opening + 1)
        while end >= 0 and row.startswith('"', end + 1):
            end = row.find('"', end + 2)
        if end < 0:
            return None
        cells.append(row[opening + 1 : end].replace('""', '"'))
        end = _behind_blanks(row, end + 1)
        if end == len(row):
            return cells
        if row[end] != separator:
            return None
        start = end + 1


def _behind_blanks(text: str, start: int) -> int:
    while text.startswith(" ", start):
        start += 1
    return start


def _joined(lines: Sequence[tuple[int, bytes]]) -> bytes:
    """The text of some lines; blank ones between them are not there, but their numbers are missing."""
    if len(lines) == 1:
        return lines[0][1]
    parts: list[bytes] = []
    last = lines[0][0]
    for number, line in lines:
        parts += (b"\n" * min(number - last, _MOST_LINES), line)
        last = number
    return b"".join(parts)


def _opens(line: bytes, separator: bytes) -> bool:
    """Whether a cell of a row begins with a quote; one in the midst of a cell is a character like any other."""
    return any(cell.lstrip(b" ").startswith(b'"') for cell in line.split(separator))


def _decoded(row: bytes, columns: tuple[str, ...], separator: str, now: int) -> Document:
    cells = split_cells(row.decode("utf-8", "replace"), separator) or ()
    return event_of_pairs(zip(columns, cells, strict=False), now).document


def _undecoded(row: bytes) -> Document:
    raise ValueError(f"no row can come before the header: {len(row)} bytes")
