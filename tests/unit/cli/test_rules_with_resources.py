"""``rules check`` and ``rules show --plan`` read FortiSIEM's rules as a scan does."""

from __future__ import annotations

from pathlib import Path

import pytest
from invocation import run

RULES = """\
fortisiem_rules:
  - id: DW_fills
    Name: Fills a watch list
    eventType: PH_RULE_DW_fills
    severity: 5
    window: 60
    SubPattern:
      - name: A
        filter: eventType IN (Group@LOGONS)
        group-by: [user]
        aggregate: COUNT(*) >= 3
    incident: {user: A.user}
    WatchList: {user: Suspects}
  - id: DW_asks
    Name: Asks a watch list
    eventType: PH_RULE_DW_asks
    severity: 5
    window: 60
    SubPattern:
      - name: A
        filter: user IN (Group@Suspects) AND procName = "nc"
        group-by: [user]
        aggregate: COUNT(*) >= 1
    incident: {user: A.user}
    ClearCondition:
      name: Back
      window: 60
      SubPattern:
        - name: B
          filter: procName = "exit"
          group-by: [user]
          aggregate: COUNT(*) >= 1
      incident: {user: B.user}
      ClearConstr: Back.user = PH_RULE_DW_asks.user
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    path = tmp_path / "groups" / "groups.yaml"
    path.parent.mkdir()
    path.write_text("groups:\n  LOGONS: [Login-1, Login-2]\n")
    return path


def test_check_knows_what_files_describe_and_what_rules_fill(rules: Path, groups: Path) -> None:
    alone = run("rules", "check", rules)
    assert alone.status == 0
    assert alone.err.count("unknown-group") == 1
    assert "rules.yaml:9:31" in alone.err
    assert run("rules", "check", rules, "--resources", groups).err == ""


def test_check_is_as_strict_as_a_scan(rules: Path, groups: Path) -> None:
    strict = run("rules", "check", rules, "--strict", "groups")
    assert strict.status == 1
    assert "error: unknown-group" in strict.err
    assert run("rules", "check", rules, "--strict", "groups", "--resources", groups).status == 0


def test_check_tells_what_is_wrong_with_resources(rules: Path, groups: Path) -> None:
    groups.write_text("groups:\n  LOGONS: {members: 3}\n  nonsense\n")
    outcome = run("rules", "check", rules, "--resources", groups)
    assert outcome.status == 1
    assert "groups.yaml" in outcome.err


def test_a_plan_shows_what_groups_hold_and_what_clears(rules: Path, groups: Path) -> None:
    alone = run("rules", "show", "DW_fills", "--plan", "--rules", rules)
    assert "unknown-group" in alone.err
    described = run("rules", "show", "DW_fills", "--plan", "--rules", rules, "--resources", groups)
    assert described.err == ""
    assert "login-2" in described.out
    every = run("rules", "show", "--plan", "--rules", rules, "--resources", groups)
    assert every.status == 0
    assert every.out.index("cleared by\n") > every.out.index("DW_asks")
    assert "exit" in every.out


def test_a_plan_is_as_strict_as_a_scan(rules: Path) -> None:
    outcome = run("rules", "show", "DW_fills", "--plan", "--rules", rules, "--strict", "groups")
    assert outcome.status == 2
    assert "unknown-group" in outcome.err
    assert "is not run" not in outcome.err


@pytest.mark.parametrize("option", [("--strict", "case"), ("--resources", "x")])
def test_only_a_plan_takes_them(rules: Path, option: tuple[str, str]) -> None:
    assert run("rules", "show", "DW_fills", "--rules", rules, *option).status == 2


def test_a_wrong_clear_condition_costs_its_rule_only(rules: Path, tmp_path: Path) -> None:
    rules.write_text(RULES.replace("PH_RULE_DW_asks.user", "PH_RULE_DW_other.user"))
    outcome = run("rules", "check", rules)
    assert outcome.status == 1
    assert outcome.err.count("fortisiem-unknown-name") == 1
    events = tmp_path / "events.ndjson"
    events.write_text('{"@timestamp": "2026-01-01T00:00:00Z", "fortisiem": {"eventType": "Login-1"}}\n')
    scanned = run("scan", events, "--rules", rules)
    assert scanned.status == 3
    assert "fortisiem-unknown-name" in scanned.err
    assert "1 rule;" in scanned.err
