"""Standard error: diagnostics, counts and progress. Standard output belongs to results alone."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Severity
from dogwatch.events.readers.lines import Progress as OnBytes

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


@contextmanager
def reading(total: int | None, *, wanted: bool) -> Iterator[OnBytes | None]:
    """A progress bar over bytes read, if standard error is a terminal and it is wanted.

    Args:
        total: Bytes of all inputs, ``None`` if unknown.
        wanted: Whether to show one at all.

    Yields:
        What to call with the bytes of each read, or ``None``.
    """
    console = stderr()
    if not (wanted and console.is_terminal):
        yield None
        return
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=total)
        yield lambda count: progress.update(task, advance=count)
