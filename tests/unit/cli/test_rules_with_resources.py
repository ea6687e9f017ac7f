"""``rules check`` and ``rules show --plan`` read FortiSIEM's rules as a scan does; exports are compared."""

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


def test_two_exports_are_compared_rule_by_rule(rules: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.yaml"
    later.write_text(RULES.replace("window: 60", "window: 90", 1).replace("DW_asks", "DW_new"))
    outcome = run("rules", "diff", rules, later)
    assert outcome.status == 0
    assert outcome.err == ""
    lines = outcome.out.splitlines()
    assert lines[0] == "DW_asks (Asks a watch list) is in the first only"
    assert "clause.window" in lines
    assert "DW_new (Asks a watch list) is in the second only" in lines
    assert lines[-1] == "0 rules are the same in both."


def test_the_same_rules_in_either_form_do_not_differ(rules: Path, tmp_path: Path) -> None:
    written = tmp_path / "written.xml"
    assert run("rules", "export", "--rules", rules, "--output", written).status == 0
    assert run("rules", "diff", rules, written).out == "2 rules are the same in both.\n"


def test_the_same_rule_from_two_files_is_told(rules: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    again.write_text(RULES)
    outcome = run("rules", "list", "--rules", rules, "--rules", again)
    assert outcome.status == 3
    assert outcome.err.count("duplicate-rule") == 2
    assert len(outcome.documents) == 2
