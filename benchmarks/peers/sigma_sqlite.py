"""Runs Sigma rules as pySigma's SQLite backend writes them, over events in a table, and prints that as JSON.

Runs under an interpreter of its own, which has pySigma, and imports nothing of Dogwatch.

Usage: python sigma_sqlite.py EVENTS.ndjson < rules.json
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from typing import Any

# Present in the peer's environment alone, where nothing checks types.
from sigma.backends.sqlite import sqliteBackend  # type: ignore[import-not-found]
from sigma.collection import SigmaCollection  # type: ignore[import-not-found]


def main(path: str, rules: list[str]) -> dict[str, Any]:
    """Time filling the table, then the queries; turning rules into queries is left out."""
    backend = sqliteBackend()
    queries = [backend.convert(SigmaCollection.from_yaml(rule))[0] for rule in rules]
    with open(path, encoding="utf-8") as lines:  # noqa: PTH123 - nothing between the peer and the file
        names = sorted({name for line in lines for name, _ in _leaves(json.loads(line))})
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE logs ({', '.join(map(_identifier, names))})")
    stamps = [(time.perf_counter(), time.process_time())]
    insert = f"INSERT INTO logs VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - only question marks
    with open(path, encoding="utf-8") as lines:  # noqa: PTH123
        database.executemany(insert, (_row(line, names) for line in lines))
    (events,) = database.execute("SELECT count(*) FROM logs").fetchone()
    stamps.append((time.perf_counter(), time.process_time()))
    found = [sum(1 for _ in database.execute(query)) for query in queries]
    stamps.append((time.perf_counter(), time.process_time()))
    (wall0, cpu0), (wall1, cpu1), (wall2, cpu2) = stamps
    return {
        "found": found,
        "reading": {"amount": events, "seconds": wall1 - wall0, "cpu": cpu1 - cpu0},
        "rules": {"amount": events, "seconds": wall2 - wall0, "cpu": cpu2 - cpu0},
    }


def _row(line: str, names: list[str]) -> list[Any]:
    values = dict(_leaves(json.loads(line)))
    return [values.get(name) for name in names]


def _leaves(value: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Each value under its dotted name; of a list the first value, since a cell holds one."""
    for name, inner in value.items():
        if isinstance(inner, list):
            inner = inner[0] if inner else None
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{above}{name}.")
        else:
            yield above + name, inner


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.load(sys.stdin))))
