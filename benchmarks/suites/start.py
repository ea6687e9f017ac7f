"""How long until a command answers?"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.context import Context
from benchmarks.measure import Timed, rounds, timed
from benchmarks.sheet import Goal, Sheet

_EVENTS = 10
_MADE = 1700


def run(context: Context) -> Sheet:
    """Commands from the shell to their end, each once before so that what is kept on disk is there."""
    sheet = Sheet("start", "from typing a command to its end, what is kept on disk at hand")
    events = context.events(_EVENTS)
    rules = context.corpus or context.made_folder(_MADE)
    commands = {
        "dogwatch --help": (["--help"], Goal(most=150.0)),
        "dogwatch scan of ten events, the corpus": (
            ["scan", str(events), "--rules", str(rules), "-q"],
            Goal(most=1000.0),
        ),
        "dogwatch scan of ten events, built-in rules": (["scan", str(events), "-q"], None),
    }
    steps = {name: partial(_run, arguments) for name, (arguments, _) in commands.items()}
    for step in steps.values():
        step()
    series = rounds(steps, context.left())
    for name, (_, goal) in commands.items():
        found = series[name]
        cpu = [1000 * each.cpu for each in found.rounds]
        sheet.figure(name, "ms", [1000 * each for each in found.seconds], goal, by_processor=cpu)
    sheet.facts |= {"events": _EVENTS, "rules": "of a corpus" if context.corpus else f"{_MADE} generated"}
    return sheet


def _run(arguments: list[str]) -> Timed:
    """Status 3 is well: rules that cannot run are left out of a corpus."""
    command = [str(Path(sys.executable).parent / "dogwatch"), *arguments]

    def work() -> float:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode not in (0, 3):
            raise subprocess.CalledProcessError(done.returncode, command, stderr=done.stderr)
        return 1

    return timed(work)
