"""Samples: the matcher against the plain finder, and what it holds, drops, saves and gives early."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations, product
from typing import Never

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stream_samples import event, events, field, stages

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.engine.passed import StagePassed
from dogwatch.engine.reference.sample import find_samples
from dogwatch.engine.sample import Candidates, SampleMatcher, samples
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import NO_TIME
from dogwatch.logic.pattern import JoinKey, Key, SamplePattern, Stage
from dogwatch.logic.predicate import ALWAYS
from dogwatch.schema.field import FieldType

Names = list[tuple[Key, tuple[str, ...]]]


def sample(count: int, *kinds: FieldType) -> SamplePattern:
    """A pattern whose rows the tests make themselves."""
    keys = tuple(JoinKey(field(f"key{number}", kind)) for number, kind in enumerate(kinds or (FieldType.KEYWORD,)))
    return SamplePattern((Stage(ALWAYS, keys),) * count)


def found(matcher: SampleMatcher, rows: Iterable[StagePassed]) -> list[SequenceHit]:
    hits = [hit for row in rows for hit in matcher.feed(row)]
    return hits + matcher.finish()


def names(hits: Iterable[SequenceHit]) -> Names:
    return [(hit.keys, tuple(one.id for one in hit.events)) for hit in hits]


@st.composite
def sample_rows(draw: st.DrawFn, count: int) -> list[StagePassed]:
    """Rows of a sample in canonical order, under few keys, some of them repeats and some without a time."""
    keys = st.sampled_from([("a",), ("b",), (None,)])
    rows = []
    untimed = [event(NO_TIME, 1000 + number) for number in range(draw(st.integers(0, 2)))]
    for one in [*untimed, *draw(events(16))]:
        own = draw(st.lists(keys, min_size=1, max_size=2, unique=True))
        rows.append(StagePassed(one, tuple((key, draw(st.integers(1, 2**count - 1))) for key in own)))
    return rows


class TestWhatIsFound:
    @settings(deadline=None)
    @given(st.integers(1, 4), st.integers(0, 5), st.data())
    def test_the_matcher_agrees_with_the_plain_finder(self, count: int, most: int, data: st.DataObject) -> None:
        rows = data.draw(sample_rows(count))
        expected = find_samples(sample(count), rows, most)
        matcher = SampleMatcher(sample(count), most)
        assert [hit for row in rows for hit in matcher.feed(row)] == []
        assert matcher.finish() == expected
        assert matcher.entries == 0
        assert matcher.finish() == []

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_the_events_come_in_the_order_of_the_stages_not_of_time(self, order: tuple[int, ...]) -> None:
        rows = [stages(event(time, time), stage) for time, stage in enumerate(order)]
        ((_, events),) = names(found(SampleMatcher(sample(3)), rows))
        assert [order[int(name[1:])] for name in events] == [0, 1, 2]

    def test_one_document_never_fills_two_stages(self) -> None:
        both = stages(event(1, 1), 0, 1)
        assert found(SampleMatcher(sample(2)), [both]) == []
        assert names(found(SampleMatcher(sample(2)), [both, stages(event(2, 2), 0)])) == [(("k",), ("e2", "e1"))]

    def test_a_document_that_was_read_twice_is_one(self) -> None:
        first, again = (stages(event(1, arrival, name="x", own=True), 0, 1) for arrival in (1, 2))
        assert found(SampleMatcher(sample(2)), [first, again]) == []

    def test_two_documents_that_look_the_same_are_two(self) -> None:
        first, second = (stages(event(1, arrival, name="hash"), 0, 1) for arrival in (1, 2))
        assert len(found(SampleMatcher(sample(2)), [first, second])) == 1

    def test_every_filter_must_be_met_under_the_key(self) -> None:
        rows = [stages(event(1, 1), 0, key=("a",)), stages(event(2, 2), 1, key=("b",))]
        assert found(SampleMatcher(sample(2)), rows) == []

    def test_more_samples_of_a_key_reuse_documents_in_other_combinations(self) -> None:
        rows = [stages(event(1, 1), 0), stages(event(2, 2), 1), stages(event(3, 3), 1), stages(event(4, 4), 1)]
        key = ("k",)
        two = [(key, ("e1", "e2")), (key, ("e1", "e3"))]
        assert names(found(SampleMatcher(sample(2), 2), rows)) == two
        assert names(found(SampleMatcher(sample(2), 9), rows)) == [*two, (key, ("e1", "e4"))]

    def test_a_choice_that_leads_nowhere_is_taken_back(self) -> None:
        rows = [stages(event(1, 1), 0, 1), stages(event(2, 2), 0), stages(event(3, 3), 2)]
        assert names(found(SampleMatcher(sample(3)), rows)) == [(("k",), ("e2", "e1", "e3"))]

    def test_no_samples_of_a_key_is_none_and_holds_nothing(self) -> None:
        matcher = SampleMatcher(sample(2), 0)
        assert matcher.feed(stages(event(1, 1), 0)) == []
        assert matcher.entries == 0
        assert found(matcher, [stages(event(2, 2), 1)]) == []


@pytest.mark.parametrize(
    ("kind", "ascending"),
    [
        (FieldType.KEYWORD, [None, "", "B", "a", "b", "\U00010000"]),
        (FieldType.LONG, [None, -5, 0, 9, 10]),
        (FieldType.DOUBLE, [None, -0.5, 0, 0.5, 1, 2**60, 2**60 + 1]),
        (FieldType.BOOLEAN, [None, False, True]),
        (FieldType.IP, [None, "9.0.0.1", "10.0.0.1", "2001:db8::1"]),
        (FieldType.VERSION, [None, "1.5.0", "1.11.3", "2.0.0-rc.1", "2.0.0", "no version"]),
    ],
)
def test_keys_ascend_with_null_first(kind: FieldType, ascending: list[str | int | None]) -> None:
    keys = [(value, "same") for value in ascending]
    rows = [stages(event(time, time), 0, 1, key=key) for time, key in enumerate([*reversed(keys), *keys])]
    pattern = sample(2, kind, FieldType.KEYWORD)
    hits = found(SampleMatcher(pattern), rows)
    assert [hit.keys for hit in hits] == keys
    assert hits == find_samples(pattern, rows)


class TestEager:
    @settings(deadline=None)
    @given(st.integers(1, 3), st.integers(0, 4), st.data())
    def test_as_many_come_early_as_would_come_at_the_end(self, count: int, most: int, data: st.DataObject) -> None:
        rows = data.draw(sample_rows(count))
        matcher = SampleMatcher(sample(count), most, eager=True)
        early = [hit for row in rows for hit in matcher.feed(row)]
        assert matcher.finish() == []
        everything = find_samples(sample(count), rows, 10**6)
        assert len({(hit.keys, *(one.identity for one in hit.events)) for hit in early}) == len(early)
        assert all(hit in everything for hit in early)
        for key in {hit.keys for hit in everything}:
            of_key = [hit for hit in everything if hit.keys == key]
            assert sum(hit.keys == key for hit in early) == min(most, len(of_key))

    def test_a_sample_comes_with_the_row_that_completes_it_and_no_other(self) -> None:
        matcher = SampleMatcher(sample(2), eager=True)
        assert matcher.feed(stages(event(1, 1), 1)) == []
        assert names(matcher.feed(stages(event(2, 2), 0))) == [(("k",), ("e2", "e1"))]
        assert matcher.feed(stages(event(3, 3), 0, 1)) == []
        assert matcher.entries == 0

    def test_a_repeat_with_another_stage_gives_only_what_is_new(self) -> None:
        matcher = SampleMatcher(sample(2), 9, eager=True)
        repeated = event(1, 1, name="x", own=True)
        matcher.feed(stages(repeated, 0))
        assert names(matcher.feed(stages(event(2, 2), 0, 1))) == [(("k",), ("x", "e2"))]
        assert names(matcher.feed(stages(repeated, 0, 1))) == [(("k",), ("e2", "x"))]


class TestMemory:
    @settings(deadline=None)
    @given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 40))
    @example(3, 2, 40)
    def test_a_key_holds_no_more_than_can_matter(self, count: int, most: int, rows: int) -> None:
        matcher = SampleMatcher(sample(count), most)
        for number in range(rows):
            matcher.feed(stages(event(number, number), *range(count)))
        assert matcher.entries == count * min(rows, count - 1 + most)
        assert matcher.evicted == 0

    def test_the_quietest_keys_are_dropped_and_counted(self) -> None:
        matcher = SampleMatcher(sample(2), limit_entries=5)
        for time, name in enumerate(["a", "b", "a", "c"]):
            matcher.feed(stages(event(time, time), 0, key=(name,)))
        # Three entries and two keys; `b` went.
        assert matcher.evicted == 1
        rest = [stages(event(time, time), 1, key=(name,)) for time, name in [(7, "b"), (8, "a"), (9, "c")]]
        assert "b" not in {key for (key,), _ in names(found(matcher, rest))}

    def test_keys_that_are_done_are_bounded_too(self) -> None:
        matcher = SampleMatcher(sample(1), limit_entries=10, eager=True)
        for number in range(100):
            assert len(matcher.feed(stages(event(number, number), 0, key=(number,)))) == 1
        assert matcher.entries == 0
        assert matcher.evicted == 90

    def test_one_row_beyond_the_limit_is_dropped_whole(self) -> None:
        matcher = SampleMatcher(sample(3), limit_entries=2)
        matcher.feed(stages(event(1, 1), 0, 1, 2))
        assert matcher.entries == 0
        assert matcher.evicted == 3


class TestSavedState:
    @settings(deadline=None)
    @given(st.integers(1, 3), st.integers(0, 3), st.booleans(), st.data())
    def test_a_restored_matcher_goes_on_as_if_nothing_had_happened(
        self, count: int, most: int, eager: bool, data: st.DataObject
    ) -> None:
        rows = data.draw(sample_rows(count))
        cut = data.draw(st.integers(0, len(rows)))
        whole = SampleMatcher(sample(count), most, 20, eager=eager)
        first = SampleMatcher(sample(count), most, 20, eager=eager)
        second = SampleMatcher(sample(count), most, 20, eager=eager)
        hits = [hit for row in rows[:cut] for hit in first.feed(row)]
        second.restore(first.save())
        assert second.save() == first.save()
        assert hits + found(second, rows[cut:]) == found(whole, rows)
        assert second.evicted == whole.evicted

    def test_a_state_of_another_matcher_is_refused(self) -> None:
        state = SampleMatcher(sample(2)).save()
        for other in (SampleMatcher(sample(3)), SampleMatcher(sample(2), 2), SampleMatcher(sample(2), eager=True)):
            with pytest.raises(DogwatchError, match="another number"):
                other.restore(state)

    @pytest.mark.parametrize("data", [b"", b"\x01", b"\x01\x93\x01\x02\x03", b"\x02[1]", b"\x02nonsense"])
    def test_bytes_that_are_no_state_are_refused(self, data: bytes) -> None:
        with pytest.raises(DogwatchError) as error:
            SampleMatcher(sample(2)).restore(data)
        assert error.value.diagnostics[0].code == "state-format"

    def test_a_state_that_names_what_is_not_there_is_refused(self) -> None:
        matcher = SampleMatcher(sample(2))
        matcher.feed(stages(event(1, 1), 0))
        forged = b'\x02["sample", 1, 2, 1, false, 0, [], [[["k"], 0, [[5], []]]]]'
        with pytest.raises(DogwatchError, match="not there"):
            matcher.restore(forged)
        assert matcher.entries == 1


class TestChoices:
    @given(st.lists(st.sets(st.integers(0, 4)), min_size=1, max_size=4))
    def test_every_choice_of_different_documents_depth_first(self, stages_of: list[set[int]]) -> None:
        candidates: list[Candidates] = [
            {number: event(number, number) for number in sorted(stage)} for stage in stages_of
        ]
        expected = [choice for choice in product(*map(sorted, stages_of)) if len(set(choice)) == len(stages_of)]
        assert [tuple(one.arrival for one in choice) for choice in samples(candidates)] == expected

    def test_what_cannot_be_completed_is_seen_at_once(self) -> None:
        class Untouched(Candidates):
            def items(self) -> Never:
                raise AssertionError("nothing can come of these")

        many = Untouched({number: event(number, number) for number in range(1000)})
        only: Candidates = {5000: event(5000, 5000)}
        assert list(samples([many, many, only, only])) == []
