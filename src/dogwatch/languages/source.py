"""What the text of a query may be, in any language: how large, and of which characters.

The longest query in Elastic's public rules has 14,000 characters. A query within these limits is read and
made ready within a second; what is longer comes from a program or an attacker, and is refused before it is
looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span

MAX_QUERY_LENGTH = 256 * 1024
"""Characters of a query."""

MAX_TOKENS = 20_000
"""Words and marks of a query."""


_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""What no text holds: it comes from bytes that are not UTF-8, or from a file that is not text."""


def check_text(source: str) -> None:
    """Refuses a query of too many characters, or with what is no character of a text.

    Raises:
        DogwatchError: ``query-too-long``, ``query-character``.
    """
    if len(source) > MAX_QUERY_LENGTH:
        raise _too_long(source, MAX_QUERY_LENGTH, f"{MAX_QUERY_LENGTH:,} characters")
    strange = _NO_TEXT.search(source)
    if strange is not None:
        name = "a NUL" if strange[0] == "\0" else "half of a character, or a byte that is not UTF-8"
        raise DogwatchError(
            Diagnostic(
                "query-character",
                f"the query holds {name}",
                source=source,
                span=Span(*strange.span()),
                hint="write the query anew, as text in UTF-8",
            )
        )


def check_count(source: str, count: int, span: Span, limit: int = MAX_TOKENS) -> None:
    """Refuses a query of too many words.

    Args:
        source: The query.
        count: How many tokens it has up to this one.
        span: Where this one stands.
        limit: How many it may have.

    Raises:
        DogwatchError: ``query-too-long``.
    """
    if count > limit:
        raise _too_long(source, span.start, f"{limit:,} words")


def check_size(source: str, spans: Iterable[Span]) -> None:
    """Refuses a query of too many or of strange characters, or of too many words, before it is parsed.

    Args:
        source: The query.
        spans: Where its tokens stand; they are looked at only if there can be too many.

    Raises:
        DogwatchError: ``query-too-long``, or what the tokens' scanner raises.
    """
    check_text(source)
    if len(source) > MAX_TOKENS:
        for count, span in enumerate(spans):
            check_count(source, count, span)


def _too_long(source: str, start: int, limit: str) -> DogwatchError:
    return DogwatchError(
        Diagnostic(
            "query-too-long",
            f"the query has more than {limit}",
            source=source,
            span=Span(start, start + 1),
            hint="split it into several rules; a list of indicators belongs in an indicator index, not in a query",
        )
    )
