"""What every suite is given: where files go, how long it may take, which rules and peers there are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generate.rules import SEED as RULES_SEED
from benchmarks.generate.rules import write_rules
from benchmarks.generate.stream import SEED, SUSPICIOUS, write_events
from dogwatch.rules.model import ElasticRule, Rule
from dogwatch.rules.ruleset import RuleSet, load_rules

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).resolve().parent / "peers"
RULES = 1700
"""Rules of a corpus: if it holds fewer that run, generated ones are added."""
ONLY_MADE = 2000
"""Generated rules where there is no corpus."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every suite is given.

    Attributes:
        folder: Where generated files are, shared by the suites of a run.
        ends: When the suite is to be done, on the clock of ``time.perf_counter``.
        scale: What all numbers of events are multiplied with.
        corpus: A folder of Elastic's rules, if there is one.
        peer_python: The interpreter of the peers' environment, if there is one.
        memory_gb: Size in GB of the large input of ``memory``; ``None`` is what the budget allows.
    """

    folder: Path
    ends: float
    scale: float = 1.0
    corpus: Path | None = None
    peer_python: Path | None = None
    memory_gb: float | None = None

    def left(self, share: float = 1.0) -> float:
        """Seconds: a share of what is left of the suite's time."""
        return max(0.0, self.ends - time.perf_counter()) * share

    def count(self, events: int) -> int:
        """A number of events, scaled."""
        return max(100, round(events * self.scale))

    def events(self, count: int, suspicious: float = SUSPICIOUS) -> Path:
        """A file of so many generated events."""
        path = self.folder / f"events_{count}_{suspicious:g}.ndjson"
        return self._once(path, lambda: write_events(path, count, SEED, suspicious))

    def rules(self) -> tuple[RuleSet, dict[str, object]]:
        """The corpus, topped up, and what there is to say of it."""
        own = load_rules([self.corpus]).where(is_query) if self.corpus else RuleSet()
        made = self.made(max(0, RULES - len(own)) if own else ONLY_MADE)
        both = RuleSet((*own.rules, *made.rules))
        facts: dict[str, object] = {
            "rules": len(both),
            "of a corpus": len(own),
            "generated": len(made),
            "rules seed": RULES_SEED,
        }
        return both, facts

    def made(self, count: int) -> RuleSet:
        """Generated rules."""
        return load_rules([self.made_folder(count)]) if count else RuleSet()

    def made_folder(self, count: int) -> Path:
        """A folder of so many generated rules."""
        folder = self.folder / f"rules_{count}"

        def make() -> None:
            folder.mkdir()
            write_rules(folder, count)

        return self._once(folder, make)

    def _once(self, path: Path, make: Callable[[], object]) -> Path:
        if not path.exists():
            make()
        return path


def is_query(rule: Rule) -> bool:
    """Whether a rule is one of EQL or KQL that is not disabled."""
    return (
        isinstance(rule, ElasticRule)
        and rule.enabled
        and rule.type in ("eql", "query")
        and rule.language != "lucene"
    )
