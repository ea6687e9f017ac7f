"""Whether each rule's query is sound, be its type run or not."""

from dataclasses import replace

import pytest

from dogwatch.base.diagnostic import Severity
from dogwatch.rules.loaders import elastic_toml
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule
from dogwatch.rules.ruleset import load_rules
from dogwatch.rules.soundness import Checked, check_rules
from dogwatch.schema.schema import Schema

RULE = """\
[rule]
rule_id = "r"
name = "R"
description = "d"
severity = "low"
risk_score = 1
type = "query"
language = "kuery"
query = '''
process.name: nc
  and process.pid: 7
'''
"""


def rule(**changes: object) -> ElasticRule:
    (loaded,) = elastic_toml.load(RULE, "r.toml").rules
    assert isinstance(loaded, ElasticRule)
    return replace(loaded, **changes)  # type: ignore[arg-type] # a test names the fields


def checked(each: Rule, *, hints: bool = False) -> Checked:
    (found,) = check_rules([each], Schema.ecs(), now=10**18, hints=hints)
    return found


def test_a_good_rule() -> None:
    found = checked(rule())
    assert (found.is_read, found.is_sound, found.can_run, found.problems) == (True, True, True, ())
    assert found.language == "kuery"


@pytest.mark.parametrize("kind", ["threshold", "new_terms", "threat_match", "saved_query", "sigma"])
def test_the_query_of_a_type_that_is_not_run_is_checked(kind: str) -> None:
    good = checked(rule(type=kind))
    assert (good.is_sound, good.can_run) == (True, False)
    bad = checked(rule(type=kind, query="process.name: nc\n  and process.pid: x"))
    assert (bad.is_sound, bad.can_run) == (False, False)
    (problem,) = bad.problems
    assert problem.code == "kql-type"
    assert str(problem.place) == "r.toml:11:7"


def test_a_disabled_rule_is_checked_too() -> None:
    found = checked(rule(enabled=False, query="process.name: ("))
    assert [each.code for each in found.problems] == ["kql-syntax"]
    assert not checked(rule(enabled=False)).can_run


@pytest.mark.parametrize(("kind", "language"), [("esql", "esql"), ("machine_learning", "")])
def test_a_query_in_a_language_that_is_not_read(kind: str, language: str) -> None:
    found = checked(rule(type=kind, language=language))
    assert (found.is_read, found.is_sound, found.can_run, found.problems) == (False, False, False, ())


def test_what_the_engine_refuses_has_its_place() -> None:
    found = checked(rule(language="lucene", query="process.name:/(/"))
    assert not found.is_sound
    assert [str(each.place) for each in found.problems] == ["r.toml:10:1"]


def test_warnings_leave_a_query_sound() -> None:
    found = checked(rule(query="proces.name: nc"), hints=True)
    assert found.can_run
    (note,) = found.problems
    assert (note.code, note.severity, note.hint) == (
        "unknown-field",
        Severity.WARNING,
        "did you mean `process.name`?",
    )


def test_fortisiem() -> None:
    builtin = load_rules("builtin").find("PH_Rule_TH_Linux_23")
    assert isinstance(builtin, FortisiemRule)
    assert checked(builtin).can_run
    assert (checked(builtin).is_read, checked(builtin).language) == (True, "fortisiem")
