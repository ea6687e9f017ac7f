"""Exceptions of rules: incidents that a rule must not raise, as their attributes say, always or at some times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place
from dogwatch.base.message import quoted
from dogwatch.engine.reference.predicate import ListTest, evaluate
from dogwatch.events.document import field_values
from dogwatch.languages.fortisiem.attributes import attribute_path
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.languages.fortisiem.resources import Resources
from dogwatch.logic.predicate import ALWAYS, Predicate
from dogwatch.rules.loaders.yaml_nodes import YamlList, YamlTable, YamlText, YamlValue, kind_of
from dogwatch.rules.resources.entry import Entry
from dogwatch.rules.resources.period import (
    WEEKDAYS,
    Period,
    Recurring,
    date_of,
    minutes_of,
    weekday_of,
    zone_of,
)
from dogwatch.rules.resources.problems import Problems, Source
from dogwatch.schema.derived import derived_field
from dogwatch.schema.field import FieldRef, FieldType, Scalar

ANY_RULE = "*"
"""Stands for all rules."""

_KEYS = ("rule", "when", "from", "to", "recurring", "comment")
_RECURRING_KEYS = ("days", "start", "end", "timezone", "from", "until")


ALWAYS_ON = Period()
"""No limits."""


@dataclass(frozen=True, slots=True)
class RuleException:
    """Something that a rule must not raise.

    Attributes:
        rule: The rule's id, or ``ANY_RULE``.
        condition: What the incident's attributes must satisfy.
        text: The condition as written; blank if there is none.
        period: When it counts.
        comment: Why, for people.
        place: Where it was read.
    """

    rule: str
    condition: Predicate
    text: str
    period: Period = ALWAYS_ON
    comment: str = ""
    place: Place | None = None

    def is_about(self, rule_id: str) -> bool:
        """Whether it is one of a rule; letter case does not count."""
        return self.rule in (ANY_RULE, rule_id) or self.rule.lower() == rule_id.lower()

    def effective(self, time: int) -> bool:
        """Whether it counts at a time, nanoseconds since 1970 UTC."""
        return self.period.holds(time)

    def holds(self, attributes: Mapping[str, str], time: int, lists: ListTest | None = None) -> bool:
        """Whether it keeps an incident from being raised.

        Args:
            attributes: The incident's attributes, as text.
            time: When it would be raised, nanoseconds since 1970 UTC.
            lists: What is on the watch lists then; without it, what the condition asks of them is unknown.
        """
        if not self.effective(time):
            return False
        document = {attribute_path(name): value for name, value in attributes.items()}

        def values(ref: FieldRef) -> Sequence[Scalar]:
            own = field_values(document, ref)
            derived = derived_field(ref)
            if derived is None:
                return own
            return derived.values(own, [field_values(document, source) for source in derived.inputs])

        return evaluate(self.condition, values, lists) is True


@dataclass(frozen=True, slots=True)
class _Draft:
    """One entry of a file; ``when`` is ``None`` if it is about every incident."""

    rules: list[str]
    when: YamlText | None
    place: Place
    period: Period
    comment: str


class ExceptionReader:
    """Collects exceptions from many files; their conditions are read when all resources are known."""

    def __init__(self) -> None:
        self._read: list[_Draft] = []

    def read(self, node: YamlValue, source: Source) -> None:
        """Take what stands under ``exceptions:``."""
        if not isinstance(node, YamlList):
            source.error("resource-type", f"`exceptions` must be a list, not {kind_of(node)}", node.line)
            return
        for each in node.items:
            if isinstance(each, YamlTable):
                self._exception(each, source)
            else:
                message = f"an exception must be a table, not {kind_of(each)}"
                source.error("resource-type", message, each.line, "write `rule` and `when`")

    def exceptions(
        self, resources: Resources, options: FortisiemOptions, problems: Problems
    ) -> tuple[RuleException, ...]:
        """All exceptions whose conditions can be read."""
        found: list[RuleException] = []
        for each in self._read:
            condition = _condition(each.when, resources, options, problems) if each.when is not None else ALWAYS
            if condition is not None:
                text = "" if each.when is None else each.when.text
                found += (
                    RuleException(rule, condition, text, each.period, each.comment, each.place)
                    for rule in each.rules
                )
        return tuple(found)

    def _exception(self, table: YamlTable, source: Source) -> None:
        entry = Entry(table, "an exception", _KEYS, source)
        rules = [each.text.strip() for each in entry.scalars("rule")]
        when = entry.scalar("when")
        begin, end = entry.instant("from"), entry.instant("to")
        below = entry.table("recurring")
        recurring = None if below is None else _recurring(below, source)
        if not rules:
            entry.missing("rule", f"name a rule by its id, or write {quoted(ANY_RULE)} for all")
        elif when is None and not entry.has_failed() and (begin, end, below) == (None, None, None):
            entry.missing("when", "say which incidents are meant, or at least for how long")
        if begin is not None and end is not None and begin >= end:
            entry.wrong("to", "must be after `from`")
        if entry.has_failed() or (below is not None and recurring is None):
            return
        said = None if when is None or not when.text else when
        place = source.at(table.line if said is None else said.begin.line)
        period = Period(begin, end, recurring)
        self._read.append(_Draft(rules, said, place, period, entry.text("comment") or ""))


def _recurring(table: YamlTable, source: Source) -> Recurring | None:
    entry = Entry(table, "`recurring`", _RECURRING_KEYS, source)
    days: set[int] = set()
    for each in entry.scalars("days"):
        day = weekday_of(each.text.strip())
        if day is None:
            entry.wrong(
                "days", f"names no day of the week: {quoted(each.text)}", f"known are {', '.join(WEEKDAYS)}"
            )
        else:
            days.add(day)
    minutes: dict[str, int] = {}
    for key, otherwise in (("start", "00:00"), ("end", "24:00")):
        text = entry.text(key) or otherwise
        found = minutes_of(text)
        if found is None:
            entry.wrong(key, f"must be a time of day, not {quoted(text)}", "write it as 22:00")
        else:
            minutes[key] = found
    name = entry.text("timezone") or "UTC"
    zone = zone_of(name)
    if zone is None:
        entry.wrong("timezone", f"names no time zone: {quoted(name)}", "write it as Europe/Berlin")
    dates = {}
    for key in ("from", "until"):
        text = entry.text(key) or ""
        dates[key] = date_of(text) if text else None
        if text and dates[key] is None:
            entry.wrong(key, f"must be a day, not {quoted(text)}", "write it as 2026-11-22")
    if dates["from"] and dates["until"] and dates["from"] > dates["until"]:
        entry.wrong("until", "must not be before `from`")
    if entry.has_failed() or zone is None:
        return None
    chosen = frozenset(days or range(len(WEEKDAYS)))
    return Recurring(chosen, minutes["start"], minutes["end"], zone, dates["from"], dates["until"])


def _condition(
    when: YamlText, resources: Resources, options: FortisiemOptions, problems: Problems
) -> Predicate | None:
    # Most runs have no exceptions, and the language takes its time to import.
    from dogwatch.languages.fortisiem.lower import lower_filter

    notes: Iterable[Diagnostic]
    predicate: Predicate | None = None
    try:
        predicate, notes = lower_filter(when.text, type_of=_no_schema, resources=resources, options=options)
    except DogwatchError as error:
        notes = error.diagnostics
    for note in notes:
        problems.add(note.at(when.begin, when.steps))
    return predicate


def _no_schema(path: str) -> FieldType | None:  # noqa: ARG001 - an incident's attributes have FortiSIEM's own types
    return None
