"""The shipped rules against the public pages that their facts come from.

The pages are third-party texts that are not part of this project; without them only the tests that read them
are skipped. What they state is asserted here field by field.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dogwatch.rules.attack import Threat
from dogwatch.rules.fortisiem_model import AttributeMapping
from dogwatch.rules.loaders.source import read_text
from dogwatch.rules.model import ChangeKind, ElasticRule, FortisiemRule, Level, Rule
from dogwatch.rules.ruleset import RuleSet, load_rules
from dogwatch.rules.versions import history

NETCAT = "adb961e0-cb74-42a0-af9e-29fc41f88f5f"
NAMES = ("nc", "ncat", "netcat", "netcat.openbsd", "netcat.traditional")
SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared"))
SEEDS = SHARED / "reference" / "seeds"
PAGES = {
    "v5": "elastic-netcat-network-activity-v5.txt",
    "v110": "elastic-file-transfer-or-listener-via-netcat-v110.txt",
    "fortisiem": "fortisiem-linux-netcat-process-activity.txt",
}

ANY_OF_THEM = " or ".join(NAMES)
EQL_ANY = " or ".join(f'process.name == "{name}"' for name in NAMES)
QUERY_1 = f"process.name: ({ANY_OF_THEM}) and event.action: (connected-to or bound-socket or socket_opened)"
QUERY_2 = f"process.name:({ANY_OF_THEM}) and event.action:(bound-socket or connected-to or socket_opened)"
QUERY_3 = f"event.category:network and event.type:(access or connection or start) and process.name:({ANY_OF_THEM})"
QUERY_5 = (
    f'sequence by process.entity_id [process where ({EQL_ANY}) and event.type == "start"] '
    f"[network where ({EQL_ANY})]"
)


@pytest.fixture(scope="module")
def library() -> RuleSet:
    return load_rules("builtin")


@pytest.fixture(scope="module")
def fortisiem(library: RuleSet) -> FortisiemRule:
    rule = library.find("PH_Rule_TH_Linux_23")
    assert isinstance(rule, FortisiemRule)
    return rule


def elastic(library: RuleSet, version: int) -> ElasticRule:
    rule = library.find(f"{NETCAT}@{version}")
    assert isinstance(rule, ElasticRule)
    return rule


def page(name: str) -> str:
    path = SEEDS / PAGES[name]
    if not path.exists():
        pytest.skip(f"the public page is not here: {path.name}")
    return path.read_text(encoding="utf-8")


def words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.replace("’", "").lower()).split()


def blanks_out(text: str) -> str:
    return "".join(text.split())


def test_the_library_loads_without_a_diagnostic(library: RuleSet) -> None:
    assert library.errors == ()
    assert [rule.label for rule in library] == [
        "PH_Rule_TH_Linux_23@1",
        *(f"{NETCAT}@{version}" for version in (2, 3, 4, 5, 110)),
    ]
    assert [rule.label for rule in library.installed] == ["PH_Rule_TH_Linux_23@1", f"{NETCAT}@110"]
    assert all(rule.obstacle is None for rule in library)


@pytest.mark.parametrize("version", [2, 3, 4, 5, 110])
def test_what_all_versions_of_the_elastic_rule_share(library: RuleSet, version: int) -> None:
    rule = elastic(library, version)
    assert (rule.severity, rule.risk_score) == (Level.MEDIUM, 47)
    assert (rule.interval, rule.from_, rule.to, rule.max_signals) == ("5m", "now-9m", "now", 100)
    assert rule.authors == ("Elastic",)
    assert len(rule.false_positives) == 1
    assert_unix_shell(rule.threat)


@pytest.mark.parametrize(
    ("version", "kind", "language", "query", "release"),
    [
        (2, "query", "kuery", QUERY_2, "7.7.0"),
        (3, "query", "kuery", QUERY_3, "7.9.0"),
        (4, "query", "kuery", QUERY_3, "7.9.1"),
        (5, "eql", "eql", QUERY_5, "7.10.0"),
    ],
)
def test_versions_2_to_5(
    library: RuleSet, version: int, kind: str, language: str, query: str, release: str
) -> None:
    rule = elastic(library, version)
    assert rule.name == "Netcat Network Activity"
    assert (rule.type, rule.language) == (kind, language)
    assert rule.query == f"{query}\n"
    assert rule.index == ("auditbeat-*", "logs-endpoint.events.*")
    assert rule.tags == ("Elastic", "Host", "Linux", "Threat Detection")
    assert (rule.added_in, rule.release) == ("7.6.0", release)
    assert rule.license == "Elastic License"


def test_version_110(library: RuleSet) -> None:
    rule = elastic(library, 110)
    assert rule.name == "File Transfer or Listener Established via Netcat"
    assert (rule.type, rule.language) == ("eql", "eql")
    assert rule.index == ("auditbeat-*",)
    assert rule.tags == (
        "Domain: Endpoint",
        "OS: Linux",
        "Use Case: Threat Detection",
        "Tactic: Execution",
        "Resources: Investigation Guide",
        "Data Source: Elastic Defend",
    )
    assert rule.license == "Elastic License v2"
    assert 'process.name : ("nc","ncat","netcat","netcat.openbsd","netcat.traditional") and (' in rule.query
    assert rule.query.count("process.name == ") == 5
    for opening, closing in ("()", "[]"):
        outside = rule.query.replace(":(", "(")
        assert outside.count(opening) == outside.count(closing)


def test_the_history_of_version_5(library: RuleSet) -> None:
    entries = history(elastic(library, 5), library)
    told = [(entry.version, entry.release, [change.kind for change in entry.changes]) for entry in entries]
    assert told == [
        (5, "7.10.0", [ChangeKind.QUERY]),
        (4, "7.9.1", [ChangeKind.FORMATTING]),
        (3, "7.9.0", [ChangeKind.QUERY]),
        (2, "7.7.0", [ChangeKind.QUERY]),
    ]
    by_version = {entry.version: entry.changes[0] for entry in entries}
    assert (by_version[5].before, by_version[5].after) == (QUERY_3, QUERY_5)
    assert (by_version[3].before, by_version[3].after) == (QUERY_2, QUERY_3)
    assert (by_version[2].before, by_version[2].after) == (QUERY_1, QUERY_2)


def test_the_fortisiem_rule(fortisiem: FortisiemRule) -> None:
    rule = fortisiem
    assert rule.name == "Linux: Netcat Process Activity"
    assert rule.enabled
    assert (rule.incident.severity, rule.severity) == (7, Level.MEDIUM)
    assert (rule.category, rule.sub_function, rule.techniques) == ("Security", "Execution", ("T1059.004",))
    assert rule.impacts == ("Server",)
    assert rule.data_sources == ("Linux Process Monitoring via FortiSIEM Agent",)
    assert rule.detection_technology == "Correlation"
    assert rule.remediation == ""
    assert rule.window == 300
    assert rule.operators == ()
    (subpattern,) = rule.subpatterns
    assert (subpattern.name, subpattern.display_name) == ("Filter", "Filter")
    names = ", ".join(f'"{name}"' for name in NAMES)
    assert subpattern.filter == f'eventType = "LINUX_PROCESS_EXEC" AND procName IN ({names})'
    attributes = ("hostName", "user", "procName", "swParam")
    assert subpattern.group_by == attributes
    assert subpattern.aggregate == "COUNT(*) >= 1"
    assert rule.incident.mapping == tuple(AttributeMapping(each, "Filter", each) for each in attributes)
    assert rule.incident.event_type == "PH_RULE_TH_Linux_netcat"
    assert_unix_shell(rule.threat)
    assert rule.threat[0].tactic.reference == "https://attack.mitre.org/tactics/TA0002"
    assert rule.threat[0].tactic.description
    (technique,) = rule.threat[0].techniques[0].subtechniques
    assert technique.reference == "https://attack.mitre.org/techniques/T1059/004"
    assert technique.description


def test_every_rule_says_where_it_comes_from_and_under_what_terms(library: RuleSet) -> None:
    for rule in library:
        assert rule.origin
        assert rule.license
        assert rule.authors
        assert rule.wording_license == "Apache-2.0"


GUIDE_FACTS = {
    "note": [
        ("scan ports", "copy files", "test connections"),
        ("reverse shell", "calls out", "input and output", "private address"),
        ("bind shell", "backdoor", "listening", "port"),
        ("command_line", "process.args"),
        ("destination.ip", "destination.domain"),
        ("registered", "any business"),
        ("reputation",),
        ("all hosts",),
        ("48 hours", "host.name", "user.name"),
        ("account", "files it created or changed", "connected"),
        ("process.parent.entity_id", "children", "files written", "connections"),
        ("honest", "distribution", "script", "automation", "framework"),
    ],
    "response": [
        ("incident", "triage"),
        ("off", "network"),
        ("credentials", "logins", "mail", "business applications", "web services"),
        ("indicators",),
        ("end the netcat process", "connections"),
        ("malware", "left behind", "start again", "tools"),
        ("way in", "same way"),
        ("logged and audited", "mttd", "mttr"),
    ],
    "setup": [
        ("elastic defend", "auditbeat"),
        ("elastic agent", "fleet", "elastic security"),
        ("add integrations",),
        ("add elastic defend",),
        ("description",),
        ("traditional endpoints", "cloud workloads"),
        ("preset", "complete edr", "every event", "every\n   prevention"),
        ("new agent policy name", "existing hosts"),
        ("save and continue",),
        ("add elastic agent", "install the agent"),
        ("users and processes", "audit\nframework", "files", "policy"),
        ("apt and yum", "binaries only"),
        ("docker", "kubernetes", "manual"),
    ],
}


@pytest.mark.parametrize("field", sorted(GUIDE_FACTS))
def test_the_guide_of_version_110_carries_every_step_of_the_page(library: RuleSet, field: str) -> None:
    text = " ".join(str(getattr(elastic(library, 110), field)).lower().split())
    for facts in GUIDE_FACTS[field]:
        assert [fact for fact in facts if " ".join(fact.split()) not in text] == []


def test_the_guide_has_as_many_steps_as_the_page(library: RuleSet) -> None:
    rule = elastic(library, 110)
    assert sum(line.startswith(tuple("12345678")) for line in rule.note.split("\n")) == 8
    assert sum(line.startswith(tuple("12345678")) for line in rule.response.split("\n")) == 8
    triage = rule.note.partition("## Triage")[2].partition("\n## ")[0]
    steps = triage.replace("\n   ", " ").strip().split("\n")
    assert len(steps) == 8
    # A step names the event fields to look at, but for asking others about what was found.
    assert [step[0] for step in steps if "`" not in step] == ["4"]


def test_the_queries_are_those_of_the_pages(library: RuleSet, fortisiem: FortisiemRule) -> None:
    text = blanks_out(page("v5"))
    for query in (QUERY_1, QUERY_2, QUERY_3, QUERY_5):
        assert blanks_out(query) in text
    assert fortisiem.subpatterns[0].filter in page("fortisiem")
    # The page of version 110 lost `process.name in/:`, the names before `==` and the last brackets.
    found = blanks_out(elastic(library, 110).query)
    restored = blanks_out(page("v110").split("Rule queryedit")[1])
    restored = restored.replace('and"nc"', 'andprocess.name:("nc"')
    restored = restored.replace("(=", "(process.name=").replace("or=", "orprocess.name=")
    restored = restored.replace(")[network", "))][network")
    assert found == restored


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_constants_are_those_of_the_pages(library: RuleSet, fortisiem: FortisiemRule, name: str) -> None:
    text = page(name)
    rule: Rule = fortisiem if name == "fortisiem" else elastic(library, 5 if name == "v5" else 110)
    assert rule.name in text
    if isinstance(rule, FortisiemRule):
        for fact in (rule.rule_id, "Enabled", "300 seconds", *rule.data_sources, *rule.impacts, *rule.techniques):
            assert fact in text
        return
    for fact in (*rule.index, *rule.tags, rule.from_, str(rule.max_signals), "Risk score: 47", rule.license):
        assert fact in text


def prose(rule: Rule) -> Iterator[str]:
    yield from (rule.description, rule.origin, rule.note, rule.response, rule.setup, *rule.false_positives)
    for entry in rule.history:
        yield entry.summary
    for threat in rule.threat:
        yield threat.tactic.description
        for technique in threat.techniques:
            yield from (technique.description, *(each.description for each in technique.subtechniques))


LONGEST_SHARED = 5


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_six_words_in_a_row_are_a_page_s(library: RuleSet, name: str) -> None:
    seed = words(page(name))
    runs = {tuple(seed[at : at + 6]) for at in range(len(seed) - LONGEST_SHARED)}
    shared = [
        " ".join(own[at : at + 6])
        for rule in library
        for text in prose(rule)
        for own in [words(text)]
        for at in range(len(own) - LONGEST_SHARED)
        if tuple(own[at : at + 6]) in runs
    ]
    assert shared == []


def test_the_notice_names_every_origin() -> None:
    text = read_text(Path(load_rules.__code__.co_filename).parent / "library" / "NOTICE")
    assert "Elastic" in text
    assert "FortiSIEM" in text


def assert_unix_shell(threat: tuple[Threat, ...]) -> None:
    (entry,) = threat
    assert (entry.framework, entry.tactic.id, entry.tactic.name) == ("MITRE ATT&CK", "TA0002", "Execution")
    (technique,) = entry.techniques
    assert (technique.id, technique.name) == ("T1059", "Command and Scripting Interpreter")
    (below,) = technique.subtechniques
    assert (below.id, below.name) == ("T1059.004", "Unix Shell")
