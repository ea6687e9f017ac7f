"""Triggers into incidents: what they are named, what they say, and what suppresses or adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incident_samples import (
    EVENT_TYPE,
    START,
    aggregate_pattern,
    composite_hit,
    composite_pattern,
    event,
    hit,
    mapping,
    quiet,
    rule,
)

from dogwatch.alerts.identity import named
from dogwatch.alerts.model import Incident, WatchEntry
from dogwatch.base.time import SECOND, format_instant
from dogwatch.detect.incident import IncidentDetector
from dogwatch.detect.incident_attributes import normal_text
from dogwatch.detect.incident_document import titled
from dogwatch.detect.trigger_details import NEWEST, TriggerDetails
from dogwatch.detect.trigger_log import Fired, TriggerLog
from dogwatch.logic.pattern import Aggregate, AggregateFunction
from dogwatch.logic.predicate import Field
from dogwatch.logic.relation import Relation
from dogwatch.rules.fortisiem_model import IncidentDefinition, WatchListAddition
from dogwatch.rules.model import FortisiemRule
from dogwatch.schema.field import FieldRef, FieldType

BOTH = "hostName = A.hostName, user = B.user, n = B.COUNT(*)"


def _detector(made: FortisiemRule | None = None, **more: Any) -> IncidentDetector:
    return IncidentDetector(made or rule(), aggregate_pattern(), **more)


def _only(detector: IncidentDetector) -> Incident:
    (incident,) = detector.incidents()
    return incident


class TestAttributes:
    def test_a_null_or_blank_value_is_left_out(self) -> None:
        detector = _detector()
        detector.trigger(hit(1, "web", None))
        detector.trigger(hit(2, "web", ""))
        assert _only(detector).attributes == {"hostName": "web"}

    def test_an_event_type_is_renamed(self) -> None:
        pattern = aggregate_pattern(group_by=("eventType",))
        detector = IncidentDetector(rule(maps="eventType = Down.eventType"), pattern)
        detector.trigger(hit(1, "LOGIN"))
        assert _only(detector).attributes == {"compEventType": "LOGIN"}

    @pytest.mark.parametrize("source", ["COUNT(*)", "COUNT( * )", "count(Matched Events)"])
    def test_the_number_of_events_is_always_known(self, source: str) -> None:
        detector = _detector(rule(maps=f"n = Down.{source}"))
        detector.trigger(hit(1, "web", "u", count=12))
        assert _only(detector).attributes == {"n": "12"}

    def test_a_shown_value_goes_before_an_aggregate_of_the_constraint(self) -> None:
        field = Field(FieldRef("fortisiem.sentBytes", FieldType.LONG))
        aggregates = {Aggregate(AggregateFunction.SUM, field): 7, Aggregate(AggregateFunction.MAX, field): 3.0}
        maps = "a = Down.SUM(sentBytes), b = Down.max( sentBytes ), c = Down.avg(sentBytes), d = Down.PCTILE(x)"
        detector = _detector(rule(maps=maps))
        shown = {"SUM(sentBytes)": 70, "AVG(sentBytes)": 3.5, "PCTILE(x)": None}
        detector.trigger(hit(1, "web", "u", aggregates=aggregates, shown=shown))
        assert _only(detector).attributes == {"a": "70", "b": "3", "c": "3.5"}

    def test_parts_of_a_composite_give_their_own_values(self) -> None:
        made = rule(maps=BOTH, parts="A B")
        detector = IncidentDetector(made, composite_pattern(Relation.OR, "A", "B"))
        detector.trigger(composite_hit(hit(1, "web", "a"), hit(2, "db", "b", count=4)))
        assert _only(detector).attributes == {"hostName": "web", "user": "b", "n": "4"}

    def test_a_missing_part_gives_nothing(self) -> None:
        detector = IncidentDetector(rule(maps=BOTH, parts="A B"), composite_pattern(Relation.OR, "A", "B"))
        detector.trigger(composite_hit(hit(1, "web", "a"), None))
        assert _only(detector).attributes == {"hostName": "web"}

    def test_of_two_sources_the_first_that_has_a_value_counts(self) -> None:
        made = rule(maps="hostName = A.hostName, hostName = B.hostName", parts="A B")
        detector = IncidentDetector(made, composite_pattern(Relation.OR, "A", "B"))
        detector.trigger(composite_hit(hit(1, "web", "a"), hit(1, "db", "a")))
        detector.trigger(composite_hit(None, hit(2, "db", "a")))
        assert [each.attributes["hostName"] for each in detector.incidents()] == ["web", "db"]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (True, "true"),
            (7, "7"),
            (7.0, "7"),
            (0.1, "0.1"),
            (1e-7, "0.0000001"),
            (1e22, "1" + "0" * 22),
            (float("inf"), "Infinity"),
            ("0.10", "0.10"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("Nc", "Nc"),
        ],
    )
    def test_normal_texts(self, value: Any, text: str) -> None:
        assert normal_text(value) == text


class TestIdentity:
    def test_the_first_incident_has_the_roots_name(self) -> None:
        detector = _detector()
        raised = detector.trigger(hit(1, "web", "root"))
        assert raised is not None
        assert raised.uuid == named("incident", ["instance", "hostName=web", "user=root"])
        assert _only(detector).root == raised.uuid

    def test_the_next_one_is_named_by_its_first_trigger(self) -> None:
        detector = _detector(rule(clear_condition=quiet(10)))
        raised = [detector.trigger(hit(at, "web", "root")) for at in (1, 20, 25, 90)]
        first, second, third = detector.incidents()
        assert first.uuid == first.root == second.root == third.root
        assert second.uuid == named("incident", [second.root, second.triggers[0].id])
        assert third.uuid == named("incident", [third.root, third.triggers[0].id])
        assert [len(each.triggers) for each in (first, second, third)] == [1, 2, 1]
        told = [detector.incident(each) for each in raised if each is not None]
        assert [each.uuid for each in told] == [first.uuid, second.uuid, second.uuid, third.uuid]
        assert [each.triggers for each in told] == [
            (trigger,) for each in detector.incidents() for trigger in each.triggers
        ]
        assert told[2].document == second.document

    def test_a_repeated_trigger_changes_nothing(self) -> None:
        detector = _detector()
        hits = [hit(1, "web", "u"), hit(2, "web", "u"), hit(3, "db", "u")]
        assert [raised.new for each in hits if (raised := detector.trigger(each))] == [True] * 3
        before = list(detector.incidents())
        assert [raised.new for each in hits if (raised := detector.trigger(each))] == [False] * 3
        assert list(detector.incidents()) == before

    def test_a_trigger_of_a_cleared_incident_is_still_known(self) -> None:
        detector = _detector(rule(clear_condition=quiet(10)))
        for at in (1, 20, 1, 20):
            detector.trigger(hit(at, "web", "u"))
        assert [len(each.triggers) for each in detector.incidents()] == [1, 1]

    def test_triggers_are_told_apart_by_group_and_oldest_event(self) -> None:
        made = rule(maps="n = Down.COUNT(*)")
        detector = _detector(made)
        for each in (hit(1, "a", "b"), hit(1, "ab", ""), hit(1, "a", "b", first="other"), hit(1, None, "b")):
            detector.trigger(each)
        assert len(_only(detector).triggers) == 4

    def test_a_missing_part_is_not_a_null_one(self) -> None:
        detector = IncidentDetector(rule(maps="", parts="A B"), composite_pattern(Relation.OR, "A", "B"))
        both = hit(1, "h", "u"), hit(2, "h", "u")
        for each in (composite_hit(both[0], None), composite_hit(None, both[0]), composite_hit(*both)):
            detector.trigger(each)
        assert len(_only(detector).triggers) == 3

    def test_the_time_of_a_wait_is_the_triggers(self) -> None:
        pattern = composite_pattern(Relation.NOT_FOLLOWED_BY, "A", "B")
        detector = IncidentDetector(rule(maps="", parts="A B"), pattern)
        detector.trigger(composite_hit(hit(5, "h", "u", since=2), None, at=305))
        (trigger,) = _only(detector).triggers
        seconds = [(each - START) // SECOND for each in (trigger.first_event, trigger.last_event, trigger.time)]
        assert seconds == [2, 5, 305]
        assert _only(detector).document["fortisiem.incident.last_seen"] == format_instant(START + 305 * SECOND)


class TestDocument:
    def test_what_it_says_of_its_rule_and_triggers(self) -> None:
        made = rule(
            maps="user = Down.user, hostName = Down.hostName, n = Down.COUNT(*)",
            incident_title="$user on ${hostName}: $other",
            notification_frequency=900,
            clear_condition=quiet(600),
            category="Security",
            sub_function="Discovery",
            techniques=("T1046",),
            remediation="Look.",
        )
        detector = _detector(made)
        detector.trigger(hit(5, "web", "{root}", since=3))
        fields = _only(detector).document
        shown = {name.removeprefix("fortisiem.incident."): value for name, value in fields.items()}
        assert shown["title"] == "{root} on web: $other"
        assert (shown["severity"], shown["severity_category"]) == (5, "MEDIUM")
        assert (shown["category"], shown["sub_category"], shown["techniques"]) == (
            "Security",
            "Discovery",
            ["T1046"],
        )
        assert (shown["status"], shown["resolution"], shown["count"]) == ("active", "open", 1)
        assert (shown["notification_frequency"], shown["quiet_period"]) == (900, 600)
        assert shown["first_seen"] == fields["kibana.alert.original_time"] == format_instant(START + 3 * SECOND)
        assert shown["last_seen"] == fields["@timestamp"] == format_instant(START + 5 * SECOND)
        assert shown["target"] == "hostName:web, user:{root}"
        assert (shown["source"], shown["detail"]) == ("", "n:2")
        assert shown["remediation"] == "Look."
        assert fields["kibana.alert.ancestors"][0]["id"] == "e3"
        assert "cleared_at" not in shown

    def test_a_cleared_one_says_when_and_why(self) -> None:
        detector = _detector(rule(clear_condition=quiet(600)))
        detector.trigger(hit(5, "web", "u"))
        (cleared,) = detector.advance(START + 1000 * SECOND)
        fields = cleared.document
        assert fields["fortisiem.incident.status"] == "auto-cleared"
        assert fields["fortisiem.incident.cleared_at"] == format_instant(START + 605 * SECOND)
        assert "10m" in fields["fortisiem.incident.cleared_reason"]
        assert fields["kibana.alert.status"] == "recovered"

    @pytest.mark.parametrize(
        ("title", "shown"),
        [
            ("$user", "$hostName"),
            ("${user}s", "$hostNames"),
            ("$users ${user", "$users ${user"),
            ("$$user %s {0}", "$$hostName %s {0}"),
            ("$hostName/$user", "web/$hostName"),
        ],
    )
    def test_placeholders(self, title: str, shown: str) -> None:
        assert titled(title, {"user": "$hostName", "hostName": "web"}) == shown

    def test_a_title_shows_the_beginning_of_a_long_value(self) -> None:
        assert titled("$user!", {"user": "x" * 1_000_000}) == f"{'x' * 200}…!"

    def test_the_displayed_attributes_of_the_newest_events(self) -> None:
        detector = _detector(rule(triggered_attributes=("phRecvTime", "procName", "swParam", "rawEventMsg")))
        for at in range(25):
            process = {"name": f"p{at}", "args": ["p", "a"]}
            detector.trigger(hit(at, "web", "u", events=(event(at, process=process, message=f"line {at}"),)))
        shown = _only(detector).document["fortisiem.incident.triggered_events"]
        assert [each["procName"] for each in shown] == [f"p{at}" for at in range(24, 24 - NEWEST, -1)]
        assert shown[0] == {
            "phRecvTime": format_instant(START + 24 * SECOND),
            "procName": "p24",
            "swParam": "a",
            "rawEventMsg": "line 24",
        }
        triggers = _only(detector).triggers
        assert [bool(each.event_ids) for each in triggers] == [False] * 5 + [True] * NEWEST

    def test_events_of_several_parts_tell_which_they_satisfied(self) -> None:
        made = rule(maps="", parts="A B", triggered_attributes=("hostName",))
        detector = IncidentDetector(made, composite_pattern(Relation.AND, "A", "B"))
        first, second = (hit(at, "h", "u", events=(event(at, host={"name": f"h{at}"}),)) for at in (2, 1))
        detector.trigger(composite_hit(first, second))
        assert _only(detector).document["fortisiem.incident.triggered_events"] == [
            {"subpattern": "A", "hostName": "h2"},
            {"subpattern": "B", "hostName": "h1"},
        ]

    def test_a_long_value_is_cut(self) -> None:
        detector = _detector(rule(triggered_attributes=("rawEventMsg",)))
        detector.trigger(hit(1, "web", "u", events=(event(1, message="x" * 100_000),)))
        (shown,) = _only(detector).document["fortisiem.incident.triggered_events"]
        assert len(shown["rawEventMsg"]) < 3_000


class TestEvent:
    def test_an_incident_is_an_event(self) -> None:
        made = rule(
            maps="hostName = Down.hostName, srcIpAddr = Down.user",
            incident_title="On $hostName",
            impacts=("Server",),
        )
        detector = _detector(made)
        detector.trigger(hit(1, "web", "10.0.0.1"))
        raised = detector.trigger(hit(5, "web", "10.0.0.1", since=4))
        assert raised is not None
        said = raised.event["fortisiem"]
        assert raised.event["event"]["kind"] == "alert"
        assert raised.event["@timestamp"] == said["phRecvTime"] == format_instant(START + 5 * SECOND)
        assert (said["eventType"], said["phEventCategory"], said["incidentStatus"]) == (EVENT_TYPE, 1, 0)
        assert (said["eventSeverity"], said["eventSeverityCat"], said["count"]) == (5, "MEDIUM", 2)
        assert (said["incidentTitle"], said["incidentSrc"]) == ("On web", "srcIpAddr:10.0.0.1")
        assert said["incidentTarget"] == "hostName:web"
        assert said["incidentFirstSeen"] == format_instant(START + SECOND)
        assert said["incidentId"] == int(raised.uuid[:15], 16)
        assert (said["hostName"], said["srcIpAddr"]) == ("web", "10.0.0.1")
        assert raised.event["host"]["name"] == "web"
        assert "incidentDetail" not in said

    def test_each_trigger_is_another_event_and_a_repeat_the_same(self) -> None:
        detector = _detector()
        names = [
            raised.event["event"]["id"]
            for at in (1, 2, 1)
            if (raised := detector.trigger(hit(at, "web", "u"))) is not None
        ]
        assert names[0] == names[2] != names[1]


class _Never:
    comment = "weekly scan"

    def holds(self, attributes: Mapping[str, str], time: int) -> bool:
        return attributes.get("hostName") == "scanner" and time < START + 10 * SECOND


def test_an_exception_suppresses_the_incident_and_is_counted() -> None:
    detector = _detector(exceptions=[_Never()])
    assert detector.trigger(hit(1, "scanner", "u")) is None
    assert detector.trigger(hit(1, "web", "u")) is not None
    assert detector.trigger(hit(20, "scanner", "u")) is not None
    assert detector.suppressed == 1
    assert len(list(detector.incidents())) == 2


def test_watch_lists_are_added_to() -> None:
    additions = (WatchListAddition("user", ("Bad users", "Seen")), WatchListAddition("gone", ("Never",)))
    raised = _detector(rule(watch_lists=additions)).trigger(hit(1, "web", "mallory"))
    assert raised is not None
    time = START + SECOND
    assert raised.entries == (
        WatchEntry("Bad users", "mallory", time, "instance"),
        WatchEntry("Seen", "mallory", time, "instance"),
    )


def test_details_are_let_go_of_in_the_order_of_last_trigger() -> None:
    size = _details_kept(10**6, 1)._size
    details = _details_kept(5 * size, 8)
    assert details.dropped == 3
    assert [bool(details.of(f"i{number}").event_ids) for number in range(8)] == [False] * 3 + [True] * 5
    details.keep("i3", Fired(bytes(16), 9, 9, 9), hit(9, "web", "u"))
    assert [bool(details.of(f"i{number}").event_ids) for number in (3, 4, 5)] == [True, False, True]


def _details_kept(limit: int, incidents: int) -> TriggerDetails:
    details = TriggerDetails(("hostName",), ("Down",), limit_bytes=limit)
    for at in range(incidents):
        details.keep(f"i{at}", Fired(bytes([at]) * 16, at, at, at), hit(at, "web", "u"))
    return details


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=60), st.integers(2, 5))
def test_a_trigger_log_is_a_set(entries: list[tuple[int, int]], longest: int) -> None:
    fired = [Fired(bytes([name]) * 16, first + name, first - 10, first) for first, name in entries]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dogwatch.detect.trigger_log._LONGEST", longest)
        log = TriggerLog()
        expected: set[Fired] = set()
        for each in fired:
            assert (each in log) == (each in expected)
            assert log.add(each) == (each not in expected)
            expected.add(each)
    assert log.fired() == sorted(expected, key=lambda each: (each.time, each.id))
    assert len(log) == len(expected)
    assert log.is_single == (len(expected) == 1)
    if expected:
        assert log.first_event == min(each.first_event for each in expected)


def test_an_unmapped_incident_is_one_for_the_rule() -> None:
    detector = _detector(rule(incident=IncidentDefinition(EVENT_TYPE, 9, mapping(""))))
    for at, host in enumerate(("a", "b")):
        detector.trigger(hit(at, host, "u"))
    assert len(_only(detector).triggers) == 2
