"""A ledger that an earlier version made is brought up to date where it stands."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alert_samples import NOON, event_alert, incident, sequence_alert

from dogwatch.alerts import migration, tables
from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.model import WatchEntry
from dogwatch.alerts.store import AlertQuery, Filed
from dogwatch.base.diagnostic import DogwatchError

OLD = Path(__file__).with_name("ledger_format_1.sql")
"""What version 0.1 wrote of a sequence of ``e1`` and ``e2``, and of two incidents."""

FIRST = incident("web", ("t1", 0, 1), ("t2", 2, 5))
SECOND = incident("db", ("t1", 3, 4))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "ledger.db"
    connection = sqlite3.connect(made)
    connection.executescript(OLD.read_text())
    connection.close()
    return made


def _shape(path: Path) -> dict[str, tuple[set[str], set[str]]]:
    """Columns and indexes of each table."""
    engine = sa.create_engine(f"sqlite:///{path}")
    inspector = sa.inspect(engine)
    found = {
        name: (
            {f"{each['name']} {each['nullable']}" for each in inspector.get_columns(name)},
            {f"{each['name']} {each['column_names']}" for each in inspector.get_indexes(name)}
            | {str(inspector.get_pk_constraint(name)["constrained_columns"])},
        )
        for name in inspector.get_table_names()
    }
    engine.dispose()
    return found


def test_its_tables_become_ours(path: Path, tmp_path: Path) -> None:
    Ledger.open(tmp_path / "new.db").close()
    Ledger.open(path, create=False).close()
    assert _shape(path) == _shape(tmp_path / "new.db")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone() == ("2",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_it_held_is_known_and_goes_on(path: Path) -> None:
    with Ledger.open(path, clock=lambda: NOON) as ledger:
        assert ledger.file([sequence_alert(["e1", "e2"]), FIRST, SECOND]) == Filed(known=3)
        assert [each["fortisiem.incident.count"] for each in ledger.incidents(AlertQuery(status="active"))] == [
            2,
            1,
        ]
        more = incident("web", ("t2", 2, 5), ("t3", 6, 7))
        assert ledger.file([more, event_alert("e9")], [WatchEntry("L", "v", 1)]) == Filed(new=1, updated=1)
        found = ledger.incident(FIRST.uuid)
        assert found is not None
        assert [each["id"] for each in found["fortisiem.incident.triggers"]] == ["t3", "t2", "t1"]
        assert found["fortisiem.incident.root"] == FIRST.uuid
        assert ledger.clear([FIRST.uuid]) == []
    with Ledger.open(path, create=False) as ledger:
        assert len(ledger.incidents(AlertQuery(status="cleared"))) == 1


def test_triggers_that_bore_other_names_are_known_by_their_times(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    script = OLD.read_text()
    for name in ("t1", "t2"):
        script = script.replace(f'"id":"{name}"', f'"id":"{name * 32}"')
    connection = sqlite3.connect(path)
    connection.executescript(script.replace("6f18f8a2", "00000000").replace("5c14267a", "11111111"))
    connection.close()
    with Ledger.open(path, clock=lambda: NOON) as ledger:
        assert ledger.file([FIRST]) == Filed(known=1)
        # Another of the same times is not the same: what it was named for has been found.
        twin = incident("web", ("t1", 0, 1), ("t2", 2, 5), ("t3", 2, 5))
        for expected in (Filed(updated=1), Filed(known=1)):
            assert ledger.file([twin]) == expected
            found = ledger.incident(FIRST.uuid)
            assert found is not None
            assert found["fortisiem.incident.count"] == 3
        assert ledger.file([incident("db", ("t9", 3, 5))]) == Filed(updated=1)


def test_it_is_done_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _shape(path)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(tables.watch_entries, "create", fail)
    with pytest.raises(RuntimeError):
        Ledger.open(path)
    assert _shape(path) == before
    monkeypatch.undo()
    with Ledger.open(path) as ledger:
        assert ledger.file([FIRST]) == Filed(known=1)


def test_an_old_ledger_without_its_tables_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE incident_triggers")
    with pytest.raises(DogwatchError) as caught:
        Ledger.open(path)
    assert [each.code for each in caught.value.diagnostics] == ["not-a-ledger"]


def test_the_formats_that_are_known() -> None:
    assert tables.watch_entries.name not in migration.tables_of(1)
    assert tables.watch_entries.name in migration.tables_of(tables.FORMAT)
