import os
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kql_trees import TREES

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.text import Fold
from dogwatch.engine.plan import check
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.languages.kql.ast import Query
from dogwatch.languages.kql.lower import lower_text
from dogwatch.languages.kql.parser import parse
from dogwatch.languages.kql.printer import format_query
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    AnyWord,
    Between,
    Compare,
    Exists,
    Field,
    InNetwork,
    IsTrue,
    Like,
    Literal,
    Member,
    Not,
    Order,
    Predicate,
    Wild,
    WildcardPattern,
    Words,
    conjunction,
    disjunction,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar
from dogwatch.schema.schema import Schema

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[4] / ".." / "shared"))
TYPES = {
    "name": FieldType.KEYWORD,
    "pid": FieldType.LONG,
    "score": FieldType.DOUBLE,
    "admin": FieldType.BOOLEAN,
    "ip": FieldType.IP,
    "when": FieldType.DATE,
    "message": FieldType.TEXT,
    "a.b": FieldType.KEYWORD,
}


def field(name: str) -> Field:
    return Field(FieldRef(name, TYPES.get(name, FieldType.KEYWORD)))


def equals(name: str, value: Scalar) -> Predicate:
    return IsTrue(Compare(Order.EQ, field(name), Literal(value, TYPES.get(name, FieldType.KEYWORD))))


def predicate(query: str, **options: Any) -> Predicate:
    pattern = lower_text(query, type_of=TYPES.get, **options).pattern
    assert isinstance(pattern, EventPattern)
    return pattern.predicate


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ALWAYS),
        ("*", ALWAYS),
        ("*:*", ALWAYS),
        ("not *:*", NEVER),
        ("name: x", equals("name", "x")),
        ("name: true", equals("name", "true")),
        ("pid: 070", equals("pid", 70)),
        ("name: 070", equals("name", "070")),
        ("not not name: x", equals("name", "x")),
        ("not name: *", Not(Exists(field("name")))),
        ("name: (x or y or x)", IsTrue(Member(field("name"), frozenset({"x", "y"})))),
        ("name: x or name: y", IsTrue(Member(field("name"), frozenset({"x", "y"})))),
        (
            "name: (**x or y*)",
            IsTrue(
                Like(
                    field("name"), (WildcardPattern((Wild.ANY, "x")), WildcardPattern(("y", Wild.ANY))), Fold.NONE
                )
            ),
        ),
        ("ip: 10.9.9.9/8", IsTrue(InNetwork(field("ip"), ("10.0.0.0/8",)))),
        ('ip: "::ffff:10.0.0.1"', equals("ip", "10.0.0.1")),
        ('message: "Two Words"', IsTrue(Words(field("message"), ("two", "words"), phrase=True))),
        ("message: One-two", IsTrue(Words(field("message"), ("one", "two")))),
        ("a: { b: x }", equals("a.b", "x")),
        ("a.b: (x and y)", conjunction([equals("a.b", "x"), equals("a.b", "y")])),
    ],
)
def test_predicates(query: str, expected: Predicate) -> None:
    assert predicate(query) == expected


def test_a_date_without_time_is_its_whole_day() -> None:
    day = 86_400_000_000_000
    first, last = Literal(day, FieldType.DATE), Literal(2 * day - 1, FieldType.DATE)
    assert predicate("when: 1970-01-02") == IsTrue(Between(field("when"), first, last))


def test_one_date_of_several_must_lie_in_the_day_itself() -> None:
    day = 86_400_000_000_000
    assert evaluate(predicate("when: 1970-01-03"), lambda _: [day, 5 * day]) is False
    assert evaluate(predicate("when >= 1970-01-03 and when <= 1970-01-04"), lambda _: [day, 5 * day]) is True


@pytest.mark.parametrize(
    ("query", "op", "instant"),
    [
        ("when > 1970-01-01", Order.GT, 86_400_000_000_000 - 1),
        ("when < 1970-01-02", Order.LT, 86_400_000_000_000),
        (r"when <= 1970-01-01T01+01\:00", Order.LE, 3_600_000_000_000 - 1),
        (r"when <= 1970-01-01T00\:01", Order.LE, 120_000_000_000 - 1),
        ('when <= "1970-01-01T00:00:01.5Z"', Order.LE, 1_500_000_000),
        ("when <= 1970", Order.LE, 86_400_000_000_000 - 1),
        ("when >= 5", Order.GE, 5_000_000),
        ("when >= now-1m", Order.GE, 1_000 - 60_000_000_000),
        ('when <= "1970-01-01||/d"', Order.LE, 86_400_000_000_000 - 1),
    ],
)
def test_ends_of_date_ranges(query: str, op: Order, instant: int) -> None:
    assert predicate(query, now=1_000) == IsTrue(Compare(op, field("when"), Literal(instant, FieldType.DATE)))


def test_now_must_be_given() -> None:
    with pytest.raises(DogwatchError) as caught:
        predicate("when > now-5m")
    assert caught.value.diagnostics[0].code == "kql-unsupported"


def test_a_wildcard_on_analysed_text_looks_at_single_words() -> None:
    word = Field(FieldRef("message", FieldType.KEYWORD))
    fail = WildcardPattern((Wild.ANY, "fail", Wild.ANY))
    assert predicate("message: *Fail* plain foo-b*") == disjunction(
        [
            IsTrue(Words(field("message"), ("plain",))),
            # foo-b* can match no word.
            IsTrue(AnyWord(field("message"), Like(word, (fail,)))),
        ]
    )


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Große Fehler", "message: gro*e", True),
        ("ägyptenfail", "message: fail*", False),
        ("x fail-y", "message: f*l", True),
        ("fail\nover", "message: over*", True),
    ],
)
def test_words_with_wildcards_know_every_script(text: str, query: str, expected: bool) -> None:
    assert evaluate(predicate(query), lambda _: [text]) is expected


def test_all_errors_are_reported_together() -> None:
    with pytest.raises(DogwatchError) as caught:
        predicate("pid: x or admin: y or f*: z or name: fine")
    assert [d.code for d in caught.value.diagnostics] == ["kql-type", "kql-type", "kql-unsupported"]
    assert [d.source[d.span.start : d.span.end] for d in caught.value.diagnostics if d.source and d.span] == [
        "pid: x",
        "admin: y",
        "f*: z",
    ]


@pytest.mark.parametrize(
    "query",
    [
        "pid: 1e999",
        "pid: NaN",
        "pid: 1_000",
        "ip: 1.2.3",
        "ip: fe80\\:\\:1%eth0",
        "ip: 10.*",
        "when: 2024-13-01",
        'admin: ""',
    ],
)
def test_values_that_do_not_fit_the_type(query: str) -> None:
    with pytest.raises(DogwatchError) as caught:
        predicate(query)
    assert [d.code for d in caught.value.diagnostics] == ["kql-type"]


def test_unknown_fields_are_keywords_with_one_warning_each() -> None:
    lowered = lower_text("naem: 5 or not naem: 6", type_of=TYPES.get, known_fields=TYPES)
    (warning,) = lowered.notes
    assert (warning.code, warning.severity) == ("unknown-field", Severity.WARNING)
    assert warning.hint == "did you mean `name`?"
    assert isinstance(lowered.pattern, EventPattern)
    assert evaluate(lowered.pattern.predicate, lambda ref: ["5"] if ref.type is FieldType.KEYWORD else []) is True


def test_nested_queries_say_that_elements_are_not_told_apart() -> None:
    (notice,) = lower_text("a: { b: x }", type_of=TYPES.get).notes
    assert (notice.code, notice.severity) == ("kql-nested", Severity.NOTICE)


def test_values_that_no_event_can_hold_are_pointed_out() -> None:
    lowered = lower_text('message: "!?"', type_of=TYPES.get)
    assert lowered.pattern == EventPattern(NEVER)
    assert [note.code for note in lowered.notes] == ["kql-never"]


def test_a_field_pattern_that_fits_no_field() -> None:
    lowered = lower_text("z*: x", type_of=TYPES.get, known_fields=TYPES)
    assert lowered.pattern == EventPattern(NEVER)
    assert [note.code for note in lowered.notes] == ["unknown-field"]


def test_the_public_rule_corpus_lowers() -> None:
    corpus = SHARED / "corpus" / "elastic-detection-rules"
    if not corpus.exists():
        pytest.skip(f"the rule corpus is not here: {corpus}")
    schema = Schema.ecs()
    count = 0
    for path in sorted(corpus.rglob("*.toml")):
        rule = tomllib.loads(path.read_text(encoding="utf-8"))["rule"]
        if rule.get("language") == "kuery":
            tree = parse(rule["query"])
            assert parse(format_query(tree)) == tree, path
            queries = [rule["query"]]
            if rule.get("threat_language") == "kuery":
                queries.append(rule["threat_query"])
            for query in queries:
                lowered = lower_text(
                    query,
                    type_of=schema.type_of,
                    now=0,
                    known_fields=schema.mappings,
                    mapping_of=schema.mappings.get,
                )
                assert {note.code for note in lowered.notes} <= {"unknown-field", "kql-nested"}, path
            count += 1
    assert count > 500


@given(TREES, st.booleans())
def test_every_tree_lowers_or_is_refused_with_diagnostics(tree: Query, everything: bool) -> None:
    known = TYPES if everything else None
    try:
        lowered = lower_text(format_query(tree), type_of=TYPES.get, now=0, known_fields=known)
    except DogwatchError as error:
        errors = [each for each in error.diagnostics if each.severity is Severity.ERROR]
        assert errors
        assert {each.code for each in errors} <= {"kql-type", "kql-unsupported"}
    else:
        assert isinstance(lowered.pattern, EventPattern)
        assert evaluate(lowered.pattern.predicate, lambda _: []) is not None


def test_many_unknown_fields_and_many_errors_are_no_burden() -> None:
    started = time.process_time()
    many = " or ".join(f"f{i}: x" for i in range(4_900))
    assert len(lower_text(many, type_of=TYPES.get, known_fields=TYPES).notes) == 4_900
    with pytest.raises(DogwatchError) as caught:
        predicate(" or ".join(["pid: x"] * 4_900))
    assert len(caught.value.diagnostics) == 20
    assert time.process_time() - started < 15


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('name.caseless: "CMD.exe"', True),
        ("name.caseless: (x or Cmd.EXE)", True),
        ("name.caseless: C*.EXE", True),
        ("name.caseless >= CMD.EXA", True),
        ("name: cmd.exe", False),
    ],
)
def test_letter_case_does_not_count_in_caseless_fields(query: str, found: bool) -> None:
    assert evaluate(predicate(query), lambda _: ["cmd.EXE"]) is found


@pytest.mark.parametrize("name", ["a..b", ".", '""', "a.", "*..x", ".a.b"])
def test_names_that_no_field_can_have_match_nothing(name: str) -> None:
    lowered = lower_text(f"{name}: x", type_of=TYPES.get, known_fields=TYPES)
    assert lowered.pattern == EventPattern(NEVER)
    assert [note.code for note in lowered.notes] == ["unknown-field"]


@pytest.mark.parametrize(
    "query",
    [
        "\0" * 200_000,
        "name: \0" + "x" * 200_000,
        "name: " + "*" * 100_000,
        "name: " + "x*" * 100_000,
        "message: " + "x* " * 40_000,
        "message: " + "\u4e00" * 200_000,
        "*" * 100_000 + ": x",
        "pid > " + "9" * 200_000,
        "when: now" + "+1d" * 60_000,
        "ip: " + "1" * 200_000 + "/8",
        "a: {" * 100 + "b: *" + "}" * 100,
        '"": ""',
        "x" * 1_000_000,
    ],
    ids=lambda query: repr(query[:12]),
)
def test_hostile_queries_are_made_ready_or_refused(query: str) -> None:
    try:
        diagnostics = check(predicate(query, known_fields=TYPES, now=0))
    except DogwatchError as error:
        diagnostics = error.diagnostics
    assert all(len(diagnostic.render()) < 1000 for diagnostic in diagnostics)


def test_a_path_of_too_many_names_is_refused() -> None:
    for value in ("x", "*a b*"):
        with pytest.raises(DogwatchError) as caught:
            predicate("a." * 100_000 + f"b: {value}", mapping_of={}.get)
        assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["field-too-deep"]


def test_hints_for_unknown_names_and_values() -> None:
    hints = [
        note.hint for note in lower_text("and name: x or naem: x", type_of=TYPES.get, known_fields=TYPES).notes
    ]
    assert hints == [
        "`and`, `or` and `not` stand between blanks and join what is on both sides of them",
        "did you mean `name`?",
    ]
    with pytest.raises(DogwatchError) as caught:
        predicate("when: 2024-13-01")
    assert "date math" in (caught.value.diagnostics[0].hint or "")


def test_conditions_on_every_field_are_limited() -> None:
    with pytest.raises(DogwatchError) as caught:
        predicate(" or ".join(["x"] * 10_000), known_fields=TYPES)
    assert {diagnostic.message for diagnostic in caught.value.diagnostics} == {
        "more than 10 conditions look at every field"
    }
    with pytest.raises(DogwatchError) as caught:
        predicate("x*" * 1000, known_fields=TYPES)
    assert [diagnostic.message for diagnostic in caught.value.diagnostics] == [
        "a condition on every field is longer than 1,000 characters"
    ]
