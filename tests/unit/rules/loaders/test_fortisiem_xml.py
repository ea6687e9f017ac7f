from pathlib import Path

import pytest

from dogwatch.base.diagnostic import Diagnostic, Severity, Span
from dogwatch.rules.fortisiem_model import (
    ClearCondition,
    Extra,
    Operator,
    PatternClear,
    QuietClear,
    WatchListAddition,
    XmlElement,
)
from dogwatch.rules.loaders.fortisiem_xml import load
from dogwatch.rules.loaders.source import MAX_BYTES
from dogwatch.rules.model import FortisiemRule, Level
from dogwatch.rules.ruleset import load_rules

RULE = """\
<Rule group="G1, G2" id="PH_1" phIncidentCategory="Server" function="Security" \
subFunction="Execution" technique="T1059.004" new="kept">
  <Name>One</Name>
  <IncidentTitle>Title</IncidentTitle>
  <active>false</active>
  <Description>d</Description>
  <DetectionTechnology>Correlation</DetectionTechnology>
  <CustomerScope groupByEachCustomer="true"><Include all="true"/></CustomerScope>
  <IncidentDef eventType="PH_RULE_one" severity="9">
    <ArgList>hostName = F.hostName, n = F.COUNT(DISTINCT a, b)</ArgList>
  </IncidentDef>
  <PatternClause window="300">
    <SubPattern displayName="Eff" name="F">
      <SingleEvtConstr>eventType = "A" AND x &lt; 3</SingleEvtConstr>
      <GroupByAttr>hostName, user</GroupByAttr>
      <GroupEvtConstr>COUNT(*) &gt;= 2</GroupEvtConstr>
    </SubPattern>
  </PatternClause>
  <TriggerEventDisplay><AttrList>phRecvTime,user</AttrList></TriggerEventDisplay>
</Rule>
"""


def rules_of(text: str) -> list[FortisiemRule]:
    loaded = load(text, "r.xml")
    assert [each.render() for each in loaded.diagnostics] == []
    assert all(isinstance(rule, FortisiemRule) for rule in loaded.rules)
    return [rule for rule in loaded.rules if isinstance(rule, FortisiemRule)]


def problems_of(text: str) -> list[tuple[str, str]]:
    loaded = load(text, "r.xml")
    assert not loaded.rules
    return [(each.code, str(each.place)) for each in loaded.diagnostics]


def test_a_plain_rule() -> None:
    (rule,) = rules_of(RULE)
    assert (rule.rule_id, rule.name, rule.enabled, rule.window) == ("PH_1", "One", False, 300)
    assert (rule.severity, rule.incident.severity, rule.incident.event_type) == (Level.HIGH, 9, "PH_RULE_one")
    assert [(each.attribute, each.subpattern, each.source) for each in rule.incident.mapping] == [
        ("hostName", "F", "hostName"),
        ("n", "F", "COUNT(DISTINCT a, b)"),
    ]
    (subpattern,) = rule.subpatterns
    assert subpattern.filter == 'eventType = "A" AND x < 3'
    assert subpattern.group_by == ("hostName", "user")
    assert subpattern.aggregate == "COUNT(*) >= 2"
    assert rule.groups == ("G1", "G2")
    assert (rule.category, rule.sub_function, rule.techniques) == ("Security", "Execution", ("T1059.004",))
    assert rule.threat[0].tactic.id == "TA0002"
    assert rule.threat[0].techniques[0].subtechniques[0].id == "T1059.004"
    assert rule.triggered_attributes == ("phRecvTime", "user")
    assert rule.obstacle is None


def test_places() -> None:
    (rule,) = rules_of(RULE)
    assert str(rule.place) == "r.xml:1"
    assert str(rule.query_place) == "r.xml:13:24"
    assert str(rule.subpatterns[0].aggregate_place) == "r.xml:15:23"


def test_what_is_not_acted_on_is_kept() -> None:
    (rule,) = rules_of(RULE)
    assert rule.extra["attributes"] == {"new": "kept"}
    scope = XmlElement(
        "CustomerScope", (("groupByEachCustomer", "true"),), "", (XmlElement("Include", (("all", "true"),)),)
    )
    assert rule.extra["elements"] == (scope,)


@pytest.mark.parametrize(
    "wrapped",
    [
        "<Rules>{}</Rules>",
        "<a><b><Rules>{}</Rules></b></a>",
        '<DataRequests><DataRequest type="Rule">{}</DataRequest></DataRequests>',
        '<?xml version="1.0" encoding="ISO-8859-1"?><!-- <!DOCTYPE x> --><Rules xmlns="urn:x">{}</Rules>',
    ],
)
def test_wrappers(wrapped: str) -> None:
    assert [rule.rule_id for rule in rules_of(wrapped.format(RULE))] == ["PH_1"]


def test_a_data_request_that_is_the_rule() -> None:
    text = RULE.replace("<Rule ", '<DataRequest type="Rule" ').replace("</Rule>", "</DataRequest>")
    loaded = load(f'<DataRequests><DataRequest type="Report"/>{text}</DataRequests>', "r.xml")
    assert [rule.rule_id for rule in loaded.rules] == ["PH_1"]
    assert [(each.code, each.severity) for each in loaded.diagnostics] == [
        ("fortisiem-requests-skipped", Severity.NOTICE)
    ]


def test_cdata_and_an_inner_element_are_text() -> None:
    text = RULE.replace('eventType = "A" AND x &lt; 3', '<![CDATA[eventType = "A" AND x < 3]]>')
    assert rules_of(text)[0].subpatterns[0].filter == 'eventType = "A" AND x < 3'
    assert str(rules_of(text)[0].query_place) == "r.xml:13:33"
    inner = text.replace("<![CDATA[", "<constraint><![CDATA[").replace("]]>", "]]></constraint>")
    assert rules_of(inner)[0].subpatterns[0].filter == 'eventType = "A" AND x < 3'


SECOND = (
    '<SubPattern name="S"><SingleEvtConstr>b = 1</SingleEvtConstr>'
    "<GroupEvtConstr>COUNT(*) &gt;= 3</GroupEvtConstr></SubPattern>"
)
THEN = '<Operator rank="1" type="FOLLOWED_BY"/>'


@pytest.mark.parametrize("more", [THEN + SECOND, SECOND + THEN])
def test_operators_between_or_after(more: str) -> None:
    text = RULE.replace("</PatternClause>", f"{more}<GlobalConstr>F.user = S.user</GlobalConstr></PatternClause>")
    (rule,) = rules_of(text)
    assert [each.name for each in rule.subpatterns] == ["F", "S"]
    assert rule.operators == (Operator("FOLLOWED_BY", 1),)
    assert rule.global_constraint == "F.user = S.user"
    assert rule.clause.relation == "F FOLLOWED_BY (rank 1) S"
    assert rule.obstacle is None


def test_a_clear_condition_of_time() -> None:
    clear = '<ClearCondition method="Auto" type="timebased"><QuietPeriod> 600 </QuietPeriod></ClearCondition>'
    (rule,) = rules_of(RULE.replace("</Rule>", f"{clear}</Rule>"))
    assert rule.clear_condition == ClearCondition(QuietClear(600))


def test_the_variant_without_an_id() -> None:
    assert rules_of(RULE.replace('id="PH_1" ', ""))[0].rule_id == "PH_RULE_one"
    assert rules_of(RULE.replace('id="PH_1" ', 'natural_id="N" '))[0].rule_id == "N"


def test_a_sub_function_that_is_no_tactic() -> None:
    assert rules_of(RULE.replace('"Execution"', '"Hardware"'))[0].threat == ()


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("<Name>One</Name>", "", "rule-field-missing", "r.xml:1"),
        ('window="300"', "", "rule-field-missing", "r.xml:11"),
        ('window="300"', 'window="0"', "rule-field-range", "r.xml:11"),
        ('window="300"', 'window="5m"', "rule-field-range", "r.xml:11"),
        ('window="300"', 'window="²"', "rule-field-range", "r.xml:11"),
        ('severity="9"', 'severity="11"', "rule-field-range", "r.xml:8"),
        ('severity="9"', "", "rule-field-missing", "r.xml:8"),
        ("false", "maybe", "rule-field-type", "r.xml:4"),
        ("hostName = F.hostName", "hostName = hostName", "fortisiem-mapping", "r.xml:9:14"),
        ("hostName = F.hostName", "hostName = Other.hostName", "fortisiem-mapping", "r.xml:9:14"),
        ('eventType = "A" AND x &lt; 3', " ", "rule-field-missing", "r.xml:12"),
        ("</PatternClause>", f"{SECOND}</PatternClause>", "fortisiem-operators", "r.xml:11"),
    ],
)
def test_a_faulty_rule_is_refused_where_it_is_wrong(old: str, new: str, code: str, place: str) -> None:
    assert problems_of(RULE.replace(old, new)) == [(code, place)]


def test_a_bad_rule_does_not_stop_the_next() -> None:
    other = RULE.replace("PH_1", "PH_2")
    loaded = load(f"<Rules>{RULE.replace('<Name>One</Name>', '')}{other}</Rules>", "r.xml")
    assert [rule.rule_id for rule in loaded.rules] == ["PH_2"]
    assert len(loaded.diagnostics) == 1


def test_missing_blocks_are_all_reported() -> None:
    assert [code for code, _ in problems_of("<Rule/>")] == ["rule-field-missing"] * 4


def test_broken_xml_has_a_place() -> None:
    ((code, place),) = problems_of(RULE.replace("</Name>", "</Nam>"))
    assert code == "xml-syntax"
    assert place.startswith("r.xml:2:")
    assert [code for code, _ in problems_of("")] == ["xml-syntax"]
    assert [code for code, _ in problems_of("\0")] == ["xml-syntax"]


def test_other_xml_is_not_a_rule() -> None:
    assert problems_of("<html/>") == [("not-a-rule", "r.xml:1")]


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>\n<Rules><Rule id="&c;"><Name>&c;</Name></Rule></Rules>'
)
EXTERNAL = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<Rule id="a"><Name>&x;</Name></Rule>'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (BOMB, "r.xml:2:1"),
        (EXTERNAL, "r.xml:1:1"),
        ("<!-- c --><?p i?>\n <!DOCTYPE r SYSTEM 'http://127.0.0.1/x.dtd'><Rule/>", "r.xml:2:2"),
    ],
)
def test_a_document_type_is_refused_unread(text: str, place: str) -> None:
    assert problems_of(text) == [("xml-doctype", place)]


def test_an_entity_without_a_declaration_is_a_syntax_error() -> None:
    assert [code for code, _ in problems_of(RULE.replace("One", "&one;"))] == ["xml-syntax"]


def test_deep_nesting_and_long_texts_are_refused() -> None:
    assert [code for code, _ in problems_of("<a>" * 5000 + "</a>" * 5000)] == ["xml-syntax"]
    assert [code for code, _ in problems_of("<a>" + " " * MAX_BYTES + "</a>")] == ["rule-file-too-large"]


MORE = """\
  <ClearCondition method="Auto" type="patternbased" why="w">
    <ClearIncidentDef name="UP" a="b"><ArgList>h = D.host</ArgList></ClearIncidentDef>
    <ClearConstr>UP.h = PH_RULE_one.hostName</ClearConstr>
    <PatternClause window="60" c="d">
      <SubPattern name="D"><SingleEvtConstr>d = 1</SingleEvtConstr><GroupByAttr>host</GroupByAttr>
        <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr></SubPattern>
      <Operator type="OR" new="n"/>
      <SubPattern name="E"><SingleEvtConstr>e = 1</SingleEvtConstr>
        <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr><Odd/></SubPattern>
      <GlobalConstr>D.host = E.host</GlobalConstr>
    </PatternClause>
  </ClearCondition>
  <Wrapper><DynWatchListDef attr="hostName"><WatchList>One</WatchList><WatchList>Two</WatchList></DynWatchListDef>
  </Wrapper>
  <notificationfrequency>60</notificationfrequency>
</Rule>"""


def test_a_clear_condition_that_is_a_pattern() -> None:
    (rule,) = rules_of(RULE.replace("</Rule>", MORE))
    assert rule.clear_condition is not None
    assert rule.clear_condition.extra == Extra((("why", "w"),))
    when = rule.clear_condition.when
    assert isinstance(when, PatternClear)
    assert (when.name, [str(each) for each in when.mapping]) == ("UP", ["h = D.host"])
    assert when.extra == Extra((("a", "b"),))
    assert (when.constraint, str(when.constraint_place)) == ("UP.h = PH_RULE_one.hostName", "r.xml:21:18")
    clause = when.clause
    assert (clause.window, clause.relation, clause.global_constraint) == (60, "D OR E", "D.host = E.host")
    assert clause.extra == Extra((("c", "d"),))
    assert clause.operators[0].extra == Extra((("new", "n"),))
    assert clause.subpatterns[1].extra == Extra((), (XmlElement("Odd"),))


def test_watch_lists_anywhere_and_the_frequency_of_notifications() -> None:
    (rule,) = rules_of(RULE.replace("</Rule>", MORE))
    assert rule.watch_lists == (WatchListAddition("hostName", ("One", "Two"), is_kept=True),)
    assert rule.notification_frequency == 60
    # What was read is not kept as data too, but for what must be written back where it stood.
    assert [each.name for each in rule.extra["elements"]] == ["CustomerScope", "Wrapper"]
    (other,) = rules_of(RULE.replace('new="kept"', 'NotificationFrequency="90"'))
    assert other.notification_frequency == 90
    assert "attributes" not in other.extra


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ('<ClearCondition type="moon"/>', "fortisiem-clear-unknown"),
        ("<DynWatchListDef><WatchList>L</WatchList></DynWatchListDef>", "fortisiem-watch-list"),
        ('<DynWatchListDef attr="hostName"/>', "fortisiem-watch-list"),
        ("<NotificationFrequency>often</NotificationFrequency>", "fortisiem-notification"),
        ("<NotificationFrequency>0</NotificationFrequency>", "fortisiem-notification"),
    ],
)
def test_what_cannot_be_acted_on_is_kept_with_a_warning(more: str, code: str) -> None:
    loaded = load(RULE.replace("</Rule>", f"\n{more}</Rule>"), "r.xml")
    assert [(each.code, each.severity, str(each.place)) for each in loaded.diagnostics] == [
        (code, Severity.WARNING, "r.xml:20")
    ]
    (rule,) = loaded.rules
    assert rule.extra["elements"][-1].name == more[1:].partition(">")[0].partition(" ")[0].rstrip("/")


def test_an_addition_of_what_the_incident_does_not_have() -> None:
    more = '<DynWatchListDef attr="user"><WatchList>L</WatchList></DynWatchListDef></Rule>'
    loaded = load(RULE.replace("</Rule>", more), "r.xml")
    assert [(each.code, each.severity) for each in loaded.diagnostics] == [
        ("fortisiem-watch-list", Severity.WARNING)
    ]
    assert len(loaded.rules) == 1


def test_a_subpattern_without_an_aggregate() -> None:
    loaded = load(RULE.replace("<GroupEvtConstr>COUNT(*) &gt;= 2</GroupEvtConstr>", ""), "r.xml")
    assert [(each.code, each.severity, str(each.place)) for each in loaded.diagnostics] == [
        ("fortisiem-no-aggregate", Severity.NOTICE, "r.xml:12")
    ]
    (rule,) = loaded.rules
    assert isinstance(rule, FortisiemRule)
    assert rule.subpatterns[0].aggregate == "COUNT(*) >= 1"


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        (MORE.split("\n")[1], "", "rule-field-missing", "r.xml:19"),
        ('<SubPattern name="E">', '<SubPattern name="D">', "fortisiem-subpattern-repeated", "r.xml:20"),
        ("h = D.host", "h = X.host", "fortisiem-mapping", "r.xml:20:48"),
        ('window="60"', "", "rule-field-missing", "r.xml:22"),
        ('<Operator type="OR" new="n"/>', "", "fortisiem-operators", "r.xml:22"),
        ('<Operator type="OR" new="n"/>', '<Operator rank="1"/>', "rule-field-missing", "r.xml:25"),
        ('type="patternbased"', 'type="timebased"', "rule-field-missing", "r.xml:19"),
        ('type="OR"', 'type="OR" rank="-1"', "rule-field-range", "r.xml:25"),
    ],
)
def test_faults_of_a_clear_condition(old: str, new: str, code: str, place: str) -> None:
    whole = RULE.replace("</Rule>", "\n" + MORE).replace("\n\n", "\n")
    assert old in whole
    assert problems_of(whole.replace(old, new)) == [(code, place)]


def test_repeated_elements_are_kept_behind_the_first() -> None:
    (rule,) = rules_of(RULE.replace("<Name>One</Name>", "<Name>One</Name><Name>Two</Name>"))
    assert rule.name == "One"
    assert rule.extra["elements"][0] == XmlElement("Name", text="Two")


def test_texts_behind_escapes_keep_their_columns() -> None:
    text = RULE.replace('eventType = "A" AND x', "a &lt; 1 <!-- c --> <![CDATA[b &]]> &amp;\r\n x")
    (rule,) = rules_of(text)
    subpattern = rule.subpatterns[0]
    assert subpattern.filter == "a < 1  b & &\n x < 3"
    begin = subpattern.filter_place
    assert begin is not None
    raw = text.replace("\r\n", "\n").split("\n")
    for at, sign in ((0, "a"), (4, "1"), (7, "b"), (11, "&amp;"), (14, "x"), (18, "3")):
        found = Diagnostic("c", "m", source=subpattern.filter, span=Span(at, at + 1)).at(
            begin, subpattern.filter_steps
        )
        assert found.place is not None
        assert raw[(found.place.line or 0) - 1][(found.place.column or 0) - 1 :].startswith(sign), sign


def test_rules_on_one_line_have_their_columns() -> None:
    (rule,) = rules_of(RULE.replace("\n", " "))
    assert rule.query_place is not None
    assert RULE.replace("\n", " ")[(rule.query_place.column or 0) - 1 :].startswith("eventType")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (RULE.replace("PH_1", "x" * 10_100_000), "xml-syntax"),
        ("<a>" * 100_000 + "</a>" * 100_000, "xml-syntax"),
        (RULE.replace("</Rule>", "<x>" * 100 + "</x>" * 100 + "</Rule>"), "fortisiem-element-limit"),
        (RULE.replace("new=", " ".join(f'a{n}=""' for n in range(200)) + " new="), "fortisiem-element-limit"),
        ("<Rules>" + "<Rule/>" * 100_000 + "</Rules>", "fortisiem-too-many-rules"),
        (RULE.replace("One", "O\0e"), "xml-syntax"),
    ],
)
def test_hostile_files_give_one_diagnostic_with_its_place(text: str, code: str) -> None:
    ((found, place),) = problems_of(text)
    assert found == code
    assert place.startswith("r.xml:")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_whatever_is_declared(tmp_path: Path, encoding: str) -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n' + RULE.replace("One", "Éïn")
    (tmp_path / "r.xml").write_bytes(text.encode(encoding))
    loaded = load_rules(tmp_path)
    assert [rule.name for rule in loaded] == ["Éïn"]
    (tmp_path / "r.xml").write_bytes(text.encode("latin-1"))
    (problem,) = load_rules(tmp_path).errors
    assert (problem.code, str(problem.place)[-4:]) == ("rule-file-encoding", ":3:9")
