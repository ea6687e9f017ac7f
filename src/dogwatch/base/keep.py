"""A folder of this user's where what takes long to work out is kept between runs.

Nothing depends on it: without a folder, or with files in it that cannot be trusted, everything is worked out anew.
A file counts only if it is this user's own, nobody else may write to it, and its contents are those that were
written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import time
from pathlib import Path

VARIABLE = "DOGWATCH_CACHE_DIR"
"""The environment variable that names the folder; an empty value switches keeping off."""

MAX_BYTES = 256 * 1024 * 1024
"""What all files together may take; the ones not used for longest go first."""

_MAGIC = b"dogwatch kept 1\n"
_DIGEST = 16
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ABANDONED = 3600
"""Seconds after which a file that was never finished is taken for one whose writer is gone."""
_UNFINISHED = ".unfinished-"


def folder() -> Path | None:
    """The folder, made if it is not there; ``None`` if there is none that can be trusted."""
    path = _named()
    if path is None:
        return None
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError:
        return None
    return path if stat.S_ISDIR(found.st_mode) and _is_own(found) and os.access(path, os.W_OK | os.X_OK) else None


def read(name: str) -> memoryview | None:
    """What is kept under a name, or ``None`` if there is nothing that can be trusted.

    Args:
        name: A plain file name.
    """
    home = folder()
    data = None if home is None else _own_bytes(home / name)
    if data is None:
        return None
    begin = len(_MAGIC) + _DIGEST
    contents = memoryview(data)[begin:]
    if data[:begin] != _MAGIC + _digest(contents):
        return None
    return contents


def write(name: str, contents: bytes) -> bool:
    """Keep something under a name, in place of what was kept there; other processes see all of it or nothing.

    Args:
        name: A plain file name.
        contents: What to keep; nothing larger than a quarter of the folder is.

    Returns:
        Whether it is kept now.
    """
    home = folder()
    if home is None or len(contents) > MAX_BYTES // 4:
        return False
    try:
        handle, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=home)
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_MAGIC + _digest(contents))
            stream.write(contents)
        Path(unfinished).replace(home / name)
    except OSError:
        # The disk is full, or the folder has gone.
        with contextlib.suppress(OSError):
            Path(unfinished).unlink()
        return False
    _evict(home)
    return True


def _named() -> Path | None:
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification of these folders has relative ones ignored.
    if base.startswith("/"):
        return Path(base) / "dogwatch"
    home = os.environ.get("HOME", "")
    if not home.startswith("/"):
        return None
    # As root with the HOME of somebody else, nothing is left there that its owner could not remove.
    with contextlib.suppress(OSError):
        if Path(home).stat().st_uid == os.geteuid():
            return Path(home) / ".cache" / "dogwatch"
    return None


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE


def _own_bytes(path: Path) -> bytes | None:
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(handle)
            if stat.S_ISREG(found.st_mode) and _is_own(found) and found.st_size <= MAX_BYTES:
                os.utime(handle)
                with open(handle, "rb", closefd=False) as stream:
                    return stream.read()
        finally:
            os.close(handle)
    return None


def _digest(contents: bytes | memoryview) -> bytes:
    return hashlib.blake2b(contents, digest_size=_DIGEST).digest()


def _evict(home: Path) -> None:
    files: list[tuple[float, int, str]] = []
    total = 0
    with contextlib.suppress(OSError), os.scandir(home) as entries:
        for entry in entries:
            # Another process may take a file away at any moment.
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if not stat.S_ISREG(found.st_mode):
                    continue
                if entry.name.startswith(_UNFINISHED) and found.st_mtime > time.time() - _ABANDONED:
                    continue
                age = 0.0 if entry.name.startswith(_UNFINISHED) else found.st_mtime
                files.append((age, found.st_size, entry.path))
                total += found.st_size
    for age, size, path in sorted(files):
        if total <= MAX_BYTES and age:
            break
        with contextlib.suppress(OSError):
            Path(path).unlink()
        total -= size
