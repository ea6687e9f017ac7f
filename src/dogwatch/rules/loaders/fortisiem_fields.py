"""The fields of one FortiSIEM rule, from the form that its file's loader gives it.

What the product has no element for (where the rule came from, guide, response, ATT&CK names) is read from an
element ``Dogwatch`` in a namespace of its own, which FortiSIEM's own files do not have.
"""

from __future__ import annotations

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.rules.attack import (
    FRAMEWORK,
    Tactic,
    Technique,
    Threat,
    tactic_named,
    technique_page,
    techniques_of,
)
from dogwatch.rules.loaders.fortisiem_node import OWN_NAMESPACE, Node
from dogwatch.rules.loaders.fortisiem_parts import PartReader, whole_number
from dogwatch.rules.model import FortisiemRule, Level, instance_id

FREQUENCY = "NotificationFrequency"
"""The name under which the seconds between notifications are read and written; letter case is ignored."""

READ_ONCE = (
    "Name",
    "IncidentTitle",
    "active",
    "Description",
    "Remediation",
    "DetectionTechnology",
    "IncidentDef",
    "PatternClause",
    "TriggerEventDisplay",
)
"""Elements of a rule of which the first is read."""

_ATTRIBUTES = ("id", "group", "phIncidentCategory", "function", "subFunction", "technique")
OWN_ONCE = ("Version", "License", "WordingLicense", "Origin", "Note", "Response", "Setup", "Release", "AddedIn")
OWN_SEVERAL = ("Tag", "Reference", "FalsePositive", "Author", "DataSource", "Tactic")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def read_fortisiem_rule(node: Node) -> tuple[FortisiemRule | None, list[Diagnostic]]:
    """The rule that an element holds, or ``None`` if one of its problems is an error; and its problems."""
    reader = _RuleReader(node)
    rule = reader.rule()
    failed = any(problem.severity is Severity.ERROR for problem in reader.problems)
    return None if failed else rule, reader.problems


def derived_threat(sub_function: str, techniques: tuple[str, ...]) -> tuple[Threat, ...]:
    """What ATT&CK says by the product's own two attributes.

    A sub-function may also be a plain sub-category (Hardware, Database), which is no tactic.
    """
    tactic = tactic_named(sub_function)
    return (Threat(FRAMEWORK, tactic, techniques_of(techniques)),) if tactic else ()


class _RuleReader(PartReader):
    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node
        self.own = next(
            (each for each in node.children if each.name == "Dogwatch" and each.namespace == OWN_NAMESPACE),
            Node("Dogwatch", node.place),
        )
        self.read.add(id(self.own))

    def rule(self) -> FortisiemRule:
        node = self.node
        watch_lists = tuple(self.watch_lists(node))
        frequency = self.frequency()
        incident = self.incident(node)
        rule_id = self.attribute("id") or self.attribute("natural_id") or incident.event_type
        if not rule_id:
            self.error("rule-field-missing", "this rule has neither an `id` nor an incident event type", node)
        clause = self.clause(node)
        self.check_mapping(incident.mapping, clause.subpatterns, node.child("IncidentDef"))
        self.check_watch_lists(watch_lists, incident.mapping, node)
        techniques = listed(self.attribute("technique"))
        first = clause.subpatterns[0] if clause.subpatterns else None
        name = node.text_of("Name")
        if not name:
            self.error("rule-field-missing", "`Name` is missing or empty", node)
        clear = self.clear(node)
        return FortisiemRule(
            instance_id=instance_id(rule_id),
            rule_id=rule_id,
            version=self.version(),
            name=name,
            description=node.text_of("Description"),
            severity=Level.from_fortisiem(incident.severity),
            enabled=self.enabled(),
            tags=self.own_texts("Tag"),
            references=self.own_texts("Reference"),
            false_positives=self.own_texts("FalsePositive"),
            authors=self.own_texts("Author"),
            license=self.own.text_of("License"),
            wording_license=self.own.text_of("WordingLicense"),
            origin=self.own.text_of("Origin"),
            threat=self.threat(techniques),
            note=self.own.text_of("Note"),
            response=self.own.text_of("Response"),
            setup=self.own.text_of("Setup"),
            release=self.own.text_of("Release") or None,
            added_in=self.own.text_of("AddedIn") or None,
            place=node.place,
            query_place=first.filter_place if first else None,
            query_steps=first.filter_steps if first else (),
            extra=self.unread(has_clear=clear is not None),
            incident=incident,
            clause=clause,
            groups=listed(self.attribute("group")),
            category=self.attribute("function"),
            sub_function=self.attribute("subFunction"),
            techniques=techniques,
            impacts=listed(self.attribute("phIncidentCategory")),
            data_sources=self.own_texts("DataSource"),
            detection_technology=node.text_of("DetectionTechnology"),
            remediation=node.text_of("Remediation"),
            incident_title=node.text_of("IncidentTitle"),
            triggered_attributes=self.shown_attributes(),
            clear_condition=clear,
            watch_lists=watch_lists,
            notification_frequency=frequency,
        )

    def attribute(self, name: str) -> str:
        return self.node.attributes.get(name, "").strip()

    def version(self) -> int:
        text = self.own.text_of("Version") or "1"
        number = whole_number(text)
        if number is not None and number > 0:
            return number
        self.error("rule-field-range", "`Version` must be a whole number from 1", self.own, shown=text)
        return 1

    def enabled(self) -> bool:
        text = self.node.text_of("active") or "true"
        if text.lower() not in _BOOLEANS:
            child = self.node.child("active")
            self.error("rule-field-type", "`active` must be true or false", child, shown=text)
        return _BOOLEANS.get(text.lower(), False)

    def frequency(self) -> int | None:
        """The seconds between notifications, from an attribute or an element; kept as data if they are none."""
        wanted = FREQUENCY.lower()
        for key, text in self.node.attributes.items():
            if key.lower() == wanted and (number := self.frequency_in(text, self.node)):
                del self.node.attributes[key]
                return number
        for each in self.node.children:
            if each.name.lower() == wanted and (number := self.frequency_in(each.whole_text, each)):
                self.read.add(id(each))
                return number
        return None

    def frequency_in(self, text: str, node: Node) -> int | None:
        number = whole_number(text)
        if not number:
            self.warning(
                "fortisiem-notification",
                f"`{FREQUENCY}` must be a whole number of seconds from 1, and is ignored; found `{text.strip()}`",
                node,
            )
        return number

    def shown_attributes(self) -> tuple[str, ...]:
        display = self.node.child("TriggerEventDisplay")
        return () if display is None else tuple(name for name, _ in display.list_of("AttrList"))

    def threat(self, techniques: tuple[str, ...]) -> tuple[Threat, ...]:
        named = self.own.all("Tactic")
        if not named:
            return derived_threat(self.attribute("subFunction"), techniques)
        return tuple(
            Threat(
                FRAMEWORK,
                Tactic(
                    each.attributes.get("id", ""),
                    each.attributes.get("name", ""),
                    each.attributes.get("reference", ""),
                    each.text_of("Description"),
                ),
                _named_techniques(each),
            )
            for each in named
        )

    def unread(self, *, has_clear: bool) -> dict[str, object]:
        # The entry of a request that is the rule itself says so, which is no word of the rule.
        entry = ("type",) if self.node.name == "DataRequest" else ()
        once = (*READ_ONCE, "ClearCondition") if has_clear else READ_ONCE
        rest = self.node.rest((*_ATTRIBUTES, *entry), once, read=self.read)
        own = self.own.rest((), OWN_ONCE, OWN_SEVERAL, self.read)
        found: dict[str, object] = {
            "attributes": dict(rest.attributes),
            "elements": rest.elements,
            "inside": rest.inside,
            "own_attributes": dict(own.attributes),
            "own_elements": own.elements,
        }
        return {key: value for key, value in found.items() if value}

    def own_texts(self, name: str) -> tuple[str, ...]:
        return tuple(text for each in self.own.all(name) if (text := each.whole_text.strip()))


def listed(text: str) -> tuple[str, ...]:
    """The parts of an attribute's value, which commas part."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _named_techniques(tactic: Node) -> tuple[Technique, ...]:
    return tuple(
        Technique(
            technique_id,
            each.attributes.get("name", ""),
            each.attributes.get("reference", "") or technique_page(technique_id),
            _named_techniques(each),
            each.text_of("Description"),
        )
        for each in tactic.all("Technique")
        if (technique_id := each.attributes.get("id", ""))
    )
