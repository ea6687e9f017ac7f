"""Where does the time of a scan with the corpus go?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks import engine
from benchmarks.context import Context
from benchmarks.generate.stream import SEED
from benchmarks.measure import Step, Timed, rounds, timed
from benchmarks.sheet import Sheet
from dogwatch.detect.matching import Matching
from dogwatch.detect.work import Work
from dogwatch.events.blocks.learned import Learned
from dogwatch.events.blocks.parser import Parser
from dogwatch.events.blocks.reader import UnitReader
from dogwatch.events.readers import Inputs
from dogwatch.rules.ruleset import RuleSet

_FEW, _MANY = 20_000, 60_000
_MICRO = 1e6

_STAGES: tuple[tuple[str, type, str], ...] = (
    ("reading: cutting the file into blocks", Inputs, "units"),
    ("reading: looking through the raw bytes", Learned, "scan"),
    ("reading: DuckDB's parser", Parser, "parse"),
    ("reading: typed columns", UnitReader, "read"),
    ("plan: which rows satisfy which rules", Matching, "select"),
    ("taking out and encoding the rows that matter", Work, "handle"),
)
_REST = "sequences, alerts and the rest"


def run(context: Context) -> Sheet:
    """A scan in one process; the time inside a stage is that stage's, but for other stages inside it."""
    sheet = Sheet("profile", "where the processor time of a scan with the corpus goes, one process")
    rules, facts = context.rules()
    few, many = context.count(_FEW), context.count(_MANY)
    clocks: dict[str, list[_Clock]] = {"few": [], "many": []}
    steps: dict[str, Step] = {
        name: partial(_staged, context.events(count), rules, clocks[name])
        for name, count in (("few", few), ("many", many))
    }
    series = rounds(steps, context.left())
    further = series["many"].beyond(series["few"])
    kept = len(further.rounds)
    for stage in [*(name for name, _, _ in _STAGES), _REST]:
        pairs = list(zip(clocks["few"][-kept:], clocks["many"][-kept:], strict=True))
        each = [_MICRO * (more.spent[stage] - less.spent[stage]) / (many - few) for less, more in pairs]
        once = [
            1000 * less.spent[stage] - each_us * few / 1000 for (less, _), each_us in zip(pairs, each, strict=True)
        ]
        sheet.figure(stage, "µs/event", each)
        sheet.figure(f"once: {stage}", "ms", [max(0.0, value) for value in once])
    sheet.figure(
        "all, each further event", "µs/event", [_MICRO * each.cpu / each.amount for each in further.rounds]
    )
    sheet.facts |= {"events": f"{few:,} and {many:,}", "events seed": SEED, **facts}
    sheet.notes.append("Figures are of the difference of two scans; what is left of the smaller one is done once.")
    return sheet


class _Clock:
    """Processor time by stage, each without what it has inside of others."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys([*(name for name, _, _ in _STAGES), _REST], 0.0)
        self._stack = [_REST]
        self._since = 0.0

    def start(self) -> None:
        """The begin of the scan."""
        self._since = time.process_time()

    @contextmanager
    def inside(self, stage: str) -> Iterator[None]:
        """Time from here on is the stage's."""
        self._switch()
        self._stack.append(stage)
        yield
        self._switch()
        self._stack.pop()

    def stop(self) -> None:
        """The end of the scan."""
        self._switch()

    def _switch(self) -> None:
        now = time.process_time()
        self.spent[self._stack[-1]] += now - self._since
        self._since = now


def _staged(path: Path, rules: RuleSet, clocks: list[_Clock]) -> Timed:
    scan = engine.prepared(path, rules)
    with ExitStack() as stack:
        clock = _Clock()
        for stage, owner, name in _STAGES:
            stack.enter_context(patch.object(owner, name, _timed(getattr(owner, name), clock, stage)))

        def work() -> float:
            clock.start()
            for _ in scan:
                pass
            clock.stop()
            return scan.read.events

        taken = timed(work)
    clocks.append(clock)
    return taken


def _timed(function: Callable[..., Any], clock: _Clock, stage: str) -> Callable[..., Any]:
    """The same function, or function that gives one value after the other, timed."""

    @wraps(function)
    def called(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        with clock.inside(stage):
            result = function(*given, **named)
        return _each(result, clock, stage) if isinstance(result, Iterator) else result

    return called


def _each(values: Iterator[Any], clock: _Clock, stage: str) -> Iterator[Any]:
    while True:
        with clock.inside(stage):
            value = next(values, clock)
        if value is clock:
            return
        yield value
