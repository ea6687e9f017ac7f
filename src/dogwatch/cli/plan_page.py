"""``dogwatch rules plan``: what all rules ask together, and what of it they share."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dogwatch.base.diagnostic import Diagnostic
from dogwatch.base.message import count_of
from dogwatch.cli.cells import fitted
from dogwatch.detect.compiled import Compiled, CompiledRule, compile_rules
from dogwatch.detect.report import heavy_rule
from dogwatch.engine.plan import LeafOutline, Plan
from dogwatch.languages.fortisiem.options import FortisiemOptions
from dogwatch.languages.fortisiem.resources import Resources
from dogwatch.logic.pattern import predicates_of
from dogwatch.logic.predicate import And, Constant, IsTrue, Leaf, Not, Or, Predicate
from dogwatch.rules.ruleset import RuleSet
from dogwatch.schema.schema import Schema

_MOST_ROWS = 20
_WAYS: Mapping[str, str] = {
    "look-up": "each distinct value is looked up once, for all of a field",
    "patterns": "each distinct text is scanned once by Hyperscan, for all of a field",
    "blocks": "each distinct address is searched for once, for all of a field",
    "presence": "by whether there is a value",
    "numbers": "the whole column is compared",
    "values": "each distinct value is asked by itself",
    "combinations": "each distinct combination of values of several fields is asked",
}


@dataclass(frozen=True, slots=True)
class PlanPage:
    """What the rules ask.

    Attributes:
        compiled: The rules.
        outline: Each distinct leaf.
        rules: For each of these, by the leaf, how many rules have it.
        mentions: How often leaves are mentioned in all, repeats counted.
        heavy: What costs so much that somebody should know.
    """

    compiled: Compiled
    outline: tuple[LeafOutline, ...]
    rules: Mapping[Leaf, int]
    mentions: int
    heavy: tuple[Diagnostic, ...]

    @property
    def totals(self) -> dict[str, int]:
        """What there is, in numbers."""
        patterns = [pattern for each in self.compiled.rules for pattern in predicates_of(each.pattern)]
        return {
            "rules": len(self.compiled.rules),
            "predicates": len(patterns),
            "leaves": self.mentions,
            "distinct_leaves": len(self.outline),
            "fields": len({field.ref for each in self.outline for field in each.fields}),
        }


def plan_page(rules: RuleSet, resources: Resources, fortisiem: FortisiemOptions) -> PlanPage:
    """Compile the rules together, and see what they ask."""
    compiled = compile_rules(rules, Schema.ecs(), now=time.time_ns(), resources=resources, fortisiem=fortisiem)
    predicates = [(each, predicate) for each in compiled.rules for predicate in predicates_of(each.pattern)]
    plan = Plan([predicate for _, predicate in predicates], checked=True)
    heavy = tuple(
        heavy_rule(predicates[found.predicate][0].rule, found.reason, found.milliseconds) for found in plan.heavy
    )
    return PlanPage(
        compiled,
        tuple(plan.outline()),
        sharing(compiled.rules),
        sum(1 for _, predicate in predicates for _ in leaves_of(predicate)),
        heavy,
    )


def sharing(rules: Iterable[CompiledRule]) -> Counter[Leaf]:
    """How many rules have each leaf."""
    counts: Counter[Leaf] = Counter()
    for each in rules:
        counts.update({leaf for predicate in predicates_of(each.pattern) for leaf in leaves_of(predicate)})
    return counts


def leaves_of(predicate: Predicate) -> Iterator[Leaf]:
    """The leaves of a predicate, each as often as it is mentioned."""
    pending = [predicate]
    while pending:
        match pending.pop():
            case And(parts=parts) | Or(parts=parts):
                pending += reversed(parts)
            case Not(part=part) | IsTrue(part=part):
                pending.append(part)
            case Constant():
                continue
            case leaf:
                yield leaf


def records(page: PlanPage) -> Iterator[dict[str, object]]:
    """All of it: an object of totals, then one for each distinct leaf, the most shared first."""
    yield {"kind": "totals", **page.totals}
    for each in _most_shared(page):
        yield {
            "kind": "leaf",
            "text": each.text,
            "fields": [str(field.ref) for field in each.fields],
            "rules": page.rules[each.leaf],
            "predicates": each.predicates,
            "way": each.way,
            "group": each.group,
            "members": each.members,
        }


def page_tables(page: PlanPage, width: int) -> RenderableType:
    """Totals, what is decided together, and the leaves that most rules share, at most ``width`` cells wide."""
    totals = page.totals
    said = (
        f"{count_of(totals['rules'], 'rule')} with {count_of(totals['predicates'], 'predicate')} ask "
        f"{count_of(totals['leaves'], 'question')}, {totals['distinct_leaves']:,} of them different, about "
        f"{count_of(totals['fields'], 'field')}."
    )
    if not page.outline:
        return Text(said)
    shared = [each for each in _most_shared(page) if page.rules[each.leaf] > 1]
    parts: list[RenderableType] = [Text(said), Text(), _ways(page, width), Text(), _groups(page, width)]
    if shared:
        parts += [Text(), _leaves(shared[:_MOST_ROWS], page.rules, width)]
    if len(shared) > _MOST_ROWS:
        parts.append(Text(f"{len(shared) - _MOST_ROWS:,} more are shared; --format ndjson prints all."))
    return Group(*parts)


def _ways(page: PlanPage, width: int) -> Table:
    counts = Counter(each.way for each in page.outline)
    table, cells = _table(("questions",), "how they are answered", width)
    for way, count in counts.most_common():
        table.add_row(Text(f"{count:,}"), fitted(_WAYS.get(way, way), cells * 2))
    return table


def _groups(page: PlanPage, width: int) -> Table:
    """What is decided together, the largest first."""
    groups = {each.group: each.members for each in page.outline if each.group is not None and each.members > 1}
    table, cells = _table(("questions",), "decided together", width)
    for name, members in sorted(groups.items(), key=lambda item: (-item[1], item[0]))[:_MOST_ROWS]:
        table.add_row(Text(f"{members:,}"), fitted(name, cells * 2))
    return table


def _leaves(shared: Iterable[LeafOutline], rules: Mapping[Leaf, int], width: int) -> Table:
    table, cells = _table(("rules",), "share the question", width)
    for each in shared:
        table.add_row(Text(f"{rules[each.leaf]:,}"), fitted(each.text, cells * 2))
    return table


def _table(numbers: tuple[str, ...], last: str, width: int) -> tuple[Table, int]:
    cells = max(20, width - sum(map(len, numbers)) - len(numbers))
    table = Table(box=box.SIMPLE_HEAD, padding=0, collapse_padding=True, pad_edge=False, show_edge=False)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(last, width=cells, overflow="fold")
    return table, cells


def _most_shared(page: PlanPage) -> list[LeafOutline]:
    return sorted(page.outline, key=lambda each: (-page.rules[each.leaf], each.text))
