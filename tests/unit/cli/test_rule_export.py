"""What ``dogwatch rules export`` writes, and what it refuses to write over."""

from __future__ import annotations

from pathlib import Path

import pytest
from invocation import NETCAT, run, write_rule
from rich.cells import cell_len

from dogwatch.rules.loaders import fortisiem_xml, fortisiem_yaml
from dogwatch.rules.ruleset import load_rules
from dogwatch.rules.versions import plain

FORTISIEM = "PH_Rule_TH_Linux_23"
CORRELATION = """\
<Rule id="PH_C" group="G1,G2">
  <Name>Down</Name>
  <Description>d</Description>
  <IncidentDef eventType="PH_RULE_C" severity="8"><ArgList>hostName = A.hostName, user = B.user</ArgList>
  </IncidentDef>
  <PatternClause window="300">
    <SubPattern name="A" displayName="App\u202edown">
      <SingleEvtConstr>eventType = "DOWN"</SingleEvtConstr><GroupByAttr>hostName</GroupByAttr>
      <GroupEvtConstr>COUNT(*) &gt;= 2</GroupEvtConstr>
    </SubPattern>
    <Operator type="FOLLOWED_BY" rank="1"/>
    <SubPattern name="B">
      <SingleEvtConstr>eventType = "UP"
        AND user = "x"</SingleEvtConstr><GroupByAttr>user</GroupByAttr>
      <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr>
    </SubPattern>
    <GlobalConstr>A.hostName = B.user</GlobalConstr>
  </PatternClause>
  <ClearCondition method="Auto" type="patternbased">
    <ClearIncidentDef name="UP_AGAIN"><ArgList>hostName = C.hostName</ArgList></ClearIncidentDef>
    <ClearConstr>UP_AGAIN.hostName = PH_RULE_C.hostName</ClearConstr>
    <PatternClause window="60">
      <SubPattern name="C">
        <SingleEvtConstr>eventType = "CLEAR"</SingleEvtConstr><GroupByAttr>hostName</GroupByAttr>
        <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr>
      </SubPattern>
    </PatternClause>
  </ClearCondition>
  <DynWatchListDef attr="user"><WatchList>Suspects</WatchList><WatchList>More</WatchList></DynWatchListDef>
  <NotificationFrequency>3600</NotificationFrequency>
</Rule>
"""


@pytest.fixture
def correlation(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "c.xml"
    path.parent.mkdir()
    path.write_text(CORRELATION)
    return path


class TestExport:
    @pytest.mark.parametrize("form", ["xml", "yaml"])
    def test_one_rule_to_standard_output(self, form: str) -> None:
        outcome = run("rules", "export", FORTISIEM, "--format", form)
        assert (outcome.status, outcome.err) == (0, "")
        load = fortisiem_xml.load if form == "xml" else fortisiem_yaml.load
        (rule,) = load(outcome.out, "out").rules
        assert plain(rule) == plain(load_rules().find(FORTISIEM))

    def test_all_but_elastic_s(self) -> None:
        outcome = run("rules", "export")
        assert outcome.status == 0
        assert "notice: rule-not-exported: 5 rules of other formats were not exported" in outcome.err
        assert [rule.rule_id for rule in fortisiem_xml.load(outcome.out, "out").rules] == [FORTISIEM]

    def test_a_named_elastic_rule_is_left_out(self) -> None:
        outcome = run("rules", "export", NETCAT)
        assert (outcome.status, outcome.out) == (2, "")
        assert "is no FortiSIEM rule" in outcome.err
        both = run("rules", "export", NETCAT, FORTISIEM)
        assert both.status == 3
        assert FORTISIEM in both.out

    def test_nothing_to_export(self, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "r.toml")
        outcome = run("rules", "export", "--rules", rule, "--output", tmp_path / "o.xml")
        assert outcome.status == 2
        assert "error: rule-not-exported: 1 rule of other formats was not exported" in outcome.err
        assert not (tmp_path / "o.xml").exists()

    def test_an_unknown_rule(self) -> None:
        assert run("rules", "export", "nothing-like-it").status == 2

    @pytest.mark.parametrize(("name", "begin"), [("o.xml", "<?xml"), ("o.YML", "fortisiem_rule:"), ("o", "<?xml")])
    def test_the_output_s_name_decides(self, correlation: Path, tmp_path: Path, name: str, begin: str) -> None:
        outcome = run("rules", "export", "--rules", correlation, "--output", tmp_path / name)
        assert (outcome.status, outcome.out) == (0, "")
        assert (tmp_path / name).read_text().startswith(begin)

    def test_an_input_is_never_written_over(self, correlation: Path) -> None:
        for where, output in ((correlation, correlation), (correlation.parent, correlation)):
            outcome = run("rules", "export", "--rules", where, "--output", output)
            assert outcome.status == 2
            assert "is one of the inputs" in outcome.err
            assert correlation.read_text() == CORRELATION
        link = correlation.parent.parent / "link.xml"
        link.symlink_to(correlation)
        assert run("rules", "export", "--rules", correlation, "--output", link).status == 2

    def test_a_new_file_in_a_folder_of_rules(self, correlation: Path) -> None:
        new = correlation.parent / "new.yaml"
        assert run("rules", "export", "--rules", correlation.parent, "--output", new).status == 0
        assert new.exists()

    def test_an_output_that_cannot_be_written(self, tmp_path: Path) -> None:
        outcome = run("rules", "export", "--output", tmp_path / "none" / "o.xml")
        assert outcome.status == 2
        assert "error: output: cannot write" in outcome.err

    def test_a_rule_that_xml_cannot_hold_is_left_out(self, tmp_path: Path) -> None:
        text = run("rules", "export", FORTISIEM, "--format", "yaml").out
        bad = text.replace(FORTISIEM, "BAD").replace("Name: 'Linux: Netcat", 'Name: "a\\x01" # \'').encode()
        (tmp_path / "bad.yaml").write_bytes(bad)
        outcome = run("rules", "export", "--rules", tmp_path / "bad.yaml", "--rules", "builtin")
        assert outcome.status == 3
        assert "BAD@1 has the character U+0001 in `Name`, which XML cannot hold" in outcome.err
        assert [rule.rule_id for rule in fortisiem_xml.load(outcome.out, "out").rules] == [FORTISIEM]


class TestPages:
    @pytest.mark.parametrize("width", [40, 80, 120])
    def test_the_page_shows_every_part(self, correlation: Path, width: int) -> None:
        outcome = run("rules", "show", "--rules", correlation, "PH_C", width=width)
        assert outcome.status == 0
        lines = outcome.out.splitlines()
        assert max(map(cell_len, lines)) <= width
        shown = " ".join(outcome.out.split())
        for fact in (
            "A FOLLOWED_BY (rank 1) B within 300 seconds",
            'eventType = "DOWN"',
            "COUNT(*) >= 2",
            "A.hostName = B.user",
            "user = B.user",
            "C within 60 seconds",
            'eventType = "CLEAR"',
            "UP_AGAIN",
            "is added to Suspects, More",
            "every 3600 seconds",
            "G1, G2",
        ):
            assert fact in shown, fact
        assert "\u202e" not in outcome.out
        assert "App\\u202edown" in shown

    def test_a_clear_condition_of_time(self, correlation: Path) -> None:
        start, end = CORRELATION.index("<ClearCondition"), CORRELATION.index("<DynWatchListDef")
        clear = '<ClearCondition type="timebased"><QuietPeriod>600</QuietPeriod></ClearCondition>'
        correlation.write_text(CORRELATION[:start] + clear + CORRELATION[end:])
        shown = run("rules", "show", "--rules", correlation, "PH_C").out
        assert "when the rule has not triggered for 600 seconds" in shown

    def test_a_list_tells_the_relation(self, correlation: Path) -> None:
        (facts,) = run("rules", "list", "--rules", correlation).documents
        assert (facts["relation"], facts["subpatterns"]) == ("A FOLLOWED_BY (rank 1) B", ["A", "B"])

    def test_a_comparison_names_the_part(self, correlation: Path) -> None:
        other = CORRELATION.replace('"PH_C"', '"PH_D"').replace('"UP"', '"UP2"').replace("Suspects", "Others")
        other = other.replace('"FOLLOWED_BY" rank="1"', '"AND"').replace('"CLEAR"', '"CLEARED"')
        (correlation.parent / "d.xml").write_text(other)
        shown = run("rules", "diff", "PH_C", "PH_D", "--rules", correlation.parent).out
        for fact in (
            "clause.subpatterns.B.filter",
            '[-"UP"-]{+"UP2"+}',
            "clause.operators",
            "[-FOLLOWED_BY (rank 1)-]",
            "{+AND+}",
            "clear_condition.when.clause.subpatterns.C.filter",
            "[-user: Suspects, More-]",
        ):
            assert fact in shown, fact

    def test_a_check_finds_the_faults_of_every_part(self, correlation: Path) -> None:
        text = CORRELATION.replace('= "DOWN"', '&amp; "DOWN"').replace('AND user = "x"', "AND user =")
        correlation.write_text(
            text.replace('"CLEAR"', '"CLEAR" AND').replace("A.hostName = B.user<", "A.hostName =<")
        )
        outcome = run("rules", "check", correlation, "--format", "ndjson")
        assert outcome.status == 1
        lines = text.split("\n")
        expected = [("DOWN", 8), ("AND user =", 14), ("A.hostName =", 17), ("CLEAR", 24)]
        found = [(each["line"], each["severity"]) for each in outcome.documents if each["severity"] == "error"]
        assert found == [(line, "error") for _, line in expected]
        assert all(text in lines[line - 1] for text, line in expected)
