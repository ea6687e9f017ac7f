from __future__ import annotations

from detection_samples import alerts, elastic, fortisiem, found, hit, process, scan_for

from dogwatch.detect.options import ScanOptions

NC = 'process where process.name == "nc"'


def indices(patterns: list[str], *names: str | None, any_index: bool = False) -> list[str | None]:
    rule = elastic(NC, index=patterns)
    documents = [hit(process("nc"), f"e{number}", name) for number, name in enumerate(names)]
    found = alerts(rule, documents, index=None, any_index=any_index)
    return [each.document["kibana.alert.ancestors"][0]["index"] for each in found]


def test_only_events_of_the_named_data_streams_are_offered() -> None:
    assert indices(["auditbeat-*", "logs-endpoint.*"], "auditbeat-8.9", "winlogbeat-8", "logs-endpoint.x-1") == [
        "auditbeat-8.9",
        "logs-endpoint.x-1",
    ]
    assert indices(["logs-*", "-logs-a*"], "logs-a1", "logs-b") == ["logs-b"]
    assert indices(["logs-*"], ".ds-logs-a-default-2024.01.01-000001") == ["logs-a-default"]


def test_events_of_unknown_data_streams_are_offered_to_every_rule() -> None:
    assert indices(["auditbeat-*"], None, "logs-x", None) == ["", ""]


def test_any_index_offers_everything() -> None:
    assert indices(["auditbeat-*"], "logs-x", None, any_index=True) == ["logs-x", ""]


def test_a_rule_without_patterns_is_offered_everything() -> None:
    assert len(alerts(elastic(NC), [process("nc")], index="whatever")) == 1


def test_what_was_offered_is_reported() -> None:
    near = elastic(NC, rule_id="near", index=["logs-*"])
    far = elastic(NC, rule_id="far", index=["auditbeat-*"])
    vendor = fortisiem('eventType = "LINUX_PROCESS_EXEC"')
    scan = scan_for([near, far, vendor], ScanOptions())
    found(scan, [process("ls")])
    assert scan.report.offered == {near.instance_id, vendor.instance_id}


def test_sequences_see_only_their_data_streams() -> None:
    rule = elastic(f'sequence [{NC}] [process where process.name == "sh"]', index=["logs-a"])
    start, end = process("nc", 1), process("sh", 2)
    assert not alerts(rule, [hit(start, "1", "logs-b"), hit(end, "2", "logs-a")], index=None)
    assert len(alerts(rule, [hit(start, "1", "logs-a"), hit(end, "2", "logs-a")], index=None)) == 1
