"""FortiSIEM rules as XML, laid out as the vendor's own Sigma converter does it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.rules.attack import Tactic, Technique
from dogwatch.rules.fortisiem_model import (
    AttributeMapping,
    ClearCondition,
    Extra,
    PatternClause,
    PatternClear,
    QuietClear,
    SubPattern,
    XmlElement,
)
from dogwatch.rules.loaders import fortisiem_xml
from dogwatch.rules.loaders.fortisiem_fields import FREQUENCY, READ_ONCE, derived_threat
from dogwatch.rules.loaders.fortisiem_node import OWN_NAMESPACE
from dogwatch.rules.model import FortisiemRule
from dogwatch.rules.writers.readback import check_read_back

_REFUSED = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold in any way."""

_NAME = re.compile(r"(?:\{[^{}]*\})?[^\W\d][\w.\-]*", re.ASCII | re.DOTALL)
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_TEXT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_VALUE_ESCAPES = _TEXT_ESCAPES | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})
_Attributes = Iterable[tuple[str, str]]


def write_fortisiem_xml(rules: Sequence[FortisiemRule]) -> str:
    """The rules as one XML file, from which equal rules are read: places, comments and layout aside.

    One rule is an element ``Rule``, several stand in ``Rules``.

    Raises:
        DogwatchError: ``xml-character`` or ``xml-name`` for what XML cannot hold, ``rule-unwritable`` for a rule
            that would be read otherwise than it is.
    """
    written = [_written(rule, "" if len(rules) == 1 else "  ") for rule in rules]
    body = "\n".join(written)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + (
        f"{body}\n" if len(rules) == 1 else f"<Rules>\n{body}\n</Rules>\n"
    )
    check_read_back(rules, text, fortisiem_xml.load)
    return text


def xml_text(element: XmlElement) -> str:
    """An element that was kept as data, as XML on lines of its own."""
    return "\n".join(_lines(element, ""))


def _written(rule: FortisiemRule, indent: str) -> str:
    element = _rule(rule)
    for name in _names(element):
        if not _NAME.fullmatch(name):
            message = f"{rule.label} has an element or attribute named `{name}`, which is no name in XML"
            raise DogwatchError(Diagnostic("xml-name", message, place=rule.place))
    text = "\n".join(_lines(element, indent))
    found = _REFUSED.search(text)
    if found is not None:
        inside = re.findall(r"<(\w+)", text[: found.start()])[-1]
        message = f"{rule.label} has the character U+{ord(found[0]):04X} in `{inside}`, which XML cannot hold"
        hint = "write the rule as YAML, or take the character out"
        raise DogwatchError(Diagnostic("xml-character", message, place=rule.place, hint=hint))
    return text


def _rule(rule: FortisiemRule) -> XmlElement:
    kept: dict[str, str] = dict(rule.extra.get("attributes", {}))
    extra: Sequence[XmlElement] = tuple(rule.extra.get("elements", ()))
    # A rule that was read without an id has that of its event type.
    has_id = rule.rule_id != rule.incident.event_type or "natural_id" in kept
    attributes = [
        ("group", ",".join(rule.groups)),
        ("id", rule.rule_id if has_id else ""),
        ("phIncidentCategory", ",".join(rule.impacts)),
        ("function", rule.category),
        ("subFunction", rule.sub_function),
        ("technique", ",".join(rule.techniques)),
    ]
    incident = rule.incident
    texts = [
        ("Name", rule.name),
        ("IncidentTitle", rule.incident_title),
        ("active", "true" if rule.enabled else "false"),
        ("Description", rule.description),
        ("DetectionTechnology", rule.detection_technology),
        ("Remediation", rule.remediation),
    ]
    again = {*READ_ONCE, "ClearCondition", FREQUENCY}
    # What is known and comes again stands behind the first, which alone is acted on.
    repeated = tuple(each for each in extra if each.name in again or each.name.lower() == FREQUENCY.lower())
    children = [
        *_texts(texts, repeated),
        *(each for each in extra if each not in repeated),
        XmlElement(
            "IncidentDef",
            (
                *_given([("eventType", incident.event_type)]),
                ("severity", str(incident.severity)),
                *incident.extra.attributes,
            ),
            children=_arguments(incident.mapping, incident.extra),
        ),
        _clause(rule.clause),
        *(() if rule.clear_condition is None else (_clear(rule.clear_condition),)),
        *(
            XmlElement(
                "DynWatchListDef",
                (("attr", each.attribute),),
                children=tuple(XmlElement("WatchList", text=name) for name in each.lists),
            )
            for each in rule.watch_lists
            if not each.is_kept
        ),
    ]
    if rule.notification_frequency is not None:
        children.append(XmlElement(FREQUENCY, text=str(rule.notification_frequency)))
    if rule.triggered_attributes:
        shown = XmlElement("AttrList", text=",".join(rule.triggered_attributes))
        children.append(XmlElement("TriggerEventDisplay", children=(shown,)))
    elif any(each.name == "TriggerEventDisplay" for each in repeated):
        children.append(XmlElement("TriggerEventDisplay"))
    children += [*repeated, *_own(rule)]
    element = XmlElement("Rule", (*_given(attributes), *kept.items()), children=tuple(children))
    return _with_inside(element, rule.extra.get("inside", ()))


def _clause(clause: PatternClause) -> XmlElement:
    children: list[XmlElement] = []
    for at, subpattern in enumerate(clause.subpatterns):
        children += [
            XmlElement(
                "Operator",
                (("rank", str(each.rank)), ("type", each.type), *each.extra.attributes),
                children=each.extra.elements,
            )
            for each in clause.operators[at - 1 : at]
        ]
        children.append(_subpattern(subpattern))
    children += _texts([("GlobalConstr", clause.global_constraint)], clause.extra.elements)
    element = XmlElement(
        "PatternClause",
        (("window", str(clause.window)), *clause.extra.attributes),
        children=(*children, *clause.extra.elements),
    )
    return _with_inside(element, clause.extra.inside)


def _subpattern(subpattern: SubPattern) -> XmlElement:
    # The product writes the grouping also where there is none.
    children = (
        XmlElement("SingleEvtConstr", text=subpattern.filter),
        XmlElement("GroupByAttr", text=",".join(subpattern.group_by)),
        XmlElement("GroupEvtConstr", text=subpattern.aggregate),
    )
    extra = subpattern.extra
    element = XmlElement(
        "SubPattern",
        (*_given([("displayName", subpattern.display_name)]), ("name", subpattern.name), *extra.attributes),
        children=(*children, *extra.elements),
    )
    return _with_inside(element, extra.inside)


def _clear(clear: ClearCondition) -> XmlElement:
    match clear.when:
        case QuietClear(quiet=quiet):
            kind = "timebased"
            children: tuple[XmlElement, ...] = (XmlElement("QuietPeriod", text=str(quiet)),)
        case PatternClear() as when:
            kind = "patternbased"
            definition = XmlElement(
                "ClearIncidentDef",
                (("name", when.name), *when.extra.attributes),
                children=_arguments(when.mapping, when.extra),
            )
            constraint = _texts([("ClearConstr", when.constraint)], clear.extra.elements)
            children = (definition, *constraint, _clause(when.clause))
    element = XmlElement(
        "ClearCondition",
        (("method", clear.method), ("type", kind), *clear.extra.attributes),
        children=(*children, *clear.extra.elements),
    )
    return _with_inside(element, clear.extra.inside)


def _own(rule: FortisiemRule) -> Iterator[XmlElement]:
    """What Dogwatch knows of the rule beyond the product's elements; nothing if it knows no more."""
    extra: Sequence[XmlElement] = tuple(rule.extra.get("own_elements", ()))
    texts = [
        ("Version", "" if rule.version == 1 else str(rule.version)),
        ("Release", rule.release or ""),
        ("AddedIn", rule.added_in or ""),
        ("Origin", rule.origin),
        *(("Author", each) for each in rule.authors),
        ("License", rule.license),
        ("WordingLicense", rule.wording_license),
        *(("Reference", each) for each in rule.references),
        *(("DataSource", each) for each in rule.data_sources),
        *(("Tag", each) for each in rule.tags),
        *(("FalsePositive", each) for each in rule.false_positives),
        ("Note", rule.note),
        ("Response", rule.response),
        ("Setup", rule.setup),
    ]
    children = [*_texts(texts, extra)]
    if rule.threat != derived_threat(rule.sub_function, rule.techniques):
        children += [_attack("Tactic", each.tactic, each.techniques) for each in rule.threat]
    children += extra
    attributes = dict(rule.extra.get("own_attributes", {}))
    if children or attributes:
        yield XmlElement("Dogwatch", (("xmlns", OWN_NAMESPACE), *attributes.items()), children=tuple(children))


def _attack(name: str, named: Tactic | Technique, techniques: Iterable[Technique]) -> XmlElement:
    return XmlElement(
        name,
        tuple(_given([("id", named.id), ("name", named.name), ("reference", named.reference)])),
        children=(
            *_texts([("Description", named.description)], ()),
            *(_attack("Technique", each, each.subtechniques) for each in techniques),
        ),
    )


def _arguments(mapping: Sequence[AttributeMapping], extra: Extra) -> tuple[XmlElement, ...]:
    """The attributes of an incident, and what is kept beside them."""
    listed = XmlElement("ArgList", text=",".join(map(str, mapping)))
    return _with_inside(XmlElement("", children=(listed, *extra.elements)), extra.inside).children


def _with_inside(element: XmlElement, inside: Iterable[tuple[str, Extra]]) -> XmlElement:
    """The element with what is kept of elements in it: each time, of the first of that name."""
    children = list(element.children)
    for name, extra in inside:
        at = next((at for at, child in enumerate(children) if child.name == name), len(children))
        child = children[at] if at < len(children) else XmlElement(name)
        fuller = replace(
            child,
            attributes=(*child.attributes, *extra.attributes),
            children=(*child.children, *extra.elements),
        )
        children[at : at + 1] = [_with_inside(fuller, extra.inside)]
    return replace(element, children=tuple(children))


def _texts(texts: Iterable[tuple[str, str]], repeated: Iterable[XmlElement]) -> list[XmlElement]:
    """An element for each text; an empty one only before another of its name, which must not be taken for it."""
    names = {each.name for each in repeated}
    return [XmlElement(name, text=text) for name, text in texts if text or name in names]


def _given(attributes: _Attributes) -> list[tuple[str, str]]:
    return [(name, value) for name, value in attributes if value]


def _names(element: XmlElement) -> Iterator[str]:
    yield element.name
    yield from (name for name, _ in element.attributes)
    for child in element.children:
        yield from _names(child)


def _lines(element: XmlElement, indent: str) -> Iterator[str]:
    if element.text or any(child.tail for child in element.children):
        yield f"{indent}{_inline(element)}"
    elif element.children:
        yield f"{indent}<{element.name}{_attributes(element.attributes)}>"
        for child in element.children:
            yield from _lines(child, f"{indent}  ")
        yield f"{indent}</{element.name}>"
    else:
        yield f"{indent}<{element.name}{_attributes(element.attributes)}/>"


def _inline(element: XmlElement) -> str:
    inner = element.text.translate(_TEXT_ESCAPES) + "".join(
        _inline(child) + child.tail.translate(_TEXT_ESCAPES) for child in element.children
    )
    start = f"<{element.name}{_attributes(element.attributes)}"
    return f"{start}>{inner}</{element.name}>" if inner else f"{start}/>"


def _attributes(attributes: _Attributes) -> str:
    shown = []
    for number, (name, value) in enumerate(attributes):
        namespace, _, local = name.removeprefix("{").rpartition("}")
        if namespace == _XML_NAMESPACE:
            local = f"xml:{local}"
        elif namespace:
            shown.append(f'xmlns:n{number}="{namespace.translate(_VALUE_ESCAPES)}"')
            local = f"n{number}:{local}"
        shown.append(f'{local}="{value.translate(_VALUE_ESCAPES)}"')
    return "".join(f" {each}" for each in shown)
