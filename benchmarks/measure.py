"""How long work takes, in rounds that alternate: a load that comes and goes falls on both sides of a ratio."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_LEAST = 1e-3
"""Seconds below which a difference is noise."""

ROUNDS = 5
"""The most rounds that count."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One piece of work.

    Attributes:
        amount: How much there was to do: events, mostly.
        seconds: By the clock on the wall.
        cpu: Seconds of processor time, of processes that it started and that have ended too.
    """

    amount: float
    seconds: float
    cpu: float


@dataclass(slots=True)
class Series:
    """The same work in each round."""

    name: str
    rounds: list[Timed] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        """Amount in a second, by the clock on the wall."""
        return [each.amount / each.seconds for each in self.rounds]

    @property
    def cpu_rates(self) -> list[float]:
        """Amount in a second of processor time."""
        return [each.amount / max(each.cpu, _LEAST) for each in self.rounds]

    @property
    def is_noise(self) -> bool:
        """Whether a round took no time to speak of, as a difference may by chance."""
        return any(min(each.seconds, each.cpu) <= _LEAST for each in self.rounds)

    @property
    def seconds(self) -> list[float]:
        """What each round took."""
        return [each.seconds for each in self.rounds]

    def beyond(self, smaller: Series) -> Series:
        """What the work takes beyond a smaller piece of the same: the cost of more, without that of beginning."""
        pairs = zip(self.rounds, smaller.rounds, strict=True)
        return Series(
            self.name,
            [
                Timed(
                    more.amount - less.amount,
                    max(more.seconds - less.seconds, _LEAST),
                    max(more.cpu - less.cpu, _LEAST),
                )
                for more, less in pairs
            ],
        )


Step = Callable[[], Timed]


def timed(work: Callable[[], float]) -> Timed:
    """Do some work once; it says how much it was."""
    gc.collect()
    used = processor_seconds()
    began = time.perf_counter()
    amount = work()
    ended = time.perf_counter()
    return Timed(amount, ended - began, processor_seconds() - used)


def processor_seconds() -> float:
    """Processor time of this process so far, and of those that it started and that have ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def rounds(steps: Mapping[str, Step], budget: float, once: Mapping[str, Step] | None = None) -> dict[str, Series]:
    """Every step once a round, there and back, so that whatever comes second has no standing advantage.

    The first round warms up and does not count, unless there is no time for a second one.

    Args:
        steps: What to do, by name.
        budget: Seconds; no round begins that would not end in time, as the last one tells.
        once: Steps that are done a single time, before the others.
    """
    began = time.perf_counter()
    series = {name: Series(name, [step()]) for name, step in (once or {}).items()}
    series |= {name: Series(name) for name in steps}
    for number in range(1 + ROUNDS):
        started = time.perf_counter()
        for name, step in list(steps.items())[:: 1 if number % 2 else -1]:
            series[name].rounds.append(step())
        now = time.perf_counter()
        if now - began + (now - started) > budget:
            break
    for name in steps:
        if len(series[name].rounds) > 1:
            del series[name].rounds[0]
    return series
