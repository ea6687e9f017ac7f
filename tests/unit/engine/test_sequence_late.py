from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_samples import event, sequence, stage_rows, stages

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.late import LateTolerantMatcher
from dogwatch.engine.passed import StagePassed
from dogwatch.engine.reference.sequence import find_sequences
from dogwatch.engine.sequence import SequenceHit

PATTERNS = st.builds(sequence, st.integers(2, 4), st.sampled_from([None, 3, 8]), until=st.booleans())
EVER = 10**6


def run(matcher: LateTolerantMatcher, rows: list[StagePassed]) -> list[SequenceHit]:
    return [hit for row in rows for hit in matcher.feed(row)]


def doubles(rows: list[StagePassed]) -> list[StagePassed]:
    """The rows, none of them a repeat: which of two repeats is kept depends on the order of coming."""
    return [StagePassed(replace(row.event, has_own_id=False), row.keys) for row in rows]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_order_of_coming_ends_with_the_same_reading(data: st.DataObject) -> None:
    pattern = data.draw(PATTERNS)
    rows = doubles(data.draw(stage_rows(pattern, 20)))
    coming = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    matcher = LateTolerantMatcher(pattern, EVER)
    hits = run(matcher, coming[:cut])
    second = LateTolerantMatcher(pattern, EVER)
    second.restore(matcher.save())
    assert second.save() == matcher.save()
    hits += run(second, coming[cut:])
    last_reading = {(hit.keys, hit.events[-1].order): hit.events for hit in hits}
    for hit in find_sequences(pattern, rows):
        assert last_reading[hit.keys, hit.events[-1].order] == hit.events


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_in_order_it_is_the_plain_matcher(data: st.DataObject) -> None:
    pattern = data.draw(PATTERNS)
    rows = doubles(data.draw(stage_rows(pattern, 20)))
    matcher = LateTolerantMatcher(pattern, lateness=0)
    assert run(matcher, rows) == find_sequences(pattern, rows)


def test_a_late_start_completes_a_sequence() -> None:
    matcher = LateTolerantMatcher(sequence(2, maxspan=10), lateness=5)
    (hit,) = run(matcher, [stages(event(4, 0), 1), stages(event(2, 1), 0)])
    assert [one.time for one in hit.events] == [2, 4]
    assert matcher.late == 1


def test_a_better_reading_of_the_same_end_is_given_once() -> None:
    matcher = LateTolerantMatcher(sequence(2), lateness=10)
    rows = [stages(event(1, 0), 0), stages(event(5, 1), 1), stages(event(3, 2), 0), stages(event(2, 3), 0)]
    assert [[one.time for one in hit.events] for hit in run(matcher, rows)] == [[1, 5], [3, 5]]


def test_a_row_beyond_the_lateness_is_ignored_and_counted() -> None:
    matcher = LateTolerantMatcher(sequence(2), lateness=3)
    assert run(matcher, [stages(event(9, 0), 1), stages(event(5, 1), 0)]) == []
    assert (matcher.too_late, matcher.late) == (1, 0)


def test_a_late_repeat_is_ignored() -> None:
    matcher = LateTolerantMatcher(sequence(2), lateness=9)
    again = [stages(event(3, number, name="same", own=True), 0, 1) for number in range(2)]
    assert run(matcher, [again[0], stages(event(8, 5), 0), again[1]]) == []
    assert matcher.repeated == 1


def test_rows_are_kept_no_longer_than_they_can_matter() -> None:
    matcher = LateTolerantMatcher(sequence(2, maxspan=4), lateness=6)
    run(matcher, [stages(event(time, time), 0, key=(time % 3,)) for time in range(500)])
    assert matcher.rows <= 18
    assert matcher.evicted == 0
    matcher.advance(1000)
    assert matcher.rows == 0


@pytest.mark.parametrize("of_key", [1, 4, 100])
def test_limits_hold_and_losses_are_counted(of_key: int) -> None:
    matcher = LateTolerantMatcher(sequence(2), lateness=6, limit_rows=10, limit_rows_of_key=of_key)
    for time in range(200):
        matcher.feed(stages(event(time, time), 0, key=(time // 20,)))
        assert matcher.rows <= 10
    assert matcher.evicted == 200 - matcher.rows


def test_state_of_another_kind_is_refused() -> None:
    matcher = LateTolerantMatcher(sequence(2), lateness=1)
    with pytest.raises(DogwatchError, match="3 stages"):
        matcher.restore(LateTolerantMatcher(sequence(3), lateness=1).save())


def test_a_stamp_from_the_future_makes_no_other_row_too_late() -> None:
    matcher = LateTolerantMatcher(sequence(2, maxspan=10), lateness=5, present=lambda: 100)
    rows = [(90, 0), (10**6, 0), (10**6 + 3, 1), (95, 1), (96, 0), (99, 1)]
    hits = [
        hit for place, (time, stage) in enumerate(rows) for hit in matcher.feed(stages(event(time, place), stage))
    ]
    assert [[one.time for one in hit.events] for hit in hits] == [[10**6, 10**6 + 3], [90, 95], [96, 99]]
    assert matcher.too_late == 0


def test_a_stamp_from_the_future_decides_and_refutes_nothing() -> None:
    matcher = LateTolerantMatcher(sequence(1, maxspan=10, absences=[1]), lateness=5, present=lambda: 100)
    assert matcher.feed(stages(event(90, 0), 0)) == []
    assert matcher.feed(stages(event(10**6, 1), 1)) == []
    assert matcher.advance(10**6) == []
    (hit,) = matcher.finish()
    assert hit.open_until == 100
    again = LateTolerantMatcher(sequence(1, maxspan=10, absences=[1]), lateness=5, present=lambda: 100)
    again.feed(stages(event(90, 0), 0))
    again.feed(stages(event(10**6, 1), 1))
    assert again.feed(stages(event(95, 2), 1)) == []
    assert again.finish() == []
