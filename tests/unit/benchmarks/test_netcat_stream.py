from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from dogwatch.detect.api import scan
from dogwatch.rules.ruleset import load_rules

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from benchmarks.generate.netcat import PAIRS, SEED, events, write_ndjson  # noqa: E402 - not an installed package


def test_same_seed_gives_the_same_events() -> None:
    assert list(events(500, SEED)) == list(events(500, SEED))
    assert list(events(500, SEED)) != list(events(500, SEED + 1))


def test_events_are_in_order_with_ids_of_their_own_and_skewed_hosts() -> None:
    made = list(events(3000))
    times = [each["@timestamp"] for each in made]
    assert times == sorted(times)
    assert len({each["event"]["id"] for each in made}) == 3000
    hosts = Counter(each["host"]["name"] for each in made)
    assert hosts.most_common(1)[0][1] > 20 * min(hosts.values())


@pytest.mark.parametrize("count", [1, 250, 3000])
def test_every_netcat_start_has_one_later_connection_on_its_host(count: int) -> None:
    started: dict[str, str] = {}
    connected = []
    for each in events(count):
        if each["process"]["name"].partition(".")[0] not in ("nc", "ncat", "netcat"):
            continue
        entity = each["process"]["entity_id"]
        if each["event"]["category"] == ["process"]:
            started[entity] = each["host"]["name"]
        else:
            assert started[entity] == each["host"]["name"]
            connected.append(entity)
    assert sorted(connected) == sorted(started)
    assert len(started) == round(PAIRS * count)


def test_the_sequence_rule_finds_exactly_the_pairs(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    size = write_ndjson(path, 3000)
    assert size == path.stat().st_size
    assert 1300 < size / 3000 < 1700
    rules = load_rules()
    rule = rules.find("adb961e0@5")
    assert len(list(scan(path, rules.where(lambda each: each is rule)))) == round(PAIRS * 3000)
