"""Small suites written into a folder."""

from __future__ import annotations

from pathlib import Path

EVENTS = """
[
  // two boats and a dog
  {"id": 1, "@timestamp": "2031-01-01T00:00:01Z", "event": {"category": "process"}, "name": "tern", "who": "ana"},
  {"id": 2, "@timestamp": "2031-01-01T00:00:02Z", "event": {"category": "process"}, "name": "Tern", "who": "ana"},
  {"id": 3, "@timestamp": "2031-01-01T00:00:03Z", "event": {"category": "file"}, "name": "http://x", "who": null}
]
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    """The folder with these files in it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def case(query: str, expected: str, more: str = "", name: str = "a case") -> str:
    """One case as TOML."""
    return f"[[queries]]\nname = \"{name}\"\nquery = '''{query}'''\nexpected_event_ids = {expected}\n{more}\n"
