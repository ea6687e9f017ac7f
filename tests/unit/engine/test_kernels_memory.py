"""What is remembered is right, bounded, and given up where it does not help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.engine.kernels import memory
from dogwatch.engine.kernels.memory import LONGEST_REMEMBERED, Allowance, Memory


class Lengths:
    """Decides the length of texts, and counts."""

    def __init__(self) -> None:
        self.decided: list[str] = []

    def __call__(self, texts: list[str]) -> list[int]:
        self.decided += texts
        return [len(text) for text in texts]


@given(st.lists(st.lists(st.text("ab", max_size=4), max_size=6), max_size=6), st.sampled_from([0, 400, 10**6]))
def test_outcomes_are_those_decided(batches: list[list[str]], limit: int) -> None:
    held: Memory[int] = Memory(Allowance(limit))
    for texts in batches:
        decide = Lengths()
        outcomes, anew = held.outcomes(texts, decide)
        assert outcomes == [len(text) for text in texts]
        assert anew == len(decide.decided)


def test_a_text_is_decided_once() -> None:
    held: Memory[int] = Memory(Allowance())
    decide = Lengths()
    assert held.outcomes(["a", "bb"], decide) == ([1, 2], 2)
    assert held.outcomes(["bb", "ccc", "a"], decide) == ([2, 3, 1], 1)
    assert decide.decided == ["a", "bb", "ccc"]


def test_long_texts_are_not_remembered() -> None:
    held: Memory[int] = Memory(Allowance())
    long = "x" * (LONGEST_REMEMBERED + 1)
    assert held.outcomes([long, "a"], Lengths())[1] == 2
    assert held.outcomes([long, "a"], Lengths())[1] == 1


def test_all_memories_start_anew_over_the_limit() -> None:
    allowance = Allowance(1000)
    first: Memory[int] = Memory(allowance)
    second: Memory[int] = Memory(allowance)
    first.outcomes(["a"], Lengths())
    second.outcomes([f"{number}" for number in range(20)], Lengths())
    assert first.outcomes(["a"], Lengths())[1] == 1
    assert second.outcomes(["3"], Lengths())[1] == 1


def test_a_column_without_repeats_is_no_longer_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_TRIAL", 50)
    monkeypatch.setattr(memory, "_REST", 100)
    held: Memory[int] = Memory(Allowance())
    for batch in range(8):
        held.outcomes([f"{batch} {number}" for number in range(20)], Lengths())
    held.outcomes(["again"], Lengths())
    assert held.outcomes(["again"], Lengths())[1] == 1, "it rests"
    held.outcomes([f"{number}" for number in range(100)], Lengths())
    held.outcomes(["again"], Lengths())
    assert held.outcomes(["again"], Lengths())[1] == 0, "it is tried again"


def test_a_column_of_repeats_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_TRIAL", 50)
    held: Memory[int] = Memory(Allowance())
    for _ in range(10):
        held.outcomes([f"{number}" for number in range(20)], Lengths())
    assert held.outcomes(["7"], Lengths())[1] == 0
