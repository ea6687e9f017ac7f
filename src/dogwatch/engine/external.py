"""What a constraint needs to know beyond its events: limits of devices, baselines."""

from __future__ import annotations

from typing import Protocol

from dogwatch.engine.value import Number
from dogwatch.logic.pattern import Key, Statistic
from dogwatch.schema.field import Scalar


class Externals(Protocol):
    """Where limits and baselines come from; what it does not know is ``None``, and the constraint unknown."""

    def threshold(self, device: Scalar | None, component: Scalar | None, name: str) -> Number | None:
        """The limit of a device, or of a component of it, or else the one for all devices."""
        ...

    def baseline(self, profile: int, statistic: Statistic, group: Key, time: int) -> Number | None:
        """What a profile holds for a group at a time (nanoseconds since 1970 UTC)."""
        ...


class NoExternals:
    """Knows nothing."""

    def threshold(self, device: Scalar | None, component: Scalar | None, name: str) -> Number | None:  # noqa: ARG002
        """Always ``None``."""
        return None

    def baseline(self, profile: int, statistic: Statistic, group: Key, time: int) -> Number | None:  # noqa: ARG002
        """Always ``None``."""
        return None


NO_EXTERNALS = NoExternals()
