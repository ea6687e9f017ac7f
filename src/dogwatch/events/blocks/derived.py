"""Derived fields, worked out once for each different case of their inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from dogwatch.events.blocks.memo import Memo
from dogwatch.events.storage import Coded, Flags, Numbers, codes_of, first_with_values, value_array
from dogwatch.schema.derived import DerivedField, derived_field
from dogwatch.schema.field import FieldRef, Scalar
from dogwatch.schema.fortisiem_transform import Values

_LARGEST = 1 << 62

_MOST_CASES = 1 << 13
_LONGEST_KEPT = 1024
"""Characters of a case that is worth remembering."""

Given = Callable[[FieldRef], Coded | None]
"""The values of a field as documents give them; ``None`` if no row has any."""

_Case = tuple[Values, ...]


class Derivations:
    """Works out derived fields; what it found for one case it knows for the next batch."""

    def __init__(self) -> None:
        self._known: dict[FieldRef, Memo[_Case, Values]] = {}

    def values(self, ref: FieldRef, given: Given) -> Coded | None:
        """A field's values, be it derived or not; ``None`` if no row has any.

        Args:
            ref: The field.
            given: Gives what the documents hold, of the field and of its inputs.
        """
        own = given(ref)
        field = derived_field(ref)
        if field is None:
            return own
        inputs = [given(source) for source in field.inputs]
        present = [part for part in inputs if part is not None]
        if not present and (own is None or field.widen is None):
            return own
        if own is not None and field.widen is None:
            has_own = own.sizes() > 0
            if all(has_own[part.sizes() > 0].all() for part in present):
                return own
        if field.takes_first:
            parts = [] if own is None else [(own, own.counts > 0)]
            return first_with_values([*parts, *((part, _counts(part)) for part in present)])
        return self._by_case(field, [own, *inputs])

    def _by_case(self, field: DerivedField, parts: Sequence[Coded | None]) -> Coded:
        if field.ref not in self._known:
            self._known[field.ref] = Memo(partial(_worked_out, field), _MOST_CASES, _is_short)
        known = self._known[field.ref]
        codes, first_rows = numbered([(part.codes, len(part.counts)) for part in parts if part is not None])
        columns = [_values_at(part, first_rows) for part in parts]
        cases = zip(*columns, strict=True)
        if len(first_rows) > _MOST_CASES // 2:
            # So many different ones in one batch will hardly come again.
            results = [_worked_out(field, case) for case in cases]
        else:
            results = [known[case] for case in cases]
        scalars: list[Scalar] = [scalar for values in results for scalar in values]
        counts = np.fromiter(map(len, results), np.int64, len(results))
        return Coded(codes, value_array(scalars, field.ref.type), np.cumsum(counts) - counts, counts)


def _worked_out(field: DerivedField, case: _Case) -> Values:
    return field.values(case[0], case[1:]) if any(case) else ()


def _is_short(case: _Case) -> bool:
    return sum(len(value) for values in case for value in values if isinstance(value, str)) <= _LONGEST_KEPT


def numbered(parts: Sequence[tuple[Numbers, int]]) -> tuple[Numbers, Numbers]:
    """The number of each row's combination of cases, and the first row of each combination.

    Args:
        parts: Codes of equal length, from -1 upwards, with how many there may be from 0 upwards.
    """
    whole = np.zeros(len(parts[0][0]), np.int64)
    size = 1
    for codes, count in parts:
        if size * (count + 1) > _LARGEST:
            whole, firsts = _renumbered(whole)
            size = len(firsts)
        whole = whole * (count + 1) + codes + 1
        size *= count + 1
    return _renumbered(whole)


def _renumbered(keys: Numbers) -> tuple[Numbers, Numbers]:
    codes = codes_of(pa.array(keys).dictionary_encode())
    firsts = np.zeros(codes.max(initial=-1) + 1, np.int64)
    # Written backwards, so that the first of several rows stays.
    firsts[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, firsts


def _values_at(part: Coded | None, rows: Numbers) -> list[Values]:
    if part is None:
        return [()] * len(rows)
    cases = [*part.cases(), ()]
    return [cases[code] for code in part.codes[rows].tolist()]


def _counts(part: Coded) -> Flags:
    """Which cases hold a value that is no empty text."""
    if not isinstance(part.flat, pa.DictionaryArray):
        return part.counts > 0
    empty = part.flat.dictionary.index("").as_py()
    filled = np.ones(len(part.flat), np.bool_) if empty < 0 else codes_of(part.flat) != empty
    before = np.zeros(len(filled) + 1, np.int64)
    np.cumsum(filled, out=before[1:])
    counts: Flags = before[part.starts + part.counts] > before[part.starts]
    return counts
