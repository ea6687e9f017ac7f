from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_samples import event, patterns_with_absences, sequence, stage_rows, stages

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.late import LateTolerantMatcher
from dogwatch.engine.passed import StagePassed
from dogwatch.engine.reference.sequence import find_sequences
from dogwatch.engine.sequence import SequenceHit, SequenceMatcher
from dogwatch.logic.pattern import Key, SequencePattern

EVER = 10**6
Make = Callable[[SequencePattern], SequenceMatcher | LateTolerantMatcher]
MATCHERS: list[Make] = [SequenceMatcher, lambda pattern: LateTolerantMatcher(pattern, lateness=5)]

# The numbers of stages in `sequence(n, absences=[...])`: n and on are the absences in their order.


def run(matcher: SequenceMatcher | LateTolerantMatcher, rows: list[StagePassed]) -> list[SequenceHit]:
    return [hit for row in rows for hit in matcher.feed(row)]


def doubles(rows: list[StagePassed]) -> list[StagePassed]:
    """The rows, none of them a repeat: which of two repeats is kept depends on the order of coming."""
    return [StagePassed(replace(row.event, has_own_id=False), row.keys) for row in rows]


def in_order(hits: list[SequenceHit]) -> list[SequenceHit]:
    """By last event, then by key."""
    return sorted(hits, key=lambda hit: (hit.events[-1].order, repr(hit.keys)))


def at(time: int, *numbers: int, arrival: int | None = None, key: Key = ("k",)) -> StagePassed:
    return stages(event(time, time if arrival is None else arrival), *numbers, key=key)


def times(hits: list[SequenceHit]) -> list[list[int]]:
    return [[one.time for one in hit.events] for hit in hits]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_agrees_with_the_reference(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    rows = data.draw(stage_rows(pattern, 14))
    later = data.draw(st.integers(0, 25))
    clock = later + (rows[-1].event.time if rows else 0)
    matcher = SequenceMatcher(pattern)
    hits = run(matcher, rows) + matcher.advance(clock) + matcher.finish()
    assert matcher.evicted == matcher.late == 0
    assert in_order(hits) == in_order(find_sequences(pattern, rows, clock))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_each_call_gives_hits_by_last_event_as_soon_as_they_are_certain(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    rows = doubles(data.draw(stage_rows(pattern, 14)))
    matcher = SequenceMatcher(pattern)
    given_so_far: list[SequenceHit] = []
    for number, row in enumerate(rows, 1):
        hits = matcher.feed(row)
        orders = [hit.events[-1].order for hit in hits]
        assert orders == sorted(orders)
        given_so_far += hits
        certain = [hit for hit in find_sequences(pattern, rows[:number]) if hit.open_until is None]
        assert in_order(given_so_far) == in_order(certain)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_saving_and_restoring_changes_nothing(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    rows = data.draw(stage_rows(pattern, 14))
    cut = data.draw(st.integers(0, len(rows)))
    whole, first, second = SequenceMatcher(pattern), SequenceMatcher(pattern), SequenceMatcher(pattern)
    assert run(whole, rows[:cut]) == run(first, rows[:cut])
    second.restore(first.save())
    assert second.save() == first.save()
    assert second.entries == first.entries
    assert run(second, rows[cut:]) == run(whole, rows[cut:])
    assert second.finish() == whole.finish()


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_the_late_tolerant_matcher_in_order_is_the_plain_one(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    rows = doubles(data.draw(stage_rows(pattern, 14)))
    cut = data.draw(st.integers(0, len(rows)))
    plain, late = SequenceMatcher(pattern), LateTolerantMatcher(pattern, lateness=data.draw(st.integers(0, 9)))
    for row in rows[:cut]:
        assert late.feed(row) == plain.feed(row)
    restored = LateTolerantMatcher(pattern, lateness=0)
    restored.restore(late.save())
    assert restored.save() == late.save()
    for row in rows[cut:]:
        assert restored.feed(row) == plain.feed(row)
    clock = data.draw(st.integers(0, 100))
    assert restored.advance(clock) == plain.advance(clock)
    assert restored.finish() == plain.finish()
    assert restored.finish() == []


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_order_of_coming_finds_what_is_there(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    rows = doubles(data.draw(stage_rows(pattern, 14)))
    matcher = LateTolerantMatcher(pattern, EVER)
    coming = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    hits = run(matcher, coming[:cut])
    second = LateTolerantMatcher(pattern, EVER)
    second.restore(matcher.save())
    hits += run(second, coming[cut:]) + second.finish()
    last_reading = {(hit.keys, hit.events[-1].order): hit.events for hit in hits}
    for hit in find_sequences(pattern, rows):
        assert last_reading[hit.keys, hit.events[-1].order] == hit.events


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_late_rows_within_bounds_never_invent_what_the_rows_so_far_do_not_show(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    lateness = data.draw(st.integers(0, 6))
    rows = doubles(data.draw(stage_rows(pattern, 14)))
    delays = data.draw(st.lists(st.integers(0, lateness), min_size=len(rows), max_size=len(rows)))
    coming = [
        row for _, row in sorted(zip(delays, rows, strict=True), key=lambda pair: pair[0] + pair[1].event.time)
    ]
    matcher = LateTolerantMatcher(pattern, lateness)
    for number, row in enumerate(coming, 1):
        shown = find_sequences(pattern, coming[:number])
        for hit in matcher.feed(row):
            # Told by the clock alone, before this row acted, it was true without it.
            assert hit in shown or hit in find_sequences(pattern, coming[: number - 1], row.event.time)
    assert matcher.too_late == 0


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_clock_that_moves_between_rows_changes_nothing(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    rows = data.draw(stage_rows(pattern, 14))
    matcher = SequenceMatcher(pattern)
    hits = []
    for row in rows:
        hits += matcher.advance(row.event.time - data.draw(st.integers(0, 3))) + matcher.feed(row)
    hits += matcher.finish()
    assert in_order(hits) == in_order(find_sequences(pattern, rows))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_late_row_never_gives_events_out_of_order(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    rows = data.draw(st.permutations(data.draw(stage_rows(pattern, 14))))
    matcher = SequenceMatcher(pattern)
    hits = run(matcher, rows)
    restored = SequenceMatcher(pattern)
    restored.restore(matcher.save())
    rest = matcher.finish()
    assert restored.finish() == rest
    assert restored.entries == matcher.entries
    for hit in hits + rest:
        orders = [one.order for one in hit.events]
        assert orders == sorted(set(orders))
        assert pattern.maxspan is not None
        assert orders[-1][0] - orders[0][0] <= pattern.maxspan
    assert len({(hit.keys, hit.events[-1].order) for hit in hits + rest}) == len(hits + rest)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_limit_holds_and_losses_are_counted(data: st.DataObject) -> None:
    pattern = data.draw(patterns_with_absences())
    rows = data.draw(stage_rows(pattern, 14))
    limit = data.draw(st.integers(1, 3))
    matcher = SequenceMatcher(pattern, limit_entries=limit)
    hits = []
    for row in rows:
        hits += matcher.feed(row)
        assert matcher.entries <= limit
    hits += matcher.finish()
    if not matcher.evicted:
        assert in_order(hits) == in_order(find_sequences(pattern, rows))


@pytest.mark.parametrize("make", MATCHERS)
def test_a_trailing_absence_is_told_when_the_clock_is_past_its_window(make: Make) -> None:
    matcher = make(sequence(2, 10, absences=[2]))
    assert run(matcher, [at(1, 0), at(4, 1)]) == []
    assert matcher.advance(11) == []
    (hit,) = matcher.advance(12)
    assert (times([hit]), hit.open_until) == ([[1, 4]], None)
    assert matcher.finish() == []


@pytest.mark.parametrize("make", MATCHERS)
@pytest.mark.parametrize(("match", "expected"), [(4, [[1, 4]]), (5, []), (11, []), (12, [[1, 4]])])
def test_a_match_inside_the_window_refutes(make: Make, match: int, expected: list[list[int]]) -> None:
    matcher = make(sequence(2, 10, absences=[2]))
    hits = run(matcher, [at(1, 0), at(4, 1), at(match, 2, arrival=9)])
    assert times(hits + matcher.finish()) == expected


@pytest.mark.parametrize("make", MATCHERS)
def test_the_end_of_the_data_leaves_a_window_open(make: Make) -> None:
    matcher = make(sequence(1, 10, absences=[1]))
    hits = run(matcher, [at(1, 0), at(3, 0), at(12, 0)])
    assert [(hit.events[0].time, hit.open_until) for hit in hits] == [(1, None)]
    assert [(hit.events[0].time, hit.open_until) for hit in matcher.finish()] == [(3, 13), (12, 22)]
    assert matcher.finish() == []


@pytest.mark.parametrize("make", MATCHERS)
def test_hits_that_the_clock_decides_come_by_last_event_then_key(make: Make) -> None:
    matcher = make(sequence(2, 10, absences=[2]))
    both = ((("b",), 2), (("a",), 2))
    rows = [at(1, 0, key=("a",)), at(2, 0, key=("c",)), at(3, 0, key=("b",)), at(4, 1, key=("c",))]
    assert run(matcher, [*rows, StagePassed(event(5, 5), both)]) == []
    assert [hit.keys for hit in matcher.advance(99)] == [("c",), ("b",), ("a",)]


@pytest.mark.parametrize("make", MATCHERS)
def test_a_row_decides_before_it_acts(make: Make) -> None:
    # The match at 12 comes after the window; the next start is at the same row.
    matcher = make(sequence(1, 10, absences=[1]))
    assert times(run(matcher, [at(1, 0), at(12, 0, 1)])) == [[1]]
    assert times(matcher.finish()) == [[12]]


@pytest.mark.parametrize("make", MATCHERS)
def test_a_window_that_ends_with_the_last_event_is_not_waited_for(make: Make) -> None:
    matcher = make(sequence(2, 10, absences=[2]))
    (hit,) = run(matcher, [at(1, 0), at(11, 1)])
    assert hit.open_until is None


@pytest.mark.parametrize("make", MATCHERS)
def test_without_a_leading_match_the_trailing_one_does_not_matter(make: Make) -> None:
    matcher = make(sequence(1, 10, absences=[0, 1]))
    assert times(run(matcher, [at(5, 0)])) == [[5]]
    assert run(matcher, [at(6, 1), at(7, 0)]) == []
    assert times(run(matcher, [at(16, 2), at(17, 0)])) == [[17]]
    assert matcher.finish() == []


@pytest.mark.parametrize("make", MATCHERS)
def test_an_event_at_the_very_time_of_the_first_is_not_before_it(make: Make) -> None:
    rows = [at(3, 1, arrival=0), at(5, 1, arrival=1), at(5, 0, arrival=2), at(5, 1, arrival=3)]
    assert times(run(make(sequence(1, 1, absences=[0])), rows)) == [[5]]
    assert times(run(make(sequence(1, 2, absences=[0])), rows)) == []


def test_a_pattern_with_absences_needs_a_maxspan() -> None:
    for make in MATCHERS:
        with pytest.raises(ValueError, match="maxspan"):
            make(sequence(2, None, absences=[1]))


def test_what_waits_or_leads_is_held_only_as_long_as_it_can_matter() -> None:
    matcher = SequenceMatcher(sequence(1, 16, absences=[0, 1]))
    most = 0
    for number in range(1000):
        matcher.feed(stages(event(number, number), number % 2, key=(number // 2,)))
        matcher.feed(stages(event(number, number), 1 - number % 2, key=(number // 2,)))
        most = max(most, matcher.entries)
    assert most <= 36
    assert matcher.evicted == 0
    matcher.advance(2000)
    assert matcher.entries == 0


def test_what_is_refuted_takes_no_room() -> None:
    pattern = sequence(1, EVER, absences=[1])
    matcher = SequenceMatcher(pattern)
    empty = len(matcher.save())
    for number in range(0, 2000, 2):
        matcher.feed(at(number, 0))
        matcher.feed(at(number + 1, 1))
        assert matcher.entries == 0
    assert len(matcher.save()) < empty + 20


def test_what_began_first_is_evicted_first() -> None:
    matcher = SequenceMatcher(sequence(2, 100, absences=[2]), limit_entries=2)
    run(matcher, [at(1, 0, key=("a",)), at(2, 1, key=("a",)), at(3, 0, key=("b",)), at(4, 0, key=("c",))])
    assert (matcher.evicted, matcher.entries) == (1, 2)
    assert run(matcher, [at(5, 1, key=("c",)), at(6, 1, key=("b",))]) == []
    assert [hit.keys for hit in matcher.finish()] == [("c",), ("b",)]
    matcher = SequenceMatcher(sequence(2, 100, absences=[2]), limit_entries=2)
    run(matcher, [at(1, 0, key=("b",)), at(2, 0, key=("a",)), at(3, 1, key=("a",)), at(4, 0, key=("c",))])
    assert [hit.keys for hit in matcher.finish()] == [("a",)]


def test_a_late_match_refutes_what_still_waits_and_takes_nothing_back() -> None:
    matcher = LateTolerantMatcher(sequence(1, 10, absences=[1]), lateness=20)
    assert run(matcher, [at(1, 0), at(4, 0, key=("other",)), at(9, 1, arrival=20)]) == []
    assert run(matcher, [at(13, 0)]) == []
    assert times(run(matcher, [at(16, 0, arrival=30, key=("other",))])) == [[4]]
    assert run(matcher, [at(5, 1, arrival=31, key=("other",)), at(14, 1, arrival=32)]) == []
    assert [(hit.keys, hit.events[0].time) for hit in matcher.finish()] == [(("other",), 16)]


def test_a_late_leading_match_that_was_forgotten_is_remembered() -> None:
    # What the match at 0 refutes must not come up again when it is forgotten and a late row runs the key anew.
    matcher = LateTolerantMatcher(sequence(2, 10, absences=[0]), lateness=3)
    assert run(matcher, [at(0, 2), at(5, 0), at(8, 1), at(14, 1)]) == []
    assert matcher.rows == 3
    assert run(matcher, [at(11, 1)]) == []
    assert matcher.late == 1


def test_the_late_tolerant_matcher_forgets_what_waits_with_its_key() -> None:
    matcher = LateTolerantMatcher(sequence(1, 100, absences=[1]), lateness=1, limit_rows=2)
    run(matcher, [at(time, 0, key=(time,)) for time in range(4)])
    assert (matcher.evicted, matcher.rows) == (2, 2)
    assert times(matcher.finish()) == [[2], [3]]


@pytest.mark.parametrize("make", MATCHERS)
def test_state_of_other_absences_is_refused(make: Make) -> None:
    saved = make(sequence(2, 5, absences=[1])).save()
    for other in [sequence(2, 5), sequence(2, 5, absences=[2]), sequence(2, 5, absences=[1, 1])]:
        with pytest.raises(DogwatchError, match="other absences"):
            make(other).restore(saved)


@pytest.mark.parametrize("make", MATCHERS)
@given(st.data())
def test_damaged_state_is_refused_or_harmless(make: Make, data: st.DataObject) -> None:
    pattern: SequencePattern = sequence(2, 50, absences=[0, 1, 2])
    matcher = make(pattern)
    run(matcher, [at(time, time % 5, key=(time // 10,)) for time in range(20)])
    saved = bytearray(matcher.save())
    place = data.draw(st.integers(0, len(saved) - 1))
    saved[place] = data.draw(st.integers(0, 255))
    other = make(pattern)
    try:
        other.restore(bytes(saved))
    except DogwatchError:
        return
    run(other, [at(30, 0, 1, 2, 3, 4, key=(0,))])
    other.advance(1000)
    other.finish()
