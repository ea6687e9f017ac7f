"""From an aggregate's tree to a constraint over a group of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dogwatch.base.diagnostic import Span
from dogwatch.base.time import MILLISECOND
from dogwatch.languages.fortisiem import ast
from dogwatch.languages.fortisiem.ast import Attribute, Expression, FunctionCall, Group
from dogwatch.languages.fortisiem.attributes import attribute_path
from dogwatch.languages.fortisiem.functions import DEVICE_LIMIT, SHAPES, function_named
from dogwatch.languages.fortisiem.lookup import DESCRIBE, limit_name
from dogwatch.languages.fortisiem.measures import (
    QUERY_ONLY,
    STATISTICS,
    Measure,
    measure_named,
    suggest_measure,
)
from dogwatch.languages.fortisiem.operators import ORDERS
from dogwatch.languages.fortisiem.reading import Constant, Reading, shown
from dogwatch.logic.pattern import (
    Aggregate,
    AggregateAnd,
    AggregateCompare,
    AggregateExpression,
    AggregateFunction,
    AggregateOr,
    Arithmetic,
    Baseline,
    Constraint,
    Number,
    Text,
    Threshold,
)
from dogwatch.logic.predicate import Field, Order
from dogwatch.schema.field import FieldType

_OF_ANY_TYPE = frozenset({AggregateFunction.FIRST, AggregateFunction.LAST, AggregateFunction.MODE})
"""What gives back one of the values, of whatever type they are."""

_OF_DATES = _OF_ANY_TYPE | {
    AggregateFunction.MIN,
    AggregateFunction.MAX,
    AggregateFunction.AVG,
    AggregateFunction.MEDIAN,
    AggregateFunction.PCTILE,
}
"""What gives an instant where the values are instants."""

_MILLIS = Number(MILLISECOND)

AT_LEAST_ONE = AggregateCompare(Order.GE, Aggregate(AggregateFunction.COUNT), Number(1))
"""The constraint of a subpattern that states none."""


@dataclass(frozen=True, slots=True)
class AggregateLowering:
    """How the aggregates of one subpattern are lowered.

    Attributes:
        reading: The aggregate's text and where its problems go.
        group_by: What the subpattern is grouped by.
    """

    reading: Reading
    group_by: Sequence[Field]

    def constraint(self, node: ast.Condition, *, negated: bool = False) -> Constraint:
        """The constraint that an aggregate asks for; errors go to the reading's report.

        ``NOT`` is pushed down to the comparisons, which are unknown on both sides of it where a value is missing.
        """
        match node:
            case ast.And(parts=parts) | ast.Or(parts=parts):
                lowered = tuple(self.constraint(part, negated=negated) for part in parts)
                return AggregateAnd(lowered) if isinstance(node, ast.And) is not negated else AggregateOr(lowered)
            case ast.Not(part=part):
                return self.constraint(part, negated=not negated)
            case ast.Compare(op=op, left=left, right=right, span=span):
                return self._compare(op, left, right, span, negated=negated)
            case ast.Between(operand=operand, low=low, high=high, span=span):
                negated = negated is not node.negated
                ends = tuple(
                    self._compare(op, operand, end, span, negated=negated)
                    for op, end in ((">=", low), ("<=", high))
                )
                return AggregateOr(ends) if negated else AggregateAnd(ends)
            case ast.In(operand=operand, items=items):
                negated = negated is not node.negated
                equalities = tuple(self._equality(operand, item, negated=negated) for item in items)
                return AggregateAnd(equalities) if negated else AggregateOr(equalities)
            case _:
                message = "the values of a group are compared with =, !=, <, <=, >, >=, IN and BETWEEN only"
                self.reading.error("fortisiem-unsupported", message, node.span)
                return AT_LEAST_ONE

    def value(self, node: Expression) -> AggregateExpression | None:
        """The value of a group that an expression asks for; ``None`` after errors, which go to the report."""
        match node:
            case ast.Number(value=number):
                return Number(number)
            case ast.Text(value=text) | ast.Address(text=text):
                return Text(text)
            case ast.Arithmetic(op=op, left=left, right=right):
                one, other = self._number(left), self._number(right)
                if op == "/" and isinstance(right, ast.Number) and right.value == 0:
                    self.reading.never("a division by zero has no value, so this never holds", node.span)
                return None if one is None or other is None else Arithmetic(op, one, other)
            case ast.Negative(operand=operand):
                value = self._number(operand)
                return None if value is None else Arithmetic("-", Number(0), value)
            case FunctionCall():
                return self._call(node)
            case Attribute(name=name, span=span):
                message = f"`{shown(name)}` has a value for each event, and a group has many"
                hint = f"say which: AVG({name}), MAX({name}), LAST({name}), ...; or put a text in double quotes"
                self.reading.error("fortisiem-type", message, span, hint)
            case ast.Star():
                self.reading.error("fortisiem-type", "a star stands in COUNT(*) only", node.span)
        return None

    def _equality(self, operand: Expression, item: Expression | Group, *, negated: bool) -> Constraint:
        if isinstance(item, Group):
            message = "what is computed over events is compared with values, and not with `Group@...`"
            self.reading.error("fortisiem-type", message, item.span)
            return AT_LEAST_ONE
        return self._compare("=", operand, item, operand.span.to(item.span), negated=negated)

    def _compare(self, op: str, left: Expression, right: Expression, span: Span, *, negated: bool) -> Constraint:
        if isinstance(left, Constant) and isinstance(right, Constant):
            message = "this compares two constants"
            self.reading.error("fortisiem-type", message, span, "name an aggregate such as COUNT(*)")
            return AT_LEAST_ONE
        first, second = self.value(left), self.value(right)
        if first is None or second is None:
            return AT_LEAST_ONE
        one, other = self._like(first, left, second, right), self._like(second, right, first, left)
        if one is None or other is None:
            return AT_LEAST_ONE
        texts = (_is_text(one), _is_text(other))
        if texts[0] is not texts[1]:
            text, number = (left, right) if texts[0] else (right, left)
            message = f"{self._written(text)} is a text, and {self._written(number)} is a number"
            self.reading.error("fortisiem-type", message, span)
            return AT_LEAST_ONE
        if texts[0] and op not in ("=", "!="):
            message = f"{op} needs numbers, and {self._written(left)} is a text"
            self.reading.error("fortisiem-type", message, span, "texts are compared with = and !=")
            return AT_LEAST_ONE
        return AggregateCompare(ORDERS[op], one, other, negated=negated is not (op == "!="))

    def _like(
        self, value: AggregateExpression, node: Expression, other: AggregateExpression, of: Expression
    ) -> AggregateExpression | None:
        """A constant as the kind of value that it is compared with; anything else as it is."""
        if not isinstance(node, Constant):
            return value
        kind = _kind(other)
        # As LONG a whole number stays an integer, and a fraction one.
        found = self.reading.scalar(node, FieldType.LONG if kind.is_number else kind, of)
        match found:
            case str():
                return Text(found)
            case int() if kind is FieldType.DATE:
                return Number(found // MILLISECOND)
            case int() | float():
                return Number(found)
            case None:
                return None

    def _number(self, node: Expression) -> AggregateExpression | None:
        value = self.value(node)
        if value is not None and _is_text(value):
            message = f"{self._written(node)} is a text, and cannot be calculated with"
            self.reading.error("fortisiem-type", message, node.span)
            return None
        return value

    def _call(self, call: FunctionCall) -> AggregateExpression | None:
        name = call.name.upper()
        measure = measure_named(name)
        if measure is not None:
            found = self._measure(call, measure)
            return _in_millis(found) if found is not None and _is_date(found) else found
        if name in STATISTICS:
            return self._baseline(call)
        if name == DEVICE_LIMIT:
            return self._threshold(call)
        self._unknown(call)
        return None

    def _measure(self, call: FunctionCall, measure: Measure) -> Aggregate | None:
        function = measure.function
        if call.distinct and function is not AggregateFunction.COUNT:
            message = f"DISTINCT stands in COUNT(DISTINCT attribute), and not in {measure.name}"
            self.reading.error("fortisiem-unsupported", message, call.span)
            return None
        match call.args:
            case (ast.Star(),) if function is AggregateFunction.COUNT and not call.distinct:
                return Aggregate(function)
            case (Attribute() as attribute,) if function is AggregateFunction.COUNT:
                counted = AggregateFunction.COUNT_DISTINCT if call.distinct else function
                return Aggregate(counted, self.reading.field(attribute))
            case (Attribute() as attribute, percent) if measure.needs_percent:
                share = self._percent(percent)
                field = self._field(attribute, measure)
                return None if field is None or share is None else Aggregate(function, field, share)
            case (Attribute() as attribute,) if not measure.needs_percent:
                field = self._field(attribute, measure)
                return None if field is None else Aggregate(function, field, measure.percent)
            case _:
                hint = "COUNT(*) counts events" if function is AggregateFunction.COUNT else None
                takes = "one attribute"
                if measure.needs_percent:
                    hint, takes = "write PCTILE(attribute, 95)", "an attribute and a number"
                self.reading.error("fortisiem-type", f"{measure.name} takes {takes}", call.span, hint)
                return None

    def _percent(self, node: Expression | ast.Condition) -> float | None:
        if isinstance(node, ast.Number) and 0 < node.value <= 100:
            return float(node.value)
        message = "which percentile is a number above 0, and at most 100"
        self.reading.error("fortisiem-type", message, node.span, "write PCTILE(attribute, 95)")
        return None

    def _field(self, attribute: Attribute, measure: Measure) -> Field | None:
        """The values that a measure is over, as numbers unless it takes others."""
        kind = self.reading.known_type(attribute)
        if measure.function in _OF_ANY_TYPE or (kind is not None and kind.is_number):
            return self.reading.field(attribute)
        if kind is FieldType.DATE and measure.function in _OF_DATES:
            return self.reading.field(attribute)
        if kind is FieldType.DATE:
            message = f"{measure.name} is not computed over dates"
            self.reading.error(
                "fortisiem-type", message, attribute.span, "take MAX(...) - MIN(...), in milliseconds"
            )
            return None
        if kind is not None:
            message = f"`{attribute.name}` is not defined as a number; events where it holds none take no part"
            self.reading.note("fortisiem-type", message, attribute.span)
        return self.reading.field_as(attribute, FieldType.DOUBLE)

    def _baseline(self, call: FunctionCall) -> Baseline | None:
        shape = f"{call.name}(AVG(attribute):116)"
        match call.args:
            case (FunctionCall() as inner,) if call.profile is not None and not call.distinct:
                measure = measure_named(inner.name)
                if measure is None:
                    self._unknown(inner)
                    return None
                of = self._measure(inner, measure)
                self._check_profile(call.profile, call)
                return None if of is None else Baseline(STATISTICS[call.name.upper()], of, call.profile)
            case _:
                message = f"{call.name} takes an aggregate and the number of a baseline profile"
                self.reading.error("fortisiem-type", message, call.span, f"write {shape}")
                return None

    def _check_profile(self, profile: int, call: FunctionCall) -> None:
        if not self.reading.resources.has_profile(profile):
            message = (
                f"no file describes the baseline profile {profile}, so what is compared with it does not hold"
            )
            self.reading.missing("unknown-profile", str(profile), message, call.span, DESCRIBE)

    def _threshold(self, call: FunctionCall) -> Threshold | None:
        if len(call.args) not in (2, 3):
            message = f"{call.name} takes a device, perhaps a component, and a property"
            self.reading.error("fortisiem-type", message, call.span, f"write {SHAPES[DEVICE_LIMIT]}")
            return None
        name = limit_name(call, self.reading)
        named = [arg for arg in call.args[:-1] if isinstance(arg, Attribute)]
        for arg in call.args[:-1]:
            if not isinstance(arg, Attribute):
                message = "the device and the component are attributes that the subpattern is grouped by"
                self.reading.error("fortisiem-type", message, arg.span, f"write {SHAPES[DEVICE_LIMIT]}")
        if name is None or len(named) < len(call.args) - 1:
            return None
        device = self._grouped(named[0], "the limit of all devices")
        component = None if device is None or len(named) == 1 else self._grouped(named[1], "that of the device")
        return Threshold(device, component, name)

    def _grouped(self, attribute: Attribute, otherwise: str) -> int | None:
        """Which of the grouping attributes is named; ``None``, with a warning, if it is none of them."""
        paths = [field.ref.path for field in self.group_by]
        if attribute_path(attribute.name) in paths:
            return paths.index(attribute_path(attribute.name))
        name = shown(attribute.name)
        message = f"the subpattern is not grouped by `{name}`, so {otherwise} counts"
        self.reading.note("fortisiem-limit", message, attribute.span, f"add `{name}` to its group-by attributes")
        return None

    def _unknown(self, call: FunctionCall) -> None:
        name = call.name.upper()
        if name in QUERY_ONLY:
            message = f"{call.name} is over the time buckets of a query, which a rule has none of"
            self.reading.error("fortisiem-unsupported", message, call.span, "AVG is over the rule's window")
        elif name in STATISTICS:
            message = f"{call.name} is no aggregate to keep a baseline of"
            self.reading.error("fortisiem-type", message, call.span)
        elif function_named(name) is not None or name in SHAPES:
            message = f"{call.name} is of single events, and is not supported over a group of them"
            self.reading.error(
                "fortisiem-unsupported", message, call.span, "it belongs in the subpattern's filter"
            )
        else:
            likely = suggest_measure(name)
            hint = f"did you mean `{likely}`?" if likely else None
            message = f"there is no aggregate `{shown(call.name)}`"
            self.reading.error("fortisiem-unsupported", message, call.span, hint)

    def _written(self, node: Expression) -> str:
        return f"`{self.reading.text_of(node)}`"


def _kind(value: AggregateExpression) -> FieldType:
    """The type of a group's value: as the events hold it where it is one of theirs, else a number."""
    match value:
        case Text():
            return FieldType.KEYWORD
        case Aggregate(function=function, field=Field() as field) if function in _OF_ANY_TYPE:
            return FieldType.DOUBLE if field.ref.type.is_number else field.ref.type
        case Arithmetic(left=Aggregate() as left, right=right) if right == _MILLIS and _is_date(left):
            return FieldType.DATE
        case _:
            return FieldType.DOUBLE


def _is_text(value: AggregateExpression) -> bool:
    return _kind(value) not in (FieldType.DOUBLE, FieldType.DATE)


def _is_date(aggregate: Aggregate) -> bool:
    field = aggregate.field
    return field is not None and field.ref.type is FieldType.DATE and aggregate.function in _OF_DATES


def _in_millis(aggregate: Aggregate) -> Arithmetic:
    """An instant as FortiSIEM counts it; the engine counts nanoseconds."""
    return Arithmetic("/", aggregate, _MILLIS)
