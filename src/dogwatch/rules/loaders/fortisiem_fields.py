"""The fields of one FortiSIEM rule element.

What the product has no element for (where the rule came from, guide, response, ATT&CK names) is read from an
element ``Dogwatch`` in the namespace ``urn:dogwatch:rule:1``, which FortiSIEM's own files do not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from lxml import etree

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.rules.attack import (
    FRAMEWORK,
    Tactic,
    Technique,
    Threat,
    tactic_named,
    technique_page,
    techniques_of,
)
from dogwatch.rules.model import (
    AttributeMapping,
    FortisiemRule,
    IncidentDefinition,
    Level,
    Operator,
    SubPattern,
    XmlElement,
    instance_id,
)

OWN_NAMESPACE = "urn:dogwatch:rule:1"

_DEFAULT_AGGREGATE = "COUNT(*) >= 1"
_READ = frozenset(
    {
        "Name",
        "IncidentTitle",
        "active",
        "Description",
        "Remediation",
        "DetectionTechnology",
        "IncidentDef",
        "PatternClause",
        "TriggerEventDisplay",
        "ClearCondition",
        "Dogwatch",
    }
)
_READ_ATTRIBUTES = frozenset(
    {"id", "natural_id", "group", "phIncidentCategory", "function", "subFunction", "technique"}
)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def read_fortisiem_rule(
    element: etree._Element, file: str, lines: list[str]
) -> tuple[FortisiemRule | None, list[Diagnostic]]:
    """The rule that an element holds, or ``None`` if one of its problems is an error; and its problems.

    Args:
        element: The rule's element.
        file: The file's name.
        lines: The file's text, by line.
    """
    reader = _Reader(element, file, lines)
    rule = reader.rule()
    failed = any(problem.severity is Severity.ERROR for problem in reader.problems)
    return None if failed else rule, reader.problems


def local_name(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return etree.QName(element).localname


def line_of(element: etree._Element) -> int | None:
    """The line on which an element's start tag ends, if the parser knows it."""
    # The stubs give this attribute no type.
    return cast("int | None", element.sourceline)


class _Reader:
    def __init__(self, element: etree._Element, file: str, lines: list[str]) -> None:
        self.element = element
        self.file = file
        self.lines = lines
        self.problems: list[Diagnostic] = []
        self.own = next((each for each in element if each.tag == f"{{{OWN_NAMESPACE}}}Dogwatch"), None)

    def rule(self) -> FortisiemRule:
        element = self.element
        incident = self.incident()
        rule_id = element.get("id") or element.get("natural_id") or incident.event_type
        if not rule_id:
            self.error("rule-field-missing", "this rule has neither an `id` nor an incident event type", element)
        clause = _child(element, "PatternClause")
        if clause is None:
            self.error("rule-field-missing", "this rule has no `PatternClause`", element)
        subpatterns = self.subpatterns(clause)
        operators = self.operators(clause)
        if subpatterns and len(operators) != len(subpatterns) - 1:
            self.error(
                "fortisiem-operators",
                f"{len(subpatterns)} subpatterns need {len(subpatterns) - 1} operators, not {len(operators)}",
                element if clause is None else clause,
            )
        self.check_mapping(incident, subpatterns)
        techniques = _commas(element.get("technique", ""))
        return FortisiemRule(
            instance_id=instance_id(rule_id),
            rule_id=rule_id,
            version=self.version(),
            name=self.required(element, "Name"),
            description=_text(element, "Description"),
            severity=Level.from_fortisiem(incident.severity),
            enabled=self.enabled(),
            tags=self.own_texts("Tag"),
            references=self.own_texts("Reference"),
            false_positives=self.own_texts("FalsePositive"),
            authors=self.own_texts("Author"),
            license=self.own_text("License"),
            wording_license=self.own_text("WordingLicense"),
            origin=self.own_text("Origin"),
            threat=self.threat(element.get("subFunction", ""), techniques),
            note=self.own_text("Note"),
            response=self.own_text("Response"),
            setup=self.own_text("Setup"),
            place=self.place(element),
            query_place=subpatterns[0].filter_place if subpatterns else None,
            extra=self.unread(clause),
            incident=incident,
            window=self.number(clause, "window", low=1),
            subpatterns=subpatterns,
            operators=operators,
            global_constraint=_text(clause, "GlobalConstr"),
            groups=_commas(element.get("group", "")),
            category=element.get("function", ""),
            sub_function=element.get("subFunction", ""),
            techniques=techniques,
            impacts=_commas(element.get("phIncidentCategory", "")),
            data_sources=self.own_texts("DataSource"),
            detection_technology=_text(element, "DetectionTechnology"),
            remediation=_text(element, "Remediation"),
            incident_title=_text(element, "IncidentTitle"),
            triggered_attributes=_commas(_text(_child(element, "TriggerEventDisplay"), "AttrList")),
            clear_condition=_data(clear) if (clear := _child(element, "ClearCondition")) is not None else None,
        )

    def version(self) -> int:
        text = self.own_text("Version") or "1"
        if text.isascii() and text.isdigit() and 0 < int(text) < 10**9:
            return int(text)
        self.error("rule-field-range", "`Version` must be a whole number from 1", self.own)
        return 1

    def enabled(self) -> bool:
        text = _text(self.element, "active") or "true"
        if text.lower() not in _BOOLEANS:
            self.error(
                "rule-field-type", "`active` must be true or false", _child(self.element, "active"), shown=text
            )
        return _BOOLEANS.get(text.lower(), False)

    def incident(self) -> IncidentDefinition:
        definition = _child(self.element, "IncidentDef")
        if definition is None:
            self.error("rule-field-missing", "this rule has no `IncidentDef`", self.element)
            return IncidentDefinition("", 0)
        return IncidentDefinition(
            definition.get("eventType", ""),
            self.number(definition, "severity", low=0, high=10),
            tuple(self.mapping(definition)),
        )

    def mapping(self, definition: etree._Element) -> Iterator[AttributeMapping]:
        for entry in _outer_commas(_text(definition, "ArgList")):
            attribute, equals, source = (part.strip() for part in entry.partition("="))
            subpattern, dot, inner = (part.strip() for part in source.partition("."))
            if not (attribute and equals and subpattern and dot and inner):
                self.error(
                    "fortisiem-mapping",
                    "an entry of `ArgList` is not of the form `attribute = SubPattern.attribute`",
                    _child(definition, "ArgList"),
                    shown=entry,
                )
                continue
            yield AttributeMapping(attribute, subpattern, inner)

    def check_mapping(self, incident: IncidentDefinition, subpatterns: tuple[SubPattern, ...]) -> None:
        names = {subpattern.name for subpattern in subpatterns}
        if len(names) < len(subpatterns):
            self.error("fortisiem-subpattern-repeated", "two subpatterns have the same name", self.element)
        for each in incident.mapping:
            if names and each.subpattern not in names:
                self.error(
                    "fortisiem-mapping",
                    f"`{each.attribute}` is taken from `{each.subpattern}`, which is no subpattern of this rule",
                    _child(self.element, "IncidentDef"),
                    hint=f"its subpatterns are {', '.join(sorted(names))}",
                )

    def subpatterns(self, clause: etree._Element | None) -> tuple[SubPattern, ...]:
        found = [] if clause is None else [each for each in clause if local_name(each) == "SubPattern"]
        if clause is not None and not found:
            self.error("rule-field-missing", "`PatternClause` has no `SubPattern`", clause)
        return tuple(self.subpattern(each) for each in found)

    def subpattern(self, element: etree._Element) -> SubPattern:
        name = element.get("name") or element.get("displayName") or ""
        if not name:
            self.error("rule-field-missing", "this subpattern has no `name`", element)
        single, group = _child(element, "SingleEvtConstr"), _child(element, "GroupEvtConstr")
        condition = _all_text(single)
        if not condition.strip():
            self.error("rule-field-missing", f"subpattern `{name}` has no `SingleEvtConstr`", element)
        aggregate = _all_text(group)
        return SubPattern(
            name=name,
            filter=condition,
            group_by=_commas(_text(element, "GroupByAttr")),
            aggregate=aggregate if aggregate.strip() else _DEFAULT_AGGREGATE,
            display_name=element.get("displayName", ""),
            filter_place=self.text_place(single),
            aggregate_place=self.text_place(group) if aggregate.strip() else None,
        )

    def operators(self, clause: etree._Element | None) -> tuple[Operator, ...]:
        found = [] if clause is None else [each for each in clause if local_name(each) == "Operator"]
        result = []
        for each in found:
            kind = each.get("type", "")
            if not kind:
                self.error("rule-field-missing", "this operator has no `type`", each)
            result.append(Operator(kind, self.number(each, "rank", low=0) if "rank" in each.attrib else 0))
        return tuple(result)

    def threat(self, sub_function: str, techniques: tuple[str, ...]) -> tuple[Threat, ...]:
        named = [] if self.own is None else [each for each in self.own if local_name(each) == "Tactic"]
        if named:
            return tuple(
                Threat(
                    FRAMEWORK,
                    Tactic(
                        each.get("id", ""),
                        each.get("name", ""),
                        each.get("reference", ""),
                        _text(each, "Description"),
                    ),
                    _named_techniques(each),
                )
                for each in named
            )
        # A sub-function may also be a plain sub-category (Hardware, Database), which is no tactic.
        tactic = tactic_named(sub_function)
        return (Threat(FRAMEWORK, tactic, techniques_of(techniques)),) if tactic else ()

    def unread(self, clause: etree._Element | None) -> dict[str, object]:
        incidents = [each for each in self.element if local_name(each) == "IncidentDef"]
        rest = [each for each in self.element if local_name(each) not in _READ] + incidents[1:]
        clause_rest = [
            each
            for each in ([] if clause is None else clause)
            if local_name(each) not in ("SubPattern", "Operator", "GlobalConstr")
        ]
        attributes = {
            str(key): str(value) for key, value in self.element.attrib.items() if key not in _READ_ATTRIBUTES
        }
        found: dict[str, object] = {
            "attributes": attributes,
            "elements": tuple(_data(each) for each in rest),
            "clause_elements": tuple(_data(each) for each in clause_rest),
        }
        return {key: value for key, value in found.items() if value}

    def required(self, element: etree._Element, name: str) -> str:
        value = _text(element, name)
        if not value:
            self.error("rule-field-missing", f"`{name}` is missing or empty", element)
        return value

    def number(self, element: etree._Element | None, name: str, *, low: int, high: int | None = None) -> int:
        if element is None:
            return low
        text = element.get(name, "").strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        if value is None or value < low or (high is not None and value > high):
            bounds = f"from {low}" if high is None else f"from {low} to {high}"
            self.error(
                "rule-field-range" if text else "rule-field-missing",
                f"`{local_name(element)}` must have a `{name}`, a whole number {bounds}",
                element,
                shown=text,
            )
            return low
        return value

    def own_text(self, name: str) -> str:
        return _text(self.own, name)

    def own_texts(self, name: str) -> tuple[str, ...]:
        found = [] if self.own is None else [each for each in self.own if local_name(each) == name]
        return tuple(text for each in found if (text := _all_text(each).strip()))

    def place(self, element: etree._Element | None) -> Place:
        return Place(self.file, None if element is None else line_of(element))

    def text_place(self, element: etree._Element | None) -> Place | None:
        """Where an element's text begins; without a column if the line does not tell it for certain."""
        number = None if element is None else line_of(element)
        if element is None or number is None:
            return None
        # libxml2 gives the line on which the start tag ends.
        line = self.lines[number - 1] if number <= len(self.lines) else ""
        tag = f"{local_name(element)}>"
        column = line.find(tag) + len(tag) + 1 if line.count(f"<{tag}") == 1 else None
        if column is not None and line.startswith("<![CDATA[", column - 1):
            column += len("<![CDATA[")
        return Place(self.file, number, column)

    def error(
        self,
        code: str,
        message: str,
        element: etree._Element | None,
        *,
        shown: str = "",
        hint: str | None = None,
    ) -> None:
        self.problems.append(
            Diagnostic(
                code, f"{message}; found `{shown}`" if shown else message, place=self.place(element), hint=hint
            )
        )


def _named_techniques(tactic: etree._Element) -> tuple[Technique, ...]:
    return tuple(
        Technique(
            technique_id,
            each.get("name", ""),
            each.get("reference", "") or technique_page(technique_id),
            _named_techniques(each),
            _text(each, "Description"),
        )
        for each in tactic
        if (technique_id := each.get("id", ""))
    )


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    return None if element is None else next((each for each in element if local_name(each) == name), None)


def _text(element: etree._Element | None, name: str) -> str:
    return _all_text(_child(element, name)).strip()


def _all_text(element: etree._Element | None) -> str:
    return "" if element is None else "".join(str(part) for part in element.itertext())


def _commas(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _outer_commas(text: str) -> Iterator[str]:
    """The parts between commas that stand in no parentheses: an aggregate may hold commas of its own."""
    depth, start = 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth <= 0:
            yield text[start:at].strip()
            start = at + 1
    if last := text[start:].strip():
        yield last


def _data(element: etree._Element) -> XmlElement:
    return XmlElement(
        local_name(element),
        tuple((str(key), str(value)) for key, value in element.attrib.items()),
        (element.text or "").strip(),
        tuple(_data(child) for child in element),
    )
