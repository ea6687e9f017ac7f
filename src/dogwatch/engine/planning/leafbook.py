"""The distinct leaves of a plan: what each costs, what is known before it is asked, and what asks it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dogwatch.engine.kernels.leaf import CHEAP, LeafKernel, absent_answer, compile_leaf, cost_of, takes_null
from dogwatch.engine.kernels.mask import Flags
from dogwatch.engine.kernels.memory import Allowance
from dogwatch.engine.planning.families import Families
from dogwatch.engine.planning.graph import Numbers
from dogwatch.logic.predicate import Compare, Exists, Field, Leaf, Literal, Truth, fields_of

NO_FAMILY = -1


class LeafBook:
    """The leaves by number.

    Args:
        leaves: The leaves.
        allowance: What kernels and families may remember.
        cache: A folder of compiled patterns, if any is kept.

    Attributes:
        leaves: The leaves.
        fields: The fields that each reads.
        refs: The columns that they read.
        families: The families of those that are answered together.
        family_of: For each leaf the number of its family, or ``NO_FAMILY``.
        costs: What an answer of each costs, see ``cost_of``.
    """

    def __init__(self, leaves: Sequence[Leaf], allowance: Allowance, cache: Path | None) -> None:
        self.leaves = leaves
        self.fields: list[tuple[Field, ...]] = _fields(leaves)
        self.refs = tuple(dict.fromkeys(field.ref for own in self.fields for field in own))
        self.families = Families(allowance, cache)
        self._allowance = allowance
        self._kernels: dict[int, LeafKernel] = {}
        places = [self.families.place(number, leaf, self.fields[number]) for number, leaf in enumerate(leaves)]
        self.family_of = np.array([NO_FAMILY if place is None else place for place in places], np.int64)
        costs = [
            cost_of(leaf) if place is None else self.families.all[place].cost
            for leaf, place in zip(leaves, places, strict=True)
        ]
        self.costs = np.array(costs, np.int64)
        self._note_columns()

    def kernel(self, number: int) -> LeafKernel:
        """The kernel that answers a leaf by itself."""
        kernel = self._kernels.get(number)
        if kernel is None:
            kernel = self._kernels[number] = compile_leaf(self.leaves[number], self._allowance)
        return kernel

    def bounds(self, counts: Numbers, length: int) -> tuple[Numbers, Numbers]:
        """For each leaf, how many rows can be true and how many false at most, by which fields have values.

        Leaves that are costly to ask count as true for all rows if they can be true for any: they are asked late.

        Args:
            counts: For each of ``refs``, how many rows have a value.
            length: How many rows there are.
        """
        valued = np.append(counts, length)[self._slots]
        for number, slots in self._several:
            valued[number] = counts[slots].min()
        late = (valued > 0) & (self.costs > CHEAP)
        return np.where(self._true_of_none | late, length, valued), np.where(self._false_of_none, length, valued)

    def _note_columns(self) -> None:
        """For each leaf the place of its only column (-1: none counts), and what it answers without a value."""
        place = {ref: number for number, ref in enumerate(self.refs)}
        self._slots: Numbers = np.full(len(self.leaves), -1, np.int64)
        self._true_of_none: Flags = np.zeros(len(self.leaves), np.bool_)
        self._false_of_none: Flags = np.zeros(len(self.leaves), np.bool_)
        self._several: list[tuple[int, list[int]]] = []
        for number, (leaf, fields) in enumerate(zip(self.leaves, self.fields, strict=True)):
            if len(fields) == 1:
                self._slots[number] = place[fields[0].ref]
                self._note_absence(number, leaf, fields[0])
            elif fields and not takes_null(leaf):
                self._several.append((number, [place[field.ref] for field in fields]))

    def _note_absence(self, number: int, leaf: Leaf, field: Field) -> None:
        if isinstance(leaf, Exists):
            self._false_of_none[number] = True
        elif self.costs[number] > CHEAP:
            answer = absent_answer(leaf, field)
            self._true_of_none[number], self._false_of_none[number] = answer is True, answer is False


def _fields(leaves: Sequence[Leaf]) -> list[tuple[Field, ...]]:
    """The fields that each leaf reads; equal ones are one object."""
    own: dict[tuple[Field, ...], tuple[Field, ...]] = {}
    of_operand: dict[int, tuple[Field, ...]] = {}
    found = []
    for leaf in leaves:
        operand = _only_field(leaf)
        fields = of_operand.get(id(operand))
        if fields is None:
            fields = tuple(dict.fromkeys(fields_of(leaf)))
            fields = own.setdefault(fields, fields)
            if operand is not None:
                of_operand[id(operand)] = fields
        found.append(fields)
    return found


def _only_field(leaf: Leaf) -> Field | None:
    """The field that a leaf reads, if that is plain to see."""
    operand: object = None
    if isinstance(leaf, Exists):
        operand = leaf.field
    elif isinstance(leaf, Compare):
        if isinstance(leaf.right, Literal):
            operand = leaf.left
    elif not isinstance(leaf, Truth):
        operand = leaf.operand
    return operand if isinstance(operand, Field) else None
