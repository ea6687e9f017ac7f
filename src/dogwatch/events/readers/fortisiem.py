"""FortiSIEM's events as lines ``[EVENT_TYPE]:[key]=value,..`` and as JSON.

What lines look like is in ``dogwatch.events.fortisiem.line``. An event in JSON is an object of attributes, by
their internal or displayed names, also under ``attributes``; a line or a text holds one, an array of them, or
``{"events": [..]}``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.base.text import printable
from dogwatch.base.time import SECOND
from dogwatch.events.batch import Document
from dogwatch.events.fortisiem.document import FoundEvent, event_of_line, event_of_pairs, is_fortisiem
from dogwatch.events.fortisiem.line import parse_line
from dogwatch.events.readers.ndjson import FoundDocument, JsonLineError, decode_object
from dogwatch.events.readers.pending import Decode
from dogwatch.events.report import ReadReport

_HOUR = 3600 * SECOND
_LONGEST_SHOWN = 80
_LINE_HINT = "an event is a line [EVENT_TYPE]:[key]=value,[key]=value or a JSON object of attributes"


class _Export(msgspec.Struct):
    """An object around events."""

    events: list[msgspec.Raw]


_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_EXPORT = msgspec.json.Decoder(_Export)


def is_fortisiem_line(line: bytes) -> bool:
    """Whether a line is one of FortiSIEM's events in its own form, alone or behind a syslog header."""
    if b"]:" not in line or _is_json(line):
        return False
    text = _text(line)
    found = parse_line(text, now=0)
    if found is None:
        return False
    # Any program can write such brackets into its own log: what is before them must be a header and nothing more.
    before = text[: found.start].strip()
    return not before or (found.header.time is not None and "=" not in before)


def is_fortisiem_object(document: Document) -> bool:
    """Whether a JSON object is FortiSIEM's event or export, and no ECS document."""
    events = document.get("events")
    if isinstance(events, list) and events and isinstance(events[0], dict):
        return is_fortisiem_object(events[0])
    return is_fortisiem(name for name, _ in _pairs(document))


def is_fortisiem_text(text: bytes) -> bool:
    """Whether a JSON text over many lines holds FortiSIEM's events, by the first of them."""
    try:
        items = _items(text)
        return bool(items) and is_fortisiem_object(decode_object(items[0]))
    except (JsonLineError, msgspec.DecodeError):
        return False


def begins_json_text(line: bytes) -> bool:
    """Whether a first line begins a JSON text that goes on over the lines behind it."""
    line = line.strip()
    if line.startswith(b"["):
        return line[1:].lstrip()[:1] in (b"", b"{")
    return line.startswith(b"{") and not line.endswith(b"}")


class FortisiemReader:
    """Finds FortiSIEM's events in the lines of one input.

    Args:
        file: The input's name for places.
        report: Counts the lines, and what is left out.
        clock: Gives the time of reading in nanoseconds since 1970.
    """

    def __init__(self, file: str, report: ReadReport, clock: Callable[[], int] = time.time_ns) -> None:
        self._file = file
        self._report = report
        self._clock = clock
        self._now = clock()
        self.decode: Decode = partial(_decoded, now=self._now)

    def documents(self, line: bytes, number: int | None) -> Sequence[FoundDocument]:
        """The events of one line: one, those of a JSON list, or none.

        Args:
            line: The line without its end, not blank.
            number: Its 1-based number, if the input has lines.
        """
        self._report.lines += 1
        # Years are told by the time of reading, which passes while a pipe is followed.
        now = self._clock()
        if now - self._now > _HOUR:
            self._now, self.decode = now, partial(_decoded, now=now)
        place = Place(self._file, number)
        if not _is_json(line):
            found = event_of_line(_text(line), self._now)
            if found is not None:
                return (self._checked(found, line, place),)
            self._report.add(_bad_line("the line is no event of FortiSIEM's", place))
            return ()
        try:
            return self._objects(line, place)
        except msgspec.DecodeError as error:
            self._report.add(_bad_line(f"the JSON array cannot be read: {error}", place))
            return ()

    def _objects(self, text: bytes, place: Place) -> Sequence[FoundDocument]:
        found: list[FoundDocument] = []
        for raw in _items(text):
            try:
                event = event_of_pairs(_pairs(decode_object(raw)), self._now)
            except JsonLineError as error:
                column = error.column if raw is text else None
                self._report.add(_bad_line(error.message, Place(self._file, place.line, column)))
            else:
                found.append(self._checked(event, raw, place))
        return found

    def _checked(self, found: FoundEvent, raw: bytes, place: Place) -> FoundDocument:
        if found.unreadable is not None:
            self._report.add(unreadable_time(found.unreadable, place))
        return found.document, {}, raw


def unreadable_time(text: str, place: Place) -> Diagnostic:
    """What to tell the user of an event whose time could not be read."""
    return Diagnostic(
        "fortisiem-time",
        f"the event's time cannot be read: {printable(text[:_LONGEST_SHOWN])}",
        Severity.WARNING,
        place,
        hint="phRecvTime is read as a number since 1970, as ISO 8601 or as Mon Nov 22 10:00:00 UTC 2026",
    )


def _bad_line(message: str, place: Place) -> Diagnostic:
    return Diagnostic("fortisiem-line", message, Severity.WARNING, place, hint=_LINE_HINT)


def _items(text: bytes) -> Sequence[bytes]:
    """The texts of the events in a JSON text; the text itself where it holds no list of them.

    Raises:
        msgspec.DecodeError: It is a broken list.
    """
    if text.lstrip().startswith(b"["):
        return [bytes(item) for item in _LIST.decode(text)]
    if b'"events"' in text:
        try:
            return [bytes(item) for item in _EXPORT.decode(text).events]
        except msgspec.DecodeError:
            # One event that has an attribute of that name, or broken JSON, which its reader explains.
            return [text]
    return [text]


def _decoded(raw: bytes, now: int) -> Document:
    if raw.lstrip().startswith(b"{"):
        return event_of_pairs(_pairs(decode_object(raw)), now).document
    found = event_of_line(_text(raw), now)
    if found is None:
        raise ValueError("the text held an event when it was first read")
    return found.document


def _pairs(document: Document) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if name == "attributes" and isinstance(value, dict):
            yield from value.items()
        else:
            yield name, value


def _is_json(line: bytes) -> bool:
    """Whether a line is an object or begins a list of them; ``[`` alone also begins an event's type."""
    line = line.lstrip()
    return line.startswith(b"{") or (line.startswith(b"[") and line[1:64].lstrip().startswith(b"{"))


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
