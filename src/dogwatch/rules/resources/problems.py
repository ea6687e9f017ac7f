"""Where the problems of resource files go: of each file the first are kept, the rest are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.base.message import nearest

MOST_TOLD = 50
"""Problems of one severity that are told of one file."""


class Problems:
    """The diagnostics of a load, each once."""

    def __init__(self) -> None:
        self._told: dict[Diagnostic, None] = {}
        self._seen: Counter[tuple[str, Severity]] = Counter()

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, or count it if its file has had enough of its severity."""
        if diagnostic in self._told:
            return
        key = (diagnostic.place.file if diagnostic.place else "", diagnostic.severity)
        self._seen[key] += 1
        if self._seen[key] <= MOST_TOLD:
            self._told[diagnostic] = None

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that were kept, and for each file how many were not."""
        more = (
            Diagnostic(
                "resource-more-problems",
                f"{seen - MOST_TOLD:,} more {severity.value}s of this file are not told",
                severity=severity,
                place=Place(file),
            )
            for (file, severity), seen in self._seen.items()
            if seen > MOST_TOLD
        )
        return (*self._told, *more)


@dataclass(frozen=True, slots=True)
class Source:
    """One file that is being read.

    Attributes:
        file: Its name in messages.
        folder: Where the files that it names are looked for.
        problems: Where its problems go.
    """

    file: str
    folder: Path
    problems: Problems

    def at(self, line: int | None = None, column: int | None = None) -> Place:
        """A place in the file."""
        return Place(self.file, line, column)

    def error(self, code: str, message: str, line: int | None = None, hint: str | None = None) -> None:
        """Something that was left out because it cannot be read."""
        self.problems.add(Diagnostic(code, message, place=self.at(line), hint=hint))

    def warning(self, code: str, message: str, line: int | None = None, hint: str | None = None) -> None:
        """Something that was read and may not be what was meant."""
        self.problems.add(Diagnostic(code, message, Severity.WARNING, self.at(line), hint=hint))

    def notice(self, code: str, message: str, line: int | None = None, hint: str | None = None) -> None:
        """Something that is worth knowing."""
        self.problems.add(Diagnostic(code, message, Severity.NOTICE, self.at(line), hint=hint))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the known word that resembles this one, else the known ones."""
    words = tuple(known)
    close = nearest(word, words)
    if close is not None:
        return f"did you mean `{close}`?"
    return f"known are {', '.join(words)}" if words else None
