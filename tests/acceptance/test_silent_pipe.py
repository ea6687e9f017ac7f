"""A pipe that falls silent without ending: what waits is found all the same."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

RULE = (
    Path(__file__).resolve().parents[2]
    / "docs"
    / "fortisiem"
    / "examples"
    / "fortisiem"
    / "brute_force_success.xml"
)
PROGRAM = "from dogwatch.cli.main import main; main()"
WHO = "[srcIpAddr]=192.0.2.1,[hostName]=alpha,[user]=eve"
FAILED, SUCCEEDED = "Generic_Unix_Failed_SSH_Login", "Generic_Unix_Successful_SSH_Login"
ENOUGH = 60.0
"""Seconds within which a machine with much to do answers too."""


@contextmanager
def scanning(*options: str) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[str]]]:
    """A scan of a pipe that stays open, and the lines that it prints."""
    command = [sys.executable, "-c", PROGRAM, "scan", "-", "--rules", str(RULE), "--format", "ndjson", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as running:
        printed: queue.Queue[str] = queue.Queue()
        assert running.stdout is not None
        reader = threading.Thread(target=_collect, args=(running.stdout, printed), daemon=True)
        reader.start()
        try:
            yield running, printed
        finally:
            running.kill()
            reader.join(ENOUGH)


def _collect(stream: IO[str], printed: queue.Queue[str]) -> None:
    for line in stream:
        printed.put(line)


def write(running: subprocess.Popen[str], *lines: str) -> None:
    assert running.stdin is not None
    running.stdin.writelines(f"{line}\n" for line in lines)
    running.stdin.flush()


def event(kind: str, second: int) -> str:
    return f"[{kind}]:[phRecvTime]={1_770_000_000_000 + 1000 * second},{WHO}"


def test_an_incident_of_two_subpatterns_does_not_wait_for_a_further_event() -> None:
    with scanning("--tolerance", "1s") as (running, printed):
        write(running, *(event(FAILED, second) for second in range(5)), event(SUCCEEDED, 6))
        incident = json.loads(printed.get(timeout=ENOUGH))
        assert incident["fortisiem.incident.attributes"]["failures"] == "5"
        assert running.poll() is None
        # The same once more, after the silence.
        write(running, *(event(FAILED, second) for second in range(10, 15)), event(SUCCEEDED, 16))
        again = json.loads(printed.get(timeout=ENOUGH))
        assert (again["fortisiem.incident.count"], again["fortisiem.incident.id"]) == (
            2,
            incident["fortisiem.incident.id"],
        )
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.close()
        assert running.wait(ENOUGH) == 0
        assert "event-too-late" not in running.stderr.read()
        assert printed.empty()
