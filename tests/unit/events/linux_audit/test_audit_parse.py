from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.events.linux_audit.parse import Record, parse_frame, parse_line, plain_head

TAIL = b"msg=audit(1795313391.687:39060): arch=c000003e syscall=59"


def parsed(line: bytes) -> Record:
    record = parse_line(line)
    assert isinstance(record, Record), record
    return record


def test_raw_line() -> None:
    record = parsed(b"type=SYSCALL " + TAIL + b"\r\n")
    assert (record.type, record.time, record.serial, record.node) == ("SYSCALL", 1795313391687000000, 39060, "")
    assert (record.body, record.enrichment) == (b"arch=c000003e syscall=59", b"")
    assert record.original == b"type=SYSCALL " + TAIL


def test_enriched_line_is_parted_at_the_separator_without_a_blank() -> None:
    line = b'node=web01 type=PATH msg=audit(1.000:5): item=0 name="/x" ouid=0\x1dOUID="root"'
    record = parsed(line)
    assert (record.node, record.body, record.enrichment) == ("web01", b'item=0 name="/x" ouid=0', b'OUID="root"')
    assert record.original == line


@pytest.mark.parametrize(
    ("header", "host"),
    [
        (b"<13>Nov 22 04:00:01 web01 audispd: ", "web01"),
        (b"Nov  2 04:00:01 web01 audisp-syslog[812]: ", "web01"),
        (b"Nov 22 04:00:01 web01 audispd: node=inner ", "inner"),
        (b"<13>1 2026-11-22T04:00:01.123Z web01 audisp-syslog - - - ", "web01"),
        (b"<13>1 2026-11-22T04:00:01.123Z - audisp-syslog - - - ", ""),
        (b'<85>1 2026-11-22T04:00:01Z web01 audispd 12 ID7 [x@1 a="b c"] ', "web01"),
        (b"2026-11-22T04:00:01.123456+00:00 web01 tag_audit_log: ", "web01"),
        (b"Nov 22 04:00:01 web01 kernel: [   12.345678] audit: ", "web01"),
        (b"Nov 22 04:00:01 web01 kernel: audit: ", "web01"),
        (b"[   12.345678] audit: ", ""),
        (b"[12.345678] audit: ", ""),
        (b"node=2001:db8::1 ", "2001:db8::1"),
        (b"node=caf\xe9 ", "caf�"),
    ],
)
def test_headers(header: bytes, host: str) -> None:
    assert parsed(header + b"type=SYSCALL " + TAIL).node == host


@pytest.mark.parametrize(
    ("token", "name"),
    [
        (b"1300", "SYSCALL"),
        (b"UNKNOWN[1420]", "IPE_ACCESS"),
        (b"UNKNOWN[1999]", "UNKNOWN[1999]"),
        (b"1999", "UNKNOWN[1999]"),
        (b"BRAND_NEW", "BRAND_NEW"),
    ],
)
def test_types(token: bytes, name: str) -> None:
    assert parsed(b"type=" + token + b" " + TAIL).type == name


def test_old_auditd_left_out_the_colon() -> None:
    line = b"type=DAEMON_CONFIG msg=audit(1490239800.477:34) config changed, auid=0 res=success"
    record = parsed(line)
    assert (record.serial, record.body) == (34, b"config changed, auid=0 res=success")
    assert record.original == line


def test_kernel_message_without_msg() -> None:
    record = parsed(b"Nov 22 04:00:01 web01 kernel: audit: type=1300 audit(1795313391.687:39060): arch=c000003e")
    assert (record.type, record.body) == ("SYSCALL", b"arch=c000003e")


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"type=",
        b"type=SYSCALL",
        b"type= msg=audit(1.000:5): x",
        b"msg=audit(1.000:5): x",
        b"type=SYSCALL msg=audit(1): x",
        b"type=SYSCALL msg=audit(): x",
        b"type=SYSCALL msg=audit(1.000): x",
        b"type=SYSCALL msg=audit(1.000:5: x",
        b"type=SYSCALL msg=audit(-1.000:5): x",
        b"type=SYSCALL msg=audit(1.000:4294967296): x",
        b"type=SYSCALL msg=audit(1.000:" + b"9" * 5000 + b"): x",
        b"type=SYSCALL msg=audit(99999999999.000:1): x",
        b"type=SYSCALL msg=audit(1.0000000001:1): x",
        "type=SYSCALL msg=audit(\u0661.000:5): x".encode(),
        b"type=SYS\0CALL msg=audit(1.000:5): x",
        b"type=123456 msg=audit(1.000:5): x",
        b"type=" + b"A" * 100 + b" msg=audit(1.000:5): x",
        b"\x1d\x1d\0\xff",
        b"<13>type=SYSCALL msg=audit(1.000:5): x",
        b"x" * 600 + b"type=SYSCALL msg=audit(1.000:5): x",
    ],
)
def test_malformed_lines_are_diagnostics_with_a_place_and_a_hint(line: bytes) -> None:
    problem = parse_line(line, Place("audit.log", 7))
    assert isinstance(problem, Diagnostic)
    assert problem.code == "audit-line"
    assert problem.place == Place("audit.log", 7)
    assert problem.hint
    assert problem.render()


@pytest.mark.parametrize(
    "line",
    [
        b"Nov 22 04:00:01 web01 alice: type=SYSCALL " + TAIL,
        b"Nov 22 04:00:01 web01 sshd[1]: Invalid user type=SYSCALL " + TAIL,
        b"Nov 22 04:00:01 web01 kernel: device type=SYSCALL " + TAIL,
        b"hello type=SYSCALL " + TAIL,
    ],
)
def test_a_record_inside_another_programs_message_is_not_a_record(line: bytes) -> None:
    assert isinstance(parse_line(line), Diagnostic)


def test_a_record_forged_inside_a_record_stays_text() -> None:
    forged = b'type=EXECVE msg=audit(1.000:5): argc=2 a0="echo" a1="type=SYSCALL msg=audit(9.000:9):"'
    record = parsed(forged)
    assert (record.type, record.serial) == ("EXECVE", 5)


def test_frame() -> None:
    record = parse_frame(1300, b"audit(1795313391.687:39060): arch=c000003e syscall=59\0", "web01")
    assert record == Record(
        "SYSCALL",
        1795313391687000000,
        39060,
        "web01",
        b"arch=c000003e syscall=59",
        b"",
        b"type=SYSCALL msg=audit(1795313391.687:39060): ",
    )
    assert isinstance(parse_frame(1320, b"audit(1.000:5): "), Record)
    assert isinstance(parse_frame(1300, b"nonsense"), Diagnostic)
    assert isinstance(parse_frame(2_000_000_000, b"audit(1.000:5): "), Diagnostic)


@given(st.binary(max_size=200))
def test_never_raises(line: bytes) -> None:
    for text in (
        line,
        b"type=SYSCALL msg=audit(" + line,
        b"Nov 22 04:00:01 h audispd: type=X msg=audit(1.0:1):" + line,
    ):
        record = parse_line(text)
        if isinstance(record, Record):
            assert record.original == text.rstrip(b"\r\n") or record.original + b"\x1d" == text.rstrip(b"\r\n")


@given(
    st.tuples(
        st.sampled_from([b"", b"node=web01 ", b"node= ", b"node=a type=b ", b"node=\xff\t ", b"node=a  ", b"x "]),
        st.sampled_from(
            [b"type=SYSCALL", b"type=EOE", b"type=1300", b"type=syscall", b"type=", b"", b"type=PATH x"]
        ),
        st.sampled_from([b" msg=audit(", b" audit(", b"  msg=audit(", b" msg=audit( msg=audit("]),
        st.from_regex(rb"[0-9]{0,11}\.[0-9]{0,10}:[0-9]{0,11}", fullmatch=True) | st.binary(max_size=6),
        st.sampled_from([b"): ", b"):", b") ", b")): "]),
        st.sampled_from([b"", b'a0="x"', b" x", b"x): y msg=audit(1.2:3): z", b"\x1dUID=", b"\n"]),
    )
)
def test_a_plain_head_is_what_parsing_finds(pieces: tuple[bytes, ...]) -> None:
    line = b"".join(pieces)
    head = plain_head(line)
    if head is not None:
        record = parsed(line)
        assert (head.time, head.serial, head.node) == (record.time, record.serial, record.node)
        assert any(each.endswith(b"type=" + record.type.encode()) for each in head.heads)
        assert line.startswith(tuple(each + head.stamp + b"): " for each in head.heads))


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        (b"type=SYSCALL " + TAIL, True),
        (b"node=web01 type=PATH " + TAIL, True),
        (b"node=web01  type=PATH " + TAIL, False),
        (b"type=1300 " + TAIL, False),
        (b"type=SYSCALL msg=audit(1795313391.687:39060):arch=c000003e x): y", False),
        (b"type=SYSCALL msg=audit(1.%s:1): x" % (b"0" * 40), False),
        (b"Nov 22 04:00:01 web01 audispd: type=SYSCALL " + TAIL, False),
    ],
)
def test_which_lines_are_plain(line: bytes, plain: bool) -> None:
    assert (plain_head(line) is not None) is plain
