"""Records into events: what bears the same stamp, serial and host belongs together.

This is the closed way, for files: lines may come in any order and an event may be spread over several files,
so every record is sorted first and events come out in canonical order. ``follow`` has the other way, for
pipes. Both end in ``assemble``, so both give the same events.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.base.external_sort import Entry, ExternalSorter, Key
from dogwatch.events.linux_audit.event import (
    MAX_EVENT_BYTES,
    AuditEvent,
    EventKey,
    assemble,
    directory_of,
    event_key,
)
from dogwatch.events.linux_audit.parse import NO_STAMP, PlainRun, Record, parse_line, plain_head
from dogwatch.events.report import ReadReport

DEFAULT_LIMIT = 256 << 20
"""Bytes of records held in memory before they are sorted on disk."""

_LONGEST_PLAIN = 16 << 10
"""Bytes of a line that may wait with others; a longer one goes by itself."""
_MOST_PLAIN = 256
"""Lines that wait together; more of one event are put together again as if they had stood apart."""

_EOE = b"type=EOE msg=audit("


class HeldEvent(NamedTuple):
    """One event as the joiner holds it, its records not yet taken apart.

    Attributes:
        key: What its records have in common.
        packed: Lines that stood together, packed, or single records, encoded; in the sorter's order.
        files: The names of the files that these mention by number.
    """

    key: EventKey
    packed: tuple[bytes, ...]
    files: Sequence[str]

    @property
    def text(self) -> bytes | None:
        """The event's lines as they were read, if all of them are plain; else ``None``."""
        if len(self.packed) == 1:
            packed = self.packed[0]
            return packed[_PACKED.size :] if packed.startswith(_PLAIN) else None
        if not all(packed.startswith(_PLAIN) for packed in self.packed):
            return None
        return b"\n".join([packed[_PACKED.size :] for packed in self.packed])

    def event(self, report: ReadReport) -> AuditEvent | None:
        """The event, or ``None`` if the record that gives it a meaning is missing.

        Args:
            report: Where an incomplete or too large event is counted, as ``assemble`` does.
        """
        stored = [entry for packed in self.packed for entry in _unpacked(packed)]
        # The same order whoever stood together with whom.
        stored.sort(key=_encode)
        return assemble(self.key, [_restored(entry, self.files) for entry in stored], report)


class Joiner:
    """Joins records that come in any order, all of them before the first event.

    Args:
        report: Counts incomplete events (``audit-incomplete``) and shortened ones (``audit-oversized``).
        host: The host of records that do not name theirs.
        limit_bytes: Memory for records; more are sorted on disk.
        directory: Where; the system's temporary directory if ``None``.
    """

    def __init__(
        self,
        report: ReadReport,
        *,
        host: str = "",
        limit_bytes: int = DEFAULT_LIMIT,
        directory: Path | None = None,
    ) -> None:
        self._report = report
        self._host = host
        self._limit = limit_bytes
        self._directory = directory
        self._sorter = ExternalSorter(limit_bytes, directory=directory)
        self._files: dict[str, int] = {}
        # The lines that stand together last: one event's, without a gap, in one file.
        self._lines: list[bytes] = []
        self._key = EventKey(0, 0, "", "")
        self._file = ""
        self._first = self._next = 0
        self._stamp = NO_STAMP
        self._heads: Container[bytes] = ()

    def add(self, record: Record, place: Place | None = None) -> None:
        """Put in one record and where it was read."""
        file = -1 if place is None else self._number(place.file)
        line = (place.line or 0) if place else 0
        self._sorter.add(event_key(record, place, self._host), _encode((record, file, line)))

    def add_line(self, line: bytes, file: str, number: int) -> bool:
        """Put in a line as it is, if it is a plain one (``parse.plain_head``).

        Args:
            line: The line without its end.
            file: The file that it was read from.
            number: Its number there.

        Returns:
            Whether it was taken; else it is to be parsed, and added as a record if it is one.
        """
        end = line.find(b"): ")
        if (
            number == self._next
            and end > 0
            and line.endswith(self._stamp, 0, end)
            and line[: end - len(self._stamp)] in self._heads
            and file == self._file
            and len(self._lines) < _MOST_PLAIN
            and len(line) <= _LONGEST_PLAIN
            and not line.endswith((b"\r", b"\n"))
        ):
            self._lines.append(line)
            self._next += 1
            return True
        return self._begin(line, file, number)

    def add_run(self, run: PlainRun, file: str, number: int) -> None:
        """Put in lines that bear one stamp.

        Args:
            run: The lines.
            file: The file that they were read from.
            number: The first one's number there.
        """
        key = EventKey(run.time, run.serial, self._host, "" if self._host else directory_of(file))
        self._sorter.add(key, _PACKED.pack(_PLAIN, self._number(file), number) + run.text)

    def held(self) -> Iterator[HeldEvent | AuditEvent]:
        """The events in canonical order: stamp, serial, host. Everything held is forgotten at the end.

        One too large to be held is put together at once.
        """
        self._pack()
        files = list(self._files)
        with self._sorter:
            for key, group in groupby(self._sorter, key=_first):
                packed: list[bytes] = []
                size = 0
                for _, payload in group:
                    packed.append(payload)
                    size += len(payload)
                    if size > MAX_EVENT_BYTES:
                        rest = (payload for _, payload in group)
                        event = self._large(_event_key(key), chain(packed, rest), files)
                        if event is not None:
                            yield event
                        break
                else:
                    yield HeldEvent(_event_key(key), tuple(packed), files)

    def finish(self) -> Iterator[AuditEvent]:
        """The events in canonical order, put together."""
        for held in self.held():
            event = held if isinstance(held, AuditEvent) else held.event(self._report)
            if event is not None:
                yield event

    def _large(self, key: EventKey, payloads: Iterable[bytes], files: Sequence[str]) -> AuditEvent | None:
        """The event of more records than memory should hold."""
        with ExternalSorter(self._limit, directory=self._directory) as sorter:
            for payload in payloads:
                for entry in _unpacked(payload):
                    sorter.add((), _encode(entry))
            stored = (_decode(payload) for _, payload in sorter)
            return assemble(key, (_restored(entry, files) for entry in stored), self._report)

    def _begin(self, line: bytes, file: str, number: int) -> bool:
        """Put in a line that does not continue the last ones."""
        if line.endswith(b"):") and _EOE in line and b"): " not in line:
            # Some copying took away the blank behind the colon, where EOE has nothing else.
            return self.add_line(line + b" ", file, number)
        fits = len(line) <= _LONGEST_PLAIN and not line.endswith((b"\r", b"\n"))
        head = plain_head(line) if fits else None
        if head is None:
            return False
        self._pack()
        name = head.node or self._host
        self._key = EventKey(head.time, head.serial, name, "" if name else directory_of(file))
        self._stamp, self._heads = head.stamp, head.heads
        self._lines.append(line)
        self._file, self._first, self._next = file, number, number + 1
        return True

    def _pack(self) -> None:
        if self._lines:
            packed = _PACKED.pack(_PLAIN, self._number(self._file), self._first) + b"\n".join(self._lines)
            self._sorter.add(self._key, packed)
            self._lines.clear()
            self._stamp = NO_STAMP

    def _number(self, file: str) -> int:
        return self._files.setdefault(file, len(self._files))


_Stored = tuple[Record, int, int]
"""A record, its file's number (-1 for none) and its line (0 for none)."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode

_PACKED = struct.Struct(">1sIQ")
"""Before packed lines: ``_PLAIN``, the file's number and the first line's."""
_PLAIN = b"\0"
"""What no encoded record begins with."""


def _unpacked(packed: bytes) -> Iterator[_Stored]:
    if not packed.startswith(_PLAIN):
        yield _decode(packed)
        return
    _, file, first = _PACKED.unpack_from(packed)
    for line, text in enumerate(packed[_PACKED.size :].split(b"\n"), first):
        record = parse_line(text)
        if isinstance(record, Diagnostic):
            raise TypeError(f"a plain line is no record: {record.message}")
        yield record, file, line


def _restored(entry: _Stored, files: Sequence[str]) -> tuple[Record, Place | None]:
    record, file, line = entry
    return record, Place(files[file], line or None) if file >= 0 else None


def _first(entry: Entry) -> Key:
    return entry[0]


def _event_key(key: Key) -> EventKey:
    if isinstance(key, EventKey):
        return key
    time, serial, host, partition = key
    return EventKey(int(time), int(serial), str(host), str(partition))
