"""The recordings, what is expected of them, and what the engine finds in them."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from dogwatch.alerts.model import Alert, Detection, Incident
from dogwatch.detect.api import scan

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "outcomes.md"
TABLE: dict[str, Any] = tomllib.loads(
    (ROOT / "tests" / "spec" / "recordings" / "outcomes.toml").read_text(encoding="utf-8")
)
NETCAT = "adb961e0-cb74-42a0-af9e-29fc41f88f5f"
VERSIONS = ("v2", "v3", "v4", "v5", "v110")
RULES = (*VERSIONS, "incidents")


def shared(name: str) -> Path:
    """A file of the project's recordings, or a visible skip."""
    folder = Path(os.environ.get("DOGWATCH_SHARED", ROOT / ".." / "shared")) / "telemetry" / "auditd"
    if not (folder / name).exists():
        pytest.skip(f"the shared recordings are not here: {name}")
    return folder / name


def expected() -> dict[str, dict[str, Any]]:
    """For each recording's file its entry in the table."""
    return {f"{entry['scenario']}.{run}.log": entry for entry in TABLE["recording"] for run in entry["runs"]}


def numbers(entry: dict[str, Any]) -> dict[str, Any]:
    """The part of a table entry that the rules decide."""
    return {rule: entry[rule] for rule in RULES}


def found(path: Path) -> list[Detection]:
    """What the built-in rules find, after a check that nothing in the file was lost or doubtful."""
    run = scan(path)
    detections = list(run)
    assert run.diagnostics == ()
    return detections


def counted(detections: Iterable[Detection]) -> dict[str, Any]:
    """Detections as the table counts them."""
    alerts: Counter[str] = Counter()
    incidents = []
    for each in detections:
        match each:
            case Alert():
                assert each.document["kibana.alert.rule.rule_id"] == NETCAT
                alerts[f"v{each.document['kibana.alert.rule.version']}"] += 1
            case Incident():
                assert each.document["kibana.alert.rule.rule_id"] == "PH_Rule_TH_Linux_23"
                incidents.append(int(each.document["fortisiem.incident.count"]))
    assert alerts.keys() <= set(VERSIONS)
    return {**{version: alerts[version] for version in VERSIONS}, "incidents": sorted(incidents, reverse=True)}


def command_lines(detections: Iterable[Detection]) -> dict[tuple[str, str], int]:
    """The counts of the incidents by process name and arguments, over all users."""
    lines: Counter[tuple[str, str]] = Counter()
    for each in detections:
        if isinstance(each, Incident):
            attributes = each.attributes
            lines[attributes["procName"], attributes.get("swParam", "")] += len(each.triggers)
    return dict(lines)
