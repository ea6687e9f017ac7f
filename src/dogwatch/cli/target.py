"""Files that commands write: never an input, and whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.events.readers import expand_paths

_HINT = "choose another file with --output"


def refuse_input(path: Path, inputs: Sequence[str]) -> None:
    """Refuse to write over an input.

    Raises:
        DogwatchError: The file is one of the inputs.
    """
    if path.is_file() and any(
        isinstance(each, Path) and each.exists() and each.samefile(path) for each in expand_paths(inputs)
    ):
        message = f"{path} is one of the inputs and was left as it is"
        raise DogwatchError(Diagnostic("output", message, hint=_HINT))


def unwritable(path: Path, error: OSError) -> DogwatchError:
    """That a file cannot be written."""
    return DogwatchError(Diagnostic("output", f"cannot write {path}: {error.strerror}", hint=_HINT))


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when all of it is written; until then, and if that fails, nothing changes.

    Raises:
        DogwatchError: It cannot be written.
    """
    target = Path(os.path.realpath(path))
    # A hidden name, so that a folder that is read meanwhile does not hold it.
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        file = partial.open("xb")
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            partial.unlink()
        raise
