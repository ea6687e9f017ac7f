"""What a scan says of rules that saw no event, by the index patterns that they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dogwatch.base.diagnostic import Diagnostic, Severity
from dogwatch.base.message import count_of
from dogwatch.cli.console import say
from dogwatch.cli.widths import shorten
from dogwatch.rules.model import ElasticRule, Rule

_FEW = 3
_PATTERN_CELLS = 60


def notice(idle: Sequence[Rule], *, explained: bool) -> Iterator[Diagnostic]:
    """One notice for all rules that saw no event.

    Args:
        idle: The rules.
        explained: Whether their patterns are listed too.
    """
    if not idle:
        return
    patterns = _patterns(idle)
    shown = ", ".join(f"`{shorten(pattern, _PATTERN_CELLS)}` ({rules:,})" for pattern, rules in patterns[:_FEW])
    more = f" and {count_of(len(patterns) - _FEW, 'other pattern')}" if len(patterns) > _FEW else ""
    hint = "--any-index offers every event to every rule, --index names the data stream of all events"
    yield Diagnostic(
        "rule-not-offered",
        f"{count_of(len(idle), 'rule')} saw no event, as no event belongs to the data streams that they name: "
        f"{shown}{more}",
        Severity.NOTICE,
        hint=hint if explained else f"{hint}; --explain-fields lists the patterns",
    )


def explain(idle: Sequence[Rule]) -> None:
    """Print every pattern that no event belongs to, with how many rules name it and saw nothing."""
    for pattern, rules in _patterns(idle):
        say(f"  {shorten(pattern, _PATTERN_CELLS)}  {count_of(rules, 'rule')}")


def _patterns(rules: Iterable[Rule]) -> list[tuple[str, int]]:
    """The patterns and how many of the rules name each, the most named first."""
    counts: Counter[str] = Counter()
    for rule in rules:
        counts.update(set(_own_patterns(rule)))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _own_patterns(rule: Rule) -> Iterator[str]:
    """The patterns that add names; those that take names away have no part in a rule's seeing nothing."""
    for named in rule.index if isinstance(rule, ElasticRule) else ():
        for pattern in named.split(","):
            name = pattern.strip()
            if name and not name.rpartition(":")[2].startswith("-"):
                yield name
