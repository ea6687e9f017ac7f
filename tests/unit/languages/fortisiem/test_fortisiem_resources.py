"""What filters and aggregates refer to: groups, watch lists, tables, limits, baselines."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from dogwatch.base.diagnostic import DogwatchError, Severity
from dogwatch.base.text import Fold
from dogwatch.languages.fortisiem.filter import MAX_BRANCHES, MAX_WRITTEN_OUT
from dogwatch.languages.fortisiem.lower import SubpatternText, lower_clause, lower_filter
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.languages.fortisiem.resources import LookupTable
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    Arithmetic,
    Baseline,
    Constraint,
    Number,
    Statistic,
    Threshold,
)
from dogwatch.logic.predicate import (
    Compare,
    Exists,
    Field,
    InNetwork,
    Like,
    Listed,
    Literal,
    Mapped,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Wild,
    WildcardPattern,
)
from dogwatch.schema.field import FieldRef, FieldType

MANY = tuple(f"Member{number}" for number in range(100_000))
ADDRESSES = tuple(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(100_000))


class Files:
    """Resources that count how often a group is asked for."""

    groups: Mapping[str, tuple[str, ...]] = {
        "people": ("Alice", "Adm*", "*"),
        "mixed": ("10.0.0.1", "10.0.0.9/30", "10.1.0.0-10.1.0.3", "host", "10.2.0.9-10.2.0.1", "1-2-3", "a/b"),
        "both": ("x",),
        "many": MANY,
        "addresses": ADDRESSES,
    }
    tables: Mapping[str, LookupTable] = {
        "t": LookupTable(
            "T",
            ("user",),
            ("whole", "half", "any"),
            {("a",): (1, 1, 1), ("b",): (2, 2.5, "x"), ("c",): (None, None, True)},
        )
    }

    def group(self, name: str) -> tuple[str, ...] | None:
        return self.groups.get(name)

    def is_watch_list(self, name: str) -> bool:
        return name in ("listed", "both")

    def table(self, name: str) -> LookupTable | None:
        return self.tables.get(name.lower())

    def thresholds(self, name: str) -> Mapping[tuple[str, ...], int | float] | None:
        return {(): 90, ("h1", "eth0"): 5} if name == "Limit" else None

    def has_profile(self, number: int) -> bool:
        return number == 116


TYPES: dict[str, FieldType] = {}


def predicate(text: str, options: FortisiemOptions = VENDOR) -> Predicate:
    return lower_filter(text, type_of=TYPES.get, resources=Files(), options=options)[0]


def lower(aggregate: str, filter_text: str = 'user = "x"', **options: Any) -> Lowered:
    text = SubpatternText("S", filter_text, ("hostIpAddr", "intfName"), aggregate)
    return lower_clause([text], [], "", 300, type_of=TYPES.get, resources=Files(), **options)


def constraint(aggregate: str) -> Constraint:
    pattern = lower(aggregate).pattern
    assert isinstance(pattern, AggregatePattern)
    return pattern.constraint


def field(name: str, kind: FieldType = FieldType.KEYWORD) -> Field:
    return Field(FieldRef(f"fortisiem.{name}", kind), blank_is_missing=True)


USER, SOURCE = field("user"), field("srcIpAddr", FieldType.IP)
CPU = Aggregate(AggregateFunction.AVG, field("cpuUtil", FieldType.DOUBLE))


def test_the_members_of_a_group_as_texts() -> None:
    assert predicate("user IN (Group@people)") == Or(
        (
            Member(USER, frozenset({"alice"}), Fold.UNICODE),
            Like(USER, (WildcardPattern((Wild.ANY,)), WildcardPattern(("adm", Wild.ANY))), Fold.UNICODE),
        )
    )


def test_the_members_of_a_group_as_addresses() -> None:
    assert predicate("srcIpAddr IN (Group@mixed)") == Or(
        (Member(SOURCE, frozenset({"10.0.0.1"})), InNetwork(SOURCE, ("10.0.0.8/30", "10.1.0.0/30")))
    )


def test_an_attribute_of_no_known_type_is_read_as_the_group_is() -> None:
    assert isinstance(predicate("mine IN (Group@addresses)"), Member)
    answer = predicate("mine IN (Group@mixed, 10.0.0.1)")
    assert isinstance(answer, Or)
    assert {getattr(part, "operand", getattr(part, "left", None)) for part in answer.parts} == {field("mine")}


def test_a_group_that_is_a_watch_list_too() -> None:
    listed = Listed(USER, "both", Fold.UNICODE)
    assert predicate("user IN (Group@both, Group@both)") == Or(
        (Member(USER, frozenset({"x"}), Fold.UNICODE), listed)
    )
    assert predicate("user NOT IN (Group@listed)") == Not(Listed(USER, "listed", Fold.UNICODE))
    assert predicate("user IN (Group@listed)", FortisiemOptions.named(["case"])) == Listed(
        USER, "listed", Fold.NONE
    )


def test_a_subpattern_over_a_watch_list_asks_it_when_the_events_turn_comes() -> None:
    pattern = lower("COUNT(*) >= 1", "user NOT IN (Group@listed)").pattern
    assert isinstance(pattern, AggregatePattern)
    assert pattern.residual == Not(Listed(USER, "listed", Fold.UNICODE))
    assert pattern.predicate == Exists(USER)
    without = lower("COUNT(*) >= 1").pattern
    assert isinstance(without, AggregatePattern)
    assert without.residual is None


def test_large_groups_are_fast_and_shared() -> None:
    started = time.process_time()
    first = predicate("user IN (Group@many)")
    for _ in range(50):
        again = predicate("srcIpAddr IN (Group@addresses) OR user IN (Group@many)")
    assert time.process_time() - started < 10
    assert isinstance(first, Member)
    assert isinstance(again, Or)
    shared = again.parts[1]
    assert isinstance(shared, Member)
    assert len(shared.values) == len(MANY)
    assert shared.values is first.values


def test_unknown_things_are_told_once() -> None:
    groups = "user IN (Group@no, Group@no) OR swParam IN (Group@no)"
    text = f"{groups} OR LookupTableHas(no, user) OR LookupTableHas(NO, user)"
    _, notes = lower_filter(text, type_of=TYPES.get, resources=Files())
    assert [(note.code, note.severity) for note in notes] == [
        ("unknown-group", Severity.WARNING),
        ("unknown-table", Severity.WARNING),
    ]
    with pytest.raises(DogwatchError) as caught:
        predicate(text, FortisiemOptions.named(["groups"]))
    assert [each.code for each in caught.value.diagnostics] == ["unknown-group", "unknown-table"]


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        ("whole", FieldType.LONG, {("a",): 1, ("b",): 2}),
        ("HALF", FieldType.DOUBLE, {("a",): 1.0, ("b",): 2.5}),
        ("any", FieldType.KEYWORD, {("a",): "1", ("b",): "x", ("c",): "true"}),
    ],
)
def test_a_column_is_of_the_type_of_its_values(column: str, kind: FieldType, values: dict[Any, Any]) -> None:
    answer = predicate(f'LookupTableGet("t", user, {column}) = 1')
    assert isinstance(answer, Compare)
    assert answer.left == Mapped((USER,), "T", {"HALF": "half"}.get(column, column), values, kind)
    assert answer.right == Literal("1" if kind is FieldType.KEYWORD else 1, kind)


def test_limits_of_devices() -> None:
    assert constraint("AVG(cpuUtil) > DeviceToCMDBAttr(hostIpAddr, Limit)") == AggregateCompare(
        Order.GT, CPU, Threshold(0, None, "Limit")
    )
    assert constraint('devicetocmdbattr(hostIpAddr, intfName, "Limit") < AVG(cpuUtil)') == AggregateCompare(
        Order.LT, Threshold(0, 1, "Limit"), CPU
    )
    lowered = lower("AVG(cpuUtil) > DeviceToCMDBAttr(hostIpAddr, Other)")
    assert [note.code for note in lowered.notes] == ["unknown-threshold"]
    for wrong in (
        "DeviceToCMDBAttr(5, Limit)",
        "DeviceToCMDBAttr(hostIpAddr, 5)",
    ):
        with pytest.raises(DogwatchError) as caught:
            lower(f"AVG(cpuUtil) > {wrong}")
        assert [each.code for each in caught.value.diagnostics] == ["fortisiem-type"]


def test_baselines() -> None:
    average, deviation = (Baseline(statistic, CPU, 116) for statistic in Statistic)
    compared = "(AVG(cpuUtil)-STAT_AVG(AVG(cpuUtil):116))/stat_stddev(AVG(cpuUtil);116) <= -3"
    assert constraint(f"{compared} AND STAT_STDDEV(AVG(cpuUtil):116) > 0") == AggregateAnd(
        (
            AggregateCompare(Order.LE, Arithmetic("/", Arithmetic("-", CPU, average), deviation), Number(-3)),
            AggregateCompare(Order.GT, deviation, Number(0)),
        )
    )
    lowered = lower("STAT_AVG(COUNT(*):117) > COUNT(*)")
    assert [note.code for note in lowered.notes] == ["unknown-profile"]
    with pytest.raises(DogwatchError) as caught:
        lower("STAT_AVG(COUNT(*):117) > COUNT(*)", options=FortisiemOptions.named(["groups"]))
    assert [each.code for each in caught.value.diagnostics] == ["unknown-profile"]


def test_a_division_by_zero_in_an_aggregate_is_pointed_out() -> None:
    for zero in ("0", "0.0"):
        assert [note.code for note in lower(f"COUNT(*) / {zero} > 1").notes] == ["fortisiem-never-holds"]
    assert lower("COUNT(*) / 1 > 1").notes == ()


def test_a_limit_of_what_the_group_does_not_name_is_the_one_above_it() -> None:
    for limit, threshold, unnamed in (
        ("DeviceToCMDBAttr(user, Limit)", Threshold(None, None, "Limit"), "user"),
        ("DeviceToCMDBAttr(user, intfName, Limit)", Threshold(None, None, "Limit"), "user"),
        ("DeviceToCMDBAttr(hostIpAddr, user, Limit)", Threshold(0, None, "Limit"), "user"),
    ):
        lowered = lower(f"AVG(cpuUtil) > {limit}")
        assert isinstance(lowered.pattern, AggregatePattern)
        assert lowered.pattern.constraint == AggregateCompare(Order.GT, CPU, threshold)
        assert [(note.code, note.hint) for note in lowered.notes] == [
            ("fortisiem-limit", f"add `{unnamed}` to its group-by attributes")
        ]


def test_what_if_stands_for_is_bounded() -> None:
    choice = "IF(user = 'a', {}, 2)"
    nested = "1"
    for _ in range(12):
        nested = choice.format(nested)
    assert isinstance(predicate(f"{nested} = 1"), Or)
    deep = "user = 'a'"
    for _ in range(14):
        deep = f"IF({deep}, 1, 2) = 1"
    with pytest.raises(DogwatchError) as caught:
        predicate(deep)
    assert f"more than {MAX_WRITTEN_OUT:,} comparisons" in caught.value.diagnostics[0].message
    several = " AND ".join([choice.format(1) + " = 1"] * (MAX_BRANCHES + 1))
    with pytest.raises(DogwatchError) as caught:
        predicate(several)
    assert f"more than {MAX_BRANCHES}" in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('SrcIpAddr = "10.0.0.1"', "did you mean `srcIpAddr`?"),
        ('User = "x"', "did you mean `user`?"),
        ('Zzzz = "x"', None),
        ("user = nobody", "put it in double quotes if it is a text"),
        ("user = usr", "did you mean `user`?"),
    ],
)
def test_help_with_names(text: str, hint: str | None) -> None:
    _, notes = lower_filter(text, type_of=TYPES.get)
    assert [(note.code, note.hint) for note in notes] == [("unknown-attribute", hint)]
