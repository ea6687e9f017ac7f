"""The line that tells how far a command has come."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from dogwatch.cli.progress import Meter, inputs_size


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


def drawn(total: int | None, width: int = 80, *, fail: bool = False, counts: tuple[int, int] = (5000, 3)) -> str:
    """What a terminal gets from a reading of two seconds."""
    stream, clock = io.StringIO(), Clock()
    console = Console(file=stream, force_terminal=True, width=width, legacy_windows=False)
    meter = Meter(total, wanted=True, console=console, clock=clock)
    meter.counts = lambda: counts

    def work() -> None:
        with meter:
            for _ in range(2000):
                clock.now += 0.001
                assert meter.read is not None
                meter.read(1_000_000)
            if fail:
                raise KeyboardInterrupt

    if fail:
        with pytest.raises(KeyboardInterrupt):
            work()
    else:
        work()
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_it_tells_bytes_rate_alerts_and_what_is_left(width: int) -> None:
    shown = drawn(4_000_000_000, width)
    assert "/4.0 GB" in shown
    assert "events/s" in shown
    assert "3 alerts" in shown
    assert "0:02 left" in shown
    # Ten looks a second, each on one line.
    assert 15 <= shown.count("reading") <= 25
    # The one line end is what it is taken off the screen with.
    assert shown.count("\n") == 1


def test_without_a_total_nobody_knows_what_is_left() -> None:
    shown = drawn(None)
    assert "left" not in shown
    assert "1.9 GB" in shown
    assert "events/s" in shown


@pytest.mark.parametrize("fail", [False, True])
def test_it_leaves_the_screen_as_it_was(fail: bool) -> None:
    shown = drawn(4_000_000_000, fail=fail)
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1
    assert shown.rindex("\x1b[2K") > shown.rindex("reading")


def test_a_rate_waits_until_it_says_something() -> None:
    stream, clock = io.StringIO(), Clock()
    console = Console(file=stream, force_terminal=True, width=80)
    with Meter(100, wanted=True, console=console, clock=clock) as meter:
        meter.counts = lambda: (1, 0)
        clock.now = 0.5
        assert meter.read is not None
        meter.read(10)
    assert "events/s" not in stream.getvalue()
    assert "alert" not in stream.getvalue()


@pytest.mark.parametrize(("terminal", "wanted"), [(False, True), (True, False)])
def test_nothing_is_drawn_where_it_is_not_wanted_or_there_is_no_terminal(terminal: bool, wanted: bool) -> None:
    stream = io.StringIO()
    with Meter(100, wanted=wanted, console=Console(file=stream, force_terminal=terminal)) as meter:
        assert meter.read is None
    assert stream.getvalue() == ""


def test_the_size_of_inputs(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"123")
    os.mkfifo(tmp_path / "pipe")
    assert inputs_size([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "missing")]) == 8
    assert inputs_size([str(tmp_path / "a"), "-"]) is None
    assert inputs_size([str(tmp_path / "pipe")]) is None
