"""Two minutes of a busy host with six attacks inside: what is seen and what is not, however the log is cut."""

from __future__ import annotations

import json
import lzma
import random
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from naive_netcat import outcome
from recordings import RULES, TABLE, VERSIONS, numbers, shared

MIXED = TABLE["mixed"]
MEMORY_BOUND = 600 * 1024 * 1024

pytestmark = pytest.mark.slow


def scan(paths: Sequence[Path]) -> dict[str, Any]:
    """A scan in a process of its own, so that its memory can be told from everybody else's."""
    script = Path(__file__).with_name("measured_scan.py")
    done = subprocess.run([sys.executable, script, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["diagnostics"] == []
    assert result["peak_bytes"] < MEMORY_BOUND
    return result


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    with lzma.open(shared(MIXED["file"])) as stream:
        return stream.readlines()


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    mixed: dict[str, Any] = json.loads(shared("manifest.json").read_text(encoding="utf-8"))["mixed_stream"]
    return mixed


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return scan([shared(MIXED["file"])])


def test_numbers(whole: dict[str, Any]) -> None:
    assert whole["counted"] == numbers(MIXED)
    assert (whole["counted"]["v5"], whole["counted"]["v110"], len(whole["counted"]["incidents"])) == (40, 1, 7)


def test_naive_reading_agrees(lines: list[bytes]) -> None:
    second = outcome(line.decode() for line in lines)
    assert {rule: getattr(second, rule) for rule in RULES} == numbers(MIXED)
    assert second.unix == MIXED["unix"]


def test_attacks_and_background_add_up() -> None:
    parts = [*MIXED["attack"], *MIXED["background"]]
    for version in VERSIONS:
        assert sum(part[version] for part in parts) == MIXED[version]
    assert sorted((count for part in parts for count in part["incidents"]), reverse=True) == MIXED["incidents"]


def test_manifest_agrees(manifest: dict[str, Any]) -> None:
    """The numbers follow from the system calls that were listed when the stream was recorded."""
    exec_, connect, bind = 59, 42, 49
    checks, helps = MIXED["background"]
    background = [event["syscall"] for event in manifest["benign_netcat_events"]]
    assert background.count(exec_) == checks["starts"] + helps["starts"]
    assert len(background) - background.count(exec_) == checks["v2"] == checks["v3"]

    assert [each["attack"] for each in manifest["attacks"]] == [each["attack"] for each in MIXED["attack"]]
    for listed, attack in zip(manifest["attacks"], MIXED["attack"], strict=True):
        if any(event["exe"] == "/usr/bin/nc.traditional" for event in listed["netcat_events"]):
            assert not any(attack[rule] for rule in RULES)
            continue
        calls = [event["syscall"] for event in listed["netcat_events"]]
        assert attack["v2"] == calls.count(connect) + calls.count(bind)
        assert attack["v3"] == len(calls) - calls.count(exec_)


def test_each_attack(whole: dict[str, Any], manifest: dict[str, Any]) -> None:
    for listed, attack in zip(manifest["attacks"], MIXED["attack"], strict=True):
        (pid,) = {event["pid"] for event in listed["netcat_events"]}
        mine = [alert["version"] for alert in whole["alerts"] if alert["pid"] == pid]
        assert {version: mine.count(version) for version in VERSIONS} == {v: attack[v] for v in VERSIONS}, attack
        incidents = [
            len(incident["triggers"])
            for incident in whole["incidents"]
            if incident["attributes"]["swParam"] == attack["arguments"]
        ]
        assert incidents == attack["incidents"], attack


def test_the_two_attacks_that_no_rule_sees() -> None:
    unseen = [attack["attack"] for attack in MIXED["attack"] if not any(attack[rule] for rule in RULES)]
    assert unseen == ["webshell_reverse_traditional_e", "bind_shell_traditional_e"]


@pytest.mark.parametrize("form", ["shuffled", "two files, the later first", "five files"])
def test_the_form_of_the_input_changes_nothing(
    form: str, lines: list[bytes], whole: dict[str, Any], tmp_path: Path
) -> None:
    match form:
        case "shuffled":
            mixed_up = list(lines)
            random.Random(7).shuffle(mixed_up)  # noqa: S311 - a repeatable disorder, not a secret
            parts = [mixed_up]
        case "two files, the later first":
            cut = inside_an_event(lines)
            parts = [lines[cut:], lines[:cut]]
        case _:
            cuts = sorted([inside_an_event(lines), *(len(lines) * part // 5 for part in (1, 3, 4))])
            parts = [lines[start:end] for start, end in pairwise([0, *cuts, len(lines)])]
            assert len(parts) == 5
    paths = [tmp_path / f"{number}.log" for number in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(b"".join(part))
    result = scan(paths)
    for what in ("counted", "alerts", "incidents"):
        assert result[what] == whole[what], what


def inside_an_event(lines: list[bytes]) -> int:
    """A place between the start of the listener's process and that event's arguments."""
    at = next(number for number, line in enumerate(lines) if b'a1="-lnp"' in line)
    stamp = lines[at].split(b" ", 2)[1]
    assert stamp in lines[at - 1] or stamp in lines[at - 2]
    return at
