import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.rules.loaders.source import MAX_BYTES, read_text
from dogwatch.rules.model import Level, Rule, instance_id
from dogwatch.rules.ruleset import RuleSet, load_rules, rule_set

LIBRARY = load_rules("builtin")

TEMPLATE = """\
[rule]
rule_id = "{rule_id}"
name = "{name}"
version = {version}
description = "d"
type = "eql"
query = "process where true"
severity = "{severity}"
risk_score = 1
tags = ["{tag}"]
"""


def write(
    path: Path, rule_id: str, version: int = 1, name: str = "", severity: str = "low", tag: str = "T"
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        TEMPLATE.format(
            rule_id=rule_id, name=name or f"Name of {rule_id}", version=version, severity=severity, tag=tag
        )
    )


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    write(tmp_path / "z.toml", "aa-1", 2, "Alpha")
    write(tmp_path / "sub/deep/a.toml", "aa-1", 10, "Alpha", severity="high")
    write(tmp_path / "sub/b.toml", "aa-2", 1, "Beta", severity="critical", tag="OS: Linux")
    write(tmp_path / "c.toml", "bb-1", 1, "Alphabet")
    return load_rules(tmp_path)


def test_a_folder_is_read_recursively_and_sorted(rules: RuleSet) -> None:
    assert [rule.label for rule in rules] == ["aa-1@2", "aa-1@10", "aa-2@1", "bb-1@1"]
    assert rules.errors == ()
    assert len(rules) == 4


def test_the_newest_version_is_installed_and_older_ones_are_pinned(rules: RuleSet) -> None:
    old, new = rules.versions("aa-1")
    assert new.instance_id == instance_id("aa-1")
    assert old.instance_id == instance_id("aa-1", 2)
    assert old.instance_id != new.instance_id
    assert uuid.UUID(new.instance_id).version == 5
    assert [rule.label for rule in rules.installed] == ["aa-1@10", "aa-2@1", "bb-1@1"]
    assert rules.is_installed(new)
    assert not rules.is_installed(old)


def test_an_instance_id_never_changes() -> None:
    assert instance_id("PH_Rule_TH_Linux_23") == "a46448c5-4cdf-5a8b-99f0-c80d8d0aa769"


@pytest.mark.parametrize(
    ("selector", "label"),
    [
        ("aa-1", "aa-1@10"),
        ("aa-1@2", "aa-1@2"),
        ("alpha", "aa-1@10"),
        ("Alpha@2", "aa-1@2"),
        ("alphab", "bb-1@1"),
        ("bb", "bb-1@1"),
        ("bb@1", "bb-1@1"),
        ("Beta", "aa-2@1"),
        (instance_id("aa-1", 2), "aa-1@2"),
    ],
)
def test_find(rules: RuleSet, selector: str, label: str) -> None:
    assert rules.find(selector).label == label


@pytest.mark.parametrize(
    ("selector", "code", "hint"),
    [
        ("aa", "rule-ambiguous", "it could be aa-1 (Alpha), aa-2 (Beta)"),
        ("aa-1@3", "rule-unknown", "there are 2, 10"),
        ("lpha", "rule-unknown", "names that hold it: Alpha, Alphabet"),
        ("nothing", "rule-unknown", None),
        ("", "rule-unknown", None),
    ],
)
def test_find_nothing_or_too_much(rules: RuleSet, selector: str, code: str, hint: str | None) -> None:
    with pytest.raises(DogwatchError) as caught:
        rules.find(selector)
    assert [(each.code, each.hint) for each in caught.value.diagnostics] == [(code, hint)]


def test_selections(rules: RuleSet) -> None:
    assert [rule.label for rule in rules.at_least(Level.HIGH)] == ["aa-1@10", "aa-2@1"]
    assert [rule.label for rule in rules.tagged("os: linux")] == ["aa-2@1"]
    assert rules.by_id("aa-1", 2) is rules.rules[0]
    assert rules.by_id("aa-1", 3) is None
    assert rules.by_id("none") is None
    assert [rule.label for rule in rules.by_name("ALPHA")] == ["aa-1@10"]


def test_a_repeated_rule_is_reported_and_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", "x")
    write(tmp_path / "b.toml", "x")
    rules = load_rules(tmp_path)
    assert len(rules) == 1
    (problem,) = rules.errors
    assert problem.code == "duplicate-rule"
    assert problem.place is not None
    assert problem.place.file.endswith("b.toml")
    assert "a.toml:1:1" in str(problem.hint)


def test_one_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", "x")
    assert load_rules([tmp_path, str(tmp_path / "a.toml")]).errors == ()


def test_a_bad_file_stops_nothing(tmp_path: Path) -> None:
    write(tmp_path / "good.toml", "x")
    (tmp_path / "bad.toml").write_text("[rule")
    (tmp_path / "bad.xml").write_text("<Rule>")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "latin.toml").write_bytes(b"[rule]\nname = '\xe9'\n")
    rules = load_rules(tmp_path)
    assert [rule.rule_id for rule in rules] == ["x"]
    assert sorted(each.code for each in rules.errors) == [
        "json-syntax",
        "rule-file-encoding",
        "toml-syntax",
        "xml-syntax",
    ]
    encoding = next(each for each in rules.errors if each.code == "rule-file-encoding")
    assert str(encoding.place).endswith("latin.toml:2:9")


def test_other_files_in_a_folder_are_a_notice_and_named_ones_an_error(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text("[project]\n")
    (tmp_path / "events.ndjson").write_text('{"a": 1}\n' * 3)
    (tmp_path / "README.md").write_text("no rule")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/x.toml").write_text("[rule")
    assert {(each.code, each.severity) for each in load_rules(tmp_path).errors} == {
        ("not-a-rule", Severity.NOTICE)
    }
    assert [each.severity for each in load_rules(project).errors] == [Severity.ERROR]
    assert [each.code for each in load_rules(tmp_path / "README.md").errors] == ["rule-format-unknown"]
    assert [each.code for each in load_rules(tmp_path / "none").errors] == ["rules-not-found"]


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.xml"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    assert [each.code for each in load_rules(path).errors] == ["rule-file-too-large"]
    assert MAX_BYTES < 50_000_000


def test_byte_order_marks(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        path = tmp_path / f"{encoding}.toml"
        path.write_text("[rule]", encoding=encoding)
        assert read_text(path) == "[rule]"


def test_the_default_is_the_library() -> None:
    assert [rule.label for rule in load_rules()] == [rule.label for rule in load_rules("builtin")]


def test_a_set_of_no_rules() -> None:
    assert rule_set([]) == RuleSet()


@given(st.data())
def test_the_order_of_loading_changes_nothing(data: st.DataObject) -> None:
    shuffled: list[Rule] = data.draw(st.permutations(LIBRARY.rules))
    assert rule_set(shuffled) == LIBRARY
