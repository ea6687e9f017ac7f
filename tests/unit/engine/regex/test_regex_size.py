"""The estimate that keeps Hyperscan from computing for minutes over one regular expression."""

from __future__ import annotations

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.regex.compiled import compile_regex
from dogwatch.engine.regex.size import MAX_SIZE, size
from dogwatch.logic.predicate import RegexDialect


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", 0),
        ("abc", 3),
        ("a{3}", 3),
        ("a{2,5}b", 6),
        ("a{2,}", 2),
        ("(ab){3}c", 7),
        ("((a{2}b){3}c){4}", 40),
        (".", 5),
        ("[^]a-z]{2}", 10),
        (r"[\]\p{L}]", 405),
        (r"\p{Lu}{2}", 800),
        (r"\x{2e}\x{e9}", 6),
        (r"\d\.", 6),
        ("a{x}", 3),
        ("a{,3}", 3),
        ("a{", 1),
        ("a)(", 2),
        ("é", 5),
        ("(a|b)*?", 2),
    ],
)
def test_positions(pattern: str, expected: int) -> None:
    assert size(pattern) == expected


@pytest.mark.parametrize("dialect", [RegexDialect.PERL, RegexDialect.JAVA])
@pytest.mark.parametrize(
    "pattern", [r"(.{1,500}a){50}", r"^(.{0,200}b){1,40}$", r"(\w{1,200}x){30}", r"\p{L}{500}", "((a{9}){99}){99}"]
)
def test_what_is_written_out_to_great_length_is_refused(pattern: str, dialect: RegexDialect) -> None:
    assert size(pattern) > MAX_SIZE
    with pytest.raises(DogwatchError, match="repeats so much"):
        compile_regex((pattern,), dialect, Fold.NONE)


def test_nesting_is_no_recursion() -> None:
    assert size("(" * 4000 + "a" + "){9}" * 1000) > MAX_SIZE
