"""Options that say how FortiSIEM's rules are read; every command that lowers rules has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from dogwatch.languages.fortisiem.options import Strictness

_Command = TypeVar("_Command", bound=Callable[..., object])


def resources_option(command: _Command) -> _Command:
    """Give a command ``--resources``, whose paths are its argument ``resource_paths``."""
    option = click.option(
        "--resources",
        "resource_paths",
        multiple=True,
        metavar="PATH",
        help="Groups, lookup tables, watch lists, limits and exceptions that FortiSIEM rules refer to: a file or "
        "a folder. May be repeated.",
    )
    return option(command)


def strict_option(command: _Command) -> _Command:
    """Give a command ``--strict``, whose words are its argument ``strict``."""
    option = click.option(
        "--strict",
        multiple=True,
        type=click.Choice([each.value for each in Strictness]),
        help="Read FortiSIEM rules more strictly: letter case counts; events without a grouping attribute are "
        "dropped; negated comparisons are true of a missing attribute; what no resource describes is an error. "
        "May be repeated.",
    )
    return option(command)
