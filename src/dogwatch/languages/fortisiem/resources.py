"""What FortiSIEM's texts refer to and do not hold: groups, lookup tables, watch lists, limits, profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dogwatch.schema.field import FieldType, Scalar


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A table that filters look values up in.

    Attributes:
        name: Its name.
        keys: The names of its key columns, one to five.
        columns: The names of its value columns.
        rows: From the texts of the keys, in lower case, to the values of the columns; a blank cell is ``None``.
        types: What each value column holds: KEYWORD, DOUBLE, IP or DATE; empty if nobody says.
    """

    name: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Mapping[tuple[str, ...], tuple[Scalar | None, ...]] = field(hash=False)
    types: tuple[FieldType, ...] = ()


class Resources(Protocol):
    """Where lowering finds them."""

    def group(self, name: str) -> tuple[str, ...] | None:
        """The members of a group; ``None`` if no file describes it.

        They are texts, addresses, CIDR blocks, ``low-high`` ranges of addresses, and texts that end in ``*``,
        which stand for all that begin so.
        """
        ...

    def is_watch_list(self, name: str) -> bool:
        """Whether a group's name is that of a watch list, which rules may add to while events pass."""
        ...

    def table(self, name: str) -> LookupTable | None:
        """A lookup table by its name, letter case ignored."""
        ...

    def thresholds(self, name: str) -> Mapping[tuple[str, ...], int | float] | None:
        """The limits of one name; ``None`` if no file has any.

        They are kept by ``()`` for all devices, by ``(device,)`` and by ``(device, component)``, in lower case.
        """
        ...

    def has_profile(self, number: int) -> bool:
        """Whether a file describes the baseline profile of that number."""
        ...


class NoResources:
    """Knows nothing."""

    def group(self, name: str) -> tuple[str, ...] | None:  # noqa: ARG002 - part of the protocol
        """Always ``None``."""
        return None

    def is_watch_list(self, name: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Never."""
        return False

    def table(self, name: str) -> LookupTable | None:  # noqa: ARG002 - part of the protocol
        """Always ``None``."""
        return None

    def thresholds(self, name: str) -> Mapping[tuple[str, ...], int | float] | None:  # noqa: ARG002 - protocol
        """Always ``None``."""
        return None

    def has_profile(self, number: int) -> bool:  # noqa: ARG002 - part of the protocol
        """Never."""
        return False


NO_RESOURCES = NoResources()
