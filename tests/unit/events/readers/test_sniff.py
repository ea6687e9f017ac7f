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
