"""What is kept between runs changes no answer, and a command imports only what it needs."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dogwatch.cli.main import dogwatch

COMMAND = "from dogwatch.cli.main import main; main()"
EVENTS = [
    {
        "@timestamp": f"2026-01-01T00:00:0{number}Z",
        "event": {"category": "process", "type": "start"},
        "process": {"name": name, "args": [name, "-lvp"], "entity_id": str(number)},
    }
    for number, name in enumerate(["nc", "bash", "socat"])
]
RULE = """\
[rule]
rule_id = "{rule_id}"
name = "{rule_id}"
version = 1
description = "d"
type = "eql"
query = 'process where process.name == "{name}" and nosuch.field == null'
severity = "low"
risk_score = 1
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "events.ndjson").write_text("".join(json.dumps(each) + "\n" for each in EVENTS))
    rules = tmp_path / "rules"
    rules.mkdir()
    for name in ("nc", "socat", "none"):
        (rules / f"{name}.toml").write_text(RULE.format(rule_id=name, name=name))
    (rules / "broken.toml").write_text(RULE.format(rule_id="broken", name="x").replace("==", "=") + "[rule\n")
    (rules / "query.toml").write_text(RULE.format(rule_id="query", name="x").replace("where", "when"))
    return tmp_path


Outcome = tuple[int, str, str]
Run = Callable[..., Outcome]
ARGUMENTS = [
    "scan",
    "events.ndjson",
    "--rules",
    "rules",
    "--rules",
    "builtin",
    "--now",
    "2026-01-02",
    "--workers",
    "1",
]


@pytest.fixture
def scan(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command with a folder for what it keeps: its exit status, and what it says."""
    monkeypatch.chdir(home)

    def run(kept: Path | str, *more: str) -> Outcome:
        monkeypatch.setenv("DOGWATCH_CACHE_DIR", str(kept))
        status = dogwatch.main([*ARGUMENTS, *more], prog_name="dogwatch", standalone_mode=False)
        sys.stdout.flush()
        return (status, *capfd.readouterr())

    return run


def environment(kept: str) -> Mapping[str, str]:
    return {**os.environ, "DOGWATCH_CACHE_DIR": kept}


def loaded(code: str, kept: str) -> set[str]:
    """The modules that a process has imported after it ran some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        env=environment(kept),
        capture_output=True,
        check=True,
        text=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_a_second_scan_says_what_the_first_said(home: Path, scan: Run) -> None:
    without = scan("")
    assert without[0] == 3
    assert without[1].count("\n") >= 2
    assert "toml-syntax" in without[2]
    assert "unknown-field" in without[2]
    kept = home / "kept"
    assert scan(kept) == without
    files = {each.name.partition("-")[0] for each in kept.iterdir()}
    assert files >= {"rules", "lowered"}
    assert all(not stat.S_IMODE(each.stat().st_mode) & 0o077 for each in (kept, *kept.iterdir()))
    assert scan(kept) == without
    assert scan(kept, "--rule", "nc") == scan("", "--rule", "nc")


def test_two_scans_at_once_say_the_same(home: Path, scan: Run) -> None:
    without = scan("")
    both = [
        subprocess.Popen(
            [sys.executable, "-c", COMMAND, *ARGUMENTS],
            cwd=home,
            env=environment(str(home / "kept")),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for each in both:
        out, err = each.communicate()
        assert (each.returncode, out, err) == without
    assert scan(home / "kept") == without


def test_what_somebody_did_to_the_folder_changes_no_answer(home: Path, scan: Run) -> None:
    kept = home / "kept"
    without = scan("")
    scan(kept)
    for number, path in enumerate(sorted(kept.iterdir())):
        path.write_bytes([b"", os.urandom(5000), path.read_bytes()[:-7]][number % 3])
    assert scan(kept) == without
    for path in kept.iterdir():
        path.chmod(0o666)
    assert scan(kept) == without
    kept.chmod(0o777)
    assert scan(kept) == without
    (home / "file").write_text("")
    assert scan(home / "file") == without


def test_a_changed_rule_counts_at_once(home: Path, scan: Run) -> None:
    kept = home / "kept"
    before = scan(kept)
    (home / "rules/none.toml").write_text(RULE.format(rule_id="none", name="bash"))
    after = scan(kept)
    assert after != before
    assert after == scan("")
    (home / "rules/none.toml").unlink()
    assert scan(kept) == scan("")


def test_help_imports_no_engine() -> None:
    code = "from dogwatch.cli.main import dogwatch\ndogwatch.main(['--help'], standalone_mode=False)"
    heavy = {"numpy", "pyarrow", "duckdb", "msgspec", "rich", "sqlalchemy", "dogwatch.detect", "dogwatch.rules"}
    assert not loaded(code, "") & heavy


def test_kept_rules_need_no_parser(home: Path) -> None:
    code = f"from dogwatch.rules.ruleset import load_rules\nassert load_rules({str(home / 'rules')!r}).rules"
    parsers = {"tomllib", "dogwatch.rules.loaders.elastic_toml", "dogwatch.rules.loaders.toml_places"}
    kept = str(home / "kept")
    assert parsers <= loaded(code, kept)
    assert not loaded(code, kept) & parsers
    lowering = {"dogwatch.detect.readiness", "dogwatch.rules.logic"}
    code += (
        "\nfrom dogwatch.detect.compiled import compile_rules"
        "\nfrom dogwatch.schema.schema import Schema"
        f"\nassert compile_rules(load_rules({str(home / 'rules')!r}), Schema.ecs()).rules"
    )
    assert lowering <= loaded(code, kept)
    assert not loaded(code, kept) & (lowering | parsers)


def test_a_repeated_scan_imports_only_what_it_needs(home: Path) -> None:
    arguments = [*ARGUMENTS, "--format", "ndjson"]
    arguments[1], arguments[3] = str(home / "events.ndjson"), str(home / "rules")
    # The library holds rules of FortiSIEM's.
    del arguments[4:6]
    code = f"from dogwatch.cli.main import dogwatch\ndogwatch.main({arguments!r}, standalone_mode=False)"
    kept = str(home / "kept")
    loading = {"tomllib", "dogwatch.detect.readiness"}
    assert loading <= loaded(code, kept)
    others = {"importlib.metadata", "lxml", "prompt_toolkit", "pyarrow.parquet", "rich.console", "rich.text"}
    others |= {"sqlalchemy", "yaml"}
    ours = {
        f"dogwatch.{name}"
        for name in (
            "cli.formats.table",
            "cli.profile",
            "detect.correlation",
            "detect.incident",
            "detect.search",
            "engine.aggregate",
            "engine.composite",
            "events.linux_audit.normalise",
            "events.readers.audit_log",
            "rules.resources.load",
        )
    }
    assert loaded(code, kept) & (loading | others | ours) == set()


def test_tables_and_resources_are_imported_where_they_are_needed(home: Path) -> None:
    events = str(home / "events.ndjson")
    code = "from dogwatch.cli.main import dogwatch\ndogwatch.main(['scan', {!r}, *{!r}], standalone_mode=False)"
    assert "rich.console" in loaded(code.format(events, ["--format", "table"]), "")
    assert "dogwatch.rules.resources.load" in loaded(code.format(events, []), "")
