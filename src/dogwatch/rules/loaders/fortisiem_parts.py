"""The parts of a FortiSIEM rule that say what it looks for, what it raises and when that clears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dogwatch.base.diagnostic import Diagnostic, Place, Severity, Steps
from dogwatch.base.message import count_of
from dogwatch.rules.fortisiem_model import (
    NOTHING_EXTRA,
    AttributeMapping,
    ClearCondition,
    IncidentDefinition,
    Operator,
    PatternClause,
    PatternClear,
    QuietClear,
    SubPattern,
    WatchListAddition,
)
from dogwatch.rules.loaders.fortisiem_node import Node

_DEFAULT_AGGREGATE = "COUNT(*) >= 1"

_LARGEST = 999_999_999
"""The largest whole number that is read."""


class PartReader:
    """Reads parts of one rule; every problem met is in ``problems``.

    Attributes:
        problems: Errors, warnings and notices, each with its place.
        read: Identities of nodes, wherever they stand, that are acted on and so need not be kept as data.
    """

    def __init__(self) -> None:
        self.problems: list[Diagnostic] = []
        self.read: set[int] = set()

    def incident(self, rule: Node) -> IncidentDefinition:
        """What the rule raises."""
        definition = rule.child("IncidentDef")
        if definition is None:
            self.error("rule-field-missing", "this rule has no `IncidentDef`", rule)
            return IncidentDefinition("", 0)
        return IncidentDefinition(
            definition.attributes.get("eventType", "").strip(),
            self.number(definition, "severity", low=0, high=10),
            tuple(self._mapping(definition, rule)),
            definition.rest(("eventType", "severity"), ("ArgList",), read=self.read),
        )

    def clause(self, owner: Node) -> PatternClause:
        """The pattern clause of a rule or a clear condition."""
        node = owner.child("PatternClause")
        if node is None:
            self.error("rule-field-missing", f"{_called(owner)} has no `PatternClause`", owner)
            return PatternClause(1, ())
        subpatterns = tuple(self._subpattern(each) for each in node.all("SubPattern"))
        operators = tuple(self._operator(each) for each in _operators(node))
        if not subpatterns:
            self.error("rule-field-missing", f"the pattern of {_called(owner)} has no `SubPattern`", node)
        elif len(operators) != len(subpatterns) - 1:
            self.error(
                "fortisiem-operators",
                f"{count_of(len(subpatterns), 'subpattern')} need {count_of(len(subpatterns) - 1, 'operator')}, "
                f"not {len(operators)}",
                node,
                hint="one stands between each two subpatterns: AND, OR, AND_NOT, FOLLOWED_BY or NOT_FOLLOWED_BY",
            )
        return PatternClause(
            self.number(node, "window", low=1, unit="seconds"),
            subpatterns,
            operators,
            *_constraint(node.child("GlobalConstr")),
            node.place,
            node.rest(("window",), ("GlobalConstr",), ("SubPattern", "Operator"), self.read),
        )

    def check_mapping(
        self, mapping: Sequence[AttributeMapping], subpatterns: Sequence[SubPattern], definition: Node | None
    ) -> None:
        """Report attributes that are taken from no subpattern, and subpatterns of one name."""
        names = [subpattern.name for subpattern in subpatterns]
        repeated = next((name for at, name in enumerate(names) if name and name in names[:at]), None)
        if repeated is not None:
            self.error("fortisiem-subpattern-repeated", f"two subpatterns have the name `{repeated}`", definition)
        for each in mapping:
            if names and each.subpattern not in names:
                self.problems.append(
                    Diagnostic(
                        "fortisiem-mapping",
                        f"`{each.attribute}` is taken from `{each.subpattern}`, which is no subpattern here",
                        place=each.place,
                        hint=f"subpatterns are {', '.join(names)}",
                    )
                )

    def clear(self, rule: Node) -> ClearCondition | None:
        """The rule's clear condition; ``None`` if it has none, or one of a kind that is not known."""
        node = rule.child("ClearCondition")
        if node is None:
            return None
        method = node.attributes.get("method", "").strip() or "Auto"
        match node.attributes.get("type", "").strip().lower():
            case "timebased":
                quiet = QuietClear(self._seconds(node, "QuietPeriod"))
                extra = node.rest(("method", "type"), ("QuietPeriod",), read=self.read)
                return ClearCondition(quiet, method, extra)
            case "patternbased":
                known = ("ClearIncidentDef", "ClearConstr", "PatternClause")
                extra = node.rest(("method", "type"), known, read=self.read)
                return ClearCondition(self._pattern_clear(node), method, extra)
            case other:
                self.warning(
                    "fortisiem-clear-unknown",
                    f"a clear condition of type `{other}` is not known, so no incident of this rule clears by it",
                    node,
                    hint="known are `timebased` and `patternbased`",
                )
                return None

    def watch_lists(self, rule: Node) -> Iterator[WatchListAddition]:
        """What the rule adds to watch lists; what cannot be read is kept as data, with a warning.

        It must be asked for before any part that keeps data, since these elements may stand anywhere. One that
        stands elsewhere than in the rule itself, or says more, is kept as data too.
        """
        kept: list[WatchListAddition] = []
        for node in rule.within("DynWatchListDef"):
            attribute = node.attributes.get("attr", "").strip()
            lists = tuple(name for each in node.all("WatchList") if (name := each.whole_text.strip()))
            if not (attribute and lists):
                self.warning(
                    "fortisiem-watch-list",
                    "this addition to a watch list lacks the attribute `attr` or the name of a list",
                    node,
                    hint='write <DynWatchListDef attr="user"><WatchList>Name</WatchList></DynWatchListDef>',
                )
                continue
            if any(node is each for each in rule.children) and _says_no_more(node):
                self.read.add(id(node))
                yield WatchListAddition(attribute, lists)
            else:
                kept.append(WatchListAddition(attribute, lists, is_kept=True))
        # Where they stand among the others is no part of what the rule says.
        yield from sorted(kept, key=lambda each: (each.attribute, each.lists))

    def check_watch_lists(
        self, added: Sequence[WatchListAddition], mapping: Sequence[AttributeMapping], rule: Node
    ) -> None:
        """Warn of additions of attributes that the incident does not have."""
        for each in added:
            if each.attribute not in (entry.attribute for entry in mapping):
                self.warning(
                    "fortisiem-watch-list",
                    f"`{each.attribute}` is no attribute of the incident, so nothing is added to "
                    f"{', '.join(each.lists)}",
                    rule,
                    hint="map it among the incident's attributes",
                )

    def number(self, node: Node, name: str, *, low: int, high: int | None = None, unit: str = "") -> int:
        """An attribute that holds a whole number; ``low`` after an error."""
        text, place = node.attributes.get(name, ""), node.attribute_places.get(name, node.place)
        return self._whole(text, place, f"`{node.name}` must have a `{name}`", low, high, unit)

    def error(
        self, code: str, message: str, node: Node | None, *, shown: str = "", hint: str | None = None
    ) -> None:
        """Report an error, which costs the rule."""
        self._report(code, message, node, Severity.ERROR, shown, hint)

    def warning(self, code: str, message: str, node: Node | None, *, hint: str | None = None) -> None:
        """Report a warning."""
        self._report(code, message, node, Severity.WARNING, "", hint)

    def _report(
        self, code: str, message: str, node: Node | None, severity: Severity, shown: str, hint: str | None
    ) -> None:
        told = f"{message}; found `{shown}`" if shown else message
        self.problems.append(Diagnostic(code, told, severity, None if node is None else node.place, hint=hint))

    def _seconds(self, node: Node, name: str) -> int:
        child = node.child(name)
        text = "" if child is None else child.whole_text
        return self._whole(text, (child or node).place, f"`{node.name}` must have a `{name}`", 1, None, "seconds")

    def _whole(self, text: str, place: Place, wanted: str, low: int, high: int | None, unit: str) -> int:
        value = whole_number(text)
        if value is not None and value >= low and (high is None or value <= high):
            return value
        if high is None and text.strip().isdecimal() and value is None:
            high = _LARGEST
        bounds = f"from {low}" if high is None else f"from {low} to {high}"
        found = f"; found `{text.strip()}`" if text.strip() else ""
        self.problems.append(
            Diagnostic(
                "rule-field-range" if found else "rule-field-missing",
                f"{wanted}, a whole number {f'of {unit} ' if unit else ''}{bounds}{found}",
                place=place,
            )
        )
        return low

    def _mapping(self, definition: Node, owner: Node) -> Iterator[AttributeMapping]:
        clause = owner.child("PatternClause")
        names = [] if clause is None else [_name_of(each) for each in clause.all("SubPattern")]
        for entry, place in definition.list_of("ArgList"):
            attribute, equals, source = (part.strip() for part in entry.partition("="))
            # A subpattern's name may hold points itself.
            named = max((name for name in names if source.startswith(f"{name}.")), key=len, default="")
            subpattern, dot, inner = (
                (named, ".", source[len(named) + 1 :].strip())
                if named
                else (part.strip() for part in source.partition("."))
            )
            if not (attribute and equals and subpattern and dot and inner):
                self.problems.append(
                    Diagnostic(
                        "fortisiem-mapping",
                        "an attribute of an incident is written `attribute = SubPattern.attribute`; "
                        f"found `{entry}`",
                        place=place,
                        hint="after the point stands an attribute by which the subpattern groups, or an aggregate",
                    )
                )
                continue
            yield AttributeMapping(attribute, subpattern, inner, place)

    def _subpattern(self, node: Node) -> SubPattern:
        name = _name_of(node)
        called = f"subpattern `{name}`" if name else "this subpattern"
        if not name:
            self.error("rule-field-missing", "this subpattern has no `name`", node)
        single, group = node.child("SingleEvtConstr"), node.child("GroupEvtConstr")
        condition = "" if single is None else single.whole_text
        aggregate = "" if group is None else group.whole_text
        if not condition.strip():
            self.error("rule-field-missing", f"{called} has no filter (`SingleEvtConstr`)", node)
        has_aggregate = group is not None and bool(aggregate.strip())
        if not has_aggregate:
            self._report(
                "fortisiem-no-aggregate",
                f"{called} has no aggregate; `{_DEFAULT_AGGREGATE}` is taken for it",
                node,
                Severity.NOTICE,
                "",
                "write it down if it is meant",
            )
        known = ("SingleEvtConstr", "GroupByAttr", "GroupEvtConstr")
        grouping = node.list_of("GroupByAttr")
        return SubPattern(
            name=name,
            filter=condition,
            group_by=tuple(name for name, _ in grouping),
            group_places=tuple(place for _, place in grouping),
            aggregate=aggregate if has_aggregate else _DEFAULT_AGGREGATE,
            display_name=node.attributes.get("displayName", ""),
            filter_place=None if single is None else single.text_place,
            filter_steps=() if single is None else single.text_steps,
            aggregate_place=group.text_place if group is not None and has_aggregate else None,
            aggregate_steps=group.text_steps if group is not None and has_aggregate else (),
            extra=node.rest(("name", "displayName"), known, read=self.read),
        )

    def _operator(self, node: Node) -> Operator:
        kind = node.attributes.get("type", "").strip()
        if not kind:
            self.error("rule-field-missing", "this operator has no `type`", node)
        rank = self.number(node, "rank", low=0) if node.attributes.get("rank", "").strip() else 0
        self.read.add(id(node))
        return Operator(kind, rank, node.rest(("type", "rank"), read=self.read))

    def _pattern_clear(self, node: Node) -> PatternClear:
        clause = self.clause(node)
        definition = node.child("ClearIncidentDef")
        name = "" if definition is None else definition.attributes.get("name", "").strip()
        if not name:
            self.error("rule-field-missing", "this clear condition has no `ClearIncidentDef` with a `name`", node)
        mapping = () if definition is None else tuple(self._mapping(definition, node))
        self.check_mapping(mapping, clause.subpatterns, definition or node)
        constraint, place, steps = _constraint(node.child("ClearConstr"))
        return PatternClear(
            name,
            mapping,
            constraint,
            clause,
            place,
            steps,
            NOTHING_EXTRA if definition is None else definition.rest(("name",), ("ArgList",), read=self.read),
        )


def whole_number(text: str) -> int | None:
    """A whole number of up to nine decimal digits, or ``None``."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(_LARGEST)) else None


def _name_of(subpattern: Node) -> str:
    return (subpattern.attributes.get("name") or subpattern.attributes.get("displayName") or "").strip()


def _operators(clause: Node) -> Iterator[Node]:
    """The operators of a clause, also those that an element of their own holds together."""
    for child in clause.children:
        if child.name == "Operator":
            yield child
        elif child.name != "SubPattern":
            yield from child.within("Operator")


def _says_no_more(definition: Node) -> bool:
    """Whether an addition to watch lists holds nothing but the attribute and the names of lists."""
    lists = definition.all("WatchList")
    return (
        definition.attributes.keys() == {"attr"}
        and len(lists) == len(definition.children)
        and not any(each.attributes or each.children or not each.text.strip() for each in lists)
    )


def _constraint(node: Node | None) -> tuple[str, Place | None, Steps]:
    if node is None or not (text := node.whole_text).strip():
        return "", None, ()
    return text, node.text_place, node.text_steps


def _called(owner: Node) -> str:
    return "this clear condition" if owner.name == "ClearCondition" else "this rule"
