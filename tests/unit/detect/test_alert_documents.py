"""The documents of alerts are the same whichever process found the hits, and hold the events as they came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from detection_samples import START, elastic, process

from dogwatch.alerts.model import Alert
from dogwatch.detect import api
from dogwatch.detect.options import ScanOptions
from dogwatch.events.readers import ReadOptions
from dogwatch.events.readers import lines as lines_module
from dogwatch.rules.ruleset import rule_set

NC, SH = 'process where process.name == "nc"', 'process where process.name == "sh"'
RULES = rule_set(
    [
        elastic(NC, rule_id="nc"),
        elastic('any where process.name in ("nc", "sh")', rule_id="both"),
        elastic(f"sequence by host.id with maxspan=1m [{NC}] [{SH}]", rule_id="pair"),
    ]
)
VALUES: list[Any] = [
    "\U0001f600x",
    2**70,
    -(2**63) - 1,
    1.5,
    None,
    True,
    ["\ud7ff", {"deep": [[1], 2**64]}],
    "\u2028\0",
]


def written(folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A file of events, every third as a search gives it, and the events."""
    documents, lines = [], []
    for number in range(60):
        value = VALUES[number % len(VALUES)]
        document = process(["nc", "sh", "ls"][number % 3], number, strange={"value": value, "n": number})
        documents.append(document)
        wrapped = {"_id": f"id-{number}", "_index": "logs-y", "_source": document}
        lines.append(json.dumps(wrapped if number % 3 == 1 else document))
    file = folder / "events.ndjson"
    file.write_text("\n".join(lines) + "\n")
    return file, documents


def scanned(file: Path, workers: int, block_bytes: int) -> list[Alert]:
    options = ScanOptions(workers=workers, now=START)
    reading = ReadOptions(native_bytes=1, block_bytes=block_bytes)
    run = api.scan(file, RULES, options=options, reading=reading)
    return [each for each in run if isinstance(each, Alert)]


def described(alert: Alert) -> str:
    # Equality of numbers would not tell 1 from 1.0 or True.
    return json.dumps([alert.uuid, alert.sameness, alert.document, list(map(described, alert.building_blocks))])


def test_alerts_hold_events_as_they_came_whoever_found_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "_CHUNK", 500)
    file, documents = written(tmp_path)
    alone = scanned(file, 1, 1 << 20)
    assert [described(each) for each in scanned(file, 2, 1500)] == list(map(described, alone))
    # Twenty events each of nc and sh; the first two rules see 20 and 40 of them, the pair is found 20 times.
    assert len(alone) == 20 + 40 + 20
    singles = [each for each in alone if not each.building_blocks]
    blocks = [block for each in alone for block in each.building_blocks]
    assert len(blocks) == 40
    for each in (*singles, *blocks):
        original = documents[each.document["strange"]["n"]]
        assert json.dumps(each.document["strange"]) == json.dumps(original["strange"])
        assert each.document["kibana.alert.original_time"] == original["@timestamp"]
        (source,) = each.document["kibana.alert.ancestors"]
        number = original["strange"]["n"]
        assert (source["id"] == f"id-{number}") == (number % 3 == 1)
        assert source["index"] == ("logs-y" if number % 3 == 1 else "")
