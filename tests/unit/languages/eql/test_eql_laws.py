"""Laws that hold for every event: negation is the complement, and both evaluators agree."""

from __future__ import annotations

from typing import Any

from eql_predicates import TYPES, lowered
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.engine.plan import Plan
from dogwatch.engine.reference.predicate import evaluate
from dogwatch.events.batch import NO_TIEBREAK
from dogwatch.events.columns import Row, make_batch
from dogwatch.events.report import ReadReport
from dogwatch.logic.predicate import Predicate
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import FieldType

LEAVES = (
    *(
        'name == "a"',
        'name : "A*"',
        'name like ("a?", "*b")',
        'name in~ ("A", "b")',
        'name regex "[ab]+"',
        'name < "b"',
    ),
    *("pid > 1", "pid == 1.5", "pid in (1, 2)", "score <= 0.5", "signed", "name == null", "null != pid"),
    *('@timestamp == "2024-05-06"', '@timestamp < "now-1h"', 'cidrMatch(ip, "10.0.0.0/8")', 'ip > "10.0.0.1"'),
    *('version >= "1.2"', 'startsWith~(name, "A")', "stringContains(name, parent)", "length(name) % 2 == 1"),
    *('substring(name, pid) : "A*"', 'substring(name, 0, pid) == "a"', 'indexOf(name, "a", pid) == null'),
    *("number(name, pid) > 0", 'concat(name, parent, pid) regex "(?s).*1"', 'string(@timestamp) != "x"'),
    *(
        "null == (pid > 1)",
        "null == (length(name) > 1)",
        'string(pid > 1) == "true"',
        "between(name, parent, name) != null",
    ),
    *("?nobody == 1", "?nobody != 1", "not ?nobody", "?nobody == ?noone", "null", "true", "name == null or null"),
)

_TEXTS = st.sampled_from(["", "a", "A", "ab", "b\na", "1", "0x1", "é"])
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": _TEXTS,
    "parent": _TEXTS,
    "pid": st.integers(-2, 3) | st.just(10),
    "score": st.sampled_from([0.25, 0.5, 1.0]),
    "signed": st.booleans(),
    "@timestamp": st.sampled_from(["2024-05-06T01:00:00Z", "2024-05-06T12:00:00.5Z", "2024-05-07"]),
    "ip": st.sampled_from(["10.0.0.1", "11.0.0.1", "::1"]),
    "version": st.sampled_from(["1.2.0", "1.10.0", "odd"]),
    "nobody": st.integers(0, 1),
}
_EVENTS = st.fixed_dictionaries(
    {}, optional={path: values | st.lists(values, max_size=3) | st.none() for path, values in _VALUES.items()}
)
_CONDITIONS = st.recursive(
    st.sampled_from(LEAVES).map(lambda leaf: f"({leaf})"),
    lambda inner: st.one_of(
        inner.map(lambda part: f"(not {part})"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} and {parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} or {parts[1]})"),
    ),
    max_leaves=4,
)
_WITHOUT_CONSTANTS = st.sampled_from([leaf for leaf in LEAVES if "null" not in leaf and "nobody" not in leaf])


def answers(predicate: Predicate, events: list[dict[str, Any]]) -> list[bool | None]:
    return [
        evaluate(predicate, lambda ref, event=event: coerce_all([event.get(ref.path)], ref.type)[0])  # type: ignore[misc]
        for event in events
    ]


@settings(max_examples=300, deadline=None)
@given(_CONDITIONS, st.lists(_EVENTS, max_size=5))
def test_a_filter_is_never_unknown_and_both_evaluators_agree(condition: str, events: list[dict[str, Any]]) -> None:
    predicate = lowered(condition)
    found = answers(predicate, events)
    assert None not in found
    plan = Plan([predicate])
    rows = [Row(event, str(number), True, None, None, NO_TIEBREAK) for number, event in enumerate(events)]
    assert plan.evaluate(make_batch(rows, plan.fields, 0, ReadReport()))[0].tolist() == found


@settings(max_examples=200, deadline=None)
@given(_WITHOUT_CONSTANTS, _WITHOUT_CONSTANTS, _EVENTS)
def test_negation_is_the_complement(left: str, right: str, event: dict[str, Any]) -> None:
    def holds(condition: str) -> bool | None:
        return answers(lowered(condition), [event])[0]

    assert holds(f"not ({left})") is not holds(left)
    assert holds(f"not (({left}) and ({right}))") is holds(f"not ({left}) or not ({right})")
    assert holds(f"not (({left}) or ({right}))") is holds(f"not ({left}) and not ({right})")
    assert holds(f"not not ({left})") is holds(left)


def test_the_laws_are_about_every_type_of_the_schema() -> None:
    asked = " ".join(LEAVES)
    assert {kind for path, kind in TYPES.items() if path in asked} >= set(FieldType) - {
        FieldType.TEXT,
        FieldType.OBJECT,
    }
