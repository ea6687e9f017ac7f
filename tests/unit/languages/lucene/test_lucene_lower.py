"""What is said about Lucene query strings, and the leaves that they become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_lucene_parser import PIECES

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.time import parse_instant
from dogwatch.engine.plan import check
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.languages.lowering import Lowered
from dogwatch.languages.lucene.lower import lower_text
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    Between,
    Compare,
    Exists,
    Field,
    IsTrue,
    Like,
    Literal,
    Member,
    Not,
    Order,
    Predicate,
    Wild,
    WildcardPattern,
    conjunction,
    disjunction,
)
from dogwatch.schema.field import FieldRef, FieldType

TYPES = {
    "name": FieldType.KEYWORD,
    "pid": FieldType.LONG,
    "when": FieldType.DATE,
    "message": FieldType.TEXT,
    "a.b": FieldType.KEYWORD,
    "a.c": FieldType.LONG,
}
NAME = Field(FieldRef("name", FieldType.KEYWORD))
NOON = parse_instant("2024-03-03T12:00:00Z")


def lowered(text: str) -> Lowered:
    return lower_text(text, type_of=TYPES.get, now=NOON, known_fields=TYPES)


def predicate(text: str) -> Predicate:
    pattern = lowered(text).pattern
    assert isinstance(pattern, EventPattern)
    return pattern.predicate


def is_name(value: str) -> Predicate:
    return IsTrue(Compare(Order.EQ, NAME, Literal(value, FieldType.KEYWORD)))


def test_leaves() -> None:
    assert predicate("name:a") == is_name("a")
    assert predicate("name:(a OR b OR c*)") == disjunction(
        [
            IsTrue(Member(NAME, frozenset({"a", "b"}))),
            IsTrue(Like(NAME, (WildcardPattern(("c", Wild.ANY)),))),
        ]
    )
    assert predicate("name:a AND NOT pid:*") == conjunction(
        [is_name("a"), Not(Exists(Field(FieldRef("pid", FieldType.LONG))))]
    )
    assert predicate("NOT (NOT name:a)") == is_name("a")
    assert predicate("*") == ALWAYS
    assert predicate("NOT *") == NEVER


def test_dates_count_from_now_and_fill_their_unit() -> None:
    when = Field(FieldRef("when", FieldType.DATE))
    assert NOON is not None
    hour = 3_600_000_000_000
    assert predicate("when:[now-1h TO now}") == IsTrue(
        Between(when, Literal(NOON - hour, FieldType.DATE), Literal(NOON, FieldType.DATE), True, False)
    )
    with pytest.raises(DogwatchError, match="what `now` means"):
        lower_text("when:>now-1h", type_of=TYPES.get)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('name.caseless:"CMD.exe"', True),
        ("name.caseless:>=CMD.EXA", True),
        ("name.caseless:[CMD.EXA TO CMD.EXF]", True),
        ("name.caseless:[CMD.EXA TO CMD.EXE}", False),
        ("name:[cmd.exa TO cmd.exf]", False),
    ],
)
def test_letter_case_does_not_count_in_caseless_fields(text: str, found: bool) -> None:
    kinds = {"name": FieldType.KEYWORD, "name.caseless": FieldType.KEYWORD}
    pattern = lower_text(text, type_of=kinds.get).pattern
    assert isinstance(pattern, EventPattern)
    assert evaluate(pattern.predicate, lambda _: ["cmd.EXE"]) is found


def test_an_object_exists_where_a_field_below_it_does() -> None:
    below = [Exists(Field(FieldRef("a.b", FieldType.KEYWORD))), Exists(Field(FieldRef("a.c", FieldType.LONG)))]
    assert predicate("_exists_:a") == predicate("a:*") == disjunction([*below])


@pytest.mark.parametrize(
    ("text", "code", "fault", "severity"),
    [
        ("nam:x", "unknown-field", "nam", Severity.WARNING),
        ("name:a OR name:b AND pid:1", "lucene-optional", "name:a", Severity.WARNING),
        ("name:(a or b)", "lucene-words", "a or b", Severity.WARNING),
        ("name:a and pid:1", "lucene-words", "and", Severity.WARNING),
        ("name:a^2", "lucene-ignored", "name:a^2", Severity.NOTICE),
        ("name:a*~", "lucene-ignored", "name:a*~", Severity.NOTICE),
        ('message:"!" pid:1', "lucene-ignored", 'message:"!"', Severity.WARNING),
    ],
)
def test_notes(text: str, code: str, fault: str, severity: Severity) -> None:
    (note,) = [each for each in lowered(text).notes if each.code == code]
    assert note.severity is severity
    assert note.span is not None
    assert text[note.span.start : note.span.end] == fault


@pytest.mark.parametrize("text", ["name:or", 'name:"a or b"', "name:(a OR b) AND pid:1", "name:oregon"])
def test_nothing_is_said_of_what_is_in_order(text: str) -> None:
    assert lowered(text).notes == ()


def test_every_error_is_told() -> None:
    with pytest.raises(DogwatchError) as caught:
        lowered("pid:x OR pid:y* OR name:a")
    assert [each.code for each in caught.value.diagnostics] == ["lucene-type", "lucene-type"]


def test_a_hopeless_query_is_left_after_twenty_errors() -> None:
    with pytest.raises(DogwatchError) as caught:
        lowered(" OR ".join(["pid:x"] * 1000))
    assert len(caught.value.diagnostics) == 20


def test_without_known_fields_each_value_needs_its_field() -> None:
    for text in ("netcat", "a.\\*:x", "*:x"):
        with pytest.raises(DogwatchError) as caught:
            lower_text(text, type_of=TYPES.get)
        assert [each.code for each in caught.value.diagnostics] == ["lucene-unsupported"]


def test_conditions_on_all_fields_are_few_and_short() -> None:
    for text in (" OR ".join(["x"] * 50), "x" * 5000):
        with pytest.raises(DogwatchError) as caught:
            lowered(text)
        assert {each.code for each in caught.value.diagnostics} == {"lucene-unsupported"}


def test_a_regular_expression_has_a_limit() -> None:
    with pytest.raises(DogwatchError, match="at most 1,000 characters"):
        lowered(f"name:/{'a' * 1001}/")


@given(st.lists(st.sampled_from([*PIECES, "name:", "pid:", "when:", "message:", "now"]), max_size=10).map("".join))
def test_what_is_lowered_can_be_planned(text: str) -> None:
    try:
        found = predicate(text)
    except DogwatchError as error:
        errors = [each for each in error.diagnostics if each.severity is Severity.ERROR]
        assert errors
        for each in errors:
            assert each.code in ("lucene-syntax", "lucene-type", "lucene-unsupported", "query-character")
            assert each.source == text
    else:
        # Regular expressions are Lucene's own to judge.
        assert {problem.code for problem in check(found)} <= {"regex-syntax", "regex-unsupported"}
