"""Events in lines and texts: JSON objects of either schema, and FortiSIEM's lines ``[EVENT_TYPE]:[key]=value,..``.

What lines look like is in ``dogwatch.events.fortisiem.line``. An event of FortiSIEM's in JSON is an object of
attributes, by their internal or displayed names, also under ``attributes``; a line or a text holds one, an array
of them, or ``{"events": [..]}``. Each object tells itself apart, so that files may mix them with documents of the
Elastic Common Schema: what an input begins with decides for none of those behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.base.text import printable
from dogwatch.base.time import SECOND
from dogwatch.events.batch import Document
from dogwatch.events.fortisiem.document import FoundEvent, event_of_line, event_of_object
from dogwatch.events.fortisiem.export import is_event, is_export, is_foreign, may_be_event
from dogwatch.events.fortisiem.line import parse_line
from dogwatch.events.readers.ndjson import FoundDocument, NdjsonReader, hits_of, source_of
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
    if b"]" not in line or is_json(line):
        return False
    found = parse_line(_text(line), now=0)
    return found is not None and found.header.whole


def begins_json_text(line: bytes) -> bool:
    """Whether a first line begins a JSON text that goes on over the lines behind it."""
    line = line.strip()
    if line.startswith(b"["):
        return line[1:].lstrip()[:1] in (b"", b"{")
    return line.startswith(b"{") and not line.endswith(b"}")


def is_json(line: bytes) -> bool:
    """Whether a line is an object or begins a list of them; ``[`` alone also begins an event's type."""
    line = line[:64].lstrip()
    return line.startswith(b"{") or (line.startswith(b"[") and line[1:].lstrip().startswith(b"{"))


class EventReader:
    """Finds events in the lines of one input, or in its whole text.

    Args:
        file: The input's name for places; ``None`` for objects that come from no input.
        report: Counts the lines, and what is left out.
        clock: Gives the time of reading in nanoseconds since 1970.
        fortisiem: Whether the input is known to hold FortiSIEM's events. Then every object is one that has no
            field of the Elastic Common Schema, and a line that is no object is to be one too.
    """

    def __init__(
        self,
        file: str | None,
        report: ReadReport,
        clock: Callable[[], int] = time.time_ns,
        *,
        fortisiem: bool = False,
    ) -> None:
        self._file = file
        self._report = report
        self._clock = clock
        self._fortisiem = fortisiem
        self._now = clock()
        self._json = NdjsonReader(file or "", report)
        self.decode: Decode = partial(_decoded, now=self._now, known=fortisiem)

    @property
    def amid_action(self) -> bool:
        """Whether the last line was a ``_bulk`` action that decides what the next line is."""
        return self._json.amid_action

    def documents(self, line: bytes, number: int | None) -> Sequence[FoundDocument]:
        """The events of one line: one, those of a JSON list, or none.

        Args:
            line: The line without its end, not blank.
            number: Its 1-based number, if the input has lines.
        """
        if line.startswith(b"{"):
            return self._object(line, number)
        if is_json(line):
            return self._listed(line, number) if line.lstrip().startswith(b"[") else self._object(line, number)
        self._look_at_the_clock()
        found = event_of_line(_text(line), self._now) if self._fortisiem or is_fortisiem_line(line) else None
        if found is not None:
            self._report.lines += 1
            return (self._checked(found, {}, line, number),)
        if not self._fortisiem:
            return self._object(line, number)
        self._report.lines += 1
        place = Place(self._file or "", number)
        self._report.add(
            Diagnostic(
                "fortisiem-line", "the line is no event of FortiSIEM's", Severity.WARNING, place, hint=_LINE_HINT
            )
        )
        return ()

    def whole(self, text: bytes) -> Iterator[FoundDocument]:
        """The events of an input that is one JSON text: an array, a search response, an export or one event."""
        for found in self._json.whole(text):
            yield from self._events((found,), None)

    def decoded(self, document: Document) -> Sequence[FoundDocument]:
        """The events of an object that is already in memory."""
        return self._events(hits_of(document, None), None)

    def _object(self, line: bytes, number: int | None) -> Sequence[FoundDocument]:
        return self._events(self._json.documents(line, number), number)

    def _listed(self, line: bytes, number: int | None) -> Sequence[FoundDocument]:
        try:
            items = _LIST.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._object(line, number)
        return [found for item in items for found in self._object(bytes(item), number)]

    def _events(self, documents: Sequence[FoundDocument], number: int | None) -> Sequence[FoundDocument]:
        """The documents, those in FortiSIEM's form taken over into the Elastic Common Schema."""
        if not self._fortisiem and not any(may_be_event(document) for document, _, _ in documents):
            return documents
        self._look_at_the_clock()
        found: list[FoundDocument] = []
        for document, hit, raw in documents:
            if is_export(document):
                items = document["events"] if raw is None else _EXPORT.decode(raw).events
                for item in items:
                    if isinstance(item, dict):
                        found += self._events(hits_of(item, None), number)
                    else:
                        found += self._object(bytes(item), number)
            elif _is_ours(document, self._fortisiem):
                found.append(self._checked(event_of_object(document, self._now), hit, raw, number))
            else:
                found.append((document, hit, raw))
        return found

    def _look_at_the_clock(self) -> None:
        # Years are told by the time of reading, which passes while a pipe is followed.
        now = self._clock()
        if now - self._now > _HOUR:
            self._now, self.decode = now, partial(_decoded, now=now, known=self._fortisiem)

    def _checked(self, found: FoundEvent, hit: Document, raw: bytes | None, number: int | None) -> FoundDocument:
        if found.unreadable is not None:
            place = None if self._file is None else Place(self._file, number)
            self._report.add(unreadable_time(found.unreadable, place))
        return found.document, hit, raw


def unreadable_time(text: str, place: Place | None) -> Diagnostic:
    """What to tell the user of an event whose time could not be read."""
    return Diagnostic(
        "fortisiem-time",
        f"the event's time cannot be read: {printable(text[:_LONGEST_SHOWN])}",
        Severity.WARNING,
        place,
        hint="phRecvTime is read as a number since 1970, as ISO 8601 or as Mon Nov 22 10:00:00 UTC 2026",
    )


def _is_ours(document: Document, known: bool) -> bool:
    return not is_foreign(document) if known else is_event(document)


def _decoded(raw: bytes, now: int, known: bool) -> Document:
    if raw.lstrip().startswith(b"{"):
        document = source_of(raw)
        return event_of_object(document, now).document if _is_ours(document, known) else document
    found = event_of_line(_text(raw), now)
    if found is None:
        raise ValueError("the text held an event when it was first read")
    return found.document


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
