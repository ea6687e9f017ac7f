"""The runs of one rule on its schedule: when they are due, what each sees, and what earlier ones kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import takewhile

from dogwatch.base.diagnostic import Diagnostic
from dogwatch.base.time import parse_date_math, parse_duration
from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.naming import EventNames
from dogwatch.engine.passed import Passed
from dogwatch.logic.pattern import End, Limit, SamplePattern, SequencePattern, limits_with_size
from dogwatch.rules.model import ElasticRule

_ORIGIN = 0
"""Runs fall on whole multiples of the interval since 1970, so that a replay does not depend on its input."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rule runs and what it then sees.

    Attributes:
        interval: Time between runs, in nanoseconds.
        look_back: How long before a run its stretch of time begins, in nanoseconds.
        lag: How long before a run its stretch of time ends, in nanoseconds.
        max_signals: The most alerts that a run keeps.
    """

    interval: int
    look_back: int
    lag: int
    max_signals: int

    def first_run(self, time: int) -> int:
        """The first run that comes late enough to see an event at ``time``."""
        return _ORIGIN + -(-(time + self.lag - _ORIGIN) // self.interval) * self.interval


def schedule_of(rule: ElasticRule) -> Schedule | Diagnostic:
    """A rule's schedule, or what is wrong with it."""
    interval = parse_duration(rule.interval)
    look_back, end = _before_now(rule.from_), _before_now(rule.to)
    # A replay has no events from after a run.
    lag = None if end is None else max(end, 0)
    if not interval or look_back is None or lag is None or look_back <= lag or rule.max_signals < 1:
        return Diagnostic(
            "rule-schedule",
            f"{rule.label}: interval {rule.interval}, from {rule.from_}, to {rule.to}, max_signals "
            f"{rule.max_signals} make no schedule; the rule was left out",
            place=rule.place,
            hint="for instance interval 5m, from now-9m, to now, max_signals 100",
        )
    return Schedule(interval, look_back, lag, rule.max_signals)


def _before_now(expression: str) -> int | None:
    """How long before ``now`` an expression is; ``None`` if it is at no fixed distance."""
    if not expression.strip().startswith("now") or "/" in expression:
        return None
    now = 2**62  # any instant: only the distance counts, and date math needs room on both sides
    instant = parse_date_math(expression, now)
    return None if instant is None else now - instant


@dataclass(slots=True)
class Cut:
    """Alerts that runs found and did not keep; a later run may.

    Attributes:
        count: How many no run has kept.
    """

    count: int = 0
    _times: dict[str, int] = field(default_factory=dict)

    def add(self, uuid: str, time: int) -> None:
        """A run did not keep an alert whose latest event is at ``time``."""
        self.count += uuid not in self._times
        self._times[uuid] = time

    def discard(self, uuid: str) -> None:
        """A run kept the alert."""
        self.count -= self._times.pop(uuid, None) is not None

    def forget_before(self, start: int) -> None:
        """No run will find alerts from before ``start`` again."""
        self._times = {uuid: time for uuid, time in self._times.items() if time >= start}


@dataclass(slots=True)
class Runs:
    """One rule's runs so far.

    Attributes:
        compiled: The rule and what it looks for.
        rows: What the next runs may see, in canonical order.
        due: Runs that are to be played.
        known: Alerts that a run has kept, with the time of their latest event; a later run may find them again.
        beyond_size: Alerts beyond ``max_signals``.
        piped: Alerts that the rule's pipes left out.
        left_open: Alerts that an event after the run's stretch of time could have refuted.
        runs: Runs that were played.
        capped_runs: Those of them that found more than they may keep.
        first_capped: When that happened first.
        evicted: Pending sequences that were dropped for want of room.
    """

    rule: ElasticRule
    schedule: Schedule
    compiled: CompiledRule
    names: EventNames = field(default_factory=EventNames)
    rows: deque[Passed] = field(default_factory=deque)
    due: set[int] = field(default_factory=set)
    known: dict[str, int] = field(default_factory=dict)
    beyond_size: Cut = field(default_factory=Cut)
    piped: Cut = field(default_factory=Cut)
    left_open: int = 0
    runs: int = 0
    capped_runs: int = 0
    first_capped: int = 0
    evicted: int = 0

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Which results of a run are kept: the limit of ``max_signals`` first, then the rule's pipes."""
        first = self.pages or isinstance(self.compiled.pattern, SamplePattern)
        return limits_with_size(self.compiled.limits, self.schedule.max_signals, End.HEAD if first else End.TAIL)

    @property
    def pages(self) -> bool:
        """Whether a run goes on past what earlier ones have kept."""
        return self.rule.language != "eql"

    @property
    def restless(self) -> bool:
        """Whether a run may find something new without a new row, because an old one has gone out of sight.

        That row may have refuted a sequence, been in an earlier sample of its key, or had an earlier place.
        """
        match self.compiled.pattern:
            case SequencePattern(absences=absences):
                return bool(absences or self.compiled.limits)
            case SamplePattern():
                return True
            case _:
                return bool(self.compiled.limits)

    def asks_for(self, moment: int) -> bool:
        """Ask for a run at ``moment``; says whether nobody has before."""
        if moment in self.due:
            return False
        self.due.add(moment)
        return True

    def window(self, moment: int) -> list[Passed]:
        """What a run sees. Rows that neither it nor a later one can see are let go."""
        start, end = moment - self.schedule.look_back, moment - self.schedule.lag
        while self.rows and self.rows[0].event.time < start:
            self.rows.popleft()
        self.known = {uuid: time for uuid, time in self.known.items() if time >= start}
        self.beyond_size.forget_before(start)
        self.piped.forget_before(start)
        return list(takewhile(lambda row: row.event.time <= end, self.rows))

    def sees_any(self, moment: int) -> bool:
        """Whether a run at ``moment`` sees any of the rows so far."""
        return bool(self.rows) and self.rows[-1].event.time >= moment - self.schedule.look_back
