"""What an EQL query looks for besides single events, and what limits and orders its results."""

from __future__ import annotations

import pytest

from dogwatch.base.diagnostic import DogwatchError
from dogwatch.base.time import SECOND
from dogwatch.languages.eql import lower_text
from dogwatch.logic.pattern import (
    Absence,
    Clock,
    End,
    JoinKey,
    Limit,
    SamplePattern,
    SequencePattern,
    Stage,
)
from dogwatch.logic.predicate import ALWAYS, NEVER, Compare, Field, IsTrue, Literal, Order
from dogwatch.schema.field import FieldRef, FieldType

TYPES = {
    "name": FieldType.KEYWORD,
    "pid": FieldType.LONG,
    "score": FieldType.DOUBLE,
    "@timestamp": FieldType.DATE,
}
NAME, PID, SCORE = (Field(FieldRef(path, TYPES[path])) for path in ("name", "pid", "score"))
IS_A = IsTrue(Compare(Order.EQ, NAME, Literal("a", FieldType.KEYWORD)))
IS_ONE = IsTrue(Compare(Order.EQ, PID, Literal(1, FieldType.LONG)))


def field(path: str, kind: FieldType) -> Field:
    return Field(FieldRef(path, kind))


def codes(query: str) -> list[str]:
    with pytest.raises(DogwatchError) as caught:
        lower_text(query, type_of=TYPES.get)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


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
    until = Stage(NEVER, (JoinKey(NAME), JoinKey(SCORE)))
    assert query.pattern == SequencePattern((first, first, second), 300 * SECOND, until)
    assert query.notes == ()


def test_a_sequence_without_keys_or_limit() -> None:
    pattern = lower_text("sequence [any where true] [any where true]", type_of=TYPES.get).pattern
    assert pattern == SequencePattern((Stage(ALWAYS), Stage(ALWAYS)))


def test_events_that_must_not_occur_stand_between_the_stages() -> None:
    query = lower_text(
        "sequence by name with maxspan=5m\n"
        "  ![any where pid == 1] with runs=2\n"
        '  [any where name == "a"] with runs=2\n'
        "  ![any where true]\n"
        "  [any where pid == 1]\n"
        "  ![any where false]\n"
        "until [any where true]",
        type_of=TYPES.get,
    )
    one, a, true, false = (Stage(predicate, (JoinKey(NAME),)) for predicate in (IS_ONE, IS_A, ALWAYS, NEVER))
    assert query.pattern == SequencePattern(
        (a, a, one), 300 * SECOND, true, (Absence(one, 0, 2), Absence(true, 2), Absence(false, 3))
    )


def test_one_event_beside_one_that_must_not_occur() -> None:
    pattern = lower_text("sequence with maxspan=1s [any where true] ![any where true]", type_of=TYPES.get).pattern
    assert pattern == SequencePattern((Stage(ALWAYS),), SECOND, None, (Absence(Stage(ALWAYS), 1),))


def test_a_sample_joins_its_filters() -> None:
    query = lower_text("sample by name [any where pid == 1] by ?x [any where true] by score", type_of=TYPES.get)
    keys = (JoinKey(NAME), JoinKey(field("x", FieldType.DOUBLE), optional=True))
    assert query.pattern == SamplePattern((Stage(IS_ONE, keys), Stage(ALWAYS, (JoinKey(NAME), JoinKey(SCORE)))))
    assert codes("sample [any where true] by name [any where true] by name, pid") == ["eql-verification"]
    assert codes("sample [any where true] by name [any where true] by pid") == ["eql-verification"]


@pytest.mark.parametrize(
    ("pipes", "limits"),
    [
        ("", ()),
        ("| head 5", (Limit(End.HEAD, 5),)),
        ("| tail 0", (Limit(End.TAIL, 0),)),
        ("| head 1 + 2 | tail 2 | head 007", (Limit(End.HEAD, 3), Limit(End.TAIL, 2), Limit(End.HEAD, 7))),
        ("| head 2147483647", (Limit(End.HEAD, 2**31 - 1),)),
    ],
)
def test_pipes_limit_the_results_one_after_the_other(pipes: str, limits: tuple[Limit, ...]) -> None:
    for query in ("any where true", "sequence [any where true] [any where true]"):
        assert lower_text(f"{query} {pipes}", type_of=TYPES.get).limits == limits


@pytest.mark.parametrize(
    "argument", ["-1", "2147483648", "99999999999999999999", "1.0", '"1"', "null", "pid", "1, 2"]
)
def test_what_no_pipe_takes(argument: str) -> None:
    assert codes(f"any where true | head {argument}") == ["eql-verification"]


@pytest.mark.parametrize(
    ("options", "clock"),
    [
        ({}, Clock()),
        ({"timestamp_field": "@timestamp"}, Clock()),
        ({"timestamp_field": "unknown"}, Clock(FieldRef("unknown", FieldType.DATE))),
        ({"tiebreaker_field": "pid"}, Clock(None, PID.ref)),
        ({"tiebreaker_field": "@timestamp"}, Clock(None, FieldRef("@timestamp", FieldType.DATE))),
        ({"tiebreaker_field": "unknown"}, Clock(None, FieldRef("unknown", FieldType.LONG))),
    ],
)
def test_clocks(options: dict[str, str], clock: Clock) -> None:
    found = lower_text(
        "any where true",
        type_of=TYPES.get,
        timestamp_field=options.get("timestamp_field", "@timestamp"),
        tiebreaker_field=options.get("tiebreaker_field"),
    )
    assert (found.clock, found.notes) == (clock, ())


def test_what_cannot_order_events() -> None:
    with pytest.raises(DogwatchError, match="eql-verification"):
        lower_text("any where true", type_of=TYPES.get, timestamp_field="name")
    found = lower_text("any where true", type_of=TYPES.get, tiebreaker_field="name")
    assert found.clock == Clock()
    assert [note.code for note in found.notes] == ["tiebreaker-not-applied"]
