"""Rules in FortiSIEM's XML: one ``Rule``, ``Rules``, or ``DataRequests`` with entries of type ``Rule``.

The parser is given nothing that could reach out of the file or grow within it: a document type declaration
is refused before parsing, so that there are no entities, and nesting and text are limited by libxml2.

No format document is public; the element layout follows what the vendor's own Sigma converter writes
(https://github.com/FortiSIEM/pySigma-backend-fortisiem).
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from dogwatch.base.diagnostic import Diagnostic, Place, Severity, line_and_column
from dogwatch.rules.loaders.fortisiem_fields import line_of, local_name, read_fortisiem_rule
from dogwatch.rules.loaders.source import MAX_BYTES, Loaded
from dogwatch.rules.model import FortisiemRule


def load(text: str, file: str) -> Loaded:
    """The rules of one XML file, and a diagnostic for whatever could not be read.

    Args:
        text: The file's text; an encoding declared in it is ignored, since it is decoded already.
        file: Its name, for diagnostics and places.
    """
    if len(text) > MAX_BYTES:
        return Loaded(diagnostics=[Diagnostic("rule-file-too-large", "too much XML", place=Place(file))])
    doctype = _doctype(text)
    if doctype is not None:
        return Loaded(
            diagnostics=[
                Diagnostic(
                    "xml-doctype",
                    "this file has a document type declaration and was not read",
                    place=Place(file, *line_and_column(text, doctype)),
                    hint="remove `<!DOCTYPE ...>`; FortiSIEM's exports have none",
                )
            ]
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
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        return Loaded(diagnostics=[_syntax(file, error)])
    lines = text.split("\n")
    rules: list[FortisiemRule] = []
    problems: list[Diagnostic] = []
    found = False
    for element in _rule_elements(root):
        found = True
        rule, met = read_fortisiem_rule(element, file, lines)
        problems += met
        if rule is not None:
            rules.append(rule)
    if not found:
        problems.append(
            Diagnostic(
                "not-a-rule",
                f"this XML file holds no rule; its outermost element is `{local_name(root)}`",
                place=Place(file, line_of(root)),
                hint='a rule is an element `Rule`, or a `DataRequest` with type="Rule"',
            )
        )
    elif others := sum(1 for each in root.iter() if _is_other_request(each)):
        problems.append(
            Diagnostic(
                "fortisiem-requests-skipped",
                f"{others} data requests that are not rules were skipped",
                Severity.NOTICE,
                Place(file),
            )
        )
    return Loaded(rules, problems)


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
    name = local_name(element)
    if name == "Rule":
        yield element
        return
    inner = [each for child in element for each in _rule_elements(child)]
    if not inner and name == "DataRequest" and element.get("type", "").lower() == "rule":
        yield element
    yield from inner


def _is_other_request(element: etree._Element) -> bool:
    return local_name(element) == "DataRequest" and element.get("type", "").lower() != "rule"


def _syntax(file: str, error: etree.XMLSyntaxError) -> Diagnostic:
    line, column = error.position
    message = (error.msg or "not well formed").partition(", line ")[0]
    return Diagnostic(
        "xml-syntax",
        f"this file is not XML: {message[:1].lower()}{message[1:]}",
        place=Place(file, line or None, column or None),
        hint="the file must be one whole XML document; `xmllint --noout` shows where it breaks",
    )
