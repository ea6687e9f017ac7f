"""What a hit says of an incident's attributes, and the forms in which they are compared."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from decimal import Decimal

from dogwatch.engine.aggregate import AggregateHit
from dogwatch.engine.composite import CompositeHit
from dogwatch.logic.pattern import Aggregate, AggregatePattern, CompositePattern
from dogwatch.rules.fortisiem_model import AttributeMapping, incident_attribute
from dogwatch.schema.field import Scalar
from dogwatch.schema.fortisiem import FORTISIEM_PREFIX

Hit = AggregateHit | CompositeHit


class AttributeReader:
    """Reads the mapped attributes of hits.

    Args:
        mapping: ``attribute = SubPattern.source``, in the rule's order.
        pattern: What the hits are of.
    """

    def __init__(self, mapping: Sequence[AttributeMapping], pattern: AggregatePattern | CompositePattern) -> None:
        parts = pattern.parts if isinstance(pattern, CompositePattern) else (pattern,)
        self.names = tuple(dict.fromkeys(incident_attribute(each.attribute) for each in mapping))
        self._reads = tuple(
            (incident_attribute(each.attribute), number, each.source, _group_place(part, each.source))
            for each in mapping
            for number, part in enumerate(parts)
            # A rule of one subpattern can only mean that one.
            if len(parts) == 1 or part.name == each.subpattern
        )

    def attributes(self, hit: Hit) -> dict[str, str]:
        """The attributes that have a value, as texts.

        Of a part that is missing from the hit there are none. An attribute that is mapped from several parts has
        the value of the first that gives one.
        """
        parts = parts_of_hit(hit)
        found: dict[str, str] = {}
        for name, number, source, place in self._reads:
            part = parts[number]
            if part is None or name in found:
                continue
            value = part.group[place] if place is not None else _shown(part, source)
            # FortiSIEM knows no empty values: they are absent.
            if value is not None and value != "":
                found[name] = normal_text(value)
        return found


def parts_of_hit(hit: Hit) -> tuple[AggregateHit | None, ...]:
    """The hits of each part, in the pattern's order."""
    return hit.parts if isinstance(hit, CompositeHit) else (hit,)


def normal_text(value: Scalar) -> str:
    """A value as incidents compare it: addresses canonical, numbers decimal, the rest as it stands.

    Examples:
        >>> normal_text("2001:DB8:0::1"), normal_text(7.0), normal_text(1e-7), normal_text("Nc")
        ('2001:db8::1', '7', '0.0000001', 'Nc')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    text = str(value)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def source_key(source: str) -> str:
    """An aggregate's text without what its author is free in: blanks and letter case."""
    return "".join(source.split()).upper()


def _group_place(part: AggregatePattern, source: str) -> int | None:
    names = [field.ref.path.removeprefix(FORTISIEM_PREFIX) for field in part.group_by]
    return names.index(source) if source in names else None


def _shown(part: AggregateHit, source: str) -> Scalar | None:
    if source in part.shown:
        return part.shown[source]
    wanted = source_key(source)
    # The number of events is known whatever the constraint is about.
    if wanted in ("COUNT(*)", "COUNT(MATCHEDEVENTS)"):
        return part.count
    return _among(part.shown, part.aggregates, wanted)


def _among(
    shown: Mapping[str, Scalar | None], aggregates: Mapping[Aggregate, Scalar | None], wanted: str
) -> Scalar | None:
    for name, value in shown.items():
        if source_key(name) == wanted:
            return value
    for aggregate, value in aggregates.items():
        field = aggregate.field
        inner = "*" if field is None else field.ref.path.removeprefix(FORTISIEM_PREFIX)
        function, _, distinct = aggregate.function.value.partition(" ")
        if aggregate.percent is None and f"{function}({distinct}{inner})".upper() == wanted:
            return value
    return None
