"""Names of alerts: deterministic, so that the same detection found twice is one alert.

The recipes are Kibana's (security_solution, ``rule_types``: ``generateId``, ``generateBuildingBlockIds``,
``generateAlertId``): a rule that moves between Kibana and Dogwatch names its alerts alike when the rule's
uuid, the event's index and its id are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

Source = tuple[str, str]
"""An ancestor's id and index."""

_SPACE = "default"
_NO_VERSION = "undefined"
"""What Kibana writes for the document version, which searches do not ask for."""


def event_alert_uuid(event_id: str, index: str, rule_uuid: str) -> str:
    """The id of an alert made of one event: SHA-256 in hex."""
    return _digest([index, event_id, _NO_VERSION, f"{_SPACE}:{rule_uuid}"])


def building_block_uuids(ancestors: Sequence[Sequence[Source]], rule_uuid: str) -> list[str]:
    """The ids of a sequence's building blocks.

    Args:
        ancestors: For each block in order, its ancestors.
        rule_uuid: The rule's instance.

    Returns:
        One id a block: a SHA-256 in hex over the ancestors of all blocks, followed by the block's number.
    """
    parts = [part for block in ancestors for source in block for part in source]
    base = _digest([*parts, rule_uuid])
    return [f"{base}{number}" for number in range(len(ancestors))]


def shell_alert_uuid(ancestors: Iterable[Source], rule_uuid: str) -> str:
    """The id of the alert over a sequence: SHA-256 in hex over its ancestors, blocks included."""
    return _digest([*(part for source in ancestors for part in source), rule_uuid])


def named(kind: str, parts: Iterable[str]) -> str:
    """A name for anything else that must be the same whenever it is found again: SHA-256 in hex.

    Each part is written with its length, so that no two lists of parts read alike.
    """
    return _digest([kind, *(f"{len(part)}:{part}" for part in parts)])


def _digest(parts: Iterable[str]) -> str:
    # Event ids come from logs and may hold lone surrogates; they must still have a name.
    return hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
