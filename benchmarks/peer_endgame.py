"""Runs a query in the Endgame engine (PyPI ``eql``) over ECS events and prints what that took, as JSON.

Runs under an interpreter of its own, which has that engine, and imports nothing of Dogwatch.

Usage: python peer_endgame.py EVENTS.ndjson < query
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime

# Present in the peer's environment alone, where nothing checks types.
from eql.build import get_engine  # type: ignore[import-not-found]
from eql.events import Event  # type: ignore[import-not-found]

TICKS = 10_000_000
"""The engine's unit of time is 100 nanoseconds."""


def converted(path: str) -> Iterator[Event]:
    """The events as the engine wants them: a type and a time outside, and no list in ``event.type``."""
    with open(path, encoding="utf-8") as lines:  # noqa: PTH123 - nothing between the engine and the file
        for line in lines:
            document = json.loads(line)
            kind = document["event"]
            kind["type"] = kind["type"][0]
            moment = datetime.fromisoformat(document["@timestamp"]).timestamp()
            yield Event(kind["category"][0], int(moment * TICKS), document)


def main(path: str, query: str) -> dict[str, float]:
    """Time reading alone, then reading with the query."""
    run = get_engine(query)
    began = time.perf_counter()
    events = sum(1 for _ in converted(path))
    read = time.perf_counter()
    alerts = len(run(converted(path)))
    ended = time.perf_counter()
    return {"events": events, "reading_seconds": read - began, "rule_seconds": ended - read, "alerts": alerts}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.stdin.read())))
