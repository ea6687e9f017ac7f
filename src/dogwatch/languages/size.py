"""How large a query may be: one limit for every language, far beyond what a person writes.

The longest query in Elastic's public rules has 14,000 characters. A query within these limits is read and
made ready within a second; what is longer comes from a program or an attacker, and is refused before it is
looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Span

MAX_QUERY_LENGTH = 256 * 1024
"""Characters of a query."""

MAX_TOKENS = 20_000
"""Words and marks of a query."""


def check_length(source: str) -> None:
    """Refuses a query of too many characters.

    Raises:
        DogwatchError: ``query-too-long``.
    """
    if len(source) > MAX_QUERY_LENGTH:
        raise _too_long(source, MAX_QUERY_LENGTH, f"{MAX_QUERY_LENGTH:,} characters")


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
    """Refuses a query of too many characters or words, before it is parsed.

    Args:
        source: The query.
        spans: Where its tokens stand; they are looked at only if there can be too many.

    Raises:
        DogwatchError: ``query-too-long``, or what the tokens' scanner raises.
    """
    check_length(source)
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
