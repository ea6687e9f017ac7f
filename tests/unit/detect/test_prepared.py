import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from dogwatch.base import keep
from dogwatch.detect import prepared
from dogwatch.detect.compiled import Compiled, compile_rules
from dogwatch.detect.prepared import Terms
from dogwatch.detect.readiness import may_ask_now
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions, Strictness
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.logic.printer import describe
from dogwatch.rules.model import ElasticRule, Rule
from dogwatch.rules.resources import NO_RESOURCE_SET
from dogwatch.rules.resources.load import load_resources
from dogwatch.rules.ruleset import RuleSet, load_rules
from dogwatch.schema.schema import Schema

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared"))
ECS = Schema.ecs()
NOW = 1_767_225_600 * 10**9
DAY = 86400 * 10**9

FORTISIEM = """\
<Rules><Rule id="PH_Rule_T_1" function="Security" phIncidentCategory="Server">
<Name>N</Name><Description>d</Description>
<IncidentDef eventType="PH_RULE_T_1" severity="5"><ArgList>user = P.user</ArgList></IncidentDef>
<PatternClause window="300"><SubPattern name="P">
<SingleEvtConstr>user IN (Group@Admins)</SingleEvtConstr>
<GroupByAttr>user</GroupByAttr><GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr>
</SubPattern></PatternClause></Rule></Rules>
"""


class Lowered:
    """Notes the rules that are really lowered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.labels: list[str] = []
        work_out = prepared._worked_out

        def noted(rules: list[Rule], terms: Terms) -> Any:
            self.labels += [rule.rule_id for rule in rules]
            return work_out(rules, terms)

        monkeypatch.setattr(prepared, "_worked_out", noted)

    def taken(self) -> list[str]:
        taken, self.labels = self.labels, []
        return taken


@pytest.fixture
def lowered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lowered:
    monkeypatch.setenv(keep.VARIABLE, str(tmp_path / "kept"))
    return Lowered(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "rules"
    home.mkdir()
    write(home, "plain", 'process where process.name == "nc"')
    write(home, "sequence", "sequence by host.id [any where true] [any where nosuch.field == 1] | head 2")
    write(home, "broken", 'process where process.pid == "x"')
    write(home, "known", 'process where process.name == "unknown now"')
    write(home, "recent", '@timestamp >= "now-1d"', language="kuery")
    write(home, "off", "any where true", enabled=False)
    write(home, "many", "process.name: *", type="threshold", language="kuery", threshold={"value": 1})
    return home


def write(home: Path, rule_id: str, query: str, **extra: Any) -> None:
    said = {"rule_id": rule_id, "name": rule_id, "version": 1, "description": "d", "risk_score": 1}
    said |= {"severity": "low", "query": query}
    said |= {"type": "query" if extra.get("language") else "eql"} | extra
    (home / f"{rule_id}.json").write_text(json.dumps(said))


def fresh(rules: RuleSet, **terms: Any) -> Compiled:
    return compile_rules(list(rules), terms.pop("schema", ECS), **terms)


def assert_same(found: Compiled, wanted: Compiled) -> None:
    assert found == wanted
    assert repr(found.left_out) == repr(wanted.left_out)
    assert repr(found.notes) == repr(wanted.notes)
    for one, other in zip(found.rules, wanted.rules, strict=True):
        assert describe(one.pattern) == describe(other.pattern)


def test_rules_are_lowered_once_and_come_out_the_same(folder: Path, lowered: Lowered) -> None:
    rules = load_rules(folder)
    wanted = fresh(rules, now=NOW)
    assert len(wanted.rules) == 4
    assert len(wanted.left_out) == 3
    assert {each.code for each in wanted.notes} == {"unknown-field"}
    lowered.taken()
    assert_same(compile_rules(rules, ECS, now=NOW), wanted)
    assert lowered.taken() == ["broken", "known", "many", "plain", "recent", "sequence"]
    assert_same(compile_rules(load_rules(folder), ECS, now=NOW), wanted)
    assert lowered.taken() == ["recent"]


def test_what_now_means_is_asked_each_time(folder: Path, lowered: Lowered) -> None:
    rules = load_rules(folder)
    for now in (NOW, NOW + 3 * DAY, NOW + 700 * DAY, None, 0):
        for _ in range(2):
            assert_same(compile_rules(rules, ECS, now=now), fresh(rules, now=now))
        lowered.taken()
    plain = compile_rules(rules, ECS, now=NOW).rules[1].pattern
    assert [each.rule.rule_id for each in compile_rules(rules, ECS, now=NOW).rules][1] == "plain"
    later = compile_rules(rules, ECS, now=NOW + DAY)
    assert later.rules[1].pattern == plain
    assert later.rules[2].pattern != compile_rules(rules, ECS, now=NOW).rules[2].pattern


@pytest.mark.parametrize(
    ("query", "asks"),
    [
        ('@timestamp > "now-1d"', True),
        ("@timestamp > now", True),
        ("@timestamp: \\u006eow", True),
        ("@timestamp: n\\ow", True),
        ("process.name: unknown", False),
        ("process.name: (a or known)", False),
        ("file.path: C\\:\\\\Windows", False),
        ("file.path: C\\:\\\\nowhere", True),
    ],
)
def test_a_query_asks_what_now_means_if_a_text_in_it_could(query: str, asks: bool, folder: Path) -> None:
    write(folder, "one", query, language="kuery")
    assert may_ask_now(load_rules(folder).find("one")) is asks


def test_a_choice_of_rules_uses_what_is_kept_of_all(folder: Path, lowered: Lowered) -> None:
    rules = load_rules(folder)
    some = rules.where(lambda rule: rule.rule_id in ("plain", "broken"))
    assert_same(compile_rules(some, ECS, now=NOW), fresh(some, now=NOW))
    lowered.taken()
    # Too few to keep anything for the rest.
    compile_rules(some, ECS, now=NOW)
    assert lowered.taken() == ["broken", "plain"]
    compile_rules(rules, ECS, now=NOW)
    lowered.taken()
    assert_same(compile_rules(some, ECS, now=NOW), fresh(some, now=NOW))
    assert lowered.taken() == ["broken", "plain"]
    compile_rules(some, ECS, now=NOW)
    assert lowered.taken() == []
    off = rules.where(lambda rule: rule.rule_id == "off")
    assert [each.rule.rule_id for each in compile_rules(off, ECS, now=NOW).rules] == ["off"]


def test_a_rule_that_was_changed_since_is_lowered_as_it_is(folder: Path, lowered: Lowered) -> None:
    rules = load_rules(folder)
    compile_rules(rules, ECS, now=NOW)
    lowered.taken()
    plain = rules.find("plain")
    assert isinstance(plain, ElasticRule)
    changed = replace(plain, query="any where false")
    mixed = replace(rules, rules=tuple(changed if each is plain else each for each in rules))
    assert_same(compile_rules(mixed, ECS, now=NOW), fresh(mixed, now=NOW))
    lowered.taken()
    compile_rules(mixed, ECS, now=NOW)
    assert lowered.taken() == ["plain", "recent"]


def test_schemas_and_hints_are_kept_apart(folder: Path) -> None:
    rules = load_rules(folder)
    mapped = ECS.with_mapping({"nosuch.field": "long", "process.name": {"type": "alias", "path": "user.name"}})
    for schema in (ECS, mapped, Schema({})):
        for hints in (False, True):
            for _ in range(2):
                found = compile_rules(rules, schema, now=NOW, hints=hints)
                assert_same(found, fresh(rules, schema=schema, now=NOW, hints=hints))


def test_resources_and_options_are_kept_apart(tmp_path: Path, lowered: Lowered) -> None:
    (tmp_path / "rule.xml").write_text(FORTISIEM)
    rules = load_rules(tmp_path / "rule.xml")
    assert rules.errors == ()
    groups = []
    for members in ("alice", "bob"):
        path = tmp_path / f"{members}.csv"
        path.write_text(f"group,member\nAdmins,{members}\n")
        groups.append(load_resources([path]))
    watched = NO_RESOURCE_SET.with_watch_lists(["Admins"])
    strict = FortisiemOptions(frozenset(Strictness))
    patterns = set()
    sources: list[Resources] = [NO_RESOURCES, NO_RESOURCE_SET, *groups, watched]
    for resources in sources:
        for options in (VENDOR, strict):
            wanted = fresh(rules, now=NOW, resources=resources, fortisiem=options)
            compile_rules(rules, ECS, now=NOW, resources=resources, fortisiem=options)
            lowered.taken()
            found = compile_rules(rules, ECS, now=NOW, resources=resources, fortisiem=options)
            assert lowered.taken() == []
            assert_same(found, wanted)
            patterns.add(repr(found))
    assert len(patterns) > 5


def test_damaged_outcomes_are_worked_out_again(folder: Path, lowered: Lowered, tmp_path: Path) -> None:
    rules = load_rules(folder)
    wanted = compile_rules(rules, ECS, now=NOW)
    foreign = prepared._CODEC.encode
    for contents in (b"", foreign(()), foreign((1,) * 7), foreign([None] * 7), foreign((wanted.notes,) * 7)):
        (path,) = (tmp_path / "kept").glob("lowered-*")
        keep.write(path.name, contents)
        lowered.taken()
        assert_same(compile_rules(rules, ECS, now=NOW), wanted)
        assert "plain" in lowered.taken()
        path.unlink()
        compile_rules(rules, ECS, now=NOW)


def test_nothing_is_kept_where_nothing_can_be(
    folder: Path, lowered: Lowered, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = load_rules(folder)
    monkeypatch.setenv(keep.VARIABLE, "")
    for _ in range(2):
        assert_same(compile_rules(rules, ECS, now=NOW), fresh(rules, now=NOW))
        assert lowered.taken()


@pytest.mark.slow
@pytest.mark.parametrize("where", ["builtin", "corpus/elastic-detection-rules"])
def test_all_rules_come_out_the_same(where: str, lowered: Lowered) -> None:
    path = where if where == "builtin" else str(SHARED / where)
    if where != "builtin" and not Path(path).exists():
        pytest.skip("the public corpus of Elastic's rules is not here")
    rules = load_rules(path)
    resources = load_resources()
    wanted = compile_rules(rules, ECS, now=NOW, resources=resources)
    assert lowered.taken()
    again = load_rules(path)
    assert again.errors == rules.errors
    for one, other in zip(again, rules, strict=True):
        assert type(one) is type(other)
        for each in fields(other):
            assert getattr(one, each.name) == getattr(other, each.name), (other.label, each.name)
    found = compile_rules(again, ECS, now=NOW, resources=resources)
    assert lowered.taken() == []
    assert (found.left_out, found.notes) == (wanted.left_out, wanted.notes)
    for ready, before in zip(found.rules, wanted.rules, strict=True):
        assert ready == before
        assert describe(ready.pattern) == describe(before.pattern)
