"""The triggers of one incident, kept in forty bytes each."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from dogwatch.alerts.model import Trigger

_RECORD = struct.Struct(">Q16sQQ")
_WIDTH = _RECORD.size
_KEY = 24
"""Bytes at the front of a record that name it and that order records: its first event's time, its id."""

_BIAS = 2**63
"""What makes a time unsigned, so that the order of bytes is that of times."""

_LONGEST = 4096
"""Records of one stretch: what comes late moves no more than these."""


@dataclass(frozen=True, slots=True)
class Fired:
    """One trigger.

    Attributes:
        id: Its name, 16 bytes.
        time: When the rule fired, nanoseconds since 1970 UTC.
        first_event: Time of the earliest contributing event.
        last_event: Time of the latest.
    """

    id: bytes
    time: int
    first_event: int
    last_event: int

    def trigger(self, event_ids: tuple[str, ...]) -> Trigger:
        """The trigger as it is handed out."""
        return Trigger(self.id.hex(), self.time, self.first_event, self.last_event, event_ids)


class TriggerLog:
    """The distinct triggers of one incident."""

    __slots__ = ("_stretches",)

    def __init__(self) -> None:
        self._stretches = [bytearray()]

    def __len__(self) -> int:
        return sum(map(len, self._stretches)) // _WIDTH

    @property
    def is_single(self) -> bool:
        """Whether there is exactly one."""
        return len(self._stretches) == 1 and len(self._stretches[0]) == _WIDTH

    @property
    def first_event(self) -> int:
        """Time of the earliest contributing event of all; there must be a trigger."""
        first, *_ = _RECORD.unpack_from(self._stretches[0])
        return int(first) - _BIAS

    def add(self, fired: Fired) -> bool:
        """Keep a trigger; false if it was there. One that is later than all others costs the same however many."""
        record = _RECORD.pack(fired.first_event + _BIAS, fired.id, fired.time + _BIAS, fired.last_event + _BIAS)
        key = record[:_KEY]
        number = len(self._stretches) - 1
        newest = self._stretches[number]
        if not newest or key > newest[-_WIDTH:][:_KEY]:
            newest += record
        else:
            number, place = self._place(key)
            stretch = self._stretches[number]
            if stretch[place : place + _KEY] == key:
                return False
            stretch[place:place] = record
        if len(self._stretches[number]) > _LONGEST * _WIDTH:
            self._halve(number)
        return True

    def __contains__(self, fired: Fired) -> bool:
        key = _RECORD.pack(fired.first_event + _BIAS, fired.id, 0, 0)[:_KEY]
        newest = self._stretches[-1]
        if not newest or key > newest[-_WIDTH:][:_KEY]:
            return False
        number, place = self._place(key)
        return self._stretches[number][place : place + _KEY] == key

    def fired(self) -> list[Fired]:
        """The triggers by time, then name."""
        return sorted(self._records(), key=lambda each: (each.time, each.id))

    @property
    def newest(self) -> list[Fired]:
        """The one that ``fired`` gives last, if there is any."""
        last = max(self._records(), key=lambda each: (each.time, each.id), default=None)
        return [] if last is None else [last]

    def _records(self) -> Iterator[Fired]:
        for stretch in self._stretches:
            for first, name, time, last in _RECORD.iter_unpack(stretch):
                yield Fired(name, time - _BIAS, first - _BIAS, last - _BIAS)

    def _place(self, key: bytes) -> tuple[int, int]:
        """The stretch and the place in it where a record of this key is, or would be."""
        ends = range(len(self._stretches) - 1)
        number = bisect.bisect_left(ends, key, key=lambda each: bytes(self._stretches[each][-_WIDTH:][:_KEY]))
        stretch = self._stretches[number]
        records = range(len(stretch) // _WIDTH)
        record = bisect.bisect_left(
            records, key, key=lambda each: bytes(stretch[each * _WIDTH : each * _WIDTH + _KEY])
        )
        return number, record * _WIDTH

    def _halve(self, number: int) -> None:
        stretch = self._stretches[number]
        # What is appended in order leaves full stretches behind.
        keep = _LONGEST if number == len(self._stretches) - 1 else _LONGEST // 2
        self._stretches[number : number + 1] = [stretch[: keep * _WIDTH], stretch[keep * _WIDTH :]]
