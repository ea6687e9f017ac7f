"""Opening the ledger's database, and saying in a person's words what went wrong with it.

Everything that is particular to SQLite is in this module.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from dogwatch.alerts import tables
from dogwatch.alerts.migration import migrate, tables_of
from dogwatch.base.diagnostic import Diagnostic, DogwatchError

_WRITING = "dogwatch_writing"
"""Execution option of connections whose transactions take SQLite's write lock when they begin."""


def open_database(url_or_path: str | Path, *, create: bool, busy_seconds: float) -> Engine:
    """An engine over a database that holds the ledger's tables.

    Args:
        url_or_path: An SQLAlchemy URL (text with ``://``), or the path of an SQLite file.
        create: Whether a ledger that does not exist is made.
        busy_seconds: How long to wait for another process's transaction.

    Raises:
        DogwatchError: If it cannot be opened, is no ledger, or is one of a later format. What was there is
            left as it was.
    """
    url = _url(url_or_path)
    where = url.render_as_string(hide_password=True)
    path = _sqlite_path(url)
    if path is not None:
        where = str(path)
        _check_file(path, create=create)
    engine = _engine(url, busy_seconds)
    try:
        with diagnosed(where):
            _prepare(engine, where, create=create)
            if path is not None:
                _write_ahead(engine)
    except DogwatchError:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the database and changes nothing."""
    with diagnosed(describe(engine)), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is kept whole, or not at all if the block raises or the process dies."""
    with diagnosed(describe(engine)), engine.execution_options(**{_WRITING: True}).begin() as connection:
        yield connection


def describe(engine: Engine) -> str:
    """The database's path, or its URL without the password."""
    path = _sqlite_path(engine.url)
    return str(path) if path is not None else engine.url.render_as_string(hide_password=True)


@contextmanager
def diagnosed(where: str) -> Iterator[None]:
    """Turn the database's exceptions into diagnostics about ``where``."""
    try:
        yield
    except DBAPIError as error:
        raise DogwatchError(_diagnose(error.orig, where)) from error


def _diagnose(error: BaseException | None, where: str) -> Diagnostic:
    name = getattr(error, "sqlite_errorname", None) or ""
    match name.split("_")[1] if "_" in name else "":
        case "BUSY" | "LOCKED":
            return Diagnostic(
                "ledger-locked",
                f"the ledger {where} is in use by another process",
                hint="one process writes at a time; wait for the other, or give this one its own ledger",
            )
        case "FULL":
            return Diagnostic(
                "ledger-full",
                f"no room to write the ledger {where}; nothing of this step was kept",
                hint="free space on its file system; what was filed before is intact",
            )
        case "READONLY" | "PERM" | "CANTOPEN" | "AUTH":
            return Diagnostic(
                "ledger-permission",
                f"the ledger {where} cannot be opened for writing",
                hint="this account must be able to write the file and its folder (SQLite keeps files beside it)",
            )
        case "NOTADB":
            return _not_a_ledger(where, "is not a database")
        case "CORRUPT":
            return Diagnostic(
                "ledger-damaged",
                f"the ledger {where} is damaged: {error}",
                hint="restore it from a copy, or move it away and scan again; the ids of alerts stay the same",
            )
        case _:
            return Diagnostic("ledger-failed", f"the ledger {where} could not be used: {error}")


def _not_a_ledger(where: str, reason: str) -> Diagnostic:
    return Diagnostic(
        "not-a-ledger",
        f"{where} {reason}; it was left as it is",
        hint="name another file: a ledger is created where there is none",
    )


def _url(url_or_path: str | Path) -> URL:
    text = str(url_or_path)
    if isinstance(url_or_path, Path) or "://" not in text:
        # Absolute, so that names SQLite treats apart (`:memory:`, `file:...`) are files like any other.
        return URL.create("sqlite", database=str(Path(text).absolute()))
    try:
        return make_url(text)
    except ArgumentError as error:
        raise DogwatchError(
            Diagnostic(
                "ledger-url",
                "the ledger's URL cannot be read",
                hint="give a file's path, or a URL such as postgresql+psycopg://user@host/database",
            )
        ) from error


def _sqlite_path(url: URL) -> Path | None:
    in_memory = url.database in (None, "", ":memory:")
    return Path(url.database or "") if url.get_backend_name() == "sqlite" and not in_memory else None


def _check_file(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise DogwatchError(
            Diagnostic(
                "ledger-is-folder",
                f"{path} is a folder, not a ledger",
                hint=f"name a file in it: {path / 'dogwatch.db'}",
            )
        )
    if path.exists():
        return
    if not create:
        raise DogwatchError(
            Diagnostic("ledger-missing", f"there is no ledger at {path}", hint="a scan with a ledger creates it")
        )
    if not path.parent.is_dir():
        raise DogwatchError(
            Diagnostic(
                "ledger-missing-folder",
                f"the folder of the ledger {path} does not exist",
                hint=f"make it first: {path.parent}",
            )
        )
    # Command lines hold secrets: the file (and those SQLite makes beside it) is its owner's alone. A failure
    # to create it is told by the connection that follows.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _engine(url: URL, busy_seconds: float) -> Engine:
    try:
        engine = sa.create_engine(url)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise DogwatchError(
            Diagnostic(
                "ledger-driver",
                f"no driver for {url.drivername} is installed: {error}",
                hint="install the database's Python driver, for PostgreSQL `pip install psycopg[binary]`",
            )
        ) from error
    if url.get_backend_name() == "sqlite":

        @event.listens_for(engine, "connect")
        def _configure(connection: sqlite3.Connection, _record: object) -> None:
            # The driver would begin transactions by itself, and only at the first write.
            connection.isolation_level = None
            connection.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            # Only heard by a new file. A document is often too long for two to fit a page of the usual 4 kB.
            connection.execute("PRAGMA page_size = 16384")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            immediate = connection.get_execution_options().get(_WRITING, False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _write_ahead(engine: Engine) -> None:
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode = WAL").close()
    except sqlite3.Error as error:
        raise DogwatchError(_diagnose(error, describe(engine))) from error
    finally:
        raw.close()


def _prepare(engine: Engine, where: str, *, create: bool) -> None:
    with reading(engine) as connection:
        version = _format(connection, where)
    if version == tables.FORMAT:
        return
    if version is None and not create:
        raise DogwatchError(_not_a_ledger(where, "holds no ledger"))
    with writing(engine) as connection:
        # Another process may have been faster.
        version = _format(connection, where)
        if version is None:
            tables.metadata.create_all(connection)
            identity = {"application": tables.APPLICATION, "format": str(tables.FORMAT)}
            connection.execute(
                sa.insert(tables.meta), [{"name": name, "value": value} for name, value in identity.items()]
            )
        elif version < tables.FORMAT:
            migrate(connection, version)


def _format(connection: Connection, where: str) -> int | None:
    """The format of the ledger that the database is, one that we know; ``None`` if it is empty."""
    present = set(sa.inspect(connection).get_table_names())
    if not present:
        return None
    meta = tables.meta
    if meta.name not in present:
        raise DogwatchError(_not_a_ledger(where, "is another program's database"))
    columns = {column["name"] for column in sa.inspect(connection).get_columns(meta.name)}
    if not {"name", "value"} <= columns:
        raise DogwatchError(_not_a_ledger(where, "is another program's database"))
    rows = connection.execute(sa.select(meta.c.name, meta.c.value))
    said = {str(name): str(value) for name, value in rows}
    if said.get("application") != tables.APPLICATION:
        raise DogwatchError(_not_a_ledger(where, "is another program's database"))
    version = said.get("format", "")
    if not (version.isascii() and version.isdigit() and len(version) < 10 and int(version) >= 1):
        raise DogwatchError(_not_a_ledger(where, f"is a ledger without a readable format ({version[:20]!r})"))
    if int(version) > tables.FORMAT:
        raise DogwatchError(
            Diagnostic(
                "ledger-newer",
                f"the ledger {where} was made by a newer Dogwatch: its format is {version}, ours {tables.FORMAT}",
                hint="update Dogwatch, or name another ledger",
            )
        )
    missing = tables_of(int(version)) - present
    if missing:
        raise DogwatchError(_not_a_ledger(where, f"is a ledger without its tables {', '.join(sorted(missing))}"))
    return int(version)
