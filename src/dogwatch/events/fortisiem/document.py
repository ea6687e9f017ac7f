"""Events in FortiSIEM's own forms as documents: the attributes under ``fortisiem``, and what they say in ECS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from dogwatch.base.time import format_instant
from dogwatch.events.batch import Document
from dogwatch.events.fortisiem.ecs import to_ecs
from dogwatch.events.fortisiem.header import NO_HEADER, Header
from dogwatch.events.fortisiem.line import parse_line
from dogwatch.events.fortisiem.moment import parse_moment
from dogwatch.schema.coerce import flatten
from dogwatch.schema.field import FieldType
from dogwatch.schema.fortisiem import attribute_of_header, attribute_types

HOLDERS = ("attributes", "fortisiem")
"""Names under which an object may hold its attributes."""

_LONGEST_LABEL = 200
"""Characters, more than any attribute's name has."""

_STAMP = "@timestamp"
_TIMES = ("phRecvTime", "deviceTime")
_IDS = ("phEventId", "eventId")
_SEVERITIES = {
    "PHL_DEBUG": 1,
    "PHL_INFO": 1,
    "PHL_NOTICE": 1,
    "PHL_WARNING": 5,
    "PHL_ERROR": 9,
    "PHL_CRITICAL": 9,
}
"""The words by which FortiSIEM's own events state their severity; the numbers are ours."""


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """One event.

    Attributes:
        document: Its document.
        unreadable: The time that it gives and that could not be read, if it has no other.
    """

    document: Document
    unreadable: str | None = None


def event_of_line(text: str, now: int) -> FoundEvent | None:
    """The event that a line ``[EVENT_TYPE]:[key]=value,..`` holds, or ``None`` if it is no such line.

    Args:
        text: The line, with or without a syslog header.
        now: The time of reading in nanoseconds since 1970: it gives the year of times that have none.
    """
    line = parse_line(text, now)
    if line is None:
        return None
    attributes = _gathered(line.pairs)
    attributes.setdefault("eventType", line.event_type)
    found = _event(attributes, line.header, now)
    found.document.setdefault("event", {})["original"] = text
    return found


def event_of_pairs(pairs: Iterable[tuple[str, object]], now: int) -> FoundEvent:
    """The event of an export's row or object.

    A raw message that is itself a line ``[EVENT_TYPE]:[key]=value,..`` fills in what the export does not say.

    Args:
        pairs: Names, internal or displayed, and values. A null and an empty text are no values.
        now: The time of reading in nanoseconds since 1970.
    """
    attributes = _gathered(pairs)
    raw = attributes.get("rawEventMsg")
    line = parse_line(raw, now) if isinstance(raw, str) else None
    if line is None:
        return _event(attributes, NO_HEADER, now)
    inner = _gathered(line.pairs)
    inner.setdefault("eventType", line.event_type)
    return _event({**inner, **attributes}, line.header, now)


def event_of_object(document: Document, now: int) -> FoundEvent:
    """The event of a JSON object of attributes; ``@timestamp`` beside them is its time where they give none."""
    found = event_of_pairs(pairs_of(document), now)
    if _STAMP not in found.document and (stamp := parse_moment(document.get(_STAMP), now)) is not None:
        found.document[_STAMP] = format_instant(stamp)
        return FoundEvent(found.document)
    return found


def pairs_of(document: Document) -> Iterator[tuple[str, Any]]:
    """The attributes of an object, also those that it holds under ``attributes`` or ``fortisiem``."""
    for name, value in document.items():
        if name in HOLDERS and isinstance(value, dict):
            yield from value.items()
        elif name != _STAMP:
            yield name, value


def attribute_name(label: str) -> str:
    """The attribute that a key or a column's header names: an internal or a display name, else the text itself."""
    return (
        label
        if label in attribute_types()
        else attribute_of_header().get(label[:_LONGEST_LABEL].strip().lower(), label)
    )


def _gathered(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """The attributes that have a value; one that is named several times has a list."""
    attributes: dict[str, object] = {}
    known = attribute_types()
    for label, value in pairs:
        name = label if label in known else attribute_name(label)
        if name not in attributes and type(value) is str:
            if value:
                attributes[name] = value
            continue
        for item in flatten(value) if isinstance(value, list) else (value,):
            if item is None or item == "":
                continue
            held = attributes.get(name)
            if held is None:
                attributes[name] = item
            elif isinstance(held, list):
                held.append(item)
            else:
                attributes[name] = [held, item]
    return attributes


def _event(attributes: dict[str, object], header: Header, now: int) -> FoundEvent:
    if "reptDevName" not in attributes and "reptDevIpAddr" not in attributes:
        if header.host is not None:
            attributes["reptDevName"] = header.host
        if header.address is not None:
            attributes["reptDevIpAddr"] = header.address
    severity = attributes.get("eventSeverity")
    if isinstance(severity, str) and severity in _SEVERITIES:
        attributes["eventSeverity"] = _SEVERITIES[severity]
    dates = _read_dates(attributes, now)
    document = to_ecs(attributes)
    time = _time(dates, header)
    unreadable = None
    if time is not None:
        document[_STAMP] = time
    else:
        unreadable = next((str(attributes[name]) for name in _TIMES if name in attributes), None)
    document["fortisiem"] = attributes
    if attributes.get("eventId") in (0, "0"):
        # No id: events that share it are not one.
        document["event"].pop("id")
    for name in _IDS:
        identity = attributes.get(name)
        if isinstance(identity, str | int) and identity not in (0, "0"):
            document.setdefault("event", {})["id"] = str(identity)
            break
    return FoundEvent(document, unreadable)


def _read_dates(attributes: dict[str, object], now: int) -> dict[str, str]:
    """Give the dates the form that every date of a document has, and return those that could be read."""
    read: dict[str, str] = {}
    dates = _dates()
    for name in [name for name in attributes if name in dates]:
        if (moment := parse_moment(attributes[name], now)) is not None:
            read[name] = format_instant(moment)
    attributes.update(read)
    return read


@cache
def _dates() -> frozenset[str]:
    return frozenset(name for name, kind in attribute_types().items() if kind is FieldType.DATE)


def _time(dates: Mapping[str, str], header: Header) -> str | None:
    """The event's time: when it was received, else what the header says, else what the device says."""
    if "phRecvTime" in dates:
        return dates["phRecvTime"]
    return dates.get("deviceTime") if header.time is None else format_instant(header.time)
