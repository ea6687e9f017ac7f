"""FortiSIEM rules and hits of them, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dogwatch.base.time import SECOND, format_instant
from dogwatch.engine.aggregate import AggregateHit
from dogwatch.engine.composite import CompositeHit
from dogwatch.events.batch import NO_TIEBREAK, Event
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateCompare,
    AggregateFunction,
    AggregatePattern,
    CompositePattern,
    Number,
)
from dogwatch.logic.predicate import Constant, Field, Order
from dogwatch.logic.relation import Part, Related, Relation
from dogwatch.rules.fortisiem_model import (
    AttributeMapping,
    ClearCondition,
    IncidentDefinition,
    PatternClause,
    PatternClear,
    QuietClear,
    SubPattern,
)
from dogwatch.rules.model import FortisiemRule, Level
from dogwatch.schema.field import FieldRef, FieldType, Scalar

START = 1_700_000_100 * SECOND
EVENT_TYPE = "PH_RULE_Down"


def mapping(text: str) -> tuple[AttributeMapping, ...]:
    """``attribute = Part.source`` between commas."""
    pairs = [each.split(" = ") for each in text.split(", ")] if text else []
    return tuple(
        AttributeMapping(name, subpattern, inner)
        for name, source in pairs
        for subpattern, _, inner in [source.partition(".")]
    )


def clause(*parts: str) -> PatternClause:
    return PatternClause(300, tuple(SubPattern(name, "", ("hostName", "user")) for name in parts))


def rule(
    *, maps: str = "hostName = Down.hostName, user = Down.user", parts: str = "Down", **more: Any
) -> FortisiemRule:
    """A rule that raises ``PH_RULE_Down``; ``more`` are its other attributes."""
    fields: dict[str, Any] = {
        "instance_id": "instance",
        "rule_id": "PH_Rule_1",
        "version": 1,
        "name": "A rule",
        "description": "d",
        "severity": Level.MEDIUM,
        "incident": IncidentDefinition(EVENT_TYPE, 5, mapping(maps)),
        "clause": clause(*parts.split()),
        **more,
    }
    return FortisiemRule(**fields)


def quiet(seconds: int) -> ClearCondition:
    return ClearCondition(QuietClear(seconds))


def cleared_by(constraint: str, maps: str = "hostName = Up.hostName") -> ClearCondition:
    """A clear condition ``Back`` whose pattern has one part, ``Up``."""
    return ClearCondition(PatternClear("Back", mapping(maps), constraint, clause("Up")))


def aggregate_pattern(name: str = "Down", group_by: Sequence[str] = ("hostName", "user")) -> AggregatePattern:
    fields = tuple(Field(FieldRef(f"fortisiem.{each}", FieldType.KEYWORD)) for each in group_by)
    count = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(1))
    return AggregatePattern(name, Constant(True), fields, count, 300 * SECOND)


def composite_pattern(relation: Relation, first: str, second: str) -> CompositePattern:
    return CompositePattern(
        parts=(aggregate_pattern(first), aggregate_pattern(second)),
        relation=Related(relation, Part(0), Part(1)),
        joins=(),
        window=300 * SECOND,
    )


def event(at: float, **document: Any) -> Event:
    time = START + round(at * SECOND)
    whole = {"@timestamp": format_instant(time), **document}
    return Event(f"e{at}", "logs-x", time, NO_TIEBREAK, round(at * 1000), whole, None, has_own_id=True)


def hit(at: float, *group: Scalar | None, since: float | None = None, **more: Any) -> AggregateHit:
    """A group that came to hold ``at`` seconds after the start, with events from ``since`` on."""
    begin = at if since is None else since
    events = (event(at),) if begin == at else (event(begin), event(at))
    fields: dict[str, Any] = {
        "group": group,
        "time": START + round(at * SECOND),
        "first_time": START + round(begin * SECOND),
        "first": f"{group}{begin}",
        "count": len(events),
        "events": events,
        "aggregates": {},
        "shown": {},
        **more,
    }
    return AggregateHit(**fields)


def composite_hit(*parts: AggregateHit | None, at: float | None = None) -> CompositeHit:
    present = [part for part in parts if part is not None]
    time = max(part.time for part in present) if at is None else START + round(at * SECOND)
    return CompositeHit(time, min(part.first_time for part in present), parts)
