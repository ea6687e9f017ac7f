"""Problems a person can fix: what, where (with a caret), and how to mend it.

A diagnostic is data. Loaders and parsers collect them; the command line decides how to show them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from dogwatch.base.text import printable

_EXCERPT_WIDTH = 100
"""Characters of a source line shown around the caret."""


class Severity(enum.Enum):
    """How much a diagnostic matters to the run that met it."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch ``[start, end)`` of a source text, in characters."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The smallest span that covers this one and ``other``."""
        return Span(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was read: a file (or a stream's name), and a 1-based line and column if known."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """``file``, ``file:line`` or ``file:line:column``."""
        parts = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


Steps = tuple[tuple[int, Place], ...]
"""For each escape in a file's text: how much of the decoded text is before its end, and the place behind it."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: a stable code, a message, where it is, and what to do about it.

    Attributes:
        code: Stable kebab-case name, such as ``eql-syntax`` or ``unknown-field``.
        message: One sentence without a final stop.
        severity: Whether it cost something (error), may cost something (warning) or merely informs (notice).
        place: Where the text that it speaks of begins, if it came from a file.
        source: The text that ``span`` points into (a query, a line), if there is one.
        span: The stretch of ``source`` at fault.
        hint: What the reader could do, if we know.
        field: The path of the event field that it is about, if it is about one.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    place: Place | None = None
    source: str | None = None
    span: Span | None = None
    hint: str | None = None
    field: str | None = None

    def at(self, place: Place, steps: Steps = ()) -> Diagnostic:
        """The same diagnostic, placed in a file.

        If the diagnostic has a span into a source, ``place`` names where that source begins, and the
        result's place is moved to the span's own line.

        Args:
            place: The place.
            steps: Where the file writes the source otherwise than it is.
        """
        if self.source is None or self.span is None or place.line is None:
            return replace(self, place=place)
        start = _shown_span(self.source, self.span).start
        return replace(self, place=place_within(self.source, start, place, steps))

    def render(self) -> str:
        """The diagnostic as plain text of up to five lines; control characters are made visible."""
        lines = [f"{self.code}: {printable(self.message)}"]
        if self.place is not None:
            lines.append(f"  {printable(str(self.place))}")
        if self.source is not None and self.span is not None:
            span = _shown_span(self.source, self.span)
            line, column = line_and_column(self.source, span.start)
            if self.place is None:
                lines.append(f"  line {line}, column {column}")
            lines += _excerpt(self.source, span)
        if self.hint:
            lines.append(f"  hint: {printable(self.hint)}")
        return "\n".join(lines)


class DogwatchError(Exception):
    """Something could not be done; ``diagnostics`` say what, where and how to mend it.

    Args:
        diagnostics: At least one, all of them worth showing.
    """

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = (
            (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        )
        super().__init__("\n".join(diagnostic.render() for diagnostic in self.diagnostics))


def line_and_column(source: str, offset: int) -> tuple[int, int]:
    """The 1-based line and column of a character offset in ``source``."""
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def place_within(source: str, offset: int, begin: Place, steps: Steps = ()) -> Place:
    """Where a character of a text stands in a file.

    Args:
        source: The text.
        offset: The character.
        begin: Where the text begins.
        steps: Where the file writes the text otherwise than it is.
    """
    since, known = next((step for step in reversed(steps) if step[0] <= offset), (0, begin))
    line, column = line_and_column(source[since:], offset - since)
    first = known.column or 1
    return Place(known.file, (known.line or 1) + line - 1, column + first - 1 if line == 1 else column)


def _shown_span(source: str, span: Span) -> Span:
    """Where to point: what is wrong at the end of a text is shown after its last visible character."""
    if source[span.start :].strip():
        return span
    end = min(span.start, len(source.rstrip()))
    return Span(end, end)


def _excerpt(source: str, span: Span) -> list[str]:
    start = source.rfind("\n", 0, span.start) + 1
    end = source.find("\n", span.start)
    line = source[start : len(source) if end < 0 else end].rstrip()
    if not line:
        return []
    column = span.start - start
    width = max(1, min(span.end, start + len(line)) - span.start)
    if len(line) > _EXCERPT_WIDTH:
        cut = max(0, min(column - _EXCERPT_WIDTH // 2, len(line) - _EXCERPT_WIDTH))
        line, column = line[cut : cut + _EXCERPT_WIDTH], column - cut
        width = min(width, _EXCERPT_WIDTH - column)
    # One visible character for each character, so that the caret stays under what it points at.
    shown = "".join(char if char.isprintable() else "·" for char in line.replace("\t", " "))
    return [f"     {shown}", f"     {' ' * column}{'^' * max(1, width)}"]
