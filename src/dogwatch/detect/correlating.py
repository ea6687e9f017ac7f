"""The rules of FortiSIEM's in a scan, or that there are none, which needs next to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from dogwatch.alerts.model import Incident, WatchEntry
from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.report import ScanReport
from dogwatch.engine.passed import Passed
from dogwatch.rules.model import FortisiemRule
from dogwatch.rules.resources import ResourceSet

if TYPE_CHECKING:
    from dogwatch.detect.incident import IncidentDetector


class Correlating(Protocol):
    """What scans ask of FortiSIEM's rules, see ``correlation.Correlation``."""

    def __contains__(self, number: int) -> bool: ...

    @property
    def active(self) -> bool:
        """Whether there is any rule of FortiSIEM."""
        ...

    def feed(self, number: int, row: Passed, /) -> Iterator[Incident]:
        """Take a row that passed a rule's predicates."""
        ...

    def advance(self, clock: int, /) -> Iterator[Incident]:
        """Let the clock of the data reach a time."""
        ...

    def rest(self, clock: int, present: int, /) -> Iterator[Incident]:
        """Judge what waits for earlier events."""
        ...

    def finish(self, clock: int, /) -> Iterator[Incident]:
        """There are no more events: what is left to say."""
        ...

    def take_entries(self) -> list[WatchEntry]:
        """The entries that rules added to watch lists since this was last asked."""
        ...

    @property
    def clearings(self) -> tuple[IncidentDetector, ...]:
        """What tells when incidents of an earlier scan cleared."""
        ...

    def account(self) -> None:
        """Note in the report what was lost."""
        ...


class NoCorrelation:
    """No rule of FortiSIEM's."""

    active = False
    clearings: tuple[IncidentDetector, ...] = ()

    def __contains__(self, number: int) -> bool:
        return False

    def feed(self, number: int, _row: Passed, /) -> Iterator[Incident]:
        """Take nothing.

        Raises:
            KeyError: Always: no rule has the number.
        """
        raise KeyError(number)

    def advance(self, _clock: int, /) -> Iterator[Incident]:
        """Nothing comes of time."""
        return iter(())

    def rest(self, _clock: int, _present: int, /) -> Iterator[Incident]:
        """Nothing waits."""
        return iter(())

    def finish(self, _clock: int, /) -> Iterator[Incident]:
        """Nothing is left."""
        return iter(())

    def take_entries(self) -> list[WatchEntry]:
        """Nothing was added to any watch list."""
        return []

    def account(self) -> None:
        """Nothing was lost."""


def correlation_of(
    rules: Sequence[CompiledRule],
    options: ScanOptions,
    report: ScanReport,
    resources: ResourceSet,
    entries: Iterable[WatchEntry] = (),
) -> Correlating:
    """What runs FortiSIEM's rules, with the arguments of ``correlation.Correlation``."""
    is_needed = any(isinstance(compiled.rule, FortisiemRule) for compiled in rules)
    # Watch lists that are too long are told of, whoever tests them.
    if not is_needed and not resources.watch_lists:
        return NoCorrelation()
    # Most scans have no rule of FortiSIEM's.
    from dogwatch.detect.correlation import Correlation

    return Correlation(rules, options, report, resources, entries)
