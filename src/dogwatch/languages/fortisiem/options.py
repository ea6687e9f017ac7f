"""How FortiSIEM's texts are read where its documents leave room."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic, DogwatchError


class Strictness(enum.Enum):
    """The switches, as the command line names them."""

    CASE = "case"
    """Letter case counts in ``=``, ``IN``, ``CONTAIN`` and ``REGEXP``."""
    NULL_GROUPS = "null-groups"
    """An event without one of the grouping attributes is dropped, instead of joining a group with null there."""
    MISSING_DIFFERS = "missing-differs"
    """``!=`` and the negated operators are true of an event without the attribute."""
    GROUPS = "groups"
    """A group, table or list that no file describes is an error, instead of a warning."""


@dataclass(frozen=True, slots=True)
class FortisiemOptions:
    """The switches that are on."""

    strict: frozenset[Strictness] = frozenset()

    @classmethod
    def named(cls, words: Iterable[str]) -> FortisiemOptions:
        """The options that words name.

        Raises:
            DogwatchError: A word names none (``fortisiem-option``).
        """
        try:
            return cls(frozenset(Strictness(word) for word in words))
        except ValueError as error:
            known = ", ".join(each.value for each in Strictness)
            raise DogwatchError(
                Diagnostic("fortisiem-option", f"{error} of FortiSIEM's", hint=f"choose from {known}")
            ) from error

    def __contains__(self, switch: Strictness) -> bool:
        return switch in self.strict


VENDOR = FortisiemOptions()
"""No switch is on."""
