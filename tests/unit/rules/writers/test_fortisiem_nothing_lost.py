"""Whatever an export says is in what is written of it, compared as trees by a comparer of its own."""

from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from dogwatch.rules.loaders import fortisiem_xml, fortisiem_yaml
from dogwatch.rules.model import FortisiemRule
from dogwatch.rules.writers.fortisiem_xml import write_fortisiem_xml
from dogwatch.rules.writers.fortisiem_yaml import write_fortisiem_yaml

SHARED = Path(__file__).resolve().parents[4] / ".." / "shared"
EXPORTS = sorted((SHARED / "conformance" / "fortisiem" / "xml").glob("*.xml"))

RULE = """\
<Rule id="PH_1" group="G" function="Security">
  <Name>One</Name>
  <active>true</active>
  <IncidentDef eventType="PH_RULE_one" severity="9">
    <ArgList>hostName = A.hostName</ArgList>
  </IncidentDef>
  <PatternClause window="300">
    <SubPattern name="A">
      <SingleEvtConstr>user = "a"</SingleEvtConstr>
      <GroupByAttr>hostName</GroupByAttr>
      <GroupEvtConstr>COUNT(*) &gt;= 2</GroupEvtConstr>
    </SubPattern>
  </PatternClause>
  <ClearCondition method="Auto" type="timebased"><QuietPeriod>60</QuietPeriod></ClearCondition>
  <TriggerEventDisplay><AttrList>user</AttrList></TriggerEventDisplay>
</Rule>
"""

CLEAR = """\
  <ClearCondition method="Auto" type="patternbased">
    <ClearIncidentDef name="Back" a="1"><ArgList b="2">hostName = U.hostName</ArgList><Odd/></ClearIncidentDef>
    <ClearConstr c="3">Back.hostName = PH_RULE_one.hostName</ClearConstr>
    <PatternClause window="60" d="4">
      <SubPattern name="U"><SingleEvtConstr>user = "b"</SingleEvtConstr><GroupByAttr>hostName</GroupByAttr>
        <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr></SubPattern>
    </PatternClause>
  </ClearCondition>"""

WATCH = '<DynWatchListDef attr="hostName"><WatchList>One</WatchList><WatchList>Two</WatchList></DynWatchListDef>'

CHANGES = [
    ("<Name>", '<Name lang="en">'),
    ("<active>", '<active why="w">'),
    ("<ArgList>", '<ArgList kind="z">'),
    ("<SingleEvtConstr>", '<SingleEvtConstr a="1">'),
    ("<GroupByAttr>", '<GroupByAttr a="1">'),
    ("<GroupEvtConstr>", '<GroupEvtConstr a="&lt;&quot;">'),
    ("<QuietPeriod>", '<QuietPeriod unit="s">'),
    ("<AttrList>", '<AttrList n="2">'),
    ("<TriggerEventDisplay>", '<TriggerEventDisplay mode="x"><Before>b</Before>'),
    ("<Name>One</Name>", '<Name>One</Name><Description lang="en"/>'),
    ("<Name>One</Name>", '<Name a="1">One</Name><Name b="2">Two</Name>'),
    ("</Name>", f"</Name>{WATCH}"),
    ("</ArgList>", f"</ArgList>{WATCH}"),
    ("</SubPattern>", f"</SubPattern>{WATCH}"),
    ("</Name>", f'</Name><Actions><Lists kind="k">{WATCH}</Lists></Actions>{WATCH}'),
    ("</Name>", "</Name>" + WATCH.replace('attr="hostName"', 'attr="hostName" ttl="5"')),
    ("</Name>", "</Name>" + WATCH.replace("<WatchList>One", '<WatchList id="3">One')),
    ('id="PH_1"', 'natural_id="PH_1"'),
    ('id="PH_1"', 'id="PH_1" natural_id="PH_2"'),
    ("<GroupByAttr>hostName</GroupByAttr>", "<GroupByAttr/>"),
    ("</Name>", '</Name><New a="1">text <b>bold</b> tail <i x="1"/> end</New>'),
    ('<ClearCondition method="Auto" type="timebased"><QuietPeriod>60</QuietPeriod></ClearCondition>', CLEAR),
    ('type="timebased"', 'type="magic"'),
]


def said(element: etree._Element, path: str = "") -> Counter[tuple[str, str]]:
    """Everything that an element says: each attribute, each text and each element, by its path."""
    name = etree.QName(element).localname
    here = f"{path}/{name}"
    found = Counter({(here, ""): 1})
    found.update((f"{here}@{key!s}", str(value)) for key, value in element.attrib.items())
    lists = name in ("ArgList", "GroupByAttr", "AttrList")
    text = "".join(element.text or "") if not lists else "".join((element.text or "").split())
    found.update([(here, " ".join(text.split()))] if text.strip() else [])
    for child in element:
        found += said(child, here)
        found.update([(f"{here}/+", " ".join(child.tail.split()))] if child.tail and child.tail.strip() else [])
    return found


def lost(before: str, after: str) -> list[tuple[str, str]]:
    parser = etree.XMLParser(remove_comments=True, remove_pis=True)
    one, other = (
        sum(
            (said(rule) for rule in etree.fromstring(each.encode(), parser).iter("Rule")),
            Counter[tuple[str, str]](),
        )
        for each in (before, after)
    )
    return sorted(one - other)


def rules_of(text: str) -> list[FortisiemRule]:
    return [rule for rule in fortisiem_xml.load(text, "r.xml").rules if isinstance(rule, FortisiemRule)]


def through_yaml(rules: list[FortisiemRule]) -> list[FortisiemRule]:
    loaded = fortisiem_yaml.load(write_fortisiem_yaml(rules), "r.yaml").rules
    return [rule for rule in loaded if isinstance(rule, FortisiemRule)]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_what_is_not_acted_on_is_written_back_where_it_stood(old: str, new: str) -> None:
    text = RULE.replace(old, new, 1)
    assert text != RULE
    rules = rules_of(text)
    assert lost(text, write_fortisiem_xml(rules)) == []
    assert lost(text, write_fortisiem_xml(through_yaml(rules))) == []


@pytest.mark.parametrize("export", EXPORTS, ids=lambda path: path.stem)
def test_nothing_of_an_export_is_lost(export: Path) -> None:
    text = export.read_text(encoding="utf-8")
    rules = rules_of(text)
    assert lost(text, write_fortisiem_xml(rules)) == []
    assert lost(text, write_fortisiem_xml(through_yaml(rules))) == []


def test_watch_lists_are_known_wherever_they_stand() -> None:
    for place in ("</Name>", "</ArgList>", "</SubPattern>"):
        (rule,) = rules_of(RULE.replace(place, place + WATCH))
        assert [str(each) for each in rule.watch_lists] == ["hostName: One, Two"]
        assert [str(each) for each in through_yaml([rule])[0].watch_lists] == ["hostName: One, Two"]


@pytest.mark.parametrize(
    "operators",
    [
        '<Operators><Operator rank="0" type="FOLLOWED_BY"/></Operators>',
        '<Operator rank=" " type="FOLLOWED_BY"/>',
        '<Operator type=" FOLLOWED_BY "/>',
    ],
)
def test_operators_in_an_element_of_their_own_and_without_a_rank(operators: str) -> None:
    second = RULE[RULE.index("<SubPattern") : RULE.index("</PatternClause>")].replace('"A"', '"B"')
    (rule,) = rules_of(RULE.replace("</SubPattern>", f"</SubPattern>{operators}{second}", 1))
    assert rule.clause.relation == "A FOLLOWED_BY B"
    assert rules_of(write_fortisiem_xml([rule])) == [rule] or not rule.clause.extra
