"""One leaf over one batch: compiled once, asked for all rows or for those still alive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dogwatch.base.text import Fold
from dogwatch.engine.kernels.column import Column, Columns, combined
from dogwatch.engine.kernels.mask import Mask, Rows
from dogwatch.engine.kernels.number import NumberTest, both, comparison, membership, on_clock
from dogwatch.engine.kernels.text import text_test
from dogwatch.engine.kernels.together import PatternGroup, PatternGroups
from dogwatch.engine.reference.predicate import MAX_ASKINGS, answer, compute
from dogwatch.logic.functions import FUNCTIONS
from dogwatch.logic.predicate import (
    AnyWord,
    Between,
    Call,
    Compare,
    Contains,
    Exists,
    Expression,
    Field,
    InNetwork,
    Leaf,
    Like,
    Listed,
    Literal,
    Mapped,
    Member,
    Order,
    Regex,
    Truth,
    Words,
    fields_of,
)
from dogwatch.schema.field import FieldType, Scalar

CHEAP = 2
"""Kernels of at most this cost are worked out for all rows at once."""

_COST_OF_TEXT: dict[type, int] = {InNetwork: 4, Like: 5, Contains: 6, Words: 7, AnyWord: 8, Regex: 8}
_COST_OF_CALL, _COST_OF_COMBINATIONS = 9, 10
_FLIPPED = {Order.LT: Order.GT, Order.LE: Order.GE, Order.GT: Order.LT, Order.GE: Order.LE, Order.EQ: Order.EQ}
_UNDECIDED, _TRUE, _FALSE, _NULL = range(4)

_NOBODY = np.zeros(0, np.int64)

Decide = Callable[[Scalar], bool | None]


class LeafKernel(Protocol):
    """A leaf made ready to be asked.

    Attributes:
        cost: Its place among the leaves, cheapest first.
    """

    @property
    def cost(self) -> int:
        """What one answer costs, on a scale of 0 (a flag) to 10 (a function of several fields)."""
        ...

    def estimate(self, columns: Columns) -> int:
        """About how many rows satisfy it; found without asking them."""
        ...

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        """The answers of some rows (``None``: of all)."""
        ...


def compile_leaf(leaf: Leaf, groups: PatternGroups) -> LeafKernel:
    """The kernel that suits a leaf; wildcards also join one of the plan's groups.

    Raises:
        DogwatchError: A regular expression is not supported.
        TypeError: The leaf asks about a watch list.
    """
    if isinstance(leaf, Listed):
        raise TypeError("no column tells what is on a watch list: use `loosened`")
    fields = tuple(dict.fromkeys(fields_of(leaf)))
    if isinstance(leaf, Exists):
        return _Presence(leaf.field)
    if not fields:
        return _Fixed(answer(leaf, {}))
    if len(fields) > 1:
        return _PerCombination(leaf, fields, _takes_null(leaf))
    if (number := _number_test(leaf)) is not None:
        return _Vectorised(fields[0], number)
    if (members := _members(leaf)) is not None:
        return _Lookup(fields[0], *members)
    return _per_distinct(leaf, fields[0], groups)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A leaf that reads no field."""

    value: bool | None
    cost: int = 0

    def estimate(self, columns: Columns) -> int:
        return columns.length if self.value else 0

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        count = columns.length if rows is None else len(rows)
        return Mask(np.full(count, self.value is True), np.ones(count, np.bool_) if self.value is None else None)


@dataclass(frozen=True, slots=True)
class _Presence:
    """Whether there is any value."""

    field: Field
    cost: int = 0

    def estimate(self, columns: Columns) -> int:
        rows = columns[self.field].rows
        return columns.length if rows is None else len(rows)

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        present = columns[self.field].present
        if present is None:
            return Mask(np.ones(columns.length if rows is None else len(rows), np.bool_))
        return Mask(present if rows is None else present[rows])


@dataclass(frozen=True, slots=True)
class _Lookup:
    """Equality of a text with one of some texts: looked up among the distinct values."""

    field: Field
    members: frozenset[str]
    fold: Fold
    cost: int = 1

    def estimate(self, columns: Columns) -> int:
        column = columns[self.field]
        codes = column.codes_of(self.members, self.fold)
        return int(column.counts[codes].sum()) if codes else 0

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        column = columns[self.field]
        slots = column.slots(rows)
        codes = column.codes_of(self.members, self.fold)
        values = column.values[slots.at]
        if not codes:
            return slots.any(np.zeros(len(values), np.bool_))
        return slots.any(values == codes[0] if len(codes) == 1 else column.coded(codes)[values])


@dataclass(frozen=True, slots=True)
class _Vectorised:
    """A test of whole columns of numbers."""

    field: Field
    test: NumberTest
    cost: int = 2

    def estimate(self, columns: Columns) -> int:
        return len(columns[self.field].values) // 2

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        column = columns[self.field]
        slots = column.slots(rows)
        return slots.any(self.test(column.values[slots.at]))


@dataclass(frozen=True, slots=True, eq=False)
class _PerDistinct:
    """A question decided once for each distinct value that is asked about."""

    field: Field
    fold: Fold
    decide: Decide
    cost: int
    group: PatternGroup | None = None
    number: int = 0
    absent: bool | None = None
    """The answer for a row without values."""

    def estimate(self, columns: Columns) -> int:
        return len(columns[self.field].values) // 2

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        column = columns[self.field]
        values, codes = column.distinct
        slots = column.slots(rows)
        asked = codes[slots.at]
        table = columns.tables.get(self)
        if table is None:
            table = columns.tables[self] = np.full(len(values), _UNDECIDED, np.uint8)
        undecided = asked[table[asked] == _UNDECIDED]
        if len(undecided):
            self._fill(table, undecided, column, values)
        answers = table[asked]
        mask = slots.any(answers == _TRUE, answers != _NULL)
        if self.absent is None or column.present is None:
            return mask
        return mask.filled(~column.present if rows is None else ~column.present[rows], self.absent)

    def _fill(
        self,
        table: npt.NDArray[np.uint8],
        undecided: npt.NDArray[np.integer[Any]],
        column: Column,
        values: list[Scalar],
    ) -> None:
        if self.group is not None and self._fill_from_pass(table, undecided, column):
            return
        pending = np.zeros(len(table), np.bool_)
        pending[undecided] = True
        folded = column.folded(self.fold) if self.fold is not Fold.NONE and column.texts is not None else values
        decide = self.decide
        for code in np.flatnonzero(pending).tolist():
            found = decide(folded[code])
            table[code] = _TRUE if found else _NULL if found is None else _FALSE

    def _fill_from_pass(
        self, table: npt.NDArray[np.uint8], undecided: npt.NDArray[np.integer[Any]], column: Column
    ) -> bool:
        """Decides all values from the group's pass over the column, if there was one or one is due."""
        group = self.group
        if group is None:
            return False
        found = column.passes.get(group)
        if found is None:
            asked = column.asked.get(group, 0) + min(len(undecided), len(table))
            column.asked[group] = asked
            if not group.is_due(asked, len(table)):
                return False
            found = group.scan(column.folded(self.fold))
            if found is None:
                return False
            column.passes[group] = found
        table[:] = _FALSE
        table[found.get(self.number, _NOBODY)] = _TRUE
        return True


@dataclass(frozen=True, slots=True, eq=False)
class _PerCombination:
    """A question about several fields: the reference's answer, once for each combination of their values.

    Unless a function takes null, only for the rows that have a value of each field: the others are unknown.
    """

    leaf: Leaf
    fields: tuple[Field, ...]
    takes_null: bool
    cost: int = _COST_OF_COMBINATIONS

    def estimate(self, columns: Columns) -> int:
        return columns.length // 2

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        if rows is None:
            rows = np.arange(columns.length)
        full = np.ones(len(rows), np.bool_)
        for field in () if self.takes_null else self.fields:
            present = columns[field].present
            if present is not None:
                full &= present[rows]
        true, unknown = np.zeros(len(rows), np.bool_), np.ones(len(rows), np.bool_)
        own = [columns[field] for field in self.fields]
        own = [columns[field] for field in self.fields]
        single = full & np.logical_and.reduce([column.count(rows) <= 1 for column in own])
        places = np.flatnonzero(single)
        if len(places):
            # One row stands for all that hold the same values.
            _, first, which = np.unique(
                combined([column.codes(rows[places]) for column in own]), return_index=True, return_inverse=True
            )
            values = [column.first_values(rows[places[first]]) for column in own]
            found = [
                answer(self.leaf, dict(zip(self.fields, each, strict=True))) for each in zip(*values, strict=True)
            ]
            true[places] = np.array([each is True for each in found], np.bool_)[which]
            unknown[places] = np.array([each is None for each in found], np.bool_)[which]
        for place in np.flatnonzero(full & ~single).tolist():
            asked = self._ask([column.row_values(int(rows[place])) for column in own])
            true[place], unknown[place] = asked is True, asked is None
        return Mask(true, unknown)

    def _ask(self, values: list[list[Scalar]]) -> bool | None:
        choices: list[list[Scalar | None]] = [[*own] or [None] for own in values]
        known = False
        for combination in islice(product(*choices), MAX_ASKINGS):
            found = answer(self.leaf, dict(zip(self.fields, combination, strict=True)))
            if found:
                return True
            known = known or found is not None
        return False if known else None


def _takes_null(node: Leaf | Expression) -> bool:
    """Whether a function in it has an answer for null."""
    match node:
        case Compare(left=left, right=right):
            return _takes_null(left) or _takes_null(right)
        case Call(function=function, args=args):
            parameters = FUNCTIONS[function].parameters
            return any(parameter.takes_null for parameter in parameters) or any(map(_takes_null, args))
        case Mapped(args=args, nested=nested):
            return nested or any(map(_takes_null, args))
        case Truth(call=call):
            return _takes_null(call)
        case Member(operand=operand) | Like(operand=operand) | Contains(operand=operand) | Regex(operand=operand):
            return _takes_null(operand)
        case _:
            return False


def _number_test(leaf: Leaf) -> NumberTest | None:
    match leaf:
        case Compare(op=op, left=operand, right=Literal(value=bool() | int() | float() as bound)):
            return _of_numbers(operand, comparison(op, bound))
        case Compare(op=op, left=Literal(value=bool() | int() | float() as bound), right=operand):
            return _of_numbers(operand, comparison(_FLIPPED[op], bound))
        case Member(operand=operand, values=values):
            return _of_numbers(operand, membership(value for value in values if not isinstance(value, str)))
        case Between():
            low, high = (_number_test(end) for end in leaf.ends)
            return both(low, high) if low is not None and high is not None else None
    return None


def _of_numbers(operand: Expression, test: NumberTest) -> NumberTest | None:
    """The test of an operand as one of its field's column, if that is one of numbers and the operand is simple."""
    match operand:
        case Field(ref=ref):
            return None if ref.type.is_text else test
        case Call(function="hour_of_day" | "day_of_week" as part, args=(Field(ref=ref),)):
            return on_clock(part, test) if ref.type in (FieldType.DATE, FieldType.LONG) else None
    return None


def _members(leaf: Leaf) -> tuple[frozenset[str], Fold] | None:
    match leaf:
        case (
            Compare(op=Order.EQ, left=Field(ref=ref), right=Literal(value=str() as text), fold=fold)
            | Compare(op=Order.EQ, left=Literal(value=str() as text), right=Field(ref=ref), fold=fold)
        ) if ref.type.is_text:
            return frozenset({fold.apply(text)}), fold
        case Member(operand=Field(ref=ref), values=values, fold=fold) if ref.type.is_text:
            return frozenset(value for value in values if isinstance(value, str)), fold
    return None


def _per_distinct(leaf: Leaf, field: Field, groups: PatternGroups) -> _PerDistinct:
    if not isinstance(leaf, Like | Contains | Regex | InNetwork | Words | AnyWord):
        absent = answer(leaf, {field: None})
        return _PerDistinct(
            field, Fold.NONE, lambda value: answer(leaf, {field: value}), _COST_OF_CALL, absent=absent
        )
    fold, test = text_test(leaf)
    if leaf.operand == field:
        is_text = field.ref.type.is_text
        joined = groups.join(leaf) if is_text and isinstance(leaf, Like | Contains) else None
        group, number = joined or (None, 0)
        decide = _of_field(test, is_text=is_text)
        return _PerDistinct(field, fold, decide, _COST_OF_TEXT[type(leaf)], group, number)
    decide = _of_expression(leaf.operand, field, fold, test)
    return _PerDistinct(field, Fold.NONE, decide, _COST_OF_CALL, absent=answer(leaf, {field: None}))


def _of_field(test: Callable[[str], bool], *, is_text: bool) -> Decide:
    if is_text:
        return test  # type: ignore[return-value] # a text column holds nothing but texts
    return lambda _: False


def _of_expression(operand: Expression, field: Field, fold: Fold, test: Callable[[str], bool]) -> Decide:
    def decide(value: Scalar) -> bool | None:
        computed = compute(operand, {field: value})
        if computed is None:
            return None
        return isinstance(computed, str) and test(fold.apply(computed))

    return decide
