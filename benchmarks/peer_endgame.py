"""Runs a query in the Endgame engine (PyPI ``eql``) over ECS events and prints what that took, as JSON.

Runs under an interpreter of its own, which has that engine, and imports nothing of Dogwatch.

Usage: python peer_endgame.py EVENTS.ndjson ROUNDS < query
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from eql.build import get_engine
from eql.events import Event

TICKS = 10_000_000
"""The engine's unit of time is 100 nanoseconds."""


def converted(path: str) -> Iterator[Event]:
    """The events as the engine wants them: a type and a time outside, and no lists where ECS has them."""
    with open(path, encoding="utf-8") as lines:  # noqa: PTH123 - the plainest reading is the fairest
        for line in lines:
            document = json.loads(line)
            kind = document["event"]
            kind["type"] = kind["type"][0]
            moment = datetime.fromisoformat(document["@timestamp"]).timestamp()
            yield Event(kind["category"][0], int(moment * TICKS), document)


def timed(work: Callable[[], int], rounds: int) -> tuple[list[float], int]:
    """Seconds of each round after one to warm up, and what the last one counted."""
    seconds = []
    found = work()
    for _ in range(rounds):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
    return seconds, found


def main(path: str, rounds: int, query: str) -> dict[str, Any]:
    """Time reading alone and reading with the query."""
    run = get_engine(query)
    reading, events = timed(lambda: sum(1 for _ in converted(path)), rounds)
    matching, found = timed(lambda: len(run(converted(path))), rounds)
    return {"events": events, "reading_seconds": reading, "rule_seconds": matching, "alerts": found}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), sys.stdin.read())))
