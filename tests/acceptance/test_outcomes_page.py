"""docs/outcomes.md shows the table of outcomes, no more and no less."""

from __future__ import annotations

from typing import Any

import pytest
from recordings import PAGE, TABLE, VERSIONS

MIXED = TABLE["mixed"]


def row(first: str, entry: dict[str, Any]) -> str:
    """A line of the page: what it is, what was done, a number for each rule, and why."""
    cells = [first, entry["done"], *(str(entry[version] or "–") for version in VERSIONS)]
    cells += [", ".join(str(count) for count in entry["incidents"]) or "–", entry["why"]]
    return f"| {' | '.join(cells)} |"


def tables() -> dict[str, list[str]]:
    """For each heading that has a table the lines that belong there."""
    wanted: dict[str, list[str]] = {}
    for entry in TABLE["recording"]:
        first = f"`{entry['scenario']}` ({', '.join(entry['runs'])})"
        wanted.setdefault(entry["use"], []).append(row(first, entry))
    total = {**MIXED, "done": "", "why": "alerts to look through, four attacks among them"}
    wanted["The mixed stream"] = [
        *(row(f"`{attack['attack']}`", attack) for attack in MIXED["attack"]),
        *(row("background", part) for part in MIXED["background"]),
        row("**all**", total),
    ]
    return wanted


def shown() -> dict[str, list[str]]:
    """For each heading of the page the body of the table below it."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| ") and not line.startswith(("| Scenario", "| ---")):
            found.setdefault(heading, []).append(line)
    return found


@pytest.mark.parametrize("heading", list(tables()))
def test_rows(heading: str) -> None:
    assert shown()[heading] == tables()[heading]


def test_no_other_tables() -> None:
    assert list(shown()) == list(tables())
