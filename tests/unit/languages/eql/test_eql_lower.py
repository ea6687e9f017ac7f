"""What comparisons, lists, patterns, fields and categories of EQL become."""

from __future__ import annotations

import pytest
from eql_predicates import (
    ANY,
    IS_A,
    IS_ONE,
    NAME,
    ONE,
    PID,
    SIGNED,
    TYPES,
    codes,
    equal,
    field,
    keyword,
    like,
    long,
    lowered,
)

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.text import Fold
from dogwatch.base.time import parse_instant
from dogwatch.languages.eql import lower_text
from dogwatch.logic.pattern import EventPattern
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    And,
    Between,
    Call,
    Compare,
    Exists,
    Field,
    IsTrue,
    Literal,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    fields_of,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar


@pytest.mark.parametrize(
    ("condition", "predicate"),
    [
        # Equality is exact; `*` and `?` are ordinary characters.
        ('name == "A*?"', IsTrue(equal(NAME, "A*?"))),
        ('"a" == name', IS_A),
        ('message == "a"', IsTrue(equal(field("message"), "a"))),
        # Negation is the complement of a leaf.
        ('name != "a"', Not(IS_A)),
        ('not name == "a"', Not(IS_A)),
        ('not name != "a"', IS_A),
        ('not (name == "a" and pid == 1)', Not(And((IS_A, IS_ONE)))),
        ("not pid > 3", Not(IsTrue(Compare(Order.GT, PID, long(3))))),
        # Null is absence.
        ("name == null", Not(Exists(NAME))),
        ("null == name", Not(Exists(NAME))),
        ("name != null", Exists(NAME)),
        ("?name == null", Not(Exists(NAME))),
        # Booleans.
        ("signed", IsTrue(equal(SIGNED, True, FieldType.BOOLEAN))),
        ("not signed", Not(IsTrue(equal(SIGNED, True, FieldType.BOOLEAN)))),
        ("signed != false", Not(IsTrue(equal(SIGNED, False, FieldType.BOOLEAN)))),
        ('signed == "true"', IsTrue(equal(SIGNED, True, FieldType.BOOLEAN))),
        # Order; a constant on the left is turned round.
        ("pid >= 3", IsTrue(Compare(Order.GE, PID, long(3)))),
        ("3 >= pid", IsTrue(Compare(Order.LE, PID, long(3)))),
        ('name < "b"', IsTrue(Compare(Order.LT, NAME, keyword("b")))),
        ("pid > -1", IsTrue(Compare(Order.GT, PID, long(-1)))),
    ],
)
def test_comparisons(condition: str, predicate: Predicate) -> None:
    assert lowered(condition) == predicate


@pytest.mark.parametrize(
    ("condition", "left", "right", "kind"),
    [
        ("pid == 3.0", PID, 3, FieldType.LONG),
        ("pid == 3.5", PID, 3.5, FieldType.DOUBLE),
        ("pid == -9223372036854775808", PID, -(2**63), FieldType.LONG),
        ("pid == 9223372036854775808", PID, 2.0**63, FieldType.DOUBLE),
        ('pid == "42"', PID, 42, FieldType.LONG),
        ("pid == 7 / 2 * 10 % 4", PID, 2, FieldType.LONG),
        ("pid == -7 / 2", PID, -3, FieldType.LONG),
        ("pid == modulo(-10, -6)", PID, -4, FieldType.LONG),
        ("score == 3", field("score"), 3.0, FieldType.DOUBLE),
        ("name == 5", NAME, "5", FieldType.KEYWORD),
        ("name == true", NAME, "true", FieldType.KEYWORD),
        ('ip == "2001:DB8:0::1"', field("ip"), "2001:db8::1", FieldType.IP),
        ('version == "bad"', field("version"), "bad", FieldType.VERSION),
    ],
)
def test_constants_take_the_type_of_the_field(condition: str, left: Field, right: Scalar, kind: FieldType) -> None:
    predicate = lowered(condition)
    assert predicate == IsTrue(equal(left, right, kind))
    assert isinstance(predicate, IsTrue)
    assert isinstance(predicate.part, Compare)
    assert isinstance(predicate.part.right, Literal)
    assert type(predicate.part.right.value) is type(right)


@pytest.mark.parametrize(
    ("condition", "order", "instant"),
    [
        ('@timestamp >= "2024-05-06"', Order.GE, "2024-05-06T00:00:00Z"),
        ('@timestamp < "2024-05-06"', Order.LT, "2024-05-06T00:00:00Z"),
        # An upper bound that stops early means the last instant of that time, but of a month the first day.
        ('@timestamp <= "2024-05-06"', Order.LE, "2024-05-06T23:59:59.999999999Z"),
        ('@timestamp > "2024-05"', Order.GT, "2024-05-01T23:59:59.999999999Z"),
        ('"2024" >= @timestamp', Order.LE, "2024-01-01T23:59:59.999999999Z"),
        ('@timestamp <= "2024-05-06T10:20:30Z"', Order.LE, "2024-05-06T10:20:30.999999999Z"),
        ('@timestamp <= "2024-05-06T10:20:30.5Z"', Order.LE, "2024-05-06T10:20:30.5Z"),
        ('@timestamp == "2024-05-06T10:20:30.123456789Z"', Order.EQ, "2024-05-06T10:20:30.123456789Z"),
        ("@timestamp == 1714953600000", Order.EQ, "2024-05-06T00:00:00Z"),
        ('@timestamp == "1714953600000"', Order.EQ, "2024-05-06T00:00:00Z"),
        # Date math.
        ('@timestamp >= "now-1d/d"', Order.GE, "2024-05-05T00:00:00Z"),
        ('@timestamp <= "now/d"', Order.LE, "2024-05-06T23:59:59.999999999Z"),
        ('@timestamp == "now"', Order.EQ, "2024-05-06T12:00:00Z"),
        ('@timestamp < "2024-01-31||+1M/d"', Order.LT, "2024-02-29T00:00:00Z"),
    ],
)
def test_dates_are_compared_as_instants(condition: str, order: Order, instant: str) -> None:
    literal = Literal(parse_instant(instant), FieldType.DATE)
    assert lowered(condition) == IsTrue(Compare(order, field("@timestamp"), literal))


@pytest.mark.parametrize(
    ("date", "first", "last"),
    [
        ("2024-05-06", "2024-05-06T00:00:00Z", "2024-05-06T23:59:59.999999999Z"),
        ("2024-05-06T10:20", "2024-05-06T10:20:00Z", "2024-05-06T10:20:59.999999999Z"),
        ("2024-01-31||+1M/d", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59.999999999Z"),
    ],
)
def test_a_date_that_stops_early_equals_all_the_time_that_it_covers(date: str, first: str, last: str) -> None:
    low, high = (Literal(parse_instant(instant), FieldType.DATE) for instant in (first, last))
    inside = IsTrue(Between(field("@timestamp"), low, high))
    assert lowered(f'@timestamp == "{date}"') == inside
    assert lowered(f'@timestamp != "{date}"') == Not(inside)
    assert lowered(f'@timestamp in ("{date}", "now")') == Or((inside, lowered('@timestamp == "now"')))


def test_now_must_be_told() -> None:
    assert codes('any where @timestamp > "now-1d"') == ["eql-unsupported"]


@pytest.mark.parametrize(
    ("condition", "predicate"),
    [
        ('name : "Bash"', IsTrue(equal(NAME, "bash", fold=Fold.ASCII))),
        ('name : "Ñ"', IsTrue(equal(NAME, "Ñ", fold=Fold.ASCII))),
        ('name like "Bash"', IsTrue(equal(NAME, "Bash"))),
        ('name : "A*?b"', IsTrue(like(NAME, Fold.ASCII, ("a", ANY, ONE, "b")))),
        ('name like~ "A*"', IsTrue(like(NAME, Fold.ASCII, ("a", ANY)))),
        ('name like "A*"', IsTrue(like(NAME, Fold.NONE, ("A", ANY)))),
        ('name : "a**b"', IsTrue(like(NAME, Fold.ASCII, ("a", ANY, "b")))),
        ('name : "???"', IsTrue(like(NAME, Fold.ASCII, (ONE, ONE, ONE)))),
        # A backslash is a backslash; nothing escapes a star.
        (r'name : "C:\\*"', IsTrue(like(NAME, Fold.ASCII, ("c:\\", ANY)))),
        ('name : """a\\*"""', IsTrue(like(NAME, Fold.ASCII, ("a\\", ANY)))),
        ('name : "*"', Exists(NAME)),
        ('name : ("x", "**")', Exists(NAME)),
        ('message : "*a"', IsTrue(like(field("message"), Fold.ASCII, (ANY, "a")))),
        ('name : ("A", "a")', IsTrue(equal(NAME, "a", fold=Fold.ASCII))),
        ('name : ("A", "B")', IsTrue(Member(NAME, frozenset({"a", "b"}), Fold.ASCII))),
        (
            'name : ("a", "b*", "c?", "b*")',
            Or(
                (
                    IsTrue(equal(NAME, "a", fold=Fold.ASCII)),
                    IsTrue(like(NAME, Fold.ASCII, ("b", ANY), ("c", ONE))),
                )
            ),
        ),
        ('not name : "a*"', Not(IsTrue(like(NAME, Fold.ASCII, ("a", ANY))))),
        ('wildcard(name, "A*")', IsTrue(like(NAME, Fold.NONE, ("A", ANY)))),
        ('wildcard~(name, "A*", "B")', lowered('name : ("A*", "B")')),
        # A computed text folds every letter, as the JVM does.
        (
            'concat(name, 1) : "É*"',
            IsTrue(like(Call("concat", (NAME, long(1))), Fold.UNICODE, ("é", ANY))),
        ),
    ],
)
def test_wildcards(condition: str, predicate: Predicate) -> None:
    assert lowered(condition) == predicate


@pytest.mark.parametrize(
    ("condition", "predicate"),
    [
        ("pid in (1, 2, 3.0)", IsTrue(Member(PID, frozenset({1, 2, 3})))),
        ("pid in (1)", IS_ONE),
        ("pid not in (1)", Not(IS_ONE)),
        ('name in ("A*", "b")', IsTrue(Member(NAME, frozenset({"A*", "b"})))),
        ('name in~ ("A*", "b")', IsTrue(Member(NAME, frozenset({"a*", "b"}), Fold.ASCII))),
        ('name not in~ ("A", "b")', Not(IsTrue(Member(NAME, frozenset({"a", "b"}), Fold.ASCII)))),
        ('ip in ("::1", "0:0::1", "127.0.0.1")', IsTrue(Member(field("ip"), frozenset({"::1", "127.0.0.1"})))),
        ('name in ("a", null)', IS_A),
        ("name in (null)", NEVER),
        ('string(pid) in~ ("1*")', IsTrue(equal(Call("string", (PID,)), "1*", fold=Fold.UNICODE))),
        ("pid in (1 + 1, 2)", IsTrue(equal(PID, 2, FieldType.LONG))),
        (
            'pid in (number("7"))',
            IsTrue(Compare(Order.EQ, PID, Call("number", (keyword("7"),)))),
        ),
    ],
)
def test_lists(condition: str, predicate: Predicate) -> None:
    assert lowered(condition) == predicate


@pytest.mark.parametrize(
    ("condition", "predicate"),
    [
        ('name regex "a.*"', IsTrue(Regex(NAME, ("a.*",), RegexDialect.LUCENE))),
        ('name regex~ ("a.*", "b+")', IsTrue(Regex(NAME, ("a.*", "b+"), RegexDialect.LUCENE, Fold.ASCII))),
        ('name regex "abc"', IsTrue(equal(NAME, "abc"))),
        ('name regex "^a$"', IsTrue(equal(NAME, "^a$"))),
        (
            'substring(name, 1) regex~ "a+"',
            IsTrue(Regex(Call("substring", (NAME, long(1))), ("a+",), RegexDialect.JAVA, Fold.UNICODE)),
        ),
        ('substring(name, 1) regex "a~b"', IsTrue(equal(Call("substring", (NAME, long(1))), "a~b"))),
    ],
)
def test_regular_expressions(condition: str, predicate: Predicate) -> None:
    assert lowered(condition) == predicate


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        ('x == "a"', FieldType.KEYWORD),
        ("x == 1", FieldType.LONG),
        ("x > 1.5", FieldType.DOUBLE),
        ("x == false", FieldType.BOOLEAN),
        ("x", FieldType.BOOLEAN),
        ('x : "a*"', FieldType.KEYWORD),
        ("x in (1, 2)", FieldType.LONG),
        ("x == null", FieldType.KEYWORD),
        ("x + 1 == 2", FieldType.LONG),
        ("x * 1.5 == 3", FieldType.DOUBLE),
        ("length(x) == 2", FieldType.KEYWORD),
        ('cidrMatch(x, "10.0.0.0/8")', FieldType.IP),
    ],
)
def test_a_field_that_no_schema_knows_is_typed_by_its_use(condition: str, kind: FieldType) -> None:
    query = lower_text(f"any where {condition}", type_of=TYPES.get, suggest=lambda path: f"not {path}")
    assert isinstance(query.pattern, EventPattern)
    assert [found.ref for found in fields_of(query.pattern.predicate)] == [FieldRef("x", kind)]
    (note,) = query.notes
    assert (note.code, note.severity, note.hint) == ("unknown-field", Severity.WARNING, "not x")


def test_optional_fields_are_not_warned_about_and_plain_ones_once() -> None:
    notes = lower_text("any where ?x == 1 and (y == 1 or y == 2)", type_of=TYPES.get).notes
    assert [note.message for note in notes] == ["`y` is not in the event schema"]


def test_text_compared_with_a_number_is_ordered_as_text_with_a_warning() -> None:
    query = lower_text("any where name > 1", type_of=TYPES.get)
    assert query.pattern == EventPattern(IsTrue(Compare(Order.GT, NAME, keyword("1"))))
    assert [note.code for note in query.notes] == ["text-order"]


def test_the_category_is_compared_exactly_and_any_asks_nothing() -> None:
    category = IsTrue(equal(field("event.category"), "process"))
    assert lower_text("process where true", type_of=TYPES.get).pattern == EventPattern(category)
    assert lower_text("any where true", type_of=TYPES.get).pattern == EventPattern(ALWAYS)
    both = lower_text('"process" where name == "a" and pid == 1', type_of=TYPES.get).pattern
    assert both == EventPattern(And((category, IS_A, IS_ONE)))
    other = lower_text("start where true", type_of=TYPES.get, event_category_field="event.type").pattern
    assert other == EventPattern(IsTrue(equal(field("event.type", FieldType.KEYWORD), "start")))


def test_all_problems_are_reported_together_in_the_order_of_the_text() -> None:
    found = codes('any where pid : "a" and name == parent and length() == 1 and nosuch(name) | head 1 | sort name')
    assert found == ["eql-verification"] * 5


def test_conditions_nested_in_arguments_cannot_blow_a_query_up() -> None:
    condition = "pid == 1"
    for _ in range(20):
        condition = f'string({condition}) == "true"'
    assert "eql-unsupported" in codes(f"any where {condition}")


@pytest.mark.parametrize(
    ("opening", "core", "closing", "levels"),
    [
        ("not (", "pid == 1", ")", 47),
        ("null == (", "pid > 1", ")", 47),
        ("(pid == 1 or pid == 2 and not (", "pid == 1", "))", 19),
        ("concat(", "name", ")", 95),
        ("-", "pid", "", 95),
        ("pid + 1 * (", "pid", ")", 30),
    ],
)
def test_the_deepest_queries_that_parse_are_lowered_and_can_be_hashed_and_shown(
    opening: str, core: str, closing: str, levels: int
) -> None:
    tail = " == 1" if core in ("pid", "name") else ""
    text = f"any where {opening * levels}{core}{closing * levels}{tail}"
    if core == "name":
        text = text.removesuffix(tail) + ' == "a"'
    pattern = lower_text(text, type_of=TYPES.get).pattern
    assert hash(pattern) == hash(lower_text(text, type_of=TYPES.get).pattern)
    assert repr(pattern)


@pytest.mark.parametrize(
    "condition", ['analysed == "a"', 'analysed : "a*"', "length(analysed) > 1", "null != analysed"]
)
def test_analysed_text_without_an_exact_sub_field_is_refused(condition: str) -> None:
    assert codes(f"any where {condition}") == ["eql-verification"]


def test_a_join_key_may_be_analysed_text() -> None:
    query = lower_text("sequence by analysed [any where true] [any where true]", type_of=TYPES.get)
    assert query.notes == ()


def test_a_refused_query_tells_its_warnings_too_in_the_order_of_the_text() -> None:
    with pytest.raises(DogwatchError) as refused:
        lower_text('any where nobody == "x" and length(pid) == 2 and noone == 1', type_of=TYPES.get)
    assert [(each.code, each.severity) for each in refused.value.diagnostics] == [
        ("unknown-field", Severity.WARNING),
        ("eql-verification", Severity.ERROR),
        ("unknown-field", Severity.WARNING),
    ]


def test_two_optional_unknown_fields_are_both_null() -> None:
    assert lowered("?nobody == ?noone") == ALWAYS
    assert lowered("?nobody != ?noone") == NEVER
    assert lowered("?nobody < ?noone") == NEVER
    assert lowered("not ?nobody < ?noone") == NEVER


def test_a_category_that_its_field_cannot_hold_is_refused() -> None:
    with pytest.raises(DogwatchError, match="eql-verification"):
        lower_text("process where true", type_of=TYPES.get, event_category_field="pid")
    number = lower_text('"7" where true', type_of=TYPES.get, event_category_field="pid").pattern
    assert number == EventPattern(IsTrue(equal(PID, 7, FieldType.LONG)))
