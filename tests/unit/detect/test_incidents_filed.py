"""Incidents of several runs in one ledger: as if one run had seen everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from incident_samples import START, aggregate_pattern, cleared_by, hit, quiet, rule

from dogwatch.alerts import tables
from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.model import Incident
from dogwatch.alerts.store import AlertQuery, Filed
from dogwatch.base.time import SECOND
from dogwatch.detect.clear import PatternClearer
from dogwatch.detect.incident import IncidentDetector
from dogwatch.rules.fortisiem_model import ClearCondition, PatternClear

Step = tuple[int, str, str]
"""Seconds, ``trigger`` or ``clear``, and a host."""

CONDITIONS: dict[str, ClearCondition | None] = {
    "never": None,
    "quiet": quiet(4),
    "pattern": cleared_by("Back.hostName = PH_RULE_Down.hostName"),
    "other": cleared_by("Back.hostName != PH_RULE_Down.hostName"),
}


def _run(
    condition: ClearCondition | None, steps: Sequence[Step], ledger: Ledger, *, at_once: bool = False
) -> None:
    """One run over a stretch of the data, filed as it ends, or after each step."""
    detector = IncidentDetector(rule(clear_condition=condition), aggregate_pattern())
    when = condition.when if condition is not None else None
    for at, what, host in steps:
        if what == "trigger":
            detector.trigger(hit(at, host, "u"))
        elif isinstance(when, PatternClear):
            PatternClearer(detector, when, aggregate_pattern("Up")).clear(hit(at, host, "u"))
        detector.advance(START + at * SECOND)
        if at_once:
            ledger.file(detector.incidents(), clearings=[detector])
    ledger.file(detector.incidents(), clearings=[detector])


def _follow(condition: ClearCondition | None, steps: Sequence[Step], ledger: Ledger) -> None:
    """One run over a stream, filed as it flows, and swept at its end."""
    detector = IncidentDetector(rule(clear_condition=condition), aggregate_pattern())
    when = condition.when if condition is not None else None
    for at, what, host in steps:
        found: list[Incident] = []
        if what == "trigger":
            raised = detector.trigger(hit(at, host, "u"))
            assert raised is not None
            found = [each for each in (detector.quieted(raised), detector.incident(raised)) if each is not None]
        elif isinstance(when, PatternClear):
            found = PatternClearer(detector, when, aggregate_pattern("Up")).clear(hit(at, host, "u"))
        found += detector.advance(START + at * SECOND)
        assert all(len(each.triggers) == 1 for each in found)
        for each in found:
            ledger.file([each], clearings=[detector], sweep=False)
    ledger.file([], clearings=[detector])


def _kept(ledger: Ledger) -> list[tuple[Any, ...]]:
    """What the ledger holds, without what depends on the wording of one run."""
    incidents, triggers = tables.incidents.c, tables.triggers.c
    names = ["uuid", "root", "status", "cleared_at", "cleared_reason", "first_seen", "last_seen", "trigger_count"]
    with ledger._engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.select(*(incidents[name] for name in names)))]
        keys = connection.execute(sa.select(triggers.incident, triggers.root, triggers.key))
        return sorted([*found, *map(tuple, keys)], key=str)


_STEPS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["trigger", "trigger", "clear"]), st.sampled_from("ab")),
    min_size=1,
    max_size=14,
    unique=True,
).map(lambda steps: sorted(steps, key=lambda step: step[0]))


@pytest.mark.parametrize("name", CONDITIONS)
@settings(max_examples=25, deadline=None)
@given(steps=_STEPS, cuts=st.lists(st.integers(0, 30), max_size=3), again=st.lists(st.integers(0, 3), max_size=3))
def test_pieces_and_repeats_give_what_one_run_gives(
    name: str, steps: list[Step], cuts: list[int], again: list[int]
) -> None:
    condition = CONDITIONS[name]
    # No instant is in two pieces: what came first within one could not be told.
    ends = sorted({*(sum(at < cut for at, _, _ in steps) for cut in cuts), len(steps)})
    pieces = [steps[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    with _ledger() as ledger:
        _run(condition, steps, ledger)
        whole = _kept(ledger)
        _run(condition, steps, ledger)
        assert _kept(ledger) == whole
    with _ledger() as ledger:
        for piece in pieces:
            _run(condition, piece, ledger)
        assert _kept(ledger) == whole
        for number in again:
            _run(condition, pieces[min(number, len(pieces) - 1)], ledger)
            assert _kept(ledger) == whole
    with _ledger() as ledger:
        # A file that grows, and is scanned from its beginning each time.
        for end in ends:
            _run(condition, steps[:end], ledger)
        assert _kept(ledger) == whole
    with _ledger() as ledger:
        _run(condition, steps, ledger, at_once=True)
        assert _kept(ledger) == whole
    with _ledger() as ledger:
        for piece in pieces:
            _follow(condition, piece, ledger)
        assert _kept(ledger) == whole


def _ledger() -> Ledger:
    """A ledger in memory."""
    return Ledger.open("sqlite://", clock=lambda: START)


def _triggers(*seconds: int) -> list[Step]:
    return [(at, "trigger", "a") for at in seconds]


def test_a_scan_of_what_was_followed_says_nothing_new() -> None:
    steps: list[Step] = [(1, "trigger", "a"), (2, "trigger", "a"), (4, "clear", "a"), (6, "trigger", "a")]
    with _ledger() as ledger:
        _follow(CONDITIONS["pattern"], steps, ledger)
        before = ledger.incidents(AlertQuery())
        assert [each["fortisiem.incident.count"] for each in before] == [1, 2]
        _run(CONDITIONS["pattern"], steps, ledger)
        assert ledger.incidents(AlertQuery()) == before


def test_a_stream_tells_of_an_incident_of_an_earlier_run_that_it_is_over() -> None:
    condition = CONDITIONS["pattern"]
    with _ledger() as ledger:
        _follow(condition, _triggers(1), ledger)
        detector = IncidentDetector(rule(clear_condition=condition), aggregate_pattern())
        assert detector.clear({"hostName": "a"}, START + 5 * SECOND) == []
        raised = detector.trigger(hit(7, "a", "u"))
        assert raised is not None
        assert ledger.file([detector.incident(raised)], clearings=[detector], sweep=False) == Filed(new=1)
        newer, older = ledger.incidents(AlertQuery())
        assert [each["fortisiem.incident.status"] for each in (newer, older)] == ["active", "auto-cleared"]


class TestByHand:
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Any:
        with Ledger.open(tmp_path / "ledger.db", clock=lambda: START + 100 * SECOND) as ledger:
            yield ledger

    @pytest.mark.parametrize("name", CONDITIONS)
    def test_it_takes_no_fresh_triggers(self, name: str, ledger: Ledger) -> None:
        _run(CONDITIONS[name], _triggers(1, 2), ledger)
        (before,) = ledger.incidents(AlertQuery())
        uuid = before["kibana.alert.uuid"]
        assert ledger.clear([uuid[:12]], "known \x1b[2J") == []
        _run(CONDITIONS[name], _triggers(1, 2), ledger)
        (cleared,) = ledger.incidents(AlertQuery())
        assert cleared["fortisiem.incident.status"] == "manually-cleared"
        assert cleared["fortisiem.incident.comment"] == "known \\x1b[2J"
        _run(CONDITIONS[name], _triggers(1, 2, 3), ledger)
        _run(CONDITIONS[name], _triggers(4), ledger)
        newer, older = ledger.incidents(AlertQuery())
        assert older == cleared
        assert newer["fortisiem.incident.root"] == older["fortisiem.incident.root"] == uuid
        assert newer["kibana.alert.uuid"] == newer["fortisiem.incident.id"] != uuid
        assert (newer["fortisiem.incident.count"], newer["fortisiem.incident.status"]) == (2, "active")

    def test_one_that_is_cleared_stays_as_it_was(self, ledger: Ledger) -> None:
        _run(quiet(4), [*_triggers(1, 20)], ledger)
        uuids = [each["kibana.alert.uuid"] for each in ledger.incidents(AlertQuery())]
        before = ledger.incidents(AlertQuery(status="auto-cleared"))
        assert len(before) == 1
        assert ledger.clear(uuids, "twice") == [before[0]["kibana.alert.uuid"]]
        assert ledger.clear(uuids, "again") == uuids
        assert ledger.incidents(AlertQuery(status="auto-cleared")) == before
        (by_hand,) = ledger.incidents(AlertQuery(status="manually-cleared"))
        assert by_hand["fortisiem.incident.comment"] == "twice"
        assert len(ledger.incidents(AlertQuery(status="cleared"))) == 2
        assert ledger.incidents(AlertQuery(status="active")) == []

    def test_the_clock_of_the_data_does_not_clear_it_again(self, ledger: Ledger) -> None:
        _run(quiet(4), _triggers(1), ledger)
        ledger.clear([ledger.incidents(AlertQuery())[0]["kibana.alert.uuid"]])
        _run(quiet(4), [(90, "trigger", "b")], ledger)
        assert len(ledger.incidents(AlertQuery(status="manually-cleared"))) == 1


class TestWithoutClearings:
    """The incidents alone say when they clear, to a store that is told nothing else."""

    def test_a_quiet_rules_incident_is_cleared_when_the_next_begins(self, tmp_path: Path) -> None:
        with Ledger.open(tmp_path / "ledger.db") as ledger:
            for at in (1, 5, 10):
                detector = IncidentDetector(rule(clear_condition=quiet(4)), aggregate_pattern())
                detector.trigger(hit(at, "a", "u"))
                ledger.file(detector.incidents())
            newer, older = ledger.incidents(AlertQuery())
        assert (older["fortisiem.incident.count"], older["fortisiem.incident.status"]) == (2, "auto-cleared")
        assert (newer["fortisiem.incident.count"], newer["fortisiem.incident.status"]) == (1, "active")

    def test_a_clear_closes_the_stored_one_unless_it_has_later_triggers(self, tmp_path: Path) -> None:
        condition = CONDITIONS["pattern"]
        assert condition is not None
        assert isinstance(condition.when, PatternClear)
        detector = IncidentDetector(rule(clear_condition=condition), aggregate_pattern())
        detector.trigger(hit(1, "a", "u"))
        with Ledger.open(tmp_path / "ledger.db") as ledger:
            assert ledger.file(detector.incidents()) == Filed(new=1)
            detector.clear({"hostName": "a"}, START + 5 * SECOND)
            assert ledger.file(detector.incidents()) == Filed(updated=1)
            assert ledger.file(detector.incidents()) == Filed(known=1)
            assert len(ledger.incidents(AlertQuery(status="auto-cleared"))) == 1
        with Ledger.open(tmp_path / "other.db") as ledger:
            _run(None, _triggers(1, 9), ledger)
            assert ledger.file(detector.incidents()) == Filed(known=1)
            assert len(ledger.incidents(AlertQuery(status="active"))) == 1
