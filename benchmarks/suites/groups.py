"""What room and time do many groups in one window take, beside a plain dictionary of deques?

Each measurement is a process of its own, so that its peak of memory is its own. A tenth of the full size fits the
suite's time; ``--scale 10`` is ten million events in a million groups.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.context import ROOT, Context
from benchmarks.measure import Series, Timed
from benchmarks.sheet import Goal, Sheet
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

_EVENTS = 1_000_000
_PER_GROUP = 10
_CHUNK = 20_000
_THRESHOLD = 1000
_WINDOW = 3600 * 10**9
_STEP = 10**5
"""Nanoseconds from one event to the next: the window holds all of them."""
_TIMEOUT = 1200.0
_MOST_MIB = 1024.0

_COUNT = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(_THRESHOLD))
_LOAD = Field(FieldRef("load", FieldType.DOUBLE))
_AVERAGE = AggregateAnd((AggregateCompare(Order.GT, Aggregate(AggregateFunction.AVG, _LOAD), Number(90)), _COUNT))
_PEER = "dictionary of deques"
_KINDS = {"count": "count", "average and count": "average", _PEER: "deques"}

Feed = Callable[[GroupPassed], object]


def run(context: Context) -> Sheet:
    """A threshold that nothing reaches, as a FortiSIEM rule has it, over groups of ten events each."""
    sheet = Sheet("groups", "a sliding window over many groups, beside a dictionary of deques")
    events = max(_CHUNK, context.count(_EVENTS) // _CHUNK * _CHUNK)
    found = {name: _measured(kind, events) for name, kind in _KINDS.items()}
    series = {
        name: Series(name, [Timed(events, each["seconds"], each["seconds"])]) for name, each in found.items()
    }
    for name, each in found.items():
        if name != _PEER:
            sheet.ratio(f"{name} : {_PEER}", series[name], series[_PEER])
        sheet.rate(series[name])
        goal = None if name == _PEER else Goal(most=_MOST_MIB)
        sheet.figure(f"{name}: peak of memory", "MiB", [each["peak_mib"]], goal)
    sheet.facts |= {"events": events, "groups": events // _PER_GROUP, "MiB at start": found["count"]["start_mib"]}
    sheet.notes.append("Times are of one processor, without making the events.")
    return sheet


def _measured(kind: str, events: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.suites.groups", kind, str(events)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=_TIMEOUT)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure one kind, in a process of its own: KIND EVENTS."""
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]))))


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
