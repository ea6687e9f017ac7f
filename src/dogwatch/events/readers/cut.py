"""Where lines of JSON may be cut into blocks that are read apart.

Documents stand on their own, with one exception: in a ``_bulk`` body an action says what the next line is. No cut
comes between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from dogwatch.events.readers.fortisiem import EventReader
from dogwatch.events.readers.lines import Piece
from dogwatch.events.readers.ndjson import JsonLineError, action_of, decode_object
from dogwatch.events.readers.sniff import Format, is_record
from dogwatch.events.report import ReadReport


def cut(pieces: Iterable[Piece], size: int) -> Iterator[list[Piece]]:
    """The lines again, in groups that can be read apart.

    Args:
        pieces: An input from its beginning.
        size: Most bytes of a group; one line may be longer, and so may lines be that hang together.
    """
    group: list[Piece] = []
    held = 0
    for piece in chain.from_iterable(_parts(piece, size) for piece in pieces):
        if group and held + len(piece.data) > size:
            settled, group = _parted(group)
            if settled:
                yield settled
            held = sum(len(part.data) for part in group)
        group.append(piece)
        held += len(piece.data)
    if group:
        yield group


def _parts(piece: Piece, size: int) -> Iterator[Piece]:
    """A piece, or if it is longer than ``size`` several that are not, save for single lines."""
    number, start, data = piece.first_line, 0, piece.data
    while len(data) - start > size:
        end = (data.rfind(b"\n", start, start + size) + 1) or data.index(b"\n", start) + 1
        part = data[start:end]
        yield Piece(number, part)
        number, start = number + part.count(b"\n"), end
    if start < len(data):
        yield Piece(number, data[start:]) if start else piece


def _parted(group: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Pieces that can be read by themselves, and the few lines that hang together with those to come."""
    last = group[-1]
    end = _last_settled(last.data)
    if end == 0:
        last = Piece(group[0].first_line, b"".join(piece.data for piece in group))
        group, end = [last], _last_settled(last.data) or _settled_by_reading(last.data)
    if end == len(last.data):
        return group, []
    head, tail = last.data[:end], last.data[end:]
    rest = [Piece(last.first_line + head.count(b"\n"), tail)]
    return [*group[:-1], Piece(last.first_line, head)] if head else group[:-1], rest


def _last_settled(data: bytes) -> int:
    """The end of the last line behind which nothing is awaited, as can be told without those before it; else 0."""
    end = len(data)
    while end > 0:
        start = data.rfind(b"\n", 0, end - 1) + 1
        if data.startswith(b"{", start) and not _is_action(data[start:end]):
            return end
        end = start
    return 0


def _settled_by_reading(data: bytes) -> int:
    """The same, by reading lines before the first of which nothing is awaited."""
    reader = EventReader("", ReadReport())
    settled = end = 0
    for line in data.split(b"\n")[:-1]:
        end += len(line) + 1
        stripped = line.removesuffix(b"\r")
        if stripped and not stripped.isspace() and not is_record(stripped, Format.NDJSON):
            reader.documents(stripped, None)
        if not reader.amid_action:
            settled = end
    return settled


def _is_action(line: bytes) -> bool:
    try:
        return action_of(decode_object(line)) is not None
    except JsonLineError:
        return False
