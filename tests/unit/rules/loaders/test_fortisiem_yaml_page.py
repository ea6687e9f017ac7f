"""The page on rules in YAML says what is so: its rule loads, runs, and is the one of the examples."""

import re
from pathlib import Path

import dogwatch
from dogwatch.alerts.model import Incident
from dogwatch.rules.fortisiem_model import PatternClear
from dogwatch.rules.loaders.fortisiem_yaml import load
from dogwatch.rules.model import FortisiemRule
from dogwatch.rules.ruleset import load_rules
from dogwatch.rules.soundness import check_rules
from dogwatch.schema.schema import Schema

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "fortisiem" / "yaml.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "docs" / "fortisiem" / "examples" / "fortisiem" / "sudoers_then_listener.yaml"
WHOLE, CLEARED = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_rule_of_the_page_is_that_of_the_examples() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == WHOLE
    (checked,) = check_rules(load_rules(EXAMPLE), Schema.ecs())
    assert (checked.can_run, checked.problems) == (True, ())


def test_the_rule_finds_what_it_describes() -> None:
    host = {"hostName": "alpha", "user": "eve"}
    changed = {"eventType": "FSM_LINUX_FILE_MODIFY", "targetOsObjName": "/etc/sudoers.d/eve", **host}
    listens = {"eventType": "LINUX_PROCESS_EXEC", "procName": "nc", "swParam": "-lvp 4444", **host}
    events = [
        {"@timestamp": f"2026-02-02T10:0{minute}:00Z", "fortisiem": event}
        for minute, event in ((1, changed), (4, listens))
    ]
    (found,) = dogwatch.scan(events, load_rules(EXAMPLE))
    assert isinstance(found, Incident)
    assert found.attributes == {"hostName": "alpha", "user": "eve", "procName": "nc", "changes": "1"}


def test_the_clear_condition_of_the_page() -> None:
    loaded = load(re.sub(r"^  ClearCondition: .*\n", CLEARED, WHOLE, flags=re.MULTILINE), "r.yaml")
    (rule,) = loaded.rules
    assert isinstance(rule, FortisiemRule)
    assert rule.clear_condition is not None
    assert isinstance(rule.clear_condition.when, PatternClear)
    (checked,) = check_rules([rule], Schema.ecs())
    assert (loaded.diagnostics, checked.problems) == ([], ())
