"""The store of alerts and incidents, whatever keeps it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from dogwatch.alerts.model import AlertDocument, Detection


class Outcome(enum.Enum):
    """What became of a detection that was handed to the store."""

    NEW = "new"
    """It was not there."""
    UPDATED = "updated"
    """A better reading of one that was there, or an incident with new triggers."""
    KNOWN = "known"
    """It was there; nothing changed."""


@dataclass(frozen=True, slots=True)
class Filed:
    """Counts of outcomes of one call: building blocks are not counted apart from their shell."""

    new: int = 0
    updated: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts or incidents to list; all conditions must hold.

    Attributes:
        rule: Rule id or part of the rule's name, letter case ignored.
        min_severity: The least severity, one of ``SEVERITIES``.
        status: Workflow status (``open``, ``acknowledged``, ``closed``); for incidents ``active``, ``cleared``.
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


class AlertStore(Protocol):
    """Keeps every detection once."""

    def file(self, detections: Iterable[Detection]) -> Filed:
        """Keep detections, in one transaction: all of them or none. A repeat makes no copy."""
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
