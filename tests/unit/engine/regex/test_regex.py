"""The dialects that Hyperscan compiles, and what is refused."""

from __future__ import annotations

import time

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.regex.compiled import MAX_PATTERN, compile_regex
from dogwatch.logic.predicate import RegexDialect


def matches(pattern: str, text: str, dialect: RegexDialect, fold: Fold = Fold.NONE) -> bool:
    return compile_regex((pattern,), dialect, fold).matches(text)


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
    start = time.process_time()
    assert not matches("(a+)+b", text, dialect)
    assert time.process_time() - start < 20
