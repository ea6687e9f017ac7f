"""Text that strangers typed, cut to the cells that it may take."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, get_character_cell_size

from dogwatch.base.text import printable

_ELLIPSIS = "…"
_CHARACTERS_PER_CELL = 3
"""More than these are combining marks piled up to flood the screen with text of no width."""


def shorten(value: str, cells: int) -> str:
    """``value`` made printable, and shortened in the middle to at most ``cells`` cells (at least one).

    Examples:
        >>> shorten("/usr/bin/nc -l 4444 -e /bin/sh", 20)
        '/usr/bin/nc… /bin/sh'
    """
    cells = max(1, cells)
    room = cells * _CHARACTERS_PER_CELL
    if len(value) <= room:
        shown = printable(value)
        if len(shown) <= room and cell_len(shown) <= cells:
            return shown
        start = end = shown
    else:
        start, end = printable(value[:room]), printable(value[-room:])
    head = _taken(start, (cells - 1) * 3 // 5)
    tail = _taken(reversed(end), cells - 1 - cell_len(head))[::-1]
    return f"{head}{_ELLIPSIS}{tail}"


def _taken(characters: Iterable[str], cells: int) -> str:
    """As many of the characters as fit."""
    taken: list[str] = []
    used = 0
    for character in characters:
        # A joined or varied character can be wider than the sum that its parts claim; none is over two cells.
        used += max(1, get_character_cell_size(character))
        if used > cells:
            break
        taken.append(character)
    return "".join(taken)
