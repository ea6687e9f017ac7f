"""Clauses of several subpatterns: relations, the global constraint, what incidents are shown."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.base.time import SECOND
from dogwatch.languages.fortisiem.ast import Number, Text
from dogwatch.languages.fortisiem.composite import MAX_SUBPATTERNS
from dogwatch.languages.fortisiem.joins import Join, Named, parse_joins
from dogwatch.languages.fortisiem.lower import MAX_WINDOW, SubpatternText, lower_clause
from dogwatch.languages.fortisiem.relation import relation_named, relation_tree
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import Aggregate, AggregateFunction, AggregatePattern, Arithmetic, CompositePattern
from dogwatch.logic.predicate import Order
from dogwatch.logic.relation import (
    Fixed,
    JoinCompare,
    Part,
    PartValue,
    Related,
    Relation,
    RelationTree,
    parts_of,
)

DOWN = SubpatternText("Down", 'eventType = "DOWN"', ("hostName", "srcIpAddr", "procId"), "COUNT(*) >= 1")
UP = SubpatternText("Up", 'eventType = "UP"', ("user", "hostName", "destIpPort"), "COUNT(*) >= 1")
LAST = SubpatternText("Last", 'eventType = "LAST"', ("hostName",), "COUNT(*) >= 1")
ALONE = SubpatternText("Alone", 'eventType = "ALONE"', (), "COUNT(*) >= 1")
COUNT = Aggregate(AggregateFunction.COUNT)
AND, OR, THEN, NEVER_THEN = Relation.AND, Relation.OR, Relation.FOLLOWED_BY, Relation.NOT_FOLLOWED_BY


def lower(
    constraint: str = "Down.hostName = Up.hostName",
    subpatterns: Sequence[SubpatternText] = (DOWN, UP),
    operators: Sequence[tuple[str, int]] = (("FOLLOWED_BY", 0),),
    window: int = 300,
) -> Lowered:
    return lower_clause(subpatterns, operators, constraint, window, type_of=lambda _: None)


def composite(lowered: Lowered) -> CompositePattern:
    assert isinstance(lowered.pattern, CompositePattern)
    return lowered.pattern


def refused(constraint: str) -> list[tuple[str, str, str | None]]:
    with pytest.raises(DogwatchError) as caught:
        lower(constraint)
    for diagnostic in caught.value.diagnostics:
        assert diagnostic.source == constraint
        assert diagnostic.span is not None
    return [(each.code, each.message, each.hint) for each in caught.value.diagnostics]


def test_the_clause_as_a_whole() -> None:
    pattern = composite(lower(operators=[("followed by", 0)]))
    assert [part.name for part in pattern.parts] == ["Down", "Up"]
    assert {part.window for part in pattern.parts} == {pattern.window} == {300 * SECOND}
    assert pattern.relation == Related(THEN, Part(0), Part(1))
    assert pattern.joins == (JoinCompare(Order.EQ, PartValue(0, 0), PartValue(1, 1)),)


@pytest.mark.parametrize(
    ("constraint", "join"),
    [
        ("Up.user = Down.hostName", JoinCompare(Order.EQ, PartValue(1, 0), PartValue(0, 0))),
        ("Up.user != Down.hostName", JoinCompare(Order.EQ, PartValue(1, 0), PartValue(0, 0), negated=True)),
        ("Up.user <= Down.hostName", JoinCompare(Order.LE, PartValue(1, 0), PartValue(0, 0))),
        ('Up.user = "Root"', JoinCompare(Order.EQ, PartValue(1, 0), Fixed("Root"))),
        ("5 < Up.destIpPort", JoinCompare(Order.GT, PartValue(1, 2), Fixed(5))),
        ("Up.destIpPort >= '5'", JoinCompare(Order.GE, PartValue(1, 2), Fixed(5))),
        ("Down.procId = 5", JoinCompare(Order.EQ, PartValue(0, 2), Fixed("5"))),
        ("Down.srcIpAddr = ::ffff:10.0.0.1", JoinCompare(Order.EQ, PartValue(0, 1), Fixed("10.0.0.1"))),
        ("Down.COUNT (*) > 2.5", JoinCompare(Order.GT, PartValue(0, "COUNT (*)"), Fixed(2.5))),
        ("Down.hostName = Down.procId", JoinCompare(Order.EQ, PartValue(0, 0), PartValue(0, 2))),
    ],
)
def test_comparisons(constraint: str, join: JoinCompare) -> None:
    assert composite(lower(constraint)).joins == (join,)


def test_an_aggregate_that_is_compared_is_shown() -> None:
    down = SubpatternText("Down", DOWN.filter, DOWN.group_by, DOWN.aggregate, ("COUNT( * )", "MAX(destIpPort)"))
    pattern = composite(lower("Down.COUNT(*) > Up.count(*) AND Up.count(*) < Down.COUNT(*)", (down, UP)))
    assert [name for name, _ in pattern.parts[0].shown] == ["COUNT( * )", "MAX(destIpPort)"]
    assert pattern.parts[1].shown == (("count(*)", COUNT),)
    assert pattern.joins == (
        JoinCompare(Order.GT, PartValue(0, "COUNT( * )"), PartValue(1, "count(*)")),
        JoinCompare(Order.LT, PartValue(1, "count(*)"), PartValue(0, "COUNT( * )")),
    )


def test_shown_aggregates_are_read_as_constraints_are() -> None:
    shown = ("MAX(destIpPort) - MIN(destIpPort)", "COUNT(DISTINCT user)", "MAX(destIpPort) - MIN(destIpPort)")
    lowered = lower("", [SubpatternText("A", DOWN.filter, (), "COUNT(*) > 1", shown)], [])
    assert isinstance(lowered.pattern, AggregatePattern)
    first, second = lowered.pattern.shown
    assert first[0] == shown[0]
    assert isinstance(first[1], Arithmetic)
    assert isinstance(second[1], Aggregate)
    assert second[1].function is AggregateFunction.COUNT_DISTINCT
    for wrong in ("destIpPort", "COUNT(*) >", "MAXX(x)"):
        with pytest.raises(DogwatchError) as caught:
            lower("", [SubpatternText("A", DOWN.filter, (), "COUNT(*) > 1", (wrong,))], [])
        assert caught.value.diagnostics[0].source == wrong


@pytest.mark.parametrize(
    ("ranks", "tree"),
    [
        ((0, 0), Related(THEN, Related(AND, Part(0), Part(1)), Part(2))),
        ((0, 1), Related(THEN, Related(AND, Part(0), Part(1)), Part(2))),
        ((1, 0), Related(AND, Part(0), Related(THEN, Part(1), Part(2)))),
    ],
)
def test_the_lower_rank_binds_first(ranks: tuple[int, int], tree: RelationTree) -> None:
    assert relation_tree([(AND, ranks[0]), (THEN, ranks[1])]) == tree


@given(st.lists(st.integers(0, 3), max_size=12))
def test_ranks_group_as_merging_the_lowest_first_does(ranks: list[int]) -> None:
    tree = relation_tree([(AND, rank) for rank in ranks])
    sides: list[RelationTree] = [Part(number) for number in range(len(ranks) + 1)]
    waiting = list(ranks)
    while waiting:
        place = waiting.index(min(waiting))
        del waiting[place]
        sides[place : place + 2] = [Related(AND, sides[place], sides[place + 1])]
    assert tree == sides[0]
    assert parts_of(tree) == tuple(range(len(ranks) + 1))


def test_words_of_relations() -> None:
    assert relation_named("not_followed_by") is NEVER_THEN
    assert relation_named(" NOT FOLLOWED-BY ") is NEVER_THEN
    assert relation_named("AND_NOT") is Relation.AND_NOT
    assert relation_named("ANDNOT") is None


def test_operators_that_do_not_fit() -> None:
    for subpatterns, operators, message in (
        ((DOWN, UP), [], "2 subpatterns need 1 operators between them, and 0 are given"),
        ((DOWN,), [("AND", 0)], "1 subpatterns need 0 operators between them, and 1 are given"),
        ((DOWN, UP), [("BEFORE", 0)], "`BEFORE` is no relation between subpatterns"),
    ):
        with pytest.raises(DogwatchError) as caught:
            lower("", subpatterns, operators)
        assert [(each.code, each.message) for each in caught.value.diagnostics] == [
            ("fortisiem-operators", message)
        ]
    assert caught.value.diagnostics[0].hint == "choose from AND, OR, AND_NOT, FOLLOWED_BY, NOT_FOLLOWED_BY"


def test_clauses_that_are_none() -> None:
    many = [SubpatternText(f"s{number}", DOWN.filter) for number in range(MAX_SUBPATTERNS + 1)]
    for subpatterns, code in (
        ((), "fortisiem-unsupported"),
        (many, "fortisiem-unsupported"),
        ((DOWN, DOWN), "fortisiem-subpattern-repeated"),
    ):
        with pytest.raises(DogwatchError) as caught:
            lower("", subpatterns, [("OR", 0)] * (len(subpatterns) - 1))
        errors = [each.code for each in caught.value.diagnostics if each.severity is Severity.ERROR]
        assert errors == [code]
    assert len(composite(lower("", many[:-1], [("OR", 0)] * (MAX_SUBPATTERNS - 1))).parts) == MAX_SUBPATTERNS


@pytest.mark.parametrize(
    ("constraint", "code", "message", "hint"),
    [
        (
            "Down.usr = Up.user",
            "fortisiem-join",
            "Down is not grouped by `usr`",
            "add `usr` to what Down is grouped by",
        ),
        ("Up.User = Down.hostName", "fortisiem-join", "Up is not grouped by `User`", "did you mean `user`?"),
        ("up.user = 5", "fortisiem-join", "there is no subpattern of the name `up`", "did you mean `Up`?"),
        ("Qqq.user = 5", "fortisiem-join", "there is no subpattern of the name `Qqq`", "choose from Down, Up"),
        (
            "hostName = Up.hostName",
            "fortisiem-join",
            "`hostName` is a value of which subpattern?",
            "write Down.hostName, or the name of another subpattern",
        ),
        ("1 = '1'", "fortisiem-join", "this compares two constants", None),
        ("Up.destIpPort = 'x'", "fortisiem-type", "the attribute holds numbers, which `x` is not", None),
        ("Up.MAXX(user) = 5", "fortisiem-unsupported", "there is no aggregate `MAXX`", "did you mean `MAX`?"),
        ("Up.MAX(user > 5", "fortisiem-syntax", "this bracket is never closed", None),
        ("Up.MAX(user +) > 5", "fortisiem-syntax", "expected an attribute, a value or `(`, found `)`", None),
        (
            "Up.user = Down.hostName OR Up.user = 5",
            "fortisiem-unsupported",
            "OR is not supported here: all comparisons must hold",
            "join them with AND, and write a rule for each alternative",
        ),
        (
            "NOT Up.user = Down.hostName",
            "fortisiem-unsupported",
            "NOT is not supported here: all comparisons must hold",
            "join them with AND, and write a rule for each alternative",
        ),
        (
            "Up.user = ",
            "fortisiem-syntax",
            "expected an attribute of a subpattern, found the end",
            "write Subpattern.attribute = OtherSubpattern.attribute",
        ),
        ("Up.user", "fortisiem-syntax", "expected `=`, `!=`, `<` or `>`, found the end", None),
        ("Up.user LIKE 5", "fortisiem-syntax", "expected `=`, `!=`, `<` or `>`, found `LIKE`", None),
        ("Up.user = 5 6", "fortisiem-syntax", "expected AND or the end, found `6`", None),
        ("(Up.user = 5", "fortisiem-syntax", "a bracket is never closed", None),
        ("Up.user = 5)", "fortisiem-syntax", "this bracket was never opened", None),
        ("Up. = 5", "fortisiem-syntax", "the name of an attribute is missing after the point", None),
        ("Up.user = 'x", "fortisiem-syntax", "the quote is never closed", None),
    ],
)
def test_constraints_that_cannot_be(constraint: str, code: str, message: str, hint: str | None) -> None:
    (found,) = refused(constraint)
    assert found[:2] == (code, message)
    assert hint is None or found[2] == hint


def test_a_constraint_needs_several_subpatterns() -> None:
    with pytest.raises(DogwatchError) as caught:
        lower("Down.hostName = 'x'", [DOWN], [])
    assert [each.code for each in caught.value.diagnostics] == ["fortisiem-join"]


@pytest.mark.parametrize(
    ("subpatterns", "operators", "constraint", "unjoined"),
    [
        ((DOWN, UP), (("AND", 0),), "", ["nothing joins Down with Up"]),
        ((DOWN, UP), (("AND", 0),), "Down.hostName = 'x'", ["nothing joins Down with Up"]),
        ((DOWN, UP), (("OR", 0),), "", []),
        ((DOWN, ALONE), (("AND", 0),), "", []),
        (
            (DOWN, UP, LAST),
            (("AND", 0), ("AND_NOT", 0)),
            "Down.hostName = Up.hostName AND Up.hostName = Last.hostName",
            [],
        ),
        (
            (DOWN, UP, LAST),
            (("AND", 0), ("NOT_FOLLOWED_BY", 0)),
            "Down.hostName = Up.hostName",
            ["nothing joins Down and Up with Last"],
        ),
        (
            (DOWN, UP, LAST),
            (("AND", 1), ("FOLLOWED_BY", 0)),
            "Down.hostName = Up.hostName",
            ["nothing joins Up with Last"],
        ),
    ],
)
def test_what_nothing_joins_is_pointed_out(
    subpatterns: Sequence[SubpatternText],
    operators: Sequence[tuple[str, int]],
    constraint: str,
    unjoined: list[str],
) -> None:
    notes = lower(constraint, subpatterns, operators).notes
    assert [note.code for note in notes] == ["fortisiem-no-join"] * len(unjoined)
    assert [note.message.partition(":")[0] for note in notes] == unjoined


def test_windows() -> None:
    for window in (0, -5, MAX_WINDOW + 1):
        with pytest.raises(DogwatchError) as caught:
            lower(window=window)
        assert [each.code for each in caught.value.diagnostics] == ["fortisiem-window"]
    assert [note.code for note in lower(window=MAX_WINDOW).notes] == ["fortisiem-window"]
    assert lower(window=86_400).notes == ()
    assert lower(window=86_401).notes[0].severity is Severity.WARNING


def test_names_and_missing_aggregates_are_pointed_out() -> None:
    lowered = lower("", [SubpatternText("RegExp", DOWN.filter, (), " ")], [])
    assert [(note.code, note.severity) for note in lowered.notes] == [
        ("fortisiem-subpattern-name", Severity.WARNING),
        ("fortisiem-no-aggregate", Severity.NOTICE),
    ]


def test_problems_of_all_texts_are_reported_together_and_once() -> None:
    wrong = SubpatternText("Down", "user > 'a' AND zzz = 1", ("zzz",), "AVG(zzz) > 'a'")
    with pytest.raises(DogwatchError) as caught:
        lower("Down.x = Up.user", (wrong, UP), [("NO", 0)], -1)
    assert [each.code for each in caught.value.diagnostics] == [
        "fortisiem-window",
        "fortisiem-operators",
        "fortisiem-type",
        "fortisiem-type",
        "fortisiem-join",
        "unknown-attribute",
    ]
    unknown = SubpatternText("Down", "zzz = 1", ("zzz", "hostName"), "AVG(zzz) > 1")
    assert [note.code for note in lower(subpatterns=(unknown, UP)).notes] == ["unknown-attribute"]


def test_joins_are_parsed() -> None:
    assert parse_joins("  ") == ()
    joins = parse_joins(
        "((A.x=B-1.COUNT DISTINCT (y)) and (user != 'a \\'b')) AND A.z >= -1.5 AND and_1.x=10.0.0.1"
    )
    assert joins == (
        Join("=", Named("A", "x"), Named("B-1", "COUNT DISTINCT (y)")),
        Join("!=", Named("", "user"), Text("a 'b")),
        Join(">=", Named("A", "z"), Number("-1.5")),
        Join("=", Named("and_1", "x"), Text("10.0.0.1")),
    )


_PIECES = st.sampled_from([*" .=<>()!'\"*", "A.x", "AND", "OR", "5", "A.COUNT(*)"])


@given(st.lists(_PIECES, max_size=20).map("".join))
def test_any_constraint_is_read_or_refused(text: str) -> None:
    problems: tuple[Diagnostic, ...] = ()
    try:
        parse_joins(text)
    except DogwatchError as error:
        problems = error.diagnostics
    assert {each.code for each in problems if each.render()} <= {"fortisiem-syntax", "fortisiem-unsupported"}


_LONG = ("A.x=B.x AND " * 20_000 + "A.x=1", "(" * 200_000, "A.f(" * 60_000, "A.x=1" + ")" * 200_000, "A" * 250_000)


@pytest.mark.parametrize("text", _LONG, ids=lambda text: text[:8])
def test_long_constraints_are_read_in_linear_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(DogwatchError):
        parse_joins(text)
    assert time.process_time() - started < 15
