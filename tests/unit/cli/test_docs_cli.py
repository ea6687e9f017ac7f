"""``docs/cli.md`` is what the commands say of themselves; ``DOGWATCH_UPDATE_DOCS=1`` writes it anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from dogwatch.cli.main import dogwatch

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cli.md"

INTRODUCTION = """\
# The command line

This page is generated from the commands' own help; `DOGWATCH_UPDATE_DOCS=1 pytest tests/unit/cli/test_docs_cli.py`
writes it anew.

## Output and exit status

Results go to standard output and nothing else does; diagnostics, counts and progress go to standard error,
progress on a terminal only. Without `--format`, a terminal gets a table or a page, and a pipe or a
file gets NDJSON; `dogwatch rules check` gives its table to both, and with `--format ndjson` its problems are the
results.

Of problems of rules that have the same code, `dogwatch scan` tells the first five and how many more there are,
with `--quiet` every error; `dogwatch rules check --all` tells each.

| Status | Meaning |
| --- | --- |
| 0 | It ran. With `--fail-on LEVEL`, nothing at or above that severity was found. |
| 1 | `--fail-on` was met, or a check found errors. |
| 2 | Usage or configuration is wrong, or nothing could be read at all. |
| 3 | It ran, but something whole was left out: a rule, a file, or the rest of a truncated one. |
| 130 | It was interrupted. |

Of several, 2 comes before 1, and 1 before 3. Bad lines within a file are counted and shown, and change no status.

## Completion in the shell

Commands, options and choices are completed after one of these lines has run; put it into the
shell's start-up file.

    eval "$(_DOGWATCH_COMPLETE=bash_source dogwatch)"       # bash 4.4 or later, in ~/.bashrc
    eval "$(_DOGWATCH_COMPLETE=zsh_source dogwatch)"        # zsh, in ~/.zshrc
    _DOGWATCH_COMPLETE=fish_source dogwatch | source        # fish, in ~/.config/fish/config.fish
"""


def test_the_page_is_what_the_commands_say() -> None:
    current = page()
    if os.environ.get("DOGWATCH_UPDATE_DOCS") == "1":
        PAGE.write_text(current, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == current


def test_every_command_and_option_says_what_it_is_for() -> None:
    for path, command, _ in _commands("dogwatch", dogwatch, None):
        assert command.help, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{path} {parameter.name}"


def page() -> str:
    """The page as it should be."""
    parts = [INTRODUCTION]
    for path, command, context in _commands("dogwatch", dogwatch, None):
        parts.append(f"\n## {path}\n\n```\n{command.get_help(context)}\n```\n")
    return "".join(parts)


def _commands(
    path: str, command: click.Command, parent: click.Context | None
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """A command and all below it, in the order in which they are listed."""
    name = path.rpartition(" ")[2]
    # The width is given: the page must not depend on anybody's terminal.
    context = command.make_context(
        name, [], parent, resilient_parsing=True, terminal_width=100, max_content_width=100
    )
    yield path, command, context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from _commands(f"{path} {below}", found, context)
