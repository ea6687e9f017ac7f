"""A rule's investigation guide as plain Markdown: Kibana's buttons become the words and queries behind them."""

from __future__ import annotations

import json

_DECODER = json.JSONDecoder()
_BUTTONS = ("!{osquery", "!{investigate")


def plain_guide(note: str) -> str:
    """The guide with each ``!{osquery{...}}`` and ``!{investigate{...}}`` written out; the rest is unchanged.

    Examples:
        >>> plain_guide('- !{osquery{"label":"DNS cache","query":"SELECT * FROM dns_cache"}}')
        '- DNS cache: `SELECT * FROM dns_cache`'
    """
    parts: list[str] = []
    position = 0
    while (start := note.find("!{", position)) >= 0:
        parts.append(note[position:start])
        button = next((name for name in _BUTTONS if note.startswith(name + "{", start)), None)
        read = _read(note, start + len(button)) if button is not None else None
        if read is None:
            parts.append("!{")
            position = start + 2
        else:
            words, position = read
            parts.append(words)
    parts.append(note[position:])
    return "".join(parts)


def _read(note: str, start: int) -> tuple[str, int] | None:
    """What the JSON object at ``start`` says, and where the button ends; ``None`` if it is malformed."""
    try:
        said, end = _DECODER.raw_decode(note, start)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not note.startswith("}", end):
        return None
    label, query = str(said.get("label", "")), said.get("query")
    if not isinstance(query, str):
        return label, end + 1
    # A code span's fence must not occur in it.
    fence = "`"
    while fence in query:
        fence += "`"
    return f"{label}: {fence}{' '.join(query.split())}{fence}", end + 1
