"""A search: the events, the sequences or the samples that satisfy one query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.time import format_instant
from dogwatch.detect.query import LANGUAGES, EventFields, lower_query
from dogwatch.detect.results import Result, Results, Searched
from dogwatch.engine.plan import Plan, check
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import Batch, Document, Event
from dogwatch.languages.fortisiem.options import VENDOR, FortisiemOptions
from dogwatch.languages.fortisiem.resources import NO_RESOURCES, Resources
from dogwatch.languages.lowering import Lowered
from dogwatch.logic.pattern import (
    AggregatePattern,
    CompositePattern,
    End,
    EventPattern,
    Key,
    SamplePattern,
    SequencePattern,
    columns_of,
    limits_with_size,
    predicates_of,
)
from dogwatch.schema.field import FieldRef, FieldType, Scalar
from dogwatch.schema.schema import Schema

__all__ = ["LANGUAGES", "Hit", "Search", "hit_of", "result_end"]


@dataclass(frozen=True, slots=True)
class Hit:
    """What a query found.

    Attributes:
        events: The documents: one, or one for each stage of a sequence or sample. ``{"missing": true}`` stands in
            the place of an event that must not occur (``![...]``), as in Elasticsearch's replies.
        join_keys: The values that the events share, dates as ISO 8601 text; empty for a single event.
        open_until: Set if the data ended before the window in which an event must not occur did: the end of that
            window, nanoseconds since 1970 UTC.
    """

    events: tuple[Document, ...]
    join_keys: Key = ()
    open_until: int | None = None


class Search:
    """One query, ready to run over batches.

    Args:
        language: One of ``LANGUAGES``, or ``kuery``.
        query: Its text; for FortiSIEM the filter of single events.
        schema: The types of fields.
        now: What ``now`` means in the query's dates, nanoseconds since 1970 UTC.
        event_category_field: The field that the event category of an EQL query is compared with.
        timestamp_field: The field that gives events their time; EQL only.
        tiebreaker_field: The field that orders events of one time, ``None`` for their own order; EQL only.
        resources: Groups and tables that a filter of FortiSIEM's refers to.
        fortisiem: How a filter of FortiSIEM's is read where the vendor leaves room.

    Attributes:
        notes: Warnings and notices about the query.
        fields: The columns that batches must have.
        found: What the last run found before any limit. Where a head limit ended it early, this is more than the
            limit if there was more to find, except in a followed stream, of which no more is read.
        left_out: What the last run could not follow, for want of room or because it came too late.

    Raises:
        DogwatchError: The query cannot be run; the diagnostics point into its text.
    """

    def __init__(
        self,
        language: str,
        query: str,
        schema: Schema,
        *,
        now: int | None = None,
        event_category_field: str = "event.category",
        timestamp_field: str = "@timestamp",
        tiebreaker_field: str | None = None,
        resources: Resources = NO_RESOURCES,
        fortisiem: FortisiemOptions = VENDOR,
    ) -> None:
        fields = EventFields(event_category_field, timestamp_field, tiebreaker_field)
        lowered = lower_query(language, query, schema, now, fields, resources, fortisiem)
        self._pattern = _searched(lowered)
        self._pipes = lowered.limits
        self._clock = lowered.clock
        self.notes = lowered.notes
        predicates = predicates_of(self._pattern)
        problems = check(*predicates)
        if problems:
            raise DogwatchError(problems)
        self._plan = Plan(predicates)
        self.fields: frozenset[FieldRef] = self._plan.fields | columns_of(self._pattern) | self._clock.fields
        self.found = 0
        self.left_out: tuple[Diagnostic, ...] = ()

    def run(
        self,
        batches: Iterable[Batch],
        *,
        size: int | None = None,
        result_position: End = End.TAIL,
        max_samples_per_key: int = 1,
        follow: bool = False,
    ) -> Iterator[Hit]:
        """The hits: single events in canonical order, sequences by their last event, samples by key.

        Args:
            batches: The events, with the columns ``fields``.
            size: How many hits at most, ``None`` for all. As in Elasticsearch, it limits what the query's first
                pipe gets, at the end that the pipe keeps.
            result_position: The end of the ordered hits that ``size`` keeps if the query has no pipe. Of samples,
                which have no place in time, it keeps the first.
            max_samples_per_key: How many samples a key gives at most.
            follow: The events may have no end and come in about the order in which they happen: hits are given as
                they are found. Without effect if the last hits are wanted.

        Raises:
            DogwatchError: A number is negative (``search-option``).
        """
        self.found = 0
        self.left_out = ()
        _check_not_negative("size", size)
        _check_not_negative("max_samples_per_key", max_samples_per_key)
        results = Results(
            self._pattern,
            self._plan,
            self._clock,
            limits_with_size(self._pipes, size, self.kept_end(result_position)),
            max_samples_per_key=max_samples_per_key,
            follow=follow,
        )
        return self._hits(results, batches)

    def kept_end(self, asked: End) -> End:
        """The end of the ordered hits that a size keeps, where ``asked`` was asked for."""
        if self._pipes:
            return self._pipes[0].end
        return End.HEAD if isinstance(self._pattern, SamplePattern) else asked

    def _hits(self, results: Results, batches: Iterable[Batch]) -> Iterator[Hit]:
        try:
            for result in results.over(batches):
                yield hit_of(self._pattern, result)
        finally:
            self.found = results.found
            self.left_out = tuple(results.left_out())


def hit_of(pattern: Searched, result: Result) -> Hit:
    """What a pattern found, as it is given to the person who asked."""
    match pattern, result:
        case _, Event():
            return Hit((result.document,))
        case SequencePattern(), SequenceHit():
            laid_out = pattern.laid_out(result.events)
            documents = tuple({"missing": True} if event is None else event.document for event in laid_out)
            return Hit(documents, _shown_key(pattern, result.keys), result.open_until)
        case SamplePattern(), SequenceHit():
            return Hit(tuple(event.document for event in result.events), _shown_key(pattern, result.keys))
        case _:
            raise TypeError(f"{type(pattern).__name__} gives no {type(result).__name__}")


def result_end(name: str) -> End:
    """The end that ``head`` or ``tail`` names.

    Raises:
        DogwatchError: It is neither (``search-option``).
    """
    try:
        return End(name)
    except ValueError as error:
        message = f"`{name}` is no end of the results"
        raise DogwatchError(Diagnostic("search-option", message, hint="choose `tail` or `head`")) from error


def _searched(lowered: Lowered) -> Searched:
    match lowered.pattern:
        case AggregatePattern(predicate=predicate):
            return EventPattern(predicate)
        case CompositePattern():
            raise TypeError("a query has no parts that are related to each other")
        case pattern:
            return pattern


def _shown_key(pattern: SequencePattern | SamplePattern, key: Key) -> Key:
    kinds = [each.field.ref.type for each in pattern.stages[0].keys]
    return tuple(_shown(value, kind) for value, kind in zip(key, kinds, strict=True))


def _shown(value: Scalar | None, kind: FieldType) -> Scalar | None:
    return format_instant(value) if kind is FieldType.DATE and isinstance(value, int) else value


def _check_not_negative(name: str, number: int | None) -> None:
    if number is not None and number < 0:
        raise DogwatchError(
            Diagnostic("search-option", f"`{name}` is {number}, and there is no negative number of hits")
        )
