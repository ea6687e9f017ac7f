"""Small resource files for tests, and what loading them said."""

from __future__ import annotations

from pathlib import Path

from dogwatch.rules.resources.load import load_resources
from dogwatch.rules.resources.resource_set import ResourceSet


def load(folder: Path, **files: str) -> ResourceSet:
    """The resources of files given by name, ``groups_yaml`` for ``groups.yaml``, loaded as a folder."""
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
    return load_resources([folder])


def said(loaded: ResourceSet) -> list[str]:
    """Each diagnostic as ``severity code name:line: message``, with its hint in brackets if it has one."""
    return [
        f"{each.severity.value} {each.code} "
        f"{_place(each.place.file, each.place.line) if each.place else '-'}: {each.message}"
        f"{f' [{each.hint}]' if each.hint else ''}"
        for each in loaded.diagnostics
    ]


def _place(file: str, line: int | None) -> str:
    return Path(file).name if line is None else f"{Path(file).name}:{line}"
