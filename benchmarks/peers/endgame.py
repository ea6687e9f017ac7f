"""Runs queries in the Endgame engine (PyPI ``eql``) over ECS events and prints what that took, as JSON.

Runs under an interpreter of its own, which has that engine, and imports nothing of Dogwatch. Queries that the
engine does not take are left out, and told.

Usage: python endgame.py EVENTS.ndjson. The first line of standard input holds the queries; ``ready`` is written
when they are parsed, and for every further line one measurement.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

# Present in the peer's environment alone, where nothing checks types.
from eql.ast import EqlAnalytic  # type: ignore[import-not-found]
from eql.engine import PythonEngine  # type: ignore[import-not-found]
from eql.errors import EqlError  # type: ignore[import-not-found]
from eql.events import Event  # type: ignore[import-not-found]
from eql.parser import (  # type: ignore[import-not-found]
    allow_negation,
    allow_runs,
    allow_sample,
    elasticsearch_syntax,
    parse_query,
)

TICKS = 10_000_000
"""The engine's unit of time is 100 nanoseconds."""


def converted(path: str) -> Iterator[Event]:
    """The events as the engine wants them: a type and a time outside, and of each list its first value."""
    with open(path, encoding="utf-8") as lines:  # noqa: PTH123 - nothing between the engine and the file
        for line in lines:
            document = _single(json.loads(line))
            moment = datetime.fromisoformat(document["@timestamp"]).timestamp()
            yield Event(document["event"]["category"], int(moment * TICKS), document)


def engine_of(queries: list[str]) -> tuple[PythonEngine, list[int]]:
    """An engine with the queries that it takes, and their numbers."""
    engine = PythonEngine({"flatten": False})
    taken = []
    with elasticsearch_syntax, allow_runs, allow_sample, allow_negation:
        for number, query in enumerate(queries):
            try:
                engine.add_analytic(EqlAnalytic(query=parse_query(query), metadata={"id": str(number)}))
            except EqlError:
                continue
            taken.append(number)
    return engine, taken


def main(path: str) -> None:
    """Measure as often as standard input asks, each time in a child: the engine keeps what it has seen."""
    engine, taken = engine_of(json.loads(sys.stdin.readline()))
    print("ready", flush=True)
    while sys.stdin.readline():
        child = os.fork()
        if child == 0:
            print(json.dumps(measured(engine, path) | {"taken": taken}), flush=True)
            os._exit(0)
        os.waitpid(child, 0)


def measured(engine: PythonEngine, path: str) -> dict[str, Any]:
    """Time reading alone, then reading with the queries; start-up is left out."""
    alerts = 0

    def count(_: object) -> None:
        nonlocal alerts
        alerts += 1

    engine.add_output_hook(count)
    stamps = [(time.perf_counter(), time.process_time())]
    events = sum(1 for _ in converted(path))
    stamps.append((time.perf_counter(), time.process_time()))
    engine.stream_events(converted(path))
    stamps.append((time.perf_counter(), time.process_time()))
    (wall0, cpu0), (wall1, cpu1), (wall2, cpu2) = stamps
    return {
        "alerts": alerts,
        "reading": {"amount": events, "seconds": wall1 - wall0, "cpu": cpu1 - cpu0},
        "rules": {"amount": events, "seconds": wall2 - wall1, "cpu": cpu2 - cpu1},
    }


def _single(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {name: _single(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return _single(value[0]) if value else None
    return value


if __name__ == "__main__":
    main(sys.argv[1])
