import pytest

from dogwatch.events.readers.sniff import Format, sniff, unknown_format

RECORD = b'type=SYSCALL msg=audit(1700000000.123:42): arch=c000003e syscall=59 success=yes comm="nc"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a": 1}', Format.NDJSON),
        (b'{"index": {}}\n{"a": 1}', Format.NDJSON),
        (b'{"a": \n{"a": 1}', Format.NDJSON),
        (b'garbage\n{"a": 1}', Format.NDJSON),
        (b'{"a": 1', Format.NDJSON),
        (b'[{"a": 1}]', Format.JSON),
        (b"[\n  {}\n]", Format.JSON),
        (b'{\n  "a": {\n    "b": 1\n  }\n}', Format.JSON),
        (b'{\n  "a": [\n    {"b": 1}\n  ]\n}', Format.JSON),
        (RECORD, Format.AUDIT),
        (b"node=web1 " + RECORD, Format.AUDIT),
        (b"Nov 22 04:00:00 web1 audispd: " + RECORD, Format.AUDIT),
        (b"Nov 22 04:00:00 web1 kernel: audit: type=1300 audit(1700000000.123:42): a=1", Format.AUDIT),
        (b"some other line\n" + RECORD, Format.AUDIT),
        (b'{"event": {"original": "type=SYSCALL msg=audit(1.2:3): "}}', Format.NDJSON),
        (b"[PH_X]:[hostName]=web1", Format.FORTISIEM),
        (b"garbage\n[PH_X]:[hostName]=web1", Format.FORTISIEM),
        (b"<14>Mar 27 14:02:28 web1 phPerfMonitor[3740]: [PH_X]:[hostName]=web1", Format.FORTISIEM),
        (b"<14>1 2026-11-22T10:00:00Z web1 app 99 - - [PH_X]: [hostName]=web1", Format.FORTISIEM),
        (b"[PH_X]:[rawEventMsg]=" + RECORD, Format.FORTISIEM),
        (RECORD + b' a0="[A]:[b]=c"', Format.AUDIT),
        (b"Nov 22 04:00:00 web1 audispd: " + RECORD + b" a0=[A]:[b]=c", Format.AUDIT),
        (b"some prose [A]:[b]=c", None),
        (b'{"eventType": "X", "hostName": "web1"}', Format.FORTISIEM),
        (b'{"Event Type": "X", "Reporting IP": "10.0.0.1"}', Format.FORTISIEM),
        (b'{"attributes": {"eventType": "X", "user": "root"}}', Format.FORTISIEM),
        (b'{"events": [{"eventType": "X", "phRecvTime": 1}]}', Format.FORTISIEM),
        (b'{"eventType": "X", "rawEventMsg": "' + RECORD.replace(b'"', b"'") + b'"}', Format.FORTISIEM),
        (b'{"eventType": "X", "user": "root", "@timestamp": "2026"}', Format.NDJSON),
        (b'{"eventType": "X", "user": "root", "host.name": "web1"}', Format.NDJSON),
        (b'{"eventType": "X", "detail": {}}', Format.NDJSON),
        (b'{"user": "root", "action": "x", "status": "y"}', Format.NDJSON),
        (b'{"message": "[PH_X]:[hostName]=web1"}', Format.NDJSON),
        (b'[{"message": "[PH_X]:[hostName]=web1"}]', Format.JSON),
        (b"phRecvTime,eventType,hostName\n1,X,web1", Format.CSV),
        (b'"Event Receive Time","Event Type","Host Name"', Format.CSV),
        (b"user,action,status\nroot,x,y", None),
        (b"@timestamp,eventType,user", None),
        (b"hello\nworld", None),
        (b"\0\1\2", None),
        (b'"text"', None),
        (b"3", None),
    ],
)
def test_formats(text: bytes, expected: Format | None) -> None:
    assert sniff(text.split(b"\n"), complete=True) is expected


def test_one_good_line_is_enough_for_a_pipe() -> None:
    assert sniff([b'{"a": 1}'], complete=False) is Format.NDJSON
    assert sniff([RECORD], complete=False) is Format.AUDIT


def test_a_first_line_that_shows_nothing_waits_for_more() -> None:
    assert sniff([b"{"], complete=False) is None
    assert sniff([b"garbage"], complete=False) is None
    assert sniff([], complete=True) is None


def test_what_the_user_is_told() -> None:
    assert unknown_format("x", [b"\0ELF"]).code == "binary-input"
    assert unknown_format("x", [b"hello"]).code == "unknown-format"
    assert unknown_format("x", [b"hello"]).hint
