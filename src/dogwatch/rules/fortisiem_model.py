"""The parts of a FortiSIEM rule: what it looks for, what it raises, and when that clears.

What a part says that is not acted on is kept with it as data.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Place, Steps


@dataclass(frozen=True, slots=True)
class XmlElement:
    """An XML element kept as data; comments are not kept.

    Attributes:
        name: Its name without a namespace.
        attributes: Names and values, as written.
        text: The text before its first child, without white space around it.
        children: The elements in it.
        tail: The text between it and what follows, without white space around it.
    """

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    children: tuple[XmlElement, ...] = ()
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Extra:
    """What an element of a rule says that is not acted on, kept so that it can be written back.

    Attributes:
        attributes: Attributes that are not known.
        elements: Elements that are not known, and repeated ones after the first.
        inside: The same of elements in it that are known, by their names.
    """

    attributes: tuple[tuple[str, str], ...] = ()
    elements: tuple[XmlElement, ...] = ()
    inside: tuple[tuple[str, Extra], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.attributes or self.elements or self.inside)


NOTHING_EXTRA = Extra()


@dataclass(frozen=True, slots=True)
class SubPattern:
    """One named search of a FortiSIEM rule.

    Attributes:
        name: Its name, which the mapping and the global constraint refer to.
        filter: Condition on single events.
        group_by: Attributes whose values make the groups.
        aggregate: Condition on a group.
        display_name: The name for people.
        filter_place: Where the filter's text begins.
        filter_steps: Where that text goes on after each escape or change of line that the file writes otherwise.
        aggregate_place: Where the aggregate's text begins.
        aggregate_steps: The same of that text.
        group_places: Where each attribute of the grouping stands.
        extra: What is not acted on.
    """

    name: str
    filter: str
    group_by: tuple[str, ...] = ()
    aggregate: str = "COUNT(*) >= 1"
    display_name: str = ""
    filter_place: Place | None = None
    filter_steps: Steps = ()
    aggregate_place: Place | None = None
    aggregate_steps: Steps = ()
    group_places: tuple[Place, ...] = ()
    extra: Extra = NOTHING_EXTRA


@dataclass(frozen=True, slots=True)
class Operator:
    """How a subpattern relates to the one before it: ``FOLLOWED_BY`` and others; a lower rank binds first."""

    type: str
    rank: int = 0
    extra: Extra = NOTHING_EXTRA

    def __str__(self) -> str:
        """The operator in words: ``FOLLOWED_BY``, or ``FOLLOWED_BY (rank 1)``."""
        return f"{self.type} (rank {self.rank})" if self.rank else self.type


@dataclass(frozen=True, slots=True)
class AttributeMapping:
    """One attribute of an incident and where its value comes from.

    Attributes:
        attribute: The incident's attribute.
        subpattern: The subpattern that gives the value.
        source: An attribute of it, or an aggregate such as ``COUNT(*)``.
        place: Where the entry begins.
    """

    attribute: str
    subpattern: str
    source: str
    place: Place | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """The entry as a rule writes it: ``count = Failure.COUNT(*)``."""
        return f"{self.attribute} = {self.subpattern}.{self.source}"


def incident_attribute(name: str) -> str:
    """An attribute's name in an incident, which has an event type of its own."""
    return "compEventType" if name == "eventType" else name


@dataclass(frozen=True, slots=True)
class IncidentDefinition:
    """What a FortiSIEM rule raises: the incident's event type, its severity (0-10) and its attributes."""

    event_type: str
    severity: int
    mapping: tuple[AttributeMapping, ...] = ()
    extra: Extra = NOTHING_EXTRA


@dataclass(frozen=True, slots=True)
class PatternClause:
    """What a FortiSIEM rule, or its clear condition, looks for.

    Attributes:
        window: Length of its time window in seconds.
        subpatterns: At least one.
        operators: One fewer than the subpatterns.
        global_constraint: What must hold between attributes of different subpatterns, as written.
        constraint_place: Where that text begins.
        constraint_steps: Where that text goes on after each escape.
        place: Where the clause begins.
        extra: What is not acted on.
    """

    window: int
    subpatterns: tuple[SubPattern, ...]
    operators: tuple[Operator, ...] = ()
    global_constraint: str = ""
    constraint_place: Place | None = None
    constraint_steps: Steps = ()
    place: Place | None = field(default=None, compare=False)
    extra: Extra = NOTHING_EXTRA

    @property
    def relation(self) -> str:
        """The relation of the subpatterns in words: ``A FOLLOWED_BY B``; one's name where there is one only."""
        words = [each.name for each in self.subpatterns[:1]]
        for operator, subpattern in zip(self.operators, self.subpatterns[1:], strict=False):
            words += [str(operator), subpattern.name]
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class QuietClear:
    """An incident clears when its rule has not triggered for a time.

    Attributes:
        quiet: That time in seconds.
    """

    quiet: int


@dataclass(frozen=True, slots=True)
class PatternClear:
    """An incident clears when a pattern occurs whose attributes fit its own.

    Attributes:
        name: The name of what the pattern raises.
        mapping: The attributes of that.
        constraint: What must hold between them and the incident's attributes, as written.
        clause: The pattern.
        constraint_place: Where the constraint's text begins.
        constraint_steps: Where that text goes on after each escape.
        extra: What the definition of the name says that is not acted on.
    """

    name: str
    mapping: tuple[AttributeMapping, ...]
    constraint: str
    clause: PatternClause
    constraint_place: Place | None = None
    constraint_steps: Steps = ()
    extra: Extra = NOTHING_EXTRA


@dataclass(frozen=True, slots=True)
class ClearCondition:
    """When an incident clears by itself.

    Attributes:
        when: The condition.
        method: The word that says who clears it: ``Auto``.
        extra: What is not acted on.
    """

    when: QuietClear | PatternClear
    method: str = "Auto"
    extra: Extra = NOTHING_EXTRA


@dataclass(frozen=True, slots=True)
class WatchListAddition:
    """What a rule adds to watch lists when it triggers.

    Attributes:
        attribute: The incident's attribute whose value is added.
        lists: The lists' names.
        is_kept: Whether the element that says so is kept as data too, where it stood.
    """

    attribute: str
    lists: tuple[str, ...]
    is_kept: bool = False

    def __str__(self) -> str:
        """The addition in words: ``user: Suspects, Watched``."""
        return f"{self.attribute}: {', '.join(self.lists)}"
