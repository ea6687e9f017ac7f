import os
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest
from fortisiem_trees import trees
from hypothesis import given

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.text import Fold
from dogwatch.base.time import SECOND
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.languages.fortisiem.ast import Condition
from dogwatch.languages.fortisiem.attributes import suggest_attribute
from dogwatch.languages.fortisiem.lower import SubpatternText, lower_clause
from dogwatch.languages.fortisiem.options import FortisiemOptions, Strictness
from dogwatch.languages.fortisiem.printer import format_condition
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.languages.lowering import Lowered, TypeOf
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateFunction,
    AggregateOr,
    AggregatePattern,
    Arithmetic,
    Constraint,
    Number,
    Text,
)
from dogwatch.logic.predicate import (
    Between,
    Compare,
    Contains,
    Exists,
    Field,
    InNetwork,
    IsTrue,
    Literal,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Regex,
    RegexDialect,
)
from dogwatch.schema.field import FieldRef, FieldType
from dogwatch.schema.fortisiem import attribute_types

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[4] / ".." / "shared"))
COUNT = Aggregate(AggregateFunction.COUNT)


def lower(
    filter_text: str = 'user = "x"',
    group_by: Sequence[str] = (),
    aggregate: str = "COUNT(*) >= 1",
    *strict: Strictness,
    window: int = 300,
    type_of: TypeOf = lambda _: None,
    resources: Resources = NO_RESOURCES,
) -> Lowered:
    text = SubpatternText("Filter", filter_text, tuple(group_by), aggregate)
    options = FortisiemOptions(frozenset(strict))
    return lower_clause([text], [], "", window, type_of=type_of, resources=resources, options=options)


def pattern(lowered: Lowered) -> AggregatePattern:
    assert isinstance(lowered.pattern, AggregatePattern)
    return lowered.pattern


def predicate(filter_text: str, *strict: Strictness, resources: Resources = NO_RESOURCES) -> Predicate:
    return pattern(lower(filter_text, (), "COUNT(*) >= 1", *strict, resources=resources)).predicate


def constraint(aggregate: str) -> Constraint:
    return pattern(lower(aggregate=aggregate)).constraint


def field(name: str, kind: FieldType = FieldType.KEYWORD) -> Field:
    return Field(FieldRef(f"fortisiem.{name}", kind), blank_is_missing=True)


def codes(caught: pytest.ExceptionInfo[DogwatchError]) -> list[str]:
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


USER = field("user")
RECEIVED = field("phRecvTime", FieldType.DATE)
FIRST_USER = Aggregate(AggregateFunction.FIRST, USER)
PORT = field("destIpPort", FieldType.LONG)
SOURCE = field("srcIpAddr", FieldType.IP)
PCT_CHANGE = Aggregate(AggregateFunction.PCTCHANGE, PORT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('user = "ROOT"', Compare(Order.EQ, USER, Literal("root", FieldType.KEYWORD), Fold.UNICODE)),
        ('user != "x"', Not(Compare(Order.EQ, USER, Literal("x", FieldType.KEYWORD), Fold.UNICODE))),
        ('user IN ("A", "a", "b")', Member(USER, frozenset({"a", "b"}), Fold.UNICODE)),
        ("user IS NULL", Not(Exists(USER))),
        ('user CONTAIN "Rt"', Contains(USER, "rt", Fold.UNICODE)),
        ('rawEventMsg CONTAIN "x"', Contains(field("rawEventMsg"), "x", Fold.UNICODE, at_word_start=True)),
        (r'user REGEXP "^R\\."', Regex(USER, (r"^R\\.",), RegexDialect.PERL, Fold.UNICODE)),
        ('destIpPort = "443"', Compare(Order.EQ, PORT, Literal(443, FieldType.LONG))),
        ("destIpPort IN (80, 443)", Member(PORT, frozenset({80, 443}))),
        (
            "destIpPort IN (80, 1.5)",
            Or(
                (
                    Compare(Order.EQ, PORT, Literal(1.5, FieldType.DOUBLE)),
                    Compare(Order.EQ, PORT, Literal(80, FieldType.LONG)),
                )
            ),
        ),
        ("443 >= destIpPort", Compare(Order.LE, PORT, Literal(443, FieldType.LONG))),
        ("srcIpAddr = 10.1.2.3/8", InNetwork(SOURCE, ("10.0.0.0/8",))),
        ('srcIpAddr = "::FFFF:10.0.0.1"', Compare(Order.EQ, SOURCE, Literal("10.0.0.1", FieldType.IP))),
        (
            "srcIpAddr NOT BETWEEN (10.0.0.1, 10.0.0.9)",
            Not(Between(SOURCE, Literal("10.0.0.1", FieldType.IP), Literal("10.0.0.9", FieldType.IP))),
        ),
        (
            "phRecvTime > 2024",
            Compare(Order.GT, field("phRecvTime", FieldType.DATE), Literal(2024 * SECOND // 1000, FieldType.DATE)),
        ),
    ],
)
def test_predicates(text: str, expected: Predicate) -> None:
    assert predicate(text) == expected


def test_strict_case() -> None:
    assert predicate('user = "ROOT"', Strictness.CASE) == Compare(
        Order.EQ, USER, Literal("ROOT", FieldType.KEYWORD)
    )
    assert predicate('user REGEXP "R"', Strictness.CASE) == Regex(USER, ("R",), RegexDialect.PERL)


def test_missing_differs_makes_each_leaf_certain() -> None:
    answer = predicate('user NOT IN ("a")', Strictness.MISSING_DIFFERS)
    assert isinstance(answer, Not)
    assert isinstance(answer.part, IsTrue)
    assert evaluate(answer, lambda _: []) is True
    assert evaluate(predicate('user NOT IN ("a")'), lambda _: []) is None


def test_the_subpattern_as_a_whole() -> None:
    whole = pattern(
        lower('user = "x"', ["hostName", " srcIpAddr", "hostName"], "COUNT(*) >= 1", Strictness.NULL_GROUPS)
    )
    assert whole.name == "Filter"
    assert whole.group_by == (field("hostName"), SOURCE)
    assert whole.window == 300 * SECOND
    assert whole.constraint == AggregateCompare(Order.GE, COUNT, Number(1))
    assert not whole.keep_null_groups
    assert pattern(lower()).keep_null_groups
    assert pattern(lower(aggregate=" ")).constraint == whole.constraint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COUNT (*) > 2", AggregateCompare(Order.GT, COUNT, Number(2))),
        (
            "count(user) != 2",
            AggregateCompare(Order.EQ, Aggregate(AggregateFunction.COUNT, USER), Number(2), True),
        ),
        (
            "COUNT(DISTINCT user) >= 2 OR SUM(destIpPort) < 1.5",
            AggregateOr(
                (
                    AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT_DISTINCT, USER), Number(2)),
                    AggregateCompare(Order.LT, Aggregate(AggregateFunction.SUM, PORT), Number(1.5)),
                )
            ),
        ),
        (
            "NOT COUNT(*) NOT BETWEEN (2, 4)",
            AggregateAnd(
                (
                    AggregateCompare(Order.GE, COUNT, Number(2)),
                    AggregateCompare(Order.LE, COUNT, Number(4)),
                )
            ),
        ),
        ("NOT COUNT(*) NOT IN (2)", AggregateOr((AggregateCompare(Order.EQ, COUNT, Number(2)),))),
        ('COUNT(*) = "5"', AggregateCompare(Order.EQ, COUNT, Number(5))),
        ('FIRST(user) != "Root"', AggregateCompare(Order.EQ, FIRST_USER, Text("Root"), True)),
        ("5 = FIRST(user)", AggregateCompare(Order.EQ, Text("5"), FIRST_USER)),
        (
            "MODE(srcIpAddr) = ::ffff:10.0.0.1",
            AggregateCompare(Order.EQ, Aggregate(AggregateFunction.MODE, SOURCE), Text("10.0.0.1")),
        ),
        (
            "Pctile95(destIpPort) > PCTILE(destIpPort, 50)",
            AggregateCompare(
                Order.GT,
                Aggregate(AggregateFunction.PCTILE, PORT, 95.0),
                Aggregate(AggregateFunction.PCTILE, PORT, 50.0),
            ),
        ),
        (
            'MAX(phRecvTime) > "1970-01-01T00:00:05Z"',
            AggregateCompare(
                Order.GT,
                Arithmetic("/", Aggregate(AggregateFunction.MAX, RECEIVED), Number(1_000_000)),
                Number(5_000),
            ),
        ),
        ("PctChange(destIpPort) < 5", AggregateCompare(Order.LT, PCT_CHANGE, Number(5))),
        (
            "NOT (COUNT(*) > 2 AND NOT COUNT(*) = 5)",
            AggregateOr(
                (
                    AggregateCompare(Order.GT, COUNT, Number(2), True),
                    AggregateCompare(Order.EQ, COUNT, Number(5)),
                )
            ),
        ),
        (
            "COUNT(*) NOT BETWEEN (2, 4)",
            AggregateOr(
                (
                    AggregateCompare(Order.GE, COUNT, Number(2), True),
                    AggregateCompare(Order.LE, COUNT, Number(4), True),
                )
            ),
        ),
        (
            "COUNT(*) NOT IN (2, 4)",
            AggregateAnd(
                (
                    AggregateCompare(Order.EQ, COUNT, Number(2), True),
                    AggregateCompare(Order.EQ, COUNT, Number(4), True),
                )
            ),
        ),
        (
            "MAX(destIpPort) - MIN(destIpPort) > -(COUNT(*))",
            AggregateCompare(
                Order.GT,
                Arithmetic("-", Aggregate(AggregateFunction.MAX, PORT), Aggregate(AggregateFunction.MIN, PORT)),
                Arithmetic("-", Number(0), COUNT),
            ),
        ),
    ],
)
def test_constraints(text: str, expected: Constraint) -> None:
    assert constraint(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("EMA(destIpPort) > 1", "fortisiem-unsupported", "time buckets of a query"),
        ("LEN(user) > 1", "fortisiem-unsupported", "single events"),
        ("MEDAIN(destIpPort) > 1", "fortisiem-unsupported", "there is no aggregate `MEDAIN`"),
        ("SUM(DISTINCT destIpPort) > 1", "fortisiem-unsupported", "SUM"),
        ("AVG(cpuUtil) > DeviceToCMDBAttr(X)", "fortisiem-type", "perhaps a component"),
        ("AVG(cpuUtil) > STAT_AVG(AVG(cpuUtil))", "fortisiem-type", "number of a baseline profile"),
        ("AVG(cpuUtil) > STAT_AVG(NO(cpuUtil):1)", "fortisiem-unsupported", "no aggregate `NO`"),
        ("AVG(cpuUtil) > STAT_AVG(STAT_AVG(AVG(cpuUtil):1):1)", "fortisiem-type", "no aggregate to keep"),
        ("PCTILE(cpuUtil, 0) > 1", "fortisiem-type", "at most 100"),
        ("PCTILE(cpuUtil, 100.5) > 1", "fortisiem-type", "at most 100"),
        ("PCTILE(cpuUtil) > 1", "fortisiem-type", "an attribute and a number"),
        ("Pctile95(cpuUtil, 5) > 1", "fortisiem-type", "one attribute"),
        ("SUM(phRecvTime) > 1", "fortisiem-type", "not computed over dates"),
        ('FIRST(user) > "a"', "fortisiem-type", "> needs numbers"),
        ("FIRST(user) = COUNT(*)", "fortisiem-type", "`FIRST(user)` is a text, and `COUNT(*)` is a number"),
        ("FIRST(user) + 1 > 2", "fortisiem-type", "cannot be calculated with"),
        ("1 = 1", "fortisiem-type", "two constants"),
        ('COUNT(*) CONTAIN "1"', "fortisiem-unsupported", "IN and BETWEEN only"),
        ("cpuUtil > 1", "fortisiem-type", "a value for each event"),
        ('COUNT(*) > "many"', "fortisiem-type", "`COUNT` gives numbers, which `many` is not"),
        ("COUNT(*) IN (Group@X)", "fortisiem-type", "Group@"),
        ("COUNT() > 1", "fortisiem-type", "COUNT takes one attribute"),
        ("COUNT(DISTINCT *) > 1", "fortisiem-type", "COUNT takes one attribute"),
        ("AVG(*) > 1", "fortisiem-type", "AVG takes one attribute"),
        ("COUNT(*) >", "fortisiem-syntax", "the end"),
    ],
)
def test_aggregates_that_cannot_run_say_why(text: str, code: str, part: str) -> None:
    with pytest.raises(DogwatchError) as caught:
        lower(aggregate=text)
    assert codes(caught) == [code]
    diagnostic = caught.value.diagnostics[0]
    assert part in diagnostic.message
    assert diagnostic.source == text


def test_all_problems_of_a_subpattern_are_reported_together() -> None:
    with pytest.raises(DogwatchError) as caught:
        lower("LEN(user, 1) > 1", [], "COUNT(*) >", window=0)
    assert codes(caught) == ["fortisiem-window", "fortisiem-type", "fortisiem-syntax"]


def test_unknown_attributes_are_taken_with_one_warning_each() -> None:
    lowered = lower("procNane = 5 AND (procNane > 5 OR mine BETWEEN (1, 2))", ["procNane"])
    assert [(note.code, note.severity, note.hint) for note in lowered.notes] == [
        ("unknown-attribute", Severity.WARNING, "did you mean `procName`?"),
        ("unknown-attribute", Severity.WARNING, None),
    ]
    assert Compare(Order.EQ, field("procNane"), Literal("5", FieldType.KEYWORD), Fold.UNICODE) in getattr(
        pattern(lowered).predicate, "parts", ()
    )


def test_types_of_the_schema_come_first() -> None:
    lowered = lower("user = 5", type_of={"fortisiem.user": FieldType.LONG}.get)
    assert pattern(lowered).predicate == Compare(
        Order.EQ, field("user", FieldType.LONG), Literal(5, FieldType.LONG)
    )


def test_a_sum_over_texts_is_pointed_out() -> None:
    lowered = lower(aggregate="SUM(procId) > 1")
    assert [note.code for note in lowered.notes] == ["fortisiem-type"]


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ('user = "a" AND user = "b" OR user = "c"', 1),
        ('NOT (user = "a" OR user = "b" AND user = "c")', 1),
        ('(user = "a" AND user = "b") OR user = "c"', 0),
        ('user = "a" AND (user = "b" OR user = "c")', 0),
        ('user = "a" AND user = "b"', 0),
    ],
)
def test_mixed_and_and_or_without_brackets_is_pointed_out(text: str, warned: int) -> None:
    assert [note.code for note in lower(text).notes] == ["fortisiem-precedence"] * warned


def test_attribute_types_and_suggestions() -> None:
    assert attribute_types()["phRecvTime"] is FieldType.DATE
    assert attribute_types()["totBytes64"] is FieldType.LONG
    assert attribute_types()["cpuUtil"] is FieldType.DOUBLE
    for name in ("SRCIPADDR", "srcIp", "SourceIP", "source_ip", "Source IP"):
        assert suggest_attribute(name) == "srcIpAddr", name
    assert suggest_attribute("customAttr") is None
    assert suggest_attribute("zzzzzzzzzzz") is None
    assert suggest_attribute("x" * 1_000_000) is None


def test_the_rule_files_lower() -> None:
    folder = SHARED / "conformance" / "fortisiem" / "xml"
    if not folder.exists():
        pytest.skip(f"the conformance data is not here: {folder}")
    count = 0
    for path in sorted(folder.glob("*.xml")):
        # The files are our own data, not an attacker's.
        for subpattern in ET.parse(path).getroot().iter("SubPattern"):  # noqa: S314
            filter_text = subpattern.findtext("SingleEvtConstr", "")
            group_by = subpattern.findtext("GroupByAttr", "").split(",")
            aggregate = subpattern.findtext("GroupEvtConstr", "")
            count += 1
            lowered = lower(filter_text, group_by, aggregate)
            assert len(pattern(lowered).group_by) == len(group_by)
            warned = {note.code for note in lowered.notes}
            assert ("unknown-group" in warned) is ("Group@" in filter_text), path
    assert count > 10


@given(trees(over_groups=False))
def test_every_filter_lowers_or_is_refused_with_diagnostics(tree: Condition) -> None:
    try:
        lowered = lower(format_condition(tree))
    except DogwatchError as error:
        problems = {each.code for each in error.diagnostics if each.severity is Severity.ERROR}
    else:
        problems = set()
        assert pattern(lowered).window == 300 * SECOND
    assert problems <= {"fortisiem-type", "fortisiem-unsupported"}


@given(trees(over_groups=True))
def test_every_aggregate_lowers_or_is_refused_with_diagnostics(tree: Condition) -> None:
    try:
        lowered = lower(aggregate=format_condition(tree))
    except DogwatchError as error:
        problems = {each.code for each in error.diagnostics if each.severity is Severity.ERROR}
    else:
        problems = set()
        assert pattern(lowered).window == 300 * SECOND
    assert problems <= {"fortisiem-type", "fortisiem-unsupported"}


def test_hopelessly_many_problems_stop_early() -> None:
    started = time.process_time()
    with pytest.raises(DogwatchError) as caught:
        lower(" AND ".join(["LNE(user) = 1"] * 2_500))
    assert codes(caught) == ["fortisiem-unsupported"] * 20
    assert len(lower(" OR ".join(f"q{i} = 1" for i in range(4_900))).notes) == 4_900
    assert time.process_time() - started < 15
