"""How far a command has come with its inputs: one line on standard error, if that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dogwatch.events.readers import expand_paths

if TYPE_CHECKING:
    from rich.console import Console

    from dogwatch.cli.progress_line import Line

Counts = Callable[[], tuple[int, int]]
"""Events read so far, and alerts and incidents."""

_EVERY = 0.1
"""Seconds between two looks of the line."""


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
        self.counts: Counts = lambda: (0, 0)
        self._clock = clock
        self._started = self._drawn = clock()
        self._bytes = 0
        self._line = _line(total, console) if wanted else None
        self.read: Callable[[int], None] | None = None if self._line is None else self._advance

    def __enter__(self) -> Self:
        if self._line is not None:
            self._line.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the line off the screen. Further calls do nothing."""
        if self._line is not None:
            self._line.stop()
            self._line = None

    def _advance(self, count: int) -> None:
        self._bytes += count
        now = self._clock()
        if self._line is not None and now - self._drawn >= _EVERY:
            self._drawn = now
            self._line.draw(self._bytes, now - self._started, *self.counts())


def _line(total: int | None, console: Console | None) -> Line | None:
    if console is None and not sys.stderr.isatty():
        return None
    # Where there is no terminal, it is not worth the time that it takes to import.
    from dogwatch.cli.progress_line import line_on

    return line_on(console, total)


def _size(path: object) -> int | None:
    if not isinstance(path, Path):
        return None
    try:
        return path.stat().st_size if path.is_file() else None if path.is_fifo() else 0
    except OSError:
        return 0
