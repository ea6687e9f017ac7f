"""Names of data streams and indices, and the patterns by which rules name them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from dogwatch.events.batch import Document
from dogwatch.events.document import leaf_value

_BACKING = ".ds-"
_MOUNTED = ("partial-", "restored-")
"""What searchable snapshots put before the name of an index that they mount."""


def index_of(document: Document, hit_index: object = None, explicit: str | None = None) -> str | None:
    """The data stream or index that an event belongs to, or ``None`` if nothing says.

    Args:
        document: The event; its ``data_stream.*`` fields name its data stream.
        hit_index: What the search hit or bulk action said (``_index``); goes before the document.
        explicit: What the user said; goes before everything.
    """
    if explicit is not None:
        return explicit
    if isinstance(hit_index, str) and hit_index:
        return data_stream_of(hit_index)
    if "data_stream" not in document and "data_stream.type" not in document:
        return None
    kind = leaf_value(document, "data_stream", "type")
    dataset = leaf_value(document, "data_stream", "dataset")
    namespace = leaf_value(document, "data_stream", "namespace")
    if isinstance(kind, str) and isinstance(dataset, str) and isinstance(namespace, str):
        return f"{kind}-{dataset}-{namespace}"
    return None


@lru_cache(maxsize=4096)
def data_stream_of(index: str) -> str:
    """The data stream of a backing index; any other name as it is; without the cluster's name.

    Examples:
        >>> data_stream_of("eu:.ds-logs-endpoint.events.process-default-2024.01.01-000001")
        'logs-endpoint.events.process-default'
        >>> data_stream_of("auditbeat-8.9")
        'auditbeat-8.9'
    """
    name = index.rpartition(":")[2]
    inner = name
    for prefix in _MOUNTED:
        inner = inner.removeprefix(prefix)
    if not inner.startswith(_BACKING):
        return name
    stream, _, generation = inner[len(_BACKING) :].rpartition("-")
    if not stream or len(generation) < 6 or not generation.isdecimal():
        return name
    # Elasticsearch 7.9 and 7.10 put no date between the name and the generation.
    before, _, date = stream.rpartition("-")
    return before if before and _is_date(date) else stream


class IndexPatterns:
    """The index patterns of a rule.

    They are taken in order, as Elasticsearch takes them: ``a-*`` adds names, ``-a-x*`` takes away from those
    before it. ``*`` is any run of characters; letter case matters. Commas separate patterns; a cluster before
    a colon is ignored, since an event does not know the cluster that it came from.

    Args:
        patterns: Patterns, or texts of several separated by commas. None of them matches no name.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        names = (name.strip() for pattern in patterns for name in pattern.split(","))
        self._steps = tuple(_step(name) for name in names if name)

    def matches(self, name: str) -> bool:
        """Whether the patterns cover a data stream's or index's name."""
        covered = False
        for excluded, pieces in self._steps:
            if covered == excluded and _covers(pieces, name):
                covered = not excluded
        return covered


def _step(pattern: str) -> tuple[bool, tuple[str, ...]]:
    cluster, _, name = pattern.rpartition(":")
    excluded = name.startswith("-") or cluster.startswith("-")
    name = name.removeprefix("-")
    return excluded, ("", "") if name == "_all" else tuple(name.split("*"))


def _covers(pieces: tuple[str, ...], name: str) -> bool:
    """Whether ``name`` is the pieces in order with anything between them; each is found at its earliest."""
    if len(pieces) == 1:
        return name == pieces[0]
    first, *middle, last = pieces
    if not name.startswith(first):
        return False
    position = len(first)
    for piece in middle:
        found = name.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return len(name) - len(last) >= position and name.endswith(last)


def _is_date(text: str) -> bool:
    year, *rest = text.split(".")
    return [len(part) for part in (year, *rest)] == [4, 2, 2] and "".join((year, *rest)).isdecimal()
