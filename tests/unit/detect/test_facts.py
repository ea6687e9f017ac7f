"""What alerts tell of events: found together as found by looking for each field alone."""

from __future__ import annotations

from typing import Any

from detection_samples import START, elastic
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.time import format_instant
from dogwatch.detect.facts import Facts, facts_of, reason
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Event
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.field import FieldType

RULE = elastic("any where true")
TOLD = [
    "process.name",
    "process.parent.name",
    "file.name",
    "source.ip",
    "source.port",
    "destination.ip",
    "destination.port",
    "user.name",
    "host.name",
]
STARTED = format_instant(START)
times = st.sampled_from(
    [STARTED, STARTED.replace("Z", "+00:00"), "2024", "never", START // 10**6, 1.5, 2**70, True]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from(["", "nc", "\ud800", "{0}%s", RULE.instance_id, STARTED])
    | st.dictionaries(st.sampled_from(["id", "index", "rule", "depth"]), st.integers(-1, 2) | st.just("x"))
)
several = st.lists(scalars | st.lists(scalars, max_size=2), max_size=3)
values = scalars | several
ALERT = ["uuid", "rule.uuid", "depth", "ancestors"]


def nested(path: str, value: Any, flat_parts: int) -> dict[str, Any]:
    """A document with one value, the last parts of whose path are one dotted key."""
    parts = path.split(".")
    cut = max(0, len(parts) - flat_parts)
    document: dict[str, Any] = {".".join(parts[cut:]): value}
    for part in reversed(parts[:cut]):
        document = {part: document}
    return document


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {}
    paths = [*TOLD, "event.category", *(f"kibana.alert.{name}" for name in ALERT)]
    for path in draw(st.lists(st.sampled_from(paths), unique=True, max_size=6)):
        document |= nested(path, draw(values), draw(st.integers(1, 4)))
    if draw(st.booleans()):
        document["@timestamp"] = draw(times | st.lists(times, max_size=3))
    return document


def event_of(document: dict[str, Any], number: int = 0, time: int = START) -> Event:
    return Event(f"e{number}", "logs-x", time, NO_TIEBREAK, number, document, None, True)


def plain_values(document: dict[str, Any], path: str) -> list[Any]:
    """Every value under a path: each key is tried as the beginning of what is left of the path."""
    found: list[Any] = []
    for key, value in document.items():
        if key == path:
            found += dissolved(value)
        elif path.startswith(f"{key}."):
            for item in dissolved(value):
                if isinstance(item, dict):
                    found += plain_values(item, path[len(key) + 1 :])
    return found


def dissolved(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [part for item in value for part in dissolved(item)]
    return [] if value is None else [value]


def plain(document: dict[str, Any]) -> Facts:
    """The facts of one document, each field looked for alone."""

    def texts(path: str) -> list[str]:
        found = [value for value in plain_values(document, path) if not isinstance(value, dict)]
        return [str(value).lower() if isinstance(value, bool) else str(value) for value in found]

    found = coerce_all(plain_values(document, "@timestamp"), FieldType.DATE)[0]
    depths = [
        value if type(value) is int and 0 <= value < 2**31 else 0
        for value in plain_values(document, "kibana.alert.depth")
    ]
    ancestors = [each for each in plain_values(document, "kibana.alert.ancestors") if isinstance(each, dict)]
    return Facts(
        time=next((time for time in found if isinstance(time, int)), None),
        is_alert=bool(plain_values(document, "kibana.alert.uuid")),
        depth=depths[0] if depths else 0,
        makers=plain_values(document, "kibana.alert.rule.uuid"),
        ancestors=[
            {
                **each,
                "index": each["index"] if isinstance(each.get("index"), str) else "",
                "depth": each["depth"] if type(each.get("depth")) is int and each["depth"] >= 0 else 0,
            }
            for each in ancestors
            if isinstance(each.get("id"), str)
        ],
        inherited_makers=[each.get("rule") for each in ancestors],
        categories=dict.fromkeys(texts("event.category")),
        told={path: ", ".join(texts(path)) for path in TOLD if texts(path)},
    )


@given(st.lists(documents(), max_size=4), st.sampled_from([START, START + 1, NO_TIME]))
def test_facts_are_what_each_document_says(several: list[dict[str, Any]], time: int) -> None:
    events = [event_of(document, number, time) for number, document in enumerate(several)]
    assert facts_of(events) == [plain(document) for document in several]


@given(documents(), documents())
def test_the_last_event_that_has_a_field_speaks_for_it(first: dict[str, Any], last: dict[str, Any]) -> None:
    one, other = facts_of([event_of(first), event_of(last, 1)])
    both = Facts(categories=one.categories | other.categories, told=one.told | other.told)
    assert reason(RULE, one, other) == reason(RULE, both)
    # What is told of one is the same afterwards.
    assert [one, other] == [plain(first), plain(last)]


def test_an_alert_names_the_rule_that_made_it_among_the_ancestors() -> None:
    alert = {"uuid": "a", "rule": {"uuid": RULE.instance_id}, "depth": 2, "ancestors": [{"id": "e", "rule": "r"}]}
    event = event_of({"kibana": {"alert": alert}})
    (facts,) = facts_of([event])
    assert facts.made_by(RULE)
    assert facts.descent(event) == [
        {"id": "e", "rule": "r", "index": "", "depth": 0},
        {"id": "e0", "index": "logs-x", "type": "signal", "rule": RULE.instance_id, "depth": 2},
    ]
    (other,) = facts_of([event_of({"kibana.alert.ancestors": {"id": "e", "rule": RULE.instance_id}})])
    assert other.made_by(RULE)
    assert not other.is_alert
