"""What rows of alerts and of incidents have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from dogwatch.alerts.model import AlertDocument
from dogwatch.base.text import printable

Row = dict[str, Any]
"""A row of a table, by column."""

MOST_KEYS = 400
"""Keys of one question: well under every database's limit of parameters."""

_T = TypeVar("_T")


def rule_columns(document: AlertDocument) -> Row:
    """The columns that name a detection's rule and say how grave it is."""
    name = printable(str(document.get("kibana.alert.rule.name", "")))
    risk = document.get("kibana.alert.risk_score")
    return {
        "rule_id": printable(str(document.get("kibana.alert.rule.rule_id", ""))),
        "rule_version": printable(str(document.get("kibana.alert.rule.version", ""))),
        "rule_name": name,
        "rule_name_folded": name.lower(),
        "severity": str(document["kibana.alert.severity"]),
        "risk_score": float(risk) if isinstance(risk, int | float) else None,
    }


def in_parts(items: Sequence[_T], size: int = MOST_KEYS) -> Iterator[Sequence[_T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
