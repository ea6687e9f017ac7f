"""Reads fields of NDJSON with DuckDB alone and prints what that took, as JSON.

The fields are nested text under an explicit schema; lines that are no JSON give nulls; rows are streamed as Arrow.

Usage: python duckdb_reading.py EVENTS.ndjson THREADS < fields.json
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import duckdb

_ROWS = 50_000

Tree = dict[str, "Tree"]


def tree_of(fields: list[list[str]]) -> Tree:
    """The fields as nested names; a field that others lie under is left to them."""
    tree: Tree = {}
    for path in fields:
        node = tree
        for name in path:
            node = node.setdefault(name, {})
    return tree


def struct(tree: Mapping[str, Any]) -> str:
    """The type of a member."""
    if not tree:
        return "VARCHAR"
    return f"STRUCT({', '.join(f'{_identifier(name)} {struct(inner)}' for name, inner in tree.items())})"


def columns(tree: Tree, above: str = "") -> list[str]:
    """Every leaf as a column of its own."""
    found = []
    for name, inner in tree.items():
        path = f"{above}.{_identifier(name)}" if above else _identifier(name)
        found += columns(inner, path) if inner else [path]
    return [f"{each} AS c{number}" for number, each in enumerate(found)] if not above else found


def main(path: str, threads: int, fields: list[list[str]]) -> dict[str, float]:
    """Time reading, start-up left out."""
    tree = tree_of(fields)
    connection = duckdb.connect(config={"threads": threads})
    schema = ", ".join(f"{_literal(name)}: {_literal(struct(inner))}" for name, inner in tree.items())
    query = (
        f"SELECT {', '.join(columns(tree))} FROM read_json({_literal(path)}, format = 'newline_delimited', "  # noqa: S608 - names are quoted
        f"columns = {{{schema}}}, ignore_errors = true, maximum_object_size = 67108864)"
    )
    used = time.process_time()
    began = time.perf_counter()
    rows = sum(batch.num_rows for batch in connection.sql(query).to_arrow_reader(_ROWS))
    return {"amount": rows, "seconds": time.perf_counter() - began, "cpu": time.process_time() - used}


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), json.load(sys.stdin))))
