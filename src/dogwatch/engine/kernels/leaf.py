"""One leaf over one batch: compiled once, asked for all rows or for those still alive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, product
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dogwatch.base.text import Fold
from dogwatch.engine.kernels.column import Column, Columns, combined
from dogwatch.engine.kernels.mask import Flags, Mask, Rows
from dogwatch.engine.kernels.memory import Allowance, Memory
from dogwatch.engine.kernels.number import NumberTest, both, comparison, membership, on_clock
from dogwatch.engine.kernels.text import text_test
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
"""Kernels of at most this cost look at whole columns; those of more ask about values one by one."""

_COST_OF_TEXT: dict[type, int] = {InNetwork: 4, Like: 5, Contains: 6, Words: 7, AnyWord: 8, Regex: 8}
_COST_OF_CALL, _COST_OF_COMBINATIONS = 9, 10
_FLIPPED = {Order.LT: Order.GT, Order.LE: Order.GE, Order.GT: Order.LT, Order.GE: Order.LE, Order.EQ: Order.EQ}
_UNDECIDED, _TRUE, _FALSE, _NULL = range(4)

Decide = Callable[[Scalar], bool | None]
Table = npt.NDArray[np.uint8]


class LeafKernel(Protocol):
    """A leaf made ready to be asked."""

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        """The answers of some rows (``None``: of all)."""
        ...


def cost_of(leaf: Leaf) -> int:
    """What one answer costs, on a scale of 0 (a flag) to 10 (a function of several fields)."""
    fields = dict.fromkeys(fields_of(leaf))
    if isinstance(leaf, Exists) or not fields:
        return 0
    if len(fields) > 1:
        return _COST_OF_COMBINATIONS
    if members_of(leaf) is not None:
        return 1
    if _number_test(leaf) is not None:
        return CHEAP
    return _COST_OF_TEXT[type(leaf)] if _asks_field(leaf) else _COST_OF_CALL


def compile_leaf(leaf: Leaf, allowance: Allowance) -> LeafKernel:
    """The kernel that suits a leaf, whose memory takes from an allowance.

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
        return _PerCombination(leaf, fields, takes_null(leaf))
    if (number := _number_test(leaf)) is not None:
        return _Vectorised(fields[0], number)
    return _per_distinct(leaf, fields[0], Memory(allowance))


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A leaf that reads no field."""

    value: bool | None

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        count = columns.length if rows is None else len(rows)
        return Mask(np.full(count, self.value is True), np.ones(count, np.bool_) if self.value is None else None)


@dataclass(frozen=True, slots=True)
class _Presence:
    """Whether there is any value."""

    field: Field

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        present = columns[self.field].present
        if present is None:
            return Mask(np.ones(columns.length if rows is None else len(rows), np.bool_))
        return Mask(present if rows is None else present[rows])


@dataclass(frozen=True, slots=True)
class _Vectorised:
    """A test of whole columns of numbers."""

    field: Field
    test: NumberTest

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
    memory: Memory[int]
    absent: bool | None = None
    """The answer for a row without values."""

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        column = columns[self.field]
        slots = column.slots(rows)
        if column.texts is None:
            values, codes = column.distinct
            asked = codes[slots.at]
            count = len(values)
        else:
            asked = column.values[slots.at]
            count = len(column.texts)
        table = columns.tables.get(self)
        if table is None:
            table = columns.tables[self] = np.full(count, _UNDECIDED, np.uint8)
        undecided = asked[table[asked] == _UNDECIDED]
        if len(undecided):
            pending = np.zeros(count, np.bool_)
            pending[undecided] = True
            self._fill(columns, column, table, np.flatnonzero(pending))
        answers = table[asked]
        mask = slots.any(answers == _TRUE, answers != _NULL)
        if self.absent is None or column.present is None:
            return mask
        return mask.filled(~column.present if rows is None else ~column.present[rows], self.absent)

    def _fill(self, columns: Columns, column: Column, table: Table, codes: npt.NDArray[np.int64]) -> None:
        if column.texts is None:
            numbers = column.distinct[0]
            table[codes] = [_outcome(self.decide(numbers[code])) for code in codes.tolist()]
            columns.decided += len(codes)
            return
        texts = column.texts.folded(self.fold)
        found, anew = self.memory.outcomes([texts[code] for code in codes.tolist()], self._decide_all)
        table[codes] = found
        columns.decided += anew

    def _decide_all(self, texts: list[str]) -> list[int]:
        return [_outcome(self.decide(text)) for text in texts]


@dataclass(frozen=True, slots=True, eq=False)
class _PerCombination:
    """A question about several fields: the reference's answer, once for each combination of their values.

    Unless a function takes null, only for the rows that have a value of each field: the others are unknown.
    """

    leaf: Leaf
    fields: tuple[Field, ...]
    takes_null: bool

    def evaluate(self, columns: Columns, rows: Rows | None) -> Mask:
        table = columns.tables.get(self)
        if table is None:
            table = columns.tables[self] = np.full(columns.length, _UNDECIDED, np.uint8)
        asked = np.arange(columns.length) if rows is None else rows
        undecided = asked[table[asked] == _UNDECIDED]
        if len(undecided):
            table[undecided] = self._decide(columns, undecided)
        answers = table[asked]
        return Mask(answers == _TRUE, answers == _NULL)

    def _decide(self, columns: Columns, rows: Rows) -> Table:
        full = np.ones(len(rows), np.bool_)
        for field in () if self.takes_null else self.fields:
            present = columns[field].present
            if present is not None:
                full &= present[rows]
        outcomes = np.full(len(rows), _NULL, np.uint8)
        own = [columns[field] for field in self.fields]
        single: Flags = full & np.logical_and.reduce([column.count(rows) <= 1 for column in own])
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
            outcomes[places] = np.array([_outcome(each) for each in found], np.uint8)[which]
            columns.decided += len(found)
        for place in np.flatnonzero(full & ~single).tolist():
            asked = self._ask([column.row_values(int(rows[place])) for column in own])
            outcomes[place] = _outcome(asked)
            columns.decided += 1
        return outcomes

    def _ask(self, values: list[list[Scalar]]) -> bool | None:
        choices: list[list[Scalar | None]] = [[*own] or [None] for own in values]
        known = False
        for combination in islice(product(*choices), MAX_ASKINGS):
            found = answer(self.leaf, dict(zip(self.fields, combination, strict=True)))
            if found:
                return True
            known = known or found is not None
        return False if known else None


def _outcome(found: bool | None) -> int:
    return _NULL if found is None else _TRUE if found else _FALSE


def takes_null(node: Leaf | Expression) -> bool:
    """Whether a function in it has an answer for null."""
    match node:
        case Compare(left=left, right=right):
            return takes_null(left) or takes_null(right)
        case Call(function=function, args=args):
            parameters = FUNCTIONS[function].parameters
            return any(parameter.takes_null for parameter in parameters) or any(map(takes_null, args))
        case Mapped(args=args, nested=nested):
            return nested or any(map(takes_null, args))
        case Truth(call=call):
            return takes_null(call)
        case Member(operand=operand) | Like(operand=operand) | Contains(operand=operand) | Regex(operand=operand):
            return takes_null(operand)
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


def members_of(leaf: Leaf) -> tuple[frozenset[str], Fold] | None:
    """The folded texts of which a text must be one, if that is all that a leaf asks; and the fold."""
    match leaf:
        case (
            Compare(op=Order.EQ, left=Field(ref=ref), right=Literal(value=str() as text), fold=fold)
            | Compare(op=Order.EQ, left=Literal(value=str() as text), right=Field(ref=ref), fold=fold)
        ) if ref.type.is_text:
            return frozenset({fold.apply(text)}), fold
        case Member(operand=Field(ref=ref), values=values, fold=fold) if ref.type.is_text:
            return frozenset(value for value in values if isinstance(value, str)), fold
    return None


def absent_answer(leaf: Leaf, field: Field) -> bool | None:
    """What a leaf about one field answers where the field has no value."""
    return None if _asks_field(leaf) else answer(leaf, {field: None})


def _asks_field(leaf: Leaf) -> bool:
    """Whether a leaf asks its own question about the very values of a field."""
    return isinstance(leaf, Like | Contains | Regex | InNetwork | Words | AnyWord) and isinstance(
        leaf.operand, Field
    )


def _per_distinct(leaf: Leaf, field: Field, memory: Memory[int]) -> _PerDistinct:
    absent = absent_answer(leaf, field)
    if not isinstance(leaf, Like | Contains | Regex | InNetwork | Words | AnyWord):
        return _PerDistinct(field, Fold.NONE, lambda value: answer(leaf, {field: value}), memory, absent)
    fold, test = text_test(leaf)
    if _asks_field(leaf):
        return _PerDistinct(field, fold, _of_field(test, is_text=field.ref.type.is_text), memory)
    return _PerDistinct(field, Fold.NONE, _of_expression(leaf.operand, field, fold, test), memory, absent)


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
