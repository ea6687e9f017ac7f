"""Both regular expression languages, and what each refuses."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.regex import MAX_PATTERN, compile_regex
from dogwatch.logic.predicate import RegexDialect

LUCENE_CASES = [
    (
        "",
        [
            "",
        ],
        ["a"],
    ),
    ("abc", ["abc"], ["xabc", "abcx", "ABC", ""]),
    ("a.c", ["abc", "a\nc", "a😀c"], ["ac", "abbc"]),
    ("a?b*c+", ["c", "abbcc"], ["ab", "aac"]),
    ("a{2}", ["aa"], ["a", "aaa"]),
    ("a{2,}", ["aa", "aaaaa"], ["a"]),
    ("a{1,2}", ["a", "aa"], ["", "aaa"]),
    ("(ab|cd)+", ["ab", "abcdab"], ["abc", ""]),
    ("ab|", None, None),
    ("a*?", ["", "aaa"], ["b"]),
    ("[a-c_]x", ["ax", "_x"], ["dx"]),
    ("[^a-c]", ["d", "\n"], ["a", ""]),
    (r"[a\-z]", ["a", "-", "z"], ["b"]),
    ("[az-]", ["-", "z"], ["b"]),
    ("[]a]", ["]", "a"], ["b"]),
    (r"\d+\.\w+\s", ["12.a_B "], ["12xa ", "12.a"]),
    (r"\D\W\S", ["a.b"], ["1.b"]),
    ("~(foo.*)", ["bar", "", "fo"], ["foo", "foobar"]),
    ("~ab", ["b", "bb", "xxb"], ["ab"]),
    ("(foo.*)&(.*bar)", ["foobar", "foo bar"], ["foo", "bar"]),
    ("a@b", ["ab", "a\n\nb"], ["a"]),
    ("a#|b", ["b"], ["a", "a#"]),
    ('"a*b"c', ["a*bc"], ["aabc"]),
    ("()", [""], ["()"]),
    ("^a$", ["^a$"], ["a"]),
    (r"\*\\", ["*\\"], ["a"]),
    ("<1-100>", ["1", "42", "100", "007"], ["0", "101", "x"]),
    ("<01-10>", ["01", "09", "10"], ["1", "11", "010"]),
    ("<9-11>", ["9", "10", "011"], ["8", "12", ""]),
    ("<0-9>", ["0", "9"], ["00", "10"]),
    ("*a", ["*a"], ["a"]),
    ("(", None, None),
    (")", None, None),
    ("a)", None, None),
    ("[a", None, None),
    ("[z-a]", None, None),
    ("a{2", None, None),
    ("a{3,2}", None, None),
    ("a{x}", None, None),
    ("a{1001}", None, None),
    ('"a', None, None),
    ("<1-", None, None),
    ("<name>", None, None),
    ("a\\", None, None),
    ("~", None, None),
    ("(" * 200 + "a" + ")" * 200, None, None),
    ("[ab]*a[ab]{14}", None, None),
    ("a?" * 4000, None, None),
]


def matches(pattern: str, text: str, dialect: RegexDialect, fold: Fold = Fold.NONE) -> bool:
    return compile_regex((pattern,), dialect, fold).matches(text)


@pytest.mark.parametrize(("pattern", "holds", "fails"), LUCENE_CASES, ids=[p[:20] for p, *_ in LUCENE_CASES])
def test_lucene(pattern: str, holds: list[str] | None, fails: list[str] | None) -> None:
    if holds is None or fails is None:
        with pytest.raises(DogwatchError, match="regex-unsupported"):
            compile_regex((pattern,), RegexDialect.LUCENE, Fold.NONE)
        return
    assert {text: matches(pattern, text, RegexDialect.LUCENE) for text in holds + fails} == {
        **dict.fromkeys(holds, True),
        **dict.fromkeys(fails, False),
    }


@pytest.mark.parametrize(
    ("pattern", "text", "fold", "expected"),
    [
        ("[a-c]K", "Bk", Fold.ASCII, True),
        ("[^a]", "A", Fold.ASCII, False),
        ("k", "\u212a", Fold.ASCII, False),
        ("k", "\u212a", Fold.UNICODE, False),
        ("\u212a", "k", Fold.UNICODE, True),
        ("é", "É", Fold.ASCII, False),
        ("é", "É", Fold.UNICODE, True),
        ('"Foo"', "fOO", Fold.ASCII, True),
    ],
)
def test_lucene_fold(pattern: str, text: str, fold: Fold, expected: bool) -> None:
    assert matches(pattern, text, RegexDialect.LUCENE, fold) is expected


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab)"])
_PLAIN = st.lists(
    st.tuples(_ATOMS, st.sampled_from(["", "", "*", "+", "?", "{1,2}"])), min_size=1, max_size=5
).map(lambda parts: "".join(atom + sign for atom, sign in parts))


@given(st.lists(_PLAIN, min_size=1, max_size=3), st.text("abc\n", max_size=6))
def test_lucene_agrees_with_python_on_common_syntax(patterns: list[str], text: str) -> None:
    pattern = "|".join(patterns)
    # Short texts of four letters: nothing to backtrack over.
    expected = re.fullmatch(pattern, text, re.DOTALL) is not None
    assert matches(pattern, text, RegexDialect.LUCENE) is expected
    assert matches(f"~({pattern})", text, RegexDialect.LUCENE) is not expected


@given(_PLAIN, _PLAIN, st.text("abc", max_size=5))
def test_lucene_intersection(left: str, right: str, text: str) -> None:
    both = matches(left, text, RegexDialect.LUCENE) and matches(right, text, RegexDialect.LUCENE)
    assert matches(f"{left}&{right}", text, RegexDialect.LUCENE) is both


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 400))
def test_lucene_interval(low: int, high: int, number: int) -> None:
    low, high = min(low, high), max(low, high)
    fixed = len(str(low)) == len(str(high)) != len(str(number))
    expected = low <= number <= high and not fixed
    assert matches(f"<{low}-{high}>", str(number), RegexDialect.LUCENE) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        ("a.c", "a\nc", False),
        ("^a.c$", "aéc", True),
        ("a*", "", True),
        ("", "x", True),
        (r"\d{3}", "ab123", True),
        ("x", "\ud800x", True),
    ],
)
def test_perl_searches(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text, RegexDialect.PERL) is expected


def test_perl_fold_and_many_patterns() -> None:
    matcher = compile_regex(("foo", "ba[rz]"), RegexDialect.PERL, Fold.ASCII)
    assert [matcher.matches(text) for text in ("xFOOx", "BAZ", "qux")] == [True, True, False]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "back-references"),
        ("a(?=b)", "look-around"),
        ("(?<!a)b", "look-around"),
        ("a++", "possessive"),
        ("(?>a)", "atomic"),
        ("(a", "parenthesis"),
        ("a" * (MAX_PATTERN + 1), "longer than"),
    ],
)
def test_perl_refusals(pattern: str, reason: str) -> None:
    with pytest.raises(DogwatchError) as raised:
        compile_regex(("fine", pattern), RegexDialect.PERL, Fold.NONE)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "regex-unsupported"
    assert reason in diagnostic.message
    assert len(diagnostic.message) < 300


@pytest.mark.parametrize("dialect", list(RegexDialect))
def test_no_pattern_stalls(dialect: RegexDialect) -> None:
    text = "a" * 200_000 + "!"
    start = time.perf_counter()
    assert not matches("(a+)+b", text, dialect)
    assert time.perf_counter() - start < 2
