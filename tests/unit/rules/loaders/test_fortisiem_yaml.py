"""FortiSIEM rules written by hand in YAML."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Severity
from dogwatch.rules.fortisiem_model import (
    AttributeMapping,
    ClearCondition,
    Extra,
    Operator,
    PatternClear,
    QuietClear,
    WatchListAddition,
    XmlElement,
)
from dogwatch.rules.loaders import fortisiem_yaml
from dogwatch.rules.loaders.fortisiem_yaml import MAX_CHARACTERS, load
from dogwatch.rules.model import FortisiemRule
from dogwatch.rules.ruleset import load_rules
from dogwatch.rules.soundness import check_rules
from dogwatch.schema.schema import Schema

RULE = """\
# a rule
fortisiem_rule:
  id: PH_1
  Name: yes
  active: false
  Description: 1e3
  group: [G1, G2]
  technique: T1059.004, T1
  function: Security
  eventType: PH_RULE_one
  severity: 9
  window: 300
  SubPattern:
    - name: A
      filter: |
        eventType = "a"
          AND x = 2026-11-22
      group-by: [hostName, "COUNT(DISTINCT a, b)"]
      aggregate: COUNT(*) >= 2
    - FOLLOWED_BY
    - name: B
      displayName: Second
      filter: "y = \\"1\\" AND z = 3"
      group-by: hostName, user
      aggregate: 'n = ''x'''
    - {type: AND_NOT, rank: 2, extra: {attributes: {new: kept}}}
    - {name: C, filter: c = 1, aggregate: COUNT(*) >= 1}
  GlobalConstr: A.hostName = B.hostName
  incident:
    hostName: A.hostName
    n: A.COUNT(*)
  ClearCondition:
    QuietPeriod: 600
  WatchList:
    hostName: [One, Two]
  NotificationFrequency: 60
  TriggerEventDisplay: [phRecvTime, user]
  Dogwatch: {Version: 3, Tag: [a, "b, c"], Note: "n"}
  extra:
    attributes: {new: kept}
    elements:
      - name: CustomerScope
        attributes: {all: true}
        children:
          - {name: Include, text: 0x1F, tail: t}
    PatternClause: {attributes: {later: "1"}}
"""


def rule_of(text: str = RULE) -> FortisiemRule:
    loaded = load(text, "r.yaml")
    assert [each.render() for each in loaded.diagnostics] == []
    (rule,) = loaded.rules
    assert isinstance(rule, FortisiemRule)
    return rule


def problems_of(text: str) -> list[tuple[str, str]]:
    return [(each.code, str(each.place)) for each in load(text, "r.yaml").diagnostics]


def changed(old: str, new: str) -> str:
    assert RULE.count(old) == 1, old
    return RULE.replace(old, new)


def test_every_key() -> None:
    rule = rule_of()
    assert (rule.rule_id, rule.name, rule.description, rule.enabled) == ("PH_1", "yes", "1e3", False)
    assert (rule.groups, rule.techniques, rule.category) == (("G1", "G2"), ("T1059.004", "T1"), "Security")
    assert (rule.incident.event_type, rule.incident.severity, rule.window) == ("PH_RULE_one", 9, 300)
    first, second, third = rule.subpatterns
    assert first.filter == 'eventType = "a"\n  AND x = 2026-11-22\n'
    assert first.group_by == ("hostName", "COUNT(DISTINCT a, b)")
    assert (second.display_name, second.filter) == ("Second", 'y = "1" AND z = 3')
    assert (second.group_by, second.aggregate, third.name) == (("hostName", "user"), "n = 'x'", "C")
    kept = Extra((("new", "kept"),))
    assert rule.operators == (Operator("FOLLOWED_BY"), Operator("AND_NOT", 2, kept))
    assert rule.global_constraint == "A.hostName = B.hostName"
    assert rule.incident.mapping == (
        AttributeMapping("hostName", "A", "hostName"),
        AttributeMapping("n", "A", "COUNT(*)"),
    )
    assert rule.clear_condition == ClearCondition(QuietClear(600))
    assert rule.watch_lists == (WatchListAddition("hostName", ("One", "Two")),)
    assert (rule.notification_frequency, rule.triggered_attributes) == (60, ("phRecvTime", "user"))
    assert (rule.version, rule.tags, rule.note) == (3, ("a", "b, c"), "n")
    include = XmlElement("Include", text="0x1F", tail="t")
    assert rule.extra == {
        "attributes": {"new": "kept"},
        "elements": (XmlElement("CustomerScope", (("all", "true"),), children=(include,)),),
    }
    assert rule.clause.extra == Extra((("later", "1"),))


def test_a_clear_condition_that_is_a_pattern() -> None:
    clear = """\
    name: UP
    window: 60
    SubPattern: {name: D, filter: d = 1, aggregate: COUNT(*) >= 1}
    incident: ["host = D.host", "host = D.name"]
    ClearConstr: UP.host = PH_RULE_one.hostName
    extra: {ClearIncidentDef: {attributes: {a: b}}, PatternClause: {attributes: {c: d}}}
"""
    condition = rule_of(changed("    QuietPeriod: 600\n", clear)).clear_condition
    assert condition is not None
    when = condition.when
    assert isinstance(when, PatternClear)
    assert (when.name, when.clause.window, when.clause.relation) == ("UP", 60, "D")
    assert [str(each) for each in when.mapping] == ["host = D.host", "host = D.name"]
    assert when.constraint == "UP.host = PH_RULE_one.hostName"
    assert (when.extra, when.clause.extra) == (Extra((("a", "b"),)), Extra((("c", "d"),)))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("AND x = 2026-11-22", "AND x = = 1", "r.yaml:17:19"),
        ('\\"1\\" AND z = 3', '\\"1\\" AND z = = 3', "r.yaml:23:34"),
        ("eventType = ", "eventType = = ", "r.yaml:16:21"),
        ("'n = ''x'''", "COUNT(*) = = 1", "r.yaml:25:29"),
        ("'n = ''x'''", "'COUNT(''x'') ='", "r.yaml:25:33"),
        ("c = 1", "c = = 1", "r.yaml:27:29"),
        ("A.hostName = B.hostName", "A.hostName = =", "r.yaml:28:30"),
    ],
)
def test_faults_of_texts_are_placed_where_they_stand(old: str, new: str, place: str) -> None:
    rule = rule_of(changed(old, new))
    (checked,) = check_rules([rule], Schema.ecs())
    assert place in [str(each.place) for each in checked.problems if each.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  Name: yes\n", "", [("rule-field-missing", "r.yaml:3:3")]),
        (
            "  Name: yes\n",
            "  name: yes\n",
            [("yaml-key-unknown", "r.yaml:4:3"), ("rule-field-missing", "r.yaml:3:3")],
        ),
        ("severity: 9", "severity: high", [("rule-field-range", "r.yaml:11:13")]),
        (
            "severity: 9",
            "severity: [9]",
            [("rule-field-type", "r.yaml:11:13"), ("rule-field-missing", "r.yaml:3:3")],
        ),
        ("window: 300", "window: 0", [("rule-field-range", "r.yaml:12:11")]),
        ("rank: 2", "rank: x", [("rule-field-range", "r.yaml:26:29")]),
        ("QuietPeriod: 600", "QuietPeriod: soon", [("rule-field-range", "r.yaml:33:18")]),
        ("    - FOLLOWED_BY\n", "", [("fortisiem-operators", "r.yaml:14:5")]),
        ("active: false", "active: no", [("rule-field-type", "r.yaml:5:11")]),
        ("n: A.COUNT(*)", "n: X.COUNT(*)", [("fortisiem-mapping", "r.yaml:31:8")]),
        ("n: A.COUNT(*)", "n: COUNT(*)", [("fortisiem-mapping", "r.yaml:31:8")]),
        ("n: A.COUNT(*)", "hostName: B.hostName", [("yaml-key-repeated", "r.yaml:31:5")]),
        ("[G1, G2]", '[G1, "G,2"]', [("rule-field-type", "r.yaml:7:15")]),
        ("[phRecvTime, user]", '[phRecvTime, "a,b"]', [("rule-field-type", "r.yaml:37:37")]),
        ("[phRecvTime, user]", "{a: b}", [("rule-field-type", "r.yaml:37:24")]),
        ("name: CustomerScope", "text: x", [("rule-field-missing", "r.yaml:42:9")]),
        ("- FOLLOWED_BY", "- [FOLLOWED_BY]", [("rule-field-type", "r.yaml:20:7")]),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    assert problems_of(changed(old, new)) == expected
    assert not load(changed(old, new), "r.yaml").rules


def test_a_mistyped_key_is_told_with_the_one_that_was_meant() -> None:
    (problem, _) = load(changed("filter: |", "fliter: |"), "r.yaml").diagnostics
    assert (problem.code, problem.hint) == ("yaml-key-unknown", "did you mean `filter`?")


def test_many_unknown_keys_are_counted() -> None:
    codes = problems_of(RULE + "".join(f"  k{number}: 1\n" for number in range(30)))
    assert [code for code, _ in codes] == ["yaml-key-unknown"] * 11


SHORT = (
    "  - {id: R%s, Name: n, eventType: E, severity: 1, window: 1, SubPattern: [{name: A, filter: a = 1, %s}]}\n"
)
AGGREGATE = "aggregate: COUNT(*) >= 1"


def test_several_rules_and_documents() -> None:
    listed = "fortisiem_rules:\n" + SHORT % (1, AGGREGATE) + SHORT % (2, AGGREGATE)
    text = f"{listed}---\nother: yes\n---\n{RULE}"
    loaded = load(text, "r.yaml")
    assert [rule.rule_id for rule in loaded.rules] == ["R1", "R2", "PH_1"]
    assert [(each.code, each.severity, str(each.place)) for each in loaded.diagnostics] == [
        ("yaml-document-skipped", Severity.NOTICE, "r.yaml:5:1")
    ]


def test_one_bad_rule_costs_no_other() -> None:
    bad = SHORT % (2, AGGREGATE) + SHORT % (3, "filter: b = 2")
    loaded = load(f"{RULE}---\nfortisiem_rules:\n  - text\n{bad}---\n[", "r.yaml")
    assert [rule.rule_id for rule in loaded.rules] == ["PH_1", "R2"]
    errors = [each.code for each in loaded.diagnostics if each.severity is Severity.ERROR]
    assert errors == ["yaml-syntax", "rule-field-type", "yaml-key-repeated"]


def test_other_yaml_is_told_from_rules(tmp_path: Path) -> None:
    (tmp_path / "playbook.yml").write_text("{{ template }}: [\n")
    (tmp_path / "mention.yaml").write_text("note: fortisiem_rule is a key\n")
    loaded = load_rules(tmp_path)
    assert {(each.code, each.severity) for each in loaded.errors} == {
        ("not-a-rule", Severity.NOTICE),
    }
    named = load_rules(tmp_path / "playbook.yml")
    assert [(each.code, each.severity) for each in named.errors] == [("not-a-rule", Severity.ERROR)]


def test_files_named_yml_and_yaml_are_rules(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE)
    (tmp_path / "b.YAML").write_text(RULE.replace("PH_1", "PH_2"))
    assert [rule.rule_id for rule in load_rules(tmp_path)] == ["PH_1", "PH_2"]


BOMB = "fortisiem_rule:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (BOMB, "yaml-limit", "r.yaml:6:"),
        ("fortisiem_rule: " + "[" * 100_000, "yaml-limit", "r.yaml:1:116"),
        ("fortisiem_rule:\n  Name: &a [*a]", "yaml-syntax", "r.yaml:2:13"),
        ("fortisiem_rule:\n  Name: !!python/name:os.system x", "yaml-tag", "r.yaml:2:9"),
        ("fortisiem_rule:\n  Name: 'x\n", "yaml-syntax", "r.yaml:"),
        ("fortisiem_rule:\n  Name: a\0", "yaml-syntax", "r.yaml:2:10"),
        ("fortisiem_rule: [1]", "rule-field-type", "r.yaml:1:17"),
        ("fortisiem_rules: {}", "rule-field-type", "r.yaml:1:18"),
        ("fortisiem_rule: {? [a] : b}", "yaml-key", "r.yaml:1:20"),
        ("fortisiem_rule:" + " " * MAX_CHARACTERS, "rule-file-too-large", "r.yaml"),
    ],
)
def test_hostile_and_broken_files(text: str, code: str, place: str) -> None:
    loaded = load(text, "r.yaml")
    assert not loaded.rules
    assert loaded.diagnostics[0].code == code
    assert str(loaded.diagnostics[0].place).startswith(place)


def test_aliases_may_be_used_with_measure() -> None:
    text = changed("group-by: hostName, user", "group-by: &who [hostName, user]")
    text = text.replace("TriggerEventDisplay: [phRecvTime, user]", "TriggerEventDisplay: *who")
    assert rule_of(text).triggered_attributes == ("hostName", "user")


def test_more_rules_than_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fortisiem_yaml, "MAX_RULES", 2)
    listed = "fortisiem_rules:\n" + "".join(SHORT % (number, AGGREGATE) for number in range(3))
    assert problems_of(listed) == [("fortisiem-too-many-rules", "r.yaml:4:5")]


@given(st.data())
def test_a_rule_with_a_piece_replaced(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(RULE)))
    end = data.draw(st.integers(start, min(len(RULE), start + 20)))
    piece = data.draw(
        st.sampled_from(["", '"', "'", "[", "]", "{", ": ", "\n", "- ", "&a ", "*a", "\t", "!x ", "|", "\0"])
    )
    loaded = load(RULE[:start] + piece + RULE[end:], "r.yaml")
    assert loaded.rules or loaded.diagnostics
    for diagnostic in loaded.diagnostics:
        assert diagnostic.render()
        assert diagnostic.place is not None
