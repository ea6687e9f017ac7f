"""FortiSIEM rules that depend on each other: by watch lists, by incidents that are events, by exceptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from dogwatch.cli.main import dogwatch

START = 1_770_000_000

FINDS_SCANNERS = """
<Rule group="G" id="R_scanner" phIncidentCategory="Network" function="Security">
  <Name>Scanner</Name>
  <active>true</active>
  <IncidentDef eventType="PH_RULE_scanner" severity="4"><ArgList>srcIpAddr = Scan.srcIpAddr</ArgList></IncidentDef>
  <PatternClause window="60">
    <SubPattern name="Scan">
      <SingleEvtConstr>eventType = "Denied"</SingleEvtConstr>
      <GroupByAttr>srcIpAddr</GroupByAttr>
      <GroupEvtConstr>COUNT(DISTINCT destIpPort) &gt;= 3</GroupEvtConstr>
    </SubPattern>
  </PatternClause>
  <DynWatchListDef attr="srcIpAddr"><WatchList>Scanners</WatchList></DynWatchListDef>
</Rule>
"""

FINDS_LOGINS = """
<Rule group="G" id="R_login" phIncidentCategory="Server" function="Security">
  <Name>Login from a scanner</Name>
  <active>true</active>
  <IncidentDef eventType="PH_RULE_scanner_login" severity="9">
    <ArgList>srcIpAddr = In.srcIpAddr, user = In.user</ArgList>
  </IncidentDef>
  <PatternClause window="60">
    <SubPattern name="In">
      <SingleEvtConstr>eventType = "Login" AND srcIpAddr {operator} (Group@Scanners)</SingleEvtConstr>
      <GroupByAttr>srcIpAddr,user</GroupByAttr>
      <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr>
    </SubPattern>
  </PatternClause>
</Rule>
"""

COUNTS_INCIDENTS = """
<Rule group="G" id="R_many" phIncidentCategory="Server" function="Security">
  <Name>Many logins from scanners</Name>
  <active>true</active>
  <IncidentDef eventType="PH_RULE_many" severity="10">
    <ArgList>users = I.COUNT(DISTINCT user)</ArgList>
  </IncidentDef>
  <PatternClause window="600">
    <SubPattern name="I">
      <SingleEvtConstr>phEventCategory = 1 AND eventType = "PH_RULE_scanner_login"</SingleEvtConstr>
      <GroupByAttr></GroupByAttr>
      <GroupEvtConstr>COUNT(DISTINCT user) &gt;= 2</GroupEvtConstr>
    </SubPattern>
  </PatternClause>
</Rule>
"""

FEEDS_ON_ITSELF = """
<Rule group="G" id="R_loop" phIncidentCategory="Server" function="Security">
  <Name>Loop</Name>
  <active>true</active>
  <IncidentDef eventType="PH_RULE_loop" severity="1"><ArgList>eventType = X.eventType</ArgList></IncidentDef>
  <PatternClause window="600">
    <SubPattern name="X">
      <SingleEvtConstr>eventType = "Denied" OR eventType = "PH_RULE_loop"</SingleEvtConstr>
      <GroupByAttr>eventType</GroupByAttr>
      <GroupEvtConstr>COUNT(*) &gt;= 1</GroupEvtConstr>
    </SubPattern>
  </PatternClause>
</Rule>
"""


class World:
    """A folder with rules and events, and the command over them."""

    def __init__(self, folder: Path, *rules: str) -> None:
        self.folder = folder
        self.rules = folder / "rules.xml"
        self.rules.write_text(f"<Rules>{''.join(rules)}</Rules>", encoding="utf-8")
        self.status = 0
        self.err = ""

    def scan(
        self, *events: tuple[int, str, dict[str, str]], options: tuple[str, ...] = ()
    ) -> list[dict[str, Any]]:
        """The incidents of the events: seconds, event type, attributes."""
        lines = [
            f"[{kind}]:[phRecvTime]={(START + at) * 1000},"
            + ",".join(f"[{name}]={value}" for name, value in attributes.items())
            for at, kind, attributes in events
        ]
        file = self.folder / "events.log"
        file.write_text("\n".join(lines), encoding="utf-8")
        arguments = ["scan", str(file), "--rules", str(self.rules), "--format", "ndjson", *options]
        result = CliRunner().invoke(dogwatch, arguments, standalone_mode=False, catch_exceptions=False)
        self.status, self.err = result.return_value, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]


def denied(at: int, source: str, *ports: int) -> list[tuple[int, str, dict[str, str]]]:
    return [(at, "Denied", {"srcIpAddr": source, "destIpPort": str(port)}) for port in ports]


def login(at: int, source: str, user: str) -> tuple[int, str, dict[str, str]]:
    return (at, "Login", {"srcIpAddr": source, "user": user})


def raised(incidents: list[dict[str, Any]]) -> list[tuple[str, dict[str, str], int]]:
    return [
        (
            each["fortisiem.incident.event_type"].removeprefix("PH_RULE_"),
            each["fortisiem.incident.attributes"],
            each["fortisiem.incident.count"],
        )
        for each in incidents
    ]


SCANNER = ("scanner", {"srcIpAddr": "10.0.0.9"}, 1)


def test_a_rule_fills_a_watch_list_and_another_asks_it(tmp_path: Path) -> None:
    world = World(tmp_path, FINDS_SCANNERS, FINDS_LOGINS.format(operator="IN"))
    before, after, other = (
        login(9, "10.0.0.9", "early"),
        login(20, "10.0.0.9", "eve"),
        login(20, "10.0.0.8", "bob"),
    )
    found = raised(world.scan(before, *denied(10, "10.0.0.9", 1, 2, 3), after, other))
    assert found == [SCANNER, ("scanner_login", {"srcIpAddr": "10.0.0.9", "user": "eve"}, 1)]


def test_what_is_not_on_a_watch_list(tmp_path: Path) -> None:
    world = World(tmp_path, FINDS_SCANNERS, FINDS_LOGINS.format(operator="NOT IN"))
    events = [login(9, "10.0.0.9", "early"), *denied(10, "10.0.0.9", 1, 2, 3), login(20, "10.0.0.9", "eve")]
    found = raised(world.scan(*events, (21, "Login", {"user": "nobody"})))
    # Without an address it is unknown whether it is on the list.
    assert found == [("scanner_login", {"srcIpAddr": "10.0.0.9", "user": "early"}, 1), SCANNER]


def test_the_order_of_rules_does_not_matter(tmp_path: Path) -> None:
    events = [*denied(10, "10.0.0.9", 1, 2, 3), login(20, "10.0.0.9", "eve")]
    one = World(tmp_path, FINDS_SCANNERS, FINDS_LOGINS.format(operator="IN")).scan(*events)
    other = World(tmp_path, FINDS_LOGINS.format(operator="IN"), FINDS_SCANNERS).scan(*events)
    assert sorted(map(str, raised(one))) == sorted(map(str, raised(other)))
    assert len(one) == 2


def test_a_watch_list_outlives_the_scan_in_the_ledger(tmp_path: Path) -> None:
    world = World(tmp_path, FINDS_SCANNERS, FINDS_LOGINS.format(operator="IN"))
    options = ("--ledger", str(tmp_path / "ledger.db"))
    assert raised(world.scan(*denied(10, "10.0.0.9", 1, 2, 3), options=options)) == [SCANNER]
    assert raised(world.scan(login(500, "10.0.0.9", "eve"), options=options)) == [
        ("scanner_login", {"srcIpAddr": "10.0.0.9", "user": "eve"}, 1)
    ]
    assert "1 new" in world.err
    # What happened before the value was put on the list is not matched, now that it is there either.
    assert world.scan(login(9, "10.0.0.9", "early"), options=options) == []
    assert world.scan(login(500, "10.0.0.9", "eve")) == []


def test_a_value_leaves_its_watch_list_and_comes_back(tmp_path: Path) -> None:
    resources = tmp_path / "lists.yaml"
    resources.write_text("watch_lists:\n  Group@SCANNERS: {type: ip, expires: 60s}\n", encoding="utf-8")
    world = World(tmp_path, FINDS_SCANNERS, FINDS_LOGINS.format(operator="IN"))
    options = ("--resources", str(resources), "--ledger", str(tmp_path / "ledger.db"))
    first = [*denied(10, "10.0.0.9", 1, 2, 3), login(69, "10.0.0.9", "in-time"), login(70, "10.0.0.9", "late")]
    again = [*denied(200, "10.0.0.9", 1, 2, 3), login(150, "10.0.0.9", "between"), login(259, "10.0.0.9", "anew")]
    users = [
        [each["fortisiem.incident.attributes"].get("user") for each in world.scan(*events, options=options)]
        for events in (first, again, [*again, *first])
    ]
    assert users == [[None, "in-time"], [None, "anew"], [None, "in-time", "anew"]]


def test_incidents_are_events(tmp_path: Path) -> None:
    world = World(tmp_path, FINDS_SCANNERS, FINDS_LOGINS.format(operator="IN"), COUNTS_INCIDENTS)
    scan = denied(10, "10.0.0.9", 1, 2, 3)
    once = [login(20, "10.0.0.9", "eve"), login(21, "10.0.0.9", "eve")]
    assert [name for name, _, _ in raised(world.scan(*scan, *once))] == ["scanner", "scanner_login"]
    found = raised(world.scan(*scan, *once, login(30, "10.0.0.9", "mallory")))
    assert ("many", {"users": "2"}, 1) in found
    assert len(found) == 4


def test_incidents_do_not_feed_on_themselves_for_ever(tmp_path: Path) -> None:
    world = World(tmp_path, FEEDS_ON_ITSELF)
    found = raised(world.scan(*denied(10, "10.0.0.9", 1)))
    assert sorted(found, key=str) == [
        ("loop", {"compEventType": "Denied"}, 1),
        ("loop", {"compEventType": "PH_RULE_loop"}, 5),
    ]
    assert "incident-chain" in world.err


def test_an_exception_suppresses_the_incident(tmp_path: Path) -> None:
    resources = tmp_path / "exceptions.yaml"
    resources.write_text(
        "exceptions:\n  - rule: R_scanner\n    when: srcIpAddr IN (10.0.0.0/29)\n    comment: our own\n",
        encoding="utf-8",
    )
    world = World(tmp_path, FINDS_SCANNERS)
    events = [*denied(10, "10.0.0.9", 1, 2, 3), *denied(10, "10.0.0.3", 1, 2, 3)]
    assert len(world.scan(*events)) == 2
    assert raised(world.scan(*events, options=("--resources", str(resources)))) == [SCANNER]
    assert "incident-suppressed" in world.err
