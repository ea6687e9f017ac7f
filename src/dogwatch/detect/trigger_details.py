"""What the newest triggers of each incident were made of: events' ids, and the attributes that a rule displays."""

from __future__ import annotations

import bisect
import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dogwatch.alerts.encoding import decode, encode
from dogwatch.base.time import format_instant
from dogwatch.detect.incident_attributes import Hit, parts_of_hit
from dogwatch.detect.trigger_log import Fired
from dogwatch.events.batch import Event
from dogwatch.events.fortisiem import attribute_values
from dogwatch.schema.field import FieldType, Scalar
from dogwatch.schema.fortisiem import attribute_types

NEWEST = 20
"""Triggers of an incident whose events are known, and events of it that are displayed."""

LIMIT_BYTES = 64 * 2**20
"""What all of a rule's details may take; the incidents that were triggered the longest ago lose theirs first."""

_LONGEST = 2_000
"""Characters of one displayed value."""

_INCIDENT_BYTES = 320
"""What Python takes for an incident's place among the details, beside the entries."""

_ENTRY_BYTES = 48
"""What it takes for an entry, beside its content."""

_ORDER = struct.Struct(">Q16s")
_BIAS = 2**63


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of an incident's newest triggers.

    Attributes:
        event_ids: The contributing events' ids, by the trigger's id.
        events: The attributes of the newest contributing events, the newest first.
    """

    event_ids: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


class TriggerDetails:
    """Keeps details for as many incidents as fit.

    Args:
        displayed: The event attributes that the rule displays.
        parts: The names of its subpatterns; each event tells which it satisfied if there are several.
        limit_bytes: Size of what is kept at most.

    Attributes:
        dropped: How often an incident's details were let go of for want of room.
    """

    def __init__(self, displayed: Sequence[str], parts: Sequence[str], limit_bytes: int = LIMIT_BYTES) -> None:
        self.dropped = 0
        self._displayed = tuple(dict.fromkeys(displayed))
        self._parts = tuple(parts)
        self._limit = limit_bytes
        self._size = 0
        # By last trigger, the longest ago first. An incident's details are in order of time.
        self._kept: OrderedDict[str, list[bytes]] = OrderedDict()

    def keep(self, uuid: str, fired: Fired, hit: Hit) -> None:
        """Note what a trigger of an incident was made of."""
        found = self._contributing(hit)
        entry = _ORDER.pack(fired.time + _BIAS, fired.id) + encode(
            {
                "ids": list(dict.fromkeys(event.id for _, event in found)),
                "events": [self._shown(part, event) for part, event in found[-NEWEST:]] if self._displayed else [],
            }
        )
        kept = self._kept.get(uuid)
        if kept is None:
            kept = self._kept[uuid] = []
            self._size += _INCIDENT_BYTES
        self._kept.move_to_end(uuid)
        bisect.insort(kept, entry)
        self._size += _size(entry)
        if len(kept) > NEWEST:
            self._size -= _size(kept.pop(0))
        while self._size > self._limit and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size -= _INCIDENT_BYTES + sum(map(_size, oldest))
            self.dropped += 1

    def of(self, uuid: str) -> Details:
        """What is known of an incident."""
        details = Details()
        for entry in reversed(self._kept.get(uuid, ())):
            _, name = _ORDER.unpack_from(entry)
            said = decode(entry[_ORDER.size :])
            details.event_ids[name] = tuple(said["ids"])
            details.events.extend(reversed(said["events"]))
        del details.events[NEWEST:]
        return details

    def _contributing(self, hit: Hit) -> list[tuple[str, Event]]:
        """The contributing events in order, each with the name of its part."""
        found = [
            (name, event)
            for name, part in zip(self._parts, parts_of_hit(hit), strict=True)
            if part is not None
            for event in part.events
        ]
        return found if len(self._parts) == 1 else sorted(found, key=lambda each: each[1].order)

    def _shown(self, part: str, event: Event) -> dict[str, Any]:
        shown: dict[str, list[Scalar]] = {} if len(self._parts) == 1 else {"subpattern": [part]}
        for name, found in attribute_values(event.document, self._displayed).items():
            if attribute_types().get(name) is FieldType.DATE:
                shown[name] = [format_instant(each) for each in found if isinstance(each, int)]
            else:
                shown[name] = [_bounded(each) for each in found]
        return {name: value[0] if len(value) == 1 else value for name, value in shown.items() if value}


def _size(entry: bytes) -> int:
    return _ENTRY_BYTES + len(entry)


def _bounded(value: Scalar) -> Scalar:
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value
