"""Rows of a sliding window in few bytes: times, digests of events, numbers; other values by number.

A group among millions has no room for objects. Its window is one ``bytearray`` of rows of one length, oldest
first, which loses rows at its front without being copied.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Hashable, Iterable, Iterator, Sequence
from hashlib import blake2b

from dogwatch.events.batch import Event
from dogwatch.schema.field import Scalar

Values = tuple[Scalar | None, ...]

_HEAD = struct.Struct("<q16s")
_TIME = struct.Struct("<q")
_DIGESTED = struct.Struct("<qI")

_MISSING, _HELD, _LISTED = range(3)
"""How a value is stored: not at all, as it is, or as its number in the list of values."""

_INTEGERS = range(-(2**63), 2**63)


def digest_of(event: Event) -> bytes:
    """What tells an event from others, in 16 bytes that are the same in every run and on every machine.

    It is BLAKE2b over the time (8 bytes, signed), the length of the index's name in bytes (4 bytes), both with the
    lowest byte first, the index's name (empty if unknown) and the id, both in UTF-8, half characters as if they
    were whole. To find two events with one digest takes some 2**64 attempts.
    """
    index = (event.index or "").encode("utf-8", "surrogatepass")
    name = event.id.encode("utf-8", "surrogatepass")
    return blake2b(_DIGESTED.pack(event.time, len(index)) + index + name, digest_size=16).digest()


class ValueList:
    """Values that rows hold by number, each kept once and as long as a row holds it."""

    def __init__(self, values: Iterable[Scalar] = ()) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._values: list[Scalar | None] = []
        self._uses: list[int] = []
        self._free: list[int] = []
        for value in values:
            self.number(value)

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, value: Scalar) -> int:
        """The value's number, which one more row now holds."""
        name = _name(value)
        number = self._numbers.get(name)
        if number is not None:
            self._uses[number] += 1
            return number
        if self._free:
            number = self._free.pop()
            self._values[number] = value
            self._uses[number] = 1
        else:
            number = len(self._values)
            self._values.append(value)
            self._uses.append(1)
        self._numbers[name] = number
        return number

    def value(self, number: int) -> Scalar:
        """The value of a number that a row holds.

        Raises:
            LookupError: No row can hold this number.
        """
        value = self._values[number] if 0 <= number < len(self._values) else None
        if value is None:
            raise LookupError(f"there is no value {number}")
        return value

    def release(self, number: int) -> None:
        """One row less holds the value."""
        self._uses[number] -= 1
        if self._uses[number]:
            return
        del self._numbers[_name(self.value(number))]
        if self._numbers:
            self._values[number] = None
            self._free.append(number)
        else:
            self.__init__()  # type: ignore[misc]  # the empty list anew, without the room that it once took

    def all(self) -> list[Scalar]:
        """The values in the order of their numbers; in a list that released none their places are the numbers."""
        return [value for value in self._values if value is not None]


class RowFormat:
    """How the rows of one pattern are packed.

    A row takes 24 bytes and another 9 for each value. A number is stored as it is if its column is one of such
    numbers; any other value goes to ``listed``.

    Args:
        floats: For each value whether it is of a column of floating point numbers, not of whole ones or texts.
    """

    def __init__(self, floats: Sequence[bool]) -> None:
        self.listed = ValueList()
        self._floats = tuple(floats)
        self._row = struct.Struct("<q16s" + "".join("Bd" if is_float else "Bq" for is_float in floats))
        self.size = self._row.size

    def packed(self, time: int, digest: bytes, values: Values) -> bytes:
        """A row, for the newer end of a window."""
        if not values:
            return _HEAD.pack(time, digest)
        cells: list[int | float] = []
        for is_float, value in zip(self._floats, values, strict=True):
            kind = type(value)
            # What is not equal to itself is no number either.
            if value is None or value != value:
                cells += (_MISSING, 0)
            elif kind is float if is_float else kind is int and value in _INTEGERS:
                cells += (_HELD, value)  # type: ignore[arg-type]  # it is a number, as its kind says
            else:
                cells += (_LISTED, self.listed.number(value))
        return self._row.pack(time, digest, *cells)

    def insert(self, rows: bytearray, time: int, digest: bytes, values: Values) -> None:
        """Put a row behind all that are not newer."""
        place = bisect.bisect_right(range(len(rows) // self.size), time, key=lambda place: self.time(rows, place))
        rows[place * self.size : place * self.size] = self.packed(time, digest, values)

    def time(self, rows: bytearray, place: int) -> int:
        """The time of a row."""
        time: int = _TIME.unpack_from(rows, place * self.size)[0]
        return time

    def newest_time(self, rows: bytearray) -> int:
        """The time of the last row."""
        time: int = _TIME.unpack_from(rows, len(rows) - self.size)[0]
        return time

    def digest(self, rows: bytearray, place: int) -> bytes:
        """The digest of a row's event."""
        digest: bytes = _HEAD.unpack_from(rows, place * self.size)[1]
        return digest

    def digests(self, rows: bytearray) -> Iterator[bytes]:
        """The digest of each row's event."""
        if not self._floats:
            return (digest for _, digest in _HEAD.iter_unpack(rows))
        return (bytes(rows[start + 8 : start + 24]) for start in range(0, len(rows), self.size))

    def values(self, rows: bytearray, place: int) -> Values:
        """The values of a row."""
        return self._values(self._row.unpack_from(rows, place * self.size))

    def all_values(self, rows: bytearray) -> Iterator[Values]:
        """The values of each row."""
        return map(self._values, self._row.iter_unpack(rows))

    def remove_oldest(self, rows: bytearray) -> None:
        """Take the first row away."""
        if self.listed:
            self._release(self._row.unpack_from(rows, 0))
        del rows[: self.size]

    def release(self, rows: bytearray) -> None:
        """Let go of the values of rows that will not be used any more."""
        if self.listed:
            for cells in self._row.iter_unpack(rows):
                self._release(cells)

    def saved(self, rows: bytearray) -> tuple[bytes, list[Scalar]]:
        """The rows, with their listed values in a list of their own: what ``restored`` takes."""
        if not self._floats:
            return bytes(rows), []
        own = RowFormat(self._floats)
        packed = b"".join(
            own.packed(cells[0], cells[1], self._values(cells)) for cells in self._row.iter_unpack(rows)
        )
        return packed, own.listed.all()

    def restored(self, packed: bytes, listed: Sequence[Scalar]) -> bytearray:
        """Rows that ``saved`` gave.

        Raises:
            ValueError: They cannot be such rows.
        """
        if not packed or len(packed) % self.size:
            raise ValueError("there is a group without rows, or with a part of one")
        own = RowFormat(self._floats)
        own.listed = ValueList(listed)
        rows = bytearray()
        newest = _INTEGERS.start
        try:
            for cells in self._row.iter_unpack(packed):
                if cells[0] < newest:
                    raise ValueError("the rows of a group are out of order")
                newest = cells[0]
                rows += self.packed(newest, cells[1], own._values(cells))
        except (LookupError, OverflowError) as error:
            raise ValueError("a row names a value that is not there") from error
        return rows

    def _values(self, cells: tuple[int, ...]) -> Values:
        found: list[Scalar | None] = []
        for kind, cell in zip(cells[2::2], cells[3::2], strict=True):
            if kind == _HELD:
                found.append(cell)
            elif kind == _LISTED:
                found.append(self.listed.value(int(cell)))
            else:
                found.append(None)
        return tuple(found)

    def _release(self, cells: tuple[int, ...]) -> None:
        for kind, cell in zip(cells[2::2], cells[3::2], strict=True):
            if kind == _LISTED:
                self.listed.release(int(cell))


def _name(value: Scalar) -> Hashable:
    """What tells values apart: 1, 1.0 and true are three, though equal."""
    return value if isinstance(value, str) else (type(value), value)
