"""Dogwatch runs Elastic Security and FortiSIEM detection rules unchanged, anywhere Python runs.

import dogwatch

rules = dogwatch.load_rules("rules/")
for alert in dogwatch.scan("logs/*.ndjson", rules):
    print(alert.severity, alert.document["kibana.alert.reason"])
hits = dogwatch.search("eql", 'process where process.name == "nc"', "logs/")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dogwatch.detect.api import ScanRun, scan, search
    from dogwatch.detect.search import Hit
    from dogwatch.rules.ruleset import RuleSet, load_rules

__all__ = ["Hit", "RuleSet", "ScanRun", "load_rules", "scan", "search"]

_HOMES = {
    "Hit": "dogwatch.detect.search",
    "RuleSet": "dogwatch.rules.ruleset",
    "ScanRun": "dogwatch.detect.api",
    "load_rules": "dogwatch.rules.ruleset",
    "scan": "dogwatch.detect.api",
    "search": "dogwatch.detect.api",
}


def __getattr__(name: str) -> object:
    """Import the engine at the first use, so that ``dogwatch --help`` need not."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
