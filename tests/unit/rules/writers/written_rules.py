"""FortiSIEM rules of every shape, in the form in which a loader gives them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from dogwatch.rules.fortisiem_model import (
    AttributeMapping,
    ClearCondition,
    Extra,
    IncidentDefinition,
    Operator,
    PatternClause,
    PatternClear,
    QuietClear,
    SubPattern,
    WatchListAddition,
    XmlElement,
)
from dogwatch.rules.loaders.fortisiem_fields import derived_threat
from dogwatch.rules.model import FortisiemRule, Level, instance_id

CHARS = st.one_of(
    st.sampled_from("ab1 <>&\"'\n\t\r:#-|%@`!*{}[],?~é\u2028\x85\ufeff\U0001f415]>="),
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
)
RAW = st.one_of(
    st.text(CHARS, max_size=20),
    st.sampled_from(
        ["yes", "1e3", "0x1F", "2026-11-22", "null", "~", "]]>", "<<", "- a", "a: b", "a #b", "\n a\n\n"]
    ),
)
TEXT = RAW.map(str.strip)
SAID = TEXT.filter(bool)
LOGIC = RAW.filter(lambda text: bool(text.strip()))
WORD = st.text("abcXYZ_09-.$ é<&\"'", min_size=1, max_size=8).map(str.strip).filter(bool)
NAME = st.text("abcXYZ_09", min_size=1, max_size=4)
SOURCE = st.one_of(NAME, st.sampled_from(["COUNT(*)", "COUNT(DISTINCT a, b)", "MAX(x.y)", "a = b"]))
GROUPED: st.SearchStrategy[tuple[str, ...]] = st.lists(
    SOURCE.filter(lambda each: "=" not in each), max_size=2
).map(tuple)
WORDS = st.lists(WORD, max_size=3).map(tuple)
TAGS = st.sampled_from(["New", "Other", "new_one", "a.b"])
ATTRIBUTES = st.dictionaries(st.sampled_from(["new", "other", "{urn:x}kept"]), RAW, max_size=2)
ELEMENTS = st.recursive(
    st.builds(XmlElement, TAGS, ATTRIBUTES.map(lambda each: tuple(each.items())), TEXT, tail=TEXT),
    lambda inner: st.builds(
        XmlElement,
        TAGS,
        ATTRIBUTES.map(lambda each: tuple(each.items())),
        TEXT,
        st.lists(inner, min_size=1, max_size=2).map(tuple),
        TEXT,
    ),
    max_leaves=3,
)


@st.composite
def extras(draw: st.DrawFn, *known: str) -> Extra:
    """Unknown things; of known elements, repeated ones."""
    elements = draw(st.lists(ELEMENTS, max_size=2))
    if draw(st.booleans()) and known:
        again = draw(st.sampled_from(known))
        elements.append(XmlElement(again, text=draw(SAID), tail=draw(TEXT)))
    return Extra(tuple(draw(ATTRIBUTES).items()), tuple(elements))


@st.composite
def clauses(draw: st.DrawFn) -> PatternClause:
    names = draw(st.lists(NAME, min_size=1, max_size=3, unique=True))
    subpatterns = tuple(
        SubPattern(
            name,
            draw(LOGIC),
            draw(GROUPED),
            draw(LOGIC),
            draw(RAW),
            extra=draw(extras("SingleEvtConstr", "GroupByAttr", "GroupEvtConstr")),
        )
        for name in names
    )
    operators = tuple(
        Operator(
            draw(st.sampled_from(["AND", "OR", "FOLLOWED_BY", "NEW WORD"])),
            draw(st.integers(0, 3)),
            draw(extras()),
        )
        for _ in names[1:]
    )
    return PatternClause(
        draw(st.integers(1, 999_999_999)),
        subpatterns,
        operators,
        draw(st.one_of(st.just(""), LOGIC)),
        extra=draw(extras("GlobalConstr")),
    )


def mappings(clause: PatternClause) -> st.SearchStrategy[tuple[AttributeMapping, ...]]:
    names = [each.name for each in clause.subpatterns]
    return st.lists(st.builds(AttributeMapping, NAME, st.sampled_from(names), SOURCE), max_size=3).map(tuple)


@st.composite
def clears(draw: st.DrawFn) -> ClearCondition:
    method = draw(st.sampled_from(["Auto", "Manual"]))
    if draw(st.booleans()):
        return ClearCondition(QuietClear(draw(st.integers(1, 10**6))), method, draw(extras("QuietPeriod")))
    clause = draw(clauses())
    constraint = draw(st.one_of(st.just(""), LOGIC))
    when = PatternClear(draw(WORD), draw(mappings(clause)), constraint, clause, extra=draw(extras("ArgList")))
    return ClearCondition(when, method, draw(extras("ClearConstr", "PatternClause")))


@st.composite
def rules(draw: st.DrawFn) -> FortisiemRule:
    clause = draw(clauses())
    severity = draw(st.integers(0, 10))
    event_type = draw(WORD)
    rule_id = draw(st.one_of(WORD, st.just(event_type)))
    sub_function = draw(st.one_of(WORD, st.sampled_from(["Execution", "Hardware", ""])))
    techniques = draw(st.sampled_from([(), ("T1059.004",), ("T1", "T2.1")]))
    kept = draw(extras("Name", "Remediation", "IncidentDef", "TriggerEventDisplay", "Dogwatch", "active"))
    own = draw(extras("Note", "Setup"))
    found: dict[str, object] = {
        "attributes": dict(kept.attributes),
        "elements": kept.elements,
        "own_attributes": dict(own.attributes),
        "own_elements": own.elements,
    }
    rule = FortisiemRule(
        instance_id=instance_id(rule_id),
        rule_id=rule_id,
        version=draw(st.sampled_from([1, 1, 2, 99])),
        name=draw(SAID),
        description=draw(TEXT),
        severity=Level.from_fortisiem(severity),
        enabled=draw(st.booleans()),
        threat=derived_threat(sub_function, techniques),
        extra={key: value for key, value in found.items() if value},
        incident=IncidentDefinition(event_type, severity, draw(mappings(clause)), draw(extras("ArgList"))),
        clause=clause,
        groups=draw(WORDS),
        category=draw(st.sampled_from(["Security", ""])),
        sub_function=sub_function,
        techniques=techniques,
        impacts=draw(WORDS),
        detection_technology=draw(TEXT),
        remediation=draw(TEXT),
        incident_title=draw(TEXT),
        triggered_attributes=draw(WORDS),
        clear_condition=draw(st.one_of(st.none(), clears())),
        watch_lists=draw(
            st.lists(
                st.builds(WatchListAddition, WORD, st.lists(SAID, min_size=1, max_size=2).map(tuple)), max_size=2
            ).map(tuple)
        ),
        notification_frequency=draw(st.one_of(st.none(), st.integers(1, 10**6))),
    )
    if not draw(st.booleans()):
        return rule
    texts = st.lists(SAID, max_size=2).map(tuple)
    return replace(
        rule,
        tags=draw(texts),
        references=draw(texts),
        false_positives=draw(texts),
        authors=draw(texts),
        data_sources=draw(texts),
        license=draw(TEXT),
        wording_license=draw(TEXT),
        origin=draw(TEXT),
        note=draw(TEXT),
        response=draw(TEXT),
        setup=draw(TEXT),
        release=draw(SAID),
        added_in=draw(st.one_of(st.none(), SAID)),
    )
