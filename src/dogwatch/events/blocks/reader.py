"""Reads units of inputs, in whichever process."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from itertools import count
from typing import TYPE_CHECKING

from dogwatch.events.batch import Batch
from dogwatch.events.blocks.learned import UnfitError
from dogwatch.events.blocks.native_reader import NativeReader
from dogwatch.events.columns import ColumnPlan
from dogwatch.events.readers.fortisiem import EventReader
from dogwatch.events.readers.lines import Piece
from dogwatch.events.readers.ndjson import FoundDocument
from dogwatch.events.readers.options import ReadOptions
from dogwatch.events.readers.pending import Decode, Pending
from dogwatch.events.readers.sniff import Format, is_record
from dogwatch.events.report import ReadReport
from dogwatch.events.units import Block, RowGroup, Stray, Unit
from dogwatch.schema.field import FieldRef

if TYPE_CHECKING:
    from dogwatch.events.readers.parquet import RowGroupReader

_SET_UP = 6
"""How many smallest blocks take as long, line by line, as it takes to set the native parser up."""

_MOST_PASSED_OVER = 64
"""Blocks that are read line by line before the native parser is tried again."""


class UnitReader:
    """Makes batches of units; one reader goes from unit to unit and learns from each what to expect of the next.

    Nothing is opened before the first read, so that a reader may be made before a process forks.

    Args:
        fields: The columns wanted.
        options: What is known about the inputs.

    Attributes:
        strays: The audit records among the lines of the last unit, complete when its batches are.
    """

    strays: list[Stray]

    def __init__(self, fields: Iterable[FieldRef], options: ReadOptions) -> None:
        self._plan = ColumnPlan(fields)
        self._options = options
        self.strays = []
        self._native: NativeReader | None = None
        self._bytes = 0
        self._failures = 0
        self._passed_over = 0

    def read(self, unit: Unit, report: ReadReport) -> Iterator[Batch]:
        """The events of a unit, in its order.

        Args:
            unit: What to read; its buffer is free when the batches are complete.
            report: Counts the lines and events, and what is left out.
        """
        self.strays = []
        if isinstance(unit, RowGroup):
            yield from self._row_groups.read(unit, report)
            return
        with unit.buffer.view(unit.size) as view:
            data = view[:]
            batch = self._natively(unit, view, data, report)
        if batch is None:
            yield from self._by_line(unit, data, report)
        elif batch.length:
            yield batch

    @cached_property
    def _row_groups(self) -> RowGroupReader:
        from dogwatch.events.readers.parquet import RowGroupReader

        return RowGroupReader(self._plan.fields, self._options)

    def _natively(self, block: Block, view: mmap.mmap, data: bytes, report: ReadReport) -> Batch | None:
        """The block's one batch, or ``None`` if it is to be read line by line."""
        self._bytes += block.size
        if block.size < self._options.native_bytes or self._bytes < _SET_UP * self._options.native_bytes:
            return None
        if self._passed_over:
            self._passed_over -= 1
            return None
        try:
            if self._native is None:
                self._native = NativeReader(self._plan, self._options.index)
            events = EventReader(block.file, report, self._options.clock)
            batch = self._native.read(block, view, data, partial(self._line, block, events), report)
        except UnfitError:
            # Inputs of a kind come together.
            self._failures += 1
            self._passed_over = min(2**self._failures, _MOST_PASSED_OVER) - 1
            return None
        self._failures = 0
        return batch

    def _line(
        self, block: Block, events: EventReader, line: bytes, number: int
    ) -> Iterator[tuple[FoundDocument, Decode]]:
        if is_record(line, Format.NDJSON):
            self.strays.append(Stray(block.file, line, number))
            return
        for found in events.documents(line, number):
            yield found, events.decode

    def _by_line(self, block: Block, data: bytes, report: ReadReport) -> Iterator[Batch]:
        events = EventReader(block.file, report, self._options.clock)
        arrivals = count(block.first_arrival)
        pending = Pending(self._plan, self._options.index, self._options.batch_rows, report, arrivals)
        for number, line in Piece(block.first_line, data).lines():
            for found, decode in self._line(block, events, line, number):
                if (batch := pending.add(found, block.file, number, decode)) is not None:
                    yield batch
        if (batch := pending.flush()) is not None:
            yield batch
