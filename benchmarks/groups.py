"""What room and time do ten million events in a million groups take, beside a plain dictionary of deques?

Each measurement is a process of its own, so that its peak of memory is its own. ``python -m benchmarks.groups``
measures this alone and puts it into ``benchmarks/results.json`` beside what is there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dogwatch.engine.aggregate import GroupAggregator
from dogwatch.engine.passed import GroupPassed
from dogwatch.events.batch import NO_TIEBREAK, Event
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    Constraint,
    Number,
)
from dogwatch.logic.predicate import ALWAYS, Field, Order
from dogwatch.schema.field import FieldRef, FieldType

_HERE = Path(__file__).resolve().parent
_RESULTS = _HERE / "results.json"
_EVENTS = 10_000_000
_PER_GROUP = 10
_CHUNK = 20_000
_THRESHOLD = 1000
_WINDOW = 3600 * 10**9
_STEP = 10**5
"""Nanoseconds from one event to the next: the window holds all of them."""
_TIMEOUT = 1200.0

_COUNT = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(_THRESHOLD))
_LOAD = Field(FieldRef("load", FieldType.DOUBLE))
_AVERAGE = AggregateAnd((AggregateCompare(Order.GT, Aggregate(AggregateFunction.AVG, _LOAD), Number(90)), _COUNT))
_STEPS = (
    # The two large ones run side by side.
    (
        ("count, ten million events", "count", _EVENTS),
        ("average and count, ten million events", "average", _EVENTS),
    ),
    (("count, a million events", "count", _EVENTS // 10),),
    (("dictionary of deques, a million events", "deques", _EVENTS // 10),),
)

Feed = Callable[[GroupPassed], object]


def measured() -> dict[str, dict[str, float]]:
    """Each measurement by its name: events, groups, seconds of processor time, events per second, peak in MiB."""
    found: dict[str, dict[str, float]] = {}
    for step in _STEPS:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.groups", kind, str(events)],
                cwd=_HERE.parent,
                stdout=subprocess.PIPE,
            )
            for _, kind, events in step
        ]
        for (name, _, _), child in zip(step, running, strict=True):
            output, _ = child.communicate(timeout=_TIMEOUT)
            if child.returncode:
                raise RuntimeError(f"the measurement of {name} ended with status {child.returncode}")
            found[name] = json.loads(output)
    return found


def show(console: Console, found: dict[str, dict[str, Any]]) -> None:
    """Print what ``measured`` gave."""
    table = Table("groups in a window", "events", "groups", "events/s", "peak MiB", "of them at start")
    for name, each in found.items():
        figures = (each[key] for key in ("events", "groups", "events_per_second", "peak_mib", "start_mib"))
        table.add_row(name, *(f"{figure:,.0f}" for figure in figures))
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)


def main() -> None:
    """Measure one kind and print it as JSON, or without arguments measure all and keep the results."""
    if len(sys.argv) == 3:
        print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]))))
        return
    results = json.loads(_RESULTS.read_text(encoding="utf-8"))
    results["groups"] = measured()
    _RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    show(Console(), results["groups"])


def _measure(kind: str, events: int) -> dict[str, float]:
    feed, groups = _DETECTORS[kind]()
    start = _peak()
    seconds = 0.0
    for rows in _chunks(events, with_values=kind == "average"):
        began = time.process_time()
        for row in rows:
            feed(row)
        seconds += time.process_time() - began
    return {
        "events": events,
        "groups": groups(),
        "seconds": round(seconds, 2),
        "events_per_second": round(events / seconds),
        "start_mib": round(start),
        "peak_mib": round(_peak()),
    }


def _chunks(events: int, *, with_values: bool) -> Iterator[list[GroupPassed]]:
    """Events in order of time, ten for each group, the groups in an order that looks like none."""
    groups = events // _PER_GROUP
    for first in range(0, events, _CHUNK):
        numbers = range(first, first + _CHUNK)
        yield [_row(each, (each * 7919 + each // groups * 13) % groups, with_values) for each in numbers]


def _row(number: int, group: int, with_values: bool) -> GroupPassed:
    host = f"host-{group:07}"
    document = {"event": {"id": f"event-{number:08}"}, "host": {"name": host}}
    event = Event(document["event"]["id"], "logs-x", number * _STEP, NO_TIEBREAK, number, document, None, True)
    return GroupPassed(event, (host,), (number % 1000 / 10,) if with_values else ())


def _aggregator(constraint: Constraint) -> tuple[Feed, Callable[[], int]]:
    group_by = (Field(FieldRef("host.name", FieldType.KEYWORD)),)
    aggregator = GroupAggregator(AggregatePattern("p", ALWAYS, group_by, constraint, _WINDOW))
    return aggregator.feed, lambda: aggregator.groups


def _deques() -> tuple[Feed, Callable[[], int]]:
    """What one would write in an afternoon: no late rows, no repeats, no limits, no events to show."""
    windows: dict[tuple[object, ...], deque[int]] = {}
    hits = []

    def feed(row: GroupPassed) -> None:
        time = row.event.time
        window = windows.setdefault(row.group, deque())
        window.append(time)
        while window[0] <= time - _WINDOW:
            window.popleft()
        if len(window) >= _THRESHOLD:
            hits.append(row.group)
            window.clear()

    return feed, lambda: len(windows)


def _peak() -> float:
    """The most memory that this process has had so far, in MiB (Linux)."""
    lines: Iterable[str] = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


_DETECTORS: dict[str, Callable[[], tuple[Feed, Callable[[], int]]]] = {
    "count": lambda: _aggregator(_COUNT),
    "average": lambda: _aggregator(_AVERAGE),
    "deques": _deques,
}


if __name__ == "__main__":
    main()
