"""Standard error: diagnostics and counts. Standard output belongs to results alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}


def stderr() -> Console:
    """A console on standard error on which text means only itself; colours on a terminal only."""
    # Where nobody sees colours, it is not worth the time that it takes to import.
    from rich.console import Console

    return Console(file=sys.stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def say(text: str, style: str = "") -> None:
    """Print a text on standard error.

    Args:
        text: The text, safe to show.
        style: How a terminal with colours shows it, in rich's words.
    """
    _writer()(text, style, "")


def show_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics, the first word of each in the colour of its severity."""
    write = _writer()
    for diagnostic in diagnostics:
        write(f"{diagnostic.severity.value}:", _STYLES[diagnostic.severity], f" {diagnostic.render()}")


def show_error(error: DogwatchError) -> None:
    """Print what an error says."""
    show_diagnostics(error.diagnostics)


def _writer() -> Callable[[str, str, str], None]:
    """What prints a text in a style and, behind it, one without."""
    if not (sys.stderr.isatty() or os.environ.get("FORCE_COLOR")):
        return lambda text, _, rest: _write(f"{text}{rest}\n")
    from rich.text import Text

    console = stderr()
    return lambda text, style, rest: console.print(Text.assemble((text, style), rest))


def _write(line: str) -> None:
    sys.stderr.write(line)
