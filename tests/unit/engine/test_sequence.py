from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_samples import SECOND, event, sequence, stage_rows, stages

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.passed import StagePassed
from dogwatch.engine.reference.sequence import find_sequences
from dogwatch.engine.sequence import SequenceHit, SequenceMatcher
from dogwatch.events.batch import NO_TIEBREAK, Event
from dogwatch.logic.pattern import Key, SequencePattern

ROOT = Path(__file__).resolve().parents[3]
SERIES = (
    Path(os.environ.get("DOGWATCH_SHARED", ROOT.parent / "shared"))
    / "conformance/eql/elastic__elasticsearch/x-pack/plugin/eql/src/test/resources/sequences.series-spec"
)
NULL = "<null>"
PATTERNS = st.builds(
    sequence, st.integers(2, 4), st.sampled_from([None, 0, 3, 8]), until=st.booleans(), keys=st.just(1)
)


def fast(pattern: SequencePattern, rows: list[StagePassed]) -> list[SequenceHit]:
    matcher = SequenceMatcher(pattern)
    hits = [hit for row in rows for hit in matcher.feed(row)] + matcher.finish()
    assert matcher.evicted == matcher.late == 0
    # What waited for an absence is given later than what ended after it.
    return sorted(hits, key=lambda hit: hit.events[-1].order) if pattern.absences else hits


def names(hits: list[SequenceHit], pattern: SequencePattern) -> list[list[str]]:
    return [[one.id if one else "-" for one in pattern.laid_out(hit.events)] for hit in hits]


def spec_cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted((ROOT / "tests/spec/sequence").glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


def spec_numbers(case: dict[str, Any]) -> dict[str, int]:
    until = ["until"] if any("until" in one["acts"] for one in case["events"]) else []
    names = [*map(str, range(1, case["stages"] + 1)), *until, *case.get("absences", ())]
    return {name: number for number, name in enumerate(names)}


def spec_rows(case: dict[str, Any]) -> list[StagePassed]:
    rows = []
    for arrival, one in enumerate(case["events"]):
        acts = one["acts"] if isinstance(one["acts"], dict) else {stage: [[]] for stage in one["acts"]}
        masks: dict[Key, int] = {}
        numbers = spec_numbers(case)
        for stage in sorted(acts, key=lambda stage: int(stage) if stage.isdigit() else -1, reverse=True):
            number = numbers[stage]
            for values in acts[stage]:
                key = tuple(None if value == NULL else value for value in values)
                masks[key] = masks.get(key, 0) | 1 << number
        made = event(
            int(one["time"] * SECOND),
            arrival,
            one.get("tiebreak", NO_TIEBREAK),
            one["id"],
            own=one.get("own", False),
        )
        rows.append(StagePassed(made, tuple(masks.items())))
    return sorted(rows, key=lambda row: row.event.order)


@pytest.mark.parametrize("case", spec_cases())
@pytest.mark.parametrize("evaluate", [fast, find_sequences])
def test_spec(evaluate: Any, case: dict[str, Any]) -> None:
    maxspan = int(case["maxspan"] * SECOND) if "maxspan" in case else None
    pattern = sequence(
        case["stages"],
        maxspan,
        until="until" in spec_numbers(case),
        keys=case.get("keys", 0),
        absences=list(case.get("absences", {}).values()),
    )
    hits = evaluate(pattern, spec_rows(case))
    assert names(hits, pattern) == case["expected"]
    still_open = {hit.events[0].id: hit.open_until / SECOND for hit in hits if hit.open_until is not None}
    assert still_open == case.get("open_until", {})


def series() -> list[Any]:
    if not SERIES.exists():
        return [pytest.param("", marks=pytest.mark.skip(reason=f"{SERIES.name} is not here"), id="absent")]
    lines = (line for line in SERIES.read_text(encoding="utf-8").splitlines() if not line.startswith("//"))
    parts = [part.strip("\n") for part in re.split(r"(?m)^;$", "\n".join(lines))]
    pairs = zip(parts[0::2], parts[1::2], strict=False)
    return [pytest.param((given_.split("\n"), then), id=given_.split("\n")[0]) for given_, then in pairs]


@pytest.mark.parametrize("spec", series())
@pytest.mark.parametrize("evaluate", [fast, find_sequences])
def test_series_of_elasticsearch(evaluate: Any, spec: tuple[list[str], str]) -> None:
    (_, *lines), expected = spec
    lines = [line for line in lines if line.strip()]
    rows = []
    for stage, line in enumerate(lines):
        for token in line.split():
            key, _, name = token.rpartition("|")
            time = int(re.sub(r"\D", "", name))
            rows.append(stages(event(time, time, name=name), stage, key=(key,) if key else ()))
    rows.sort(key=lambda row: row.event.order)
    pattern = sequence(len(lines))
    hits = evaluate(pattern, rows)
    wanted = [line.split() for line in expected.splitlines() if line.strip()]
    assert names(hits, pattern) == [[token.rpartition("|")[2] for token in tokens] for tokens in wanted]
    assert [hit.keys for hit in hits] == [tuple(filter(None, [tokens[0].rpartition("|")[0]])) for tokens in wanted]


def test_the_series_file_is_read_whole() -> None:
    if not SERIES.exists():
        pytest.skip(f"{SERIES.name} is not here")
    assert len(series()) > 20


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_agrees_with_the_reference(data: st.DataObject) -> None:
    pattern = data.draw(PATTERNS)
    rows = data.draw(stage_rows(pattern, 20))
    assert fast(pattern, rows) == find_sequences(pattern, rows)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_saving_and_restoring_changes_nothing(data: st.DataObject) -> None:
    pattern = data.draw(PATTERNS)
    rows = data.draw(stage_rows(pattern, 20))
    cut = data.draw(st.integers(0, len(rows)))
    first = SequenceMatcher(pattern)
    before = [hit for row in rows[:cut] for hit in first.feed(row)]
    saved = first.save()
    second = SequenceMatcher(pattern)
    second.restore(saved)
    assert second.save() == saved
    assert second.entries == first.entries
    after = [hit for row in rows[cut:] for hit in second.feed(row)]
    assert before + after == find_sequences(pattern, rows)
    assert second.repeated == len(rows) - len({id(row) for row in rows} - _ignored(rows))


def _ignored(rows: list[StagePassed]) -> set[int]:
    seen: set[tuple[str | None, str, int]] = set()
    ignored = set()
    for row in rows:
        name = (row.event.index, row.event.id, row.event.time)
        if row.event.has_own_id and name in seen:
            ignored.add(id(row))
        elif row.event.has_own_id:
            seen.add(name)
    return ignored


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_late_row_never_gives_events_out_of_order(data: st.DataObject) -> None:
    pattern = data.draw(PATTERNS)
    rows = data.draw(st.permutations(data.draw(stage_rows(pattern, 20))))
    matcher = SequenceMatcher(pattern)
    for row in rows:
        for hit in matcher.feed(row):
            orders = [one.order for one in hit.events]
            assert orders == sorted(set(orders))
            assert pattern.maxspan is None or orders[-1][0] - orders[0][0] <= pattern.maxspan
    assert matcher.late == 0 or rows != sorted(rows, key=lambda row: row.event.order)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_limit_only_loses_and_counts(data: st.DataObject) -> None:
    pattern = data.draw(PATTERNS)
    rows = data.draw(stage_rows(pattern, 20))
    limit = data.draw(st.integers(1, 3))
    matcher = SequenceMatcher(pattern, limit_entries=limit)
    hits = []
    for row in rows:
        hits += matcher.feed(row)
        assert matcher.entries <= limit
    if not matcher.evicted:
        assert hits == find_sequences(pattern, rows)


def test_the_key_with_the_oldest_start_is_evicted() -> None:
    matcher = SequenceMatcher(sequence(2), limit_entries=2)
    for arrival, key in enumerate("abac"):
        matcher.feed(stages(event(arrival, arrival), 0, key=(key,)))
    assert (matcher.evicted, matcher.entries) == (1, 2)
    assert matcher.feed(stages(event(9, 9), 1, key=("b",))) == []
    assert len(matcher.feed(stages(event(10, 10), 1, key=("a",)))) == 1


def test_pending_sequences_expire_with_the_clock_of_the_data() -> None:
    matcher = SequenceMatcher(sequence(2, maxspan=16))
    for number in range(1000):
        matcher.feed(stages(event(number, number), 0, key=(number,)))
    # maxspan, and a sixteenth of it between two clearings
    assert matcher.entries <= 18
    assert matcher.evicted == 0


def test_the_clock_may_advance_without_rows() -> None:
    matcher = SequenceMatcher(sequence(2, maxspan=16))
    matcher.feed(stages(event(0, 0), 0))
    matcher.advance(16)
    assert matcher.entries == 1
    matcher.advance(17)
    assert matcher.entries == 0


def test_a_key_with_nothing_pending_takes_no_room() -> None:
    matcher = SequenceMatcher(sequence(2, until=True))
    empty = matcher.save()
    for number in range(2, 22, 2):
        matcher.feed(stages(event(0, number), 0, key=(number,)))
        matcher.feed(stages(event(0, number + 1), 1 + number // 2 % 2, key=(number,)))
        matcher.feed(stages(event(0, number + 1), 0, 2, key=(-number,)))
    assert matcher.entries == 0
    assert len(matcher.save()) < len(empty) + 20


def test_a_late_start_does_not_take_the_place_of_a_newer_one() -> None:
    matcher = SequenceMatcher(sequence(2, maxspan=3))
    newer = event(10, 1)
    matcher.feed(stages(newer, 0))
    matcher.feed(stages(event(8, 2), 0))
    assert matcher.late == 1
    (hit,) = matcher.feed(stages(event(12, 3), 1))
    assert hit.events[0] is newer


def test_a_late_until_ends_nothing_that_came_after_it() -> None:
    matcher = SequenceMatcher(sequence(2, until=True))
    matcher.feed(stages(event(4, 0), 0, key=("before",)))
    matcher.feed(stages(event(10, 1), 0, key=("after",)))
    for key in ("before", "after"):
        matcher.feed(stages(event(5, 2), 2, key=(key,)))
    assert matcher.late == 2
    assert matcher.feed(stages(event(11, 3), 1, key=("before",))) == []
    assert len(matcher.feed(stages(event(11, 4), 1, key=("after",)))) == 1


def test_a_repeat_is_one_event_and_a_double_is_two() -> None:
    pattern = sequence(2)
    twice = [stages(event(5, number, name="same", own=True), 0, 1) for number in range(2)]
    assert fast(pattern, twice) == []
    doubles = [stages(event(5, number, name="same", own=False), 0, 1) for number in range(2)]
    assert len(fast(pattern, doubles)) == 1


def test_what_json_can_hold_survives_saving() -> None:
    document = {"big": 10**40, "surrogate": "\ud800", "deep": [{"a": None, "b": [1.5, True]}]}
    start = Event("\udcff", None, 1, NO_TIEBREAK, 1, document, None, has_own_id=True)
    first = SequenceMatcher(sequence(2))
    first.feed(stages(start, 0, key=("k",)))
    second = SequenceMatcher(sequence(2))
    second.restore(first.save())
    (hit,) = second.feed(stages(event(2, 2), 1, key=("k",)))
    assert hit.events[0] == start


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01", b"\x01\xc0", b"\x02{", b"\x02[]", b"junk"])
def test_unreadable_state_is_refused(data: bytes) -> None:
    matcher = SequenceMatcher(sequence(2))
    with pytest.raises(DogwatchError, match="state-format"):
        matcher.restore(data)


def test_state_of_another_shape_is_refused() -> None:
    matcher = SequenceMatcher(sequence(3))
    matcher.feed(stages(event(1, 1), 0))
    with pytest.raises(DogwatchError, match="3 stages"):
        SequenceMatcher(sequence(2)).restore(matcher.save())


@given(st.data())
def test_damaged_state_is_refused_or_harmless(data: st.DataObject) -> None:
    matcher = SequenceMatcher(sequence(3))
    for number in range(4):
        matcher.feed(stages(event(number, number), number % 2, key=(number // 2,)))
    saved = bytearray(matcher.save())
    place = data.draw(st.integers(0, len(saved) - 1))
    saved[place] = data.draw(st.integers(0, 255))
    other = SequenceMatcher(sequence(3))
    try:
        other.restore(bytes(saved))
    except DogwatchError:
        return
    other.feed(stages(event(9, 9), 0, 1, 2, key=(0,)))
