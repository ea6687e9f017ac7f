"""Nothing that a rule says is lost unnoticed in a file that was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.rules.loaders.source import Loaded
from dogwatch.rules.model import FortisiemRule, Rule
from dogwatch.rules.versions import plain


def check_read_back(rules: Sequence[FortisiemRule], text: str, load: Callable[[str, str], Loaded]) -> None:
    """Read a written file again and compare, since a format cannot hold everything that a rule could say.

    Args:
        rules: What was written.
        text: What it was written as.
        load: The loader of that format.

    Raises:
        DogwatchError: ``rule-unwritable`` for each rule that would be read otherwise than it was written.
    """
    loaded = load(text, "written")
    again = {rule.label: rule for rule in loaded.rules}
    problems = [problem for rule in rules if (problem := _problem(rule, again.get(rule.label), loaded))]
    if problems:
        raise DogwatchError(problems)


def _problem(rule: FortisiemRule, again: Rule | None, loaded: Loaded) -> Diagnostic | None:
    if again is None:
        why = loaded.diagnostics[0].message if loaded.diagnostics else "it is not found again"
        message = f"{rule.label} would not be read back: {why}"
    else:
        before, after = plain(rule), plain(again)
        lost = [name for name in before if before[name] != after.get(name)]
        # No file format of FortiSIEM's rules tells of earlier versions.
        lost += ["history"] if rule.history else []
        if not lost:
            return None
        message = f"{rule.label} would be read back with another {', '.join(f'`{name}`' for name in lost)}"
    return Diagnostic(
        "rule-unwritable",
        message,
        place=rule.place,
        hint="this format cannot hold it as it is: look for commas in names, blanks around texts, empty entries",
    )
