"""What ``scan --profile`` and ``rules plan`` show."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from invocation import SHELL, run, write_rule
from rich.cells import cell_len
from rich.console import RenderableType

from dogwatch.cli.formats.table import screen
from dogwatch.cli.profile import LeafCost, Profile, RuleCost, duration, records, tables
from dogwatch.engine.profile import Cost

HOSTILE = "\x1b[2J[red]evil\u202e\n=cmd()"
MADE_UP = Profile(
    (
        RuleCost("quick@1", "Quick", Cost(10, 1, 1_000_000)),
        RuleCost("slow@12", f"Slow {HOSTILE}" + "x" * 300, Cost(1_234_567, 0, 3_000_000_000)),
    ),
    (
        LeafCost(f"process.name like {HOSTILE}" + "y" * 5000, ("process.name",), 7, Cost(1_000_000, 5, 2_000, 12)),
        LeafCost("process.pid == 7", ("process.pid",), 1, Cost(5, 5, 9_000_000, 0)),
    ),
)


def printed(what: RenderableType, width: int) -> str:
    """What a file of this width gets."""
    stream = io.StringIO()
    screen(stream, width).print(what)
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_costliest_come_first_and_fit(width: int) -> None:
    shown = printed(tables(MADE_UP, width), width)
    assert shown.index("Slow") < shown.index("Quick")
    assert shown.index("process.pid") < shown.index("process.name like")
    if width > 40:
        assert max(map(cell_len, shown.splitlines())) <= width
        assert "100.0%" in shown
        assert "3.000 s" in shown
        assert "v12" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_nothing_asked_costs_nothing() -> None:
    assert "Nothing was asked" in printed(tables(Profile((), ()), 80), 80)


def test_records_are_all_of_it() -> None:
    rows = list(records(MADE_UP))
    assert [row["kind"] for row in rows] == ["rule", "rule", "leaf", "leaf"]
    assert rows[0] | {"name": ""} == {
        "kind": "rule",
        "rule": "slow@12",
        "name": "",
        "nanoseconds": 3_000_000_000,
        "asked": 1_234_567,
        "matched": 0,
    }
    assert (rows[3]["fields"], rows[3]["rules"], rows[3]["decided"]) == (["process.name"], 7, 12)


@pytest.mark.parametrize(
    ("nanoseconds", "expected"), [(0, "0.0 ms"), (999_999_999, "1000.0 ms"), (10**9, "1.000 s")]
)
def test_durations(nanoseconds: int, expected: str) -> None:
    assert duration(nanoseconds) == expected


class TestScan:
    def test_a_scan_tells_what_its_rules_cost(self, tmp_path: Path) -> None:
        output = tmp_path / "costs.ndjson"
        outcome = run("scan", SHELL, "--format", "ndjson", "--profile", "--profile-output", output)
        assert outcome.status == 0
        assert "costliest rules" in outcome.err
        assert "costliest conditions" in outcome.err
        assert "costliest" not in outcome.out
        rows = [json.loads(line) for line in output.read_text().splitlines()]
        names = {row["name"] for row in rows if row["kind"] == "rule"}
        assert "Netcat Network Activity" in names
        assert any(row["kind"] == "leaf" and "process.name" in row["fields"] for row in rows)
        assert sum(row["asked"] for row in rows) > 0

    def test_without_asking_there_is_none(self) -> None:
        assert "costliest" not in run("scan", SHELL).err

    def test_the_file_is_not_an_input(self) -> None:
        before = Path(SHELL).read_bytes()
        outcome = run("scan", SHELL, "--profile-output", SHELL)
        assert outcome.status == 2
        assert Path(SHELL).read_bytes() == before

    @pytest.mark.parametrize("workers", ["0", "-1", "many", "1000000", "1.5"])
    def test_workers_that_make_no_sense(self, workers: str) -> None:
        outcome = run("scan", SHELL, "--workers", workers)
        assert outcome.status == 2
        assert "--workers" in outcome.err

    def test_workers_change_nothing(self) -> None:
        assert run("scan", SHELL, "--workers", "2").out == run("scan", SHELL, "--workers", "1").out


class TestPlan:
    def test_totals_and_what_is_shared(self, tmp_path: Path) -> None:
        for number in range(3):
            write_rule(
                tmp_path / f"{number}.toml",
                rule_id=f"00000000-0000-4000-8000-00000000000{number}",
                query=f'process where process.name == "nc" and user.name == "user{number}"',
            )
        totals, *leaves = run("rules", "plan", "--rules", tmp_path, "--format", "ndjson").documents
        # The category and the process's name, which all have, and three users.
        assert totals == {
            "kind": "totals",
            "rules": 3,
            "predicates": 3,
            "leaves": 9,
            "distinct_leaves": 5,
            "fields": 3,
        }
        assert sorted((leaf["rules"], leaf["fields"][0]) for leaf in leaves) == [
            *[(1, "user.name")] * 3,
            (3, "event.category"),
            (3, "process.name"),
        ]
        assert {leaf["members"] for leaf in leaves if leaf["fields"] == ["user.name"]} == {3}

    def test_one_rule_of_many(self, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "a.toml", query='process where process.name == "nc"')
        write_rule(tmp_path / "b.toml", rule_id="00000000-0000-4000-8000-000000000009")
        name = "00000000-0000-4000-8000-000000000009"
        totals = run("rules", "plan", "--rules", tmp_path, "--rule", name, "--format", "ndjson").documents[0]
        assert rule.exists()
        assert totals["rules"] == 1
        assert run("rules", "plan", "--rule", "no such rule").status == 2

    @pytest.mark.parametrize("width", [80, 120])
    def test_tables_fit(self, width: int) -> None:
        outcome = run("rules", "plan", "--format", "table", width=width)
        assert outcome.status == 0
        assert "6 rules" in outcome.out
        assert "decided together" in outcome.out
        assert max(map(cell_len, outcome.out.splitlines())) <= width

    def test_a_costly_rule_is_named(self, tmp_path: Path) -> None:
        words = ", ".join(f'"*{number:05d}?*{number}*"' for number in range(6000))
        write_rule(tmp_path / "a.toml", query=f"process where process.command_line : ({words})")
        outcome = run("rules", "plan", "--rules", tmp_path, "--format", "ndjson")
        assert "rule-heavy" in outcome.err
        assert "Test high" in outcome.err
