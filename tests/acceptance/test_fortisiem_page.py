"""The page for users of FortiSIEM shows what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dogwatch.cli.main import dogwatch

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "fortisiem" / "examples"
PAGE = (ROOT / "docs" / "fortisiem" / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    command
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for command in block.splitlines()
    if command.startswith("dogwatch ")
]


def run(command: str, *options: str) -> Result:
    arguments = [*shlex.split(command)[1:], *options]
    return CliRunner(env={"COLUMNS": "100"}).invoke(
        dogwatch, arguments, standalone_mode=False, catch_exceptions=False
    )


def test_the_first_scan_prints_what_the_page_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES)
    (shown,) = re.findall(r"^```\n(2026-.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    printed = run(COMMANDS[1], "--format", "table").stdout
    assert [line.rstrip() for line in printed.splitlines()] == shown.splitlines()


def test_every_command_of_the_page_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a copy of the examples, one after the other, as somebody who follows the page would."""
    for source in EXAMPLES.rglob("*"):
        target = tmp_path / source.relative_to(EXAMPLES)
        if source.is_dir():
            target.mkdir()
        else:
            target.write_bytes(source.read_bytes())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.log").write_bytes((tmp_path / "fortisiem" / "events.log").read_bytes())
    named = {"events.csv": "fortisiem/events.log", "rules.xml": "fortisiem/service_stays_down.xml"}
    assert len(COMMANDS) > 8
    prefix = ""
    for command in COMMANDS:
        for name, stand_in in named.items():
            command = re.sub(rf"(?<= ){re.escape(name)}\b", stand_in, command)
        command = command.replace("4f1c", prefix) if prefix else command
        result = run(command)
        assert result.return_value == 0, (command, result.stdout, result.stderr)
        if " list " in command:
            prefix = re.findall(r'"fortisiem.incident.id":"([0-9a-f]{12})', result.stdout)[0]
