"""Comparisons of a filter: with constants, with lists, with ranges, and of two values of an event."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from dogwatch.base.text import Fold
from dogwatch.languages.fortisiem import ast
from dogwatch.languages.fortisiem.ast import Address, Attribute, Expression, Group, Number, Text
from dogwatch.languages.fortisiem.attributes import attribute_displayed
from dogwatch.languages.fortisiem.dates import note_instant
from dogwatch.languages.fortisiem.membership import all_addresses, equal_to_any, holds_addresses, in_group
from dogwatch.languages.fortisiem.operand import Operands, literal
from dogwatch.languages.fortisiem.operators import ORDERS, mirrored
from dogwatch.languages.fortisiem.reading import KINDS, Constant, Reading
from dogwatch.logic import predicate as logic
from dogwatch.logic.predicate import (
    NEVER,
    Between,
    Compare,
    Field,
    IsTrue,
    Leaf,
    Literal,
    Order,
    Predicate,
    conjunction,
    disjunction,
)
from dogwatch.schema.field import FieldType


@dataclass(frozen=True, slots=True)
class Comparisons:
    """How the comparisons of one filter are lowered; what they give is not yet negated.

    Attributes:
        reading: The filter's text and where its problems go.
        fold: How letter case is treated in texts.
        missing_differs: Whether a negated comparison is true of an event without the attribute.
        in_branch: Whether this is a comparison with one of the values of an ``IF``, which may be a constant.
    """

    reading: Reading
    fold: Fold
    missing_differs: bool
    in_branch: bool = False

    @property
    def operands(self) -> Operands:
        """How operands are lowered."""
        return Operands(self.reading, self.fold)

    def asked(self, leaf: Leaf) -> Predicate:
        """A leaf, as it counts where an attribute is absent."""
        return IsTrue(leaf) if self.missing_differs else leaf

    def compare(self, node: ast.Compare) -> Predicate:
        """``=``, ``!=`` (as ``=``), ``<``, ``<=``, ``>``, ``>=``."""
        left, op, right = node.left, node.op, node.right
        if isinstance(left, Constant):
            left, op, right = right, mirrored(op), left
        if isinstance(left, Constant):
            if not self.in_branch:
                self._two_constants(node)
                return NEVER
            if isinstance(right, Number):
                left, op, right = right, mirrored(op), left
        if isinstance(right, Constant):
            return self._against(left, op, right)
        return self._between_operands(left, op, right, node)

    def member(self, node: ast.In) -> Predicate:
        """``IN``."""
        if isinstance(node.operand, Constant) and not self.in_branch:
            self.reading.error("fortisiem-type", "IN needs an attribute on its left", node.operand.span)
            return NEVER
        groups = [item for item in node.items if isinstance(item, Group)]
        constants = tuple(item for item in node.items if not isinstance(item, Group))
        kind = self.operands.kind(node.operand) or self._kind_of_items(constants, groups)
        operand = self.operands.value(node.operand, kind)
        if operand is None:
            return NEVER
        fold = self._fold(kind)
        for constant in constants if kind is FieldType.DATE else ():
            note_instant(constant, "=", self.reading)
        leaves = equal_to_any(operand, kind, constants, fold, self.reading, node.operand)
        for group in dict.fromkeys(groups):
            leaves += in_group(operand, kind, group, fold, self.reading)
        return self._any_of(list(dict.fromkeys(leaves)))

    def between(self, node: ast.Between) -> Predicate:
        """``BETWEEN``."""
        ends = (node.low, node.high)
        kind = self.operands.kind(node.operand)
        if kind is None:
            kind = next(
                (found for end in ends if (found := self._kind_of_end(end)) is not None), FieldType.KEYWORD
            )
        if isinstance(node.operand, Constant) and not self.in_branch:
            self.reading.error("fortisiem-type", "BETWEEN needs an attribute on its left", node.operand.span)
            return NEVER
        if kind is FieldType.KEYWORD:
            self._not_ordered(node.operand, "BETWEEN")
            return NEVER
        operand = self.operands.value(node.operand, kind)
        low, high = (self._end(end, kind, op, node.operand) for end, op in zip(ends, (">=", "<="), strict=True))
        if operand is None or low is None or high is None:
            return NEVER
        if isinstance(low, Literal) and isinstance(high, Literal):
            if _is_empty(low, high):
                always = "always" if node.negated else "never"
                self.reading.never(f"the low end is above the high end, so this {always} holds", node.span)
            if isinstance(operand, Field):
                return self.asked(Between(operand, low, high))
        ends_held = (Compare(Order.GE, operand, low), Compare(Order.LE, operand, high))
        return conjunction([self.asked(leaf) for leaf in ends_held])

    def _between_operands(self, left: Expression, op: str, right: Expression, node: ast.Compare) -> Predicate:
        if isinstance(right, Attribute):
            self.reading.known_type(right, "put it in double quotes if it is a text")
        kinds = [self.operands.kind(left), self.operands.kind(right)]
        one_kind, other_kind = (own or other or FieldType.KEYWORD for own, other in (kinds, reversed(kinds)))
        if one_kind is not other_kind and not (one_kind.is_number and other_kind.is_number):
            message = f"{self._holding(left, one_kind)}, and {self._holding(right, other_kind)}"
            hint = self._conversion((left, one_kind), (right, other_kind))
            self.reading.error("fortisiem-type", message, node.span, hint)
            return NEVER
        if op not in ("=", "!=") and one_kind is FieldType.KEYWORD:
            self._not_ordered(left, op)
            return NEVER
        one, other = self.operands.value(left, one_kind), self.operands.value(right, other_kind)
        if one is None or other is None:
            return NEVER
        fold = self.fold if one_kind is FieldType.KEYWORD else Fold.NONE
        return self.asked(Compare(ORDERS[op], one, other, fold))

    def _against(self, node: Expression, op: str, constant: Constant) -> Predicate:
        ordered = op not in ("=", "!=")
        kind = self.operands.kind(node)
        if kind is None:
            kind = _kind_of_constant(constant) if ordered else _kind_if_unknown((constant,))
        if ordered and kind is FieldType.KEYWORD:
            self._not_ordered(node, op, constant)
            return NEVER
        operand = self.operands.value(node, kind)
        if operand is None:
            return NEVER
        if kind is FieldType.DATE:
            note_instant(constant, op, self.reading)
        if not ordered:
            self._note_blank(constant, op)
            return self._any_of(equal_to_any(operand, kind, (constant,), self._fold(kind), self.reading, node))
        value = self.reading.scalar(constant, kind, node)
        return NEVER if value is None else self.asked(Compare(ORDERS[op], operand, literal(value, kind)))

    def _kind_of_items(self, constants: tuple[Constant, ...], groups: list[Group]) -> FieldType:
        """How to read an attribute of no known type: as addresses if all are, else as text, numbers included."""
        members = [self.reading.resources.group(group.name) for group in groups]
        known = [each for each in members if each is not None]
        written = all(isinstance(constant, Address) for constant in constants)
        addresses = (constants or known) and written and all(map(holds_addresses, known))
        return FieldType.IP if addresses else FieldType.KEYWORD

    def _kind_of_end(self, end: Expression) -> FieldType | None:
        return _kind_of_constant(end) if isinstance(end, Constant) else self.operands.kind(end)

    def _end(self, end: Expression, kind: FieldType, op: str, operand: Expression) -> logic.Expression | None:
        if not isinstance(end, Constant):
            return self.operands.value(end, kind)
        if kind is FieldType.DATE:
            note_instant(end, op, self.reading)
        value = self.reading.scalar(end, kind, operand)
        return None if value is None else literal(value, kind)

    def _fold(self, kind: FieldType) -> Fold:
        return self.fold if kind is FieldType.KEYWORD else Fold.NONE

    def _two_constants(self, node: ast.Compare) -> None:
        hint = next((found for side in (node.left, node.right) if (found := display_hint(side))), None)
        message = "this compares two constants"
        self.reading.error("fortisiem-type", message, node.span, hint or "name an attribute, without quotes")

    def _note_blank(self, constant: Constant, op: str) -> None:
        if op == "=" and isinstance(constant, Text) and not constant.value:
            self.reading.never(
                "an empty text counts as absent, so this never holds", constant.span, "write IS NULL"
            )

    def _holding(self, node: Expression, kind: FieldType) -> str:
        verb = "holds" if isinstance(node, Attribute) else "gives"
        return f"{self.reading.described(node)} {verb} {KINDS[kind]}"

    def _conversion(self, *sides: tuple[Expression, FieldType]) -> str | None:
        """How two values of different types can be compared."""
        kinds = [kind for _, kind in sides]
        if FieldType.DATE in kinds:
            return "put a date in double quotes" if any(kind.is_number for kind in kinds) else None
        if FieldType.KEYWORD not in kinds:
            return None
        has_number = any(kind.is_number for kind in kinds)
        node = next(node for node, kind in sides if (kind is FieldType.KEYWORD) is has_number)
        written = self.reading.text_of(node)
        return (
            f"TO_DOUBLE({written}) reads a text as a number" if has_number else f"TO_STRING({written}) is a text"
        )

    def _not_ordered(self, node: Expression, op: str, constant: Constant | None = None) -> None:
        name = self.reading.text_of(node)
        holder = self._holding(node, FieldType.KEYWORD)
        is_text = isinstance(constant, Text) and isinstance(node, Attribute)
        hint = None if is_text else f"TO_INTEGER({name}) reads a text as a number"
        message = f"{op} needs numbers, addresses or dates, and {holder}"
        self.reading.error("fortisiem-type", message, node.span, hint)

    def _any_of(self, leaves: list[Leaf]) -> Predicate:
        return disjunction([self.asked(leaf) for leaf in leaves])


def display_hint(node: Expression) -> str | None:
    """The attribute that a text in quotes was meant to be, if the product shows one by that name."""
    attribute = attribute_displayed(node.value) if isinstance(node, Text) else None
    return f"the product shows the attribute `{attribute}` by that name" if attribute else None


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
    return FieldType.IP if all_addresses(constants) else FieldType.KEYWORD


def _is_empty(low: Literal, high: Literal) -> bool:
    match (low.value, high.value):
        case (int() | float() as lower, int() | float() as upper):
            return lower > upper
        case (str() as lowest, str() as highest):
            one, other = ipaddress.ip_address(lowest), ipaddress.ip_address(highest)
            return one.version == other.version and int(one) > int(other)
        case _:
            return False
