"""Rules that could not match because no event had the fields that they need."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from detection_samples import START, alerts, elastic, fortisiem, found, process, scan_for, scheduled_for
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.time import SECOND
from dogwatch.detect.awareness import BlindRule, blind_rule
from dogwatch.detect.compiled import CompiledRule
from dogwatch.detect.options import ScanOptions
from dogwatch.detect.presence import FieldNotes, FieldPresence
from dogwatch.engine.reference import evaluate
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
    EventPattern,
    JoinKey,
    Number,
    Pattern,
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
    Between,
    Call,
    Compare,
    Exists,
    Field,
    IsTrue,
    Listed,
    Literal,
    Mapped,
    Member,
    Not,
    Or,
    Order,
    Predicate,
    Truth,
)
from dogwatch.logic.relation import Fixed, JoinCompare, Part, PartValue, Related, Relation
from dogwatch.rules.model import Rule
from dogwatch.schema.field import FieldRef, FieldType

sys.path.append(str(Path(__file__).resolve().parents[1] / "engine"))
from predicate_strategies import FIELDS, KEYWORD, OTHER, Sample, batch_of, predicates, samples, values_of

RULE = elastic("any where true")
A, B, C = (FieldRef(path, FieldType.KEYWORD) for path in "abc")
ASKS_A, ASKS_B = Member(Field(A), frozenset("x")), Member(Field(B), frozenset("x"))


def blindness(pattern: Pattern | Predicate, *missing: FieldRef, clock: Clock | None = None) -> Any:
    """The names of the fields that blind a rule, and whether one is enough; ``None`` if it is not blind."""
    whole = pattern if isinstance(pattern, Pattern) else EventPattern(pattern)
    compiled = CompiledRule(RULE, whole, clock=clock or Clock())
    blind = blind_rule(compiled, frozenset(missing))
    return blind and ("".join(map(str, blind.fields)), blind.alone)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (ASKS_A, ("a", True)),
        (IsTrue(ASKS_A), ("a", True)),
        (Exists(Field(A)), ("a", True)),
        # What is absent satisfies a negation where the dialect says so, and no other.
        (Not(IsTrue(ASKS_A)), None),
        (Not(Exists(Field(A))), None),
        (Not(ASKS_A), ("a", True)),
        (Not(Not(IsTrue(ASKS_A))), ("a", True)),
        (And((ASKS_A, ASKS_B)), ("ab", True)),
        (And((ASKS_A, Member(Field(C), frozenset("x")))), ("a", True)),
        (Or((ASKS_A, ASKS_B)), ("ab", False)),
        (Or((ASKS_A, Member(Field(C), frozenset("x")))), None),
        (Or((And((ASKS_A, ASKS_B)), ASKS_B)), ("b", True)),
        (And((Or((ASKS_A, ASKS_B)), Not(IsTrue(ASKS_A)))), ("ab", False)),
        (Compare(Order.LT, Field(A), Field(C)), ("a", True)),
        (Between(Field(A), Literal("a", FieldType.KEYWORD), Literal("b", FieldType.KEYWORD)), ("a", True)),
        # Null spreads through functions, but for those that take it.
        (Truth(Call("starts_with", (Field(C), Field(A)))), ("a", True)),
        (Member(Call("concat", (Field(C), Field(C), Field(A))), frozenset("x")), ("a", True)),
        (Truth(Call("is_null", (Field(A),))), None),
        (Member(Call("substring", (Field(C), Field(A))), frozenset("x")), None),
        (Member(Call("substring", (Field(B), Field(A))), frozenset("x")), ("b", True)),
        (Compare(Order.EQ, Literal(1, FieldType.LONG), Literal(1, FieldType.LONG)), None),
        (And(()), None),
        (ALWAYS, None),
        # A query that nothing can satisfy is not the data's fault.
        (NEVER, None),
        (And((NEVER, ASKS_A)), None),
    ],
)
def test_what_a_predicate_needs(predicate: Predicate, expected: object) -> None:
    assert blindness(predicate, A, B) == expected
    assert blindness(predicate) is None


def test_the_smallest_set_is_named_where_no_field_alone_is_the_cause() -> None:
    either = Or((ASKS_A, ASKS_B))
    assert blindness(And((either, Not(IsTrue(Member(Field(C), frozenset("x")))))), A, B, C) == ("ab", False)


def test_every_stage_that_must_occur_needs_its_fields_and_keys() -> None:
    first, second = Stage(ALWAYS, (JoinKey(Field(A)),)), Stage(ASKS_B, (JoinKey(Field(C)),))
    for pattern in (SequencePattern((first, second)), SamplePattern((first, second))):
        assert blindness(pattern, A) == ("a", True)
        assert blindness(pattern, B) == ("b", True)
        assert blindness(pattern, A, B, C) == ("abc", True)
        assert blindness(pattern) is None


def test_an_optional_key_may_be_missing() -> None:
    stage = Stage(ALWAYS, (JoinKey(Field(A), optional=True),))
    assert blindness(SequencePattern((stage, stage)), A) is None


def test_what_must_not_occur_needs_nothing() -> None:
    wanted, unwanted = Stage(ALWAYS, (JoinKey(Field(B)),)), Stage(ASKS_A, (JoinKey(Field(A)),))
    pattern = SequencePattern((wanted,), maxspan=1, absences=(Absence(unwanted, 1),), until=unwanted)
    assert blindness(pattern, A) is None


def test_a_sequence_needs_its_clock_and_a_sample_does_not() -> None:
    stages = (Stage(ALWAYS, (JoinKey(Field(B)),)),) * 2
    clock = Clock(timestamp=A)
    assert blindness(SequencePattern(stages), A, clock=clock) == ("a", True)
    assert blindness(SequencePattern(stages), A, clock=Clock(tiebreaker=A)) is None
    assert blindness(SamplePattern(stages), A, clock=clock) is None
    assert blindness(EventPattern(ALWAYS), A, clock=clock) is None


def test_a_group_needs_the_values_that_its_constraint_is_about() -> None:
    counted = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(1))
    total = Aggregate(AggregateFunction.SUM, Field(A))
    summed = AggregateCompare(Order.GT, Arithmetic("+", total, Number(1)), Number(1))
    distinct = AggregateCompare(Order.EQ, Aggregate(AggregateFunction.COUNT_DISTINCT, Field(A)), Number(0))
    pattern = AggregatePattern("P", ALWAYS, (Field(B),), counted, 60)
    assert blindness(pattern, A, B) is None
    assert blindness(replace(pattern, keep_null_groups=False), A, B) == ("b", True)
    assert blindness(replace(pattern, predicate=ASKS_A), A, B) == ("a", True)
    assert blindness(replace(pattern, constraint=summed), A, B) == ("a", True)
    assert blindness(replace(pattern, constraint=AggregateAnd((counted, summed))), A) == ("a", True)
    assert blindness(replace(pattern, constraint=AggregateOr((counted, summed))), A) is None
    # Nothing of it is zero of it.
    assert blindness(replace(pattern, constraint=distinct), A) is None


def test_a_group_needs_what_its_events_must_satisfy_in_their_turn() -> None:
    counted = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(1))
    pattern = AggregatePattern("P", ALWAYS, (), counted, 60)
    assert blindness(replace(pattern, residual=Listed(Field(A), "bad")), A) == ("a", True)
    assert blindness(replace(pattern, residual=Not(IsTrue(Listed(Field(A), "bad")))), A) is None


def test_a_limit_or_a_baseline_needs_no_values() -> None:
    total = Aggregate(AggregateFunction.SUM, Field(A))
    for other in (Threshold(0, None, "cpu"), Baseline(Statistic.AVERAGE, total, 1), Text("x")):
        counted = AggregateCompare(Order.GT, Aggregate(AggregateFunction.COUNT), other)
        assert blindness(AggregatePattern("P", ALWAYS, (Field(A),), counted, 60), A) is None


def test_what_is_looked_up_needs_its_keys_unless_shorter_ones_will_do() -> None:
    def asks(*, nested: bool) -> Predicate:
        looked_up = Mapped((Field(A), Field(B)), "t", "c", {}, FieldType.LONG, nested=nested)
        return Compare(Order.EQ, looked_up, Literal(1, FieldType.LONG))

    assert blindness(asks(nested=False), A) == ("a", True)
    assert blindness(asks(nested=False), B) == ("b", True)
    assert blindness(asks(nested=True), A, B) is None


@pytest.mark.parametrize(
    ("relation", "without_a", "without_b"),
    [
        (Relation.AND, ("a", True), ("b", True)),
        (Relation.FOLLOWED_BY, ("a", True), ("b", True)),
        (Relation.OR, None, None),
        (Relation.AND_NOT, ("a", True), None),
        (Relation.NOT_FOLLOWED_BY, ("a", True), None),
    ],
)
def test_related_groups_need_the_sides_that_must_occur(
    relation: Relation, without_a: object, without_b: object
) -> None:
    counted = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(1))
    parts = (
        AggregatePattern("A", ASKS_A, (), counted, 60),
        AggregatePattern("B", ASKS_B, (), counted, 60),
        AggregatePattern("C", ALWAYS, (), counted, 60),
    )
    inner = Related(relation, Part(0), Part(1))
    pattern = CompositePattern(parts, Related(Relation.AND, Part(2), inner), (), 60)
    assert blindness(pattern, A) == without_a
    assert blindness(pattern, B) == without_b
    either = blindness(pattern, A, B)
    assert either == (
        ("ab", False) if relation is Relation.OR else without_a and ("ab"[: 1 + bool(without_b)], True)
    )


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        (Relation.AND, ("a", True)),
        (Relation.OR, None),
        (Relation.AND_NOT, None),
        (Relation.FOLLOWED_BY, ("a", True)),
    ],
)
def test_a_join_needs_its_values_if_both_sides_must_occur(relation: Relation, expected: object) -> None:
    counted = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(1))
    total = Aggregate(AggregateFunction.SUM, Field(A))
    parts = (
        AggregatePattern("A", ALWAYS, (Field(B), Field(A)), counted, 60),
        AggregatePattern("B", ALWAYS, (Field(B),), counted, 60, shown=(("SUM(a)", total),)),
    )
    tree = Related(relation, Part(0), Part(1))
    for join in (
        JoinCompare(Order.EQ, PartValue(0, 1), PartValue(1, 0)),
        JoinCompare(Order.LT, PartValue(0, 0), PartValue(1, "SUM(a)")),
    ):
        assert blindness(CompositePattern(parts, tree, (join,), 60), A) == expected
    fixed = JoinCompare(Order.EQ, PartValue(0, 0), Fixed("x"))
    assert blindness(CompositePattern(parts, tree, (fixed,), 60), A) is None


@given(predicates(), st.lists(samples(), max_size=5))
def test_a_rule_that_matches_an_event_is_never_blind(predicate: Predicate, documents: list[Sample]) -> None:
    notes, presence = FieldNotes(FIELDS), FieldPresence(FIELDS)
    notes.note(batch_of(documents), None)
    presence.merge(notes.taken())
    missing = presence.missing(lambda _: True)
    assert missing == {ref for ref in FIELDS if not any(document[ref] for document in documents)}
    blind = blind_rule(CompiledRule(RULE, EventPattern(predicate)), missing)
    if any(evaluate(predicate, values_of(document)) for document in documents):
        assert blind is None
    if blind is not None:
        # The cause is one: with it alone, whatever else an event has, there is no match.
        assert set(blind.fields) <= missing
        for cause in [{field} for field in blind.fields] if blind.alone else [set(blind.fields)]:
            assert blind_rule(CompiledRule(RULE, EventPattern(predicate)), frozenset(cause)) is not None


@pytest.mark.parametrize("made", [scan_for, scheduled_for])
def test_a_scan_tells_which_rules_were_blind(made: Any) -> None:
    rules = [
        elastic('process where process.parent.name == "x"', rule_id="parent"),
        elastic('process where process.name == "nothing of the kind"', rule_id="quiet"),
        elastic('process where process.name == "nc"', rule_id="found"),
        elastic('process where not process.parent.name == "x" and process.pid == 5', rule_id="pid"),
        elastic("any where ?dll.name != null or ?dll.path != null", rule_id="either"),
        elastic('process where process.parent.name == "x"', rule_id="elsewhere", index=["logs-y"]),
    ]
    scan = made(rules)
    assert len(found(scan, [process("nc"), process("sh", 1)])) == 1
    assert [told(each) for each in scan.report.blind] == [
        ("parent", ["process.parent.name"], True),
        ("pid", ["process.pid"], True),
        ("either", ["dll.name", "dll.path"], False),
    ]


def test_a_rule_sees_its_own_data_streams_only() -> None:
    rules = [
        elastic('process where process.parent.name == "x"', rule_id=name, index=[name]) for name in ("one", "two")
    ]
    parent = process("nc", process__parent__name="y")
    documents = [{"_index": "one", "_source": parent}, {"_index": "two", "_source": process("sh")}]
    scan = scan_for(rules)
    assert not found(scan, documents, index=None)
    assert [told(each)[0] for each in scan.report.blind] == ["two"]
    everywhere = scan_for(rules, ScanOptions(any_index=True))
    assert not found(everywhere, documents, index=None)
    assert not everywhere.report.blind


def test_events_outside_the_stretch_of_time_do_not_count() -> None:
    rule = elastic('process where process.parent.name == "x"')
    documents = [process("a", 0), process("b", 10, process__parent__name="y")]
    scan = scan_for([rule], ScanOptions(end=START + 5 * SECOND))
    assert not found(scan, documents)
    assert [told(each)[1] for each in scan.report.blind] == [["process.parent.name"]]
    whole = scan_for([rule])
    assert not found(whole, documents)
    assert not whole.report.blind


def test_a_derived_attribute_counts_by_its_value() -> None:
    condition = 'eventType = "LINUX_PROCESS_EXEC" AND {} = "x"'
    scan = scan_for([fortisiem(condition.format(name), group_by="hostName") for name in ("procName", "swParam")])
    assert not found(scan, [process("nc")])
    assert [told(each)[1] for each in scan.report.blind] == [["fortisiem.swParam"]]


def test_a_value_that_does_not_fit_is_missing() -> None:
    rule = elastic("process where process.pid > 5")
    scan = scan_for([rule])
    assert not found(scan, [process("nc", process__pid="many")])
    assert [told(each)[1] for each in scan.report.blind] == [["process.pid"]]
    assert alerts(rule, [process("nc", process__pid="6")])


def told(blind: BlindRule) -> tuple[str, list[str], bool]:
    rule: Rule = blind.rule
    return rule.rule_id, [field.path for field in blind.fields], blind.alone


def filed(documents: Sequence[Sample], streams: Sequence[str | None]) -> Any:
    """The documents as a batch, each in its data stream."""
    batch = batch_of(documents, [KEYWORD, OTHER])
    return replace(batch, index=pa.array(streams, pa.string()).dictionary_encode())
