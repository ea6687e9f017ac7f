"""The ledger's tables, in SQL that SQLite and PostgreSQL both speak.

Documents are kept whole, as JSON text; the other columns exist to find and order them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

APPLICATION = "dogwatch-ledger"
"""What a ledger says it is, in its ``meta`` table."""

FORMAT = 2
"""Version of the tables below. A ledger of a later format is refused; an earlier one is migrated."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

# The key is made of the rule's instance and the sameness (a block's: of its shell and position), not of the
# uuid: Kibana makes uuids by joining texts that an attacker partly chooses, so two detections may be led to
# share one, and neither may displace the other.
alerts = Table(
    "alerts",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("uuid", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("shell", String(64), ForeignKey("alerts.key", ondelete="CASCADE")),
    Column("position", Integer),
    Column("rule_uuid", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("rule_name", Text, nullable=False),
    Column("rule_name_folded", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("risk_score", Float),
    Column("time", BigInteger),
    Column("filed", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("document", Text, nullable=False),
    Index("alerts_by_uuid", "uuid"),
    Index("alerts_by_shell", "shell", "position"),
    Index("alerts_by_time", "kind", "time"),
)

# A root is what an incident is about: its rule and attributes. It has one incident after the other, each raised
# when the one before it had been cleared.
incidents = Table(
    "incidents",
    metadata,
    Column("uuid", Text, primary_key=True),
    Column("root", Text, nullable=False),
    Column("rule_uuid", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("rule_name", Text, nullable=False),
    Column("rule_name_folded", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("risk_score", Float),
    Column("attributes", Text, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("trigger_count", Integer, nullable=False),
    Column("filed", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("cleared_at", BigInteger),
    Column("cleared_reason", Text),
    Column("comment", Text),
    Column("reading", Text, nullable=False),
    Column("document", Text, nullable=False),
    Index("incidents_by_last_seen", "last_seen"),
    Index("incidents_by_root", "root"),
    Index("incidents_by_rule", "rule_uuid", "status"),
)

# A trigger belongs to one incident of its root, whichever that is.
triggers = Table(
    "incident_triggers",
    metadata,
    Column("root", Text, primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("incident", Text, ForeignKey("incidents.uuid", ondelete="CASCADE"), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("first_event", BigInteger, nullable=False),
    Column("last_event", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("incident_triggers_by_time", "incident", "time"),
)

# The key is made of the list's name and the value, which may be as long and as odd as an event's sender liked.
watch_entries = Table(
    "watch_entries",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("list", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("watch_entries_by_list", "list", "added"),
)
