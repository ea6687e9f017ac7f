"""What tells this program from every other state of it: its sources, its interpreter and what it is built on."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

_PACKAGE = Path(__file__).parent.parent
_SOURCES = (".py", ".yaml", ".csv", ".tsv")


@functools.cache
def fingerprint() -> bytes:
    """Thirty-two bytes that change whenever the same input could give another outcome.

    They are made of the name, size and times of every source file of the package, of the names and versions of all
    packages installed beside its dependencies, and of the interpreter's version.
    """
    parts = [sys.version, os.fspath(_PACKAGE), *sorted(_sources(os.fspath(_PACKAGE))), *sorted(_installed())]
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=32).digest()


def _sources(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(_SOURCES):
                found = entry.stat()
                yield f"{entry.path} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
            elif entry.is_dir() and not entry.name.startswith(("__pycache__", "library")):
                yield from _sources(entry.path)


def _installed() -> Iterator[str]:
    with os.scandir(Path(msgspec.__file__).parent.parent) as entries:
        yield from (entry.name for entry in entries if entry.name.endswith((".dist-info", ".egg-info")))
