import sys
from pathlib import Path

import pytest

from dogwatch.languages.eql import parse

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from conformance.library import OtherDialectError, respelled, translated_expression, translated_query


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1", "a == 1"),
        ("a == 1 and b != 2 and c <= 3 and d >= 4", "a == 1 and b != 2 and c <= 3 and d >= 4"),
        ("a = 'it is \"so\"'", 'a == "it is \\"so\\""'),
        (r"a = 'it\'s'", 'a == "it\'s"'),
        ('a = "b = c"', 'a == "b = c"'),
        (r"match(a, ?'\d=')", 'match(a, """\\d=""")'),
        ("a // b = c\n= 1", "a // b = c\n== 1"),
        ("sequence with maxspan=5s", "sequence with maxspan=5s"),
        ("sequence with maxspan = 5s", "sequence with maxspan = 5s"),
        ("'unclosed", '"unclose"'),
    ],
)
def test_spellings(text: str, expected: str) -> None:
    assert respelled(text) == expected


@pytest.mark.parametrize(
    ("condition", "case_sensitive", "expected"),
    [
        ("name == 'a*'", None, 'name : "a*"'),
        ("name == 'a*'", True, 'name like "a*"'),
        ("'a*' == name", None, 'name : "a*"'),
        ("name != 'a'", None, 'name != null and not name : "a"'),
        ("not name == 'a'", None, 'name != null and not name : "a"'),
        ("not name != 'a'", None, 'name : "a"'),
        ("pid != 3", None, "pid != null and not pid == 3"),
        ("name in ('a', 'b')", None, 'name : ("a", "b")'),
        ("name not in ('a', 'b')", None, 'name != null and not name : ("a", "b")'),
        ("pid not in (1, 2)", None, "pid != null and not pid in (1, 2)"),
        ("not pid > 3", None, "pid <= 3"),
        ("not (a == 1 and b > 2)", None, "a != null and not a == 1 or b <= 2"),
        ("not (a < 1 or not b >= 2)", None, "a >= 1 and b >= 2"),
        ("not startsWith(name, 'a')", None, 'startsWith~(name, "a") == false'),
        ("startsWith(name, 'a')", True, 'startsWith(name, "a")'),
        ("not length(name) == 3", None, "length(name) != null and not length(name) == 3"),
        ("name == null", None, "name == null"),
        ("not name == null", None, "name != null"),
        ("null == (pid > 1)", None, "null == (pid > 1)"),
        ("not true or null", None, "false or null"),
        ("not null", None, "false"),
        ("name < 'b'", None, 'name < "b"'),
        ("name < '1'", False, 'name < "1"'),
        ("arrayContains(names, 'a', 'b')", None, 'names in~ ("a", "b")'),
        ("pid + 1 == 3", None, "pid + 1 == 3"),
    ],
)
def test_conditions(condition: str, case_sensitive: bool | None, expected: str) -> None:
    translated = parse(translated_query(f"process where {condition}", case_sensitive))
    assert translated == parse(f"process where {expected}")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("join by a [b where true] [c where true]", "join"),
        ("process where child of [process where true]", "ancestry"),
        ("sequence [a where true] fork=true [b where true]", "fork"),
        ("process where names[0] == 'a'", "an array's element"),
        ("process where a == b", "a comparison of two fields"),
        ("process where a in (b, 'c')", "a comparison of two fields"),
        ("process where a == 'b?'", "a question mark that is no wildcard"),
        ("process where match(a, 'b')", "the function `match`"),
        ("process where true | sort a", "the pipe `sort`"),
        ("process where true | head 3 | filter a == 1", "the pipe `filter`"),
        ("process where", "its syntax"),
    ],
)
def test_what_cannot_be_said(query: str, reason: str) -> None:
    with pytest.raises(OtherDialectError, match=f"^{reason}$"):
        translated_query(query, None)


def test_texts_in_order_whatever_their_case() -> None:
    with pytest.raises(OtherDialectError, match="in order"):
        translated_query("process where name < 'b'", False)


def test_filters_right_after_the_events_are_part_of_the_condition() -> None:
    query = translated_query("process where a == 1 | filter b != 2 | filter c | head 3", None)
    expected = "process where a == 1 and (b != null and not b == 2) and c | head 3"
    assert parse(query).pipes == parse(expected).pipes
    assert "b != null" in query


def test_every_stage_is_translated() -> None:
    query = translated_query("sequence by k [a where x = 'p'] [b where true] until [c where y = 'q*']", None)
    assert parse(query) == parse('sequence by k [a where x : "p"] [b where true] until [c where y : "q*"]')


def test_expressions_keep_their_unknown() -> None:
    assert translated_expression("'A' not in ('a')", None) == 'not "A" : "a"'
    assert translated_expression("not null", None) == "not null"
