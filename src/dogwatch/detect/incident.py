"""FortiSIEM rules: patterns that came to hold become incidents.

An incident is one per rule and set of mapped attributes. Each time the pattern holds it is triggered again: its
count rises and the time it was last seen moves on. Once it has been cleared, the next trigger raises another one.

Triggers should come in order of time. What one says depends on its own time, not on when it comes: a late one
belongs to the incident that was active at its time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from dogwatch.alerts.encoding import encode
from dogwatch.alerts.identity import named
from dogwatch.alerts.model import Cleared, Incident, WatchEntry
from dogwatch.detect.clear import ClearIndex, ClearJoins, ClearMemory
from dogwatch.detect.facts import facts_of
from dogwatch.detect.incident_attributes import AttributeReader, Hit, parts_of_hit
from dogwatch.detect.incident_document import IncidentWriter, Standing, quiet_of
from dogwatch.detect.trigger_details import TriggerDetails
from dogwatch.detect.trigger_log import Fired, TriggerLog
from dogwatch.events.batch import NO_TIME, Document, Event
from dogwatch.logic.pattern import AggregatePattern, CompositePattern
from dogwatch.rules.clearing import clearing_pattern
from dogwatch.rules.model import FortisiemRule

_ANCESTORS = "ancestors"
_ID_DIGITS = 32
"""Hexadecimal digits of a trigger's id."""


class Exempts(Protocol):
    """An exception to a rule: incidents that a person does not want to see."""

    @property
    def comment(self) -> str:
        """Why."""
        ...

    def holds(self, attributes: Mapping[str, str], time: int) -> bool:
        """Whether it exempts an incident with these attributes at a time (nanoseconds since 1970 UTC)."""
        ...


@dataclass(frozen=True, slots=True)
class Raised:
    """What a trigger brought about.

    Attributes:
        entries: What the rule adds to watch lists.
        new: Whether the trigger had not been seen before.
        fired: The trigger.
        quieted: The uuid of an earlier incident that is known to be over only now that this trigger has come.
    """

    entries: tuple[WatchEntry, ...]
    new: bool
    fired: Fired
    quieted: str | None
    _standing: Standing
    _writer: IncidentWriter

    @property
    def uuid(self) -> str:
        """The incident that was triggered."""
        return self._standing.uuid

    @property
    def event(self) -> Document:
        """That incident, at this trigger, as an event of its own; it is written when it is asked for."""
        return self._writer.event(self._standing, self.fired.trigger(()))


class _Held:
    """An incident: its values are in the order of the reader's names; ``before`` it the root had another."""

    __slots__ = ("ancestors", "before", "cleared", "last", "log", "root", "uuid", "values")

    def __init__(
        self, uuid: str, root: str, values: tuple[str | None, ...], ancestors: bytes, before: _Held | None
    ) -> None:
        self.uuid = uuid
        self.root = root
        self.values = values
        self.ancestors = ancestors
        self.before = before
        self.log = TriggerLog()
        self.last = NO_TIME
        self.cleared: Cleared | None = None

    def takes(self, time: int) -> bool:
        """Whether it had not been cleared before a time."""
        return self.cleared is None or time <= self.cleared.time


class IncidentDetector:
    """Gathers a rule's triggers into incidents.

    Args:
        rule: A FortiSIEM rule.
        pattern: Its lowered clause.
        exceptions: Which incidents are not raised; that the pattern held is not affected.

    Attributes:
        rule: The rule.
        suppressed: Triggers that an exception suppressed.
        details: What the newest triggers were made of.

    Raises:
        DogwatchError: The constraint of the rule's clear condition cannot be parsed.
    """

    def __init__(
        self,
        rule: FortisiemRule,
        pattern: AggregatePattern | CompositePattern,
        exceptions: Sequence[Exempts] = (),
    ) -> None:
        self.rule = rule
        self.suppressed = 0
        parts = pattern.parts if isinstance(pattern, CompositePattern) else (pattern,)
        self.details = TriggerDetails(rule.triggered_attributes, [part.name for part in parts])
        self._exceptions = tuple(exceptions)
        self._reader = AttributeReader(rule.incident.mapping, pattern)
        self._writer = IncidentWriter(rule)
        # The newest incident of each root, and those that are not named by their root.
        self._newest: dict[str, _Held] = {}
        self._renamed: dict[str, _Held] = {}
        self._quiet = quiet_of(rule)
        self._clock = NO_TIME
        # When each active one clears if nothing comes, and its uuid: not later than it really does. A heap.
        self._due: list[tuple[int, str]] = []
        when = clearing_pattern(rule)
        joins = None if when is None else ClearJoins(rule, when)
        self._clear_name = "" if when is None else when.name
        self._clears = ClearMemory(joins) if joins is not None else None
        self._clearable: ClearIndex[_Held] | None = ClearIndex(joins) if joins is not None else None

    @property
    def rule_uuid(self) -> str:
        """The installed rule whose incidents these are."""
        return self.rule.instance_id

    def trigger(self, hit: Hit) -> Raised | None:
        """Take in one trigger; one that was seen before changes nothing. ``None``: an exception suppresses it."""
        attributes = self._reader.attributes(hit)
        if any(each.holds(attributes, hit.time) for each in self._exceptions):
            self.suppressed += 1
            return None
        root = named("incident", [self.rule_uuid, *(f"{k}={v}" for k, v in sorted(attributes.items()))])
        fired = _fired(hit)
        held = self._known(root, fired)
        new = held is None
        quieted = None
        if held is None:
            before = self._standing_at(root, fired.time)
            quieted = self._quieted(before, fired.time)
            held = self._taker(before, root, attributes, fired, hit)
            held.log.add(fired)
            self.details.keep(held.uuid, fired, hit)
            self._moved(held, attributes, fired.time)
        standing = self._standing(held, attributes)
        return Raised(self._entries(attributes, hit.time), new, fired, quieted, standing, self._writer)

    def advance(self, clock: int) -> list[Incident]:
        """Let the clock of the data reach ``clock``.

        Returns:
            The incidents that are cleared now, as their rule has not triggered for so long.
        """
        self._clock = max(self._clock, clock)
        quieted: list[Incident] = []
        while self._quiet is not None and self._due and self._due[0][0] < self._clock:
            _, uuid = heapq.heappop(self._due)
            held = self._held(uuid)
            due = held.last + self._quiet
            if held.cleared is not None:
                continue
            if due < self._clock:
                held.cleared = Cleared.by_quiet(held.last, self._quiet)
                quieted.append(self._incident(held, held.log.newest))
            else:
                heapq.heappush(self._due, (due, uuid))
        return quieted

    def clear(self, attributes: Mapping[str, str], time: int) -> list[Incident]:
        """Clear the active incidents that the attributes of the rule's clear pattern fit.

        Args:
            attributes: Those of what the clear pattern raises.
            time: When it came to hold, nanoseconds since 1970 UTC.

        Returns:
            The incidents as they now stand.
        """
        if self._clears is None or self._clearable is None:
            return []
        self._clears.remember(attributes, time)
        fitting = [held for held in self._clearable.fitting(attributes) if held.last <= time]
        for held in fitting:
            held.cleared = Cleared.by_pattern(time, self._clear_name)
            self._clearable.remove(held.uuid, self._attributes(held))
        return [self._incident(held, held.log.newest) for held in fitting]

    def cleared_after(self, attributes: Mapping[str, str], last_seen: int) -> Cleared | None:
        """What cleared an incident of this rule, seen in an earlier run, as far as this run's data tell.

        Args:
            attributes: The incident's.
            last_seen: Its last trigger, nanoseconds since 1970 UTC.
        """
        if self._quiet is not None and self._clock - last_seen > self._quiet:
            return Cleared.by_quiet(last_seen, self._quiet)
        time = self._clears.after(attributes, last_seen) if self._clears is not None else None
        return None if time is None else Cleared.by_pattern(time, self._clear_name)

    @property
    def forgotten(self) -> int:
        """Occurrences of the clear pattern that incidents of earlier runs cannot be told of."""
        return 0 if self._clears is None else self._clears.forgotten

    def incident(self, raised: Raised) -> Incident:
        """The incident that was triggered as it stands, with that trigger alone."""
        return self._incident(self._held(raised.uuid), [raised.fired])

    def quieted(self, raised: Raised) -> Incident | None:
        """The incident that a trigger has shown to be over, as it stands."""
        if raised.quieted is None:
            return None
        held = self._held(raised.quieted)
        return self._incident(held, held.log.newest)

    def incidents(self) -> Iterator[Incident]:
        """Every incident so far with all its triggers, by the time that it was first seen.

        Each is written when its turn has come.
        """
        found: list[_Held] = []
        for newest in self._newest.values():
            each: _Held | None = newest
            while each is not None:
                found.append(each)
                each = each.before
        found.sort(key=lambda held: (held.log.first_event, held.uuid))
        return (self._incident(held, held.log.fired()) for held in found)

    def _held(self, uuid: str) -> _Held:
        held = self._renamed.get(uuid)
        if held is None:
            held = self._newest[uuid]
            while held.before is not None:
                held = held.before
        return held

    def _known(self, root: str, fired: Fired) -> _Held | None:
        """The incident that holds a trigger already."""
        each = self._newest.get(root)
        # One whose last trigger was before this trigger's first event cannot hold it, nor those before it.
        while each is not None and each.last >= fired.first_event:
            if fired in each.log:
                return each
            each = each.before
        return None

    def _standing_at(self, root: str, time: int) -> _Held | None:
        """The oldest incident that had not been cleared before a time, else the newest."""
        held = self._newest.get(root)
        while held is not None and held.before is not None and held.before.takes(time):
            held = held.before
        return held

    def _quieted(self, held: _Held | None, time: int) -> str | None:
        """Clear an incident whose quiet period was over before a trigger at a time, and give its uuid."""
        if held is None or held.cleared is not None or self._quiet is None or time - held.last <= self._quiet:
            return None
        held.cleared = Cleared.by_quiet(held.last, self._quiet)
        return held.uuid

    def _taker(self, before: _Held | None, root: str, attributes: dict[str, str], fired: Fired, hit: Hit) -> _Held:
        """The incident that a new trigger belongs to: the one before it, or a new one."""
        if before is not None and before.takes(fired.time):
            return before
        uuid = root if before is None else named("incident", [root, fired.id.hex()])
        values = tuple(attributes.get(name) for name in self._reader.names)
        first = _first_event(hit)
        (facts,) = facts_of([first])
        ancestors = encode({_ANCESTORS: facts.descent(first)})
        held = self._newest[root] = _Held(uuid, root, values, ancestors, before)
        if uuid != root:
            self._renamed[uuid] = held
        return held

    def _moved(self, held: _Held, attributes: dict[str, str], time: int) -> None:
        """Note that an incident was triggered at a time."""
        moved = time > held.last
        held.last = max(held.last, time)
        if self._quiet is not None and moved:
            if held.log.is_single or held.cleared is not None:
                heapq.heappush(self._due, (held.last + self._quiet, held.uuid))
            # A late trigger may keep one active that had been thought to be over.
            held.cleared = None
        if self._clears is not None and self._clearable is not None and held.cleared is None:
            # The clear pattern may have come first: in the same instant, or if this trigger is late.
            already = self._clears.after(attributes, held.last)
            if already is None:
                self._clearable.add(held.uuid, attributes, held)
            else:
                held.cleared = Cleared.by_pattern(already, self._clear_name)
                self._clearable.remove(held.uuid, attributes)

    def _entries(self, attributes: Mapping[str, str], time: int) -> tuple[WatchEntry, ...]:
        return tuple(
            WatchEntry(name, attributes[addition.attribute], time, self.rule_uuid)
            for addition in self.rule.watch_lists
            if addition.attribute in attributes
            for name in addition.lists
        )

    def _attributes(self, held: _Held) -> dict[str, str]:
        pairs = zip(self._reader.names, held.values, strict=True)
        return {name: value for name, value in pairs if value is not None}

    def _standing(self, held: _Held, attributes: Mapping[str, str]) -> Standing:
        return Standing(held.uuid, attributes, len(held.log), held.log.first_event, held.last, held.cleared)

    def _incident(self, held: _Held, fired: Sequence[Fired]) -> Incident:
        attributes = self._attributes(held)
        details = self.details.of(held.uuid)
        ancestors: list[dict[str, Any]] = msgspec.json.decode(held.ancestors)[_ANCESTORS]
        document = self._writer.document(self._standing(held, attributes), held.root, ancestors, details.events)
        triggers = tuple(each.trigger(details.event_ids.get(each.id, ())) for each in fired)
        return Incident(held.root, held.uuid, self.rule_uuid, attributes, triggers, document, held.cleared)


def _fired(hit: Hit) -> Fired:
    parts = parts_of_hit(hit)
    names: list[str] = []
    for part in parts:
        if part is None:
            names.append("absent")
            continue
        if len(parts) > 1:
            names.append("present")
        names += ["null" if value is None else str(value) for value in part.group]
        names.append(part.first)
    return Fired(
        id=bytes.fromhex(named("trigger", names)[:_ID_DIGITS]),
        time=hit.time,
        first_event=hit.first_time,
        last_event=max(part.time for part in parts if part is not None),
    )


def _first_event(hit: Hit) -> Event:
    events = (part.events[0] for part in parts_of_hit(hit) if part is not None)
    return min(events, key=lambda event: event.order)
