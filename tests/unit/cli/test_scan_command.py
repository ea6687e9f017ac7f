"""What ``dogwatch scan`` prints, how it ends, and what it says about its inputs and rules."""

from __future__ import annotations

import csv
import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from invocation import (
    BENIGN,
    EXAMPLES,
    NETCAT,
    PROGRAM,
    SHELL,
    environment,
    process_start,
    run,
    write_events,
    write_rule,
)
from rich.cells import cell_len

FORMATS = ("table", "ndjson", "csv")
PROMISED = (
    "@timestamp",
    "kibana.alert.uuid",
    "kibana.alert.rule.rule_id",
    "kibana.alert.rule.version",
    "kibana.alert.rule.name",
    "kibana.alert.severity",
    "kibana.alert.risk_score",
    "kibana.alert.reason",
    "kibana.alert.ancestors",
)


@pytest.fixture
def netcat(tmp_path: Path) -> Path:
    """One event of a netcat and one of a shell."""
    return write_events(tmp_path / "events.ndjson", process_start(), process_start("bash -i", 1))


@pytest.mark.parametrize("format_", FORMATS)
class TestExitStatus:
    def test_it_ran(self, format_: str, netcat: Path) -> None:
        assert run("scan", netcat, "--format", format_).status == 0
        assert run("scan", BENIGN, "--format", format_, "--fail-on", "low").status == 0

    @pytest.mark.parametrize(
        ("severity", "level", "status"),
        [
            ("high", "low", 1),
            ("high", "medium", 1),
            ("high", "high", 1),
            ("high", "critical", 0),
            ("low", "low", 1),
            ("low", "medium", 0),
            ("critical", "critical", 1),
        ],
    )
    def test_fail_on(
        self, format_: str, severity: str, level: str, status: int, netcat: Path, tmp_path: Path
    ) -> None:
        rule = write_rule(tmp_path / "rule.toml", severity=severity)
        assert run("scan", netcat, "--rules", rule, "--fail-on", level, "--format", format_).status == status

    def test_something_left_out(self, format_: str, netcat: Path, tmp_path: Path) -> None:
        missing = tmp_path / "missing.log"
        outcome = run("scan", netcat, missing, "--format", format_)
        assert outcome.status == 3
        assert "no-such-file" in outcome.err
        assert str(missing) in outcome.err

    def test_a_finding_matters_more_than_what_was_left_out(
        self, format_: str, netcat: Path, tmp_path: Path
    ) -> None:
        arguments: list[str | Path] = [
            "scan",
            netcat,
            tmp_path / "missing.log",
            "--format",
            format_,
            "--rules",
            "builtin",
        ]
        assert run(*arguments, "--fail-on", "critical").status == 3
        assert run(*arguments, "--fail-on", "medium").status == 1

    def test_nothing_to_read_matters_most(self, format_: str, tmp_path: Path) -> None:
        assert run("scan", tmp_path / "missing.log", "--format", format_, "--fail-on", "low").status == 2

    def test_no_rule_can_run(self, format_: str, netcat: Path, tmp_path: Path) -> None:
        outcome = run("scan", netcat, "--rules", tmp_path / "nowhere", "--format", format_, "--fail-on", "low")
        assert outcome.status == 2
        assert "rules-not-found" in outcome.err
        assert "no-rules" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("x.log", "--format", "xml"),
        ("x.log", "--fail-on", "dire"),
        ("x.log", "--max-rows", "0"),
        ("x.log", "--no-such-option"),
        ("x.log", "--input-format", "evtx"),
        ("-", "--as-scheduled"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    outcome = run("scan", *arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err


class TestOutput:
    def test_each_line_is_a_document_that_keeps_the_contract(self) -> None:
        documents = run("scan", *sorted(EXAMPLES.glob("*.log")), "--format", "ndjson").documents
        assert len(documents) > 10
        for document in documents:
            assert set(PROMISED) <= set(document)
            assert document["kibana.alert.severity"] in ("low", "medium", "high", "critical")
            assert 0 <= document["kibana.alert.risk_score"] <= 100
            assert document["kibana.alert.ancestors"]
            for ancestor in document["kibana.alert.ancestors"]:
                assert {"id", "index", "type", "depth"} <= set(ancestor)
        assert any("fortisiem.incident.id" in each for each in documents)

    def test_without_a_terminal_it_is_ndjson(self, netcat: Path) -> None:
        assert run("scan", netcat).out == run("scan", netcat, "--format", "ndjson").out

    def test_the_same_input_gives_the_same_ids(self) -> None:
        first, second = ([each["kibana.alert.uuid"] for each in run("scan", SHELL).documents] for _ in range(2))
        assert first == second
        assert len(set(first)) == len(first)

    def test_an_ancestor_names_the_event(self, netcat: Path, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "rule.toml")
        (alert,) = run("scan", netcat, "--rules", rule, "--index", "logs-x-default").documents
        assert alert["kibana.alert.ancestors"] == [
            {"id": "start-0", "index": "logs-x-default", "type": "event", "depth": 0}
        ]

    def test_building_blocks_only_when_asked_for(self) -> None:
        plain = run("scan", SHELL, "--rule", f"{NETCAT}@5").documents
        whole = run("scan", SHELL, "--rule", f"{NETCAT}@5", "--building-blocks").documents
        assert len(plain) == 1
        assert ["kibana.alert.building_block_type" in each for each in whole] == [True, True, False]
        assert whole[2] == plain[0]
        ids = {each["id"] for each in plain[0]["kibana.alert.ancestors"]}
        assert {each["kibana.alert.uuid"] for each in whole[:2]} <= ids

    def test_csv_has_a_header_and_a_row_a_detection(self) -> None:
        rows = list(csv.DictReader(run("scan", SHELL, "--format", "csv").out.splitlines()))
        assert [row["uuid"] for row in rows] == [
            each["kibana.alert.uuid"] for each in run("scan", SHELL).documents
        ]

    @pytest.mark.parametrize("width", [60, 80, 200])
    def test_a_table_fits_the_terminal(self, width: int) -> None:
        outcome = run("scan", *sorted(EXAMPLES.glob("*.log")), "--format", "table", width=width)
        lines = outcome.out.splitlines()
        assert len(lines) > 10
        assert max(map(cell_len, lines)) <= width

    def test_a_table_of_nothing_says_so(self) -> None:
        assert "Nothing was detected." in run("scan", BENIGN, "--format", "table").out

    def test_max_rows(self) -> None:
        whole = run("scan", SHELL, "--format", "table").out
        short = run("scan", SHELL, "--format", "table", "--max-rows", "1").out
        assert len(short.splitlines()) < len(whole.splitlines())
        assert "more" in short

    def test_output_goes_to_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "alerts.ndjson"
        outcome = run("scan", SHELL, "--output", path)
        assert outcome.out == ""
        assert path.read_text() == run("scan", SHELL).out

    def test_output_that_cannot_be_written(self, tmp_path: Path) -> None:
        outcome = run("scan", SHELL, "--output", tmp_path / "no" / "such" / "folder")
        assert outcome.status == 2
        assert "cannot write" in outcome.err

    def test_output_never_overwrites_an_input(self, netcat: Path) -> None:
        before = netcat.read_bytes()
        for path in (netcat, netcat.parent):
            outcome = run("scan", path, "--output", netcat)
            assert outcome.status == 2
            assert "one of the inputs" in outcome.err
        assert netcat.read_bytes() == before

    def test_quiet(self, tmp_path: Path) -> None:
        assert run("scan", SHELL, "-q").err == ""
        assert "no-such-file" in run("scan", SHELL, tmp_path / "missing", "-q").err

    def test_the_summary_counts(self) -> None:
        assert "16 events from 1 file (87 lines); 6 rules; 5 alerts, 1 incident." in run("scan", SHELL).err


class TestRules:
    def test_a_file_a_folder_and_both(self, netcat: Path, tmp_path: Path) -> None:
        folder = tmp_path / "rules"
        folder.mkdir()
        rule = write_rule(folder / "one.toml")
        write_rule(folder / "two.toml", rule_id="two", query='process where process.name == "bash"')
        assert len(run("scan", netcat, "--rules", rule).documents) == 1
        assert len(run("scan", netcat, "--rules", folder).documents) == 2
        both = run("scan", netcat, "--rules", folder, "--rules", rule, "--rules", "builtin")
        assert "8 rules" in both.err
        assert both.status == 0

    def test_a_bad_rule_among_good_ones(self, netcat: Path, tmp_path: Path) -> None:
        folder = tmp_path / "rules"
        folder.mkdir()
        write_rule(folder / "good.toml")
        write_rule(folder / "syntax.toml", rule_id="two", query="process where process.name == ")
        (folder / "toml.toml").write_text("[rule\n")
        outcome = run("scan", netcat, "--rules", folder)
        assert outcome.status == 3
        assert len(outcome.documents) == 1
        assert "eql-syntax" in outcome.err
        assert "syntax.toml:" in outcome.err
        assert "toml-syntax" in outcome.err
        assert run("scan", netcat, "--rules", folder, "--fail-on", "high").status == 1

    def test_one_rule(self) -> None:
        for selector, versions in ((f"{NETCAT}@2", [2]), (NETCAT, [110]), ("linux: netcat", [1])):
            documents = run("scan", SHELL, "--rule", selector).documents
            assert [each["kibana.alert.rule.version"] for each in documents] == versions

    def test_several_rules(self) -> None:
        documents = run("scan", SHELL, "--rule", f"{NETCAT}@5", "--rule", NETCAT).documents
        assert {each["kibana.alert.rule.version"] for each in documents} == {5, 110}

    @pytest.mark.parametrize("selector", ["no such rule", f"{NETCAT}@99", ""])
    def test_no_such_rule(self, selector: str) -> None:
        outcome = run("scan", SHELL, "--rule", selector)
        assert outcome.status == 2
        assert outcome.out == ""
        assert "rule-" in outcome.err


class TestIndex:
    def test_unknown_data_streams_are_offered_to_every_rule_with_a_notice(self, netcat: Path) -> None:
        outcome = run("scan", netcat)
        assert "notice: unknown-index: every rule was offered 2 events whose data stream is unknown" in outcome.err
        assert "--index" in outcome.err
        assert outcome.documents

    def test_a_named_index_decides_which_rules_look(self) -> None:
        outcome = run("scan", SHELL, "--index", "logs-other-default")
        assert [each["kibana.alert.rule.rule_id"] for each in outcome.documents] == ["PH_Rule_TH_Linux_23"]
        assert "notice: rule-not-offered: 5 rules saw no event" in outcome.err
        assert "--any-index" in outcome.err
        assert outcome.status == 0

    def test_any_index_offers_everything(self) -> None:
        outcome = run("scan", SHELL, "--index", "logs-other-default", "--any-index")
        assert len(outcome.documents) == 6
        assert "rule-not-offered" not in outcome.err

    def test_any_index_needs_no_notice(self, netcat: Path) -> None:
        assert "unknown-index" not in run("scan", netcat, "--any-index").err


class TestTime:
    def test_a_stretch_of_time(self, netcat: Path, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "rule.toml", query="process where true")
        arguments: list[str | Path] = ["scan", netcat, "--rules", rule]
        assert len(run(*arguments).documents) == 2
        assert len(run(*arguments, "--from", "2026-11-22T02:00:01Z").documents) == 1
        assert len(run(*arguments, "--from", "2026-11-22", "--to", "2026-11-22T02:00:00.5Z").documents) == 1

    def test_what_lies_outside_is_counted_and_no_rule_is_blamed(self) -> None:
        outcome = run("scan", SHELL, "--from", "2030-01-01")
        assert outcome.documents == []
        assert "16 events lay outside the time asked for" in outcome.err
        assert "rule-not-offered" not in outcome.err

    @pytest.mark.parametrize("option", ["--from", "--to"])
    @pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "now-", "now-5parsecs", ""])
    def test_what_is_no_time(self, option: str, text: str) -> None:
        outcome = run("scan", SHELL, option, text)
        assert outcome.status == 2
        assert outcome.out == ""
        assert option in outcome.err
        assert "now-9m" in outcome.err

    def test_as_scheduled_finds_what_a_plain_scan_finds_here(self) -> None:
        plain, scheduled = (run("scan", SHELL, *more).documents for more in ((), ("--as-scheduled",)))
        assert {each["kibana.alert.uuid"] for each in plain} == {each["kibana.alert.uuid"] for each in scheduled}

    def test_now_is_the_start_of_the_scan_unless_told(self, tmp_path: Path) -> None:
        events = write_events(tmp_path / "events.ndjson", process_start(), process_start("nc -l", 40))
        dates = write_rule(
            tmp_path / "rule.toml", language="kuery", query="process.name: nc and @timestamp > now-30s"
        )
        assert not run("scan", events, "--rules", dates).documents
        (alert,) = run("scan", events, "--rules", dates, "--now", "2026-11-22T02:01:00Z").documents
        assert alert["@timestamp"].startswith("2026-11-22T02:00:40")
        arguments: list[str | Path] = ["scan", events, "--rules", write_rule(tmp_path / "plain.toml")]
        assert len(run(*arguments, "--from", "now-30s", "--now", "2026-11-22T02:01:00Z").documents) == 1
        assert run(*arguments, "--now", "noon").status == 2


class TestOpenWindows:
    @pytest.fixture
    def arguments(self, tmp_path: Path, netcat: Path) -> list[str | Path]:
        query = """sequence by host.name with maxspan=1m
          [process where process.name == "nc"] ![process where process.name == "ls"]"""
        return ["scan", netcat, "--rules", write_rule(tmp_path / "rule.toml", query=query)]

    def test_they_are_reported_and_marked(self, arguments: list[str | Path]) -> None:
        outcome = run(*arguments)
        (alert,) = outcome.documents
        assert alert["dogwatch.sequence.open_until"].startswith("2026-11-22T02:01:00")
        assert "notice: open-window:" in outcome.err
        assert "which are reported and marked" in outcome.err
        assert "open until 2026-11-22T02:01:00" in " ".join(
            run(*arguments, "--format", "table", width=160).out.split()
        )

    def test_or_left_out(self, arguments: list[str | Path]) -> None:
        outcome = run(*arguments, "--open-windows", "omit")
        assert outcome.documents == []
        assert "which are left out" in outcome.err
        assert run(*arguments, "--open-windows", "perhaps").status == 2


def test_a_pipe_of_a_rule_keeps_what_it_says_of_the_whole_scan(netcat: Path, tmp_path: Path) -> None:
    rule = write_rule(tmp_path / "rule.toml", query="process where true | tail 1")
    outcome = run("scan", netcat, "--rules", rule)
    (alert,) = outcome.documents
    assert alert["process"]["name"] == "bash"
    assert "notice: pipe-applied:" in outcome.err
    assert "kept 1 of 2 results" in outcome.err


class TestFieldAwareness:
    @pytest.fixture
    def rules(self, tmp_path: Path) -> Path:
        folder = tmp_path / "rules"
        folder.mkdir()
        queries = {
            "parent": 'process where process.parent.name == "x" and process.pid > 1',
            "parents": 'process where process.parent.name == "y" and dll.name == "z"',
            "hash": 'process where process.hash.md5 == "1" or process.hash.sha1 == "2"',
            "quiet": 'process where process.name == "nothing of the kind"',
            **{name: f'process where dll.{name} == "1"' for name in ("path", "pe.company", "pe.product")},
        }
        for name, query in queries.items():
            write_rule(folder / f"{name}.toml", rule_id=name, query=query)
        return folder

    def test_rules_that_could_not_match_are_told_of_in_few_lines(self, netcat: Path, rules: Path) -> None:
        outcome = run("scan", netcat, "--rules", rules)
        notices = [line for line in outcome.err.splitlines() if "rule-blind" in line]
        assert notices == [
            "notice: rule-blind: 2 rules could not match: no event has `process.parent.name`",
            "notice: rule-blind: 1 rule could not match: no event has `dll.path`",
            "notice: rule-blind: 1 rule could not match: no event has `dll.pe.company`",
            "notice: rule-blind: 2 more rules could not match: their events lack 2 other fields or sets of fields",
        ]
        assert "hint: --explain-fields" in outcome.err
        assert outcome.documents == []
        assert outcome.status == 0

    def test_a_field_that_only_other_data_streams_have_is_told_of_as_such(self, tmp_path: Path) -> None:
        event = {"@timestamp": "2026-11-22T02:00:00Z", "event": {"category": "process"}, "process": {"name": "nc"}}
        documents = [
            {"_index": "logs-b", "_source": event},
            {"_index": "logs-a", "_source": {"event": {"id": "1"}}},
        ]
        events = write_events(tmp_path / "events.ndjson", *documents)
        rule = write_rule(
            tmp_path / "rule.toml", query='any where process.name == "nc"', more='index = ["logs-a"]'
        )
        outcome = run("scan", events, "--rules", rule)
        assert "1 rule could not match: none of their events has `process.name`" in outcome.err

    def test_the_full_list_on_demand(self, netcat: Path, rules: Path) -> None:
        outcome = run("scan", netcat, "--rules", rules, "--explain-fields")
        assert "--explain-fields" not in outcome.err
        assert "no event has `process.hash.md5` or `process.hash.sha1`\n  hash@1  Test high" in outcome.err
        assert (
            "no event has `process.parent.name`\n"
            "  parent@1  Test high\n  parents@1  Test high  (also `dll.name`)\n" in outcome.err
        )
        assert "quiet@1" not in outcome.err
        assert outcome.out == ""

    def test_a_rule_that_could_match_is_not_told_of(self, netcat: Path, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "rule.toml", query='process where process.name == "nothing of the kind"')
        assert "rule-blind" not in run("scan", netcat, "--rules", rule, "--explain-fields").err

    def test_what_gives_a_value_is_named(self, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "rule.toml", query='process where host.name == "web-01"')
        outcome = run("scan", SHELL, "--rules", rule)
        assert "no event has `host.name`\n  hint: --host names the host" in outcome.err
        assert len(run("scan", SHELL, "--rules", rule, "--host", "web-01").documents) > 0

    def test_an_attribute_is_named_as_its_rules_write_it(self, tmp_path: Path) -> None:
        event = {"event": {"category": "process", "type": "start"}}
        events = write_events(tmp_path / "events.ndjson", {"@timestamp": "2026-11-22T02:00:00Z", **event})
        outcome = run("scan", events, "--rule", "linux: netcat")
        assert (
            "1 rule could not match: no event has `procName` (from `process.name`, `process.executable`)"
            in outcome.err
        )

    def test_quiet(self, netcat: Path, rules: Path) -> None:
        assert run("scan", netcat, "--rules", rules, "-q").err == ""


class TestLedger:
    def test_repeats_make_no_copy(self, tmp_path: Path) -> None:
        ledger = tmp_path / "alerts.db"
        assert "Ledger: 0 new, 0 updated, 0 known." in run("scan", BENIGN, "--ledger", ledger).err
        first = run("scan", SHELL, "--ledger", ledger)
        second = run("scan", SHELL, "--ledger", ledger)
        assert "Ledger: 6 new, 0 updated, 0 known." in first.err
        assert "Ledger: 0 new, 0 updated, 6 known." in second.err
        assert first.out == second.out
        assert len(run("alerts", "list", "--ledger", ledger).documents) == 5
        assert len(run("incidents", "list", "--ledger", ledger).documents) == 1

    def test_a_ledger_that_cannot_be_made(self, tmp_path: Path) -> None:
        outcome = run("scan", SHELL, "--ledger", tmp_path / "no" / "alerts.db")
        assert outcome.status == 2
        assert outcome.out == ""
        assert "hint:" in outcome.err

    def test_a_file_that_is_no_ledger_is_left_as_it_is(self, tmp_path: Path) -> None:
        other = tmp_path / "notes.txt"
        other.write_text("my notes\n" * 200)
        outcome = run("scan", SHELL, "--ledger", other)
        assert outcome.status == 2
        assert "not-a-ledger" in outcome.err
        assert other.read_text() == "my notes\n" * 200


@pytest.mark.parametrize(
    ("first", "more", "expected"),
    [
        (Path(SHELL).read_bytes(), (), b'"kibana.alert.uuid"'),
        (json.dumps(process_start()).encode() + b"\n", ("--rule", "linux:"), b'"kibana.alert.uuid"'),
        (json.dumps(process_start()).encode() + b"\n", ("--format", "table"), b"Netcat"),
        (json.dumps(process_start()).encode() + b"\n", ("--format", "csv", "-q"), b"time,severity"),
    ],
    ids=["audit", "ndjson", "table", "csv"],
)
def test_a_pipe_is_followed_and_an_interrupt_ends_it(first: bytes, more: tuple[str, ...], expected: bytes) -> None:
    with _started("scan", "-", *more) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(first)
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], 20)
        assert ready, "nothing arrived while the pipe stayed open"
        assert expected in os.read(process.stdout.fileno(), 65536)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 130
        assert b"interrupted" in errors
        assert b"Traceback" not in errors


def test_a_pipe_that_cannot_apply_is_told_of_once_and_at_the_start(tmp_path: Path) -> None:
    rule = write_rule(tmp_path / "rule.toml", query="process where true | tail 1")
    with _started("scan", "-", "--rules", str(rule)) as process:
        assert process.stderr is not None
        ready, _, _ = select.select([process.stderr], [], [], 20)
        assert ready, "nothing was said before the first event"
        said = process.stderr.readline()
        events = [process_start(), process_start("ls", 1)]
        found, errors = process.communicate(
            "".join(json.dumps(each) + "\n" for each in events).encode(), timeout=20
        )
    assert said.startswith(b"notice: pipe-not-applied:")
    assert b"pipe-not-applied" not in errors
    assert len(found.splitlines()) == 2


def test_progress_is_shown_on_a_terminal_only() -> None:
    assert "reading" not in run("scan", SHELL).err
    ours, theirs = pty.openpty()
    try:
        command = [*PROGRAM, "scan", SHELL]
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env=environment(TERM="xterm"),
            timeout=60,
            check=True,
        )
    finally:
        os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        shown = b"".join(_until_closed(terminal.fileno()))
    assert b"reading" in shown
    assert b"5 alerts" in shown


def _started(*arguments: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*PROGRAM, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env=environment()
    )


def _until_closed(descriptor: int) -> Iterator[bytes]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            block = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the other side of a terminal is closed
            return
        if not block:
            return
        yield block


def test_a_document_survives_the_round_trip(netcat: Path, tmp_path: Path) -> None:
    rule = write_rule(tmp_path / "rule.toml")
    (alert,) = run("scan", netcat, "--rules", rule).documents
    event: dict[str, Any] = process_start()
    assert alert["process"] == event["process"]
    assert alert["host"] == event["host"]


class TestWhatIsWrongWithRules:
    """Of many problems of one kind the first are told, and how many more there are."""

    @pytest.fixture
    def rules(self, tmp_path: Path) -> Path:
        folder = tmp_path / "rules of mine"
        folder.mkdir()
        for number in range(8):
            identity = f"00000000-0000-4000-8000-00000000000{number}"
            query = f'process where process.name == "nc" and acme.field_{number} == null'
            write_rule(folder / f"{number}.toml", rule_id=identity, query=query)
        for number in range(7):
            (folder / f"broken{number}.toml").write_text("[rule\n")
        return folder

    def test_the_first_of_a_kind_are_told(self, netcat: Path, rules: Path) -> None:
        outcome = run("scan", netcat, "--rules", rules, "--format", "ndjson")
        assert outcome.err.count("warning: unknown-field: `acme.field_") == 5
        assert outcome.err.count("error: toml-syntax: ") == 5
        check = f"`dogwatch rules check --all '{rules}'` tells of all"
        assert f"warning: ... and 3 more unknown-field; {check}\n" in outcome.err
        assert f"error: ... and 2 more toml-syntax; {check}\n" in outcome.err
        assert outcome.status == 3
        told = run("rules", "check", "--all", rules)
        assert told.err.count("warning: unknown-field: `acme.field_") == 8
        assert told.err.count("error: toml-syntax: ") == 7

    def test_without_notices_every_error_is_told(self, netcat: Path, rules: Path) -> None:
        outcome = run("scan", netcat, "--rules", rules, "--format", "ndjson", "--quiet")
        assert outcome.err.count("error: toml-syntax: ") == 7
        assert "unknown-field" not in outcome.err
        assert " more " not in outcome.err

    def test_a_few_are_all_told(self, netcat: Path, tmp_path: Path) -> None:
        for number in range(5):
            (tmp_path / f"{number}.toml").write_text("[rule\n")
        outcome = run("scan", netcat, "--rules", tmp_path, "--rules", "builtin")
        assert outcome.err.count("error: toml-syntax: ") == 5
        assert " more " not in outcome.err
