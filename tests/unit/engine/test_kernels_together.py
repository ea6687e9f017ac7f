"""One pass for many patterns finds what the leaves would find one by one."""

from __future__ import annotations

from pathlib import Path

import hyperscan
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from predicate_strategies import KEYWORD, TEXTS, Sample, batch_of, predicates, samples, values_of

from dogwatch.base.text import Fold
from dogwatch.engine.kernels import together
from dogwatch.engine.kernels.column import Texts
from dogwatch.engine.kernels.memory import Allowance
from dogwatch.engine.kernels.together import Patterns, compile_effort
from dogwatch.engine.kernels.written import effort_of
from dogwatch.engine.plan import Plan
from dogwatch.engine.reference import evaluate
from dogwatch.engine.regex.database import Expressions
from dogwatch.logic.predicate import Contains, Field, Like, Predicate, Wild, WildcardPattern

ANY, ONE = Wild.ANY, Wild.ONE
NAME = Field(KEYWORD)

_FOLDS = st.sampled_from([Fold.NONE, Fold.ASCII, Fold.UNICODE])


def folded(pieces: list[str | Wild], fold: Fold) -> WildcardPattern:
    return WildcardPattern(tuple(piece if isinstance(piece, Wild) else fold.apply(piece) for piece in pieces))


_PIECES = st.lists(st.one_of(TEXTS, st.sampled_from([ANY, ONE, ANY])), max_size=6)
_LEAVES: st.SearchStrategy[Like | Contains] = st.one_of(
    st.builds(
        lambda patterns, fold: Like(NAME, tuple(folded(each, fold) for each in patterns), fold),
        st.lists(_PIECES, max_size=3),
        _FOLDS,
    ),
    st.builds(
        lambda text, fold, start: Contains(NAME, fold.apply(text), fold, start), TEXTS, _FOLDS, st.booleans()
    ),
)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass is made for the first answer."""
    monkeypatch.setattr(together, "_PATIENCE", -1)
    monkeypatch.setattr(together, "_LOOK", -1)
    monkeypatch.setattr(together, "_LEAST_PATTERNS", 0)


def family(leaves: list[Like | Contains], cache: Path | None = None, *, lowered: bool = False) -> Patterns:
    made = Patterns(NAME, lowered=lowered, allowance=Allowance(), cache=cache)
    for number, leaf in enumerate(leaves):
        made.join(number, leaf)
    return made


def satisfied(made: Patterns, texts: list[str]) -> list[list[int]]:
    found, _ = made.ask(Texts(pa.array(texts, pa.string())))
    return [sorted(each) for each in found]


def expected(leaves: list[Like | Contains], texts: list[str]) -> list[list[int]]:
    return [
        [number for number, leaf in enumerate(leaves) if evaluate(leaf, values_of({KEYWORD: [text]}))]
        for text in texts
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_LEAVES, min_size=1, max_size=6), st.lists(TEXTS, min_size=1, max_size=5))
@pytest.mark.usefixtures("eager")
def test_a_pass_agrees_with_the_reference(leaves: list[Like | Contains], texts: list[str]) -> None:
    for lowered in (False, True):
        own = [leaf for leaf in leaves if (leaf.fold is Fold.UNICODE) is lowered]
        made = family(own, lowered=lowered)
        if own and made.is_due(1, 1):
            assert satisfied(made, texts) == expected(own, texts)
            assert satisfied(made, texts) == expected(own, texts)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(predicates(), min_size=1, max_size=3), st.lists(samples(), max_size=6))
@pytest.mark.usefixtures("eager")
def test_plan_agrees_with_reference(found: list[Predicate], documents: list[Sample]) -> None:
    answers = [flags.tolist() for flags in Plan(found).evaluate(batch_of(documents))]
    assert answers == [
        [evaluate(predicate, values_of(document)) is True for document in documents] for predicate in found
    ]


@pytest.mark.usefixtures("eager")
def test_what_hyperscan_finds_hard_is_looked_for_by_its_beginning() -> None:
    leaves: list[Like | Contains] = [
        Like(NAME, (WildcardPattern((ANY, "a") * 20 + (ANY,)),)),
        Like(NAME, (WildcardPattern(("b" * 2000, ANY)),)),
        Like(NAME, (WildcardPattern((ONE,) * 30),)),
        Contains(NAME, "start", at_word_start=True),
        Like(NAME, (WildcardPattern((ANY, "\ud800", ANY)),)),
        Like(NAME, (WildcardPattern((ANY, "?", ANY)),)),
        Like(NAME, (WildcardPattern(("UPPER",)),), Fold.ASCII),
    ]
    texts = ["a" * 19, "a" * 20, "xa" * 20, "b" * 1999, "b" * 2001, "é" * 30, "é" * 29]
    texts += ["restart", "re start", "start", "what?", "upper", "UPPER"]
    made = family(leaves)
    assert made.is_due(len(leaves), len(texts))
    assert satisfied(made, texts) == expected(leaves, texts)
    assert satisfied(made, ["a" * 20]) == [[0]]
    assert satisfied(made, ["re start", "é" * 30]) == [[3], [2]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            lambda patterns, fold: Like(
                NAME,
                tuple(
                    WildcardPattern(tuple(each if isinstance(each, Wild) else fold.apply(each) for each in pieces))
                    for pieces in patterns
                ),
                fold,
            ),
            st.lists(
                st.lists(st.sampled_from([ANY, ONE, "long", "Lon", "ging", "gé", "x"]), max_size=4),
                min_size=1,
                max_size=4,
            ),
            _FOLDS,
        ),
        min_size=1,
        max_size=3,
    ),
    st.lists(
        st.lists(st.sampled_from(["long", "LONG", "ging", "gé", "x", ""]), max_size=4).map("".join), max_size=8
    ),
)
@pytest.mark.usefixtures("eager")
def test_one_of_many_patterns_is_looked_for_by_its_longest_piece(
    leaves: list[Like | Contains], texts: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "MOST_EXPRESSIONS", 1)
        patch.setattr(together, "MOST_EFFORT", 0)
        for lowered in (False, True):
            own = [leaf for leaf in leaves if (leaf.fold is Fold.UNICODE) is lowered]
            made = family(own, lowered=lowered)
            if own and made.is_due(1, 1):
                assert satisfied(made, texts) == expected(own, texts)


def test_many_patterns_with_a_long_piece_are_soon_compiled() -> None:
    patterns = tuple(WildcardPattern((ANY, f"piece{i}", ANY, f"end{i}", ANY)) for i in range(1100))
    assert sum(map(effort_of, patterns)) == 1100
    assert compile_effort(patterns) == 0
    assert compile_effort(patterns[:20]) == 20
    made = family([Like(NAME, patterns)])
    assert not made.is_due(1, 20)
    assert made.is_due(1, 1000)
    assert satisfied(made, ["piece7 end7", "piece7 end8", "apiece1099 end1099z", ""]) == [[0], [], [0], []]


def test_a_pass_is_made_once_it_pays() -> None:
    few = family([Like(NAME, (WildcardPattern((ANY, "a", ANY)),))])
    assert not few.is_due(1, 10**9)
    many = family([Like(NAME, (WildcardPattern((ANY, f"a{i}", ANY)),)) for i in range(20)])
    assert not many.is_due(20, 10)
    assert many.is_due(20, 10**5)
    assert many.is_due(1, 1)


def test_patience_is_kept_from_batch_to_batch() -> None:
    made = family([Like(NAME, (WildcardPattern((ANY, f"a{i}", ANY)),)) for i in range(20)])
    answers = [made.is_due(20, 100) for _ in range(10)]
    assert answers[0] is False
    assert answers[-1] is True


@pytest.mark.usefixtures("eager")
def test_many_patterns_fill_several_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MOST_EXPRESSIONS", 3)
    monkeypatch.setattr(together, "MOST_EFFORT", 2)
    leaves: list[Like | Contains] = [
        Like(NAME, tuple(WildcardPattern((f"a{i}", ANY)) for i in range(4))),
        Like(NAME, (WildcardPattern((ANY, "b")), WildcardPattern(("a3", ANY)))),
        *(Contains(NAME, f"a{i}") for i in range(5)),
    ]
    made = family(leaves)
    assert made.is_due(1, 1)
    assert len(made._databases or ()) > 3
    texts = ["a0b", "xa1", "a3", "", "a4b"]
    assert satisfied(made, texts) == expected(leaves, texts)


@pytest.mark.usefixtures("eager")
def test_compiled_patterns_are_kept_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves: list[Like | Contains] = [Contains(NAME, f"a{i}") for i in range(10)]
    first = family(leaves, tmp_path / "kept")
    assert first.is_due(1, 1)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    monkeypatch.setattr(Expressions, "compile", lambda _: pytest.fail("compiled anew"))
    second = family(leaves, tmp_path / "kept")
    assert second.is_due(1, 1)
    assert satisfied(second, ["a1a3", "b"]) == [[1, 3], []]


@pytest.mark.usefixtures("eager")
def test_kept_patterns_need_no_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves: list[Like | Contains] = [Contains(NAME, f"a{i}") for i in range(10)]
    assert family(leaves, tmp_path).is_due(1, 1)
    monkeypatch.setattr(together, "_PATIENCE", 10**9)
    assert family(leaves, tmp_path).is_due(1, 1)
    assert not family(leaves[:9], tmp_path).is_due(1, 1)


@pytest.mark.usefixtures("eager")
def test_what_cannot_be_compiled_is_left_to_the_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise hyperscan.error("too large")

    monkeypatch.setattr(Expressions, "compile", refuse)
    made = family([Contains(NAME, "a")])
    assert not made.is_due(1, 1)
    documents: list[Sample] = [{KEYWORD: ["xax"]}, {KEYWORD: ["b"]}]
    assert Plan([Contains(NAME, "a")]).evaluate(batch_of(documents))[0].tolist() == [True, False]


@pytest.mark.usefixtures("eager")
def test_letter_case_counts_as_each_leaf_says() -> None:
    leaves: list[Like | Contains] = [
        Contains(NAME, "ask", Fold.ASCII),
        Contains(NAME, "ask"),
        Like(NAME, (WildcardPattern(("a", ONE, "k")),), Fold.ASCII),
        Like(NAME, (WildcardPattern(("é", ANY)),), Fold.ASCII),
        Contains(NAME, "É", Fold.ASCII),
    ]
    texts = ["ASK", "ask", "xAskx", "a\u017fK", "as\u212a", "a\u212aK", "éx", "É", "A\nk"]
    made = family(leaves)
    assert made.is_due(len(leaves), len(texts))
    assert satisfied(made, texts) == expected(leaves, texts)
    assert satisfied(made, ["ASK", "ask", "as\u212a"]) == [[0, 2], [0, 1, 2], []]
