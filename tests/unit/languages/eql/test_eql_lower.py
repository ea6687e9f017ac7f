from __future__ import annotations

import pytest

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.text import Fold
from dogwatch.base.time import SECOND, parse_instant
from dogwatch.languages.eql import lower_text
from dogwatch.logic.pattern import EventPattern, JoinKey, SequencePattern, Stage
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    And,
    Call,
    Compare,
    Exists,
    Expression,
    Field,
    InNetwork,
    IsTrue,
    Like,
    Literal,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    Truth,
    Wild,
    WildcardPattern,
    fields_of,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar

TYPES = {
    "event.category": FieldType.KEYWORD,
    "name": FieldType.KEYWORD,
    "parent": FieldType.KEYWORD,
    "message": FieldType.TEXT,
    "pid": FieldType.LONG,
    "score": FieldType.DOUBLE,
    "signed": FieldType.BOOLEAN,
    "@timestamp": FieldType.DATE,
    "ip": FieldType.IP,
    "version": FieldType.VERSION,
}
NAME, PID, SIGNED = (Field(FieldRef(path, TYPES[path])) for path in ("name", "pid", "signed"))
ANY, ONE = Wild.ANY, Wild.ONE


def field(path: str, kind: FieldType | None = None) -> Field:
    return Field(FieldRef(path, kind or TYPES[path]))


def keyword(text: str | None) -> Literal:
    return Literal(text, FieldType.KEYWORD)


def long(number: int | None) -> Literal:
    return Literal(number, FieldType.LONG)


def equal(
    left: Expression, right: Scalar, kind: FieldType = FieldType.KEYWORD, fold: Fold = Fold.NONE
) -> Predicate:
    return Compare(Order.EQ, left, Literal(right, kind), fold)


def like(left: Expression, fold: Fold, *patterns: tuple[str | Wild, ...]) -> Predicate:
    return Like(left, tuple(WildcardPattern(pattern) for pattern in patterns), fold)


def lowered(condition: str) -> Predicate:
    pattern = lower_text(f"any where {condition}", type_of=TYPES.get).pattern
    assert isinstance(pattern, EventPattern)
    return pattern.predicate


def codes(query: str) -> list[str]:
    with pytest.raises(DogwatchError) as caught:
        lower_text(query, type_of=TYPES.get)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


IS_A = IsTrue(equal(NAME, "a"))
IS_ONE = IsTrue(equal(PID, 1, FieldType.LONG))


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
        ('@timestamp == "2024-05-06"', Order.EQ, "2024-05-06T00:00:00Z"),
        ('@timestamp >= "2024-05-06"', Order.GE, "2024-05-06T00:00:00Z"),
        ('@timestamp < "2024-05-06"', Order.LT, "2024-05-06T00:00:00Z"),
        # An upper bound that names a day means its last instant, as in a range query.
        ('@timestamp <= "2024-05-06"', Order.LE, "2024-05-06T23:59:59.999999999Z"),
        ('@timestamp > "2024-05"', Order.GT, "2024-05-31T23:59:59.999999999Z"),
        ('"2024" >= @timestamp', Order.LE, "2024-12-31T23:59:59.999999999Z"),
        ('@timestamp <= "2024-05-06T10:20:30Z"', Order.LE, "2024-05-06T10:20:30Z"),
        ('@timestamp == "2024-01-31||+1M/d"', Order.EQ, "2024-02-29T00:00:00Z"),
        ("@timestamp == 1714953600000", Order.EQ, "2024-05-06T00:00:00Z"),
    ],
)
def test_dates_are_compared_as_instants(condition: str, order: Order, instant: str) -> None:
    literal = Literal(parse_instant(instant), FieldType.DATE)
    assert lowered(condition) == IsTrue(Compare(order, field("@timestamp"), literal))


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
            IsTrue(Regex(Call("substring", (NAME, long(1))), ("a+",), RegexDialect.LUCENE, Fold.UNICODE)),
        ),
    ],
)
def test_regular_expressions(condition: str, predicate: Predicate) -> None:
    assert lowered(condition) == predicate


def _not_null(text: Expression) -> Predicate:
    return IsTrue(like(text, Fold.NONE, (ANY,)))


LENGTH = Call("length", (NAME,))
STARTS = Call("starts_with", (NAME, keyword("a")))
INSIDE = InNetwork(field("ip"), ("10.0.0.0/8",))
ABOVE = Compare(Order.GT, PID, long(-1))


@pytest.mark.parametrize(
    ("condition", "predicate"),
    [
        ("LENGTH(name) > 3", IsTrue(Compare(Order.GT, LENGTH, long(3)))),
        ("3 == length(name)", IsTrue(equal(LENGTH, 3, FieldType.LONG))),
        ('startsWith(name, "a")', IsTrue(Truth(STARTS))),
        ('startsWith(name, "a") == true', IsTrue(Truth(STARTS))),
        ('not startsWith(name, "a")', Not(IsTrue(Truth(STARTS)))),
        ('startsWith(name, "a") == false', IsTrue(equal(STARTS, False, FieldType.BOOLEAN))),
        ('endsWith~(name, "A")', IsTrue(Truth(Call("ends_with", (NAME, keyword("A")), Fold.UNICODE)))),
        ("stringContains(name, parent)", IsTrue(Truth(Call("string_contains", (NAME, field("parent")))))),
        ("pid + 1 == 83", IsTrue(equal(Call("add", (PID, long(1))), 83, FieldType.LONG))),
        ("83 - pid == 1", IsTrue(equal(Call("subtract", (long(83), PID)), 1, FieldType.LONG))),
        ("add(pid, 1) == 83", lowered("pid + 1 == 83")),
        ("-pid == 1", IsTrue(equal(Call("negate", (PID,)), 1, FieldType.LONG))),
        (
            'pid == number("0x10", null)',
            IsTrue(Compare(Order.EQ, PID, Call("number", (keyword("0x10"), long(None))))),
        ),
        ('cidrMatch(ip, "10.6.48.157/8")', IsTrue(INSIDE)),
        ('cidrMatch(ip, "10.1.2.3", "fe80::1/64")', IsTrue(InNetwork(field("ip"), ("10.1.2.3/32", "fe80::/64")))),
        (
            'cidrMatch("10.0.0.1", "10.0.0.0/8")',
            IsTrue(InNetwork(Literal("10.0.0.1", FieldType.IP), ("10.0.0.0/8",))),
        ),
        ('cidrMatch(ip, "10.0.0.0/8", null)', NEVER),
        ('true == cidrMatch(ip, "10.0.0.0/8")', IsTrue(INSIDE)),
        ('cidrMatch(ip, "10.0.0.0/8") == false', IsTrue(Not(INSIDE))),
        # A null among the required arguments is null at once; an optional one is the function's business.
        ('concat(name, null) == "a"', NEVER),
        ("concat(name, null) == null", ALWAYS),
        (
            'substring(name, null) == "a"',
            IsTrue(equal(Call("substring", (NAME, long(None))), "a")),
        ),
        (
            'indexOf(name, "a", null) == 1',
            IsTrue(equal(Call("index_of", (NAME, keyword("a"), long(None))), 1, FieldType.LONG)),
        ),
        # Whether a computed value is null.
        ("length(name) != null", _not_null(Call("string", (LENGTH,)))),
        ("concat(name, pid) == null", Not(_not_null(Call("concat", (NAME, PID))))),
        ("null == (pid > -1)", Not(IsTrue(Or((ABOVE, Not(ABOVE)))))),
        ("null != (name == null)", ALWAYS),
    ],
)
def test_functions(condition: str, predicate: Predicate) -> None:
    assert lowered(condition) == predicate


def _string(value: bool) -> Call:
    return Call("string", (Literal(value, FieldType.BOOLEAN),))


def test_a_condition_as_an_argument_is_asked_for_each_of_its_answers() -> None:
    leaves = [equal(_string(value), "true", fold=Fold.UNICODE) for value in (True, False)]
    assert lowered('string(pid > -1) : "true"') == Or(
        (
            And((IsTrue(ABOVE), IsTrue(leaves[0]))),
            And((IsTrue(Not(ABOVE)), IsTrue(leaves[1]))),
        )
    )


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("true", True),
        ("null", False),
        ("not null", False),
        ("not false", True),
        ("null and false", False),
        ("not (null and false)", True),
        ("not (null and true)", False),
        ("null or true", True),
        ("not (null or false)", False),
        ("null == null", True),
        ("null != null", False),
        ("1 == null", False),
        ('"a" != null', True),
        ("not (null < 1)", False),
        ("not (1 >= null)", False),
        ("3 == 3.0", True),
        ("3 < 4.5", True),
        ('"Foo" == "foo"', False),
        ('"Foo" < "foo"', True),
        ("true == true", True),
        ("345 in (123, 345)", True),
        ("345 not in (123, 456)", True),
        ("not (null in (1))", False),
        ("7 / 3 == 2", True),
        ("7 / 3.0 > 2.33", True),
        ("1 * 2 + 3 * 4 + 10 / 2 == 2 + 12 + 5", True),
        ("not (1 + null > 0)", False),
        ("?nobody == ?noone", True),
        ("pid == 1 and false", False),
        ("pid == 1 or true", True),
    ],
)
def test_constants_fold_in_three_values(condition: str, answer: bool) -> None:
    assert lowered(condition) == (ALWAYS if answer else NEVER)


def test_a_null_beside_a_field_is_false_and_its_negation_the_complement() -> None:
    assert lowered("pid == 1 or null") == IS_ONE
    assert lowered("not (pid == 1 or null)") == Not(IS_ONE)
    assert lowered("not (pid == 1 and null)") == ALWAYS


def test_an_unknown_optional_field_beside_another_field_is_null() -> None:
    assert lowered("?nobody == name") == Not(Exists(NAME))


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


def test_a_sequence_joins_its_own_keys_before_each_events_and_writes_runs_out() -> None:
    query = lower_text(
        "sequence by name with maxspan=5m\n"
        '  [any where name == "a"] by pid with runs=2\n'
        "  [any where pid == 1] by ?x\n"
        "until [any where false] by score",
        type_of=TYPES.get,
    )
    first = Stage(IS_A, (JoinKey(NAME), JoinKey(PID)))
    second = Stage(IS_ONE, (JoinKey(NAME), JoinKey(field("x", FieldType.LONG), optional=True)))
    until = Stage(NEVER, (JoinKey(NAME), JoinKey(field("score"))))
    assert query.pattern == SequencePattern((first, first, second), 300 * SECOND, until)
    assert query.notes == ()


def test_a_sequence_without_keys_or_limit() -> None:
    pattern = lower_text("sequence [any where true] [any where true]", type_of=TYPES.get).pattern
    assert pattern == SequencePattern((Stage(ALWAYS), Stage(ALWAYS)))


def test_all_problems_are_reported_together_in_the_order_of_the_text() -> None:
    found = codes('any where pid : "a" and name == parent and length() == 1 and nosuch(name) | head 1 | sort name')
    assert found == ["eql-verification"] * 4 + ["eql-unsupported", "eql-verification"]


@pytest.mark.parametrize(
    "query",
    [
        "any where true | tail 1",
        "sample by name [any where true] [any where true]",
        "sequence with maxspan=1m [any where true] ![any where true]",
        'any where @timestamp > "now-1d"',
    ],
)
def test_what_is_not_built_yet_says_so(query: str) -> None:
    assert codes(query) == ["eql-unsupported"]


def test_another_timestamp_field_is_not_built_yet() -> None:
    with pytest.raises(DogwatchError, match="eql-unsupported"):
        lower_text("any where true", type_of=TYPES.get, timestamp_field="event.ingested")


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
