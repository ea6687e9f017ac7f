"""Rules about single events: one alert for each (Elastic rule types ``query`` and ``eql`` without a sequence)."""

from __future__ import annotations

from typing import Any

from dogwatch.alerts.identity import event_alert_uuid, named
from dogwatch.alerts.model import Alert, AlertKind
from dogwatch.detect.document import alert_fields, ancestors_of, as_signal, made_by, reason, rule_fields
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

    def alert(self, event: Event, now: int) -> Alert | None:
        """The alert of one matching event, or ``None`` if the event is this rule's own alert.

        Args:
            event: The event, under its final id.
            now: When the alert is made: its ``@timestamp``, nanoseconds since 1970 UTC.
        """
        if made_by(self.rule, event):
            return None
        uuid = event_alert_uuid(event.id, event.index or "", self.rule.instance_id)
        document: dict[str, Any] = {
            **as_signal(event.document),
            **self._rule_fields,
            **alert_fields(
                uuid=uuid,
                ancestors=ancestors_of(event),
                now=now,
                documents=[event.document],
                reason=reason(self.rule, event.document),
            ),
        }
        kind = AlertKind.ALERT
        if self.rule.building_block_type is not None:
            document["kibana.alert.building_block_type"] = self.rule.building_block_type
            kind = AlertKind.BUILDING_BLOCK
        sameness = named("event", [self.rule.instance_id, event.index or "", event.id])
        return Alert(kind, uuid, self.rule.instance_id, sameness, document)
