"""Every recording gives what the table says, by the engine and by a second, naive reading of the raw log."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from naive_netcat import Outcome, outcome
from recordings import EXAMPLES, RULES, TABLE, command_lines, counted, expected, found, numbers, shared

EXPECTED = expected()
BUNDLED = sorted(path.name for path in EXAMPLES.glob("*.log"))


def naive(path: Path) -> Outcome:
    with path.open(encoding="utf-8") as lines:
        return outcome(lines)


def check(path: Path) -> None:
    entry = EXPECTED[path.name]
    detections = found(path)
    second = naive(path)
    assert {rule: getattr(second, rule) for rule in RULES} == numbers(entry)
    assert second.unix == entry["unix"]
    assert counted(detections) == numbers(entry)

    starts: Counter[tuple[str, str]] = Counter()
    for (_, comm, arguments), count in second.starts.items():
        starts[comm, arguments] += count
    assert command_lines(detections) == dict(starts)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_recording(name: str) -> None:
    check(shared(name))


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_copy(name: str) -> None:
    check(EXAMPLES / name)


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_copy_is_the_recording(name: str) -> None:
    assert (EXAMPLES / name).read_bytes() == shared(name).read_bytes()


def test_examples_show_silence_and_every_rule() -> None:
    entries = [EXPECTED[name] for name in BUNDLED]
    assert all(any(entry[rule] for entry in entries) for rule in RULES)
    assert any(not entry["incidents"] for entry in entries)


def test_the_table_lists_each_file_once() -> None:
    files = [f"{entry['scenario']}.{run}.log" for entry in TABLE["recording"] for run in entry["runs"]]
    assert len(files) == len(set(files)) == 87


@pytest.fixture(scope="module")
def scenarios() -> list[dict[str, Any]]:
    """What the recordings' authors wrote down before they recorded."""
    manifest = json.loads(shared("manifest.json").read_text(encoding="utf-8"))
    listed: list[dict[str, Any]] = manifest["scenarios"]
    return listed


def test_every_recording_is_in_the_table(scenarios: list[dict[str, Any]]) -> None:
    assert {scenario["file"] for scenario in scenarios} == EXPECTED.keys()


def test_benign_activity_gives_no_alert(scenarios: list[dict[str, Any]]) -> None:
    benign = [each["file"] for each in scenarios if each["group"] in {"benign", "benign_name_collision"}]
    assert benign
    for name in benign:
        assert (EXPECTED[name]["v5"], EXPECTED[name]["v110"]) == (0, 0), name


def test_no_network_means_no_alert(scenarios: list[dict[str, Any]]) -> None:
    silent = [each["file"] for each in scenarios if each["group"] in {"netcat_no_network", "malicious_no_netcat"}]
    assert silent
    for name in silent:
        assert not any(EXPECTED[name][rule] for rule in RULES if rule != "incidents"), name


def test_what_stays_unseen(scenarios: list[dict[str, Any]]) -> None:
    """Malicious or dual use without an alert of version 5: each for a reason that the page names."""
    meant = {"malicious", "malicious_or_admin"}
    ours = {each["file"] for each in scenarios if each["group"] in meant}
    unseen = {name for name in ours if not EXPECTED[name]["v5"]}
    never_started = {"openbsd_mkfifo_reverse_shell.b.log", "openbsd_proxy_relay.b.log"}
    other_name = {
        each["file"]
        for each in scenarios
        if each["scenario"].startswith("traditional_")
        or each["scenario"] in {"webshell_nc_reverse", "busybox_nc_listen_e", "renamed_copy_ncat_hidden"}
    }
    assert unseen == never_started | other_name
