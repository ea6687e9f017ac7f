"""One rule as a page for a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from dogwatch.cli.cells import safe
from dogwatch.cli.clause_page import clause_parts
from dogwatch.cli.guide import plain_guide
from dogwatch.cli.show import Neutral
from dogwatch.rules.attack import technique_ids
from dogwatch.rules.model import ElasticRule, FortisiemRule, Rule
from dogwatch.rules.ruleset import RuleSet
from dogwatch.rules.versions import history, query_text


def rule_page(rule: Rule, loaded: RuleSet) -> Group:
    """Everything about a rule: its facts, query, texts and history."""
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in _rows(rule):
        if value:
            facts.add_row(name, block(value))
    parts: list[object] = [Line(safe(rule.name, "bold"), align="left"), facts]
    if isinstance(rule, FortisiemRule):
        parts += clause_parts(rule)
    else:
        parts += [Line(Text("Query"), align="left"), Padding(block(query_text(rule)), (0, 2))]
    for title, body in (
        ("Description", rule.description),
        ("False positives", "\n".join(f"* {each}" for each in rule.false_positives)),
        ("Investigation guide", rule.note),
        ("Response", rule.response),
        ("Set-up", rule.setup),
    ):
        if body.strip():
            shown = Neutral(Markdown(plain_guide(body)))
            parts += [Line(Text(title), align="left"), Padding(shown, (0, 2))]
    if isinstance(rule, FortisiemRule):
        advice = rule.remediation or "The rule gives none."
        parts += [Line(Text("Remediation"), align="left"), Padding(safe(advice), (0, 2))]
    parts += [Line(Text("History"), align="left"), history_table(rule, loaded)]
    return Group(*parts)  # type: ignore[arg-type] # a list of renderables of several kinds


def _rows(rule: Rule) -> list[tuple[str, str]]:
    rows = [
        ("rule id", rule.rule_id),
        ("version", f"{rule.version}" + (f" (release {rule.release})" if rule.release else "")),
        ("added in", rule.added_in or ""),
    ]
    match rule:
        case ElasticRule():
            rows += [
                ("type", f"{rule.type} ({rule.language})"),
                ("severity", f"{rule.severity.word}, risk score {rule.risk_score:g}"),
                ("data streams", ", ".join(rule.index)),
                ("runs every", f"{rule.interval}, over {rule.from_} to {rule.to}"),
                ("at most", f"{rule.max_signals} alerts a run"),
            ]
        case FortisiemRule():
            rows += [
                ("type", f"FortiSIEM, {rule.detection_technology}"),
                ("severity", f"{rule.incident.severity} ({rule.severity.word})"),
                ("category", " / ".join(each for each in (rule.category, rule.sub_function) if each)),
                ("impacts", ", ".join(rule.impacts)),
                ("data source", ", ".join(rule.data_sources)),
                ("groups", ", ".join(rule.groups)),
            ]
    rows += [
        ("status", "enabled" if rule.enabled else "disabled"),
        ("ATT&CK", "; ".join(_threats(rule))),
        ("tags", ", ".join(rule.tags)),
        ("references", "\n".join(rule.references)),
        ("authors", ", ".join(rule.authors)),
        ("licence", rule.license),
        ("origin", rule.origin.strip()),
        ("file", str(rule.place or "")),
    ]
    return rows


def _threats(rule: Rule) -> list[str]:
    return [
        f"{entry.tactic.name}: {', '.join(technique_ids((entry,)))}" if entry.techniques else entry.tactic.name
        for entry in rule.threat
    ]


def history_table(rule: Rule, loaded: RuleSet) -> Table:
    """How a rule came to be what it is, newest version first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("version", "release", "what changed"):
        table.add_column(header, overflow="fold")
    for entry in history(rule, loaded):
        told = [entry.summary] if entry.summary else []
        told += [f"{change.kind.value}: was {change.before}" for change in entry.changes if change.before]
        table.add_row(Text(str(entry.version)), safe(entry.release or ""), block("\n".join(told)))
    return table


def block(words: str) -> Text:
    """Text of several lines, each made safe."""
    return Text("\n").join(safe(line) for line in words.split("\n"))
