"""How many processes a command may use."""

from __future__ import annotations

import os

import click

MOST_WORKERS = 256
"""More than these would spend their time waiting for the one process that gives them their work."""


def cores() -> int:
    """The processor cores that this process may use."""
    return min(MOST_WORKERS, max(1, len(os.sched_getaffinity(0))))


workers_option = click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, MOST_WORKERS),
    help="Read and match files in N processes; as many as there are cores if it is not given. What is found does "
    "not depend on it.",
)
"""The option; ``None`` stands for ``cores()``."""
