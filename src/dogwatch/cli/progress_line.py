"""The line that a terminal shows while inputs are read."""

from __future__ import annotations

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from dogwatch.base.message import count_of
from dogwatch.cli.console import stderr

_SETTLED = 1.0
"""Seconds after which a rate says something."""


class Line:
    """A line that is drawn again and again until it is taken off the screen.

    Args:
        total: Bytes of all inputs, ``None`` if unknown.
        console: Where it is drawn.
    """

    def __init__(self, total: int | None, console: Console) -> None:
        self._total = total
        self._progress = Progress(
            TextColumn("reading"),
            *([] if total is None else [BarColumn(bar_width=max(8, min(40, console.width - 64)))]),
            _Said(),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task("reading", total=total, said="")

    def start(self) -> None:
        """Draw it for the first time."""
        self.draw(0, 0.0, 0, 0)
        self._progress.start()

    def draw(self, read: int, seconds: float, events: int, found: int) -> None:
        """Draw it with what is known now.

        Args:
            read: Bytes so far.
            seconds: How long it took.
            events: Events so far.
            found: Alerts and incidents so far.
        """
        said = self._said(read, seconds, events, found)
        self._progress.update(self._task, completed=read, said=said, refresh=self._progress.live.is_started)

    def stop(self) -> None:
        """Take it off the screen."""
        self._progress.stop()

    def _said(self, read: int, seconds: float, events: int, found: int) -> str:
        parts = [decimal(read) if self._total is None else f"{decimal(read)}/{decimal(self._total)}"]
        if seconds >= _SETTLED and events:
            parts.append(f"{events / seconds:,.0f} events/s")
        if found:
            parts.append(count_of(found, "alert"))
        if seconds >= _SETTLED and self._total is not None and 0 < read <= self._total:
            parts.append(f"{_clock_time(seconds * (self._total - read) / read)} left")
        return "  ".join(parts)


class _Said(ProgressColumn):
    """What a task says in words."""

    def render(self, task: Task) -> Text:
        return Text(str(task.fields["said"]), no_wrap=True, overflow="ellipsis")


def line_on(console: Console | None, total: int | None) -> Line | None:
    """A line on a console, standard error if none is given; ``None`` if a line cannot be drawn again there."""
    if console is None:
        console = stderr()
        # A line that is drawn again must stay one line.
        console.soft_wrap = False
    return Line(total, console) if console.is_terminal and not console.is_dumb_terminal else None


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
