"""Sequence and sample rules: n events become n building blocks and one shell alert over them, as in Kibana."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dogwatch.alerts.identity import building_block_uuids, named, shell_alert_uuid
from dogwatch.alerts.model import OPEN_UNTIL, Alert, AlertKind
from dogwatch.base.time import format_instant
from dogwatch.detect.document import alert_fields, as_signal, depth_of, rule_fields
from dogwatch.detect.facts import Facts, facts_of, reason
from dogwatch.detect.intersection import intersection
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import Document
from dogwatch.logic.pattern import SamplePattern, SequencePattern
from dogwatch.rules.model import ElasticRule
from dogwatch.schema.field import Scalar


@dataclass(frozen=True, slots=True)
class _Part:
    """What a building block is made of.

    Attributes:
        signal: The event's fields as an alert carries them.
        facts: What alerts tell of the event.
        uuid: The block's id.
        ancestors: What it descends from.
    """

    signal: Document
    facts: Facts
    uuid: str
    ancestors: list[dict[str, Any]]


class SequenceDetector:
    """Turns a rule's sequences or samples into alerts.

    Args:
        rule: An EQL rule.
        pattern: What it looks for.
    """

    def __init__(self, rule: ElasticRule, pattern: SequencePattern | SamplePattern) -> None:
        self.rule = rule
        self._pattern = pattern
        self._rule_fields = rule_fields(rule)

    def alert(self, hit: SequenceHit, now: int) -> Alert | None:
        """The shell alert with its building blocks; ``None`` if one of the events came from this very rule.

        Args:
            hit: The sequence or sample, its events under their final ids.
            now: When the alert is made: its ``@timestamp``, nanoseconds since 1970 UTC.
        """
        facts = facts_of(hit.events)
        if any(each.made_by(self.rule) for each in facts):
            return None
        ancestors = [each.descent(event) for each, event in zip(facts, hit.events, strict=True)]
        uuids = building_block_uuids(
            [[(str(each["id"]), str(each["index"])) for each in block] for block in ancestors],
            self.rule.instance_id,
        )
        # The shell's ancestors are everything that the blocks descend from, then the blocks, which have no
        # index yet when Kibana names it.
        descent: list[dict[str, Any]] = [each for block in ancestors for each in block]
        for uuid, block in zip(uuids, ancestors, strict=True):
            descent.append(
                {
                    "id": uuid,
                    "index": "",
                    "type": "signal",
                    "depth": depth_of(block),
                    "rule": self.rule.instance_id,
                }
            )
        shell_uuid = shell_alert_uuid(
            ((str(each["id"]), each["index"]) for each in descent), self.rule.instance_id
        )
        signals = [as_signal(event.document) for event in hit.events]
        parts = map(_Part, signals, facts, uuids, ancestors)
        blocks = [self._block(part, number, shell_uuid, now) for number, part in enumerate(parts)]
        # Those of a sample are in the query's order, not in that of time.
        in_time = sorted(zip(hit.events, facts, strict=True), key=lambda pair: pair[0].order)
        document: dict[str, Any] = {
            **intersection(signals),
            **self._rule_fields,
            **alert_fields(
                uuid=shell_uuid,
                ancestors=descent,
                now=now,
                facts=facts,
                reason=reason(self.rule, *(each for _, each in in_time)),
            ),
            "kibana.alert.group.id": shell_uuid,
        }
        kind = AlertKind.ALERT
        if self.rule.building_block_type is not None:
            document["kibana.alert.building_block_type"] = self.rule.building_block_type
            kind = AlertKind.BUILDING_BLOCK
        if hit.open_until is not None:
            document[OPEN_UNTIL] = format_instant(hit.open_until)
        return Alert(kind, shell_uuid, self.rule.instance_id, self._sameness(hit), document, tuple(blocks))

    def _sameness(self, hit: SequenceHit) -> str:
        parts = [_key_part(key) for key in hit.keys]
        match self._pattern:
            case SequencePattern():
                # One key finishes at most one sequence on an event, so a later and better reading of the same
                # end is the same detection.
                kind, decisive = "sequence", hit.events[-1:]
            case SamplePattern():
                kind, decisive = "sample", hit.events
        for event in decisive:
            parts += [event.index or "", event.id]
        return named(kind, [self.rule.instance_id, *parts])

    def _block(self, part: _Part, number: int, group: str, now: int) -> Alert:
        document = {
            **part.signal,
            **self._rule_fields,
            **alert_fields(
                uuid=part.uuid,
                ancestors=part.ancestors,
                now=now,
                facts=[part.facts],
                reason=reason(self.rule, part.facts),
            ),
            "kibana.alert.building_block_type": "default",
            "kibana.alert.group.id": group,
            "kibana.alert.group.index": number,
        }
        sameness = named("block", [self.rule.instance_id, part.uuid])
        return Alert(AlertKind.BUILDING_BLOCK, part.uuid, self.rule.instance_id, sameness, document)


def _key_part(key: Scalar | None) -> str:
    """A join value as it takes part in a name: 5 and 5.0 are one key, whichever stage's field is read first."""
    if key is None:
        return "null"
    whole = int(key) if isinstance(key, float) and key.is_integer() else key
    return f"{type(whole).__name__}:{whole}"
