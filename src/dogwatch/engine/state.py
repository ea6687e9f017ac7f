"""What matchers share: saved state and stored rows as safe bytes, and the memory of repeated events.

The encoding is MessagePack under declared types. It holds data only, so reading hostile bytes can fail but
cannot do anything. What MessagePack cannot hold (an integer beyond 64 bits, a lone surrogate: both occur in
hostile JSON) is written as ASCII JSON under the same types.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place
from dogwatch.events.batch import Document, Event

_MSGPACK = b"\x01"
_JSON = b"\x02"

T = TypeVar("T", bound=msgspec.Struct)


class EventRow(msgspec.Struct, frozen=True, array_like=True):
    """An event in stored form: the attributes of ``Event``, its place written out."""

    id: str
    index: str | None
    time: int
    tiebreak: int
    arrival: int
    has_own_id: bool
    file: str | None
    line: int | None
    column: int | None
    document: Document

    @classmethod
    def of(cls, event: Event) -> EventRow:
        """The stored form of an event."""
        place = event.place
        file, line, column = (place.file, place.line, place.column) if place else (None, None, None)
        return cls(
            event.id,
            event.index,
            event.time,
            event.tiebreak,
            event.arrival,
            event.has_own_id,
            file,
            line,
            column,
            event.document,
        )

    def event(self) -> Event:
        """The event again."""
        return Event(
            id=self.id,
            index=self.index,
            time=self.time,
            tiebreak=self.tiebreak,
            arrival=self.arrival,
            document=self.document,
            place=None if self.file is None else Place(self.file, self.line, self.column),
            has_own_id=self.has_own_id,
        )


class EventTable:
    """Events numbered in the order of first mention, so that a saved state holds each of them once."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._events: list[Event] = []

    def number(self, event: Event) -> int:
        """The event's number in ``rows``."""
        # By object: matchers pass one object around for one event, and a document has no hash.
        number = self._numbers.setdefault(id(event), len(self._events))
        if number == len(self._events):
            self._events.append(event)
        return number

    def rows(self) -> list[EventRow]:
        """The stored form of every event numbered so far."""
        return [EventRow.of(event) for event in self._events]


class Repeats:
    """Knows an event that was already seen at the present moment, by its index and its producer's id.

    Only ids that bear the newest timestamp are remembered, which bounds the memory. An event whose id is
    a hash of its line is never a repeat: two like it did happen. One id in two indices names two events.
    """

    __slots__ = ("_ids", "_time")

    def __init__(self, time: int | None = None, ids: Iterable[tuple[str, str]] = ()) -> None:
        self._time = time
        self._ids = set(ids)

    def seen(self, event: Event) -> bool:
        """Whether the event is a repeat; if it is not, it is remembered."""
        if not event.has_own_id:
            return False
        name = (event.index or "", event.id)
        if event.time != self._time:
            if self._time is not None and event.time < self._time:
                return False
            self._time = event.time
            self._ids = {name}
            return False
        if name in self._ids:
            return True
        self._ids.add(name)
        return False

    def saved(self) -> tuple[int | None, list[tuple[str, str]]]:
        """The arguments that make this memory again."""
        return self._time, sorted(self._ids)


def encode(value: msgspec.Struct) -> bytes:
    """A value as bytes that ``decode`` reads back to an equal one, in any process and on any machine."""
    try:
        return _MSGPACK + msgspec.msgpack.encode(value)
    except (OverflowError, UnicodeEncodeError):
        return _JSON + json.dumps(msgspec.to_builtins(value)).encode("ascii")


def decode(data: bytes, kind: type[T]) -> T:
    """The value of type ``kind`` that ``data`` holds.

    Raises:
        DogwatchError: The bytes do not hold such a value (``state-format``).
    """
    try:
        match data[:1]:
            case b"\x01":
                return msgspec.msgpack.decode(memoryview(data)[1:], type=kind)
            case b"\x02":
                return msgspec.convert(json.loads(data[1:]), type=kind)
            case _:
                raise state_error("they begin with no known mark")
    except (ValueError, RecursionError) as error:
        raise state_error(str(error)) from error


def state_error(reason: str) -> DogwatchError:
    """The error for bytes that hold no usable state."""
    return DogwatchError(
        Diagnostic(
            "state-format",
            f"the stored bytes cannot be read: {reason}",
            hint="start without the saved state and run over the events again",
        )
    )
