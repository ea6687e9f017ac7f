"""How far a command has come with its inputs: one line on standard error, if that is a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from dogwatch.base.message import count_of
from dogwatch.cli.console import stderr
from dogwatch.events.readers import expand_paths

Counts = Callable[[], tuple[int, int]]
"""Events read so far, and alerts and incidents."""

_EVERY = 0.1
"""Seconds between two looks of the line."""

_SETTLED = 1.0
"""Seconds after which a rate says something."""


def inputs_size(paths: Sequence[str]) -> int | None:
    """Bytes of all inputs, or ``None`` if one of them has no size, as a pipe."""
    sizes = [_size(path) for path in expand_paths(paths)]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


class Meter:
    """A line that tells how far the reading is; nothing at all where standard error is no terminal.

    It is drawn by whoever reads, not by a thread of its own, so that processes can be forked meanwhile.

    Args:
        total: Bytes of all inputs, ``None`` if unknown.
        wanted: Whether to show a line at all.
        console: Where; standard error if not given.
        clock: Seconds that pass.

    Attributes:
        counts: Gives what else the line tells; set when it is known.
        read: What to call with the bytes of each read, or ``None`` if no line is shown.
    """

    def __init__(
        self,
        total: int | None,
        *,
        wanted: bool,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        console = console or _console()
        self.counts: Counts = lambda: (0, 0)
        self._clock = clock
        self._started = self._drawn = clock()
        self._bytes = 0
        self._total = total
        self._progress: Progress | None = None
        self.read: Callable[[int], None] | None = None
        if wanted and console.is_terminal and not console.is_dumb_terminal:
            self._progress = Progress(
                TextColumn("reading"),
                *([] if total is None else [BarColumn(bar_width=max(8, min(40, console.width - 64)))]),
                _Said(),
                console=console,
                auto_refresh=False,
                transient=True,
            )
            self.read = self._advance

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._task = self._progress.add_task("reading", total=self._total, said=self._said())
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the line off the screen. Further calls do nothing."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _advance(self, count: int) -> None:
        self._bytes += count
        now = self._clock()
        if self._progress is not None and now - self._drawn >= _EVERY:
            self._drawn = now
            self._progress.update(self._task, completed=self._bytes, said=self._said(), refresh=True)

    def _said(self) -> str:
        events, found = self.counts()
        seconds = self._clock() - self._started
        parts = [decimal(self._bytes) if self._total is None else f"{decimal(self._bytes)}/{decimal(self._total)}"]
        if seconds >= _SETTLED and events:
            parts.append(f"{events / seconds:,.0f} events/s")
        if found:
            parts.append(count_of(found, "alert"))
        if seconds >= _SETTLED and self._total is not None and 0 < self._bytes <= self._total:
            parts.append(f"{_clock_time(seconds * (self._total - self._bytes) / self._bytes)} left")
        return "  ".join(parts)


class _Said(ProgressColumn):
    """What a task says in words."""

    def render(self, task: Task) -> Text:
        return Text(str(task.fields["said"]), no_wrap=True, overflow="ellipsis")


def _console() -> Console:
    console = stderr()
    # A line that is drawn again must stay one line.
    console.soft_wrap = False
    return console


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _size(path: object) -> int | None:
    if not isinstance(path, Path):
        return None
    try:
        return path.stat().st_size if path.is_file() else None if path.is_fifo() else 0
    except OSError:
        return 0
