"""FortiSIEM's events as CSV: RFC 4180 with a header of internal or displayed names.

A quoted cell may go on over many lines; blank lines in it are lost. A row that does not have a cell for each
column is left out, since nobody knows which of its cells is which.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.events.batch import Document
from dogwatch.events.fortisiem.document import event_of_pairs, is_fortisiem
from dogwatch.events.readers.fortisiem import unreadable_time
from dogwatch.events.readers.ndjson import FoundDocument
from dogwatch.events.readers.pending import Decode
from dogwatch.events.report import ReadReport

_MOST_LINES = 10_000
"""Lines of one row, more than any raw message has: behind them an open quote is taken for a mistake."""

_MOST_BYTES = 64 << 20
_HINT = "each row has a cell for each column; quotes in a quoted cell are doubled"

Located = tuple[FoundDocument, int]
"""An event and the number of its row's first line."""


def is_fortisiem_header(line: bytes) -> bool:
    """Whether a line is the header of a CSV export of FortiSIEM's events."""
    if b"," not in line or line.lstrip().startswith((b"{", b"[")):
        return False
    cells = split_cells(line.decode("utf-8", "replace"))
    return cells is not None and is_fortisiem(cell.strip() for cell in cells)


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
        self._open.append((number, line))
        self._open_bytes += len(line)
        self._quotes += line.count(b'"')
        if self._quotes % 2 == 0:
            first = self._open[0][0]
            row = b"\n".join(part for _, part in self._open)
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
        cells = split_cells(row.decode("utf-8", "replace"))
        if cells is None:
            self._bad("the row has a quote where a comma should follow", number)
            return ()
        if self._columns is None:
            self._columns = [cell.strip() for cell in cells]
            self.decode = partial(_decoded, columns=tuple(self._columns), now=self._now)
            return ()
        if len(cells) != len(self._columns):
            self._bad(f"the row has {len(cells)} cells where there are {len(self._columns)} columns", number)
            return ()
        found = event_of_pairs(zip(self._columns, cells, strict=True), self._now)
        if found.unreadable is not None:
            self._report.add(unreadable_time(found.unreadable, Place(self._file, number)))
        return (((found.document, {}, row), number),)

    def _bad(self, message: str, number: int) -> None:
        place = Place(self._file, number)
        self._report.add(Diagnostic("csv-row", message, Severity.WARNING, place, hint=_HINT))


def split_cells(row: str) -> list[str] | None:
    """The cells of a row, or ``None`` if something stands behind a closing quote.

    Examples:
        >>> split_cells('a,"b, ""c"" d",')
        ['a', 'b, "c" d', '']
    """
    if '"' not in row:
        return row.split(",")
    cells: list[str] = []
    start = 0
    while True:
        if not row.startswith('"', start):
            end = row.find(",", start)
            cells.append(row[start:] if end < 0 else row[start:end])
            if end < 0:
                return cells
            start = end + 1
            continue
        end = row.find('"', start + 1)
        while end >= 0 and row.startswith('"', end + 1):
            end = row.find('"', end + 2)
        if end < 0:
            return None
        cells.append(row[start + 1 : end].replace('""', '"'))
        if end + 1 == len(row):
            return cells
        if row[end + 1] != ",":
            return None
        start = end + 2


def _decoded(row: bytes, columns: tuple[str, ...], now: int) -> Document:
    cells = split_cells(row.decode("utf-8", "replace"))
    return event_of_pairs(zip(columns, cells or (), strict=True), now).document


def _undecoded(row: bytes) -> Document:
    raise ValueError(f"no row can come before the header: {len(row)} bytes")
