"""What ``dogwatch rules`` says of the library, and of rules that are wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from invocation import NETCAT, run, write_rule
from rich.cells import cell_len

FORTISIEM = "PH_Rule_TH_Linux_23"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with one good rule and two bad ones."""
    write_rule(tmp_path / "good.toml", severity="low", more='tags = ["Mine"]')
    write_rule(tmp_path / "syntax.toml", rule_id="two", query="process where process.name == ")
    (tmp_path / "toml.toml").write_text("[rule\n")
    return tmp_path


class TestList:
    def test_every_version_is_listed(self) -> None:
        outcome = run("rules", "list")
        assert outcome.status == 0
        assert outcome.err == ""
        listed = [(each["rule_id"], each["version"]) for each in outcome.documents]
        assert listed == [(FORTISIEM, 1), *((NETCAT, version) for version in (2, 3, 4, 5, 110))]
        for facts in outcome.documents:
            assert facts["techniques"] == ["T1059.004"]
            assert facts["severity"] == "medium"
            assert facts["query"]

    @pytest.mark.parametrize("width", [60, 80, 200])
    def test_the_table_fits_the_terminal(self, width: int) -> None:
        lines = run("rules", "list", "--format", "table", width=width).out.splitlines()
        assert max(map(cell_len, lines)) <= width
        assert sum("medium" in line for line in lines) == 6

    def test_filters(self, mixed: Path) -> None:
        assert len(run("rules", "list", "--severity", "high").documents) == 0
        assert len(run("rules", "list", "--severity", "medium").documents) == 6
        assert len(run("rules", "list", "--tag", "domain: endpoint").documents) == 1
        assert len(run("rules", "list", "--tag", "mine", "--rules", mixed, "--rules", "builtin").documents) == 1

    def test_bad_rules_are_told_and_the_good_ones_listed(self, mixed: Path) -> None:
        outcome = run("rules", "list", "--rules", mixed)
        assert outcome.status == 3
        assert "toml-syntax" in outcome.err
        assert "good.toml" not in outcome.err
        assert any(each["name"] == "Test low" for each in outcome.documents)

    def test_nowhere(self, tmp_path: Path) -> None:
        outcome = run("rules", "list", "--rules", tmp_path / "nowhere")
        assert outcome.status == 2
        assert "rules-not-found" in outcome.err


class TestShow:
    def test_every_fact_of_an_elastic_rule(self) -> None:
        shown = run("rules", "show", NETCAT, width=1000).out
        for fact in (
            "File Transfer or Listener Established via Netcat",
            NETCAT,
            "110",
            "medium",
            "47",
            "auditbeat-*",
            "5m",
            "now-9m",
            "100",
            "Domain: Endpoint",
            "Use Case: Threat Detection",
            "T1059.004",
            "Execution",
            "Elastic",
            "sequence by process.entity_id",
            '("nc","ncat","netcat","netcat.openbsd","netcat.traditional")',
            "/* bind shell to specific port */",
        ):
            assert fact in shown, fact
        for title in ("Description", "False positives", "Investigation guide", "Response", "Set-up", "History"):
            assert f"\n{title} ─" in shown, title

    def test_every_fact_of_a_fortisiem_rule(self) -> None:
        shown = run("rules", "show", "linux: netcat", width=1000).out
        for fact in (
            FORTISIEM,
            "7 (medium)",
            "Security / Execution",
            "Server",
            "Linux Process Monitoring via FortiSIEM Agent",
            "Filter within 300 seconds",
            "group by   hostName, user, procName, swParam",
            "aggregate  COUNT(*) >= 1",
            "PH_RULE_TH_Linux_netcat",
            "hostName = Filter.hostName",
            "swParam = Filter.swParam",
            "T1059.004",
            "Correlation",
            'eventType = "LINUX_PROCESS_EXEC" AND procName IN',
            "Remediation",
        ):
            assert fact in shown, fact

    def test_lists_are_on_lines_of_their_own(self) -> None:
        shown = run("rules", "show", f"{NETCAT}@2", width=200).out
        assert r"\n" not in shown
        words = [line.split() for line in shown.splitlines()]
        assert ["references", "https://man.openbsd.org/nc.1"] in words
        assert ["https://nmap.org/ncat/guide/index.html"] in words

    def test_a_version(self) -> None:
        shown = run("rules", "show", f"{NETCAT}@2", width=200).out
        assert "2 (release 7.7.0)" in shown
        assert "event.action:(bound-socket or connected-to or socket_opened)" in shown

    @pytest.mark.parametrize("width", [60, 80, 200])
    def test_it_fits_the_terminal(self, width: int) -> None:
        for rule in (NETCAT, FORTISIEM):
            assert max(map(cell_len, run("rules", "show", rule, width=width).out.splitlines())) <= width

    def test_an_unknown_rule(self) -> None:
        outcome = run("rules", "show", "Netcat Something")
        assert outcome.status == 2
        assert outcome.out == ""
        assert "rule-unknown" in outcome.err

    def test_an_unknown_version_names_the_known_ones(self) -> None:
        outcome = run("rules", "show", f"{NETCAT}@6")
        assert outcome.status == 2
        assert "2, 3, 4, 5, 110" in outcome.err

    def test_a_rule_s_own_words_are_only_text(self, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "r.toml", more='note = "\\u001b[2J[red]x[/red]"\ntags = ["\\u202e"]')
        shown = run("rules", "show", "Test high", "--rules", rule, width=200).out
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "[red]x[/red]" in shown


class TestPlan:
    def test_a_plan_alone(self) -> None:
        outcome = run("rules", "show", NETCAT, "--plan")
        assert (outcome.status, outcome.err) == (0, "")
        lines = outcome.out.splitlines()
        assert lines[0].startswith("sequence")
        assert "  1. by process.entity_id" in lines
        assert "fields" in lines
        assert "Description" not in outcome.out

    def test_a_plan_is_not_cut_to_the_screen(self) -> None:
        assert run("rules", "show", NETCAT, "--plan", width=40).out == run("rules", "show", NETCAT, "--plan").out

    def test_a_fortisiem_rule(self) -> None:
        out = run("rules", "show", FORTISIEM, "--plan").out
        assert out.startswith("groups Filter within 5m\n")
        assert "COUNT(*) >= 1" in out

    def test_a_rule_of_a_type_that_is_not_run(self, tmp_path: Path) -> None:
        path = write_rule(tmp_path / "t.toml", query="process.name: nc")
        of_kind = 'type = "threshold"\nlanguage = "kuery"'
        path.write_text(path.read_text().replace('language = "eql"\n', "").replace('type = "eql"', of_kind))
        outcome = run("rules", "show", "Test", "--plan", "--rules", path)
        assert outcome.status == 0
        assert outcome.out == 'each event\n  process.name == "nc"\nfields\n  process.name  keyword\n'
        assert "notice: rule-unsupported" in outcome.err

    def test_a_query_with_an_error(self, mixed: Path) -> None:
        outcome = run("rules", "show", "two", "--plan", "--rules", mixed)
        assert outcome.status == 2
        assert outcome.out == ""
        assert "eql-syntax" in outcome.err

    def test_hostile_text_is_made_safe(self, tmp_path: Path) -> None:
        query = 'process where process.name == "\\u001b[2J" and process.args : "\\u202e*"'
        path = write_rule(
            tmp_path / "r.toml", query=query.replace("\\u001b", "\\u{1b}").replace("\\u202e", "\\u{202e}")
        )
        out = run("rules", "show", "Test high", "--plan", "--rules", path).out
        assert "\\x1b[2J" in out
        assert "\x1b" not in out
        assert "\u202e" not in out


class TestPlans:
    def test_every_rule_has_its_heading_and_its_plan(self) -> None:
        outcome = run("rules", "show", "--plan")
        assert (outcome.status, outcome.err) == (0, "")
        headings = [line for line in outcome.out.splitlines() if line.startswith("# ")]
        assert len(headings) == 6
        assert headings[0] == f"# Linux: Netcat Process Activity ({FORTISIEM}@1)"
        one = run("rules", "show", f"{NETCAT}@2", "--plan").out
        assert f"({NETCAT}@2)\n{one}\n# " in outcome.out

    def test_a_rule_without_a_plan_keeps_its_heading(self, mixed: Path) -> None:
        path = write_rule(mixed / "esql.toml", rule_id="three", query="from logs-*")
        of_kind = 'type = "esql"\nlanguage = "esql"'
        path.write_text(path.read_text().replace('language = "eql"\n', "").replace('type = "eql"', of_kind))
        outcome = run("rules", "show", "--plan", "--rules", mixed)
        assert outcome.status == 3
        assert "(three@1)\nno plan: queries in `esql` are not read here" in outcome.out
        assert "(two@1)\nno plan: the query has errors\n" in outcome.out
        assert outcome.err.count("error: eql-syntax") == 1
        assert outcome.err.count("error: toml-syntax") == 1
        assert "rule-unsupported" not in outcome.err

    def test_neither_a_rule_nor_plans(self) -> None:
        outcome = run("rules", "show")
        assert outcome.status == 2
        assert "--plan" in outcome.err

    def test_no_rules(self, tmp_path: Path) -> None:
        outcome = run("rules", "show", "--plan", "--rules", tmp_path / "nowhere")
        assert (outcome.status, outcome.out) == (2, "")


class TestShowFile:
    def test_a_file_in_the_place_of_a_rule(self, tmp_path: Path) -> None:
        path = write_rule(tmp_path / "r.toml", query='process where process.name == "nc"')
        assert run("rules", "show", path, "--plan").out.startswith("each event\n")
        assert "Test high" in run("rules", "show", path).out

    def test_a_folder_of_several_rules(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            write_rule(tmp_path / f"{name}.toml", rule_id=name)
        plans = run("rules", "show", tmp_path, "--plan").out
        assert plans.startswith("# Test high (a@1)\neach event\n")
        assert "\n\n# Test high (b@1)\neach event\n" in plans
        assert run("rules", "show", tmp_path).out.count("Test high ─") == 2

    def test_a_rule_goes_before_a_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write_rule(tmp_path / NETCAT)
        assert run("rules", "show", NETCAT, "--plan").out.startswith("sequence")

    def test_neither_a_rule_nor_a_path(self) -> None:
        outcome = run("rules", "show", "nowhere/x.toml")
        assert (outcome.status, outcome.out) == (2, "")
        assert "rule-unknown" in outcome.err

    def test_a_file_that_is_broken(self, mixed: Path) -> None:
        outcome = run("rules", "show", mixed / "toml.toml", "--plan")
        assert (outcome.status, outcome.out) == (2, "")
        assert "toml-syntax" in outcome.err

    def test_with_a_place_for_rules_it_is_a_selector(self, mixed: Path) -> None:
        outcome = run("rules", "show", mixed / "good.toml", "--rules", "builtin")
        assert outcome.status == 2
        assert "rule-unknown" in outcome.err


class TestHistoryAndDiff:
    def test_history_is_newest_first(self) -> None:
        shown = run("rules", "history", NETCAT, width=200).out
        positions = [shown.index(each) for each in ("\n 110 ", "\n 5 ", "\n 4 ", "\n 3 ", "\n 2 ")]
        assert positions == sorted(positions)
        assert "The query became an EQL sequence" in shown

    def test_diff_shows_each_field_that_differs(self) -> None:
        outcome = run("rules", "diff", f"{NETCAT}@4", f"{NETCAT}@5", width=200)
        assert outcome.status == 0
        lines = outcome.out.splitlines()
        for field in ("version", "type", "language", "query"):
            assert field in lines
        assert "[-kuery-]" in outcome.out
        assert "{+eql+}" in outcome.out

    def test_the_same_rule_does_not_differ(self) -> None:
        assert "Nothing differs." in run("rules", "diff", f"{NETCAT}@5", f"{NETCAT}@5").out

    @pytest.mark.parametrize(
        "arguments", [("history", "none such"), ("diff", NETCAT, "none such"), ("diff", NETCAT)]
    )
    def test_unknown_rules(self, arguments: tuple[str, ...]) -> None:
        outcome = run("rules", *arguments)
        assert outcome.status == 2
        assert outcome.err


class TestCheck:
    def test_the_library_is_clean(self) -> None:
        outcome = run("rules", "check")
        assert outcome.status == 0
        assert outcome.err == ""
        assert outcome.out.endswith("\n6 rules loaded, 6 can run; 0 errors, 0 warnings.\n")
        rows = [line.split() for line in outcome.out.splitlines()]
        assert ["eql", "eql", "2", "2", "2"] in rows
        assert ["fortisiem", "correlation", "1", "1", "1"] in rows

    def test_bad_rules(self, mixed: Path) -> None:
        outcome = run("rules", "check", mixed)
        assert outcome.status == 1
        assert "eql-syntax" in outcome.err
        assert "syntax.toml:" in outcome.err
        assert "toml-syntax" in outcome.err
        assert "toml.toml:" in outcome.err
        assert "1 can run; 2 errors" in outcome.out

    def test_a_warning_is_no_error(self, tmp_path: Path) -> None:
        rule = write_rule(tmp_path / "r.toml", query='process where proces.name == "nc"')
        outcome = run("rules", "check", rule)
        assert outcome.status == 0
        assert "warning: unknown-field" in outcome.err
        assert f"{rule}:14:15" in outcome.err
        assert "^^^^^^^^^^^" in outcome.err
        assert outcome.out.endswith("\n1 rule loaded, 1 can run; 0 errors, 1 warning.\n")

    @pytest.mark.parametrize("width", [80, 140])
    def test_types_that_are_not_run_are_checked_and_counted(self, tmp_path: Path, width: int) -> None:
        kinds = (("threshold", "kuery"), ("new_terms", "lucene"), ("esql", "esql"))
        for number, (kind, language) in enumerate(kinds):
            path = write_rule(tmp_path / f"{number}.toml", rule_id=kind, query="process.name:x")
            of_kind = f'type = "{kind}"\nlanguage = "{language}"'
            path.write_text(path.read_text().replace('language = "eql"\n', "").replace('type = "eql"', of_kind))
        outcome = run("rules", "check", tmp_path, width=width)
        assert (outcome.status, outcome.err) == (0, "")
        lines = outcome.out.splitlines()
        assert max(map(cell_len, lines)) <= width
        rows = {tuple(line.split()[:5]) for line in lines}
        assert {("kuery", "threshold", "1", "1", "0"), ("lucene", "new_terms", "1", "1", "0")} <= rows
        assert ("esql", "esql", "1", "not", "read") in rows
        assert outcome.out.count("not run yet") == 3

    def test_an_error_in_the_query_of_a_type_that_is_not_run(self, tmp_path: Path) -> None:
        path = write_rule(tmp_path / "t.toml", query="process.pid: x")
        of_kind = 'type = "threshold"\nlanguage = "kuery"'
        path.write_text(path.read_text().replace('language = "eql"\n', "").replace('type = "eql"', of_kind))
        outcome = run("rules", "check", path)
        assert outcome.status == 1
        assert "error: kql-type" in outcome.err
        assert f"{path}:" in outcome.err
        assert "^^^^" in outcome.err

    def test_problems_are_told_in_the_order_of_files_and_lines(self, tmp_path: Path) -> None:
        for name in ("b", "a"):
            query = "process where x == 1 and\n  y == 2"
            write_rule(tmp_path / f"{name}.toml", rule_id=f"z{name}", query=query)
        err = run("rules", "check", tmp_path).err
        places = [line.strip() for line in err.splitlines() if line.startswith("  /")]
        assert len(places) == 4
        assert [Path(place.split(":")[0]).name for place in places] == ["a.toml", "a.toml", "b.toml", "b.toml"]

    def test_nothing_to_check(self, tmp_path: Path) -> None:
        assert run("rules", "check", tmp_path / "nowhere").status == 2
        (tmp_path / "empty").mkdir()
        assert run("rules", "check", tmp_path / "empty").status == 2


class TestCheckOfMany:
    @pytest.fixture
    def many(self, tmp_path: Path) -> Path:
        """Five rules about one vendor's fields, one of them with a mistyped field and one with an error."""
        for number in range(5):
            query = f'process where acme.field_{number % 2} == "x"'
            query += ' and proces.name == "y"' * (number == 3) + ' and process.pid == "z"' * (number == 4)
            write_rule(tmp_path / f"{number}.toml", rule_id=f"r{number}", query=query)
        return tmp_path

    def test_warnings_of_one_kind_are_told_once(self, many: Path) -> None:
        outcome = run("rules", "check", many)
        assert outcome.status == 1
        assert outcome.err.count("warning: unknown-field") == 2
        assert "2 fields of `acme` are not in the event schema, such as `acme.field_0` (in 5 places" in outcome.err
        assert f"{many / '0.toml'}:14:15" in outcome.err
        assert "`proces.name`" in outcome.err
        assert outcome.err.index("error: eql-verification") < outcome.err.index("2 fields of `acme`")
        assert "1 error, 6 warnings.\n" in outcome.out
        assert outcome.out.endswith("`--all` tells each.\n")

    def test_all_of_them(self, many: Path) -> None:
        outcome = run("rules", "check", "--all", many)
        assert outcome.err.count("warning: unknown-field: `acme.") == 5
        assert "--all" not in outcome.out

    def test_a_machine_gets_every_problem(self, many: Path) -> None:
        (many / "bad.toml").write_text("[rule\n")
        outcome = run("rules", "check", "--format", "ndjson", many)
        assert (outcome.status, outcome.err) == (1, "")
        assert len(outcome.documents) == 8
        assert outcome.documents[0] == {
            "severity": "warning",
            "code": "unknown-field",
            "message": "`acme.field_0` is not in the event schema",
            "file": str(many / "0.toml"),
            "line": 14,
            "column": 15,
            "field": "acme.field_0",
        }
        assert [each["code"] for each in outcome.documents if each["severity"] == "error"] == [
            "eql-verification",
            "toml-syntax",
        ]

    def test_a_machine_gets_nothing_where_nothing_is_wrong(self) -> None:
        outcome = run("rules", "check", "--format", "ndjson")
        assert (outcome.status, outcome.out, outcome.err) == (0, "", "")

    def test_errors_are_never_put_together(self, tmp_path: Path) -> None:
        for number in range(6):
            write_rule(tmp_path / f"{number}.toml", rule_id=f"r{number}", query='process where process.pid == "z"')
        assert run("rules", "check", tmp_path).err.count("error: eql-verification") == 6

    def test_an_error_behind_escapes_has_its_place(self, tmp_path: Path) -> None:
        path = write_rule(tmp_path / "r.toml", query="QUERY")
        escaped = r'"process where process.name == \"\u00e9\\\\\" and process.pid == \"z\""'
        path.write_text(re.sub(r"query = .*", lambda _: f"query = {escaped}", path.read_text(), flags=re.DOTALL))
        column = len("query = ") + escaped.index('\\"z') + 1
        assert f"r.toml:13:{column}\n" in run("rules", "check", path).err
