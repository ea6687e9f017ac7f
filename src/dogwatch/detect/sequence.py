"""Sequence and sample rules: n events become n building blocks and one shell alert over them, as in Kibana."""

from __future__ import annotations

from typing import Any

from dogwatch.alerts.identity import building_block_uuids, named, shell_alert_uuid
from dogwatch.alerts.model import OPEN_UNTIL, Alert, AlertKind
from dogwatch.base.time import format_instant
from dogwatch.detect.document import (
    alert_fields,
    ancestors_of,
    as_signal,
    depth_of,
    made_by,
    reason,
    rule_fields,
)
from dogwatch.detect.intersection import intersection
from dogwatch.engine.sequence import SequenceHit
from dogwatch.events.batch import Event
from dogwatch.logic.pattern import SamplePattern, SequencePattern
from dogwatch.rules.model import ElasticRule
from dogwatch.schema.field import Scalar


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
        if any(made_by(self.rule, event) for event in hit.events):
            return None
        ancestors = [ancestors_of(event) for event in hit.events]
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
        blocks = [
            self._block(event, number, uuid, block, shell_uuid, now)
            for number, (event, uuid, block) in enumerate(zip(hit.events, uuids, ancestors, strict=True))
        ]
        # Those of a sample are in the query's order, not in that of time.
        documents = [event.document for event in sorted(hit.events, key=lambda event: event.order)]
        common = intersection([as_signal(event.document) for event in hit.events])
        document: dict[str, Any] = {
            **common,
            **self._rule_fields,
            **alert_fields(
                uuid=shell_uuid,
                ancestors=descent,
                now=now,
                documents=documents,
                reason=reason(self.rule, *documents),
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

    def _block(
        self, event: Event, number: int, uuid: str, ancestors: list[dict[str, Any]], group: str, now: int
    ) -> Alert:
        document = {
            **as_signal(event.document),
            **self._rule_fields,
            **alert_fields(
                uuid=uuid,
                ancestors=ancestors,
                now=now,
                documents=[event.document],
                reason=reason(self.rule, event.document),
            ),
            "kibana.alert.building_block_type": "default",
            "kibana.alert.group.id": group,
            "kibana.alert.group.index": number,
        }
        sameness = named("block", [self.rule.instance_id, uuid])
        return Alert(AlertKind.BUILDING_BLOCK, uuid, self.rule.instance_id, sameness, document)


def _key_part(key: Scalar | None) -> str:
    """A join value as it takes part in a name: 5 and 5.0 are one key, whichever stage's field is read first."""
    if key is None:
        return "null"
    whole = int(key) if isinstance(key, float) and key.is_integer() else key
    return f"{type(whole).__name__}:{whole}"
