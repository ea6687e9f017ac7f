"""Hyperscan databases of many expressions, kept on disk by their content."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import hyperscan

_SUFFIX = ".hs"
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class Expressions:
    """What a database is compiled from.

    Attributes:
        texts: Expressions in Hyperscan's language, UTF-8.
        ids: The number that each reports; several may share one.
        flags: Hyperscan's flags for each.
    """

    texts: tuple[bytes, ...]
    ids: tuple[int, ...]
    flags: tuple[int, ...]

    @property
    def name(self) -> str:
        """A file name that tells this content, compiled by this version of Hyperscan, from any other."""
        # The package's types leave its version out.
        version: str = hyperscan.__version__  # type: ignore[attr-defined]
        whole = hashlib.sha256(version.encode())
        for text, number, flags in zip(self.texts, self.ids, self.flags, strict=True):
            whole.update(b"\0%d %d %d " % (number, flags, len(text)) + text)
        return whole.hexdigest() + _SUFFIX

    def compile(self) -> hyperscan.Database:
        """A new database.

        Raises:
            hyperscan.error: An expression is not supported, or all are too large together.
        """
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=list(self.texts),
            ids=list(self.ids),
            elements=len(self.texts),
            flags=list(self.flags),
        )
        return database


def kept_database(expressions: Expressions, folder: Path | None) -> hyperscan.Database | None:
    """The database that a folder keeps for some expressions; ``None`` if it keeps none that can be used.

    A file that is damaged, or made for another processor, is as good as none.
    """
    if folder is None:
        return None
    try:
        content = (folder / expressions.name).read_bytes()
    except OSError:
        return None
    body = content[_DIGEST:]
    if hashlib.sha256(body).digest() != content[:_DIGEST]:
        return None
    try:
        database = hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except hyperscan.error:
        return None
    return database


def keep_database(expressions: Expressions, database: hyperscan.Database, folder: Path) -> None:
    """Keep a database in a folder, at once whole or not at all; a folder that cannot be written keeps none."""
    body = bytes(hyperscan.dumpb(database))
    content = hashlib.sha256(body).digest() + body
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(folder / expressions.name)
    except OSError:
        Path(name).unlink(missing_ok=True)
