"""``python -m conformance DIR...``: run conformance suites on both evaluators."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.data import shared_folder
from conformance.model import Status
from conformance.report import as_json, lines_of, total_line
from conformance.suite import run_suites

OWN_SUITE = Path(__file__).resolve().parents[1] / "tests" / "spec" / "eql" / "suite"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites and print how they went.

    Returns:
        0 if every case passed or was skipped, 1 if one failed, 2 if there was none.
    """
    parser = argparse.ArgumentParser(prog="python -m conformance", description="Run EQL conformance suites.")
    parser.add_argument("suite", nargs="*", type=Path, help="folders or files of cases (default: our own suite)")
    parser.add_argument("--data", type=Path, action="append", default=[], help="a folder to look for data in")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--verbose", action="store_true", help="say why cases were skipped")
    options = parser.parse_args(arguments)
    suites: list[Path] = options.suite or [OWN_SUITE]
    for path in suites:
        if not path.exists():
            print(f"there is no {path}", file=sys.stderr)
            return 2
    base = Path.cwd()
    files = []
    for file in run_suites(suites, [*options.data, shared_folder()]):
        files.append(file)
        if options.format == "text":
            print("\n".join(lines_of(file, base, verbose=options.verbose)), flush=True)
    if options.format == "json":
        print(as_json(files, base))
    if not any(file.outcomes for file in files):
        print("no cases were found", file=sys.stderr)
        return 2
    if options.format == "text":
        print(total_line(files))
    return 1 if any(file.count(Status.FAILED) for file in files) else 0


if __name__ == "__main__":
    # A reader that has seen enough, such as `head`, ends the run quietly.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
