"""The way back from the rows of a block to their events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dogwatch.base.diagnostic import Place
from dogwatch.events.batch import Document, Event
from dogwatch.events.blocks.lines import BlockLines
from dogwatch.events.readers.ndjson import decode_object, inside
from dogwatch.events.readers.pending import TextSource, id_of_text, own_id


@dataclass(slots=True)
class BlockSource:
    """The way back; a document that something asks for is decoded again from the block's bytes.

    Attributes:
        lines: The block.
        file: The name of its input.
        first_line: The 1-based number of the block's first line in the input.
        line_of_row: The line of each row, ascending.
        odd: The rows that were decoded one by one.
        odd_rows: The place of each row among those, by row.
    """

    lines: BlockLines
    file: str
    first_line: int
    line_of_row: npt.NDArray[np.int64]
    odd: TextSource
    odd_rows: dict[int, int]
    _last: tuple[int, Document] | None = None

    def document(self, row: int) -> Document:
        """The row's whole document."""
        if (place := self.odd_rows.get(row)) is not None:
            return self.odd.document(place)
        # Whoever asks for a row's id mostly asks for its document next.
        last, self._last = self._last, None
        whole = last[1] if last is not None and last[0] == row else decode_object(self._text(row))
        return inside(whole)

    def event_id(self, row: int) -> tuple[str, bool]:
        """The row's id, and whether the document or its source named it."""
        if (place := self.odd_rows.get(row)) is not None:
            return self.odd.event_id(place)
        text = self._text(row)
        whole = decode_object(text)
        self._last = (row, whole)
        return _id_of(text, whole)

    def text(self, row: int) -> bytes | None:
        """The row's line, as ``event_of_text`` reads it; none for a row that was decoded by itself."""
        return None if row in self.odd_rows else self._text(row)

    def place(self, row: int) -> Place | None:
        """Where the row was read."""
        return Place(self.file, self.first_line + int(self.line_of_row[row]))

    def _text(self, row: int) -> bytes:
        return self.lines.text(int(self.line_of_row[row]))


def event_of_text(
    text: bytes, *, index: str | None, time: int, tiebreak: int, arrival: int, place: Place | None
) -> Event:
    """The event whose line ``BlockSource.text`` gave, its id and document read from there.

    Args:
        text: The line.
        index: Its data stream or index, if known.
        time: Its time, nanoseconds since 1970 UTC.
        tiebreak: Its own order among equal times.
        arrival: Its place in the order of reading.
        place: Where it was read.

    Raises:
        JsonLineError: The text is no JSON object.
    """
    whole = decode_object(text)
    event_id, own = _id_of(text, whole)
    return Event(
        id=event_id,
        index=index,
        time=time,
        tiebreak=tiebreak,
        arrival=arrival,
        document=inside(whole),
        place=place,
        has_own_id=own,
    )


def _id_of(text: bytes, whole: Document) -> tuple[str, bool]:
    own = own_id(inside(whole), whole)
    return (id_of_text(text), False) if own is None else (own, True)
