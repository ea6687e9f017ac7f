from __future__ import annotations

from composite_samples import (
    composite_patterns,
    found_by_matcher,
    found_by_reference,
    narrow_patterns,
    narrow_rows,
    parts_rows,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dogwatch.engine.composite import CompositeHit, CompositeMatcher
from dogwatch.engine.passed import PartsPassed
from dogwatch.engine.reference.composite import find_matches
from dogwatch.engine.reorder import Reorder
from dogwatch.logic.pattern import CompositePattern


def run(matcher: CompositeMatcher, rows: list[PartsPassed]) -> list[CompositeHit]:
    return [hit for one in rows for hit in matcher.feed(one)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_agrees_with_the_reference(data: st.DataObject) -> None:
    pattern = data.draw(composite_patterns())
    agree(pattern, data.draw(parts_rows(pattern)))


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_agrees_where_only_times_decide(data: st.DataObject) -> None:
    """Rows that nearly all meet, so that every bound of a window is tried."""
    pattern = data.draw(narrow_patterns())
    agree(pattern, data.draw(narrow_rows(pattern)))


def agree(pattern: CompositePattern, rows: list[PartsPassed]) -> None:
    """The matcher finds what the reference does, both when the data end and when what waits is let pass."""
    matcher = CompositeMatcher(pattern)
    hits = run(matcher, rows)
    clock = rows[-1].event.time if rows else 0
    assert found_by_matcher(hits) == found_by_reference(find_matches(pattern, rows, clock))
    hits += matcher.finish(True)
    assert found_by_matcher(hits) == found_by_reference(find_matches(pattern, rows))
    assert all(hit.pending is (hit.time > clock) for hit in hits)
    assert matcher.waiting == matcher.evicted == matcher.too_late == 0


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_neither_a_clock_nor_a_restart_changes_anything(data: st.DataObject) -> None:
    pattern = data.draw(composite_patterns())
    rows = data.draw(parts_rows(pattern))
    expected = run(CompositeMatcher(pattern), rows)
    matcher = CompositeMatcher(pattern)
    hits: list[CompositeHit] = []
    for number, one in enumerate(rows):
        if data.draw(st.booleans()):
            before = rows[number - 1].event.time if number else 0
            hits += matcher.advance(data.draw(st.integers(before, one.event.time)))
        if data.draw(st.integers(0, 4)) == 0:
            saved = matcher.save()
            matcher = CompositeMatcher(pattern)
            matcher.restore(saved)
            assert matcher.save() == saved
        hits += matcher.feed(one)
    assert found_by_matcher(hits) == found_by_matcher(expected)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_late_rows_within_the_tolerance_change_nothing(data: st.DataObject) -> None:
    pattern = data.draw(composite_patterns())
    rows = data.draw(parts_rows(pattern))
    tolerance = data.draw(st.sampled_from([0, 2, 7]))
    matcher, reorder = CompositeMatcher(pattern), Reorder[PartsPassed](tolerance)
    hits: list[CompositeHit] = []
    clock = -1
    delays = data.draw(st.lists(st.integers(0, tolerance), min_size=len(rows), max_size=len(rows)))
    for _, one in sorted(zip(delays, rows, strict=True), key=lambda pair: pair[0] + pair[1].event.time):
        clock = max(clock, one.event.time)
        reorder.add(one)
        hits += run(matcher, list(reorder.ready(clock)))
        hits += matcher.advance(clock - tolerance)
    hits += run(matcher, list(reorder.drain()))
    assert found_by_matcher(hits) == found_by_matcher(run(CompositeMatcher(pattern), rows))
    assert matcher.too_late == reorder.too_late == reorder.early == 0
