"""``dogwatch convert``: what it writes, and that it never writes half a file or over an input."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click import UsageError
from click.testing import CliRunner
from invocation import EXAMPLES, SHELL, Outcome, process_start, run, write_events, write_rule

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.cli import exits
from dogwatch.cli.main import dogwatch
from dogwatch.cli.target import written_whole


def converted(*arguments: str | Path) -> Outcome:
    """What the command does."""
    words = ["convert", *map(str, arguments)]
    result = CliRunner().invoke(dogwatch, words, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    status = result.return_value
    return Outcome(status if isinstance(status, int) else exits.RAN, result.stdout, result.stderr)


@pytest.mark.parametrize("ending", [".parquet", ".ndjson", ".ndjson.gz", ".jsonl.zst"])
def test_a_scan_of_the_converted_events_finds_the_same(ending: str, tmp_path: Path) -> None:
    output = tmp_path / f"events{ending}"
    outcome = converted(EXAMPLES, "--output", output)
    assert (outcome.status, outcome.out) == (0, "")
    assert "124 events from 8 files" in outcome.err
    found = run("scan", output, "--format", "ndjson")
    expected = run("scan", EXAMPLES, "--format", "ndjson")
    assert found.out == expected.out
    assert expected.documents
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def test_there_and_back(tmp_path: Path) -> None:
    events = write_events(tmp_path / "a.ndjson", process_start(), process_start("bash -i", 1, flag=[1, "x", None]))
    assert converted(events, "--output", tmp_path / "b.parquet").status == 0
    assert converted(tmp_path / "b.parquet", "--output", tmp_path / "c.ndjson").status == 0
    lines = [path.read_text().splitlines() for path in (events, tmp_path / "c.ndjson")]
    assert list(map(json.loads, lines[0])) == list(map(json.loads, lines[1]))


def test_the_columns_are_those_of_the_rules_or_fields_named(tmp_path: Path) -> None:
    events = write_events(tmp_path / "a.ndjson", process_start())
    rule = write_rule(tmp_path / "r.toml", query='process where process.pid == 7 and file.name == "x"')
    own = {"_id", "_index", "_tiebreak", "_partial", "_source"}
    always = {"@timestamp", "host.name", "event.category"}
    converted(events, "--output", tmp_path / "r.parquet", "--rules", rule)
    schema = pq.read_schema(tmp_path / "r.parquet")
    assert set(schema.names) == own | always | {"process.pid", "file.name"}
    assert str(schema.field("process.pid").type) == "int64"
    converted(events, "--output", tmp_path / "f.parquet", "--fields", "user.name, source.ip")
    assert set(pq.read_schema(tmp_path / "f.parquet").names) == own | always | {"user.name", "source.ip"}


def test_a_field_that_there_is_not(tmp_path: Path) -> None:
    outcome = converted(SHELL, "--output", tmp_path / "f.parquet", "--fields", "proces.name")
    assert outcome.status == 2
    assert "unknown-field" in outcome.err
    assert "process.name" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--output", "events.txt"),
        ("--output", "parquet"),
        ("--output", "e.parquet", "--fields", "a", "--rules", "builtin"),
    ],
)
def test_what_makes_no_sense(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as raised:
        converted(SHELL, *arguments)
    assert "--output names no format" in raised.value.message or "both choose" in raised.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_name_cannot_command_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        converted(SHELL, "--output", tmp_path / "a\x1b[2J.txt")
    assert "\\x1b[2J.txt" in raised.value.message


def test_an_input_is_never_written_over(tmp_path: Path) -> None:
    events = write_events(tmp_path / "a.ndjson", process_start())
    before = events.read_bytes()
    (tmp_path / "link.ndjson").symlink_to(events)
    for target in (events, tmp_path / "link.ndjson"):
        outcome = converted(tmp_path, "--output", target)
        assert outcome.status == 2
        assert "was left as it is" in outcome.err
    assert events.read_bytes() == before


def test_what_cannot_be_read_leaves_the_output_as_it_was(tmp_path: Path) -> None:
    output = tmp_path / "out" / "e.parquet"
    output.parent.mkdir()
    output.write_bytes(b"before")
    outcome = converted(tmp_path / "missing.ndjson", "--output", output)
    assert outcome.status == 2
    assert "no-such-file" in outcome.err
    assert output.read_bytes() == b"before"
    assert list(output.parent.iterdir()) == [output]


def test_a_damaged_part_is_told_of_and_the_rest_written(tmp_path: Path) -> None:
    events = write_events(tmp_path / "a.ndjson", process_start())
    with events.open("a") as file:
        file.write("{\n")
    outcome = converted(events, tmp_path / "gone.ndjson", "--output", tmp_path / "e.parquet")
    assert outcome.status == 3
    assert "json-line" in outcome.err
    assert "no-such-file" in outcome.err
    assert pq.read_table(tmp_path / "e.parquet").num_rows == 1


def test_quiet(tmp_path: Path) -> None:
    assert converted(SHELL, "--output", tmp_path / "e.parquet", "--quiet").err == ""


class TestWrittenWhole:
    def test_an_error_leaves_nothing_behind(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"before")

        def fail() -> None:
            with written_whole(path) as file:
                file.write(b"half")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert path.read_bytes() == b"before"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_link_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "file")
        with written_whole(tmp_path / "link") as file:
            file.write(b"all")
        assert (tmp_path / "file").read_bytes() == b"all"
        assert (tmp_path / "link").is_symlink()

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(DogwatchError, match="cannot write"), written_whole(tmp_path / "no" / "file"):
            pass
