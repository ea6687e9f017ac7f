"""The results of one pattern over some batches, in order and in bounded memory, before they become hits."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.detect.matcher import Matcher, matcher_of
from dogwatch.detect.options import SPOOL_BYTES
from dogwatch.engine.late import LateTolerantMatcher
from dogwatch.engine.limit import Outermost, limited
from dogwatch.engine.passed import MAX_KEYS, PassedEvent, StagePassed
from dogwatch.engine.plan import Plan
from dogwatch.engine.sample import SampleMatcher
from dogwatch.engine.sequence import SequenceHit, SequenceMatcher
from dogwatch.engine.spool import PassedSpool
from dogwatch.engine.taking import MatchedRows, ordinals, take
from dogwatch.events.batch import NO_TIME, Batch, Event
from dogwatch.logic.pattern import Clock, End, EventPattern, Key, Limit, SamplePattern, SequencePattern

_FEW = 10_000
"""Documents that may be held in memory; where more are wanted, they are spooled."""

Searched = EventPattern | SequencePattern | SamplePattern
Result = Event | SequenceHit


class Results:
    """One run of a pattern: single events in canonical order, sequences by their last event, samples by key.

    Args:
        pattern: What to look for.
        plan: Its predicates.
        clock: What orders the events.
        limits: Which of the results are kept.
        max_samples_per_key: How many samples a key gives at most.
        follow: Give results as they are found, in the order in which events come, unless the last are wanted.

    Attributes:
        found: What was found before any limit; see ``Search.found``.
    """

    def __init__(
        self,
        pattern: Searched,
        plan: Plan,
        clock: Clock,
        limits: tuple[Limit, ...],
        *,
        max_samples_per_key: int,
        follow: bool,
    ) -> None:
        self.found = 0
        self._pattern = pattern
        self._plan = plan
        self._clock = clock
        self._limits = limits
        self._follow = follow and all(limit.end is End.HEAD for limit in limits)
        self._matcher = (
            None
            if isinstance(pattern, EventPattern)
            else matcher_of(pattern, follow=self._follow, max_samples_per_key=max_samples_per_key)
        )
        # Few events are held as they are; more, and the rows of a matcher, are spooled.
        self._few = self._matcher is None and bool(limits) and limits[0].count <= _FEW
        self._total: int | None = None
        self._patience = _patience(pattern)
        self._newest = NO_TIME
        self._keys_left_out = 0

    def over(self, batches: Iterable[Batch]) -> Iterator[Result]:
        """The results that the limits leave; to be called once."""
        with PassedSpool(SPOOL_BYTES) as spool:
            if not self._follow and not self._few:
                self._fill(spool, batches)
            results = self._all(batches, spool)
            yield from limited(results, self._limits, self._total)
            if not self._follow:
                # Whether a head limit left anything out shows in one more.
                next(results, None)

    def left_out(self) -> Iterator[Diagnostic]:
        """What could not be followed so far."""
        matcher = self._matcher
        if matcher is not None and matcher.evicted:
            yield Diagnostic(
                "state-evicted",
                f"{matcher.evicted} pending events or sequences were dropped at the memory limit",
                Severity.WARNING,
                hint="search shorter stretches, so that fewer are pending at once",
            )
        if isinstance(matcher, LateTolerantMatcher) and matcher.too_late:
            yield Diagnostic(
                "event-too-late",
                f"{matcher.too_late} events came too late to count",
                Severity.WARNING,
                hint="search the events in a file, where their order does not matter",
            )
        if self._keys_left_out:
            yield Diagnostic(
                "join-keys-left-out",
                f"{self._keys_left_out} join keys were not followed: an event may act under {MAX_KEYS} of a stage",
                Severity.WARNING,
                hint="many-valued join fields multiply; look at the events that hold so many values",
            )

    def _all(self, batches: Iterable[Batch], spool: PassedSpool) -> Iterator[Result]:
        match self._matcher:
            case None if self._follow:
                return self._counted(passed.event for batch in batches for passed in self._in_order(batch))
            case None if self._few:
                return self._outermost(batches, self._limits[0])
            case None:
                return (passed.event for passed in spool)
            case LateTolerantMatcher() as matcher:
                return self._counted(self._followed(matcher, batches))
            case SequenceMatcher() as matcher:
                return self._counted(self._sequences(matcher, spool))
            case SampleMatcher() as matcher if self._follow:
                return self._counted(self._followed(matcher, batches))
            case SampleMatcher() as matcher:
                return self._counted(_samples(matcher, spool))

    def _counted(self, results: Iterable[Result]) -> Iterator[Result]:
        for result in results:
            self.found += 1
            yield result

    def _outermost(self, batches: Iterable[Batch], limit: Limit) -> Iterator[Event]:
        """What one limit keeps of all events; hardly any other document is looked at."""
        kept = Outermost(limit)
        for batch in batches:
            (rows,) = self._plan.select(batch)
            self.found += rows.size
            narrow = kept.candidates(rows, *ordinals(batch, self._clock))
            for passed in take(batch, [MatchedRows(0, self._pattern, [narrow], self._clock)]):
                kept.add(passed.event)
        yield from kept

    def _sequences(self, matcher: SequenceMatcher, spooled: Iterable[PassedEvent]) -> Iterator[SequenceHit]:
        # What something must not follow is decided later than others that end later, but by ``patience`` at most.
        waiting: list[tuple[tuple[int, int, int], Key, SequenceHit]] = []
        for passed in spooled:
            for hit in _fed(matcher, passed):
                heapq.heappush(waiting, (hit.events[-1].order, hit.keys, hit))
            while waiting and waiting[0][0][0] + self._patience < passed.event.time:
                yield heapq.heappop(waiting)[2]
        for hit in (*matcher.advance(self._newest), *matcher.finish()):
            heapq.heappush(waiting, (hit.events[-1].order, hit.keys, hit))
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _followed(
        self, matcher: LateTolerantMatcher | SampleMatcher, batches: Iterable[Batch]
    ) -> Iterator[SequenceHit]:
        for batch in batches:
            for passed in self._in_order(batch):
                yield from _fed(matcher, passed)
            if self._patience and isinstance(matcher, LateTolerantMatcher):
                # That nothing followed shows only in the time of what came later.
                yield from matcher.advance(self._newest_in(batch))
        yield from matcher.finish()

    def _fill(self, spool: PassedSpool, batches: Iterable[Batch]) -> None:
        count = 0
        for batch in batches:
            self._newest = max(self._newest, self._newest_in(batch))
            for passed in self._passed(batch):
                spool.add(passed)
                count += 1
        if self._matcher is None:
            self.found = self._total = count

    def _in_order(self, batch: Batch) -> list[PassedEvent]:
        return sorted(self._passed(batch), key=lambda passed: passed.event.order)

    def _passed(self, batch: Batch) -> Iterator[PassedEvent]:
        for passed in take(batch, [MatchedRows(0, self._pattern, self._plan.select(batch), self._clock)]):
            self._keys_left_out += passed.keys_left_out
            yield passed

    def _newest_in(self, batch: Batch) -> int:
        time, _ = ordinals(batch, self._clock)
        return int(time.max(initial=NO_TIME))


def _patience(pattern: Searched) -> int:
    """How long after its last event a sequence may be decided: as long as something must not follow it."""
    match pattern:
        case SequencePattern(stages=stages, maxspan=int() as maxspan, absences=absences):
            return maxspan if any(absence.after == len(stages) for absence in absences) else 0
        case _:
            return 0


def _samples(matcher: SampleMatcher, spooled: Iterable[PassedEvent]) -> Iterator[SequenceHit]:
    for passed in spooled:
        _fed(matcher, passed)
    yield from matcher.finish()


def _fed(matcher: Matcher, passed: PassedEvent) -> list[SequenceHit]:
    return [hit for _, row in passed.rows if isinstance(row, StagePassed) for hit in matcher.feed(row)]
