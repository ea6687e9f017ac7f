"""The store of alerts and incidents, whatever keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dogwatch.alerts.model import AlertDocument, Cleared, Detection, WatchEntry

CLEARED = "cleared"
"""What a query asks for to see incidents that were cleared, by themselves or by hand."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of the detections of one call; building blocks are not counted apart from their shell.

    Attributes:
        new: Those that were not there.
        updated: Better readings of some that were there, and incidents with new triggers.
        known: Those that were there; nothing changed.
    """

    new: int = 0
    updated: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts or incidents to list; all conditions must hold.

    Attributes:
        rule: Rule id or part of the rule's name, letter case ignored.
        min_severity: The least severity, one of ``SEVERITIES``.
        status: Workflow status (``open``, ``acknowledged``, ``closed``); for incidents one of ``Status``, or
            ``cleared`` for both ways of being cleared.
        since: Earliest time in nanoseconds (alert ``@timestamp``; incident last seen).
        until: Latest time in nanoseconds.
        building_blocks: Whether building blocks are listed too.
        size: How many at most, the newest first.
    """

    rule: str | None = None
    min_severity: str | None = None
    status: str | None = None
    since: int | None = None
    until: int | None = None
    building_blocks: bool = False
    size: int = 100


class ClearedElsewhere(Protocol):
    """What a run's data tell of a rule's incidents that earlier runs left active."""

    @property
    def rule_uuid(self) -> str:
        """The installed rule (instance)."""
        ...

    def cleared_after(self, attributes: Mapping[str, str], last_seen: int) -> Cleared | None:
        """What cleared an incident with these attributes that was last triggered at a time, if anything did."""
        ...


class AlertStore(Protocol):
    """Keeps every detection once."""

    def file(
        self,
        detections: Iterable[Detection],
        entries: Iterable[WatchEntry] = (),
        clearings: Iterable[ClearedElsewhere] = (),
        *,
        sweep: bool = True,
    ) -> Filed:
        """Keep detections, in one transaction: all of them or none. A repeat makes no copy.

        A fresh trigger goes to the incident that holds those it came with, else to the one of its root that had
        not been cleared before it, else to a new one. One that a person cleared takes none.

        Args:
            detections: Alerts and incidents.
            entries: Values that rules added to watch lists; of each the times at which it is there are kept.
            clearings: One for each rule whose incidents clear by themselves.
            sweep: Whether these clear all active incidents that they can, which looks at each, or only those that
                the detections are about.
        """
        ...

    def clear(self, uuids: Sequence[str], comment: str | None = None) -> Sequence[str]:
        """Clear incidents by hand; those that had been cleared before are given back, and stay as they were.

        Raises:
            DogwatchError: If there is no such incident, or a beginning fits several; then none is cleared.
        """
        ...

    def watch_entries(self, name: str | None = None) -> Sequence[WatchEntry]:
        """The entries of one watch list, or of all, by list and time."""
        ...

    def remove_watched(self, name: str, values: Iterable[str]) -> int:
        """Take values off a watch list; the number of those that were on it."""
        ...

    def alerts(self, query: AlertQuery) -> Sequence[AlertDocument]:
        """Alert documents, newest first."""
        ...

    def incidents(self, query: AlertQuery) -> Sequence[AlertDocument]:
        """Incident documents with their counts over all runs, last seen first."""
        ...

    def alert(self, uuid_prefix: str) -> AlertDocument | None:
        """One alert by its uuid or an unambiguous beginning of it; ``None`` if there is none.

        Raises:
            DogwatchError: If the beginning fits several.
        """
        ...

    def building_blocks(self, uuid: str) -> Sequence[AlertDocument]:
        """The building blocks of a shell alert, in order."""
        ...

    def incident(self, uuid_prefix: str) -> AlertDocument | None:
        """One incident by its uuid or an unambiguous beginning of it, with its newest triggers."""
        ...

    def close(self) -> None:
        """Release the store."""
        ...
