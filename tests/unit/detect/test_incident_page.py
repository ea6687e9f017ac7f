"""The page about incidents names the fields and attributes that incidents have, each of them and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from incident_samples import START, aggregate_pattern, hit, quiet, rule

from dogwatch.base.time import SECOND
from dogwatch.detect.incident import IncidentDetector

PAGE = Path(__file__).resolve().parents[3] / "docs" / "fortisiem" / "incidents.md"


def _named_in_table(number: int) -> list[str]:
    tables = PAGE.read_text().split("| --- | --- |\n")[1:]
    rows = tables[number].split("\n\n")[0].splitlines()
    return [row.split("`")[1] for row in rows]


@pytest.fixture
def detector() -> IncidentDetector:
    """One whose rule says everything that a rule can say."""
    whole = rule(
        maps="hostName = Down.hostName, srcIpAddr = Down.srcIpAddr, procName = Down.procName",
        clear_condition=quiet(10),
        notification_frequency=5,
        impacts=("Server",),
    )
    return IncidentDetector(whole, aggregate_pattern(group_by=("hostName", "srcIpAddr", "procName")))


def test_the_fields_of_a_document(detector: IncidentDetector) -> None:
    detector.trigger(hit(1, "web", "10.0.0.1", "nc"))
    detector.advance(START + 100 * SECOND)
    (incident,) = detector.incidents()
    fields = [name for name in incident.document if name.startswith("fortisiem.")]
    assert _named_in_table(0) == fields


def test_the_attributes_of_an_event(detector: IncidentDetector) -> None:
    raised = detector.trigger(hit(1, "web", "10.0.0.1", "nc"))
    assert raised is not None
    attributes = set(raised.event["fortisiem"]) - {"hostName", "srcIpAddr", "procName"}
    named = _named_in_table(1)
    assert len(named) == len(set(named))
    assert set(named) == attributes
