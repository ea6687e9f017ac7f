"""FortiSIEM's netcat rule from XML on the recordings: counts, first and last seen, and what a ledger keeps."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from naive_netcat import EXEC, NAMES, calls
from recordings import ROOT, expected, shared

from dogwatch.base.time import SECOND, parse_instant
from dogwatch.cli.main import dogwatch

RULE = (
    Path(os.environ.get("DOGWATCH_SHARED", ROOT / ".." / "shared"))
    / "conformance/fortisiem/xml/rendered_PH_Rule_TH_Linux_23.xml"
)
pytestmark = pytest.mark.skipif(not RULE.is_file(), reason="the public facts about FortiSIEM are not here")

Seen = tuple[str, str, int, int, int]
"""Process, parameters, count, first and last seen in milliseconds."""


def run(*arguments: str) -> str:
    outcome = CliRunner().invoke(dogwatch, list(arguments), standalone_mode=False, catch_exceptions=False)
    assert outcome.return_value == 0, outcome.stderr
    return outcome.stdout


def scan(log: Path, ledger: Path | None = None) -> list[Seen]:
    """The incidents of a scan with the rule."""
    filed = [] if ledger is None else ["--ledger", str(ledger)]
    return told(run("scan", str(log), "--rules", str(RULE), "--format", "ndjson", "--host", "box", *filed))


def told(output: str) -> list[Seen]:
    incidents: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
    return sorted(
        (
            each["fortisiem.incident.attributes"]["procName"],
            each["fortisiem.incident.attributes"].get("swParam", ""),
            each["fortisiem.incident.count"],
            milliseconds(each["fortisiem.incident.first_seen"]),
            milliseconds(each["fortisiem.incident.last_seen"]),
        )
        for each in incidents
    )


def milliseconds(text: str) -> int:
    time = parse_instant(text)
    assert time is not None
    return time // (SECOND // 1000)


def truth(lines: list[str]) -> list[Seen]:
    """What the raw log says, one entry for each user, process and parameters."""
    starts: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for call in calls(lines):
        if call.name == EXEC and call.success and call.comm in NAMES:
            stamp = int(call.time.replace(".", ""))
            starts[call.uid, call.comm, " ".join(call.args[1:])].append(stamp)
    return sorted(
        (name, arguments, len(times), min(times), max(times)) for (_, name, arguments), times in starts.items()
    )


def lines_of(name: str) -> list[str]:
    with shared(name).open(encoding="utf-8", newline="\n") as file:
        return list(file)


@pytest.mark.parametrize("name", sorted(expected()))
def test_counts_first_and_last_seen(name: str) -> None:
    assert scan(shared(name)) == truth(lines_of(name))


def test_a_ledger_over_days(tmp_path: Path) -> None:
    """The same again changes nothing, more triggers raise the count, and halves make the whole."""
    names = sorted(expected())
    logs: dict[str, Path] = {}
    for part, chosen in {"first": names[::2], "second": names[1::2], "whole": names}.items():
        logs[part] = tmp_path / f"{part}.log"
        logs[part].write_text("".join(line for name in chosen for line in lines_of(name)), encoding="utf-8")
    halves, whole = tmp_path / "halves.db", tmp_path / "whole.db"

    def kept(ledger: Path) -> list[Seen]:
        return told(run("incidents", "list", "--ledger", str(ledger), "--size", "10000", "--format", "ndjson"))

    first = scan(logs["first"], halves)
    assert kept(halves) == first
    scan(logs["first"], halves)
    assert kept(halves) == first
    scan(logs["second"], halves)
    scan(logs["whole"], whole)
    assert kept(halves) == kept(whole) == scan(logs["whole"])
    assert sum(count for _, _, count, _, _ in kept(halves)) > sum(count for _, _, count, _, _ in first)


def test_users_without_a_name_are_told_apart(tmp_path: Path) -> None:
    """A raw log has ids only; one that is not this machine's must still not be mixed with another."""
    lines = [line for name in sorted(expected()) if name.endswith(".b.log") for line in lines_of(name)]
    other = [line.replace(" uid=1002 ", " uid=1003 ").replace("msg=audit(1", "msg=audit(2") for line in lines]
    log = tmp_path / "raw.log"
    log.write_text("".join(lines + other), encoding="utf-8")
    assert scan(log) == truth(lines + other)
