"""Rules in FortiSIEM's XML: one ``Rule``, ``Rules``, or ``DataRequests`` with entries of type ``Rule``.

The parser is given nothing that could reach out of the file or grow within it: a document type declaration
is refused before parsing, so that there are no entities, and nesting and text are limited by libxml2.

No format document is public; the element layout follows what the vendor's own Sigma converter writes
(https://github.com/FortiSIEM/pySigma-backend-fortisiem).
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, Severity, line_and_column
from dogwatch.rules.loaders.fortisiem_fields import read_fortisiem_rule
from dogwatch.rules.loaders.fortisiem_node import LOGIC, MAX_DEPTH, Node
from dogwatch.rules.loaders.source import MAX_BYTES, Loaded
from dogwatch.rules.loaders.xml_places import XmlPlaces
from dogwatch.rules.model import FortisiemRule

MAX_RULES = 20_000
"""The most rules of one file. The product ships fewer than a tenth of it."""

MAX_ATTRIBUTES = 100
"""The most attributes of one element: lxml takes quadratic time to list them."""


_FUNCTIONS = {
    "xmlParseEntityRef": "an ampersand with",
    "xmlParseCharRef": "a character reference with",
}
"""What libxml2 was reading, for the names with which its messages begin."""


def load(text: str, file: str) -> Loaded:
    """The rules of one XML file, and a diagnostic for whatever could not be read.

    Args:
        text: The file's text; an encoding declared in it is ignored, since it is decoded already.
        file: Its name, for diagnostics and places.
    """
    try:
        root = _parsed(text, file)
    except DogwatchError as error:
        return Loaded(diagnostics=error.diagnostics)
    places = XmlPlaces(text, file, root)
    elements = list(_rule_elements(root))
    if not elements:
        return Loaded(diagnostics=[_not_a_rule(root, places)])
    if len(elements) > MAX_RULES:
        return Loaded(diagnostics=[too_many_rules(len(elements), places.of(elements[MAX_RULES]), MAX_RULES)])
    rules: list[FortisiemRule] = []
    problems: list[Diagnostic] = []
    for element in elements:
        try:
            rule, met = read_fortisiem_rule(_node(element, places, MAX_DEPTH))
        except DogwatchError as error:
            rule, met = None, list(error.diagnostics)
        problems += met
        if rule is not None:
            rules.append(rule)
    if others := sum(1 for each in root.iter() if _is_other_request(each)):
        problems.append(
            Diagnostic(
                "fortisiem-requests-skipped",
                f"{others} data requests that are not rules were skipped",
                Severity.NOTICE,
                Place(file),
            )
        )
    return Loaded(rules, problems)


def too_many_rules(count: int, place: Place, limit: int) -> Diagnostic:
    """The diagnostic on a file that holds more rules than are read from one."""
    return Diagnostic(
        "fortisiem-too-many-rules",
        f"this file holds {count:,} rules and was not read; more than {limit:,} are not read from one file",
        place=place,
        hint="split it",
    )


def _parsed(text: str, file: str) -> etree._Element:
    if len(text) > MAX_BYTES:
        raise DogwatchError(Diagnostic("rule-file-too-large", "too much XML", place=Place(file)))
    doctype = _doctype(text)
    if doctype is not None:
        raise DogwatchError(
            Diagnostic(
                "xml-doctype",
                "this file has a document type declaration and was not read",
                place=Place(file, *line_and_column(text, doctype)),
                hint="remove `<!DOCTYPE ...>`; FortiSIEM's exports have none",
            )
        )
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise DogwatchError(_syntax(file, error)) from error


def _doctype(text: str) -> int | None:
    """Where a document type declaration begins, or ``None``: only the prolog can hold one."""
    at = 0
    while (at := text.find("<", at)) >= 0:
        if text.startswith("<!--", at):
            end = text.find("-->", at + 4)
        elif text.startswith("<?", at):
            end = text.find("?>", at + 2)
        else:
            return at if text[at : at + 9].upper() == "<!DOCTYPE" else None
        if end < 0:
            return None
        at = end
    return None


def _rule_elements(element: etree._Element) -> Iterator[etree._Element]:
    name = _local_name(element)
    if name == "Rule":
        yield element
        return
    inner = [each for child in element for each in _rule_elements(child)]
    if not inner and name == "DataRequest" and element.get("type", "").lower() == "rule":
        yield element
    yield from inner


def _node(element: etree._Element, places: XmlPlaces, depth: int) -> Node:
    if depth == 0 or len(element.attrib) > MAX_ATTRIBUTES:
        many = f"more than {MAX_DEPTH} elements stand in one another"
        if depth:
            many = f"`{_local_name(element)}` has more than {MAX_ATTRIBUTES} attributes"
        raise DogwatchError(
            Diagnostic("fortisiem-element-limit", f"{many}, so this rule is left out", place=places.of(element))
        )
    namespace, name = _names(element)
    text_place, steps = places.of_text(element) if name in LOGIC else (None, ())
    return Node(
        name,
        places.of(element),
        {str(key): str(value) for key, value in element.attrib.items()} if element.attrib else {},
        str(element.text or ""),
        [_node(child, places, depth - 1) for child in element],
        str(element.tail or ""),
        namespace=namespace,
        text_place=text_place,
        text_steps=steps,
    )


def _local_name(element: etree._Element) -> str:
    return _names(element)[1]


def _names(element: etree._Element) -> tuple[str, str]:
    """Its namespace and its name."""
    namespace, _, name = str(element.tag).rpartition("}")
    return namespace.removeprefix("{"), name


def _is_other_request(element: etree._Element) -> bool:
    return _local_name(element) == "DataRequest" and element.get("type", "").lower() != "rule"


def _not_a_rule(root: etree._Element, places: XmlPlaces) -> Diagnostic:
    return Diagnostic(
        "not-a-rule",
        f"this XML file holds no rule; its outermost element is `{_local_name(root)}`",
        place=places.of(root),
        hint='a rule is an element `Rule`, or a `DataRequest` with type="Rule"',
    )


def _syntax(file: str, error: etree.XMLSyntaxError) -> Diagnostic:
    line, column = error.position
    message = (error.msg or "not well formed").partition(", line ")[0].strip()
    # libxml2 ends a message on one of its limits with advice to whoever calls it, and begins others with its
    # own function's name.
    for advice in (", use XML_PARSE_HUGE", ", try XML_PARSE_HUGE"):
        message = message.partition(advice)[0]
    function, colon, rest = message.partition(": ")
    hint = "the file must be one whole XML document; `xmllint --noout` shows where it breaks"
    if "EntityRef" in function or message.startswith("Entity "):
        hint = "write `&amp;` for an ampersand and `&lt;` for a less-than sign, or put the text into CDATA"
    if colon and function.startswith("xmlParse"):
        message = f"{_FUNCTIONS.get(function, 'there is')} {rest}"
    if not message[:2].isupper():
        message = f"{message[:1].lower()}{message[1:]}"
    return Diagnostic(
        "xml-syntax",
        f"this file is not XML: {message}",
        place=Place(file, line or None, column or None),
        hint=hint,
    )
