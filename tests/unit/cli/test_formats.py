"""What the output formats print, above all of text that an attacker chose."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from dogwatch.alerts.model import SEVERITIES, Alert, AlertKind, Detection, Incident, Trigger
from dogwatch.cli.cells import short_times
from dogwatch.cli.formats import FORMATS, Options, writer
from dogwatch.cli.formats.csv import COLUMNS, cell
from dogwatch.cli.summary import happened, summarise, text, texts
from dogwatch.cli.widths import shorten

HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",
    "[red]red[/red] [link=http://evil.example]x[/link] :skull:",
    "=cmd|'/c calc'!A1",
    "\t=1+1",
    "line\r\nforged,line",
    "\u202etxt.exe",
    '"quoted", and <script>alert(1)</script>',
    "日本語👩‍👩‍👧🇩🇪☂️" * 20,
    "\ud800",
    "\x00",
    "a\u0301" * 5000,
    "\u0301" * 5000,
    "x" * 1_000_000,
    "{0} %s {{}} ${HOME} `id`",
]
ANY_TEXT = st.one_of(
    st.sampled_from([each[:9000] for each in HOSTILE]), st.text(st.characters(exclude_categories=()))
)


def _document(command: str = "nc -l 4444", **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-22T12:00:00.000Z",
        "host": {"name": "web-01"},
        "user": {"name": "alice"},
        "process": {"name": "nc", "command_line": command, "args": command.split(" ")},
        "kibana.alert.uuid": "ab12",
        "kibana.alert.rule.rule_id": "netcat",
        "kibana.alert.rule.version": 7,
        "kibana.alert.rule.name": "Netcat Listener",
        "kibana.alert.severity": "high",
        "kibana.alert.risk_score": 73,
        "kibana.alert.reason": "process event with process nc",
    } | more


def _alert(document: dict[str, Any], *blocks: Alert, kind: AlertKind = AlertKind.ALERT) -> Alert:
    return Alert(kind, str(document["kibana.alert.uuid"]), "rule", "same", document, blocks)


def _severe(severity: str, name: str) -> Alert:
    return _alert(_document(f"nc {name}", **{"kibana.alert.severity": severity}))


def _incident(title: str = "Netcat on web", attributes: dict[str, str] | None = None) -> Incident:
    said = attributes or {"hostName": "web-01", "user": "bob"}
    more = {
        "fortisiem.incident.title": title,
        "fortisiem.incident.count": 3,
        "fortisiem.incident.status": "active",
        "fortisiem.incident.last_seen": "2026-11-22T13:14:15.000Z",
        "fortisiem.incident.attributes": said,
    }
    document = {key: value for key, value in _document().items() if key not in ("host", "user", "process")}
    return Incident("cd34", "cd34", "rule", said, (Trigger("t", 0, 0, 0, ()),), document | more)


def _shell() -> Alert:
    blocks = [
        _alert(_document(step, **{"kibana.alert.uuid": f"b{number}"}), kind=AlertKind.BUILDING_BLOCK)
        for number, step in enumerate(["bash -i", "nc 10.0.0.5 4444"])
    ]
    bare = {key: value for key, value in _document().items() if key != "process"}
    return _alert(bare | {"kibana.alert.uuid": "5e"}, *blocks)


def _printed(name: str, *detections: Detection, **options: Any) -> str:
    stream = io.StringIO(newline="")
    writer(name)(iter(detections), stream, Options(**options))
    return stream.getvalue()


def _obeyed(output: str) -> set[str]:
    """Characters that a terminal would act on."""
    return {char for char in output if not char.isprintable() and char not in "\r\n"}


class _Pipe(io.StringIO):
    """Remembers what a reader at its other end could have seen at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = ""

    def flush(self) -> None:
        self.seen = self.getvalue()


@pytest.mark.parametrize("name", ["ndjson", "csv"])
def test_lines_do_not_wait_for_the_next_detection(name: str) -> None:
    pipe = _Pipe()

    def detections() -> Iterator[Detection]:
        for number in range(3):
            yield _alert(_document(**{"kibana.alert.uuid": f"uuid-{number}"}))
            assert f"uuid-{number}" in pipe.seen

    writer(name)(detections(), pipe, Options())


def test_ndjson_is_one_document_a_line() -> None:
    lines = _printed("ndjson", _alert(_document()), _incident()).splitlines()
    assert [json.loads(line) for line in lines] == [_document(), _incident().document]


def test_blocks_come_before_their_shell_when_asked() -> None:
    def uuids(**options: bool) -> list[str]:
        lines = _printed("ndjson", _shell(), **options).splitlines()
        return [json.loads(line)["kibana.alert.uuid"] for line in lines]

    assert uuids() == ["5e"]
    assert uuids(building_blocks=True) == ["b0", "b1", "5e"]


@pytest.mark.parametrize("name", FORMATS)
def test_an_alert_that_only_builds_for_others_is_printed_when_asked(name: str) -> None:
    block = _alert(_document("marker"), kind=AlertKind.BUILDING_BLOCK)
    assert "netcat" not in _printed(name, block).lower()
    assert "netcat" in _printed(name, block, building_blocks=True).lower()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_ndjson_of_hostile_text_is_one_line_of_json(hostile: str) -> None:
    output = _printed("ndjson", _alert(_document(hostile, **{hostile: [hostile]})))
    assert output.count("\n") == 1
    assert not _obeyed(output.replace("\u202e", "").replace("\u200d", "").replace("\u0301", ""))
    document = json.loads(output.encode())
    assert document["process"]["command_line"] == hostile.replace("\ud800", "\ufffd")


def test_csv_has_a_header_and_its_columns() -> None:
    header, row, incident = csv.reader(io.StringIO(_printed("csv", _alert(_document()), _incident())))
    assert tuple(header) == COLUMNS
    assert row == [
        "2026-11-22T12:00:00.000Z",
        "high",
        "73",
        "netcat",
        "7",
        "Netcat Listener",
        "process event with process nc",
        "web-01",
        "alice",
        "nc",
        "ab12",
        *[""] * 4,
    ]
    assert incident[7:9] == ["web-01", "bob"]
    assert incident[11:] == ["Netcat on web", "active", "3", "hostName=web-01; user=bob"]


def test_csv_lines_end_as_the_standard_says() -> None:
    output = _printed("csv", _alert(_document()))
    assert output.count("\r\n") == output.count("\n") == 2
    assert _printed("csv") == ",".join(COLUMNS) + "\r\n"


def test_a_shell_without_a_process_has_that_of_its_first_block() -> None:
    row = list(csv.reader(io.StringIO(_printed("csv", _shell()))))[1]
    assert row[COLUMNS.index("process")] == "nc"


@given(ANY_TEXT)
def test_no_cell_is_a_formula_or_a_command(hostile: str) -> None:
    shown = cell(hostile)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert shown.isprintable()
    stream = io.StringIO(newline="")
    writer("csv")([_alert(_document(host={"name": hostile}))], stream, Options())
    rows = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))
    assert [len(row) for row in rows] == [len(COLUMNS)] * 2
    assert rows[1][COLUMNS.index("host")] == shown


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1", "a=1"),
        ("", ""),
        ("'", "'"),
    ],
)
def test_formulas_are_quoted(given_text: str, shown: str) -> None:
    assert cell(given_text) == shown


def test_a_table_says_what_happened_where_and_by_whom() -> None:
    document = _document(destination={"ip": "10.0.0.5", "port": 4444})
    output = _printed("table", _alert(document), width=140)
    for expected in ("12:00:00", "high", "Netcat Listener v7", "web-01", "alice", "nc -l 4444 → 10.0.0.5:4444"):
        assert expected in output


def test_incidents_have_a_table_of_their_own() -> None:
    output = _printed("table", _alert(_document()), _incident(), width=120)
    assert output.index("what happened") < output.index("attributes")
    for expected in ("13:14:15", "Netcat on web", "hostName=web-01, user=bob", " 3 "):
        assert expected in output


def test_a_sequence_shows_its_steps() -> None:
    output = _printed("table", _shell(), width=160)
    assert "nc: bash -i; nc 10.0.0.5 4444" in output


def test_markup_in_event_text_is_printed_as_it_is() -> None:
    output = _printed("table", _alert(_document("[red]x[/red] [/] :skull: [link=a]")), width=160)
    assert "[red]x[/red] [/] :skull: [link=a]" in output


@pytest.mark.parametrize("width", [40, 80, 100, 200])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_table_fits_and_commands_nothing(hostile: str, width: int) -> None:
    everywhere = {
        "host": {"name": hostile},
        "user": {"name": hostile},
        "kibana.alert.rule.name": hostile,
        "kibana.alert.severity": "low",
        "@timestamp": hostile,
    }
    detections: list[Detection] = [
        _alert(_document(hostile, **everywhere)),
        _incident(hostile, {hostile: hostile}),
        _shell(),
    ]
    output = _printed("table", *detections, width=width, building_blocks=True)
    assert not _obeyed(output)
    assert max(map(cell_len, output.splitlines())) <= width
    assert len(output) < 50_000


def test_without_a_terminal_a_table_is_plain_and_eighty_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    output = _printed("table", _alert(_document("nc " + "x" * 500)), _severe("critical", "y"))
    assert "\x1b" not in output
    assert {cell_len(line) for line in output.splitlines()} == {80}


def test_on_a_terminal_the_severity_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    writer("table")([_severe("critical", "x\x1b[2J")], terminal, Options(width=100))
    assert "\x1b[1;37;41mcritical" in terminal.getvalue()
    assert "\x1b[2J" not in terminal.getvalue()


def test_nothing_detected_is_said() -> None:
    assert _printed("table").strip() == "Nothing was detected."


def test_a_flood_of_slight_alerts_does_not_hide_a_grave_one() -> None:
    flood = [_severe("low", f"flood{number}") for number in range(50)]
    grave = [_severe("critical", "grave"), _severe("high", "second")]
    output = _printed("table", *flood, grave[0], *flood, grave[1], max_rows=5, width=120)
    assert [word for word in output.split() if word.startswith(("flood", "grave", "second"))] == [
        "flood0",
        "flood1",
        "flood2",
        "grave",
        "second",
    ]
    assert "97 more alerts, none more severe than those shown; --format ndjson" in output


def test_incidents_are_capped_too() -> None:
    output = _printed("table", *(_incident(f"number {n}") for n in range(4)), max_rows=3, width=120)
    assert "1 more incident, none" in output
    assert "number 3" not in output


@settings(max_examples=200)
@given(ANY_TEXT, st.integers(1, 60))
def test_shortened_text_fits_its_cells(value: str, cells: int) -> None:
    shown = shorten(value, cells)
    assert cell_len(shown) <= cells
    assert shown.isprintable()
    assert len(shown) <= 3 * cells


def test_shortening_keeps_both_ends() -> None:
    shown = shorten("/usr/bin/python3 " + "-x " * 100 + "http://evil.example", 40)
    assert shown.startswith("/usr/bin/python3")
    assert shown.endswith("//evil.example")
    assert "…" in shown
    assert shorten("short", 5) == "short"


@pytest.mark.parametrize(
    ("times", "title", "shown"),
    [
        (["2026-11-22T02:07:12.823Z"], "2026-11-22\n(UTC)", ["02:07:12"]),
        (["2026-01-01T00:00:00Z", "2026-11-22T02:07:12Z"], "2026\n(UTC)", ["01-01 00:00:00", "11-22 02:07:12"]),
        (["2025-12-31T23:59:59+00:00", "2026-01-01T00:00:00Z"], "time\n(UTC)", None),
        (["2026-11-22T02:07:12+02:00"], "2026-11-22\n(UTC)", ["00:07:12"]),
        (["tea time"], "time\n(UTC)", ["tea time"]),
        ([], "time\n(UTC)", []),
    ],
)
def test_short_times(times: list[str], title: str, shown: list[str] | None) -> None:
    expected = shown if shown is not None else ["2025-12-31 23:59:59", "2026-01-01 00:00:00"]
    assert short_times(times) == (title, expected)


def test_short_times_with_a_fraction() -> None:
    assert short_times(["2026-11-22T02:07:12Z", "2026-11-22T02:07:12.1234567Z"], digits=3)[1] == [
        "02:07:12.000",
        "02:07:12.123",
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"host": {"name": "a"}}, "a"),
        ({"host.name": "a"}, "a"),
        ({"host": [{"name": "a"}, {"name": ["b", None]}]}, "a, b"),
        ({"host": {"name": {"first": "a"}}}, ""),
        ({"host": "a"}, ""),
        ({"host": None}, ""),
        ({}, ""),
    ],
)
def test_fields_are_found_nested_or_dotted(document: dict[str, Any], expected: str) -> None:
    assert text(document, "host.name") == expected


def _nested(levels: int) -> object:
    value: object = "core"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("name", FORMATS)
def test_a_deeply_nested_event_is_printed(name: str) -> None:
    event = _document(process={"name": "nc", "args": _nested(5000)}, user=_nested(5000))
    assert "netcat" in _printed(name, _alert(event), width=120).lower()
    assert texts(event, "process.args") == ["core"]


def test_values_of_every_type_are_texts() -> None:
    assert texts({"a.b": {"c": [1, 2.5, True, None, "x", {"d": 1}]}}, "a.b.c") == ["1", "2.5", "true", "x"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"process": {"name": "nc", "args": ["/bin/nc", "-l"]}}, "/bin/nc -l"),
        ({"process": {"name": "python3", "command_line": "evil -x"}}, "python3: evil -x"),
        ({"process": {"name": "nc"}, "destination": {"ip": "::1", "port": 53}}, "nc → [::1]:53"),
        ({"process": {"executable": "/bin/nc"}, "file": {"path": "/etc/passwd"}}, "/bin/nc → /etc/passwd"),
        ({"dns": {"question": {"name": "evil.example"}}}, "→ evil.example"),
        ({}, ""),
    ],
)
def test_what_happened(event: dict[str, Any], expected: str) -> None:
    assert happened(event) == expected


def test_the_reason_stands_in_for_an_event_that_says_nothing() -> None:
    assert summarise({"kibana.alert.reason": "because"}).happened == "because"


@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_severity_fits_its_column(severity: str) -> None:
    assert severity in _printed("table", _severe(severity, "x"), width=80)
