"""Whatever pattern a query is lowered to, it is the same pattern after it was written and read."""

from __future__ import annotations

from campaign import campaign
from hypothesis import given
from query_strategies import damaged_queries, event_queries, sample_queries, sequence_queries

from dogwatch.base.codec import Codec
from dogwatch.base.diagnostic import DogwatchError
from dogwatch.detect.query import EventFields, lower_query
from dogwatch.logic.printer import describe
from dogwatch.rules.cache import CLASSES
from dogwatch.schema.schema import Schema

NOW = 1_767_225_600_000_000_000
CODEC = Codec(CLASSES)


@campaign(50)
@given(event_queries() | sequence_queries() | sample_queries() | damaged_queries())
def test_a_kept_pattern_is_the_pattern(query: tuple[str, str]) -> None:
    try:
        lowered = lower_query(*query, Schema.ecs(), NOW, EventFields())
    except DogwatchError as error:
        assert CODEC.decode(CODEC.encode(error.diagnostics)) == error.diagnostics  # noqa: PT017 - kept as well
        return
    again = CODEC.decode(CODEC.encode(lowered))
    assert again == lowered
    assert describe(again.pattern) == describe(lowered.pattern)
    assert hash(again.pattern) == hash(lowered.pattern)
