"""What relates the subpatterns of a clause to each other: the operators, and the global constraint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity, Span
from dogwatch.base.message import nearest
from dogwatch.languages.fortisiem.aggregate import AggregateLowering
from dogwatch.languages.fortisiem.attributes import attribute_path
from dogwatch.languages.fortisiem.joins import Join, Named, Side, parse_joins
from dogwatch.languages.fortisiem.operators import ORDERS, mirrored
from dogwatch.languages.fortisiem.parser import parse_value
from dogwatch.languages.fortisiem.reading import Reading, Report
from dogwatch.languages.fortisiem.relation import relation_named, relation_tree
from dogwatch.languages.source import check_text
from dogwatch.logic.pattern import AggregateExpression, AggregatePattern
from dogwatch.logic.predicate import Field
from dogwatch.logic.relation import (
    Fixed,
    JoinCompare,
    PartValue,
    Related,
    Relation,
    RelationTree,
    parts_of,
)
from dogwatch.schema.field import FieldType

MAX_SUBPATTERNS = 32
"""Subpatterns of one clause."""


def lower_relations(
    names: Sequence[str], operators: Sequence[tuple[str, int]], report: Report
) -> RelationTree | None:
    """The tree of the relations between the subpatterns of these names; ``None`` for one subpattern, or errors."""
    problems = list(_problems(names, operators))
    report.errors += problems
    if problems or len(names) == 1:
        return None
    relations = [(relation_named(word), rank) for word, rank in operators]
    return relation_tree([(relation, rank) for relation, rank in relations if relation is not None])


def _problems(names: Sequence[str], operators: Sequence[tuple[str, int]]) -> Iterator[Diagnostic]:
    code = "fortisiem-operators"
    if not names:
        yield Diagnostic("fortisiem-unsupported", "a clause without a subpattern looks for nothing")
    elif len(operators) != len(names) - 1:
        needed = len(names) - 1
        message = f"{len(names)} subpatterns need {needed} operators between them, and {len(operators)} are given"
        yield Diagnostic(code, message)
    if len(names) > MAX_SUBPATTERNS:
        yield Diagnostic("fortisiem-unsupported", f"more than {MAX_SUBPATTERNS} subpatterns in one clause")
    for word in dict.fromkeys(word for word, _ in operators if relation_named(word) is None):
        known = ", ".join(relation.value for relation in Relation)
        yield Diagnostic(code, f"`{word}` is no relation between subpatterns", hint=f"choose from {known}")
    for name in (name for name, count in Counter(names).items() if count > 1):
        yield Diagnostic("fortisiem-subpattern-repeated", f"two subpatterns have the name `{name}`")


def lower_shown(
    texts: Iterable[str], group_by: tuple[Field, ...], reading: Reading
) -> tuple[tuple[str, AggregateExpression], ...]:
    """The values that a group is to tell, each by its text."""
    values = (
        (text, _shown_value(AggregateLowering(reading.of(text), group_by), Span(0, len(text))))
        for text in dict.fromkeys(texts)
    )
    return tuple((text, value) for text, value in values if value is not None)


def lower_joins(
    text: str, parts: Sequence[AggregatePattern], relation: RelationTree | None, reading: Reading
) -> tuple[list[AggregatePattern], tuple[JoinCompare, ...]]:
    """The parts, showing also what is compared, and the comparisons of a global constraint."""
    reading = reading.of(text)
    try:
        parsed = parse_joins(text)
    except DogwatchError as error:
        reading.report.errors += error.diagnostics
        return list(parts), ()
    if parsed and len(parts) == 1:
        message = "a global constraint is between subpatterns, and there is one only"
        reading.error(
            "fortisiem-join", message, parsed[0].span, "ask for it in the subpattern's filter or aggregate"
        )
    lowering = _Joins(list(parts), reading)
    joins = tuple(join for join in map(lowering.join, parsed) if join is not None)
    if relation is not None and not reading.report.errors:
        _note_unjoined(relation, lowering.parts, joins, reading)
    return lowering.parts, joins


@dataclass(frozen=True, slots=True)
class _Joins:
    parts: list[AggregatePattern]
    reading: Reading

    def join(self, join: Join) -> JoinCompare | None:
        left, op, right = join.left, join.op, join.right
        if not isinstance(left, Named):
            left, op, right = right, mirrored(op), left
        if not isinstance(left, Named):
            self.reading.error("fortisiem-join", "this compares two constants", join.span)
            return None
        one = self._value(left)
        other = self._side(right, one)
        if one is None or other is None:
            return None
        return JoinCompare(ORDERS[op], one, other, negated=op == "!=")

    def _side(self, side: Side, other: PartValue | None) -> PartValue | Fixed | None:
        if isinstance(side, Named):
            return self._value(side)
        kind = None if other is None else self._kind(other)
        value = self.reading.scalar(side, kind) if kind else side.value
        return None if value is None else Fixed(value)

    def _kind(self, value: PartValue) -> FieldType | None:
        """The type of a grouping field; ``None`` for a value of another source."""
        if isinstance(value.source, str):
            return None
        return self.parts[value.part].group_by[value.source].ref.type

    def _value(self, side: Named) -> PartValue | None:
        names = [part.name for part in self.parts]
        if side.owner not in names:
            self._unknown_owner(side, names)
            return None
        number = names.index(side.owner)
        if "(" in side.source:
            return self._shown(side, number)
        grouped = [field.ref.path for field in self.parts[number].group_by]
        path = attribute_path(side.source)
        if path in grouped:
            return PartValue(number, grouped.index(path))
        self._not_grouped(side, [field.removeprefix(attribute_path("")) for field in grouped])
        return None

    def _shown(self, side: Named, number: int) -> PartValue | None:
        part = self.parts[number]
        span = Span(side.span.end - len(side.source), side.span.end)
        value = _shown_value(AggregateLowering(self.reading, part.group_by), span)
        if value is None:
            return None
        known = next((text for text, shown in part.shown if shown == value), None)
        if known is None:
            known = side.source
            self.parts[number] = replace(part, shown=(*part.shown, (known, value)))
        return PartValue(number, known)

    def _unknown_owner(self, side: Named, names: list[str]) -> None:
        if not side.owner:
            message = f"`{side.source}` is a value of which subpattern?"
            hint = f"write {names[0]}.{side.source}, or the name of another subpattern"
        else:
            message = f"there is no subpattern of the name `{side.owner}`"
            hint = _suggestion(side.owner, names) or f"choose from {', '.join(names)}"
        self.reading.error("fortisiem-join", message, side.span, hint)

    def _not_grouped(self, side: Named, grouped: list[str]) -> None:
        hint = _suggestion(side.source, grouped) or f"add `{side.source}` to what {side.owner} is grouped by"
        self.reading.error("fortisiem-join", f"{side.owner} is not grouped by `{side.source}`", side.span, hint)


def _shown_value(lowering: AggregateLowering, span: Span) -> AggregateExpression | None:
    """The value of the aggregate in a stretch of the text; ``None`` after errors."""
    source = lowering.reading.source
    try:
        check_text(source)
        # Blanks before it keep the places of what is read.
        node = parse_value(" " * span.start + source[span.start : span.end])
    except DogwatchError as error:
        lowering.reading.report.errors += (replace(each, source=source) for each in error.diagnostics)
        return None
    return lowering.value(node)


def _suggestion(name: str, known: Sequence[str]) -> str | None:
    meant = nearest(name, known)
    return f"did you mean `{meant}`?" if meant else None


def _note_unjoined(
    tree: RelationTree, parts: Sequence[AggregatePattern], joins: tuple[JoinCompare, ...], reading: Reading
) -> None:
    """Warn of each relation between whose sides nothing is compared, so that every pair of groups joins."""
    if not isinstance(tree, Related):
        return
    for side in (tree.left, tree.right):
        _note_unjoined(side, parts, joins, reading)
    left, right = set(parts_of(tree.left)), set(parts_of(tree.right))
    joined = any(join.parts & left and join.parts & right for join in joins)
    grouped = all(any(parts[number].group_by for number in side) for side in (left, right))
    if tree.relation is Relation.OR or joined or not grouped:
        return
    one, other = (" and ".join(parts[number].name for number in sorted(side)) for side in (left, right))
    message = f"nothing joins {one} with {other}: every group of one goes with every group of the other"
    hint = "compare their attributes in the global constraint"
    reading.report.notes.append(Diagnostic("fortisiem-no-join", message, Severity.WARNING, hint=hint))
