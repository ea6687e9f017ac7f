"""Over recordings of real hosts: nothing is lost, nothing is made up."""

from __future__ import annotations

import json
import lzma
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from audit_samples import read, read_files, shared

from dogwatch.events.linux_audit.join import Joiner
from dogwatch.events.linux_audit.parse import Record, parse_frame
from dogwatch.events.report import ReadReport


def manifest() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shared("auditd", "manifest.json").read_text())
    return content


def lines_of(scenario: dict[str, Any]) -> list[bytes]:
    return shared("auditd", scenario["file"]).read_bytes().splitlines()


def test_every_recording_gives_the_events_that_were_recorded() -> None:
    scenarios = manifest()["scenarios"]
    assert len(scenarios) == 87
    for scenario in scenarios:
        found, report = read(lines_of(scenario))
        assert not report.problems, scenario["file"]
        assert report.lines == scenario["records"], scenario["file"]
        assert len(found) == report.events == scenario["events"], scenario["file"]
        calls = [document["auditd"]["data"].get("syscall") for document in found]
        assert sum(name is not None for name in calls) == scenario["record_types"]["SYSCALL"], scenario["file"]
        assert not any(name is not None and name.isdigit() for name in calls), scenario["file"]


@pytest.mark.parametrize("name", ["edge_long_args.a", "ncat_bind_shell_keep.a", "edge_i386_syscalls.a"])
def test_shuffled_split_and_copied_recordings_give_the_same_documents(name: str) -> None:
    lines = shared("auditd", f"{name}.log").read_bytes().splitlines()
    expected, _ = read(lines)
    mixed = lines + lines[: len(lines) // 2]
    random.Random(name).shuffle(mixed)  # noqa: S311
    cut = len(mixed) // 3
    found, report = read_files({"logs/b": mixed[:cut], "logs/a": mixed[cut:]}, limit_bytes=50_000)
    assert found == expected
    assert not report.problems


def test_following_a_recording_gives_the_same_events() -> None:
    for name in ("edge_long_args.b.log", "openbsd_listener_loopback.a.log", "ncat_chat_unix.b.log"):
        lines = shared("auditd", name).read_bytes().splitlines()
        expected, _ = read(lines)
        found, report = read(lines, follow=True, linger=10**12)
        assert not report.problems
        assert sorted(map(event_id, found)) == sorted(map(event_id, expected))
        assert {event_id(document): document["process"].get("args") for document in found} == {
            event_id(document): document["process"].get("args") for document in expected
        }


def test_long_arguments_are_whole() -> None:
    found, _ = read(shared("auditd", "edge_long_args.a.log").read_bytes().splitlines())
    assert max(len(text) for document in found for text in document["process"].get("args", [])) > 8000


def test_i386_programs_are_seen() -> None:
    found, _ = read(shared("auditd", "edge_i386_syscalls.a.log").read_bytes().splitlines())
    foreign = [document for document in found if document["auditd"]["data"]["arch"] == "i386"]
    assert {document["auditd"]["data"]["syscall"] for document in foreign} >= {"socketcall"}
    assert "connected-to" in {document["event"].get("action") for document in foreign}


def test_a_renamed_argument_changes_neither_name_nor_program() -> None:
    found, _ = read(shared("auditd", "argv0_spoof.a.log").read_bytes().splitlines())
    spoofed = [d["process"] for d in found if d["process"].get("args", [""])[0] == "[kworker/0:1]"]
    assert [(process["name"], process["executable"]) for process in spoofed] == [("nc", "/usr/bin/nc.openbsd")]


def test_a_shell_started_by_netcat_has_its_own_arguments() -> None:
    found, _ = read(shared("auditd", "traditional_reverse_shell_e.a.log").read_bytes().splitlines())
    stale = [
        document["process"]
        for document in found
        if document["event"].get("action") == "executed" and document["process"]["title"].startswith("nc")
        and document["process"]["executable"] == "/usr/bin/dash"
    ]  # fmt: skip
    assert stale
    assert all("nc" not in process["args"][0] for process in stale)


def test_netlink_frames_give_events() -> None:
    path = shared("auditd", "netlink_frames.jsonl")
    joiner = Joiner(ReadReport())
    frames = [json.loads(line) for line in path.read_text().splitlines()]
    for frame in frames:
        record = parse_frame(frame["type"], frame["data"].encode())
        assert isinstance(record, Record)
        joiner.add(record)
    assert (len(frames), len(list(joiner.finish()))) == (92, 16)


@pytest.mark.slow
def test_the_attacks_in_the_mixed_stream() -> None:
    stream = manifest()["mixed_stream"]
    lines = lzma.decompress(shared("auditd", "mixed_stream_a.log.xz").read_bytes()).splitlines()
    found, report = read(lines)
    assert not report.problems
    assert (report.lines, len(found)) == (stream["records"], stream["events"])
    assert [order(document) for document in found] == sorted(order(document) for document in found)
    by = {document["auditd"]["sequence"]: document for document in found}
    names = {59: "execve", 42: "connect", 49: "bind", 50: "listen", 43: "accept", 288: "accept4"}
    entities: dict[tuple[str, int], set[str]] = {}
    for attack in stream["attacks"]:
        for event in attack["netcat_events"]:
            document = by[event["serial"]]
            assert document["auditd"]["data"]["syscall"] == names[event["syscall"]]
            assert document["event"]["outcome"] == ("success" if event["success"] else "failure")
            assert document["process"]["pid"] == event["pid"]
            assert document["process"]["executable"] == event["exe"]
            process = (attack["attack"], event["pid"])
            entities.setdefault(process, set()).add(document["process"]["entity_id"])
    assert all(len(ids) == 1 for ids in entities.values())
    assert len({next(iter(ids)) for ids in entities.values()}) == len(entities)


def event_id(document: dict[str, Any]) -> str:
    return str(document["event"]["id"])


def order(document: dict[str, Any]) -> tuple[str, int]:
    return document["@timestamp"], document["auditd"]["sequence"]


DIFFERENCES = {
    ("changed-system-time", "data"): "items= is only the number of PATH records; we never repeat it",
    ("linkat_syscall", "data"): "items=, as above",
    ("make-device", "object"): "RHEL 7 calls nametype= objtype=; we understand both and pass over the parent",
    ("make-device", "file"): "as above",
    (
        "ANOM_PROMISCUOUS",
        "data",
    ): "there the second record's ids land among the data; ours are in user.*",
    (
        "AUDIT_TIME_ADJNTPVAL chronyd freq",
        "tags",
    ): "the sample lost the ENRICHED separator: there is no rule key",
    ("AUDIT_TIME_ADJNTPVAL chronyd status", "tags"): "as above",
    ("AUDIT_TIME_ADJNTPVAL freq/tick", "tags"): "as above",
}
"""Where we differ from Auditbeat's coalescer on its own samples, and why."""


def golden() -> list[tuple[str, dict[str, Any], bytes]]:
    folder = shared("public", "go-libaudit", "aucoalesce", "testdata")
    files = sorted(folder.glob("*.yaml"))
    return [
        (case["test_name"], case["event"], tests[case["test_name"]].encode())
        for file, tests in ((file, yaml.safe_load(file.read_text())["tests"]) for file in files)
        for case in json.loads(file.with_suffix(".json.golden").read_text())
    ]


def test_auditbeats_own_samples_give_the_same_but_for_the_listed_differences() -> None:
    cases = golden()
    assert len(cases) == 45
    differences: set[tuple[str, str]] = set()
    for name, expected, lines in cases:
        found, report = read(lines.splitlines())
        assert len(found) == 1, name
        assert set(report.problems) <= {"audit-missing-path"}, name
        ours, theirs = our_view(found[0]), their_view(expected)
        differences |= {(name, key) for key in theirs if ours[key] != theirs[key]}
    assert differences == set(DIFFERENCES)


def our_view(document: dict[str, Any]) -> dict[str, Any]:
    audit, event, process = document["auditd"], document["event"], document.get("process", {})
    data = dict(audit["data"])
    data |= {f"socket_{name}": value for name, value in data.pop("socket", {}).items()}
    return {
        "time": document["@timestamp"],
        "sequence": audit["sequence"],
        "type": audit["message_type"],
        "result": audit["result"],
        "session": audit.get("session", "unset"),
        "tags": document.get("tags"),
        "action": event.get("action"),
        "kind": event["kind"],
        "category": sorted(event.get("category", [])),
        "types": sorted(event.get("type", [])),
        "how": audit["summary"].get("how"),
        "object": audit["summary"].get("object", {}),
        "data": data,
        "process": [
            process.get(key) for key in ("pid", "name", "executable", "title", "working_directory", "args")
        ],
        "parent": process.get("parent", {}).get("pid"),
        "ends": [document.get(end) for end in ("source", "destination")],
        "direction": document.get("network", {}).get("direction"),
        "paths": audit.get("paths"),
        # Their samples are made without a user database; Auditbeat adds the names afterwards.
        "file": {
            name: value for name, value in document.get("file", {}).items() if name not in ("owner", "group")
        },
        "selinux": document.get("user", {}).get("selinux"),
    }


def their_view(event: dict[str, Any]) -> dict[str, Any]:
    meaning, process, summary = event["ecs"]["event"], event["process"], event["summary"]
    clock, _, fraction = event["@timestamp"].removesuffix("Z").partition(".")
    return {
        "time": f"{clock}.{fraction:0<3}Z",
        "sequence": event["sequence"],
        "type": event["record_type"],
        "result": event["result"],
        "session": event["session"],
        "tags": event.get("tags"),
        "action": summary.get("action"),
        "kind": meaning.get("kind", "event"),
        "category": sorted(set(meaning.get("category", []))),
        "types": sorted(set(meaning.get("type", []))),
        "how": summary.get("how"),
        "object": summary.get("object"),
        "data": event.get("data", {}),
        "process": [
            number(process, "pid"),
            *(process.get(key) for key in ("name", "exe", "title", "cwd", "args")),
        ],
        "parent": number(process, "ppid"),
        "ends": [end(event.get(side)) for side in ("source", "destination")],
        "direction": event.get("network", {}).get("direction"),
        "paths": event.get("paths"),
        "file": event.get("file", {}),
        "selinux": event["user"].get("selinux"),
    }


def number(fields: dict[str, str], name: str) -> int | None:
    return int(fields[name]) if name in fields else None


def end(fields: dict[str, str] | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    return {name: int(value) if name == "port" else value for name, value in fields.items()}


def test_foreign_logs_are_read_without_harm() -> None:
    """Logs of other projects: every line is a record, a counted problem, or blank."""
    root = shared("public")
    files = [*root.glob("laurel/testdata/*.txt"), *root.glob("plaso/test_data/*.log")]
    files += [*root.glob("go-libaudit/**/*.log"), *root.glob("otrf-security-datasets/*.log")]
    if not files:
        pytest.skip("no public audit logs are here")
    for file in files:
        check_foreign(file)


def check_foreign(file: Path) -> None:
    lines = [line for line in file.read_bytes().splitlines() if line.strip()]
    found, report = read(lines)
    malformed = [line for line in lines if b"audit(" not in line or line.startswith(b"#")]
    assert report.lines == len(lines)
    assert report.problems["audit-line"] >= len(malformed)
    assert found or report.problems, file
    assert len({event_id(document) for document in found}) == len(found)
