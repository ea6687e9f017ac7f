"""The queries that the page recommends find what it says that they find."""

from __future__ import annotations

import json
from typing import Any

import pytest
from recordings import PAGE, TABLE, expected, shared

from dogwatch.detect.api import search

EXPECTED = expected()


@pytest.mark.parametrize("watch", TABLE["watch"], ids=lambda watch: str(watch["name"]))
def test_what_is_gained_over_version_5(watch: dict[str, Any]) -> None:
    unseen = [name for name, entry in EXPECTED.items() if not entry["v5"]]
    assert sorted(name for name in unseen if search("eql", watch["query"], shared(name))) == watch["gained"]


@pytest.mark.parametrize("watch", TABLE["watch"], ids=lambda watch: str(watch["name"]))
def test_the_page_shows_the_query(watch: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"### {watch['name']}\n\n```eql\n{watch['query'].strip()}\n```" in page


@pytest.mark.slow
def test_the_unseen_attacks_of_the_mixed_stream() -> None:
    (watch,) = [each for each in TABLE["watch"] if each["name"].endswith("becomes a shell")]
    hits = search("eql", watch["query"], shared(TABLE["mixed"]["file"]))
    attacks = json.loads(shared("manifest.json").read_text(encoding="utf-8"))["mixed_stream"]["attacks"]
    unseen = {attack["attack"] for attack in TABLE["mixed"]["attack"] if not attack["v5"]}
    pids = {event["pid"] for attack in attacks if attack["attack"] in unseen for event in attack["netcat_events"]}
    assert len(hits) == len(pids) == 2
    assert {event["process"]["pid"] for hit in hits for event in hit.events} == pids
    assert {hit.events[1]["process"]["name"] for hit in hits} == {"sh", "bash"}
