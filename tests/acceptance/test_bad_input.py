"""Inputs that are damaged, forged or hostile: one clear message each, the rest still read, no traceback."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from dogwatch.cli.main import dogwatch

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHELL = EXAMPLES / "ncat_reverse_shell_e.a.log"
ALERTS_OF_SHELL = 6
"""Five alerts and an incident."""


@dataclass(frozen=True, slots=True)
class Scan:
    status: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> str:
        return self.err.splitlines()[-1]

    def said(self, code: str) -> str:
        """The one diagnostic with that code: its place and hint too."""
        lines = self.err.splitlines()
        (start,) = [number for number, line in enumerate(lines) if f": {code}: " in line]
        rest = (number for number in range(start + 1, len(lines)) if not lines[number].startswith("  "))
        return "\n".join(lines[start : next(rest, len(lines))])


def scan(*arguments: str | Path, width: int = 200) -> Scan:
    """Scan in process; any exception fails the test that calls."""
    runner = CliRunner(env={"COLUMNS": str(width)})
    result = runner.invoke(dogwatch, ["scan", *map(str, arguments)], standalone_mode=False, catch_exceptions=False)
    assert "Traceback" not in result.output
    return Scan(result.return_value, result.stdout, result.stderr)


def _zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


def _start(command: str, **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-22T02:00:00Z",
        "event": {"category": ["process"], "type": ["start"]},
        "host": {"os": {"type": "linux"}},
        "process": {"name": "nc", "args": command.split(" "), "command_line": command},
        "user": {"name": "alice"},
        **more,
    }


class TestDamagedFiles:
    @pytest.mark.parametrize(
        ("name", "compress"), [("gzip", gzip.compress), ("xz", lzma.compress), ("zstd", _zstd)]
    )
    def test_truncated(self, name: str, compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
        whole = compress(SHELL.read_bytes())
        cut = tmp_path / "cut.log"
        cut.write_bytes(whole[: len(whole) * 3 // 4])
        outcome = scan(cut, SHELL)
        assert outcome.status == 3
        message = outcome.said("damaged-compression")
        assert message.startswith("error: ")
        assert name in message
        assert str(cut) in message
        assert "hint: " in message
        assert len(outcome.documents) >= ALERTS_OF_SHELL
        assert "1 damaged-compression" in outcome.summary

    @pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, _zstd])
    def test_whole_ones_are_read_whatever_their_name(
        self, compress: Callable[[bytes], bytes], tmp_path: Path
    ) -> None:
        path = tmp_path / "log.txt"
        path.write_bytes(compress(SHELL.read_bytes()))
        outcome = scan(path)
        assert outcome.status == 0
        assert len(outcome.documents) == ALERTS_OF_SHELL

    @pytest.mark.parametrize("start", [b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"])
    def test_nothing_but_a_magic_number(self, start: bytes, tmp_path: Path) -> None:
        path = tmp_path / "magic"
        path.write_bytes(start)
        outcome = scan(path)
        assert outcome.status == 2
        assert str(path) in outcome.said("damaged-compression")

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (bytes(range(256)) * 40, "binary-input"),
            (b"\x7fELF" + bytes(9000), "binary-input"),
            (b"\xff\xfe not text, nor an event\n", "unknown-format"),
            (b"just some words\n" * 50, "unknown-format"),
        ],
    )
    def test_what_is_no_log(self, content: bytes, code: str, tmp_path: Path) -> None:
        path = tmp_path / "other"
        path.write_bytes(content)
        alone = scan(path)
        assert alone.status == 2
        assert alone.documents == []
        message = alone.said(code)
        assert str(path) in message
        assert "hint: " in message
        beside = scan(path, SHELL)
        assert beside.status == 3
        assert len(beside.documents) == ALERTS_OF_SHELL
        assert f"1 {code}" in beside.summary

    def test_an_empty_file_is_no_error(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.log"
        path.touch()
        outcome = scan(path)
        assert outcome.status == 0
        assert outcome.said("empty-input").startswith("notice: ")
        assert str(path) in outcome.err

    def test_a_folder_without_events(self, tmp_path: Path) -> None:
        (tmp_path / ".hidden").write_text("{}\n")
        outcome = scan(tmp_path)
        assert outcome.status == 2
        message = outcome.said("empty-folder")
        assert str(tmp_path) in message
        assert "hint: " in message

    @pytest.mark.parametrize("name", ["missing.log", "missing/*.log", "\x1b[2Jmissing"])
    def test_a_missing_file_beside_a_good_one(self, name: str, tmp_path: Path) -> None:
        outcome = scan(tmp_path / name, SHELL)
        assert outcome.status == 3
        assert "hint: " in outcome.said("no-such-file")
        assert "\x1b" not in outcome.err
        assert len(outcome.documents) == ALERTS_OF_SHELL
        assert "1 no-such-file" in outcome.summary


class TestDamagedLines:
    def test_broken_json_costs_its_line_only(self, tmp_path: Path) -> None:
        lines = [
            json.dumps(_start("nc -l 4444", event={"category": "process", "type": "start", "id": str(n)}))
            for n in range(100)
        ]
        lines[56] = lines[56][:-9]
        path = tmp_path / "events.ndjson"
        path.write_text("\n".join(lines))
        outcome = scan(path, "--rule", "linux: netcat", "--rule", "adb961e0")
        assert outcome.status == 0
        message = outcome.said("json-line")
        assert message.startswith("warning: ")
        assert f"{path}:57" in message
        assert outcome.summary.startswith("99 events from 1 file (100 lines)")
        assert "1 json-line" in outcome.summary

    @pytest.mark.parametrize("line", ["[1, 2]", "null", '"text"', "17", "{" * 5000, '{"a": NaN}', "\ufeff{}"])
    def test_what_is_json_but_no_event(self, line: str, tmp_path: Path) -> None:
        path = tmp_path / "events.ndjson"
        good = json.dumps(_start("nc -l 4444"))
        path.write_text(f"{good}\n{line}\n{good}\n")
        outcome = scan(path)
        assert outcome.status == 0
        assert "(3 lines)" in outcome.summary
        assert int(outcome.summary.split(" ")[0]) >= 2

    def test_bytes_that_are_no_utf_8(self, tmp_path: Path) -> None:
        path = tmp_path / "events.ndjson"
        good = json.dumps(_start("nc -l 4444")).encode()
        path.write_bytes(good + b"\n" + good.replace(b"alice", b"\xff\xfe\xc3") + b"\n")
        outcome = scan(path)
        assert outcome.status == 0
        assert outcome.documents
        outcome.out.encode("utf-8")

    def test_events_without_a_time_are_counted(self, tmp_path: Path) -> None:
        path = tmp_path / "events.ndjson"
        timeless = {key: value for key, value in _start("nc -l 4444").items() if key != "@timestamp"}
        path.write_text(json.dumps(timeless) + "\n")
        outcome = scan(path)
        assert outcome.status == 0
        assert "Without @timestamp: 1 event;" in outcome.summary

    def test_values_of_the_wrong_type_are_counted(self, tmp_path: Path) -> None:
        path = tmp_path / "events.ndjson"
        rule = _rule(tmp_path, "destination.port == 4444")
        events = (_start("nc -l 4444", destination={"port": port}) for port in ("http", "4444", 4444))
        path.write_text("".join(json.dumps(each) + "\n" for each in events))
        outcome = scan(path, "--rules", rule)
        assert outcome.status == 0
        assert len(outcome.documents) == 2
        assert "Values that do not fit their field count as missing: destination.port (1)" in outcome.summary

    def test_an_audit_event_without_its_syscall(self, tmp_path: Path) -> None:
        path = tmp_path / "audit.log"
        lines = SHELL.read_text().splitlines(keepends=True)
        first = next(line for line in lines if line.startswith("type=SYSCALL"))
        path.write_text("".join(line for line in lines if line != first))
        outcome = scan(path)
        assert outcome.status == 0
        assert str(path) in outcome.said("audit-incomplete")
        assert len(outcome.documents) == ALERTS_OF_SHELL
        assert "audit-incomplete" in outcome.summary

    def test_lines_that_are_no_audit_records(self, tmp_path: Path) -> None:
        path = tmp_path / "audit.log"
        path.write_bytes(SHELL.read_bytes() + b"type=SYSCALL msg=audit(what): \xff\n\nNov 22 noise\n")
        outcome = scan(path)
        assert outcome.status == 0
        assert f"{path}:88" in outcome.err
        assert len(outcome.documents) == ALERTS_OF_SHELL


class TestForgeries:
    def test_audit_text_within_an_argument_is_an_argument(self, tmp_path: Path) -> None:
        forged = 'x\ntype=SYSCALL msg=audit(1795313292.700:99999): syscall=59 success=yes comm="nc" exe="/bin/nc"'
        coded = forged.encode().hex().upper()
        path = tmp_path / "audit.log"
        path.write_text(
            "type=SYSCALL msg=audit(1795313292.659:1): arch=c000003e syscall=59 success=yes exit=0 items=0 ppid=1"
            ' pid=2 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm="echo"'
            ' exe="/bin/echo" key=(null)\n'
            f'type=EXECVE msg=audit(1795313292.659:1): argc=2 a0="echo" a1={coded}\n'
            f"type=PROCTITLE msg=audit(1795313292.659:1): proctitle={b'echo'.hex().upper()}00{coded}\n"
        )
        outcome = scan(path)
        assert outcome.status == 0
        assert outcome.documents == []
        assert outcome.summary.startswith("1 event from 1 file (3 lines)")

    @pytest.mark.parametrize(
        ("typed", "shown"),
        [
            ("nc \x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
            ("nc [red]markup[/red]", "[red]markup[/red]"),
            ("nc :skull: {0} %s", ":skull: {0} %s"),
            ("nc \u202etxt.exe", r"\u202etxt.exe"),
            ("nc a\r\nforged\tline", r"a\r\nforged\tline"),
        ],
    )
    def test_a_table_shows_what_was_typed_as_text(self, typed: str, shown: str, tmp_path: Path) -> None:
        path = tmp_path / "events.ndjson"
        path.write_text(json.dumps(_start(typed)) + "\n")
        outcome = scan(path, "--format", "table", "--any-index", "--rules", _rule(tmp_path), width=240)
        assert shown in outcome.out
        assert not set("\x1b\x07\r\t\u202e") & set(outcome.out + outcome.err)

    def test_csv_and_ndjson_keep_one_line_a_detection(self, tmp_path: Path) -> None:
        path = tmp_path / "events.ndjson"
        hostile = _start("nc\n{}\r\n", user={"name": "=cmd|'/c calc'!A1\nx"})
        path.write_text(json.dumps(hostile) + "\n")
        rule = _rule(tmp_path)
        assert len(scan(path, "--rules", rule).documents) == 1
        rows = scan(path, "--rules", rule, "--format", "csv").out.splitlines()
        assert len(rows) == 2
        assert "'=cmd" in rows[1]


class TestBadRules:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("[rule\n", "toml-syntax"),
            ("", "not-a-rule"),
            ("\x00\x01", "toml-syntax"),
        ],
    )
    def test_a_rule_file_with_an_error(self, text: str, code: str, tmp_path: Path) -> None:
        bad = tmp_path / "bad.toml"
        bad.write_text(text)
        outcome = scan(SHELL, "--rules", bad, "--rules", "builtin")
        assert outcome.status == 3
        assert str(bad) in outcome.err
        assert code in outcome.err
        assert len(outcome.documents) == ALERTS_OF_SHELL

    def test_a_query_with_an_error_points_at_it(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.toml"
        bad.write_text(_rule(tmp_path).read_text().replace("where true", 'where process.name == "nc" and )'))
        outcome = scan(SHELL, "--rules", bad, "--rules", "builtin")
        assert outcome.status == 3
        message = outcome.said("eql-syntax")
        assert f"{bad}:12:40" in message
        assert message.splitlines()[3].strip() == "^"
        assert len(outcome.documents) == ALERTS_OF_SHELL

    @pytest.mark.parametrize(
        "xml",
        [
            "<Rule",
            "<Rules></Rules>",
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Rules>&a;</Rules>',
            "not xml",
        ],
    )
    def test_a_fortisiem_file_with_an_error(self, xml: str, tmp_path: Path) -> None:
        bad = tmp_path / "bad.xml"
        bad.write_text(xml)
        outcome = scan(SHELL, "--rules", bad, "--rules", "builtin")
        assert outcome.status == 3
        assert "root:" not in outcome.err
        assert str(bad) in outcome.err
        assert len(outcome.documents) == ALERTS_OF_SHELL


def _rule(folder: Path, condition: str = "true") -> Path:
    path = folder / "rule.toml"
    path.write_text(
        f"""[rule]
rule_id = "any-process"
version = 1
name = "Any"
description = "Any process."
author = ["A tester"]
severity = "low"
risk_score = 1
type = "eql"
language = "eql"
query = '''
process where {condition}
'''
"""
    )
    return path
