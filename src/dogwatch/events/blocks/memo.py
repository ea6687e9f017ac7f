"""What was worked out for one value, kept for the batches that follow."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from dogwatch.schema.coerce import Missing, field_coercion
from dogwatch.schema.field import FieldRef, FieldType, Scalar

_MOST_SCALARS = 1 << 15
_LONGEST_KEPT = 256
"""Characters of a text that is worth remembering: the types that have to be worked out have short ones."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memo(Generic[Key, Value]):
    """Answers by question, so many at most; a full one starts anew.

    Args:
        answer: Works out what is not known yet.
        most: How many answers are kept.
        is_kept: Whether the answer to a question is worth its memory.
    """

    def __init__(self, answer: Callable[[Key], Value], most: int, is_kept: Callable[[Key], bool]) -> None:
        self._answer = answer
        self._most = most
        self._is_kept = is_kept
        self._known: dict[Key, Value] = {}

    def __getitem__(self, key: Key) -> Value:
        known = self._known
        try:
            return known[key]
        except KeyError:
            value = self._answer(key)
        if self._is_kept(key):
            if len(known) >= self._most:
                known.clear()
            known[key] = value
        return value


class ScalarMemo:
    """The scalars of texts under each type of field, kept across the batches of one reader."""

    def __init__(self) -> None:
        self._known: dict[tuple[FieldType, tuple[str, ...]], Memo[str, Scalar | Missing]] = {}

    def coercion(self, ref: FieldRef) -> Callable[[Any], Scalar | Missing]:
        """The coercion of one field, as ``field_coercion`` gives it, which remembers what texts became."""
        convert = field_coercion(ref)
        key = (ref.type, ref.formats)
        if key not in self._known:
            self._known[key] = Memo(convert, _MOST_SCALARS, _is_short)
        known = self._known[key]

        def remembered(value: Any) -> Scalar | Missing:  # noqa: ANN401 - decoded JSON is of any type
            return known[value] if type(value) is str else convert(value)

        return remembered


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST_KEPT
