"""How a plan answers its leaves, to be shown; and which predicates cost so much that somebody should know."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from dogwatch.base.text import printable
from dogwatch.engine.kernels.family import Equals, Family, Networks
from dogwatch.engine.kernels.leaf import CHEAP
from dogwatch.engine.kernels.together import compile_effort, patterns_of
from dogwatch.engine.planning.answers import Program
from dogwatch.engine.planning.leafbook import NO_FAMILY
from dogwatch.logic.predicate import AnyWord, Contains, Exists, Field, Leaf, Like, Within
from dogwatch.logic.wording import inner_title, leaf_text
from dogwatch.schema.field import FieldRef

MOST_LEAVES = 1000
"""A predicate of more distinct leaves is heavy."""


@dataclass(frozen=True, slots=True)
class LeafOutline:
    """How one leaf is answered.

    Attributes:
        leaf: The leaf.
        text: The leaf in words, on one line; it may be long.
        fields: The fields that it reads.
        predicates: How many of the plan's predicates ask it.
        way: What answers it: ``presence``, ``look-up``, ``patterns``, ``blocks``, ``numbers``, ``values`` (each
            distinct value by itself) or ``combinations`` (of the values of several fields, or of none).
        group: What it shares one look at a text with, by name; ``None`` if it is answered by itself.
        members: How many leaves are in that group.
    """

    leaf: Leaf
    text: str
    fields: tuple[Field, ...]
    predicates: int
    way: str
    group: str | None
    members: int


@dataclass(frozen=True, slots=True)
class HeavyPredicate:
    """A predicate that costs much, by no fault of the others, which it does not slow.

    Attributes:
        predicate: Its number.
        reason: Why, for people.
        milliseconds: About what it takes to make it ready, or, where nothing can be made ready, each 1,000 texts.
    """

    predicate: int
    reason: str
    milliseconds: int


def outline(program: Program) -> list[LeafOutline]:
    """How each leaf of a plan is answered."""
    book = program.book
    graph = program.graph
    askers = Counter(leaf for root in graph.roots for leaf in graph.leaves_under(root))
    families = book.families.all
    found = []
    for number, leaf in enumerate(book.leaves):
        place = int(book.family_of[number])
        family = None if place == NO_FAMILY else families[place]
        found.append(
            LeafOutline(
                leaf=leaf,
                text=_text(leaf),
                fields=book.fields[number],
                predicates=askers[number],
                way=_way(leaf, int(book.costs[number]), len(book.fields[number]), family),
                group=None if family is None else f"{family.way} over {printable(str(family.field.ref))}",
                members=0 if family is None else len(family.leaves),
            )
        )
    return found


def heavy_predicates(program: Program) -> tuple[HeavyPredicate, ...]:
    """The predicates of a plan that cost much, in their order."""
    large = program.book.families.large
    # Most predicates are settled without a look at each of their leaves: parts in common count several times here.
    weights = np.zeros(len(program.costs), np.int64)
    weights[program.leaf_nodes] = 1
    weights[program.leaf_nodes[list(large)]] = MOST_LEAVES + 1
    suspected = program.spreader.total(weights, MOST_LEAVES + 1)[program.roots] > MOST_LEAVES
    found = []
    for predicate in np.flatnonzero(suspected).tolist():
        leaves = program.graph.leaves_under(program.graph.roots[predicate])
        if len(leaves) > MOST_LEAVES:
            reason = f"asks {len(leaves):,} different questions"
            found.append(HeavyPredicate(predicate, reason, len(leaves) // 50))
        found += [_heavy(program, predicate, leaf, large[leaf]) for leaf in leaves if leaf in large]
    return tuple(found)


def _heavy(program: Program, predicate: int, number: int, patterns: int) -> HeavyPredicate:
    leaf = program.book.leaves[number]
    if program.book.family_of[number] == NO_FAMILY:
        reason = f"compares each text with {patterns:,} wildcard patterns one by one: they are too many to compile"
        return HeavyPredicate(predicate, reason, patterns // 10)
    own = patterns_of(leaf) if isinstance(leaf, Like | Contains) else ()
    reason = f"has a list of {patterns:,} wildcard patterns"
    return HeavyPredicate(predicate, reason, compile_effort(own) + patterns // 20)


def _way(leaf: Leaf, cost: int, fields: int, family: Family | None) -> str:
    if family is not None:
        return (
            "look-up" if isinstance(family, Equals) else "blocks" if isinstance(family, Networks) else "patterns"
        )
    if isinstance(leaf, Exists):
        return "presence"
    if fields != 1:
        return "combinations"
    return "numbers" if cost <= CHEAP else "values"


def _text(leaf: Leaf) -> str:
    if isinstance(leaf, Within | AnyWord):
        return inner_title(leaf, _name)
    before, alternatives, after = leaf_text(leaf, _name)
    if not alternatives:
        return f"{before}{after}"
    shown = alternatives[0] if len(alternatives) == 1 else f"({', '.join(alternatives)})"
    return f"{before} {shown}{after}"


def _name(ref: FieldRef) -> str:
    return printable(str(ref))
