"""Clearing by a pattern: when something occurs whose attributes fit an incident's, the incident is over.

The pattern may occur any time after the incident's last trigger. What happens in one instant counts as if the
triggers came first, so that the order in which files are read does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from dogwatch.alerts.model import Incident
from dogwatch.detect.incident_attributes import AttributeReader, Hit, normal_text
from dogwatch.logic.pattern import AggregatePattern, CompositePattern
from dogwatch.rules.fortisiem_model import PatternClear, incident_attribute
from dogwatch.rules.model import FortisiemRule

if TYPE_CHECKING:
    from dogwatch.languages.fortisiem.joins import Join, Side

LIMIT_REMEMBERED = 100_000
"""Different occurrences of a clear pattern that a run remembers for what the ledger holds."""

T = TypeVar("T")
Key = tuple[str, ...]
Attributes = Mapping[str, str]

_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


@dataclass(frozen=True, slots=True)
class _Operand:
    """A side of a comparison: an attribute of the clear pattern or of the incident, or a constant."""

    value: str
    of_clear: bool = False
    fixed: bool = False

    def read(self, clear: Attributes, incident: Attributes) -> str | None:
        return self.value if self.fixed else (clear if self.of_clear else incident).get(self.value)


@dataclass(frozen=True, slots=True)
class _Comparison:
    op: str
    left: _Operand
    right: _Operand

    def holds(self, clear: Attributes, incident: Attributes) -> bool:
        """Whether it holds; a missing attribute compares with nothing."""
        left, right = self.left.read(clear, incident), self.right.read(clear, incident)
        if left is None or right is None:
            return False
        if self.op in ("=", "!="):
            return (left.lower() == right.lower()) == (self.op == "=")
        try:
            return _ORDERS[self.op](float(left), float(right))
        except ValueError:
            return False


class ClearJoins:
    """What must hold between the attributes of a clear pattern and those of an incident that it clears.

    Without a constraint the attributes of one name must be equal. Letter case does not count.

    Args:
        rule: Its incident's attributes are one side.
        when: Its clear condition is the other.

    Raises:
        DogwatchError: The constraint cannot be parsed; ``lower_clear`` tells what else is wrong with one.
    """

    def __init__(self, rule: FortisiemRule, when: PatternClear) -> None:
        from dogwatch.languages.fortisiem.joins import parse_joins

        own = {incident_attribute(each.attribute) for each in rule.incident.mapping}
        theirs = list(dict.fromkeys(incident_attribute(each.attribute) for each in when.mapping))
        comparisons = [_comparison(join, when.name) for join in parse_joins(when.constraint)] or [
            _Comparison("=", _Operand(name, of_clear=True), _Operand(name)) for name in theirs if name in own
        ]
        equal = [each for each in comparisons if _is_key(each)]
        self._rest = tuple(each for each in comparisons if each not in equal)
        pairs = [(each.left, each.right) if each.left.of_clear else (each.right, each.left) for each in equal]
        self._clear_names = tuple(clear.value for clear, _ in pairs)
        self._incident_names = tuple(incident.value for _, incident in pairs)
        self._rest_names = tuple(
            dict.fromkeys(
                side.value
                for each in self._rest
                for side in (each.left, each.right)
                if side.of_clear and not side.fixed
            )
        )

    def clear_key(self, clear: Attributes) -> Key | None:
        """What the incidents have in common that an occurrence of the pattern may clear; ``None``: none."""
        return _key(clear, self._clear_names)

    def incident_key(self, incident: Attributes) -> Key | None:
        """The same of an incident; ``None`` if nothing can clear it, as it lacks an attribute."""
        return _key(incident, self._incident_names)

    def remaining(self, clear: Attributes) -> dict[str, str]:
        """The attributes of an occurrence that are compared beyond its key."""
        return {name: clear[name] for name in self._rest_names if name in clear}

    def hold(self, clear: Attributes, incident: Attributes) -> bool:
        """Whether the comparisons hold that are not part of the key."""
        return all(each.holds(clear, incident) for each in self._rest)


@dataclass(slots=True)
class _Occurred:
    """When a clear pattern occurred with the same attributes."""

    attributes: dict[str, str]
    first: int
    last: int


class ClearMemory:
    """Remembers when a clear pattern occurred: the first and the last time for each set of attributes.

    Attributes:
        forgotten: Occurrences that were not remembered for want of room.
    """

    def __init__(self, joins: ClearJoins, limit: int = LIMIT_REMEMBERED) -> None:
        self.forgotten = 0
        self._joins = joins
        self._limit = limit
        self._count = 0
        self._occurred: dict[Key, dict[Key, _Occurred]] = {}

    def remember(self, clear: Attributes, time: int) -> None:
        """Note an occurrence."""
        key = self._joins.clear_key(clear)
        if key is None:
            return
        remaining = self._joins.remaining(clear)
        alike = self._occurred.setdefault(key, {})
        name = tuple(f"{name}={value}" for name, value in remaining.items())
        known = alike.get(name)
        if known is not None:
            known.first, known.last = min(known.first, time), max(known.last, time)
        elif self._count < self._limit:
            alike[name] = _Occurred(remaining, time, time)
            self._count += 1
        else:
            self.forgotten += 1

    def after(self, incident: Attributes, time: int) -> int | None:
        """When something remembered first cleared an incident that was last triggered at ``time``."""
        key = self._joins.incident_key(incident)
        if key is None:
            return None
        times = [
            each.first if each.first >= time else each.last
            for each in self._occurred.get(key, {}).values()
            if each.last >= time and self._joins.hold(each.attributes, incident)
        ]
        return min(times, default=None)


class ClearIndex(Generic[T]):
    """Active incidents, by what a clear pattern must have in common with them.

    Args:
        joins: What must hold between them and the pattern.
    """

    def __init__(self, joins: ClearJoins) -> None:
        self._joins = joins
        self._alike: dict[Key, dict[str, tuple[Attributes, T]]] = {}

    def add(self, uuid: str, attributes: Attributes, incident: T) -> None:
        """Note an active incident, unless nothing can clear it."""
        key = self._joins.incident_key(attributes)
        if key is not None:
            self._alike.setdefault(key, {})[uuid] = (attributes, incident)

    def remove(self, uuid: str, attributes: Attributes) -> None:
        """Forget an incident that has been cleared."""
        key = self._joins.incident_key(attributes)
        alike = self._alike.get(key, {}) if key is not None else {}
        alike.pop(uuid, None)
        if key is not None and not alike:
            self._alike.pop(key, None)

    def fitting(self, clear: Attributes) -> list[T]:
        """The active incidents that attributes of the clear pattern fit."""
        key = self._joins.clear_key(clear)
        alike = self._alike.get(key, {}) if key is not None else {}
        return [incident for attributes, incident in alike.values() if self._joins.hold(clear, attributes)]


class Clearable(Protocol):
    """What holds the incidents of a rule."""

    rule: FortisiemRule

    def clear(self, attributes: Attributes, time: int) -> list[Incident]:
        """Clear the active incidents that the attributes of a clear pattern fit, and give them."""
        ...


class PatternClearer:
    """Lets the hits of a clear pattern clear a rule's incidents.

    Args:
        incidents: The rule's detector.
        when: The rule's clear condition.
        pattern: That condition's clause, lowered.
    """

    def __init__(
        self, incidents: Clearable, when: PatternClear, pattern: AggregatePattern | CompositePattern
    ) -> None:
        self._incidents = incidents
        self._reader = AttributeReader(when.mapping, pattern)

    def clear(self, hit: Hit) -> list[Incident]:
        """Clear what a hit clears, and give it as it now stands."""
        return self._incidents.clear(self._reader.attributes(hit), hit.time)


def _comparison(join: Join, clear_name: str) -> _Comparison:
    return _Comparison(join.op, _operand(join.left, clear_name), _operand(join.right, clear_name))


def _operand(side: Side, clear_name: str) -> _Operand:
    from dogwatch.languages.fortisiem.joins import Named

    if isinstance(side, Named):
        return _Operand(incident_attribute(side.source), of_clear=side.owner.lower() == clear_name.lower())
    return _Operand(normal_text(side.value), fixed=True)


def _is_key(comparison: _Comparison) -> bool:
    """Whether it equates an attribute of one side with one of the other, so that it can be looked up."""
    left, right = comparison.left, comparison.right
    return comparison.op == "=" and not (left.fixed or right.fixed) and left.of_clear != right.of_clear


def _key(attributes: Attributes, names: tuple[str, ...]) -> Key | None:
    values = [attributes[name].lower() for name in names if name in attributes]
    return tuple(values) if len(values) == len(names) else None
