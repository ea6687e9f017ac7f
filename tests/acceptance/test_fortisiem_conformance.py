"""The public facts about FortiSIEM's own rules, run through the command on events made for them.

The facts are in ``shared/conformance/fortisiem``: rules as their pages show them, examples of the language, cases
of its meaning, and XML files. What is not known of a rule is filled in with the least that makes it complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from click.testing import CliRunner, Result

from dogwatch.cli.main import dogwatch

ROOT = Path(__file__).resolve().parents[2]
FACTS = Path(os.environ.get("DOGWATCH_SHARED", ROOT / ".." / "shared")) / "conformance" / "fortisiem"
pytestmark = pytest.mark.skipif(not FACTS.is_dir(), reason="the public facts about FortiSIEM are not here")

START = 1_770_000_000
"""Seconds since 1970 of the first event."""

Attributes = Mapping[str, object]
Facts = dict[str, Any]

HOST = {"hostName": "alpha", "hostIpAddr": "10.0.0.5"}
NETCAT = {"hostName": "alpha", "user": "bob", "procName": "nc", "swParam": "-l 4444"}
HARDWARE = {**HOST, "hwComponentName": "fan 2", "hwComponentStatus": "failing", "eventSeverityCat": "MEDIUM"}
GROUPS = "groups: {PH_SYS_EVENT_HwProblem: [PH_DEV_MON_HW_WARN], PH_SYS_DEVICE_Storage: [10.0.0.0/24]}\n"

FIRES: dict[str, tuple[str, Attributes, dict[str, str]]] = {
    "PH_Rule_Avail_33": (
        "PH_DEV_MON_HW_WARN",
        HARDWARE,
        {**HOST, "hwComponentName": "fan 2", "hwComponentStatus": "failing"},
    ),
    "PH_Rule_Avail_68": (
        "FortiMail-Event-HA-Role-Change",
        {"reptDevName": "mail1", "reptDevIpAddr": "10.0.0.9"},
        {"hostName": "mail1", "hostIpAddr": "10.0.0.9"},
    ),
    "PH_Rule_Avail_PH_24": (
        "PH_COLLECTOR_EVENT_ARRIVAL_DELAYED",
        {"customer": "acme", "phCollectorName": "c1"},
        {"customer": "acme", "phCollectorName": "c1"},
    ),
    "PH_Rule_Avail_PH_33": ("PH_AUDIT_DEV_MON_JOB_NOT_STARTED", HOST, HOST),
    "PH_Rule_DB_17": ("ORADB-ORA-00600", HOST, {"hostName": "alpha", "compEventType": "ORADB-ORA-00600"}),
    "PH_Rule_TH_Linux_23": ("LINUX_PROCESS_EXEC", NETCAT, NETCAT),
}
"""For each complete rule an event that it is about, and the incident's attributes."""

MISSES: dict[str, list[tuple[str, Attributes]]] = {
    "PH_Rule_Avail_33": [
        ("PH_DEV_MON_HW_OK", HARDWARE),
        ("PH_DEV_MON_HW_WARN", {**HARDWARE, "eventSeverityCat": "HIGH"}),
        ("PH_DEV_MON_HW_WARN", {**HARDWARE, "hostIpAddr": "10.0.1.5"}),
        ("PH_DEV_MON_HW_WARN", {**HARDWARE, "hostIpAddr": ""}),
    ],
    "PH_Rule_Avail_68": [("FortiMail-Event-HA-Role", {"reptDevName": "mail1"})],
    "PH_Rule_Avail_PH_24": [("PH_COLLECTOR_EVENT_ARRIVAL", {"customer": "acme"})],
    "PH_Rule_Avail_PH_33": [("PH_AUDIT_DEV_MON_JOB_STARTED", HOST)],
    "PH_Rule_DB_17": [("ORADB_ORA-00600", HOST), ("ORA-00600", HOST)],
    "PH_Rule_TH_Linux_23": [
        ("LINUX_PROCESS_EXIT", NETCAT),
        ("LINUX_PROCESS_EXEC", {**NETCAT, "procName": "ncx"}),
        ("LINUX_PROCESS_EXEC", {**NETCAT, "procName": "/opt/nc/run"}),
        ("LINUX_PROCESS_EXEC", {**NETCAT, "procName": ""}),
    ],
}

PLACEHOLDERS = {
    "EventID": "4656",
    "hostName": "alpha",
    "ObjectContianAll": "https://mail/owa/and/powershell",
    "ObjectEndWith": "C:ObjectEndWithStr",
    "ObjectRe": "ObjectttRe",
    "ObjectSkipStar": "ObjectSkip*Star",
    "ObjectStar": "ObjectMegaStar",
    "ObjectStartwith": "ObjectstartswithStrAndMore",
}
"""What the converter's own test rule matches; its attributes are placeholders."""

SSH = {"srcIpAddr": "10.9.9.9", "hostName": "alpha", "user": "bob"}
SERVICE = {"hostName": "alpha", "procName": "sshd"}


def event(second: float, kind: str, attributes: Attributes) -> dict[str, object]:
    """An event as FortiSIEM exports it to JSON."""
    return {"phRecvTime": round((START + second) * 1000), "eventType": kind, **attributes}


OTHER_FILES: dict[str, list[dict[str, object]]] = {
    "pysigma_expectRule.xml": [event(0, "Win-Security-4656", PLACEHOLDERS)],
    "pysigma_expectRuleForFortiSIEMGUI.xml": [event(0, "Win-Security-4656", PLACEHOLDERS)],
    "pysigma_expectRuleFromPipelineTest.xml": [event(0, "Win-Security-4656", PLACEHOLDERS)],
    "synthetic_dropper_or_netcat.xml": [event(0, "LINUX_PROCESS_EXEC", NETCAT)],
    "synthetic_failures_then_success.xml": [
        *(event(at, "Generic_Unix_Failed_SSH_Login", SSH) for at in range(5)),
        event(900, "Generic_Unix_Successful_SSH_Login", SSH),
    ],
    "synthetic_process_stays_down.xml": [
        event(0, "PH_DEV_MON_PROC_STOP", SERVICE),
        event(300, "PH_DEV_MON_PROC_START", {**SERVICE, "procName": "cron"}),
    ],
}
"""What makes the rule of a file fire that no rule page stands behind."""


@cache
def facts(name: str) -> list[Facts]:
    """The entries of a file of facts; none if the files are not here."""
    file = FACTS / name
    if not file.exists():
        return []
    loaded = json.loads(file.read_text(encoding="utf-8"))
    return next(value for value in loaded.values() if isinstance(value, list))


def run(*arguments: str) -> Result:
    """A run of the command."""
    return CliRunner().invoke(dogwatch, list(arguments), standalone_mode=False, catch_exceptions=False)


def scanned(rules: Path, events: Iterable[Mapping[str, object]], folder: Path) -> list[Facts]:
    """The incidents of a scan with the rules of a file."""
    data, groups = folder / "events.ndjson", folder / "groups.yaml"
    data.write_text("".join(f"{json.dumps(each)}\n" for each in events), encoding="utf-8")
    groups.write_text(GROUPS, encoding="utf-8")
    arguments = [str(data), "--rules", str(rules), "--resources", str(groups), "--format", "ndjson"]
    result = run("scan", *arguments)
    assert result.return_value == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def attributes(incidents: Iterable[Facts]) -> list[dict[str, str]]:
    return [each["fortisiem.incident.attributes"] for each in incidents]


def subpattern(name: str, filter_: str, group_by: Iterable[str], aggregate: str) -> str:
    return (
        f'<SubPattern displayName="{name}" name="{name}"><SingleEvtConstr>{escape(filter_)}</SingleEvtConstr>'
        f"<GroupByAttr>{','.join(group_by)}</GroupByAttr>"
        f"<GroupEvtConstr>{escape(aggregate)}</GroupEvtConstr></SubPattern>"
    )


def rule_xml(body: str, mapping: Mapping[str, str], window: int, rule_id: str = "PH_Rule_T") -> str:
    """A rule of a pattern clause's content."""
    args = ", ".join(f"{name} = {source}" for name, source in mapping.items())
    return (
        f'<Rule id="{rule_id}" function="Security" phIncidentCategory="Server"><Name>{rule_id}</Name>'
        f'<active>true</active><IncidentDef eventType="PH_RULE_T" severity="7"><ArgList>{args}</ArgList>'
        f'</IncidentDef><PatternClause window="{window}">{body}</PatternClause></Rule>'
    )


def is_cut_off(rule: Facts) -> bool:
    return any("cut off" in each and each.startswith(("filter", "group_by")) for each in rule["missing_fields"])


def rendered(rule: Facts) -> str:
    """The XML of a rule, with a filter, grouping or aggregate made up where the page's copy ends before it."""
    constraint = rule["global_constraint"] or ""
    sides = [side.split(".") for join in constraint.split(" AND ") for side in join.split(" = ") if side]
    operators = [
        f'<Operator rank="{each["rank"] or 0}" type="{each["operator"]}"/>' for each in rule["relation"] or ()
    ]
    parts = []
    mapping: dict[str, str] = {}
    for each in rule["subpatterns"]:
        name = each["name"] or "Filter"
        joined = [attribute for owner, attribute in sides if owner == name]
        group_by = list(dict.fromkeys((each["group_by"] or []) + joined))
        mapping |= {attribute: f"{name}.{attribute}" for attribute in group_by if attribute != "eventType"}
        parts.append(
            subpattern(
                name, each["filter"] or f'eventType = "{name}"', group_by, each["aggregate"] or "COUNT(*) >= 1"
            )
        )
    ends = f"<GlobalConstr>{escape(constraint)}</GlobalConstr>" if constraint else ""
    body = "".join(parts) + "".join(operators) + ends
    shown = (
        rule["incident_attributes"]
        or mapping
        or {"count": f"{rule['subpatterns'][0]['name'] or 'Filter'}.COUNT(*)"}
    )
    return rule_xml(body, shown, rule["window_s"] or 300, rule["rule_id"] or "PH_Rule_T")


RULES = [rule for rule in facts("rules.json") if rule["subpatterns"] and not is_cut_off(rule)]
COMPLETE = {rule["rule_id"]: rule for rule in RULES if rule["complete"]}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["rule_id"] or rule["page"])
def test_every_rule_that_is_not_cut_off_is_sound(rule: Facts, tmp_path: Path) -> None:
    file = tmp_path / "rule.xml"
    file.write_text(rendered(rule), encoding="utf-8")
    result = run("rules", "check", str(file))
    assert result.return_value == 0, result.stderr
    # A group, a limit or a profile that no file describes does not stop a rule, and nothing happened.
    assert scanned(file, [event(0, "Nothing", HOST)], tmp_path) == []


def test_the_complete_rules_are_those_that_are_tried() -> None:
    assert COMPLETE.keys() == FIRES.keys() == MISSES.keys()


@pytest.mark.parametrize("rule_id", FIRES)
def test_a_complete_rule_fires_and_a_near_miss_does_not(rule_id: str, tmp_path: Path) -> None:
    file = tmp_path / "rule.xml"
    file.write_text(rendered(COMPLETE[rule_id]), encoding="utf-8")
    kind, fires, expected = FIRES[rule_id]
    misses = [event(number, kind, attributes) for number, (kind, attributes) in enumerate(MISSES[rule_id])]
    (incident,) = scanned(file, [*misses, event(60, kind, fires), event(61, kind, fires)], tmp_path)
    assert incident["fortisiem.incident.attributes"] == expected
    assert incident["fortisiem.incident.count"] == 2
    assert incident["fortisiem.incident.first_seen"] == "2026-02-02T02:41:00.000Z"
    assert incident["fortisiem.incident.last_seen"] == "2026-02-02T02:41:01.000Z"
    assert scanned(file, misses, tmp_path) == []


@pytest.mark.parametrize("file", sorted((FACTS / "xml").glob("*.xml")), ids=lambda file: file.stem)
def test_every_file_loads_is_sound_and_fires(file: Path, tmp_path: Path) -> None:
    result = run("rules", "check", str(file))
    assert result.return_value == 0, result.stderr
    rule_id = file.stem.removeprefix("rendered_")
    events = OTHER_FILES[file.name] if file.name in OTHER_FILES else [event(0, *FIRES[rule_id][:2])]
    assert len(scanned(file, events, tmp_path)) == 1
    assert scanned(file, events[:-1], tmp_path) == []


@pytest.mark.parametrize("example", facts("language_examples.json"), ids=lambda example: example["text"])
def test_every_example_of_the_language_is_taken_or_refused(example: Facts, tmp_path: Path) -> None:
    filter_ = example["text"] if example["kind"] == "filter" else 'eventType = "A"'
    aggregate = example["text"] if example["kind"] == "aggregate" else "COUNT(*) >= 1"
    file = tmp_path / "rule.xml"
    body = subpattern("Filter", filter_, ["hostName"], aggregate)
    file.write_text(rule_xml(body, {"hostName": "Filter.hostName"}, 300), encoding="utf-8")
    result = run("rules", "check", str(file))
    assert (result.return_value == 0) is example["valid"], result.stderr
    assert ("error: " in result.stderr) is not example["valid"], result.stderr


def case(name: str) -> Facts:
    (found,) = [each for each in facts("semantics_cases.json") if each["id"] == name]
    return found


def test_averages_of_two_servers(tmp_path: Path) -> None:
    facts_ = case("cpu_avg_two_servers")
    file = tmp_path / "rule.xml"
    body = subpattern("P", 'eventType = "CPU"', facts_["group_by"], facts_["aggregate"])
    file.write_text(rule_xml(body, {"hostIpAddr": "P.hostIpAddr"}, facts_["window_s"]), encoding="utf-8")
    events = [event(at, "CPU", each) for at, each in enumerate(facts_["events"])]
    found = attributes(scanned(file, events, tmp_path))
    assert len(found) == facts_["expected_incidents"]
    assert [list(each.values()) for each in found] == facts_["expected_groups"]


def test_what_does_not_follow_is_known_when_the_window_has_passed(tmp_path: Path) -> None:
    facts_ = case("not_followed_by_expiry")
    file = tmp_path / "rule.xml"
    parts = [subpattern(kind, f'eventType = "{kind}"', ["hostName"], "COUNT(*) >= 1") for kind in "AB"]
    body = '<Operator rank="0" type="NOT_FOLLOWED_BY"/>'.join(parts)
    body += "<GlobalConstr>A.hostName = B.hostName</GlobalConstr>"
    file.write_text(rule_xml(body, {"hostName": "A.hostName"}, facts_["window_s"]), encoding="utf-8")
    events = [event(each["t"], each["type"], HOST) for each in facts_["events"]]
    end = facts_["expected_not_before_s"]
    assert scanned(file, [*events, event(end - 1, "Other", {})], tmp_path) == []
    assert len(scanned(file, [*events, event(end, "Other", {})], tmp_path)) == facts_["expected_incidents"]


@pytest.mark.parametrize("more", [0, 1])
def test_an_attribute_is_counted_where_it_is(more: int, tmp_path: Path) -> None:
    facts_ = case("count_null")
    file = tmp_path / "rule.xml"
    least = facts_["expected"] + more
    body = subpattern("P", "phRecvTime IS NOT NULL", [], f"{facts_['expression']} >= {least}")
    file.write_text(rule_xml(body, {"count": f"P.{facts_['expression']}"}, 300), encoding="utf-8")
    events = [event(at, each["eventType"], each) for at, each in enumerate(facts_["events"])]
    assert attributes(scanned(file, events, tmp_path)) == ([] if more else [{"count": str(least)}])
