"""A pattern as text: each part of the form, exactly as a person reads it."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.text import Fold
from dogwatch.languages import eql
from dogwatch.languages.fortisiem.lower import SubpatternText, lower_clause
from dogwatch.languages.kql.lower import lower_text as lower_kql
from dogwatch.logic.pattern import (
    Absence,
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateFunction,
    AggregateOr,
    AggregatePattern,
    Arithmetic,
    Baseline,
    Clock,
    CompositePattern,
    End,
    EventPattern,
    JoinKey,
    Limit,
    Number,
    SamplePattern,
    SequencePattern,
    Stage,
    Statistic,
    Text,
    Threshold,
)
from dogwatch.logic.predicate import (
    ALWAYS,
    NEVER,
    And,
    AnyWord,
    Between,
    Call,
    Compare,
    Constant,
    Contains,
    Exists,
    Field,
    InNetwork,
    IsTrue,
    Like,
    Listed,
    Literal,
    Mapped,
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
    Within,
    Words,
)
from dogwatch.logic.printer import describe
from dogwatch.logic.relation import Fixed, JoinCompare, Part, PartValue, Related, Relation
from dogwatch.schema.field import FieldRef, FieldType
from dogwatch.schema.schema import Schema

NAME = Field(FieldRef("name", FieldType.KEYWORD))
PID = Field(FieldRef("pid", FieldType.LONG))
WHEN = Field(FieldRef("when", FieldType.DATE))
TEXT = Field(FieldRef("message", FieldType.TEXT))
KEY = Field(FieldRef("host.id", FieldType.KEYWORD))
BASH = Compare(Order.EQ, NAME, Literal("bash", FieldType.KEYWORD))
SECOND = 1_000_000_000
NOTE = "(or unknown): can be neither true nor false where a field is absent, and then so is `not` of it"


def text_of(predicate: Predicate) -> list[str]:
    """The lines of a predicate, without the frame around it."""
    lines = describe(EventPattern(predicate)).split("\n")
    assert lines[0] == "each event"
    body = lines[1 : lines.index("fields")] if "fields" in lines else lines[1:]
    return [line.removeprefix("  ") for line in body]


@pytest.mark.parametrize(
    ("leaf", "line"),
    [
        (BASH, 'name == "bash"'),
        (replace(BASH, fold=Fold.ASCII), 'name == "bash", ignoring ASCII case'),
        (Compare(Order.GE, PID, Literal(1.5, FieldType.DOUBLE)), "pid >= 1.5"),
        (Compare(Order.LT, WHEN, Literal(1_500_000_000, FieldType.DATE)), "when < 1970-01-01T00:00:01.500Z"),
        (Compare(Order.EQ, PID, Literal(None, FieldType.LONG)), "pid == null"),
        (Compare(Order.EQ, Literal(True, FieldType.BOOLEAN), Literal(False, FieldType.BOOLEAN)), "true == false"),
        (Between(PID, Literal(1, FieldType.LONG), Literal(9, FieldType.LONG), True, False), "1 <= pid < 9"),
        (Member(PID, frozenset({30, 4, -2})), "pid in (-2, 4, 30)"),
        (Member(NAME, frozenset({"b", "a"}), Fold.UNICODE), 'name in ("a", "b"), ignoring case'),
        (Member(WHEN, frozenset({0})), "when in 1970-01-01T00:00:00.000Z"),
        (
            Like(NAME, (WildcardPattern(("a*", Wild.ANY, "?\\", Wild.ONE, '"')),)),
            r'name like "a\**\?\\?\""',
        ),
        (Contains(NAME, "x", at_word_start=True), 'name contains "x" where a word begins'),
        (Regex(NAME, ("a.*", "b"), RegexDialect.LUCENE), 'name matches lucene regex ("a.*", "b")'),
        (InNetwork(NAME, ("10.0.0.0/8", "::1/128")), "name in network (10.0.0.0/8, ::1/128)"),
        (Words(TEXT, ("two", "words"), phrase=True), 'message has the phrase "two words"'),
        (Words(TEXT, ("one", "other")), 'message has the word ("one", "other")'),
        (
            Compare(
                Order.GT, Mapped((NAME, PID), "Users", "risk", {}, FieldType.LONG), Literal(3, FieldType.LONG)
            ),
            "Users.risk[name, pid] > 3",
        ),
        (
            Member(Mapped((NAME,), "Assets", "seen", {}, FieldType.DATE, otherwise=0), frozenset({0})),
            "(Assets.seen[name] or else 1970-01-01T00:00:00.000Z) in 1970-01-01T00:00:00.000Z",
        ),
        (Listed(NAME, 'Bad "users"'), r'name on the watch list "Bad \"users\"", ignoring case'),
        (
            Truth(Call("starts_with", (NAME, Literal("x", FieldType.KEYWORD)), Fold.UNICODE)),
            'starts_with(name, "x", ignoring case)',
        ),
    ],
)
def test_leaf(leaf: Compare, line: str) -> None:
    assert text_of(IsTrue(leaf)) == [line]


def test_what_may_be_unknown_is_marked_and_explained() -> None:
    assert text_of(Not(BASH))[0] == 'not name == "bash" (or unknown)'
    assert "neither true nor false" in describe(EventPattern(BASH))
    assert text_of(Exists(NAME)) == ["name exists"]
    assert "unknown" not in describe(EventPattern(IsTrue(BASH)))


def test_blocks() -> None:
    settled = IsTrue(BASH)
    assert text_of(And((settled, Not(Or((settled, Exists(PID)))), Not(Not(settled)), IsTrue(Not(BASH))))) == [
        "all of",
        '  name == "bash"',
        "  none of",
        '    name == "bash"',
        "    pid exists",
        '  not not name == "bash"',
        "  is true",
        '    not name == "bash" (or unknown)',
        NOTE,
    ]
    assert text_of(Not(And((settled, Exists(PID))))) == ["not all of", '  name == "bash"', "  pid exists"]
    assert text_of(Not(Not(Or((settled, Exists(PID))))))[:2] == ["not", "  none of"]
    assert [text_of(each) for each in (ALWAYS, NEVER, Constant(None))] == [["always"], ["never"], ["unknown"]]


def test_predicates_inside_leaves() -> None:
    word = Field(FieldRef("message", FieldType.KEYWORD))
    assert text_of(IsTrue(AnyWord(TEXT, Like(word, (WildcardPattern(("a", Wild.ANY)),))))) == [
        "a word of message satisfies",
        '  the word like "a*"',
    ]
    objects = Field(FieldRef("answers", FieldType.OBJECT))
    assert text_of(IsTrue(Within(objects, IsTrue(BASH)))) == [
        "one of the objects of answers satisfies",
        '  name == "bash"',
    ]


def test_long_lists_take_a_line_for_each_value() -> None:
    values = frozenset(f"value number {number:02}" for number in range(20))
    lines = text_of(IsTrue(Member(NAME, values, Fold.ASCII)))
    assert lines[0] == "name in, ignoring ASCII case"
    assert lines[1:] == [f'  "value number {number:02}"' for number in range(20)]


def test_sequence() -> None:
    stage = Stage(IsTrue(BASH), (JoinKey(KEY), JoinKey(NAME, optional=True)))
    pattern = SequencePattern(
        (stage, Stage(ALWAYS, stage.keys)),
        300 * SECOND,
        Stage(NEVER, stage.keys),
        (Absence(Stage(Exists(PID), stage.keys), 0, 2), Absence(Stage(ALWAYS), 2)),
    )
    clock = Clock(FieldRef("event.ingested", FieldType.DATE), FieldRef("event.sequence", FieldType.LONG))
    assert (
        describe(pattern, [Limit(End.HEAD, 5), Limit(End.TAIL, 1)], clock)
        == """\
sequence within 5m
  no event (2 places) by host.id, name (may be absent)
    pid exists
  1. by host.id, name (may be absent)
    name == "bash"
  2. by host.id, name (may be absent)
    always
  no event
    always
  until by host.id, name (may be absent)
    never
in the order of event.ingested, then event.sequence
keep the first 5
keep the last 1
fields
  event.ingested  date
  event.sequence  long
  host.id         keyword
  name            keyword
  pid             long"""
    )


def test_sample() -> None:
    stage = Stage(IsTrue(BASH), (JoinKey(KEY),))
    assert describe(SamplePattern((stage, stage))).startswith("sample, in any order\n  1. by host.id\n    name ==")


def test_a_tiebreaker_alone_leaves_the_time_as_it_is() -> None:
    clock = Clock(tiebreaker=FieldRef("event.sequence", FieldType.LONG))
    assert "in the order of @timestamp, then event.sequence\n" in describe(EventPattern(ALWAYS), clock=clock)


def test_aggregate() -> None:
    blank = replace(NAME, blank_is_missing=True)
    count = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(3))
    ratio = Arithmetic("/", Aggregate(AggregateFunction.SUM, PID), Number(2.5))
    pattern = AggregatePattern(
        "Filter",
        Compare(Order.EQ, blank, Literal("x", FieldType.KEYWORD)),
        (KEY,),
        AggregateAnd((count, AggregateOr((AggregateCompare(Order.EQ, ratio, Number(1), negated=True),)))),
        300 * SECOND,
        keep_null_groups=False,
    )
    assert (
        describe(pattern)
        == """\
groups Filter within 5m
  by host.id (not of events without a value)
  of events
    name == "x" (or unknown)
  in which
    all of
      COUNT(*) >= 3
      any of
        not (SUM(pid) / 2.5) == 1
(or unknown): can be neither true nor false where a field is absent, and then so is `not` of it
fields
  host.id  keyword
  name     keyword, blank is absent
  pid      long"""
    )


def test_related_groups() -> None:
    count = Aggregate(AggregateFunction.COUNT)
    total = Aggregate(AggregateFunction.SUM, PID)
    high = Aggregate(AggregateFunction.PCTILE, PID, 99.5)
    up, down = (
        AggregatePattern(
            name, Compare(Order.EQ, NAME, Literal(name, FieldType.KEYWORD)), (KEY,), constraint, SECOND
        )
        for name, constraint in (
            ("Up", AggregateCompare(Order.GT, count, Number(1))),
            ("Down", AggregateCompare(Order.EQ, Aggregate(AggregateFunction.LAST, NAME), Text("x"))),
        )
    )
    slow = AggregatePattern(
        "Slow",
        Exists(NAME),
        (KEY, NAME),
        AggregateAnd(
            (
                AggregateCompare(Order.GE, high, Threshold(0, 1, "cpu")),
                AggregateCompare(Order.GE, total, Threshold(0, None, "cpu")),
                AggregateCompare(Order.GE, total, Threshold(None, None, "cpu")),
                AggregateCompare(Order.GT, total, Baseline(Statistic.DEVIATION, total, 116)),
            )
        ),
        SECOND,
        residual=Not(Listed(NAME, "known")),
        shown=(("SUM(pid)", total), ("PCTILE(pid)", high)),
    )
    tree = Related(Relation.AND_NOT, Related(Relation.FOLLOWED_BY, Part(1), Part(0)), Part(2))
    joins = (
        JoinCompare(Order.EQ, PartValue(0, 0), PartValue(1, 0)),
        JoinCompare(Order.EQ, PartValue(2, "SUM(pid)"), Fixed(7), negated=True),
    )
    assert (
        describe(CompositePattern((up, down, slow), tree, joins, 300 * SECOND))
        == """\
groups in relation within 5m
  the first without the second
    the first followed by the second
      Down
      Up
    Slow
  joined where
    Up.host.id == Down.host.id
    not Slow.SUM(pid) == 7
  groups Up
    by host.id (an absent value is one too)
    of events
      name == "Up" (or unknown)
    in which
      COUNT(*) > 1
  groups Down
    by host.id (an absent value is one too)
    of events
      name == "Down" (or unknown)
    in which
      LAST(name) == "x", ignoring case
  groups Slow
    by host.id, name (an absent value is one too)
    of events
      name exists
    and, when its turn has come, each event
      not name on the watch list "known", ignoring case (or unknown)
    in which
      all of
        PCTILE(pid, 99.5) >= limit "cpu" of host.id and name
        SUM(pid) >= limit "cpu" of host.id
        SUM(pid) >= limit "cpu" of all devices
        SUM(pid) > STAT_STDDEV(SUM(pid) in profile 116)
    telling
      SUM(pid)
      PCTILE(pid, 99.5)
(or unknown): can be neither true nor false where a field is absent, and then so is `not` of it
fields
  host.id  keyword
  name     keyword
  pid      long"""
    )


def test_a_field_read_in_two_ways_is_told_apart() -> None:
    as_number = Field(FieldRef("name", FieldType.LONG, null_value=0))
    shown = describe(EventPattern(And((IsTrue(BASH), Exists(as_number)))))
    assert 'name as keyword == "bash"' in shown
    assert "name as long exists" in shown
    assert shown.endswith("  name  keyword\n  name  long, null is 0")
    dated = Field(FieldRef("when", FieldType.DATE, formats=("epoch_second", "yyyy")))
    assert describe(EventPattern(Exists(dated))).endswith("  when  date, formats epoch_second, yyyy")


@given(st.text(max_size=3))
def test_text_of_a_rule_cannot_move_the_cursor_or_leave_its_quotes(text: str) -> None:
    ref = FieldRef(text, FieldType.KEYWORD)
    leaves: tuple[Predicate, ...] = (
        Compare(Order.EQ, Field(ref), Literal(text, FieldType.KEYWORD)),
        Like(Field(ref), (WildcardPattern((text, Wild.ANY)),)),
        Regex(Field(ref), (text,), RegexDialect.JAVA),
        Member(Field(ref), frozenset({text, "other"})),
    )
    shown = describe(EventPattern(And(tuple(IsTrue(leaf) for leaf in leaves))))
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert shown.count("\n") == 7
    (literal,) = re.findall(r'== ("(?:[^"\\]|\\.)*")$', shown, re.MULTILINE)[-1:]
    assert literal


@given(st.permutations(["b", "a", "c", "é", "1"]))
def test_the_same_pattern_gives_the_same_text(values: list[str]) -> None:
    one = describe(EventPattern(IsTrue(Member(NAME, frozenset(values)))))
    assert one == describe(EventPattern(IsTrue(Member(NAME, frozenset(sorted(values))))))


def test_queries_in_each_language() -> None:
    type_of = Schema.ecs().type_of
    lowered = eql.lower_text('process where process.name : ("nc", "n?at*") and process.pid > 1', type_of=type_of)
    assert describe(lowered.pattern).split("\n") == [
        "each event",
        "  all of",
        '    event.category == "process"',
        "    any of",
        '      process.name == "nc", ignoring ASCII case',
        '      process.name like "n?at*", ignoring ASCII case',
        "    process.pid > 1",
        "fields",
        "  event.category  keyword",
        "  process.name    keyword",
        "  process.pid     long",
    ]
    kql = lower_kql("process.name: nc and not process.pid < 5", type_of=type_of)
    assert '    process.name == "nc"\n    not process.pid < 5\n' in describe(kql.pattern)
    text = SubpatternText("F", 'procName = "nc"', ("user",), "COUNT(*) >= 2")
    subpattern = lower_clause([text], [], "", 60, type_of=type_of)
    assert describe(subpattern.pattern).startswith("groups F within 1m\n  by ")
