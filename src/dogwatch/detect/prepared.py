"""What becomes of rules when they are made ready: worked out once, and kept for the next run with the same rules.

Kept is what follows from the rules' files, the schema, the resources and the options alone.
A rule that counts from the time of the scan is lowered anew each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dogwatch.base import keep
from dogwatch.base.codec import Codec
from dogwatch.base.diagnostic import Diagnostic
from dogwatch.base.time import SECOND
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.languages.fortisiem.resources import NoResources, Resources
from dogwatch.languages.lowering import Lowered
from dogwatch.rules import cache
from dogwatch.rules.cache import Origin
from dogwatch.rules.model import FortisiemRule, Rule
from dogwatch.rules.resources import ResourceSet
from dogwatch.schema.schema import Schema

_PERIOD = 366 * 86400 * SECOND
"""What is kept of one such stretch of time is not used in another."""

_MOST_RESOURCES = 16 * 1024 * 1024
"""Bytes of resources beyond which lowering anew is no slower than writing and reading what refers to them."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule can run.

    Attributes:
        lowered: What it looks for.
        clearing: What clears its incidents, if a pattern does.
    """

    lowered: Lowered
    clearing: Lowered | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule cannot run, for these reasons."""

    reasons: tuple[Diagnostic, ...]


Outcome = Ready | Refused

_CODEC = Codec((*cache.CLASSES, Ready, Refused))


@dataclass(frozen=True, slots=True)
class Terms:
    """What becomes of a rule depends on, beside the rule.

    Attributes:
        schema: The types of fields.
        now: What ``now`` means in a query's dates, nanoseconds since 1970 UTC.
        hints: Look for the field that an unknown one was meant to be.
        resources: What FortiSIEM's rules refer to.
        fortisiem: How FortiSIEM's texts are read where the vendor leaves room.
    """

    schema: Schema
    now: int | None
    hints: bool
    resources: Resources
    fortisiem: FortisiemOptions


def outcomes(rules: Sequence[Rule], origin: Origin | None, terms: Terms) -> list[Outcome]:
    """What becomes of each rule.

    Args:
        rules: The rules.
        origin: Where they came from, if that is known; some may have come from elsewhere.
        terms: What else it depends on.
    """
    name = None if origin is None or keep.folder() is None else _name(origin, terms)
    if origin is None or name is None:
        return _worked_out(rules, terms)
    kept = cache.kept(name, _CODEC)
    known = _by_rule(origin, kept)
    unknown = [rule for rule in rules if id(rule) not in known]
    fresh = dict(zip(map(id, unknown), _worked_out(unknown, terms), strict=True))
    if kept is None and fresh.keys() >= {id(rule) for rule in origin.rules if rule.enabled}:
        _keep(name, origin, fresh, terms)
    return [known.get(id(rule)) or fresh[id(rule)] for rule in rules]


def _worked_out(rules: Sequence[Rule], terms: Terms) -> list[Outcome]:
    if not rules:
        return []
    # The languages and what they need take their time to import.
    from dogwatch.detect.readiness import outcome_of

    return [outcome_of(rule, terms) for rule in rules]


def _by_rule(origin: Origin, kept: object) -> dict[int, Outcome]:
    """Kept outcomes by the identity of their rules: a rule that was changed since it was loaded has none."""
    if not isinstance(kept, tuple) or len(kept) != len(origin.rules):
        return {}
    pairs = zip(origin.rules, kept, strict=True)
    return {id(rule): outcome for rule, outcome in pairs if isinstance(outcome, Ready | Refused)}


def _keep(name: str, origin: Origin, fresh: dict[int, Outcome], terms: Terms) -> None:
    from dogwatch.detect.readiness import is_timeless

    lasting: list[Outcome | None] = []
    for rule in origin.rules:
        outcome = fresh.get(id(rule))
        lasting.append(outcome if outcome is not None and is_timeless(rule, outcome, terms) else None)
    cache.keep_value(name, tuple(lasting), _CODEC)


def _name(origin: Origin, terms: Terms) -> str | None:
    """The name under which outcomes are kept; ``None`` if what they depend on is too much to make one of."""
    schema = terms.schema
    about: list[object] = [
        [schema.mappings, schema.definitions, schema.analysed_only],
        [terms.now is None, (terms.now or 0) // _PERIOD, terms.hints],
    ]
    if any(isinstance(rule, FortisiemRule) for rule in origin.rules):
        about += [sorted(each.value for each in terms.fortisiem.strict), _said_by(terms.resources)]
        if about[-1] is None:
            return None
    try:
        written = msgspec.msgpack.encode(about, order="deterministic")
    except (TypeError, ValueError, OverflowError):
        # A schema or a resource of somebody's own making.
        return None
    if len(written) > _MOST_RESOURCES:
        return None
    return f"lowered-{cache.key_of(origin.key, hashlib.blake2b(written).digest()).hex()}"


def _said_by(resources: Resources) -> list[object] | None:
    """All that lowering can ask of resources."""
    if isinstance(resources, NoResources):
        return []
    if not isinstance(resources, ResourceSet):
        return None
    groups = resources.groups
    return [
        [groups.by_key, groups.also, resources.tables, resources.limits],
        [sorted(resources.watch_lists), sorted(resources.profiles)],
    ]
