"""What differs between two rules, or between two files of rules."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from dogwatch.cli.cells import safe
from dogwatch.cli.rule_page import block
from dogwatch.rules.model import Rule
from dogwatch.rules.ruleset import RuleSet
from dogwatch.rules.versions import FieldChange, ListChange, Piece, PieceKind, TextChange, ValueChange, diff

_STYLES = {PieceKind.SAME: "", PieceKind.REMOVED: "red strike", PieceKind.ADDED: "green"}
_MARKS = {PieceKind.SAME: ("", ""), PieceKind.REMOVED: ("[-", "-]"), PieceKind.ADDED: ("{+", "+}")}


def show_changes(before: Rule, after: Rule, console: Console) -> None:
    """Print what differs between two rules or versions."""
    changes = diff(before, after)
    console.print(safe(f"{before.label}  →  {after.label}", "bold"))
    if not changes:
        console.print(Text("Nothing differs."))
    for change in changes:
        _print_change(change, console)


def show_sets(before: RuleSet, after: RuleSet, console: Console) -> None:
    """Print what differs between the newest versions of each rule, and which rules only one of the sets has."""
    old, new = ({rule.rule_id: rule for rule in each.installed} for each in (before, after))
    same = 0
    for rule_id in sorted(old.keys() | new.keys()):
        if rule_id not in new:
            console.print(safe(f"{rule_id} ({old[rule_id].name}) is in the first only", "bold"))
        elif rule_id not in old:
            console.print(safe(f"{rule_id} ({new[rule_id].name}) is in the second only", "bold"))
        elif diff(old[rule_id], new[rule_id]):
            show_changes(old[rule_id], new[rule_id], console)
        else:
            same += 1
    console.print(Text(f"{same:,} {'rule is' if same == 1 else 'rules are'} the same in both."))


def _print_change(change: FieldChange, console: Console) -> None:
    console.print(Text(f"\n{change.field}", style="bold"))
    match change:
        case ValueChange(old=old, new=new):
            for kind, value in ((PieceKind.REMOVED, old), (PieceKind.ADDED, new)):
                if value is not None:
                    console.print(Text("  ") + _shown(kind, str(value), console))
        case ListChange(added=added, removed=removed):
            for kind, items in ((PieceKind.REMOVED, removed), (PieceKind.ADDED, added)):
                for item in items:
                    console.print(Text("  ") + _shown(kind, str(item), console))
            if not added and not removed:
                console.print(Text("  the order changed"))
        case TextChange(pieces=pieces):
            console.print(Padding(_pieces(pieces, console), (0, 2)))


def _pieces(pieces: Sequence[Piece], console: Console) -> Text:
    return Text("").join(_shown(piece.kind, piece.text, console) for piece in pieces)


def _shown(kind: PieceKind, words: str, console: Console) -> Text:
    """A piece of a comparison: coloured on a terminal, else in the marks of ``wdiff``."""
    left, right = ("", "") if console.is_terminal else _MARKS[kind]
    shown = Text(left)
    shown.append_text(block(words))
    shown.append(right)
    shown.stylize(_STYLES[kind])
    return shown
