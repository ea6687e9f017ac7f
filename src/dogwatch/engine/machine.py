"""The sequence machine of one key: what is pending after the rows so far, and what a row finishes.

For each stage but the last there is at most one pending candidate: the newest that reached the stage. An event
starts one in the first stage, or takes the one pending before its stage one stage further. Absences play no
part in that. A candidate only remembers what was seen at their places, and is judged when it is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dogwatch.events.batch import NO_TIME, Event
from dogwatch.logic.pattern import SequencePattern

LeadingTimes = tuple[int | None, int | None]
"""The latest time of a match of a leading absence, and the latest before that."""

NO_LEADING: LeadingTimes = (None, None)
"""Before any such match."""


class Candidate(msgspec.Struct, gc=False):
    """A sequence that has begun, and perhaps is complete.

    Candidates that grew from one share what they have in common, so that each step costs the same.

    Attributes:
        first: The event of the first stage.
        last: That of the latest stage so far.
        before: What it was before the latest stage, if that was not the first.
        leading: Time of the latest match of a leading absence before the first event, if there was one.
        between: Time of the earliest match since the last event of an absence at that place, if there was one.
        refuted: Whether an absence between its events was violated. It goes on all the same, for it keeps
            its place against others.
    """

    first: Event
    last: Event
    before: Candidate | None = None
    leading: int | None = None
    between: int | None = None
    refuted: bool = False

    @property
    def events(self) -> tuple[Event, ...]:
        """One for each stage so far."""
        found: list[Event] = []
        at: Candidate | None = self
        while at is not None:
            found.append(at.last)
            at = at.before
        return tuple(reversed(found))

    @classmethod
    def of(cls, events: Sequence[Event], leading: int | None, between: int | None, *, refuted: bool) -> Candidate:
        """The candidate of these events, at least one."""
        at: Candidate | None = None
        for event in events[:-1]:
            at = cls(events[0], event, at)
        return cls(events[0], events[-1], at, leading, between, refuted)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the machine needs to know of a pattern; stages are sets of bits, as in ``StagePassed.keys``.

    Attributes:
        last: The number of the last stage, counted from 0.
        maxspan: Longest time from the first event to the last, in nanoseconds.
        positive: The stages that must occur.
        until: ``until``, or none.
        leading: The absences before the first event.
        between: For stages that absences stand before, the stage's number and the absences.
        trailing: The absences after the last event.
    """

    last: int
    maxspan: int | None
    positive: int
    until: int
    leading: int
    between: tuple[tuple[int, int], ...]
    trailing: int

    @classmethod
    def of(cls, pattern: SequencePattern) -> Shape:
        """The shape of a pattern.

        Raises:
            ValueError: The pattern has absences and no ``maxspan``.
        """
        if pattern.absences and pattern.maxspan is None:
            raise ValueError("a sequence with absences needs a maxspan")
        count = len(pattern.stages)
        bits = [0] * (count + 1)
        for bit, absence in enumerate(pattern.absences, count + (pattern.until is not None)):
            bits[absence.after] |= 1 << bit
        return cls(
            last=count - 1,
            maxspan=pattern.maxspan,
            positive=(1 << count) - 1,
            until=1 << count if pattern.until else 0,
            leading=bits[0],
            between=tuple((stage, bits[stage]) for stage in range(1, count) if bits[stage]),
            trailing=bits[count],
        )

    def stands(self, candidate: Candidate) -> bool:
        """Whether a complete candidate has nothing against it that was seen up to its last event."""
        if self.trailing or candidate.leading is None or self.maxspan is None:
            return not candidate.refuted
        return not candidate.refuted and candidate.last.time - candidate.leading > self.maxspan

    def window(self, candidate: Candidate) -> int | None:
        """Until when, inclusive, a match of a trailing absence would refute a complete candidate.

        Returns:
            Nanoseconds since 1970 UTC; ``None`` if no later match can refute it.
        """
        if not self.trailing or self.maxspan is None:
            return None
        start = candidate.leading if self.leading else candidate.first.time
        if start is None or start + self.maxspan <= candidate.last.time:
            return None
        return start + self.maxspan


class KeyState:
    """What is pending under one key.

    Attributes:
        newest: Time of the newest row that is remembered here: a start, or a match of a leading absence.
        pending: For each stage but the last, the candidate that has just passed it, if any.
        leading: When leading absences were matched.
        count: How many things are remembered: candidates, and the leading times as one.
    """

    __slots__ = ("count", "leading", "newest", "pending")

    def __init__(self, shape: Shape) -> None:
        self.newest = NO_TIME
        self.pending: list[Candidate | None] = [None] * shape.last
        self.leading = NO_LEADING
        self.count = 0

    def step(self, event: Event, stages: int, shape: Shape) -> Candidate | None:
        """Let the event act in the stages whose bits are set.

        Returns:
            The candidate that it finished, if it did and nothing before it refutes it. What must not follow is
            the caller's business (``Shape.window``).
        """
        pending = self.pending
        last, maxspan = shape.last, shape.maxspan
        finished = None
        acting = stages & shape.positive
        if acting != stages:
            if stages & shape.leading:
                self.count += self.leading == NO_LEADING
                self.leading = led(self.leading, event.time)
                self.newest = max(self.newest, event.time)
            for stage, absences in shape.between:
                if stages & absences:
                    _mark(pending[stage - 1], event.time)
        # From the last stage to the first, so that the event cannot follow itself.
        while acting:
            stage = acting.bit_length() - 1
            acting ^= 1 << stage
            if stage == 0:
                finished = self._start(event, shape) or finished
                continue
            before = pending[stage - 1]
            if before is None or not precedes(before.last, event):
                continue
            # It leaves its stage whatever becomes of it: no older one takes its place.
            pending[stage - 1] = None
            self.count -= 1
            if maxspan is not None and event.time - before.first.time > maxspan:
                continue
            refuted = before.refuted or (before.between is not None and before.between < event.time)
            longer = Candidate(before.first, event, before, before.leading, None, refuted)
            if stage == last:
                finished = longer
                continue
            if pending[stage] is None:
                self.count += 1
            pending[stage] = longer
        if stages & shape.until:
            self._end(event)
        return finished if finished and shape.stands(finished) else None

    def _start(self, event: Event, shape: Shape) -> Candidate | None:
        """Start a candidate; it is returned if it is complete at once."""
        latest, earlier = self.leading
        led_at = latest if latest is None or latest < event.time else earlier
        started = Candidate(event, event, None, led_at)
        if shape.last == 0:
            return started
        held = self.pending[0]
        if held is None:
            self.count += 1
        elif not precedes(held.first, event):
            return None
        self.pending[0] = started
        if event.time > self.newest:
            self.newest = event.time
        return None

    def _end(self, until: Event) -> None:
        # What this very event has just joined ends too; what it finished does not.
        held = [candidate if candidate and precedes(until, candidate.last) else None for candidate in self.pending]
        self.count -= held.count(None) - self.pending.count(None)
        self.pending = held


def precedes(first: Event, second: Event) -> bool:
    """Whether the first event comes before the second in canonical order."""
    return first.time < second.time or (first.time == second.time and first.order < second.order)


def led(leading: LeadingTimes, time: int) -> LeadingTimes:
    """The leading times with another match.

    Two are enough, for rows come in order: an event that bears the very time of the latest asks for the one
    before.
    """
    latest, _ = leading
    return (time, latest) if latest is None or time > latest else leading


def _mark(candidate: Candidate | None, time: int) -> None:
    if candidate is None or time <= candidate.last.time:
        return
    if candidate.between is None or time < candidate.between:
        candidate.between = time
