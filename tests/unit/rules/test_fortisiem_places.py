"""What is wrong with a FortiSIEM rule is told where it stands, in XML and in YAML."""

import pytest

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.rules.loaders import fortisiem_xml, fortisiem_yaml
from dogwatch.rules.soundness import check_rules
from dogwatch.schema.schema import Schema

XML = """\
<Rule id="PH_1">
  <Name>One</Name>
  <IncidentDef eventType="PH_RULE_one" severity="9">
    <ArgList>
      hostName = A.hostName,
      n = B.COUNT(DISTINCT user)
    </ArgList>
  </IncidentDef>
  <PatternClause window="300">
    <SubPattern name="A">
      <SingleEvtConstr>user = "&lt;a&gt;"</SingleEvtConstr>
      <GroupByAttr>user, <![CDATA[hostName]]></GroupByAttr>
      <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr>
    </SubPattern>
    <Operator type="AND"/>
    <SubPattern name="B">
      <SingleEvtConstr>user = "&lt;a&gt;"</SingleEvtConstr>
      <GroupByAttr>hostName</GroupByAttr>
      <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr>
    </SubPattern>
    <GlobalConstr>A.hostName = B.hostName</GlobalConstr>
  </PatternClause>
</Rule>
"""

YAML = """\
fortisiem_rule:
  id: PH_1
  Name: One
  eventType: PH_RULE_one
  severity: 9
  window: 300
  SubPattern:
    - name: A
      filter: user = "<a>"
      group-by: [user, hostName]
      aggregate: COUNT(*) >= 1
    - AND
    - name: B
      filter: user = "<a>"
      group-by: hostName
      aggregate: COUNT(*) >= 1
  GlobalConstr: A.hostName = B.hostName
  incident:
    hostName: A.hostName
    n: B.COUNT(DISTINCT user)
"""


def problems(text: str, strict: str = "") -> list[Diagnostic]:
    load, name = (fortisiem_xml.load, "r.xml") if text.startswith("<") else (fortisiem_yaml.load, "r.yaml")
    loaded = load(text, name)
    options = FortisiemOptions.named([strict] if strict else [])
    checked = check_rules(loaded.rules, Schema.ecs(), fortisiem=options)
    return [*loaded.diagnostics, *(problem for each in checked for problem in each.problems)]


def told(text: str) -> list[tuple[str, str]]:
    return [(each.code, str(each.place)) for each in problems(text)]


def test_nothing_is_wrong() -> None:
    assert told(XML) == told(YAML) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "xml", "yaml"),
    [
        ("hostName]", "hostNme]", "unknown-attribute", "12:35", "10:24"),
        ("n = B.COUNT(", "n = B.COUNTT(", "fortisiem-unsupported", "6:7", ""),
        ("n: B.COUNT(", "n: B.COUNTT(", "fortisiem-unsupported", "", "20:8"),
        ("n = B.COUNT(DISTINCT user)", "n = B.procName", "fortisiem-mapping", "6:7", ""),
        ("n: B.COUNT(DISTINCT user)", "n: B.procName", "fortisiem-mapping", "", "20:8"),
        ("n = B.", "n = C.", "fortisiem-mapping", "6:7", ""),
        ("n: B.", "n: C.", "fortisiem-mapping", "", "20:8"),
        ('window="300"', 'window="90000"', "fortisiem-window", "9", ""),
        ("window: 300", "window: 90000", "fortisiem-window", "", "8:5"),
        ("AND", "THEN", "fortisiem-operators", "9", "8:5"),
        ("= B.hostName", "= B.user", "fortisiem-join", "21:32", "17:30"),
    ],
)
def test_each_is_told_once_where_it_stands(old: str, new: str, code: str, xml: str, yaml: str) -> None:
    for text, name, place in ((XML, "r.xml", xml), (YAML, "r.yaml", yaml)):
        if place:
            assert old in text
            found = set(told(text.replace(old, new, 1)))
            # A join on what is no attribute any more is a fault of its own.
            assert {each for each in found if each[0] != "fortisiem-join" or code == "fortisiem-join"} == {
                (code, f"{name}:{place}")
            }


@pytest.mark.parametrize("text", [XML, YAML], ids=["xml", "yaml"])
def test_the_same_fault_in_two_subpatterns_is_told_of_both(text: str) -> None:
    lines = text.splitlines()
    filters = [number for number, line in enumerate(lines, 1) if 'user = "' in line]
    broken = text.replace('user = "', 'user == "')
    assert [each.place and each.place.line for each in problems(broken)] == filters
    aggregates = [number for number, line in enumerate(lines, 1) if "COUNT(*)" in line]
    broken = text.replace("COUNT(*)", "KOUNT(*)")
    assert [each.place and each.place.line for each in problems(broken)] == aggregates


def test_a_refused_rule_tells_its_warnings_too() -> None:
    found = problems(XML.replace('user = "&lt;a&gt;"', 'uzer = "x" AND user &gt; 5', 1))
    assert [(each.code, each.severity) for each in found] == [
        ("fortisiem-type", Severity.ERROR),
        ("unknown-attribute", Severity.WARNING),
    ]


def test_a_name_with_points_can_be_mapped_and_joined() -> None:
    text = XML.replace('name="B"', 'name="b.c"').replace("B.", "b.c.")
    assert told(text) == []


@pytest.mark.parametrize(
    ("constraint", "code", "place"),
    [
        ("C.hostName = PH_RULE_two.hostName", "fortisiem-unknown-name", "r.xml:24:27"),
        ("C.hostName = ", "fortisiem-syntax", "r.xml:24:26"),
        ("C.hostName = 1", "fortisiem-no-join", "r.xml:25"),
    ],
)
def test_a_clear_condition_is_checked(constraint: str, code: str, place: str) -> None:
    subpattern = XML[XML.index('<SubPattern name="B">') : XML.index("<GlobalConstr>")]
    clear = (
        '\n<ClearCondition type="patternbased"><ClearIncidentDef name="C"><ArgList>hostName = B.hostName</ArgList>'
        f"</ClearIncidentDef>\n<ClearConstr>{constraint}</ClearConstr>\n"
        f'<PatternClause window="60">{subpattern}</PatternClause></ClearCondition>'
    )
    assert told(XML.replace("</PatternClause>", "</PatternClause>" + clear)) == [(code, place)]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("<Rule>a && b</Rule>", "an ampersand with no name", "&amp;"),
        ("<Rule>&nope;</Rule>", "entity 'nope' not defined", "&amp;"),
        ("<Rule>\x01</Rule>", "PCDATA invalid Char value 1", "xmllint"),
        ("<Rule><Name></Rule>", "opening and ending tag mismatch", "xmllint"),
    ],
)
def test_broken_xml_is_told_in_words(text: str, message: str, hint: str) -> None:
    (problem,) = problems(text)
    assert problem.code == "xml-syntax"
    assert message in problem.message
    assert hint in (problem.hint or "")
