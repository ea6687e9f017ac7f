"""FortiSIEM rules in a YAML form to write by hand: the words of the product's XML, without its brackets.

A document is a table with one key, ``fortisiem_rule`` (a rule) or ``fortisiem_rules`` (a list of them); by it a
file is told from other YAML::

    fortisiem_rule:
      id: PH_Rule_Example
      Name: Failures, then success
      active: true
      function: Security
      eventType: PH_RULE_Example        # of the incident
      severity: 9
      window: 900
      SubPattern:
        - name: Failure
          filter: |
            eventType = "Generic_Unix_Failed_SSH_Login"
          group-by: [srcIpAddr, hostName]
          aggregate: COUNT(*) >= 5
        - FOLLOWED_BY                   # or {type: FOLLOWED_BY, rank: 1}
        - name: Success
          filter: eventType = "Generic_Unix_Successful_SSH_Login"
          group-by: [srcIpAddr, hostName]
          aggregate: COUNT(*) >= 1
      GlobalConstr: Failure.srcIpAddr = Success.srcIpAddr
      incident:                         # attribute: SubPattern.attribute
        srcIpAddr: Failure.srcIpAddr
        count: Failure.COUNT(*)
      ClearCondition: {QuietPeriod: 600}
      WatchList: {srcIpAddr: [Suspects]}
      TriggerEventDisplay: [phRecvTime, rawEventMsg]

A clear condition that is a pattern has ``name``, ``window``, ``SubPattern``, ``GlobalConstr``, ``incident`` and
``ClearConstr``. What is not acted on stands under ``extra``: ``attributes``, and ``elements`` of ``name``,
``attributes``, ``text``, ``children`` and ``tail``. Every scalar is the text that it is written as.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, Severity
from dogwatch.rules.loaders.fortisiem_fields import (
    FREQUENCY,
    OWN_ONCE,
    OWN_SEVERAL,
    read_fortisiem_rule,
)
from dogwatch.rules.loaders.fortisiem_node import OWN_NAMESPACE, Node, parted
from dogwatch.rules.loaders.fortisiem_xml import MAX_RULES, too_many_rules
from dogwatch.rules.loaders.source import Loaded
from dogwatch.rules.loaders.yaml_documents import documents
from dogwatch.rules.loaders.yaml_nodes import YamlList, YamlTable, YamlText, YamlValue
from dogwatch.rules.loaders.yaml_tables import Table
from dogwatch.rules.model import FortisiemRule

HEADER = "fortisiem_rule"
"""The key of a document that holds one rule; one that holds several has an ``s`` behind it."""

MAX_CHARACTERS = 8 * 1024 * 1024
"""The largest YAML file read: its parser is slower than that of XML."""

_TEXTS = ("Name", "IncidentTitle", "active", "Description", "DetectionTechnology", "Remediation")
_LISTS = ("group", "phIncidentCategory", "technique")
_COMMAS = "FortiSIEM parts names by commas, so none can be in a name; list them one by one"


def load(text: str, file: str) -> Loaded:
    """The rules of one YAML file, and a diagnostic for whatever could not be read.

    Args:
        text: The file's text.
        file: Its name, for diagnostics and places.
    """
    if len(text) > MAX_CHARACTERS:
        return Loaded(diagnostics=[Diagnostic("rule-file-too-large", "too much YAML", place=Place(file))])
    if HEADER not in text:
        # Other YAML (settings, templates that are no YAML yet) is not even parsed.
        return Loaded(diagnostics=[_not_a_rule(Place(file))])
    problems: list[Diagnostic] = []
    written: list[YamlValue] = []
    try:
        for document in documents(text, file):
            written += _rules_in(document, problems)
    except DogwatchError as error:
        problems += error.diagnostics
    if len(written) > MAX_RULES:
        return Loaded(diagnostics=[too_many_rules(len(written), written[MAX_RULES].place, MAX_RULES)])
    rules: list[FortisiemRule] = []
    for value in written:
        rule, met = _read(value)
        problems += met
        if rule is not None:
            rules.append(rule)
    if not (written or any(problem.severity is Severity.ERROR for problem in problems)):
        return Loaded(diagnostics=[_not_a_rule(Place(file, 1))])
    return Loaded(rules, problems)


def _rules_in(document: YamlValue, problems: list[Diagnostic]) -> Iterator[YamlValue]:
    several = f"{HEADER}s"
    if not isinstance(document, YamlTable) or not {HEADER, several} & document.entries.keys():
        message = "this document is no FortiSIEM rule and was skipped"
        hint = f"a rule stands under the key `{HEADER}`, a list of rules under `{several}`"
        problems.append(Diagnostic("yaml-document-skipped", message, Severity.NOTICE, document.place, hint=hint))
        return
    table = Table(document, problems)
    one, many = table.value(HEADER), table.value(several)
    table.end()
    if one is not None:
        yield one
    if isinstance(many, YamlList):
        yield from many.items
    elif many is not None:
        table.error("rule-field-type", f"`{several}` must be a list of rules", many.place)


def _read(value: YamlValue) -> tuple[FortisiemRule | None, list[Diagnostic]]:
    if not isinstance(value, YamlTable):
        problem = Diagnostic("rule-field-type", "a rule must be a table", place=value.place, hint="`Name: ...`")
        return None, [problem]
    problems: list[Diagnostic] = []
    node = _rule(Table(value, problems))
    rule, met = read_fortisiem_rule(node)
    return None if problems else rule, [*problems, *met]


def _rule(table: Table) -> Node:
    node = Node("Rule", table.place)
    for key in ("id", "function", "subFunction"):
        _attribute(node, table, key)
    for key in _LISTS:
        if (texts := table.texts(key)) is not None:
            node.attributes[key] = ",".join(_names(table, key, texts))
    node.children = [_text_node(table, key) for key in _TEXTS]
    node.children += [_incident(table), _clause(table)]
    if (clear := table.table("ClearCondition")) is not None:
        node.children.append(_clear(clear))
    node.children += _watch_lists(table)
    if FREQUENCY in table:
        node.children.append(_text_node(table, FREQUENCY))
    shown = Node("TriggerEventDisplay", table.place)
    if "TriggerEventDisplay" in table:
        shown.children.append(_list_node(table, "TriggerEventDisplay", "AttrList"))
    node.children.append(shown)
    if (own := table.table("Dogwatch")) is not None:
        node.children.append(_own(own))
    _extra(table, node)
    table.end()
    return node


def _incident(table: Table) -> Node:
    node = Node("IncidentDef", table.place)
    _attribute(node, table, "eventType")
    _attribute(node, table, "severity")
    node.children.append(_arguments(table))
    return node


def _arguments(table: Table) -> Node:
    """The attributes of an incident, as a table of sources or a list of ``attribute = source``."""
    value = table.value("incident")
    place = table.place if value is None else value.place
    if isinstance(value, YamlTable):
        entries = [(f"{key} = {source.text}", source.place) for key, source in _inner(table, value).texts_by_key()]
    else:
        entries = [(each.text, each.place) for each in table.texts("incident") or ()]
    for entry, at in entries:
        if list(parted(entry)) != [entry.strip()]:
            table.error("fortisiem-mapping", f"`{entry}` is not one attribute and its source", at)
    return Node("ArgList", place, parts=tuple(entries))


def _clause(table: Table) -> Node:
    written = table.value("SubPattern")
    node = Node("PatternClause", table.place if written is None else written.place)
    _attribute(node, table, "window")
    if isinstance(written, YamlTable):
        node.children.append(_subpattern(_inner(table, written)))
    elif isinstance(written, YamlList):
        node.children += [_subpattern_or_operator(table, each) for each in written.items]
    elif written is not None:
        table.error("rule-field-type", "`SubPattern` must be a list of subpatterns", written.place)
    node.children.append(_text_node(table, "GlobalConstr"))
    return node


def _subpattern_or_operator(table: Table, value: YamlValue) -> Node:
    if isinstance(value, YamlText):
        return Node("Operator", value.place, {"type": value.text})
    if isinstance(value, YamlList):
        table.error("rule-field-type", "a subpattern must be a table, an operator a text", value.place)
        return Node("Operator", value.place, {"type": "AND"})
    inner = _inner(table, value)
    if "type" not in inner:
        return _subpattern(inner)
    node = Node("Operator", value.place)
    _attribute(node, inner, "type")
    _attribute(node, inner, "rank")
    _extra(inner, node)
    inner.end()
    return node


def _subpattern(table: Table) -> Node:
    node = Node("SubPattern", table.place)
    _attribute(node, table, "name")
    _attribute(node, table, "displayName")
    node.children = [
        _text_node(table, "filter", "SingleEvtConstr"),
        _list_node(table, "group-by", "GroupByAttr"),
        _text_node(table, "aggregate", "GroupEvtConstr"),
    ]
    _extra(table, node)
    table.end()
    return node


def _clear(table: Table) -> Node:
    node = Node("ClearCondition", table.place)
    _attribute(node, table, "method")
    if "QuietPeriod" in table:
        node.attributes["type"] = "timebased"
        node.children = [_text_node(table, "QuietPeriod")]
    else:
        node.attributes["type"] = "patternbased"
        definition, clause = Node("ClearIncidentDef", table.place), _clause(table)
        _attribute(definition, table, "name")
        definition.children.append(_arguments(table))
        node.children = [definition, _text_node(table, "ClearConstr"), clause]
    _extra(table, node)
    table.end()
    return node


def _watch_lists(table: Table) -> Iterator[Node]:
    """What is added to watch lists: a table of lists by attribute, or a list of ``attribute`` and ``lists``."""
    value = table.value("WatchList")
    if isinstance(value, YamlTable):
        inner = _inner(table, value)
        for attribute, _ in inner.entries():
            yield _watch_list(value.keys[attribute].place, attribute, inner.texts(attribute) or ())
        return
    for each in table.tables("WatchList"):
        named, lists = each.text("attribute"), each.texts("lists")
        each.end()
        yield _watch_list(each.place, "" if named is None else named.text, lists or ())


def _watch_list(place: Place, attribute: str, lists: Sequence[YamlText]) -> Node:
    names = [Node("WatchList", each.place, text=each.text) for each in lists]
    return Node("DynWatchListDef", place, {"attr": attribute}, children=names)


def _own(table: Table) -> Node:
    node = Node("Dogwatch", table.place, namespace=OWN_NAMESPACE)
    node.children = [_text_node(table, key) for key in OWN_ONCE]
    for key in OWN_SEVERAL:
        if key == "Tactic":
            node.children += [_attack(each, key) for each in table.tables(key)]
        else:
            node.children += [Node(key, each.place, text=each.text) for each in table.texts(key) or ()]
    _extra(table, node)
    table.end()
    return node


def _attack(table: Table, name: str) -> Node:
    node = Node(name, table.place)
    for key in ("id", "name", "reference"):
        _attribute(node, table, key)
    node.children = [
        _text_node(table, "Description"),
        *(_attack(each, "Technique") for each in table.tables("Technique")),
    ]
    table.end()
    return node


def _extra(table: Table, node: Node) -> None:
    """What is kept without being acted on, put into the node."""
    kept = table.table("extra")
    if kept is not None:
        _keep(kept, node)


def _keep(kept: Table, node: Node) -> None:
    """Put what is kept into a node, and into those of its children that are named."""
    named = {child.name: child for child in reversed(node.children)}
    if (attributes := kept.table("attributes")) is not None:
        for key, value in attributes.texts_by_key():
            node.attributes.setdefault(key, value.text)
    node.children += [_element(each) for each in kept.tables("elements")]
    for name, child in named.items():
        if (below := kept.table(name)) is not None:
            _keep(below, child)
    kept.end()


def _element(table: Table) -> Node:
    """An element kept as data."""
    name, text, tail = (table.text(key) for key in ("name", "text", "tail"))
    if name is None or not name.text:
        table.error("rule-field-missing", "this element has no `name`")
    node = Node(
        "" if name is None else name.text,
        table.place,
        text="" if text is None else text.text,
        tail="" if tail is None else tail.text,
    )
    if (attributes := table.table("attributes")) is not None:
        node.attributes = {key: value.text for key, value in attributes.texts_by_key()}
    node.children = [_element(each) for each in table.tables("children")]
    table.end()
    return node


def _attribute(node: Node, table: Table, key: str) -> None:
    value = table.text(key)
    if value is not None:
        node.attributes[key] = value.text
        node.attribute_places[key] = value.place


def _text_node(table: Table, key: str, name: str = "") -> Node:
    """The element for a text; an empty one if there is none, before what may be kept under the same name."""
    value = table.text(key)
    if value is None:
        return Node(name or key, table.place)
    return Node(name or key, value.place, text=value.text, text_place=value.begin, text_steps=value.steps)


def _list_node(table: Table, key: str, name: str) -> Node:
    texts = table.texts(key) or ()
    parts: list[tuple[str, Place]] = []
    for each in texts:
        if len(texts) > 1 and list(parted(each.text)) != [each.text.strip()]:
            table.error("rule-field-type", f"`{each.text}` in `{key}` is not one name", each.place, _COMMAS)
        parts += ((part, each.place) for part in parted(each.text))
    place = texts[0].place if texts else table.place
    return Node(name, place, parts=tuple(parts))


def _names(table: Table, key: str, texts: Sequence[YamlText]) -> Iterator[str]:
    for each in texts:
        if len(texts) > 1 and "," in each.text:
            table.error("rule-field-type", f"`{each.text}` in `{key}` is not one name", each.place, _COMMAS)
        yield each.text


def _inner(table: Table, value: YamlTable) -> Table:
    return Table(value, table.problems)


def _not_a_rule(place: Place) -> Diagnostic:
    return Diagnostic(
        "not-a-rule",
        "this YAML file holds no rule",
        place=place,
        hint=f"a FortiSIEM rule stands under the key `{HEADER}`, a list of rules under `{HEADER}s`",
    )
