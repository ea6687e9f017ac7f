"""What a suite found: lines with goals, as JSON and as a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Series

WIDTH = 100
_UNITS = {"times": "×", "events/s": "/s"}
_TIMED = frozenset({"ms", "s"})


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be.

    Attributes:
        least: At least this much, if it is not ``None``.
        most: At most this much.
        by_processor: Whether it is processor time that counts, and not the clock on the wall.
    """

    least: float | None = None
    most: float | None = None
    by_processor: bool = False

    def met(self, value: float) -> bool:
        """Whether a figure is good enough."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def shown(self) -> str:
        """For a table."""
        sign, value = ("≥", self.least) if self.least is not None else ("≤", self.most)
        return "" if value is None else f"{sign} {number(value)}"


@dataclass(slots=True)
class Sheet:
    """The lines of one suite.

    Attributes:
        suite: Its name.
        question: What it answers.
        lines: Ratios and figures, in the order of the table, as they stand in JSON.
        facts: Sizes, seeds and counts that the lines rest on.
        notes: What the reader of the lines should know.
    """

    suite: str
    question: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def ratio(self, name: str, ours: Series, peer: Series, goal: Goal | None = None) -> None:
        """A line: how many times the peer's rate ours is, round by round."""
        if self._is_noise(name, ours, peer):
            return
        walls = _quotients(ours.rates, peer.rates)
        self._add(name, "times", walls, goal, statistics.median(_quotients(ours.cpu_rates, peer.cpu_rates)))

    def cost_ratio(self, name: str, ours: Series, peer: Series, goal: Goal | None = None) -> None:
        """A line: how many times the peer's time ours is, round by round."""
        if self._is_noise(name, ours, peer):
            return
        cpu = _quotients([each.cpu for each in ours.rounds], [max(each.cpu, 1e-3) for each in peer.rounds])
        self._add(name, "times", _quotients(ours.seconds, peer.seconds), goal, statistics.median(cpu))

    def rate(self, series: Series, name: str | None = None) -> None:
        """A line: amount a second."""
        if self._is_noise(name or series.name, series):
            return
        self._add(name or series.name, "events/s", series.rates, None, statistics.median(series.cpu_rates))

    def figure(
        self,
        name: str,
        unit: str,
        values: Sequence[float],
        goal: Goal | None = None,
        *,
        by_processor: Sequence[float] = (),
    ) -> None:
        """A line of another kind, and the same figures by processor time if there are any."""
        cpu = statistics.median(by_processor) if by_processor else None
        self._add(name, unit, values, goal, cpu)

    def _is_noise(self, name: str, *series: Series) -> bool:
        found = any(each.is_noise for each in series)
        if found:
            self.notes.append(f"Left out, since differences were within the noise: {name}.")
        return found

    def _add(self, name: str, unit: str, values: Sequence[float], goal: Goal | None, cpu: float | None) -> None:
        median = statistics.median(values)
        line: dict[str, Any] = {
            "line": name,
            "unit": unit,
            "median": _rounded(median),
            "min": _rounded(min(values)),
            "max": _rounded(max(values)),
            "rounds": [_rounded(each) for each in values],
        }
        if cpu is not None:
            line["by_processor_time"] = _rounded(cpu)
        if goal is not None:
            line["goal"] = asdict(goal)
            line["met"] = goal.met(median if cpu is None or not goal.by_processor else cpu)
        self.lines.append(line)

    def as_json(self) -> dict[str, Any]:
        """For ``results.json``."""
        return {"question": self.question, "lines": self.lines, "facts": self.facts, "notes": self.notes}


def show(console: Console, suite: str, sheet: dict[str, Any]) -> None:
    """Print one suite's table, at most ``WIDTH`` columns wide."""
    table = Table(title=f"{suite}: {sheet['question']}", title_justify="left", box=SIMPLE_HEAD, width=WIDTH)
    table.add_column("line", ratio=1)
    for heading in ("median", "min-max", "cpu", "", "goal"):
        table.add_column(
            heading, justify="right" if heading in ("median", "min-max", "cpu") else "left", no_wrap=True
        )
    for line in sheet["lines"]:
        name, median, spread, cpu, unit, goal, met = cells(line)
        table.add_row(name, median, spread, cpu, _UNITS.get(unit, unit), f"{goal} {met}".strip())
    console.print(table)
    facts = "; ".join(f"{name} {_fact(value)}" for name, value in sheet["facts"].items())
    for text in [facts, *sheet["notes"]]:
        if text:
            console.print(f"  {text}", highlight=False, markup=False)


def goal_rows(suites: dict[str, Any]) -> list[list[str]]:
    """What was meant and what was found: suite, line, figure, goal, what counts, whether it is met."""
    rows = []
    for suite, sheet in suites.items():
        for line in sheet["lines"]:
            if "goal" in line:
                by_processor = line["goal"]["by_processor"]
                figure = line["by_processor_time"] if by_processor else line["median"]
                unit = _UNITS.get(line["unit"], f" {line['unit']}")
                timed = "by_processor_time" in line or line["unit"] in _TIMED
                counts = "processor" if by_processor else "clock" if timed else ""
                name, _, _, _, _, goal, met = cells(line)
                rows.append([suite, name, f"{number(figure)}{unit}", goal, counts, met])
    return rows


def show_goals(console: Console, suites: dict[str, Any]) -> None:
    """Print all goals, at most ``WIDTH`` columns wide."""
    table = Table(title="goals", title_justify="left", box=SIMPLE_HEAD, width=WIDTH)
    table.add_column("suite")
    table.add_column("line", ratio=1)
    table.add_column("figure", justify="right", no_wrap=True)
    for heading in ("goal", "by", ""):
        table.add_column(heading, no_wrap=True)
    for row in goal_rows(suites):
        table.add_row(*row)
    console.print(table)


def cells(line: dict[str, Any]) -> list[str]:
    """A line's cells: name, median, spread, the same by processor time, unit, goal, and whether it is met."""
    goal = Goal(**line["goal"]).shown() if "goal" in line else ""
    spread = "" if len(line["rounds"]) == 1 else f"{number(line['min'])}-{number(line['max'])}"
    cpu = number(line["by_processor_time"]) if "by_processor_time" in line else ""
    met = {None: "", True: "met", False: "missed"}[line.get("met")]
    return [line["line"], number(line["median"]), spread, cpu, line["unit"], goal, met]


def number(value: float) -> str:
    """Three digits at least, none that say nothing."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _fact(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def _quotients(ours: Sequence[float], peers: Sequence[float]) -> list[float]:
    """Round by round; what was measured once stands beside every round."""
    if len(peers) == 1:
        peers = [peers[0]] * len(ours)
    elif len(ours) == 1:
        ours = [ours[0]] * len(peers)
    return [our / peer for our, peer in zip(ours, peers, strict=True)]
