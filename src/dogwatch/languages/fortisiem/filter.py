"""From a filter's tree to a predicate.

A comparison with an absent attribute is unknown and so is its negation; only ``IS NULL`` is true of
absence. Texts are compared without regard to letter case unless asked.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from dogwatch.base.text import Fold
from dogwatch.languages.fortisiem import ast
from dogwatch.languages.fortisiem.ast import Address, Attribute, Expression, Group, Number, Text
from dogwatch.languages.fortisiem.attributes import RAW_MESSAGE
from dogwatch.languages.fortisiem.reading import Constant, Reading
from dogwatch.logic import predicate as logic
from dogwatch.logic.predicate import (
    NEVER,
    Call,
    Compare,
    Contains,
    Exists,
    Field,
    InNetwork,
    IsTrue,
    Leaf,
    Literal,
    Member,
    Order,
    Predicate,
    Regex,
    RegexDialect,
    conjunction,
    disjunction,
)
from dogwatch.schema.field import FieldType, Scalar

_ORDERS = {"=": Order.EQ, "!=": Order.EQ, "<": Order.LT, "<=": Order.LE, ">": Order.GT, ">=": Order.GE}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FUNCTIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


@dataclass(frozen=True, slots=True)
class FilterLowering:
    """How one filter is lowered.

    Attributes:
        reading: The filter's text and where its problems go.
        fold: How letter case is treated in texts.
        missing_differs: Whether a negated comparison is true of an event without the attribute.
    """

    reading: Reading
    fold: Fold
    missing_differs: bool

    def predicate(self, node: ast.Condition) -> Predicate:
        """The predicate that a condition asks for; errors go to the reading's report."""
        match node:
            case ast.And(parts=parts):
                return conjunction([self.predicate(part) for part in parts])
            case ast.Or(parts=parts):
                return disjunction([self.predicate(part) for part in parts])
            case ast.Not(part=part):
                return logic.Not(self.predicate(part))
            case ast.Compare():
                return _negated(self._compare(node), node.op == "!=")
            case ast.In(negated=negated):
                return _negated(self._in(node), negated)
            case ast.Between(negated=negated):
                return _negated(self._between(node), negated)
            case ast.IsNull(operand=operand, negated=negated):
                attribute = self._attribute(operand, "IS NULL")
                return _negated(Exists(self.reading.field(attribute)), not negated) if attribute else NEVER
            case ast.Contain(operand=operand, text=text, negated=negated):
                return _negated(self._contain(operand, text), negated)
            case ast.Regexp(operand=operand, pattern=pattern, negated=negated):
                return _negated(self._regexp(operand, pattern), negated)

    def _compare(self, node: ast.Compare) -> Predicate:
        left, op, right = node.left, node.op, node.right
        if isinstance(left, Constant):
            left, op, right = right, _MIRRORED.get(op, op), left
        if isinstance(left, Constant):
            self.reading.error("fortisiem-type", "this compares two constants", node.span, "name an attribute")
            return NEVER
        if isinstance(left, Attribute) and isinstance(right, Constant):
            return self._against(left, op, right)
        read = self._value if isinstance(left, Attribute) and isinstance(right, Attribute) else self._number
        one = read(left)
        other = read(right) if one is not None else None
        if one is None or other is None:
            return NEVER
        kinds = (_kind(one), _kind(other))
        if kinds[0] is not kinds[1] and not (kinds[0].is_number and kinds[1].is_number):
            self.reading.error("fortisiem-type", "the two sides hold different kinds of value", node.span)
            return NEVER
        fold = self.fold if kinds[0] is FieldType.KEYWORD else Fold.NONE
        return self._leaf(Compare(_ORDERS[op], one, other, fold))

    def _against(self, attribute: Attribute, op: str, constant: Constant) -> Predicate:
        ordered = op not in ("=", "!=")
        kind = self.reading.known_type(attribute)
        if kind is None:
            kind = _kind_of_constant(constant) if ordered else _kind_if_unknown((constant,))
        if ordered and kind is FieldType.KEYWORD:
            self._not_ordered(attribute, op)
            return NEVER
        field = self.reading.field_as(attribute, kind)
        if not ordered:
            return self._equals_any(field, (constant,))
        return self._order(field, _ORDERS[op], constant)

    def _order(self, operand: logic.Expression, op: Order, constant: Constant) -> Predicate:
        kind = _kind(operand)
        value = self.reading.scalar(constant, kind)
        return NEVER if value is None else self._leaf(Compare(op, operand, _literal(value, kind)))

    def _equals_any(self, field: Field, constants: tuple[Constant, ...]) -> Predicate:
        kind = field.ref.type
        networks: list[str] = []
        values: list[Scalar] = []
        leaves: list[Predicate] = []
        fold = self.fold if kind is FieldType.KEYWORD else Fold.NONE
        for constant in constants:
            network = _network(constant) if kind is FieldType.IP else None
            value = None if network else self.reading.scalar(constant, kind)
            match value:
                case None:
                    networks += [network] if network else []
                case str():
                    values.append(fold.apply(value))
                case float() if kind is FieldType.LONG:
                    # Never equal, but unknown where the attribute is absent: the leaf keeps that.
                    leaves.append(self._leaf(Compare(Order.EQ, field, _literal(value, kind))))
                case _:
                    values.append(value)
        values = list(dict.fromkeys(values))
        if len(values) == 1:
            leaves.append(self._leaf(Compare(Order.EQ, field, _literal(values[0], kind), fold)))
        elif values:
            leaves.append(self._leaf(Member(field, frozenset(values), fold)))
        if networks:
            leaves.append(self._leaf(InNetwork(field, tuple(dict.fromkeys(networks)))))
        return disjunction(leaves)

    def _in(self, node: ast.In) -> Predicate:
        attribute = self._attribute(node.operand, "IN")
        if attribute is None:
            return NEVER
        constants: list[Constant] = []
        for item in node.items:
            if isinstance(item, Group):
                self.reading.error(
                    "fortisiem-unsupported",
                    f"the members of the group `{item.name}` are needed, which no source gives yet",
                    item.span,
                    "list the values instead",
                )
            else:
                constants.append(item)
        kind = self.reading.known_type(attribute) or _kind_if_unknown(tuple(constants))
        return self._equals_any(self.reading.field_as(attribute, kind), tuple(constants))

    def _between(self, node: ast.Between) -> Predicate:
        operand: logic.Expression | None
        if isinstance(node.operand, Attribute):
            operand = self.reading.field(node.operand, _kind_of_constant(node.low))
            if _kind(operand) is FieldType.KEYWORD:
                self._not_ordered(node.operand, "BETWEEN")
                return NEVER
        else:
            operand = self._value(node.operand)
        if operand is None:
            return NEVER
        return conjunction([self._order(operand, Order.GE, node.low), self._order(operand, Order.LE, node.high)])

    def _contain(self, operand: Expression, text: Text) -> Predicate:
        attribute = self._attribute(operand, "CONTAIN")
        if attribute is None:
            return NEVER
        field = self._text_field(attribute)
        at_word_start = attribute.name == RAW_MESSAGE
        return self._leaf(Contains(field, self.fold.apply(text.value), self.fold, at_word_start))

    def _regexp(self, operand: Expression, pattern: Text) -> Predicate:
        attribute = self._attribute(operand, "REGEXP")
        if attribute is None:
            return NEVER
        return self._leaf(Regex(self._text_field(attribute), (pattern.value,), RegexDialect.PERL, self.fold))

    def _text_field(self, attribute: Attribute) -> Field:
        # A number or an address is looked at as the text that the event holds.
        self.reading.known_type(attribute)
        return self.reading.field_as(attribute, FieldType.KEYWORD)

    def _attribute(self, operand: Expression, operator: str) -> Attribute | None:
        match operand:
            case Attribute():
                return operand
            case ast.FunctionCall():
                self.reading.unsupported_call(operand)
            case _:
                self.reading.error(
                    "fortisiem-unsupported", f"{operator} is supported on attributes only", operand.span
                )
        return None

    def _value(self, node: Expression) -> logic.Expression | None:
        match node:
            case Attribute():
                return self.reading.field(node)
            case ast.Arithmetic() | ast.Negative() | Number():
                return self._number(node)
            case ast.FunctionCall():
                self.reading.unsupported_call(node)
            case _:
                self.reading.error("fortisiem-type", "a text cannot be calculated with", node.span)
        return None

    def _number(self, node: Expression) -> logic.Expression | None:
        match node:
            case ast.Arithmetic(op=op, left=left, right=right):
                operands = (self._number(left), self._number(right))
                one, other = operands
                return None if one is None or other is None else Call(_FUNCTIONS[op], (one, other))
            case ast.Negative(operand=operand):
                value = self._number(operand)
                return None if value is None else Call("negate", (value,))
            case Number(value=number):
                return _literal(number, FieldType.DOUBLE if isinstance(number, float) else FieldType.LONG)
            case Attribute():
                field = self.reading.field(node, FieldType.DOUBLE)
                if field.ref.type.is_number:
                    return field
                self.reading.error("fortisiem-type", f"`{node.name}` holds no numbers", node.span)
                return None
            case _:
                return self._value(node)

    def _not_ordered(self, attribute: Attribute, op: str) -> None:
        self.reading.error(
            "fortisiem-type",
            f"{op} needs numbers, addresses or dates, and `{attribute.name}` holds texts",
            attribute.span,
        )

    def _leaf(self, leaf: Leaf) -> Predicate:
        return IsTrue(leaf) if self.missing_differs else leaf


def _negated(predicate: Predicate, negated: bool) -> Predicate:
    return logic.Not(predicate) if negated else predicate


def _kind(expression: logic.Expression) -> FieldType:
    match expression:
        case Field(ref=ref):
            return ref.type
        case Literal(type=kind):
            return kind
        case Call():
            return FieldType.DOUBLE


def _kind_of_constant(constant: Constant) -> FieldType:
    match constant:
        case Number():
            return FieldType.DOUBLE
        case Address():
            return FieldType.IP
        case Text():
            return FieldType.KEYWORD


def _kind_if_unknown(constants: tuple[Constant, ...]) -> FieldType:
    """How to read an attribute of no known type: as addresses if all are, else as text, numbers included."""
    addresses = bool(constants) and all(isinstance(constant, Address) for constant in constants)
    return FieldType.IP if addresses else FieldType.KEYWORD


def _literal(value: Scalar, kind: FieldType) -> Literal:
    # A fraction compared with an integer field stays a fraction.
    return Literal(value, FieldType.DOUBLE if isinstance(value, float) else kind)


def _network(constant: Constant) -> str | None:
    text = constant.value if isinstance(constant, Text) else constant.text
    if "/" not in text:
        return None
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None
