"""The part of a scan that needs no order: which rows of a batch matter, taken out and made ready to hand on.

It may run in any process, on any part of the input; what it gives is put together in the order of the input.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dogwatch.detect.facts import facts_of
from dogwatch.detect.findings import Account, Findings, Hit
from dogwatch.detect.matching import Matching
from dogwatch.engine.passed import PassedEvent
from dogwatch.engine.spool import stored_rows
from dogwatch.engine.taking import MatchedRows, take, take_rows
from dogwatch.events.batch import Batch, Event
from dogwatch.logic.pattern import Clock, SamplePattern, SequencePattern


@dataclass(frozen=True, slots=True)
class Sight:
    """What was found in one batch.

    Attributes:
        hits: Events that satisfied rules about single events, in the order of rows.
        passed: The rows that stateful rules need, in the order of rows.
    """

    hits: list[Hit]
    passed: Iterator[PassedEvent]


class Work:
    """Finds what matters in batches.

    Args:
        matching: The rules and their shared plan.
        singles: Numbers of the rules whose events are alerts by themselves.
        clocks: What orders the events of each rule.
        untimed: Whether rows without a time take part where order plays no part.
    """

    def __init__(
        self, matching: Matching, singles: Collection[int], clocks: list[Clock], *, untimed: bool = True
    ) -> None:
        self._matching = matching
        self._singles = [(number, matching.slots[number][0]) for number in sorted(singles)]
        self._others = [
            (number, slots, compiled.pattern, clocks[number])
            for number, (compiled, slots) in enumerate(zip(matching.rules, matching.slots, strict=True))
            if number not in singles
        ]
        self._untimed = untimed
        self._hits: list[Hit] = []
        self._passed: list[tuple[tuple[int, int, int], bytes]] = []
        self._keys_left_out = 0
        self._stages: dict[int, int] = {}
        self._untold: dict[int, int] = {}

    def look(self, batch: Batch) -> Sight:
        """What matters of one batch; an event's document is read once."""
        events, hits, matched = self._seen(batch)
        passed = take(batch, matched, lambda row: events.get(row) or batch.event(row), untimed=self._untimed)
        return Sight(hits, self._counted(passed))

    def handle(self, batch: Batch) -> None:
        """Keep what matters of one batch until ``findings`` takes it."""
        _, hits, matched = self._seen(batch)
        self._hits += hits
        rows = list(take_rows(batch, matched, untimed=self._untimed))
        self._keys_left_out += sum(taken.left_out for taken in rows)
        self._passed += stored_rows(batch, rows)

    def _seen(self, batch: Batch) -> tuple[dict[int, Event], list[Hit], list[MatchedRows]]:
        """The events that are hits, by row; the hits; and which rows the other rules need."""
        found = self._matching.select(batch)
        rules_by_row: defaultdict[int, list[int]] = defaultdict(list)
        for number, slot in self._singles:
            if len(found[slot]):
                for row in found[slot].tolist():
                    rules_by_row[row].append(number)
        events = {row: batch.event(row) for row in sorted(rules_by_row)}
        facts = facts_of(list(events.values()))
        hits = [
            Hit(event, each, rules_by_row[row]) for (row, event), each in zip(events.items(), facts, strict=True)
        ]
        matched = [
            MatchedRows(number, pattern, found[slots.start : slots.stop], clock)
            for number, slots, pattern, clock in self._others
            if any(len(found[slot]) for slot in slots)
        ]
        for each in matched:
            if isinstance(each.pattern, SequencePattern | SamplePattern):
                self._note(each)
        return events, hits, matched

    def _note(self, matched: MatchedRows) -> None:
        known = self._stages.get(matched.number, 0)
        bits = known
        for stage, rows in enumerate(matched.rows):
            if len(rows):
                bits |= 1 << stage
        if bits != known:
            self._stages[matched.number] = self._untold[matched.number] = bits

    def of(self, batch: Batch) -> Findings:
        """What one batch holds."""
        self.handle(batch)
        return self.findings()

    def findings(self) -> Findings:
        """What was found since this was last asked."""
        findings = Findings(self.account(), self._hits, self._passed)
        self._hits, self._passed = [], []
        return findings

    def account(self) -> Account:
        """What was seen since this was last asked."""
        account = self._matching.account()
        account.keys_left_out, self._keys_left_out = self._keys_left_out, 0
        account.stages, self._untold = self._untold, {}
        return account

    def _counted(self, passed: Iterator[PassedEvent]) -> Iterator[PassedEvent]:
        for each in passed:
            self._keys_left_out += each.keys_left_out
            yield each
