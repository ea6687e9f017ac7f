"""Runs a peer's script under its interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.context import PEERS, Context
from benchmarks.measure import Timed
from dogwatch.schema.field import FieldRef

_TIMEOUT = 300.0
READY = "ready\n"
"""What a script writes once it needs nothing but events."""
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


ALWAYS = frozenset(
    {"@timestamp", "event.sequence", "data_stream.type", "data_stream.dataset", "data_stream.namespace"}
)
"""What our reader gives of every event, whatever fields are asked for: its time, its order and its data stream."""


def duckdb_reading(path: Path, fields: frozenset[FieldRef], threads: int) -> Timed:
    """DuckDB alone reading fields, and what our reader always gives."""
    paths = [each.split(".") for each in sorted({str(each) for each in fields} | ALWAYS)]
    return Timed(**ask(sys.executable, "duckdb_reading.py", [str(path), str(threads)], paths))


@contextmanager
def session(context: Context, script: str, path: Path, told: object) -> Iterator[Callable[[], dict[str, Any]]]:
    """A script of the peers' environment that makes itself ready once and measures as often as it is asked.

    Gives:
        A call for one more measurement. The first one waits until the script is ready.
    """
    command = [str(context.peer_python), str(PEERS / script), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as peer:
        coming, going = peer.stdout, peer.stdin
        if coming is None or going is None:
            raise RuntimeError("a peer without pipes")
        going.write(json.dumps(told) + "\n")
        if coming.readline() != READY:
            raise RuntimeError(f"{script} did not become ready")

        def measure() -> dict[str, Any]:
            going.write("once more\n")
            found: dict[str, Any] = json.loads(coming.readline())
            return found

        yield measure


def has(context: Context, module: str) -> bool:
    """Whether the peers' environment has a module."""
    if context.peer_python is None:
        return False
    command = [str(context.peer_python), "-c", f"import {module}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
