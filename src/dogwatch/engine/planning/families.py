"""Leaves sorted into families: those about one column that one look at a text answers together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dogwatch.base.text import Fold
from dogwatch.engine.kernels.family import Equals, Family, Networks
from dogwatch.engine.kernels.leaf import members_of
from dogwatch.engine.kernels.memory import Allowance
from dogwatch.engine.kernels.together import MOST_ALONE, Patterns, is_large, patterns_of
from dogwatch.logic.predicate import Contains, Field, InNetwork, Leaf, Like


class Families:
    """The families of a plan.

    Args:
        allowance: What they may remember.
        cache: A folder of compiled patterns, if any is kept.

    Attributes:
        all: The families by number.
        large: Leaves of so many patterns that each has a family of its own, or none; and how many.
    """

    def __init__(self, allowance: Allowance, cache: Path | None) -> None:
        self.all: list[Family] = []
        self.large: dict[int, int] = {}
        self._allowance = allowance
        self._cache = cache
        # Fields are found by their identity: those that are equal are one object in here.
        self._columns: dict[Field, Field] = {}
        self._column_of: dict[int, Field | None] = {}
        self._equals: dict[tuple[int, int], tuple[int, Equals]] = {}
        self._networks: dict[int, tuple[int, Networks]] = {}
        self._patterns: dict[tuple[int, bool], tuple[int, Patterns]] = {}

    def place(self, number: int, leaf: Leaf, fields: Sequence[Field]) -> int | None:
        """The number of the family that a leaf has joined; ``None`` if it stands by itself.

        Args:
            number: The leaf's number.
            leaf: The leaf.
            fields: The fields that it reads; they must live as long as the families do.
        """
        field = self._column(fields[0]) if len(fields) == 1 else None
        if field is None:
            return None
        match leaf:
            case InNetwork(operand=Field()):
                return self._place_networks(number, leaf, field)
            case Like(operand=Field()) | Contains(operand=Field()):
                return self._place_patterns(number, leaf, field)
        members = members_of(leaf)
        if members is None:
            return None
        texts, fold = members
        key = (id(field), id(fold))
        place, family = self._equals.get(key) or (len(self.all), Equals(field, fold))
        if place == len(self.all):
            self.all.append(family)
            self._equals[key] = place, family
        family.join(number, texts)
        return place

    def _column(self, field: Field) -> Field | None:
        """The column of texts that a field reads, if it does."""
        if id(field) not in self._column_of:
            column = replace(field, mention=0)
            is_text = field.ref.type.is_text
            self._column_of[id(field)] = self._columns.setdefault(column, column) if is_text else None
        return self._column_of[id(field)]

    def _place_networks(self, number: int, leaf: InNetwork, field: Field) -> int | None:
        place, family = self._networks.get(id(field)) or (len(self.all), Networks(field, self._allowance))
        if not family.join(number, leaf):
            return None
        if place == len(self.all):
            self.all.append(family)
            self._networks[id(field)] = place, family
        return place

    def _place_patterns(self, number: int, leaf: Like | Contains, field: Field) -> int | None:
        patterns = patterns_of(leaf)
        key = (id(field), leaf.fold is Fold.UNICODE)
        known = self._patterns.get(key)
        if is_large(patterns):
            self.large[number] = len(patterns)
            if len(patterns) > MOST_ALONE:
                return None
            known = None
        place, family = known or (
            len(self.all),
            Patterns(field, lowered=key[1], allowance=self._allowance, cache=self._cache),
        )
        family.join(number, leaf)
        if place == len(self.all):
            self.all.append(family)
            if number not in self.large:
                self._patterns[key] = place, family
        return place
