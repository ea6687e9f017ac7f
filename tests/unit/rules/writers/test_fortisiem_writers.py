"""What is written is read again as the same rules, in either form and from one to the other."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_rules import rules as generated

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.rules.fortisiem_model import (
    Extra,
    Operator,
    PatternClause,
    SubPattern,
    WatchListAddition,
    XmlElement,
)
from dogwatch.rules.loaders import fortisiem_xml, fortisiem_yaml
from dogwatch.rules.loaders.source import Loaded
from dogwatch.rules.model import FortisiemRule, HistoryEntry
from dogwatch.rules.ruleset import load_rules
from dogwatch.rules.versions import diff, plain
from dogwatch.rules.writers.fortisiem_xml import write_fortisiem_xml, xml_text
from dogwatch.rules.writers.fortisiem_yaml import write_fortisiem_yaml

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[4] / ".." / "shared"))
Write = Callable[[Sequence[FortisiemRule]], str]
Load = Callable[[str, str], Loaded]
FORMS: list[tuple[Write, Load]] = [
    (write_fortisiem_xml, fortisiem_xml.load),
    (write_fortisiem_yaml, fortisiem_yaml.load),
]
BOTH = pytest.mark.parametrize(("write", "load"), FORMS, ids=["xml", "yaml"])

WRITERS = pytest.mark.parametrize("write", [write for write, _ in FORMS], ids=["xml", "yaml"])


def builtin() -> FortisiemRule:
    rule = load_rules("builtin").find("PH_Rule_TH_Linux_23")
    assert isinstance(rule, FortisiemRule)
    return rule


def read(load: Load, text: str) -> list[FortisiemRule]:
    return [rule for rule in load(text, "again").rules if isinstance(rule, FortisiemRule)]


def refused(write: Write, rule: FortisiemRule) -> str:
    with pytest.raises(DogwatchError) as caught:
        write([rule])
    (problem,) = caught.value.diagnostics
    assert problem.place == rule.place
    return f"{problem.code}: {problem.message}"


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(st.lists(generated(), min_size=1, max_size=2, unique_by=lambda rule: rule.label))
def test_any_rules_survive_both_forms(rules: list[FortisiemRule]) -> None:
    expected = [plain(rule) for rule in rules]
    from_xml = read(fortisiem_xml.load, write_fortisiem_xml(rules))
    assert [plain(rule) for rule in from_xml] == expected
    from_yaml = read(fortisiem_yaml.load, write_fortisiem_yaml(from_xml))
    assert [plain(rule) for rule in from_yaml] == expected
    assert write_fortisiem_xml(from_yaml) == write_fortisiem_xml(rules)


@BOTH
def test_the_library_s_rule(write: Write, load: Load) -> None:
    (again,) = read(load, write([builtin()]))
    assert diff(builtin(), again) == ()
    assert again.query_place is not None


@BOTH
def test_the_examples_of_the_format(write: Write, load: Load) -> None:
    folder = SHARED / "conformance/fortisiem/xml"
    if not folder.exists():
        pytest.skip("the examples are not here")
    rules = [rule for rule in load_rules(folder) if isinstance(rule, FortisiemRule)]
    assert len(rules) == 12
    assert [plain(rule) for rule in read(load, write(rules))] == [plain(rule) for rule in rules]


def test_the_vendor_s_converter_lays_a_rule_out_the_same() -> None:
    folder = SHARED / "conformance/fortisiem/xml"
    if not folder.exists():
        pytest.skip("the examples are not here")
    expected = sorted(folder.glob("pysigma_*.xml"))
    assert len(expected) == 3
    for path in expected:
        declaration, _, text = write_fortisiem_xml(read(fortisiem_xml.load, path.read_text())).partition("\n")
        assert declaration.startswith("<?xml")
        assert text.strip() == path.read_text().strip()


@BOTH
def test_several_rules_keep_their_order(write: Write, load: Load) -> None:
    rules = [replace(builtin(), rule_id=name, version=2) for name in ("b", "a", "c")]
    assert [rule.rule_id for rule in read(load, write(rules))] == ["b", "a", "c"]


HARD = "<>&\"' ]]> \u2028\x85\r\n\t é \U0001f415 # : - {x} yes"


@BOTH
def test_hard_texts(write: Write, load: Load) -> None:
    subpattern = replace(builtin().subpatterns[0], filter=HARD, display_name=HARD, extra=Extra((("a", HARD),)))
    rule = replace(builtin(), clause=PatternClause(300, (subpattern,)), name=HARD, tags=(HARD, "- x"))
    (again,) = read(load, write([rule]))
    assert plain(again) == plain(rule)


@pytest.mark.parametrize("char", ["\0", "\x1b", "\ufffe", "\ud800"])
def test_a_character_that_xml_cannot_hold(char: str) -> None:
    said = refused(write_fortisiem_xml, replace(builtin(), note=f"a{char}b"))
    assert said.startswith(f"xml-character: PH_Rule_TH_Linux_23@1 has the character U+{ord(char):04X} in `Note`,")


def test_yaml_holds_control_characters() -> None:
    rule = replace(builtin(), note="a\0\x1bb")
    (again,) = read(fortisiem_yaml.load, write_fortisiem_yaml([rule]))
    assert again.note == rule.note


@pytest.mark.parametrize("name", ["a b", "", "1", "<a", 'a="1" b', "{x", "a\n"])
def test_a_name_that_xml_cannot_hold(name: str) -> None:
    kept = replace(builtin(), extra={"elements": (XmlElement("A", ((name, "v"),)),)})
    assert refused(write_fortisiem_xml, kept).startswith("xml-name: PH_Rule_TH_Linux_23@1 has an element or")
    child = replace(builtin(), extra={"own_elements": (XmlElement("A", children=(XmlElement(name),)),)})
    assert refused(write_fortisiem_xml, child).startswith("xml-name")


@WRITERS
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " blank "}, "name"),
        ({"groups": ("a,b",)}, "groups"),
        ({"techniques": ("T1059.004", "")}, "techniques"),
        ({"threat": ()}, "threat"),
        ({"history": (HistoryEntry(1),)}, "history"),
        ({"watch_lists": (WatchListAddition(" user", ("L",)),)}, "watch_lists"),
    ],
)
def test_what_would_be_read_otherwise_is_refused(write: Write, changes: dict[str, object], field: str) -> None:
    rule = replace(builtin(), **changes)  # type: ignore[arg-type] # a test names the fields
    said = refused(write, rule)
    assert said == f"rule-unwritable: PH_Rule_TH_Linux_23@1 would be read back with another `{field}`"


@WRITERS
def test_a_rule_that_no_loader_would_take_is_refused(write: Write) -> None:
    clause = PatternClause(60, (SubPattern("A", "a = 1"), SubPattern("B", "b = 1")), (Operator("OR"),) * 2)
    rule = replace(builtin(), clause=clause)
    said = refused(write, rule)
    assert said.startswith("rule-unwritable: PH_Rule_TH_Linux_23@1 would ")


def test_kept_elements_as_text() -> None:
    element = XmlElement("A", (("{urn:x}k", 'v"'),), "t", (XmlElement("B", tail="u"), XmlElement("C")))
    assert xml_text(element) == '<A xmlns:n0="urn:x" n0:k="v&quot;">t<B/>u<C/></A>'
    assert xml_text(XmlElement("A", children=(XmlElement("B"),))) == "<A>\n  <B/>\n</A>"


def test_yaml_for_people() -> None:
    filtered = replace(builtin().subpatterns[0], filter="a = 1\n  AND b = 2\n")
    text = write_fortisiem_yaml([replace(builtin(), clause=PatternClause(300, (filtered,)), name="yes")])
    assert "      filter: |\n        a = 1\n          AND b = 2\n" in text
    assert "group-by: [hostName, user, procName, swParam]\n" in text
    assert "  Name: 'yes'\n" in text
    assert "  incident:\n    hostName: Filter.hostName\n" in text


@BOTH
def test_what_comes_twice_or_bears_two_ids(write: Write, load: Load) -> None:
    rule = builtin()
    mapping = (rule.incident.mapping[0],) * 2
    again = (XmlElement("Remediation", text="second"), XmlElement("Name", text="second"))
    kept = {"attributes": {"natural_id": "N"}, "elements": (XmlElement("New"), *again)}
    event_type = rule.incident.event_type
    twice = replace(
        rule, rule_id=event_type, incident=replace(rule.incident, mapping=mapping), remediation="", extra=kept
    )
    assert [plain(each) for each in read(load, write([twice]))] == [plain(twice)]
