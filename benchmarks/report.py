"""Writes the figures of ``results.json`` into ``docs/benchmarks.md``, so that none is typed by hand.

Usage: ``python -m benchmarks.report`` after ``make bench``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.__main__ import BUDGETS, RESULTS
from benchmarks.context import ROOT
from benchmarks.sheet import cells, goal_rows

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN = "<!-- results: begin -->"
END = "<!-- results: end -->"


def main() -> int:
    """Write the page anew; 1 if there are no results or the page has no place for them."""
    if not RESULTS.is_file():
        print(f"there is no {RESULTS.name}: run `make bench` first", file=sys.stderr)
        return 1
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(with_results(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    return 0


def with_results(page: str, results: dict[str, Any]) -> str:
    """The page with the results between its two marks.

    Raises:
        ValueError: A mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs a line {BEGIN} and one {END}")
    suites = results["suites"]
    parts = [_suite(name, found) for name, found in _in_order(suites).items()]
    return f"{before}{BEGIN}\n\n{''.join([*_machines(suites), _goals(suites), *parts])}{END}{after}"


def _machines(suites: dict[str, Any]) -> list[str]:
    """The machine, once if all suites ran on the same."""
    told = {_machine(found["machine"]): None for found in suites.values()}
    loads = "; ".join(f"{name} {_load(found['machine'])}" for name, found in suites.items())
    return [
        *(f"Measured on {each}.\n" for each in told),
        f"Load average before and after each suite: {loads}.\n\n",
    ]


def _load(machine: dict[str, Any]) -> str:
    return f"{machine['load_average_before'][0]:.2f} and {machine['load_average_after'][0]:.2f}"


def _machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}; {versions}"
    )


def _goals(suites: dict[str, Any]) -> str:
    rows = "".join(f"| {' | '.join(map(_escaped, row))} |\n" for row in goal_rows(_in_order(suites)))
    return (
        "### All goals\n\n"
        "| Suite | Line | Figure | Goal | By | |\n"
        "| --- | --- | ---: | ---: | --- | --- |\n"
        f"{rows}\n"
    )


def _in_order(suites: dict[str, Any]) -> dict[str, Any]:
    return {name: suites[name] for name in BUDGETS if name in suites}


def _suite(name: str, found: dict[str, Any]) -> str:
    rows = "".join(f"| {' | '.join(_escaped(cell) for cell in cells(line))} |\n" for line in found["lines"])
    facts = "; ".join(f"{each} {_shown(value)}" for each, value in found["facts"].items())
    scale = "" if found["scale"] == 1 else f"; scale {found['scale']:g}"
    commit = f", commit {found['machine']['commit']}" if found["machine"]["commit"] else ""
    notes = "".join(f"{each}\n" for each in found["notes"])
    return (
        f"### {name}\n\n"
        f"{found['question'][0].upper()}{found['question'][1:]}.\n"
        f"{found['machine']['at']} UTC{commit}, {found['seconds']:.0f} s; {facts}{scale}.\n"
        f"{notes}\n"
        "| Line | Median | Min-max | By processor time | Unit | Goal | |\n"
        "| --- | ---: | ---: | ---: | --- | ---: | --- |\n"
        f"{rows}\n"
    )


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
