"""FortiSIEM's attributes as ECS fields, and back: the mapping both ways, and in columns as in single documents."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.base.time import parse_instant
from dogwatch.events.batch import NO_TIEBREAK
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.fortisiem import attribute_values, to_ecs
from dogwatch.events.report import ReadReport
from dogwatch.schema.derived import derived_fields
from dogwatch.schema.field import FieldRef, FieldType, Scalar
from dogwatch.schema.fortisiem import (
    FORTISIEM_PREFIX,
    Direction,
    EventTypeRow,
    attribute_types,
    event_type_rows,
    mapped_attributes,
)

WORDS = st.text(st.characters(exclude_characters="/ ", exclude_categories=["Cs", "Z"]), min_size=1, max_size=8)
BY_TYPE: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.KEYWORD: WORDS,
    FieldType.LONG: st.integers(0, 2**31),
    FieldType.DOUBLE: st.integers(0, 100).map(float),
    FieldType.IP: st.ip_addresses(v=4).map(str),
    FieldType.DATE: st.integers(0, 4 * 10**12).filter(lambda ms: ms > 9999),
}
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("procId", "parentProcId", "threadId", "httpStatusCode"), st.integers(0, 2**31).map(str)),
    "osType": st.sampled_from(["linux", "windows"]),
    "procPath": WORDS.map("/usr/bin/".__add__),
    "ipProto": st.integers(0, 255),
    "eventAction": st.sampled_from([0, 1]),
    "targetOsObjType": st.sampled_from(["File", "Directory"]),
    "durationMSec": st.integers(0, 2**32),
    "swParam": st.lists(WORDS, min_size=1, max_size=3).map(" ".join),
}
"""Attributes whose values are fewer than their types allow, for the sake of the ECS field."""

SAME_FIELD = [
    ("shortProcName", "procName"),
    ("shortParentProcName", "parentProcName"),
    ("filePath", "targetOsObjName"),
    ("command", "swParam"),
    ("procPath", "procName"),
    ("fileName", "filePath"),
]
"""Pairs of attributes that say the same in different ways, so that only one of them can be any value."""

BOTH_WAYS = [
    row.name for row in mapped_attributes().values() if row.direction is Direction.BOTH and row.name != "eventType"
]


@st.composite
def attributes(draw: st.DrawFn) -> dict[str, object]:
    names = set(draw(st.lists(st.sampled_from(BOTH_WAYS), max_size=12)))
    for one, other in SAME_FIELD:
        if {one, other} <= names:
            names.discard(one)
    if "swParam" in names:
        names = (names - {"shortProcName", "procPath"}) | {"procName"}
    return {name: draw(SPECIAL.get(name, BY_TYPE[attribute_types()[name]])) for name in sorted(names)}


@settings(max_examples=300, deadline=None)
@given(attributes())
def test_there_and_back_again(given_attributes: dict[str, object]) -> None:
    document = to_ecs(given_attributes)
    back = attribute_values(document, given_attributes)
    for name, value in given_attributes.items():
        kind = attribute_types()[name]
        expected = value * 10**6 if kind is FieldType.DATE and isinstance(value, int) else value
        assert back[name] == [expected], (name, document)


@given(attributes(), st.lists(st.sampled_from(sorted(derived_fields())), max_size=6))
@settings(max_examples=100, deadline=None)
def test_columns_and_single_documents_agree(given_attributes: dict[str, object], paths: list[str]) -> None:
    named = {FORTISIEM_PREFIX + name: value for name, value in given_attributes.items()}
    for document in (to_ecs(given_attributes), {"fortisiem": given_attributes}, named):
        names = [path.removeprefix(FORTISIEM_PREFIX) for path in paths]
        assert columns(document, names) == attribute_values(document, names)


def columns(document: dict[str, Any], names: list[str]) -> dict[str, list[Scalar]]:
    refs = {name: FieldRef(FORTISIEM_PREFIX + name, attribute_types()[name]) for name in names}
    batch = make_batch([Row(document, "1", True, None, None, NO_TIEBREAK)], refs.values(), 0, ReadReport())
    return {name: list(batch.values(ref, 0)) for name, ref in refs.items()}


def values(document: dict[str, Any], name: str) -> list[Scalar]:
    found = attribute_values(document, [name])[name]
    assert columns(document, [name])[name] == found
    return found


@pytest.mark.parametrize("row", event_type_rows(), ids=lambda row: row.type)
def test_each_event_type_is_recognised_by_its_own_words(row: EventTypeRow) -> None:
    document = to_ecs({"eventType": row.type, "procName": row.program or "nc"})
    assert document["event"]["category"] == [row.category]
    shown = values(document, "eventType")
    if row.direction is Direction.BOTH:
        assert row.type in shown
    else:
        assert row.type not in shown


@pytest.mark.parametrize(
    ("event", "rest", "types"),
    [
        ({"category": "process", "type": "start"}, {}, ["LINUX_PROCESS_EXEC"]),
        ({"category": "process", "type": "start"}, {"host.os.type": "windows"}, []),
        ({"category": "process", "type": "start"}, {"host.os.platform": "linux"}, ["LINUX_PROCESS_EXEC"]),
        ({"category": "process", "type": "start"}, {"host.os.platform": "ubuntu"}, ["LINUX_PROCESS_EXEC"]),
        ({"category": "process", "type": "start"}, {"host.os.platform": "darwin"}, []),
        ({"category": "process", "type": "start"}, {"host.os.family": "windows"}, []),
        ({"category": "process", "type": "start"}, {"host.os.name": "Windows Server 2022"}, []),
        ({"category": "process", "type": "start", "action": "fork"}, {}, []),
        ({"category": "process", "type": ["start"], "action": ["fork", "exec"]}, {}, ["LINUX_PROCESS_EXEC"]),
        ({"category": "process", "type": "start", "action": "executed", "outcome": "failure"}, {}, []),
        ({"category": "file", "type": "deletion", "outcome": "failure"}, {}, []),
        (
            {"category": "file", "type": "change", "action": ["updated", "attributes_modified"]},
            {},
            ["FSM_LINUX_FILE_MODIFY", "FSM_LINUX_FILE_ATTRIB_CHANGE"],
        ),
        ({"category": "process", "type": "info"}, {}, []),
        ({"category": "file", "type": "creation"}, {}, ["FSM_LINUX_FILE_CREATE"]),
        ({"category": "file", "type": "change", "action": "renamed"}, {}, ["FSM_LINUX_FILE_MOVED"]),
        ({"category": "file", "type": "change", "action": "wrote-to-file"}, {}, ["FSM_LINUX_FILE_MODIFY"]),
        ({"category": "file", "type": "deletion", "action": "unmounted"}, {}, ["FSM_LINUX_FILE_UNMOUNT"]),
        (
            {"category": "file", "type": "creation", "action": "opened-file"},
            {},
            ["FSM_LINUX_FILE_CREATE", "FSM_LINUX_FILE_OPEN"],
        ),
        (
            {"category": "authentication", "type": "start", "outcome": "success"},
            {"process.executable": "/usr/sbin/sshd"},
            ["Generic_Unix_Successful_SSH_Login"],
        ),
        (
            {"category": "authentication", "type": "info", "action": "ssh_login", "outcome": "failure"},
            {"process.name": "sshd-session"},
            ["Generic_Unix_Failed_SSH_Login"],
        ),
        ({"category": "authentication", "type": "start", "outcome": "failure"}, {"process.name": "su"}, []),
    ],
)
def test_event_types_of_ecs_events(event: dict[str, Any], rest: dict[str, Any], types: list[str]) -> None:
    assert values({"event": event, **rest}, "eventType") == types


@pytest.mark.parametrize(
    ("document", "name", "expected"),
    [
        ({"process": {"args": ["nc", "-l", "99"]}}, "swParam", ["-l 99"]),
        ({"process": {"args": ["nc"]}}, "swParam", []),
        ({"process": {"args": ["nc", "-l", "99"]}}, "command", ["nc -l 99"]),
        ({"fortisiem": {"command": "nc  -l 99"}}, "swParam", ["-l 99"]),
        ({"fortisiem": {"procName": "nc", "swParam": "-l 99"}}, "command", ["nc -l 99"]),
        ({"fortisiem": {"procName": "/bin/nc"}}, "procName", ["/bin/nc", "nc"]),
        ({"fortisiem": {"procName": "/bin/nc"}}, "shortProcName", ["nc"]),
        ({"fortisiem": {"procName": "/bin/nc"}}, "procPath", ["/bin/nc"]),
        ({"fortisiem": {"procName": "nc"}}, "procPath", []),
        ({"fortisiem": {"shortProcName": "nc"}}, "procName", ["nc"]),
        ({"process": {"name": "nc"}, "fortisiem": {"procName": "own"}}, "procName", ["own"]),
        ({"process": {"executable": "/bin/nc"}}, "shortProcName", ["nc"]),
        ({"host": {"name": "h"}}, "reptDevName", ["h"]),
        ({"host": {"name": "h"}, "observer": {"name": "o"}}, "reptDevName", ["o"]),
        ({"network": {"transport": "TCP"}}, "ipProto", [6]),
        ({"network": {"iana_number": "17", "transport": "tcp"}}, "ipProto", [17]),
        ({"network": {"iana_number": "x" * 5000}}, "ipProto", []),
        ({"event": {"severity": 4}}, "eventSeverityCat", ["LOW"]),
        ({"event": {"severity": 5}}, "eventSeverityCat", ["MEDIUM"]),
        ({"event": {"severity": 8}}, "eventSeverityCat", ["MEDIUM"]),
        ({"fortisiem": {"eventSeverity": 9}}, "eventSeverityCat", ["HIGH"]),
        ({"message": "m"}, "rawEventMsg", ["m"]),
        ({"message": "m", "event": {"original": "o"}}, "rawEventMsg", ["o"]),
        ({"@timestamp": "2026-11-22T10:00:00Z"}, "phRecvTime", [parse_instant("2026-11-22T10:00:00Z")]),
        ({"@timestamp": "2026-11-22T10:00:00Z"}, "phEventCategory", [0]),
        ({"@timestamp": "2026-11-22T10:00:00Z", "fortisiem": {"phEventCategory": 1}}, "phEventCategory", [1]),
        ({"file": {"path": "/etc/passwd"}}, "targetOsObjName", ["/etc/passwd"]),
        ({"file": {"path": "/etc/passwd"}}, "fileName", ["passwd"]),
        ({"file": {"path": "/etc"}}, "targetOsObjType", ["File"]),
        ({"file": {"type": "dir"}}, "targetOsObjType", ["Directory"]),
        ({"process": {"pid": 7}}, "procId", ["7"]),
        ({"user": {"changes": {"name": "eve"}}}, "targetUser", ["eve"]),
        ({"host": {"ip": ["::ffff:10.0.0.1", "fe80::1"]}}, "hostIpAddr", ["10.0.0.1", "fe80::1"]),
        ({"fortisiem": {"myOwn": 5}}, "myOwn", ["5"]),
        ({}, "hostName", []),
    ],
)
def test_attributes_of_documents(document: dict[str, Any], name: str, expected: list[Scalar]) -> None:
    assert attribute_values(document, [name]) == {name: expected}


def test_one_attribute_writes_what_others_left_open() -> None:
    document = to_ecs({"procName": "/usr/bin/nc", "swParam": "-l 99", "command": "the whole"})
    assert document["process"] == {
        "name": "nc",
        "executable": "/usr/bin/nc",
        "args": ["/usr/bin/nc", "-l", "99"],
        "args_count": 3,
        "command_line": "the whole",
    }
    words = {"args": ["nc", "-l", "99"], "args_count": 3}
    assert to_ecs({"command": "nc -l 99"})["process"] == {"command_line": "nc -l 99", **words}
    assert to_ecs({"parentCommand": "nc -l 99"})["process"] == {"parent": {"command_line": "nc -l 99", **words}}


@pytest.mark.parametrize("names", [("filePath", "targetOsObjName"), ("targetOsObjName", "filePath")])
def test_of_two_attributes_for_one_field_the_earlier_row_of_the_table_writes_it(names: tuple[str, str]) -> None:
    paths = {"filePath": "/etc/passwd", "targetOsObjName": "/etc/shadow"}
    assert to_ecs({name: paths[name] for name in names})["file"]["path"] == "/etc/passwd"


def test_a_hash_belongs_to_the_file_of_a_file_event() -> None:
    assert to_ecs({"hashMD5": "x", "filePath": "/f"})["file"]["hash"] == {"md5": "x"}
    assert to_ecs({"hashMD5": "x", "procName": "nc"})["process"]["hash"] == {"md5": "x"}


def test_two_addresses_are_a_connection_unless_fortisiem_says_so_itself() -> None:
    ends = {"srcIpAddr": "10.0.0.1", "destIpAddr": "10.0.0.2"}
    assert to_ecs(ends)["event"] == {"category": ["network"], "type": ["connection"]}
    assert to_ecs({**ends, "phEventCategory": 4})["event"] == {"category": ["network"], "type": ["connection"]}
    assert "event" not in to_ecs({**ends, "phEventCategory": 1})
    assert "event" not in to_ecs({"srcIpAddr": "10.0.0.1"})
    assert to_ecs({**ends, "eventType": "LINUX_PROCESS_EXEC"})["event"]["category"] == ["process"]


def test_what_does_not_fit_is_left_out() -> None:
    assert to_ecs({"procId": "many", "srcIpAddr": "nowhere", "hostName": "", "user": None, "unknown": 1}) == {}
    assert to_ecs({"hostIpAddr": ["10.0.0.1", "x", "10.0.0.2"]}) == {"host": {"ip": ["10.0.0.1", "10.0.0.2"]}}
    assert to_ecs({"ipProto": 6}) == {"network": {"iana_number": "6", "transport": "tcp"}}
    assert to_ecs({"hostIpAddr": ipaddress.ip_address("10.0.0.1")}) == {}


def test_documents_do_not_share_lists() -> None:
    first, second = (to_ecs({"eventType": "LINUX_PROCESS_EXEC"}) for _ in range(2))
    first["event"]["category"].append("x")
    assert second["event"]["category"] == ["process"]


@pytest.mark.parametrize(
    ("process", "attribute", "expected"),
    [
        ({"executable": "/usr/bin/nc"}, "procName", ["/usr/bin/nc", "nc"]),
        ({"name": "", "executable": "/usr/bin/nc"}, "procName", ["/usr/bin/nc", "nc"]),
        ({"parent": {"executable": "/bin/sh"}}, "parentProcName", ["/bin/sh", "sh"]),
        ({"command_line": "nc  -l 99"}, "swParam", ["-l 99"]),
        ({"command_line": '"/opt/my nc" -l 99'}, "swParam", ["-l 99"]),
        ({"command_line": "nc"}, "swParam", []),
        ({"args": ["nc"], "command_line": "nc -l"}, "swParam", []),
    ],
)
def test_a_process_is_found_where_its_event_has_it(
    process: dict[str, Any], attribute: str, expected: list[Scalar]
) -> None:
    assert values({"process": process}, attribute) == expected
