"""The ``dogwatch`` command as a process: help, start, and how it ends when others end first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from invocation import EXAMPLES, PROGRAM, SHELL, environment, run

from dogwatch.cli import exits

COMMANDS = ("scan", "search", "rules", "alerts", "incidents")


def _ended(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, env=environment(**more), timeout=60, check=False
    )


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command(option: str) -> None:
    outcome = run(option)
    assert outcome.status == 0
    assert outcome.err == ""
    for command in COMMANDS:
        assert f"\n  {command} " in outcome.out


@pytest.mark.parametrize("command", [*COMMANDS, "rules show", "alerts list", "incidents show"])
def test_every_command_has_help(command: str) -> None:
    outcome = run(*command.split(), "-h", width=60)
    assert outcome.status == 0
    assert outcome.out.startswith(f"Usage: dogwatch {command}")


def test_short_help_is_the_command_s_own() -> None:
    shown = " ".join(run("--help").out.split())
    for command in COMMANDS:
        first = run(command, "--help", width=200).out.split("\n\n")[1]
        assert f"{command} {' '.join(first.split())}" in shown


@pytest.mark.parametrize("command", ["scan", "search"])
def test_examples_are_on_lines_of_their_own(command: str) -> None:
    shown = run(command, "--help").out
    assert "\\b" not in shown
    assert f"\n  Examples:\n    dogwatch {command} " in shown


def test_version() -> None:
    assert run("--version").out.split()[0] == "dogwatch"


@pytest.mark.parametrize("arguments", [(), ("no-such-command",), ("--no-such-option",), ("rules", "no-such")])
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    ended = _ended(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "Usage: dogwatch" in ended.stderr


def test_help_imports_neither_columns_nor_databases() -> None:
    program = (
        "import sys; from dogwatch.cli.main import dogwatch; dogwatch.main(['--help'], standalone_mode=False);"
        "heavy = {'pyarrow', 'numpy', 'sqlalchemy', 'hyperscan', 'rich', 'lxml'} & set(sys.modules);"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr


class TestStatusOfTheProcess:
    def test_what_a_command_returns(self, tmp_path: Path) -> None:
        missing = str(tmp_path / "missing")
        assert _ended("scan", SHELL, "-q").returncode == 0
        assert _ended("scan", SHELL, missing, "-q", "--fail-on", "medium").returncode == 1
        assert _ended("scan", SHELL, "--from", "soon").returncode == 2
        assert _ended("scan", SHELL, missing, "-q", "--fail-on", "high").returncode == 3


def test_everything_in_the_folder_of_recordings_is_read() -> None:
    """``make run`` scans the folder as it is: what is no recording does not belong there."""
    outcome = run("scan", EXAMPLES)
    assert outcome.status == exits.RAN, outcome.err
    assert len(outcome.documents) > 0
    assert "error" not in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("rules", "list"),
        ("rules", "show", "PH_Rule_TH_Linux_23"),
        ("search", "eql", "any where true", SHELL),
        ("scan", "-q", str(EXAMPLES)),
        ("scan", "-q", str(EXAMPLES), "--format", "table"),
    ],
)
def test_a_reader_that_goes_away_is_no_error(arguments: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(60) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [("rules", "list"), ("scan", "-q", SHELL), ("--help",)])
def test_a_full_disk_is_told(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*PROGRAM, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert "No space left" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_the_shell_s_script(self, shell: str) -> None:
        if shell == "bash" and not Path("/bin/bash").exists():
            pytest.skip("click asks bash for its version, and there is none here")
        program = "import sys; sys.argv[0] = 'dogwatch'; from dogwatch.cli.main import main; main()"
        ended = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            env=environment(_DOGWATCH_COMPLETE=f"{shell}_source"),
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0
        assert "_DOGWATCH_COMPLETE=" in ended.stdout
        assert ended.stderr == ""

    @pytest.mark.parametrize(
        ("words", "number", "expected"),
        [
            ("dogwatch sc", "1", {"plain,scan"}),
            ("dogwatch scan --fail", "2", {"plain,--fail-on"}),
            (
                "dogwatch rules ",
                "2",
                {f"plain,{name}" for name in ("list", "show", "plan", "check", "diff", "history", "export")},
            ),
            ("dogwatch search k", "2", {"plain,kql", "plain,kuery"}),
        ],
    )
    def test_words_are_completed(self, words: str, number: str, expected: set[str]) -> None:
        ended = _ended(COMP_WORDS=words, COMP_CWORD=number, _DOGWATCH_COMPLETE="bash_complete")
        assert set(ended.stdout.split()) == expected
