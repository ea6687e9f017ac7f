import os
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fortisiem_trees import trees
from hypothesis import given

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.text import Fold
from dogwatch.base.time import SECOND
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.languages.fortisiem.ast import Condition
from dogwatch.languages.fortisiem.attributes import attribute_types, suggest_attribute
from dogwatch.languages.fortisiem.lower import lower_subpattern
from dogwatch.languages.fortisiem.printer import format_condition
from dogwatch.languages.lowering import Lowered
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
)
from dogwatch.logic.predicate import (
    And,
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

SHARED = Path(os.environ.get("DOGWATCH_SHARED", Path(__file__).resolve().parents[4] / ".." / "shared"))
COUNT = Aggregate(AggregateFunction.COUNT)


def lower(
    filter_text: str = 'user = "x"', group_by: Sequence[str] = (), aggregate: str = "COUNT(*) >= 1", **options: Any
) -> Lowered:
    return lower_subpattern("Filter", filter_text, group_by, aggregate, 300, type_of=lambda _: None, **options)


def pattern(lowered: Lowered) -> AggregatePattern:
    assert isinstance(lowered.pattern, AggregatePattern)
    return lowered.pattern


def predicate(filter_text: str, **options: Any) -> Predicate:
    return pattern(lower(filter_text, **options)).predicate


def constraint(aggregate: str) -> Constraint:
    return pattern(lower(aggregate=aggregate)).constraint


def field(name: str, kind: FieldType = FieldType.KEYWORD) -> Field:
    return Field(FieldRef(f"fortisiem.{name}", kind), blank_is_missing=True)


def codes(caught: pytest.ExceptionInfo[DogwatchError]) -> list[str]:
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


USER = field("user")
PORT = field("destIpPort", FieldType.LONG)
SOURCE = field("srcIpAddr", FieldType.IP)


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
            Not(
                And(
                    (
                        Compare(Order.GE, SOURCE, Literal("10.0.0.1", FieldType.IP)),
                        Compare(Order.LE, SOURCE, Literal("10.0.0.9", FieldType.IP)),
                    )
                )
            ),
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
    assert predicate('user = "ROOT"', strict_case=True) == Compare(
        Order.EQ, USER, Literal("ROOT", FieldType.KEYWORD)
    )
    assert predicate('user REGEXP "R"', strict_case=True) == Regex(USER, ("R",), RegexDialect.PERL)


def test_missing_differs_makes_each_leaf_certain() -> None:
    answer = predicate('user NOT IN ("a")', missing_differs=True)
    assert isinstance(answer, Not)
    assert isinstance(answer.part, IsTrue)
    assert evaluate(answer, lambda _: []) is True
    assert evaluate(predicate('user NOT IN ("a")'), lambda _: []) is None


def test_the_subpattern_as_a_whole() -> None:
    whole = pattern(lower(group_by=["hostName", " srcIpAddr", "hostName"], strict_null=True))
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
        ("MEDIAN(destIpPort) > 1", "fortisiem-unsupported", "MEDIAN"),
        ("SUM(DISTINCT destIpPort) > 1", "fortisiem-unsupported", "SUM"),
        ("AVG(cpuUtil) > DeviceToCMDBAttr(hostIpAddr, X)", "fortisiem-unsupported", "thresholds of each device"),
        ("AVG(cpuUtil) > STAT_AVG(AVG(cpuUtil):1)", "fortisiem-unsupported", "baseline profile"),
        ('COUNT(*) CONTAIN "1"', "fortisiem-unsupported", "numbers only"),
        ("cpuUtil > 1", "fortisiem-type", "a value for each event"),
        ('COUNT(*) > "1"', "fortisiem-type", "compared with numbers"),
        ("COUNT(*) IN (Group@X)", "fortisiem-type", "groups"),
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
        lower_subpattern("F", "LEN(user) > 1", [], "COUNT(*) >", 0, type_of=lambda _: None)
    assert codes(caught) == ["fortisiem-window", "fortisiem-unsupported", "fortisiem-syntax"]


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
    lowered = lower_subpattern("F", "user = 5", [], "", 60, type_of={"fortisiem.user": FieldType.LONG}.get)
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
    assert suggest_attribute("SRCIPADDR") == "srcIpAddr"
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
            try:
                lowered = lower(filter_text, group_by, aggregate)
            except DogwatchError as error:
                problems = {diagnostic.code for diagnostic in error.diagnostics}
            else:
                problems = set()
                assert len(pattern(lowered).group_by) == len(group_by)
            assert problems == ({"fortisiem-unsupported"} if "Group@" in filter_text else set()), path
    assert count > 10


@given(trees(over_groups=False))
def test_every_filter_lowers_or_is_refused_with_diagnostics(tree: Condition) -> None:
    try:
        lowered = lower(format_condition(tree))
    except DogwatchError as error:
        problems = {diagnostic.code for diagnostic in error.diagnostics}
    else:
        problems = set()
        assert pattern(lowered).window == 300 * SECOND
    assert problems <= {"fortisiem-type", "fortisiem-unsupported"}


@given(trees(over_groups=True))
def test_every_aggregate_lowers_or_is_refused_with_diagnostics(tree: Condition) -> None:
    try:
        lowered = lower(aggregate=format_condition(tree))
    except DogwatchError as error:
        problems = {diagnostic.code for diagnostic in error.diagnostics}
    else:
        problems = set()
        assert pattern(lowered).window == 300 * SECOND
    assert problems <= {"fortisiem-type", "fortisiem-unsupported"}


def test_hopelessly_many_problems_stop_early() -> None:
    started = time.process_time()
    with pytest.raises(DogwatchError) as caught:
        lower(" AND ".join(["LEN(user) = 1"] * 2_500))
    assert codes(caught) == ["fortisiem-unsupported"] * 20
    assert len(lower(" OR ".join(f"q{i} = 1" for i in range(4_900))).notes) == 4_900
    assert time.process_time() - started < 15
