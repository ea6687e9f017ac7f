"""What a scan finds, counted on its way out and kept in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from dogwatch.alerts.model import SEVERITIES, AlertKind, Detection
from dogwatch.alerts.store import Filed

if TYPE_CHECKING:
    # SQL and FortiSIEM's rules take their time to import, and most scans need neither.
    from dogwatch.alerts.ledger import Ledger
    from dogwatch.detect.correlating import Correlating

_FILED_TOGETHER = 500
"""Detections of one ledger transaction."""

_SWEPT_EVERY = 10.0
"""Seconds between two looks at all active incidents of the ledger while a pipe flows."""


class Account:
    """Counts detections on their way out, and keeps them in a ledger if there is one.

    Args:
        fail_on: The least severity that makes the scan fail, if any does.
        clock: Seconds that pass.

    Attributes:
        alerts: Alerts so far, without building blocks.
        incidents: The incidents so far, by uuid.
        failed: Whether anything had that severity.
        ledger: What the ledger made of it, if there is one.
    """

    def __init__(self, fail_on: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.alerts = 0
        self.incidents: set[str] = set()
        self.failed = False
        self.ledger: Filed | None = None
        self._levels = frozenset(SEVERITIES[SEVERITIES.index(fail_on) :] if fail_on else ())

    @property
    def found(self) -> int:
        """Alerts and incidents so far."""
        return self.alerts + len(self.incidents)

    def watched(self, detections: Iterable[Detection]) -> Iterator[Detection]:
        """Detections as they pass, counted."""
        for detection in detections:
            if detection.kind is AlertKind.INCIDENT:
                self.incidents.add(detection.uuid)
            elif detection.kind is AlertKind.ALERT:
                self.alerts += 1
            if detection.kind is not AlertKind.BUILDING_BLOCK:
                self.failed = self.failed or detection.severity in self._levels
            yield detection

    def filed(
        self,
        detections: Iterable[Detection],
        store: Ledger,
        correlation: Correlating,
        *,
        at_once: bool,
    ) -> Iterator[Detection]:
        """Keep detections before they are shown: what was seen is never missing from the ledger.

        What FortiSIEM's rules added to watch lists by then is kept with them. What clears incidents of earlier
        scans is kept at the end, and now and then while a pipe flows.
        """
        waiting: list[Detection] = []
        self.ledger = Filed()
        swept = self._clock()
        try:
            for detection in detections:
                waiting.append(detection)
                if not at_once and len(waiting) < _FILED_TOGETHER:
                    continue
                sweep = at_once and self._clock() - swept >= _SWEPT_EVERY
                filed = store.file(waiting, correlation.take_entries(), correlation.clearings, sweep=sweep)
                yield from self._counted(waiting, filed)
                waiting = []
                if sweep:
                    swept = self._clock()
        except KeyboardInterrupt:
            # Who ends a pipe so has seen all that came of it.
            store.file((), correlation.take_entries(), correlation.clearings)
            raise
        last = store.file(waiting, correlation.take_entries(), correlation.clearings)
        yield from self._counted(waiting, last)

    def _counted(self, detections: Sequence[Detection], filed: Filed) -> Sequence[Detection]:
        so_far = self.ledger or Filed()
        self.ledger = Filed(so_far.new + filed.new, so_far.updated + filed.updated, so_far.known + filed.known)
        return detections
