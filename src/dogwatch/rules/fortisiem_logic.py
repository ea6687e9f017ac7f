"""What FortiSIEM's rules do to the resources that they refer to."""

from __future__ import annotations

from collections.abc import Iterable

from dogwatch.rules.model import FortisiemRule, Rule
from dogwatch.rules.resources import ResourceSet


def with_filled_lists(resources: ResourceSet, rules: Iterable[Rule]) -> ResourceSet:
    """The resources and the watch lists that rules add to, which are empty at first if no file describes them."""
    additions = [each for rule in rules if isinstance(rule, FortisiemRule) for each in rule.watch_lists]
    return resources.with_watch_lists(name for addition in additions for name in addition.lists)
