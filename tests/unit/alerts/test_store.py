"""What every store of alerts does, whatever keeps them."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alert_samples import NOON, RULE, event_alert, incident, sequence_alert
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.alerts.identity import building_block_uuids
from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.model import OPEN_UNTIL, Alert, AlertDocument, Detection
from dogwatch.alerts.store import AlertQuery, AlertStore, Filed
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.time import SECOND, format_instant

EVERYTHING = AlertQuery(building_blocks=True, size=10_000)


def _sqlite(folder: Path) -> AlertStore:
    return Ledger.open(folder / "ledger.db", clock=lambda: NOON)


STORES: dict[str, Callable[[Path], AlertStore]] = {"sqlite": _sqlite}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AlertStore]:
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()


def _uuids(documents: object) -> list[str]:
    assert isinstance(documents, list)
    return [document["kibana.alert.uuid"] for document in documents]


def test_an_empty_store_has_nothing(store: AlertStore) -> None:
    assert store.file([]) == Filed()
    assert store.alerts(EVERYTHING) == []
    assert store.incidents(EVERYTHING) == []
    assert store.alert("ab") is None
    assert store.incident("ab") is None
    assert store.building_blocks("ab") == []


def test_an_alert_comes_back_as_it_was_filed(store: AlertStore) -> None:
    alert = event_alert("e1")
    assert store.file([alert]) == Filed(new=1)
    assert store.alerts(AlertQuery()) == [alert.document]
    assert store.alert(alert.uuid) == alert.document


def test_every_alert_is_filed_open(store: AlertStore) -> None:
    alert = event_alert("e1")
    del alert.document["kibana.alert.workflow_status"]
    store.file([alert])
    assert store.alerts(AlertQuery(status="open"))[0]["kibana.alert.workflow_status"] == "open"
    assert "kibana.alert.workflow_status" not in alert.document
    assert store.alerts(AlertQuery(status="closed")) == []


def test_a_repeat_is_known_whether_in_the_same_call_or_a_later_one(store: AlertStore) -> None:
    assert store.file([event_alert("e1"), event_alert("e2"), event_alert("e1")]) == Filed(new=2, known=1)
    assert store.file([event_alert("e2")]) == Filed(known=1)
    assert len(store.alerts(AlertQuery())) == 2


def test_the_same_event_under_two_instances_of_a_rule_is_two_alerts(store: AlertStore) -> None:
    assert store.file([event_alert("e1"), event_alert("e1", rule_uuid="pinned-v6")]) == Filed(new=2)


def test_blocks_are_listed_only_when_asked_and_kept_in_order(store: AlertStore) -> None:
    shell = sequence_alert(["e1", "e2", "e3"])
    assert store.file([shell]) == Filed(new=1)
    assert _uuids(store.alerts(AlertQuery())) == [shell.uuid]
    assert len(store.alerts(EVERYTHING)) == 4
    assert store.building_blocks(shell.uuid) == [block.document for block in shell.building_blocks]
    assert store.building_blocks(shell.building_blocks[0].uuid) == []
    assert store.alert(shell.building_blocks[1].uuid) == shell.building_blocks[1].document


def test_a_later_reading_of_the_same_end_replaces_the_alert_and_its_blocks(store: AlertStore) -> None:
    first, better = sequence_alert(["e2", "e9"]), sequence_alert(["e1", "e9"], NOON + SECOND, {"more": "better"})
    assert first.uuid != better.uuid
    assert store.file([first]) == Filed(new=1)
    assert store.file([better]) == Filed(updated=1)
    assert store.file([better]) == Filed(known=1)
    (document,) = store.alerts(AlertQuery())
    assert document == better.document | {"@timestamp": first.document["@timestamp"]}
    assert store.alert(first.uuid) is None
    assert store.building_blocks(first.uuid) == []
    assert _uuids(store.building_blocks(better.uuid)) == [block.uuid for block in better.building_blocks]
    assert len(store.alerts(EVERYTHING)) == 3


def test_a_window_that_was_open_is_closed_by_a_later_reading_and_by_no_earlier_one(store: AlertStore) -> None:
    mark: dict[str, Any] = {OPEN_UNTIL: "2026-11-22T12:00:00.000Z"}
    still_open, certain = sequence_alert(["e1", "e9"], more=mark), sequence_alert(["e1", "e9"], NOON + SECOND)
    assert still_open.uuid == certain.uuid
    assert store.file([still_open]) == Filed(new=1)
    assert store.file([still_open]) == Filed(known=1)
    assert store.file([certain]) == Filed(updated=1)
    assert store.file([certain, still_open]) == Filed(known=2)
    (document,) = store.alerts(AlertQuery())
    assert document == certain.document | {"@timestamp": still_open.document["@timestamp"]}
    assert _uuids(store.building_blocks(certain.uuid)) == [block.uuid for block in certain.building_blocks]


def test_readings_of_the_same_end_in_one_call_leave_the_last(store: AlertStore) -> None:
    first, better = sequence_alert(["e2", "e9"]), sequence_alert(["e1", "e9"])
    assert store.file([first, better, better]) == Filed(new=1, updated=1, known=1)
    assert _uuids(store.alerts(AlertQuery())) == [better.uuid]


def test_different_alerts_led_to_share_a_uuid_are_both_kept(store: AlertStore) -> None:
    # Kibana's recipe joins ids without a separator: events ("a", "bc") and ("ab", "c") make one uuid.
    one, other = sequence_alert(["a", "auditbeatbc"]), sequence_alert(["aauditbeat", "bc"])
    assert one.uuid == other.uuid
    blocks = [
        [("a", "auditbeat"), ("auditbeatbc", "auditbeat")],
        [("aauditbeat", "auditbeat"), ("bc", "auditbeat")],
    ]
    assert building_block_uuids([blocks[0]], RULE) == building_block_uuids([blocks[1]], RULE)
    assert store.file([one, other]) == Filed(new=2)
    assert store.file([other, one]) == Filed(known=2)
    assert len(store.alerts(EVERYTHING)) == 6
    assert store.alert(one.uuid) is not None
    assert len(store.building_blocks(one.uuid)) == 2


def test_alerts_are_listed_newest_first_and_capped(store: AlertStore) -> None:
    store.file(event_alert(f"e{n}", NOON + n * SECOND) for n in range(10))
    times = [document["@timestamp"] for document in store.alerts(AlertQuery(size=3))]
    assert times == [format_instant(NOON + n * SECOND) for n in (9, 8, 7)]


def test_an_alert_whose_time_cannot_be_read_is_kept_and_listed_last(store: AlertStore) -> None:
    store.file([event_alert("e1", more={"@timestamp": "9999-12-31T00:00:00Z"}), event_alert("e2")])
    assert [document["@timestamp"][:4] for document in store.alerts(AlertQuery())] == ["2026", "9999"]
    assert len(store.alerts(AlertQuery(since=0))) == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (AlertQuery(rule="rule-id-1"), ["e1", "e2"]),
        (AlertQuery(rule="Rule-ID"), []),
        (AlertQuery(rule="CAT lis"), ["e1", "e2"]),
        (AlertQuery(rule="straße %_"), ["e3"]),
        (AlertQuery(rule="STRASSE"), []),
        (AlertQuery(rule="%"), ["e3"]),
        (AlertQuery(min_severity="medium"), ["e1", "e2"]),
        (AlertQuery(min_severity="low"), ["e1", "e2", "e3"]),
        (AlertQuery(min_severity="critical"), []),
        (AlertQuery(since=NOON + SECOND), ["e2", "e3"]),
        (AlertQuery(until=NOON + SECOND), ["e1", "e2"]),
        (AlertQuery(since=NOON + SECOND, until=NOON + SECOND, rule="netcat"), ["e2"]),
    ],
)
def test_conditions(store: AlertStore, query: AlertQuery, expected: list[str]) -> None:
    other: dict[str, Any] = {
        "kibana.alert.severity": "low",
        "kibana.alert.rule.rule_id": "other",
        "kibana.alert.rule.name": "STRAßE %_ of Events",
    }
    store.file(
        [
            event_alert("e1", NOON, {"event": {"id": "e1"}}),
            event_alert("e2", NOON + SECOND, {"event": {"id": "e2"}}),
            event_alert("e3", NOON + 2 * SECOND, {"event": {"id": "e3"}} | other),
        ]
    )
    assert sorted(document["event"]["id"] for document in store.alerts(query)) == expected


def test_an_unknown_severity_is_refused(store: AlertStore) -> None:
    with pytest.raises(DogwatchError, match="unknown-severity"):
        store.alerts(AlertQuery(min_severity="severe"))


def test_lookup_by_the_beginning_of_a_uuid(store: AlertStore) -> None:
    alerts = [event_alert(f"e{n}") for n in range(40)]
    store.file(alerts)
    for alert in alerts:
        assert store.alert(alert.uuid[:12]) == alert.document
        assert store.alert(alert.uuid[:12].upper()) == alert.document
    first = Counter(alert.uuid[0] for alert in alerts).most_common(1)[0][0]
    with pytest.raises(DogwatchError, match="ambiguous-id"):
        store.alert(first)


@pytest.mark.parametrize("prefix", ["", "%", "a%", "a_", "xyz", "a'--", "\uff41", "a\n", "\ud800"])
def test_what_is_no_beginning_of_a_uuid_is_refused(store: AlertStore, prefix: str) -> None:
    store.file([event_alert("e1"), incident("web", ("t1", 0, 1))])
    for look_up in (store.alert, store.incident):
        with pytest.raises(DogwatchError, match="malformed-id"):
            look_up(prefix)


def test_an_incident_counts_its_distinct_triggers_over_all_runs(store: AlertStore) -> None:
    assert store.file([incident("web", ("t2", 10, 20))]) == Filed(new=1)
    assert store.file([incident("web", ("t1", 0, 5), ("t2", 10, 20), ("t3", 15, 30))]) == Filed(updated=1)
    assert store.file([incident("web", ("t1", 0, 5)), incident("db", ("t1", 0, 5))]) == Filed(new=1, known=1)
    web, db = store.incidents(AlertQuery())
    assert web["fortisiem.incident.attributes"] == {"hostName": "web"}
    assert web["fortisiem.incident.count"] == 3
    assert web["fortisiem.incident.first_seen"] == format_instant(NOON)
    assert web["fortisiem.incident.last_seen"] == format_instant(NOON + 30 * SECOND)
    assert db["fortisiem.incident.count"] == 1
    assert store.alerts(EVERYTHING) == []


def test_an_incident_is_shown_with_its_newest_triggers_first(store: AlertStore) -> None:
    filed = incident("web", *((f"t{n}", n, n + 1) for n in range(30)))
    store.file([filed])
    found = store.incident(filed.uuid[:10])
    assert found is not None
    shown = found.pop("fortisiem.incident.triggers")
    assert [trigger["id"] for trigger in shown] == [f"t{n}" for n in range(29, 9, -1)]
    assert shown[0] == {
        "id": "t29",
        "time": format_instant(NOON + 30 * SECOND),
        "first_event": format_instant(NOON + 29 * SECOND),
        "last_event": format_instant(NOON + 30 * SECOND),
        "event_ids": ["e-t29"],
    }
    assert found == filed.document


def test_an_earlier_reading_of_an_incident_adds_its_triggers_but_not_its_words(store: AlertStore) -> None:
    store.file([incident("web", ("t2", 10, 20), more={"fortisiem.incident.detail": "late"})])
    store.file([incident("web", ("t1", 0, 5), more={"fortisiem.incident.detail": "early"})])
    (document,) = store.incidents(AlertQuery(status="active"))
    assert document["fortisiem.incident.detail"] == "late"
    assert document["fortisiem.incident.count"] == 2
    assert document["fortisiem.incident.first_seen"] == format_instant(NOON)


def test_incidents_are_listed_by_when_they_were_last_seen(store: AlertStore) -> None:
    store.file([incident("web", ("t1", 0, 50)), incident("db", ("t2", 0, 60)), incident("dns", ("t3", 0, 40))])
    hosts = [each["fortisiem.incident.attributes"]["hostName"] for each in store.incidents(AlertQuery())]
    assert hosts == ["db", "web", "dns"]
    assert len(store.incidents(AlertQuery(since=NOON + 50 * SECOND))) == 2
    assert store.incidents(AlertQuery(rule="LISTENER", size=1)) == store.incidents(AlertQuery())[:1]
    assert store.incidents(AlertQuery(status="cleared")) == []


HOSTILE = "'; DROP TABLE alerts; --\x00\x1b[2J\u202e\ud800{}%s=cmd|'/c calc'!A1</script>"


def test_hostile_text_is_kept_as_text(store: AlertStore) -> None:
    more: dict[str, Any] = {
        "process": {"command_line": HOSTILE, HOSTILE: 2**70},
        "kibana.alert.rule.name": HOSTILE,
    }
    assert store.file([event_alert(HOSTILE, more=more), incident(HOSTILE, (HOSTILE, 0, 1))]) == Filed(new=2)
    assert store.file([event_alert(HOSTILE, more=more), incident(HOSTILE, (HOSTILE, 0, 1))]) == Filed(known=2)
    (document,) = store.alerts(AlertQuery(rule="drop table alerts"))
    assert document["process"]["command_line"] == HOSTILE.replace("\ud800", "\ufffd")
    assert document["process"][HOSTILE.replace("\ud800", "\ufffd")] == 2**70


def test_a_failing_producer_leaves_nothing(store: AlertStore) -> None:
    def detections() -> Iterator[Detection]:
        for number in range(1000):
            yield event_alert(f"e{number}")
        raise RuntimeError

    store.file([event_alert("before")])
    with pytest.raises(RuntimeError):
        store.file(detections())
    assert len(store.alerts(EVERYTHING)) == 1


def test_an_incident_with_very_many_triggers(store: AlertStore) -> None:
    many = [(f"t{number}", number, number + 1) for number in range(2500)]
    store.file([incident("web", *many[::2])])
    assert store.file([incident("web", *many)]) == Filed(updated=1)
    assert store.incidents(AlertQuery())[0]["fortisiem.incident.count"] == 2500


def _incidents() -> st.SearchStrategy[Detection]:
    def build(host: str, numbers: set[int]) -> Detection:
        named_after_reading = {"fortisiem.incident.detail": f"read {sorted(numbers)}"}
        return incident(host, *((f"t{n}", n, n + n % 3) for n in sorted(numbers)), more=named_after_reading)

    return st.builds(build, st.sampled_from(["web", "db"]), st.sets(st.integers(0, 6), min_size=1))


DETECTIONS = st.lists(
    st.one_of(
        st.builds(event_alert, st.sampled_from("abcdef")),
        st.builds(lambda end: sequence_alert([f"{end}1", end]), st.sampled_from("abc")),
        _incidents(),
    ),
    max_size=12,
)


def _contents(store: AlertStore) -> tuple[list[AlertDocument], list[AlertDocument | None], list[object]]:
    alerts = list(store.alerts(EVERYTHING))
    incidents = [store.incident(each["kibana.alert.uuid"]) for each in store.incidents(EVERYTHING)]
    return alerts, incidents, [store.building_blocks(each["kibana.alert.uuid"]) for each in alerts]


@pytest.mark.parametrize("make", STORES.values(), ids=STORES)
@settings(max_examples=25, deadline=None)
@given(detections=DETECTIONS, data=st.data())
def test_order_split_and_repeats_do_not_matter(
    make: Callable[[Path], AlertStore], detections: list[Detection], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(detections))
    repeats = data.draw(st.lists(st.sampled_from(detections), max_size=4)) if detections else []
    cuts = data.draw(st.lists(st.integers(0, len(detections)), max_size=3).map(sorted))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "one").mkdir()
        Path(folder, "two").mkdir()
        once, split = make(Path(folder, "one")), make(Path(folder, "two"))
        once.file(detections)
        outcomes = [
            split.file(shuffled[start:end]) for start, end in itertools.pairwise([0, *cuts, len(shuffled)])
        ]
        outcomes.append(split.file(repeats))
        assert outcomes[-1] == Filed(known=len(repeats))
        assert _contents(once) == _contents(split)
        distinct = {each.sameness if isinstance(each, Alert) else each.uuid for each in detections}
        assert sum(filed.new for filed in outcomes) == len(distinct)
        assert sum(filed.new + filed.updated + filed.known for filed in outcomes) == len(detections + repeats)
        once.close()
        split.close()
