"""Goes through inputs and gives what is found in the order of reading, whoever found it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from dogwatch.detect.findings import Findings
from dogwatch.detect.pool import Given, Pool, Task
from dogwatch.detect.work import Work
from dogwatch.events.batch import Batch
from dogwatch.events.linux_audit.handed import AuditShare
from dogwatch.events.readers import Inputs, ReadOptions
from dogwatch.events.report import ReadReport
from dogwatch.events.units import BlockBuffer
from dogwatch.schema.field import FieldRef

if TYPE_CHECKING:
    from dogwatch.events.blocks.reader import UnitReader
    from dogwatch.events.readers.audit_log import ShareReader

_AHEAD = 4
"""Units, for each worker, that may be on their way or wait for their turn."""


class UnitWork:
    """Reads units and does the work on them.

    Args:
        work: What is looked for.
        fields: The columns that it needs.
        options: What is known about the inputs.
    """

    def __init__(self, work: Work, fields: Iterable[FieldRef], options: ReadOptions) -> None:
        self._work = work
        self._fields = frozenset(fields)
        self._options = options

    @cached_property
    def reader(self) -> UnitReader:
        """What reads units."""
        # Reading blocks takes libraries that nobody else needs.
        from dogwatch.events.blocks.reader import UnitReader

        return UnitReader(self._fields, self._options)

    @cached_property
    def shares(self) -> ShareReader:
        """What reads shares of audit logs."""
        from dogwatch.events.readers.audit_log import ShareReader

        return ShareReader(sorted(self._fields), self._options.index)

    def prepare(self, unit: Given) -> None:
        """Make what reads such units, which forked processes then need not make."""
        _ = self.shares if isinstance(unit, AuditShare) else self.reader

    def unit(self, unit: Given) -> Findings:
        """What a unit holds."""
        report = ReadReport()
        if isinstance(unit, AuditShare):
            for batch in self.shares.read(unit, report):
                self._work.handle(batch)
            return replace(self._work.findings(), report=report)
        for batch in self.reader.read(unit, report):
            self._work.handle(batch)
        return replace(self._work.findings(), report=report, strays=self.reader.strays)

    def batch(self, batch: Batch) -> Findings:
        """What a batch holds."""
        return self._work.of(batch)

    def nothing(self) -> Findings:
        """What is found where nothing could be read."""
        return self._work.findings()


def gathered(
    inputs: Inputs, log: ReadReport, report: ReadReport, work: UnitWork, workers: int
) -> Generator[Findings]:
    """What is found in some inputs, unit by unit in the order of reading.

    Args:
        inputs: The inputs.
        log: What ``inputs`` writes its account into; it is emptied into ``report``.
        report: The account of the whole read; after each of the findings it holds what was read up to there.
        work: What to do with each unit.
        workers: Processes to do it in, if there is more than one unit; 1 is this process.
    """
    if workers < 2 or not can_fork():
        yield from _alone(inputs, log, report, work)
    else:
        with Pool(work.unit, workers) as pool:
            yield from _Turns(inputs, log, report, work, pool, workers * _AHEAD).findings()
    report.arrange()


def can_fork() -> bool:
    """Whether this system can have workers."""
    return hasattr(os, "fork") and hasattr(os, "memfd_create")


def _alone(inputs: Inputs, log: ReadReport, report: ReadReport, work: UnitWork) -> Iterator[Findings]:
    with BlockBuffer() as buffer:
        for each in inputs.units(lambda: buffer):
            report.merge(log.drained())
            yield _settled(work.batch(each) if isinstance(each, Batch) else work.unit(each), inputs, log, report)
    for batch in inputs.finish():
        report.merge(log.drained())
        yield work.batch(batch)
    report.merge(log.drained())


def _settled(findings: Findings, inputs: Inputs, log: ReadReport, report: ReadReport) -> Findings:
    report.merge(findings.report)
    for stray in findings.strays:
        inputs.stray(stray)
    report.merge(log.drained())
    return findings


@dataclass(slots=True)
class _Turn:
    """A unit or batch that waits for its turn.

    Attributes:
        before: What was noted about the inputs before it came.
        found: What it held, or who is looking.
    """

    before: ReadReport
    found: Findings | Task


class _Turns:
    """Units in the hands of workers, and what else has come, in the order of reading.

    Workers are made when a second unit comes, as one is done sooner without them.
    """

    def __init__(
        self, inputs: Inputs, log: ReadReport, report: ReadReport, work: UnitWork, pool: Pool, most: int
    ) -> None:
        self._inputs = inputs
        self._log = log
        self._report = report
        self._work = work
        self._pool = pool
        self._most = most
        self._turns: deque[_Turn] = deque()
        self._only: Task | None = None
        self._is_first = True

    def findings(self) -> Iterator[Findings]:
        """What is found, in the order of reading."""
        yield from self._through(self._inputs.units(self._lend))
        # An event's records may be in the last unit.
        yield from self._through(self._inputs.shares(self._lend))

    def _through(self, units: Iterable[Given | Batch]) -> Iterator[Findings]:
        """What is found in some units; all of it is given before others are asked for."""
        self._is_first = True
        for each in units:
            before = self._log.drained()
            found = self._work.batch(each) if isinstance(each, Batch) else self._started(each)
            self._turns.append(_Turn(before, found))
            while self._turns and (self._is_ready() or len(self._turns) > self._most):
                yield self._next()
        after = self._log.drained()
        while self._turns:
            yield self._next(alone=True)
        self._report.merge(after)

    def _started(self, unit: Given) -> Task:
        task = Task(unit)
        if self._is_first:
            self._is_first = False
            self._only = task
        else:
            self._start_only()
            self._pool.give(task)
        return task

    def _start_only(self) -> None:
        """Have a worker do the first unit, as it is not the only one or there is no waiting for others."""
        if self._only is not None:
            only, self._only = self._only, None
            self._work.prepare(only.unit)
            self._pool.give(only)

    def _lend(self) -> BlockBuffer:
        """A buffer, once one is free and the turn that all wait for is not too far behind."""
        while not self._pool.free or (len(self._turns) >= self._most and not self._is_ready()):
            self._wait()
        return self._pool.lend()

    def _is_ready(self) -> bool:
        found = self._turns[0].found
        return isinstance(found, Findings) or found.is_done

    def _wait(self) -> None:
        self._start_only()
        found = self._turns[0].found
        self._pool.receive(found if isinstance(found, Task) and not found.is_done else None)

    def _next(self, *, alone: bool = False) -> Findings:
        """What is next in the order of reading.

        Args:
            alone: Whether no more units come, so that it is no use to start workers.
        """
        if alone and self._turns[0].found is self._only and self._only is not None:
            only, self._only = self._only, None
            self._turns[0].found = self._work.unit(only.unit)
            self._pool.give_back(only.unit)
        while not self._is_ready():
            self._wait()
        turn = self._turns.popleft()
        self._report.merge(turn.before)
        return _settled(self._taken(turn.found), self._inputs, self._log, self._report)

    def _taken(self, found: Findings | Task) -> Findings:
        if isinstance(found, Findings):
            return found
        self._pool.release(found)
        outcome = found.findings()
        if isinstance(outcome, Findings):
            return outcome
        report = ReadReport()
        report.add(outcome, lost=True)
        return replace(self._work.nothing(), report=report)
