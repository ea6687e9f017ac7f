"""How the hits of a search are shown to people: a row for each event, sequences and samples in groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dogwatch.base.time import format_instant
from dogwatch.cli.cells import fitted, short_times
from dogwatch.cli.summary import happened, leaves, text
from dogwatch.detect.search import Hit
from dogwatch.events.batch import Document

_ABSENT = "no such event"
_ROWS_PER_CELL = 3
"""Screen rows that the longest text of a table row may take."""
_LINE_CELLS = 240
"""Cells of a line where no terminal says how many fit."""
_NARROWEST = 8
"""Cells that what happened has however narrow the screen is."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row says of an event; empty texts for what the event does not say.

    Attributes:
        time: ``@timestamp``.
        said: Action, host and user.
        happened: What the event did.
        absent: Whether it stands for an event that did not occur.
    """

    time: str
    said: tuple[str, str, str]
    happened: str
    absent: bool = False


def is_group(hit: Hit) -> bool:
    """Whether a hit is a sequence or a sample, and not a single event."""
    return len(hit.events) > 1 or bool(hit.join_keys)


def write_table(hits: Sequence[Hit], console: Console) -> None:
    """Print hits as a table; a heading with the join keys stands above the events of a sequence or sample."""
    if not hits:
        console.print(Text("Nothing was found."))
        return
    rows = [[_row(event) for event in hit.events] for hit in hits]
    title, times = short_times([row.time for several in rows for row in several if not row.absent], digits=3)
    moments = iter(times)
    cells = _Cells.fitting([row for several in rows for row in several], [title, *times], len(hits), console.width)
    table = cells.table(title)
    for number, (hit, several) in enumerate(zip(hits, rows, strict=True), 1):
        if is_group(hit):
            console.print(table)
            console.print(_heading(number, hit, console.width), no_wrap=True)
            table = cells.table()
        for row in several:
            cells.add(table, "" if is_group(hit) else str(number), "" if row.absent else next(moments), row)
    console.print(table)


def write_lines(hits: Iterable[Hit], console: Console) -> None:
    """Print hits as they are found: a line for each event, below a heading if they are a group."""
    room = console.width if console.is_terminal else _LINE_CELLS
    for number, hit in enumerate(hits, 1):
        if is_group(hit):
            console.print(_heading(number, hit, room), soft_wrap=True)
        margin = "  " if is_group(hit) else ""
        for row in map(_row, hit.events):
            line = Text(margin)
            if not row.absent:
                line.append_text(fitted("  ".join(part for part in (row.time, *row.said) if part), room * 2 // 3))
                line.append("  ")
            line.append_text(fitted(row.happened, room - line.cell_len, "dim" if row.absent else ""))
            console.print(line, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class _Cells:
    """How wide the columns are."""

    number: int
    time: int
    said: tuple[int, int, int]
    happened: int

    @staticmethod
    def fitting(rows: Sequence[_Row], times: Sequence[str], hits: int, width: int) -> _Cells:
        """Columns as wide as their texts need, within their share of the width; what happened has the rest."""
        number = len(str(hits))
        time = max(len(line) for moment in times for line in moment.split("\n"))
        shares = (max(6, width // 6), max(4, width // 7), max(4, width // 9))
        said = [
            min(share, max(len(name), *(fitted(row.said[place], share).cell_len for row in rows)))
            for place, (name, share) in enumerate(zip(_SAID, shares, strict=True))
        ]
        rest = width - number - time - sum(said) - len(said) - 2
        return _Cells(number, time, (said[0], said[1], said[2]), max(_NARROWEST, rest))

    def table(self, title: str | None = None) -> Table:
        """An empty table; with a header if the times have a title."""
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=title is not None)
        widths = (self.number, self.time, *self.said, self.happened)
        for name, width in zip(("#", title or "", *_SAID, "what happened"), widths, strict=True):
            table.add_column(Text(name, overflow="ellipsis", no_wrap=True), width=width, overflow="fold")
        return table

    def add(self, table: Table, number: str, moment: str, row: _Row) -> None:
        """A row of the table."""
        style = "dim" if row.absent else ""
        said = [fitted(value, width) for value, width in zip(row.said, self.said, strict=True)]
        what = fitted(row.happened, self.happened * _ROWS_PER_CELL, style)
        table.add_row(number, fitted(moment, self.time), *said, what)


_SAID = ("action", "host", "user")


def _row(event: Document) -> _Row:
    if event == {"missing": True}:
        return _Row("", ("", "", ""), _ABSENT, absent=True)
    said = (
        text(event, "event.action", "event.type"),
        text(event, "host.name"),
        text(event, "user.name", "user.id"),
    )
    return _Row(text(event, "@timestamp"), said, happened(event))


def _heading(number: int, hit: Hit, width: int) -> Text:
    """A group's number and join keys, and until when it could have been refuted."""
    keys = ", ".join("null" if key is None else next(leaves(key)) for key in hit.join_keys)
    open_ = "" if hit.open_until is None else f"open until {format_instant(hit.open_until)}"
    said = "  ".join(part for part in (keys, open_) if part)
    return fitted(f"{number}  {said}".rstrip(), width, "bold")
