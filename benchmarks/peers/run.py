"""Runs a peer's script under its interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.context import PEERS, Context
from benchmarks.measure import Timed
from dogwatch.schema.field import FieldRef

_TIMEOUT = 300.0
NO_PEERS = "the peers' environment is missing: `make bench` makes it"


def ask_peer(context: Context, script: str, path: Path, told: object) -> dict[str, Any]:
    """Run a script of the peers' environment over a file of events; ask ``has`` before."""
    return ask(str(context.peer_python), script, [str(path)], told)


def ask(python: str, script: str, arguments: list[str], told: object) -> dict[str, Any]:
    """Run a script with JSON on its standard input, and give the JSON that it prints.

    Raises:
        subprocess.CalledProcessError: It failed; its own words stand on standard error.
        subprocess.TimeoutExpired: It took too long.
    """
    command = [python, str(PEERS / script), *arguments]
    done = subprocess.run(
        command, input=json.dumps(told), stdout=subprocess.PIPE, text=True, check=True, timeout=_TIMEOUT
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def duckdb_reading(path: Path, fields: frozenset[FieldRef], threads: int) -> Timed:
    """DuckDB alone reading fields."""
    paths = [each.split(".") for each in sorted({str(each) for each in fields})]
    return Timed(**ask(sys.executable, "duckdb_reading.py", [str(path), str(threads)], paths))


def has(context: Context, module: str) -> bool:
    """Whether the peers' environment has a module."""
    if context.peer_python is None:
        return False
    command = [str(context.peer_python), "-c", f"import {module}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
