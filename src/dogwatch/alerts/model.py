"""What detection hands to people: alerts, their building blocks, and FortiSIEM incidents."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Self

from dogwatch.base.time import FOREVER, format_duration

AlertDocument = dict[str, Any]
"""An alert as Kibana stores it: the event's fields as they came, and flat ``kibana.alert.*`` keys beside them.
An incident has flat ``fortisiem.incident.*`` keys as well."""


OPEN_UNTIL = "dogwatch.sequence.open_until"
"""Until when an event could have come that would have refuted a sequence, where the data ended before."""


class AlertKind(enum.Enum):
    """What a document is."""

    ALERT = "alert"
    """A detection alert for a person: of one event, or the shell over a sequence's building blocks."""
    BUILDING_BLOCK = "building_block"
    """One event of a sequence, or an alert of a rule that only builds for others; hidden by default."""
    INCIDENT = "incident"
    """A FortiSIEM incident: one per rule and set of mapped attributes, counted at each trigger."""


SEVERITIES = ("low", "medium", "high", "critical")
"""Severity words from the least to the most."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A detection, ready to be shown or kept.

    Attributes:
        kind: Alert or building block.
        uuid: ``kibana.alert.uuid``, made as Kibana makes it.
        rule_uuid: The installed rule (instance) that made it.
        sameness: What decides in the ledger whether this is the same detection as an earlier one.
        document: What is printed and kept.
        building_blocks: For the shell of a sequence, one for each event, in order.
    """

    kind: AlertKind
    uuid: str
    rule_uuid: str
    sameness: str
    document: AlertDocument
    building_blocks: tuple[Alert, ...] = ()

    @property
    def severity(self) -> str:
        """One of ``SEVERITIES``."""
        return str(self.document["kibana.alert.severity"])


@dataclass(frozen=True, slots=True)
class Trigger:
    """One time that an incident's rule fired.

    Attributes:
        id: Names the trigger: its group and first contributing event. A repeat of it is the same trigger.
        time: When the constraint came to hold, nanoseconds since 1970 UTC.
        first_event: Time of the earliest contributing event.
        last_event: Time of the latest contributing event.
        event_ids: The contributing events' ids, the oldest and the newest if there are too many.
    """

    id: str
    time: int
    first_event: int
    last_event: int
    event_ids: tuple[str, ...]


class Status(enum.Enum):
    """What has become of an incident, in FortiSIEM's words."""

    ACTIVE = "active"
    AUTO_CLEARED = "auto-cleared"
    """Its rule's clear condition came to hold."""
    MANUALLY_CLEARED = "manually-cleared"
    """A person cleared it."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """That an incident's clear condition came to hold.

    Attributes:
        time: When, by the clock of the data, nanoseconds since 1970 UTC.
        reason: Why, in a sentence.
    """

    time: int
    reason: str

    @classmethod
    def by_quiet(cls, last_trigger: int, quiet: int) -> Self:
        """That its rule did not trigger for a time, in nanoseconds."""
        return cls(last_trigger + quiet, f"Its rule did not trigger for {format_duration(quiet)}.")

    @classmethod
    def by_pattern(cls, time: int, name: str) -> Self:
        """That the clear pattern of a name occurred."""
        return cls(time, f"The clear condition {name} was met.")


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """A value on a watch list.

    Attributes:
        list: The list's name.
        value: The value.
        added: When it was added, by the clock of the data, nanoseconds since 1970 UTC.
        rule_uuid: The installed rule that added it; empty if a person did.
        until: When it is over.
    """

    list: str
    value: str
    added: int
    rule_uuid: str = ""
    until: int = FOREVER


@dataclass(frozen=True, slots=True)
class Incident:
    """A FortiSIEM incident as a run knows it, with those of its triggers that are to be kept now.

    Attributes:
        root: Names what it is about: its rule and mapped attributes.
        uuid: Names the incident. The first of its root has the root's name; one that was raised after another had
            been cleared has a name of its own.
        rule_uuid: The installed rule (instance) that made it.
        attributes: Incident attribute -> value as text; attributes without a value are absent.
        triggers: At least one, by time. Of a closed scan all that it saw; of a followed stream, which hands out
            the incident again and again, the one that came last.
        document: What is printed and kept; ``fortisiem.incident.count``, ``first_seen`` and ``last_seen``
            speak of all triggers that the run saw.
        cleared: Set if its clear condition came to hold after the last of them.
    """

    root: str
    uuid: str
    rule_uuid: str
    attributes: dict[str, str]
    triggers: tuple[Trigger, ...]
    document: AlertDocument
    cleared: Cleared | None = None

    @property
    def count(self) -> int:
        """How many triggers the run saw."""
        return int(self.document["fortisiem.incident.count"])

    @property
    def kind(self) -> AlertKind:
        """Always an incident."""
        return AlertKind.INCIDENT

    @property
    def severity(self) -> str:
        """One of ``SEVERITIES``."""
        return str(self.document["kibana.alert.severity"])


Detection = Alert | Incident
"""What a scan yields."""
