"""Samples: different events under one key, one for each stage, in whatever order they occurred.

The samples of a key are ordered depth first: by the place of the first stage's event among the events of that
stage, then by that of the second, and so on. The first ``m`` of them need only the first ``n - 1 + m`` events of
each of the ``n`` stages. For suppose that a sample took a later one in some stage. Its other stages exclude at
most ``n - 1`` of the ``n - 1 + m`` events before that one; with each of the remaining ``m`` or more in its stead
it is another sample, and an earlier one. So at least ``m`` come before it.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from dogwatch.engine.ordering import sort_key
from dogwatch.engine.passed import StagePassed
from dogwatch.engine.sequence import SequenceHit
from dogwatch.engine.state import EventRow, EventTable, decode, encode, state_error
from dogwatch.events.batch import Event, Identity
from dogwatch.logic.pattern import Key, SamplePattern
from dogwatch.schema.field import FieldType, Scalar

_FORMAT = 1
"""Version of the saved state."""


class _SavedKey(msgspec.Struct, frozen=True, array_like=True):
    key: Key
    given: int
    held: list[list[int]]


class _Saved(msgspec.Struct, frozen=True, array_like=True, tag="sample"):
    format: int
    stages: int
    most: int
    eager: bool
    evicted: int
    events: list[EventRow]
    keys: list[_SavedKey]


Candidates = dict[Identity, Event]
"""Events of one stage in the order in which they came."""


@dataclass(slots=True)
class _Held:
    """What is kept under one key: the first events of each stage, and how many samples were given."""

    stages: list[Candidates]
    given: int = 0
    count: int = field(init=False)

    def __post_init__(self) -> None:
        self.count = sum(map(len, self.stages))


class SampleMatcher:
    """Finds the samples of one pattern in a stream of passed rows.

    Which of several events is taken depends on the order of the rows, which should be canonical.

    Args:
        pattern: What to look for.
        max_samples_per_key: How many samples a key gives at most.
        limit_entries: Events to hold at most, counted once for each key and stage; beyond it those of the keys
            that have been quiet for longest are dropped.
        eager: Whether a sample is given by the row that completes it; otherwise all come at the end.

    Attributes:
        evicted: Entries dropped for want of room.
    """

    def __init__(
        self,
        pattern: SamplePattern,
        max_samples_per_key: int = 1,
        limit_entries: int = 1_000_000,
        *,
        eager: bool = False,
    ) -> None:
        self.evicted = 0
        self._kinds = [key.field.ref.type for key in pattern.stages[0].keys]
        self._stages = len(pattern.stages)
        self._most = max(0, max_samples_per_key)
        self._limit = limit_entries
        self._eager = eager
        # By last activity, the quietest first.
        self._keys: OrderedDict[Key, _Held] = OrderedDict()
        self._entries = 0

    @property
    def entries(self) -> int:
        """Number of events now held, counted once for each key and stage."""
        return self._entries

    def feed(self, passed: StagePassed) -> list[SequenceHit]:
        """Let the next row take part.

        Returns:
            The samples that it completed, if the matcher is eager; at most ``max_samples_per_key`` of a key, over
            all rows.
        """
        hits: list[SequenceHit] = []
        if not self._most:
            return hits
        event, identity = passed.event, passed.event.identity
        for key, stages in passed.keys:
            held = self._keys.get(key)
            if held is None:
                held = self._keys[key] = _Held([{} for _ in range(self._stages)])
            self._keys.move_to_end(key)
            entered = self._enter(held, identity, event, stages)
            if self._eager:
                # The documents of a sample differ, so no sample has the event in two of these stages.
                only = [_with_stage(held.stages, number, {identity: event}) for number in entered]
                hits += self._give(key, held, itertools.chain.from_iterable(map(samples, only)))
        self._evict()
        return hits

    def finish(self) -> list[SequenceHit]:
        """The samples not given yet, by key (null first, then ascending); nothing is held afterwards."""
        hits: list[SequenceHit] = []
        if not self._eager:
            for key in sorted(self._keys, key=self._order):
                held = self._keys[key]
                hits += self._give(key, held, samples(held.stages))
        self._keys.clear()
        self._entries = 0
        return hits

    def save(self) -> bytes:
        """What is held, as bytes for ``restore``, in this or a later version of the program."""
        table = EventTable()
        keys = [
            _SavedKey(
                key, held.given, [[table.number(event) for event in stage.values()] for stage in held.stages]
            )
            for key, held in self._keys.items()
        ]
        saved = _Saved(_FORMAT, self._stages, self._most, self._eager, self.evicted, table.rows(), keys)
        return encode(saved)

    def restore(self, data: bytes) -> None:
        """Go on from what ``save`` gave, in place of what is held now.

        The caller knows that the state belongs to the same pattern; only its shape is checked.

        Raises:
            DogwatchError: The bytes hold no state of such a matcher (``state-format``).
        """
        saved = decode(data, _Saved)
        if saved.format != _FORMAT:
            raise state_error(f"their format is {saved.format}, not {_FORMAT}")
        if (saved.stages, saved.most, saved.eager) != (self._stages, self._most, self._eager):
            raise state_error(
                "they are of another number of stages or samples, or were to be given at another time"
            )
        events = [row.event() for row in saved.events]
        self._keys = OrderedDict((entry.key, self._restored(entry, events)) for entry in saved.keys)
        self._entries = sum(held.count for held in self._keys.values())
        self.evicted = saved.evicted
        self._evict()

    def _restored(self, entry: _SavedKey, events: Sequence[Event]) -> _Held:
        if len(entry.held) != self._stages or not all(
            0 <= number < len(events) for numbers in entry.held for number in numbers
        ):
            raise state_error("a key names stages or events that are not there")
        stages = [{events[number].identity: events[number] for number in numbers} for numbers in entry.held]
        return _Held(stages, entry.given)

    def _enter(self, held: _Held, identity: Identity, event: Event, stages: int) -> list[int]:
        """Keep the event in the stages where it could matter; gives those where it is new."""
        if held.given == self._most:
            return []
        entered = [
            number
            for number, stage in enumerate(held.stages)
            if stages >> number & 1 and identity not in stage and len(stage) < self._stages - 1 + self._most
        ]
        for number in entered:
            held.stages[number][identity] = event
        held.count += len(entered)
        self._entries += len(entered)
        return entered

    def _give(self, key: Key, held: _Held, found: Iterator[tuple[Event, ...]]) -> list[SequenceHit]:
        hits = [SequenceHit(key, events) for events in itertools.islice(found, self._most - held.given)]
        held.given += len(hits)
        if held.given == self._most:
            # The key stays, without its events, so that it is known to be done.
            self._entries -= held.count
            held.stages, held.count = [{} for _ in range(self._stages)], 0
        return hits

    def _evict(self) -> None:
        # A key that is done takes room too, and forgetting it lets it be given again.
        while self._keys and self._entries + len(self._keys) > self._limit:
            _, held = self._keys.popitem(last=False)
            self._entries -= held.count
            self.evicted += max(1, held.count)

    def _order(self, key: Key) -> tuple[object, ...]:
        return tuple(_rank(value, kind) for value, kind in zip(key, self._kinds, strict=True))


def samples(stages: Sequence[Candidates]) -> Iterator[tuple[Event, ...]]:
    """Every choice of one event for each stage, all of different documents, depth first.

    No branch is entered that leads to none, so that the next one never takes long to find.
    """
    return _samples(stages, {})


def _samples(stages: Sequence[Candidates], taken: Candidates) -> Iterator[tuple[Event, ...]]:
    if not _possible(stages, taken):
        return
    if len(taken) == len(stages):
        yield tuple(taken.values())
        return
    for identity, event in stages[len(taken)].items():
        if identity not in taken:
            yield from _samples(stages, {**taken, identity: event})


def _possible(stages: Sequence[Candidates], taken: Candidates) -> bool:
    """Whether each stage after those taken can still have a document of its own."""
    # One that has as many as there are stages always finds one left, so the others decide.
    scarce = [stage for stage in stages[len(taken) :] if len(stage) < len(stages)]
    owners: dict[Identity, int] = {}
    return all(_placed(scarce, number, owners, set(taken)) for number in range(len(scarce)))


def _placed(scarce: Sequence[Candidates], number: int, owners: dict[Identity, int], closed: set[Identity]) -> bool:
    """Give a stage a document, if need be by moving other stages to others (an augmenting path)."""
    for identity in scarce[number]:
        if identity not in closed:
            closed.add(identity)
            if identity not in owners or _placed(scarce, owners[identity], owners, closed):
                owners[identity] = number
                return True
    return False


def _with_stage(stages: Sequence[Candidates], number: int, instead: Candidates) -> list[Candidates]:
    return [*stages[:number], instead, *stages[number + 1 :]]


def _rank(value: Scalar | None, kind: FieldType) -> tuple[object, ...]:
    if value is None:
        return (0,)
    # Versions of one rank may be written in several ways.
    return (1, sort_key(value, kind), value) if isinstance(value, str) else (1, value)
