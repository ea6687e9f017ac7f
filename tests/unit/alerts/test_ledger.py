"""What is particular to the ledger in a file: opening, refusing, failing and surviving."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alert_samples import NOON, event_alert, incident, sequence_alert

from dogwatch.alerts import tables
from dogwatch.alerts.database import diagnosed
from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.store import AlertQuery, Filed
from dogwatch.base.diagnostic import DogwatchError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def _code(error: pytest.ExceptionInfo[DogwatchError]) -> str:
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.hint
    return diagnostic.code


def _refused(where: str | Path, *, create: bool = True) -> str:
    with pytest.raises(DogwatchError) as error:
        Ledger.open(where, create=create, busy_seconds=0.05)
    return _code(error)


def test_it_is_kept_between_openings(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.file([sequence_alert(["e1", "e2"]), incident("web", ("t1", 0, 1))])
    with Ledger.open(str(path), create=False) as ledger:
        assert ledger.file([sequence_alert(["e1", "e2"])]) == Filed(known=1)
        assert len(ledger.incidents(AlertQuery())) == 1


def test_a_url_names_the_same_file(path: Path) -> None:
    with Ledger.open(f"sqlite:///{path}") as ledger:
        ledger.file([event_alert("e1")])
    with Ledger.open(path, create=False) as ledger:
        assert len(ledger.alerts(AlertQuery())) == 1


def test_a_name_that_sqlite_would_treat_apart_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Ledger.open(":memory:").close()
    Ledger.open("file:x?mode=memory").close()
    assert (tmp_path / ":memory:").is_file()
    assert (tmp_path / "file:x?mode=memory").is_file()


def test_the_file_is_its_owners_alone(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.file([event_alert("e1")])
        modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {0o600}


def test_it_writes_ahead_and_syncs(path: Path) -> None:
    with Ledger.open(path) as ledger, ledger._engine.connect() as connection:
        settings = ("journal_mode", "synchronous", "foreign_keys")
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in settings]
    assert values == ["wal", 2, 1]


def test_an_empty_file_becomes_a_ledger_only_if_asked(path: Path) -> None:
    path.touch()
    assert _refused(path, create=False) == "not-a-ledger"
    assert path.stat().st_size == 0
    Ledger.open(path).close()
    Ledger.open(path, create=False).close()


def test_a_missing_ledger_is_not_made_unasked(path: Path) -> None:
    assert _refused(path, create=False) == "ledger-missing"
    assert not path.exists()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert _refused(tmp_path) == "ledger-is-folder"


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    assert _refused(tmp_path / "none" / "ledger.db") == "ledger-missing-folder"
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that refuses new files")
def test_a_folder_that_refuses_files() -> None:
    assert _refused("/proc/ledger.db") == "ledger-permission"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write what is read-only")
def test_a_read_only_ledger(path: Path) -> None:
    Ledger.open(path).close()
    path.chmod(0o400)
    # What may be read is read; what may not be written says so.
    with Ledger.open(path) as ledger:
        assert ledger.alerts(AlertQuery()) == []
        with pytest.raises(DogwatchError) as caught:
            ledger.file([event_alert("e1")])
    assert [each.code for each in caught.value.diagnostics] == ["ledger-permission"]


@pytest.mark.parametrize("content", [b"not a database, though it is long enough to be one" * 100, b"{}\n"])
def test_another_kind_of_file_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert _refused(path) == "not-a-ledger"
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE songs (title TEXT)",
        "CREATE TABLE meta (colour TEXT)",
        "CREATE TABLE meta (name TEXT, value TEXT); INSERT INTO meta VALUES ('application', 'jukebox')",
        "CREATE TABLE meta (name TEXT, value TEXT)",
        "PRAGMA journal_mode = WAL; CREATE TABLE songs (title TEXT)",
    ],
)
def test_another_programs_database_is_left_alone(path: Path, script: str) -> None:
    other = sqlite3.connect(path)
    other.executescript(script)
    other.close()
    before = path.read_bytes()
    assert _refused(path) == "not-a-ledger"
    assert path.read_bytes() == before


def _set_format(path: Path, value: str) -> bytes:
    Ledger.open(path).close()
    other = sqlite3.connect(path)
    other.execute("UPDATE meta SET value = ? WHERE name = 'format'", (value,))
    other.commit()
    other.close()
    return path.read_bytes()


def test_a_later_format_is_refused(path: Path) -> None:
    before = _set_format(path, str(tables.FORMAT + 1))
    assert _refused(path) == "ledger-newer"
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", ["", "0", "-1", "one", "²", "9" * 5000])
def test_an_unreadable_format_is_refused(path: Path, value: str) -> None:
    _set_format(path, value)
    assert _refused(path) == "not-a-ledger"


def test_a_ledger_without_its_tables_is_refused(path: Path) -> None:
    Ledger.open(path).close()
    other = sqlite3.connect(path)
    other.execute("DROP TABLE incident_triggers")
    other.close()
    assert _refused(path) == "not-a-ledger"


def test_a_damaged_ledger_is_told(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.file(event_alert(f"e{number}") for number in range(200))
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(DogwatchError) as error, Ledger.open(path) as ledger:
        ledger.alerts(AlertQuery(size=1000))
    assert _code(error) == "ledger-damaged"


def test_a_writer_waits_and_then_says_who_is_in_the_way(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.file([event_alert("e1")])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Ledger.open(path, busy_seconds=0.05) as ledger:
        with pytest.raises(DogwatchError) as error:
            ledger.file([event_alert("e2")])
        assert _code(error) == "ledger-locked"
        # Readers are not in its way, nor it in theirs.
        assert len(ledger.alerts(AlertQuery())) == 1
        other.execute("ROLLBACK")
        assert ledger.file([event_alert("e2")]) == Filed(new=1)
    other.close()


def test_a_full_disk_keeps_what_was_filed_before(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.file([event_alert("e1")])
        with ledger._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(DogwatchError) as error:
            ledger.file(event_alert(f"f{number}") for number in range(1000))
        assert _code(error) == "ledger-full"
        assert len(ledger.alerts(AlertQuery())) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_BUSY_SNAPSHOT", "ledger-locked"),
        ("SQLITE_READONLY_DIRECTORY", "ledger-permission"),
        ("SQLITE_FULL", "ledger-full"),
        ("SQLITE_CORRUPT_INDEX", "ledger-damaged"),
        ("SQLITE_IOERR_FSYNC", "ledger-failed"),
        (None, "ledger-failed"),
    ],
)
def test_the_databases_errors_become_diagnostics(name: str | None, code: str) -> None:
    original = sqlite3.OperationalError("went wrong")
    if name is not None:
        original.sqlite_errorname = name
    with pytest.raises(DogwatchError) as error, diagnosed("ledger.db"):
        raise sa.exc.OperationalError("SELECT 1", None, original)
    assert error.value.diagnostics[0].code == code


def test_a_url_of_an_unknown_database() -> None:
    assert _refused("abacus://host/ledger") == "ledger-driver"
    assert _refused("://") == "ledger-url"


def test_a_url_does_not_give_its_password_away() -> None:
    with pytest.raises(DogwatchError) as error:
        Ledger.open("abacus://me:s3cret@host/ledger")
    assert "s3cret" not in str(error.value)


def test_an_update_keeps_the_time_it_was_first_filed_and_its_status(path: Path) -> None:
    hours = iter((NOON, NOON + 1, NOON + 2))
    with Ledger.open(path, clock=lambda: next(hours)) as ledger:
        ledger.file([sequence_alert(["e2", "e9"])])
        with ledger._engine.begin() as connection:
            connection.execute(sa.update(tables.alerts).values(status="acknowledged"))
        better = sequence_alert(["e1", "e9"])
        assert ledger.file([better]) == Filed(updated=1)
        with ledger._engine.connect() as connection:
            rows = connection.execute(sa.select(tables.alerts.c.filed, tables.alerts.c.status)).all()
        assert set(rows) == {(NOON, "acknowledged")}
        found = ledger.alert(better.uuid)
    assert found is not None
    assert found["kibana.alert.workflow_status"] == "acknowledged"


def test_lookups_use_an_index(path: Path) -> None:
    plans = {
        "SELECT document FROM alerts WHERE shell = 'a' ORDER BY position": "alerts_by_shell",
        "SELECT DISTINCT uuid FROM alerts WHERE uuid >= 'a' AND uuid < 'ag' ORDER BY uuid": "alerts_by_uuid",
        "SELECT document FROM alerts WHERE kind = 'alert' ORDER BY time DESC NULLS LAST, key": "alerts_by_time",
    }
    with Ledger.open(path) as ledger, ledger._engine.connect() as connection:
        for query, index in plans.items():
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
            assert any(index in str(row) for row in plan), (query, plan)


def test_the_tables_can_be_made_in_postgresql() -> None:
    made: list[str] = []

    def execute(ddl: Any, *_: object) -> None:
        made.append(str(ddl.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine("postgresql+psycopg://", execute)
    tables.metadata.create_all(engine, checkfirst=False)
    assert sum("CREATE TABLE" in ddl for ddl in made) == len(tables.metadata.tables)
    assert any("BIGINT" in ddl for ddl in made)


def test_two_processes_may_open_and_file_at_the_same_time(path: Path) -> None:
    code = _ONE_ALERT.format(samples=str(Path(__file__).parent), path=str(path))
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(each.communicate(timeout=60)[0] for each in both) == ["0\n", "1\n"]


_ONE_ALERT = """
import sys
sys.path.insert(0, {samples!r})
from alert_samples import event_alert
from dogwatch.alerts.ledger import Ledger

with Ledger.open({path!r}) as ledger:
    print(ledger.file([event_alert("e1")]).new)
"""

_WRITER = """
import sys, time
sys.path.insert(0, {samples!r})
from alert_samples import event_alert, incident, sequence_alert
from dogwatch.alerts.ledger import Ledger

def endless():
    for number in range(1500):
        yield sequence_alert([f"s{{number}}", f"e{{number}}"])
    yield incident("web", ("late", 5, 6))
    print("halfway", flush=True)
    time.sleep(600)

ledger = Ledger.open({path!r})
ledger.file([sequence_alert(["a", "b"]), incident("web", ("before", 0, 1))])
if {steps}:
    for step in range(10_000):
        ledger.file(event_alert(f"{{step}}-{{number}}") for number in range(50))
        print(step, flush=True)
ledger.file(endless())
"""


def _kill_writer_after(path: Path, line: str, *, steps: bool) -> None:
    code = _WRITER.format(samples=str(Path(__file__).parent), path=str(path), steps=steps)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        try:
            assert f"{line}\n" in iter(writer.stdout.readline, "")
        finally:
            writer.kill()


def test_a_writer_killed_between_two_commits_leaves_whole_calls_only(path: Path) -> None:
    _kill_writer_after(path, "12", steps=True)
    with Ledger.open(path, create=False) as ledger:
        count = len(ledger.alerts(AlertQuery(size=1_000_000))) - 1
    assert count >= 13 * 50
    assert count % 50 == 0


def test_a_writer_killed_in_the_middle_of_a_call_leaves_nothing_of_it(path: Path) -> None:
    _kill_writer_after(path, "halfway", steps=False)
    with Ledger.open(path, create=False) as ledger:
        assert len(ledger.alerts(AlertQuery(building_blocks=True, size=10_000))) == 3
        (document,) = ledger.incidents(AlertQuery())
        assert document["fortisiem.incident.count"] == 1
        with ledger._engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        # The next run makes up for it.
        assert ledger.file([incident("web", ("before", 0, 1), ("t7", 7, 7))]) == Filed(updated=1)
