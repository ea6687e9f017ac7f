"""Runs the command line in process, and makes small inputs for it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click import ClickException
from click.testing import CliRunner

from dogwatch.cli import exits
from dogwatch.cli.main import dogwatch

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SHELL = str(EXAMPLES / "ncat_reverse_shell_e.a.log")
"""A recording in which every rule of the library but none of high severity finds something."""
BENIGN = str(EXAMPLES / "benign_ssh_scp.a.log")
NETCAT = "adb961e0-cb74-42a0-af9e-29fc41f88f5f"

# A test run that was itself started in the background passes on that SIGINT is ignored.
_START = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
PROGRAM = (sys.executable, "-c", f"{_START}; from dogwatch.cli.main import main; main()")
"""The command as a process of its own."""

_EMPTY: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Standard output as NDJSON; fails if anything else is in it."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments: str | Path, width: int = 80, env: Mapping[str, str] = _EMPTY) -> Outcome:
    """What the command does; an exception that ``main`` would not turn into a message is raised."""
    runner = CliRunner(env={"COLUMNS": str(width), "DOGWATCH_LEDGER": None, **env})
    result = runner.invoke(dogwatch, [str(each) for each in arguments], standalone_mode=False)
    match result.exception:
        case None:
            status = result.return_value
            return Outcome(status if isinstance(status, int) else exits.RAN, result.stdout, result.stderr)
        case ClickException() as error:
            return Outcome(exits.USAGE, result.stdout, result.stderr + error.format_message())
        case other:
            raise other


def environment(**more: str) -> dict[str, str]:
    """Environment variables for a process of its own."""
    return {**os.environ, "COLUMNS": "80", **more}


def write_events(path: Path, *documents: dict[str, Any]) -> Path:
    """Write documents as NDJSON."""
    path.write_text("".join(json.dumps(each) + "\n" for each in documents))
    return path


def process_start(command: str = "nc -l 4444", second: int = 0, **more: Any) -> dict[str, Any]:
    """An event of a started process."""
    words = command.split(" ")
    return {
        "@timestamp": f"2026-11-22T02:00:{second:02d}Z",
        "event": {"kind": "event", "category": ["process"], "type": ["start"], "id": f"start-{second}"},
        "host": {"name": "web-01", "os": {"type": "linux"}},
        "user": {"name": "alice"},
        "process": {"name": words[0], "args": words, "command_line": command, "entity_id": "e1", "pid": 7},
        **more,
    }


def write_rule(
    path: Path,
    *,
    rule_id: str = "00000000-0000-4000-8000-000000000001",
    version: int = 1,
    severity: str = "high",
    language: str = "eql",
    query: str = 'process where process.name == "nc"',
    more: str = "",
) -> Path:
    """Write a rule in the TOML of Elastic's repository."""
    kind = "eql" if language == "eql" else "query"
    path.write_text(
        f"""[rule]
rule_id = "{rule_id}"
version = {version}
name = "Test {severity}"
description = "For a test."
author = ["A tester"]
license = "Apache-2.0"
risk_score = 50
severity = "{severity}"
type = "{kind}"
language = "{language}"
{more}
query = '''
{query}
'''
"""
    )
    return path
