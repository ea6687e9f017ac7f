"""What a scan says of rules whose data streams no event belongs to, and alerts as Parquet."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from invocation import EXAMPLES, PROGRAM, SHELL, environment, process_start, run, write_events, write_rule


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Five rules that name patterns, and one that names none."""
    folder = tmp_path / "rules"
    folder.mkdir()
    patterns = [
        '["logs-a-*"]',
        '["logs-a-*", "logs-b-*,logs-c-*"]',
        '["logs-a-*", "-logs-a-x"]',
        '["eu:logs-d-*"]',
        '["logs-\\u001b[2Jevil-*"]',
    ]
    for number, index in enumerate(patterns):
        name = f"00000000-0000-4000-8000-00000000000{number}"
        write_rule(folder / f"{number}.toml", rule_id=name, more=f"index = {index}")
    write_rule(folder / "any.toml", rule_id="00000000-0000-4000-8000-000000000009")
    return folder


def test_one_notice_counts_rules_by_pattern(corpus: Path, tmp_path: Path) -> None:
    events = write_events(tmp_path / "e.ndjson", process_start())
    outcome = run("scan", events, "--rules", corpus, "--index", "other")
    assert outcome.err.count("rule-not-offered") == 1
    assert "5 rules saw no event" in outcome.err
    assert "`logs-a-*` (3)" in outcome.err
    assert "and 2 other patterns" in outcome.err
    assert "--any-index" in outcome.err
    assert "--explain-fields lists the patterns" in outcome.err
    assert len(outcome.documents) == 1


def test_all_patterns_on_demand(corpus: Path, tmp_path: Path) -> None:
    events = write_events(tmp_path / "e.ndjson", process_start())
    outcome = run("scan", events, "--rules", corpus, "--index", "other", "--explain-fields")
    listed = [line.split("  ") for line in outcome.err.splitlines() if line.startswith("  ") and "-*" in line]
    assert {each[1]: each[2] for each in listed if len(each) > 2} == {
        "logs-a-*": "3 rules",
        "logs-b-*": "1 rule",
        "logs-c-*": "1 rule",
        "eu:logs-d-*": "1 rule",
        "logs-\\x1b[2Jevil-*": "1 rule",
    }
    assert "\x1b" not in outcome.err


def test_a_rule_that_saw_events_is_not_told_of(corpus: Path, tmp_path: Path) -> None:
    events = write_events(tmp_path / "e.ndjson", process_start())
    outcome = run("scan", events, "--rules", corpus, "--index", "logs-a-x")
    assert "3 rules saw no event" in outcome.err
    assert "rule-not-offered" not in run("scan", events, "--rules", corpus, "--any-index").err


class TestParquetAlerts:
    def test_columns_and_documents(self, tmp_path: Path) -> None:
        output = tmp_path / "alerts.parquet"
        outcome = run("scan", EXAMPLES, "--format", "parquet", "--output", output)
        assert (outcome.status, outcome.out) == (0, "")
        table = pq.read_table(output)
        expected = run("scan", EXAMPLES, "--format", "ndjson").documents
        assert [json.loads(str(text)) for text in table["_source"].to_pylist()] == expected
        assert table["uuid"].to_pylist() == [each["kibana.alert.uuid"] for each in expected]
        assert set(table["kind"].to_pylist()) == {"alert", "incident"}
        assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]"
        assert table["time"].null_count == 0
        incidents = [row for row in table.drop(["time"]).to_pylist() if row["kind"] == "incident"]
        assert incidents
        assert all(row["title"] and row["count"] and row["attributes"] for row in incidents)

    def test_nothing_found_is_a_file_without_rows(self, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "r.toml", query='process where process.name == "nothing"')
        run("scan", SHELL, "--rules", rule, "--format", "parquet", "--output", tmp_path / "a.parquet")
        assert pq.read_table(tmp_path / "a.parquet").num_rows == 0

    def test_hostile_texts_are_kept_as_data(self, tmp_path: Path) -> None:
        events = write_events(tmp_path / "e.ndjson", process_start("nc \x1b[2J =cmd()"))
        rule = write_rule(tmp_path / "r.toml")
        run("scan", events, "--rules", rule, "--format", "parquet", "--output", tmp_path / "a.parquet")
        (row,) = pq.read_table(tmp_path / "a.parquet", columns=["happened", "rule"]).to_pylist()
        assert row == {"happened": "nc \x1b[2J =cmd()", "rule": "Test high"}

    def test_a_terminal_is_spared(self) -> None:
        main, terminal = pty.openpty()
        try:
            command = [*PROGRAM, "scan", SHELL, "--format", "parquet"]
            done = subprocess.run(
                command, stdout=terminal, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False
            )
        finally:
            os.close(terminal)
            os.close(main)
        assert done.returncode == 2
        assert b"--output" in done.stderr
