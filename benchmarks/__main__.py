"""Runs suites, each in a process of its own and within its time, prints their tables and keeps the results.

Usage: ``python -m benchmarks [SUITE[,SUITE...]]``; ``make bench SUITE=...`` does the same.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from benchmarks import machine
from benchmarks.context import ROOT, Context
from benchmarks.sheet import WIDTH, show, show_goals

RESULTS = Path(__file__).resolve().parent / "results.json"
CORPUS = ROOT.parent / "shared" / "corpus" / "elastic-detection-rules"
BUDGETS = {
    "reading": 80.0,
    "rules": 150.0,
    "batches": 30.0,
    "scaling": 80.0,
    "memory": 55.0,
    "profile": 25.0,
    "audit": 30.0,
    "start": 20.0,
    "netcat": 25.0,
    "groups": 25.0,
    "sequences": 20.0,
    "hostile": 30.0,
}
"""The suites and the seconds that each may take, all that it prepares included."""

_GRACE = 25.0
"""Seconds beyond its budget after which a suite is ended."""

_TOTAL = 590.0
"""Seconds after which no suite of a whole run goes on."""


def main() -> int:
    """Run the suites that were asked for; 1 if one of them failed."""
    arguments = _arguments()
    if arguments.into:
        _run_one(arguments)
        return 0
    names = list(BUDGETS) if not arguments.suites else arguments.suites.split(",")
    if unknown := [name for name in names if name not in BUDGETS]:
        print(f"there is no suite {', '.join(unknown)}; there are {', '.join(BUDGETS)}", file=sys.stderr)
        return 2
    if arguments.corpus and not arguments.corpus.is_dir():
        print(f"{arguments.corpus} is no folder", file=sys.stderr)
        return 2
    console = Console(width=WIDTH, highlight=False)
    results = json.loads(arguments.results.read_text(encoding="utf-8")) if arguments.results.is_file() else {}
    if "suites" not in results:
        results = {"suites": {}}
    failed = []
    ends = time.perf_counter() + _TOTAL
    with TemporaryDirectory(prefix="dogwatch-bench-") as folder:
        for name in names:
            found = _run_apart(name, arguments, Path(folder), ends)
            if found is None:
                failed.append(name)
                continue
            results["suites"][name] = found
            show(console, name, found)
            arguments.results.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    show_goals(console, {name: results["suites"][name] for name in names if name not in failed})
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run_apart(name: str, arguments: argparse.Namespace, folder: Path, ends: float) -> dict[str, Any] | None:
    """A suite in a process of its own, or ``None`` if it failed, which standard error tells."""
    into = folder / f"{name}.json"
    command = [sys.executable, "-m", "benchmarks", *sys.argv[1:], "--into", str(into), "--folder", str(folder)]
    load = os.getloadavg()
    began = time.perf_counter()
    # A size that somebody asked for takes the time that it takes.
    is_bounded = arguments.memory_gb is None and arguments.scale <= 1
    patience = min(BUDGETS[name] + _GRACE, ends - began) if is_bounded else None
    if patience is not None and patience <= 0:
        print(f"{name} was left out: the time of the run is over", file=sys.stderr)
        return None
    # A session of its own, so that nothing that it has started outlives it.
    suite = subprocess.Popen([*command, "--only", name], cwd=ROOT, start_new_session=True)
    try:
        status = suite.wait(patience)
    except subprocess.TimeoutExpired:
        print(f"{name} took more than {patience:.0f} s and was ended", file=sys.stderr)
        return None
    finally:
        if suite.poll() is None:
            os.killpg(suite.pid, signal.SIGKILL)
            suite.wait()
    if status:
        print(f"{name} ended with status {status}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(into.read_text(encoding="utf-8"))
    seconds = round(time.perf_counter() - began, 1)
    return found | {
        "seconds": seconds,
        "scale": arguments.scale,
        "machine": machine.describe(load, arguments.peers),
    }


def _run_one(arguments: argparse.Namespace) -> None:
    suite = importlib.import_module(f"benchmarks.suites.{arguments.only}")
    corpus = arguments.corpus or (CORPUS if CORPUS.is_dir() else None)
    context = Context(
        folder=arguments.folder,
        ends=time.perf_counter() + BUDGETS[arguments.only],
        scale=arguments.scale,
        corpus=corpus,
        peer_python=arguments.peers if arguments.peers and arguments.peers.is_file() else None,
        memory_gb=arguments.memory_gb,
    )
    arguments.into.write_text(json.dumps(suite.run(context).as_json()), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="?", help=f"names with commas between them: {', '.join(BUDGETS)}")
    parser.add_argument("--peers", type=Path, help="interpreter of the environment that the peers are in")
    parser.add_argument("--corpus", type=Path, help="a folder of Elastic's rules")
    parser.add_argument("--scale", type=float, default=1.0, help="what all numbers of events are multiplied with")
    parser.add_argument("--memory-gb", type=float, help="size of the large input of the suite `memory`")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are kept")
    for internal, kind in (("--only", str), ("--into", Path), ("--folder", Path)):
        parser.add_argument(internal, type=kind, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
