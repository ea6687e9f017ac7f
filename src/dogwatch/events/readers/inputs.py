"""Inputs cut into units: parts that can be read on their own, in any process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from dogwatch.events.batch import Batch
from dogwatch.events.linux_audit.handed import AuditShare
from dogwatch.events.readers.by_line import ByLine
from dogwatch.events.readers.cut import cut
from dogwatch.events.readers.lines import Line, Piece, Pieces, Progress, Source, line_feeds, name_of, note_empty
from dogwatch.events.readers.options import ReadOptions
from dogwatch.events.readers.paths import STDIN, expand_paths
from dogwatch.events.readers.sniff import ENOUGH_BYTES, ENOUGH_LINES, Format, sniff, unknown_format
from dogwatch.events.report import ReadReport
from dogwatch.events.units import ARRIVAL_BITS, Block, BlockBuffer, RowGroup, Stray, Unit
from dogwatch.schema.field import FieldRef

Lend = Callable[[], BlockBuffer]
"""Gives a buffer that is free; the block written there keeps it until whoever reads the block gives it back."""


class Inputs:
    """Some inputs, to be gone through once.

    Args:
        paths: Files, folders, patterns, or ``-``.
        fields: The columns wanted.
        options: What is known about the inputs.
        report: Takes what is known of the inputs as such, and of those whose events come as batches. No input
            could be read if its ``files`` is still 0 at the end.
        progress: Told of the bytes of every read.

    Raises:
        ValueError: ``options.format`` is no format.
    """

    def __init__(
        self,
        paths: Iterable[str | Path],
        fields: Iterable[FieldRef],
        options: ReadOptions,
        report: ReadReport,
        progress: Progress | None = None,
    ) -> None:
        self._sources = expand_paths(paths)
        self._options = options
        self._forced = None if options.format is None else Format(options.format)
        self._report = report
        self._progress = progress
        self._arrivals = _Arrivals()
        self._by_line = ByLine(frozenset(fields), options, report, self._arrivals)

    def units(self, lend: Lend) -> Iterator[Unit | Batch]:
        """The parts of the inputs in the order of reading.

        Files that hold JSON lines come as blocks, Parquet files as row groups, and everything else as batches.

        Args:
            lend: Asked for a buffer before each block.
        """
        for source in self._sources:
            if isinstance(source, Path) and self._forced is None and _begins_as_parquet(source):
                from dogwatch.events.readers.parquet import is_parquet

                if is_parquet(source):
                    yield from self._row_groups(source)
                    continue
            pieces = Pieces(source, self._report, self._progress)
            found, recognised = self._recognised(source, pieces)
            if found is Format.NDJSON and source != STDIN:
                yield from self._blocks(source, recognised, lend)
            elif found is not None:
                runs = found is Format.AUDIT and source != STDIN
                lines = self._by_line.untaken(source, recognised) if runs else _lines(recognised)
                yield from self._by_line.batches(source, found, lines)
        yield from self._by_line.flush()

    def stray(self, stray: Stray) -> None:
        """Take an audit record that was found in a block."""
        self._by_line.record(stray)

    def finish(self) -> Iterator[Batch]:
        """What is left when all units are read: the events of audit logs in files, whose records may be apart.

        They come after all others in the order of arrival.
        """
        yield from self._by_line.finish()

    def shares(self, lend: Lend) -> Iterator[Batch | AuditShare]:
        """As ``finish``, with the events of audit logs as shares that any process can read.

        Args:
            lend: Asked for a buffer before each share.
        """
        yield from self._by_line.shares(lend)

    def _recognised(self, source: Source, pieces: Pieces) -> tuple[Format | None, Iterator[Piece | None]]:
        """The format of an input, and all of its pieces."""
        coming = iter(pieces)
        taken: list[Piece] = []
        seen: list[bytes] = []
        found: Format | None = None
        for line in _noted(coming, taken):
            seen.append(line)
            enough = len(seen) >= ENOUGH_LINES or sum(map(len, seen)) >= ENOUGH_BYTES
            found = self._forced or sniff(seen, complete=enough)
            if found is not None or enough:
                break
        else:
            found = sniff(seen, complete=True)
        if found is not None:
            self._report.files += 1
        elif seen:
            self._report.add(unknown_format(name_of(source), seen), lost=True)
        else:
            note_empty(source, pieces, self._report)
        return found, chain(taken, coming)

    def _row_groups(self, path: Path) -> Iterator[RowGroup | Batch]:
        from dogwatch.events.readers.parquet import row_groups

        yield from self._by_line.flush()
        groups = list(row_groups(path, str(path), 0, self._report))
        size = path.stat().st_size if groups else 0
        for place, group in enumerate(groups):
            share = size * (place + 1) // len(groups) - size * place // len(groups)
            self._report.bytes += share
            if self._progress is not None:
                self._progress(share)
            yield replace(group, number=self._arrivals.unit())

    def _blocks(self, source: Source, pieces: Iterator[Piece | None], lend: Lend) -> Iterator[Block | Batch]:
        """An input's blocks; a small input is no trouble to read at once, and shares batches with others."""
        whole = (piece for piece in pieces if piece is not None)
        begun: list[Piece] = []
        size = 0
        for piece in whole:
            begun.append(piece)
            size += len(piece.data)
            if size >= self._options.native_bytes:
                break
        if size < self._options.native_bytes:
            yield from self._by_line.batches(source, Format.NDJSON, _lines(iter(begun)))
            return
        yield from self._by_line.flush()
        name = name_of(source)
        for cutting in cut(chain(begun, whole), self._options.block_bytes):
            buffer = lend()
            size = buffer.write(piece.data for piece in cutting)
            first, last = cutting[0], cutting[-1]
            lines = last.first_line - first.first_line + line_feeds(last.data)
            yield Block(self._arrivals.unit(), name, first.first_line, size, lines, buffer)


class _Arrivals(Iterator[int]):
    """The arrival numbers of events that come as batches, and the numbers of units."""

    def __init__(self) -> None:
        self._units = 0
        self._next: int | None = None

    def __next__(self) -> int:
        number = self.unit() << ARRIVAL_BITS if self._next is None else self._next
        self._next = number + 1
        return number

    def unit(self) -> int:
        """The number of the next unit; arrival numbers given later are behind its."""
        self._next = None
        self._units += 1
        return self._units - 1


def _begins_as_parquet(path: Path) -> bool:
    """Whether it is worth while to load what reads Parquet; a named pipe can be read once only."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(3) == b"PAR"
    except OSError:
        return False


def _lines(pieces: Iterator[Piece | None]) -> Iterator[Line | None]:
    for piece in pieces:
        if piece is None:
            yield None
        else:
            yield from piece.lines()


def _noted(pieces: Iterator[Piece | None], taken: list[Piece]) -> Iterator[bytes]:
    """The lines of pieces, all of which go into ``taken``."""
    for piece in pieces:
        if piece is not None:
            taken.append(piece)
            for _, line in piece.lines():
                yield line
