"""Rules about single events: one alert for each (Elastic rule types ``query`` and ``eql`` without a sequence)."""

from __future__ import annotations

from typing import Any

from dogwatch.alerts.identity import event_alert_uuid, named
from dogwatch.alerts.model import Alert, AlertKind
from dogwatch.detect.document import alert_fields, as_signal, rule_fields
from dogwatch.detect.facts import Facts, reason
from dogwatch.events.batch import Event
from dogwatch.rules.model import ElasticRule


class EventDetector:
    """Turns the events that a rule matched into alerts.

    Args:
        rule: An Elastic rule whose pattern is a single event.
    """

    def __init__(self, rule: ElasticRule) -> None:
        self.rule = rule
        self._rule_fields = rule_fields(rule)

    def alert(self, event: Event, facts: Facts, now: int) -> Alert | None:
        """The alert of one matching event, or ``None`` if the event is this rule's own alert.

        Args:
            event: The event, under its final id.
            facts: What alerts tell of it.
            now: When the alert is made: its ``@timestamp``, nanoseconds since 1970 UTC.
        """
        if facts.made_by(self.rule):
            return None
        uuid = event_alert_uuid(event.id, event.index or "", self.rule.instance_id)
        document: dict[str, Any] = {
            **as_signal(event.document),
            **self._rule_fields,
            **alert_fields(
                uuid=uuid,
                ancestors=facts.descent(event),
                now=now,
                facts=[facts],
                reason=reason(self.rule, facts),
            ),
        }
        kind = AlertKind.ALERT
        if self.rule.building_block_type is not None:
            document["kibana.alert.building_block_type"] = self.rule.building_block_type
            kind = AlertKind.BUILDING_BLOCK
        sameness = named("event", [self.rule.instance_id, event.index or "", event.id])
        return Alert(kind, uuid, self.rule.instance_id, sameness, document)
