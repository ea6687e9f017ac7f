"""What a regular expression's groups match, in linear time: RE2 finds it."""

from __future__ import annotations

from functools import lru_cache

import re2

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.text import Fold
from dogwatch.engine.regex.compiled import MAX_PATTERN

MAX_TEXT = 65_536
"""Bytes of UTF-8 of a text that are searched. With ``MAX_PROGRAM`` it bounds a search to about a second."""

MAX_PROGRAM = 2000
"""Instructions of the largest expression: a search may take each of them at each byte."""


class Capture:
    """A group of a regular expression, to be found in texts.

    Args:
        pattern: The expression, in RE2's syntax.
        group: The group's number; ``None`` is the first one, or the whole match if there is none.
        fold: Under any but ``NONE`` letter case does not count.

    Raises:
        ValueError: It cannot be compiled, or has no such group.
    """

    def __init__(self, pattern: str, group: int | None, fold: Fold) -> None:
        if len(pattern) > MAX_PATTERN:
            raise ValueError(f"is longer than {MAX_PATTERN} characters")
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = fold is Fold.NONE
        try:
            self._regex = re2.compile(pattern, options)
        except (re2.error, UnicodeEncodeError) as error:
            raise ValueError(f"cannot be compiled: {_reason(error)}") from error
        if self._regex.programsize > MAX_PROGRAM:
            raise ValueError("repeats so much that searching for it would take too long")
        groups: int = self._regex.groups
        self._group = min(1, groups) if group is None else group
        if not 0 <= self._group <= groups:
            raise ValueError(f"has no group {self._group}")

    def find(self, text: str) -> str | None:
        """What the group matched in the leftmost match, if there is one and the group took part."""
        found = self._regex.search(text[:MAX_TEXT].encode("utf-8", "replace")[:MAX_TEXT])
        if found is None:
            return None
        part: bytes | None = found[self._group]
        return None if part is None else part.decode("utf-8", "ignore")


def compile_capture(pattern: str, group: int | None, fold: Fold) -> Capture:
    """A group of an expression, ready to be found; equal arguments share one.

    Raises:
        DogwatchError: ``regex-unsupported``: it cannot be compiled, or has no such group.
    """
    made = _made(pattern, group, fold)
    if isinstance(made, Diagnostic):
        raise DogwatchError(made)
    return made


@lru_cache(maxsize=1024)
def _made(pattern: str, group: int | None, fold: Fold) -> Capture | Diagnostic:
    try:
        return Capture(pattern, group, fold)
    except ValueError as error:
        shown = pattern if len(pattern) <= 80 else f"{pattern[:77]}..."
        hint = "it is read as RE2 reads it: without back-references and look-around"
        return Diagnostic("regex-unsupported", f"the regular expression `{shown}` {error}", hint=hint)


def _reason(error: Exception) -> str:
    reason = error.args[0] if isinstance(error, re2.error) and error.args else "half a character"
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
