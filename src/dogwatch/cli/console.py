"""Standard error: diagnostics and counts. Standard output belongs to results alone."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}


def stderr() -> Console:
    """A console on standard error on which text means only itself; colours on a terminal only."""
    return Console(file=sys.stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def show_diagnostics(diagnostics: Iterable[Diagnostic], console: Console) -> None:
    """Print diagnostics, the first line of each in the colour of its severity."""
    for diagnostic in diagnostics:
        first, _, rest = diagnostic.render().partition("\n")
        shown = Text(f"{diagnostic.severity.value}: ", style=_STYLES[diagnostic.severity])
        shown.append(first, style="default")
        if rest:
            shown.append("\n" + rest, style="default")
        console.print(shown)


def show_error(error: DogwatchError) -> None:
    """Print what an error says."""
    show_diagnostics(error.diagnostics, stderr())
