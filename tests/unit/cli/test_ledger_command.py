"""``dogwatch alerts`` and ``dogwatch incidents`` over a ledger that a scan filled."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from invocation import NETCAT, SHELL, process_start, run, write_events, write_rule
from rich.cells import cell_len


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of five alerts and an incident of medium severity, and one alert of high severity."""
    folder = tmp_path_factory.mktemp("ledger")
    path = folder / "alerts.db"
    events = write_events(folder / "events.ndjson", process_start("nc -l \x1b[2J[red]x[/red]"))
    assert run("scan", SHELL, "--ledger", path).status == 0
    assert run("scan", events, "--rules", write_rule(folder / "rule.toml"), "--ledger", path).status == 0
    return path


class TestList:
    def test_alerts_newest_first(self, ledger: Path) -> None:
        outcome = run("alerts", "list", "--ledger", ledger)
        assert outcome.status == 0
        assert outcome.err == ""
        times = [each["@timestamp"] for each in outcome.documents]
        assert len(times) == 6
        assert times == sorted(times, reverse=True)

    @pytest.mark.parametrize(
        ("filters", "count"),
        [
            (("--severity", "low"), 6),
            (("--severity", "high"), 1),
            (("--severity", "critical"), 0),
            (("--rule", NETCAT), 5),
            (("--rule", "LISTENER"), 1),
            (("--rule", "no such"), 0),
            (("--from", "2026-11-22T02:05:00Z"), 5),
            (("--to", "2026-11-22T02:05:00Z"), 1),
            (("--from", "2026-11-22", "--to", "2026-11-21"), 0),
            (("--status", "open"), 6),
            (("--status", "closed"), 0),
            (("--size", "2"), 2),
            (("--building-blocks",), 10),
        ],
    )
    def test_filters_of_alerts(self, filters: tuple[str, ...], count: int, ledger: Path) -> None:
        assert len(run("alerts", "list", "--ledger", ledger, *filters).documents) == count

    @pytest.mark.parametrize(
        ("filters", "count"),
        [((), 1), (("--severity", "high"), 0), (("--rule", "linux"), 1), (("--to", "2020-01-01"), 0)],
    )
    def test_filters_of_incidents(self, filters: tuple[str, ...], count: int, ledger: Path) -> None:
        assert len(run("incidents", "list", "--ledger", ledger, *filters).documents) == count

    @pytest.mark.parametrize("width", [60, 80, 200])
    @pytest.mark.parametrize("what", ["alerts", "incidents"])
    def test_a_table_fits_the_terminal(self, what: str, width: int, ledger: Path) -> None:
        shown = run(what, "list", "--ledger", ledger, "--format", "table", width=width).out
        assert len(shown.splitlines()) > 3
        assert max(map(cell_len, shown.splitlines())) <= width
        assert "\x1b" not in shown

    @pytest.mark.parametrize("what", ["alerts", "incidents"])
    def test_an_empty_table_says_so(self, what: str, ledger: Path) -> None:
        outcome = run(what, "list", "--ledger", ledger, "--severity", "critical", "--format", "table")
        assert outcome.out == f"No {what}.\n"
        assert outcome.status == 0


class TestShow:
    def test_the_beginning_of_an_id_is_enough(self, ledger: Path) -> None:
        for what in ("alerts", "incidents"):
            for document in run(what, "list", "--ledger", ledger).documents:
                uuid = document["kibana.alert.uuid"]
                found = run(what, "show", uuid[:20].upper(), "--ledger", ledger).documents[-1]
                assert found["kibana.alert.uuid"] == uuid

    def test_a_sequence_comes_with_its_building_blocks(self, ledger: Path) -> None:
        (alert,) = run("alerts", "list", "--ledger", ledger, "--rule", "listener").documents
        shown = run("alerts", "show", alert["kibana.alert.uuid"], "--ledger", ledger).documents
        assert ["kibana.alert.building_block_type" in each for each in shown] == [True, True, False]

    def test_an_incident_has_its_triggers(self, ledger: Path) -> None:
        (incident,) = run("incidents", "list", "--ledger", ledger).documents
        uuid = incident["kibana.alert.uuid"]
        (shown,) = run("incidents", "show", uuid, "--ledger", ledger).documents
        assert len(shown["fortisiem.incident.triggers"]) == 1
        page = run("incidents", "show", uuid, "--ledger", ledger, "--format", "page", width=100).out
        assert "ncat" in page
        assert "Newest triggers" in page

    @pytest.mark.parametrize("width", [60, 80, 200])
    def test_a_page_fits_the_terminal_and_is_only_text(self, width: int, ledger: Path) -> None:
        for document in run("alerts", "list", "--ledger", ledger).documents:
            uuid = document["kibana.alert.uuid"]
            page = run("alerts", "show", uuid, "--ledger", ledger, "--format", "page", width=width).out
            assert document["kibana.alert.rule.name"] in page
            assert max(map(cell_len, page.splitlines())) <= width
            assert "\x1b" not in page

    @pytest.mark.parametrize("what", ["alert", "incident"])
    def test_what_is_not_there(self, what: str, ledger: Path) -> None:
        outcome = run(f"{what}s", "show", "0" * 64, "--ledger", ledger)
        assert outcome.status == 2
        assert outcome.out == ""
        assert f"unknown-{what}" in outcome.err

    @pytest.mark.parametrize("uuid", ["", "xyz", "%", "' or 1=1"])
    def test_what_is_no_id(self, uuid: str, ledger: Path) -> None:
        outcome = run("alerts", "show", uuid, "--ledger", ledger)
        assert outcome.status == 2
        assert "malformed-id" in outcome.err


class TestClear:
    @pytest.fixture
    def own(self, ledger: Path, tmp_path: Path) -> Path:
        return Path(shutil.copy(ledger, tmp_path / "own.db"))

    def test_it_is_cleared_once(self, own: Path) -> None:
        (before,) = run("incidents", "list", "--ledger", own, "--status", "active").documents
        uuid = before["kibana.alert.uuid"]
        outcome = run("incidents", "clear", uuid[:16], "--comment", "a\x1b[2Jtest", "--ledger", own)
        assert (outcome.status, outcome.err) == (0, "")
        assert outcome.out.startswith(f"{uuid[:12]}  cleared: ")
        again = run("incidents", "clear", uuid, uuid, "--comment", "other", "--ledger", own)
        assert again.status == 0
        assert again.out.startswith(f"{uuid[:12]}  already manually-cleared: ")
        assert len(again.out.splitlines()) == 1
        assert run("incidents", "list", "--ledger", own, "--status", "active").documents == []
        for status in ("manually-cleared", "cleared"):
            (after,) = run("incidents", "list", "--ledger", own, "--status", status).documents
            assert after["fortisiem.incident.comment"] == "a\\x1b[2Jtest"
        page = run("incidents", "show", uuid, "--ledger", own, "--format", "page", width=80).out
        assert "manually-cleared at" in page
        assert "\x1b" not in page

    def test_if_one_is_not_there_none_is_cleared(self, own: Path) -> None:
        (before,) = run("incidents", "list", "--ledger", own).documents
        outcome = run("incidents", "clear", before["kibana.alert.uuid"], "0" * 64, "--ledger", own)
        assert outcome.status == 2
        assert "unknown-incident" in outcome.err
        assert len(run("incidents", "list", "--ledger", own, "--status", "active").documents) == 1

    def test_what_is_no_id(self, own: Path) -> None:
        outcome = run("incidents", "clear", "no id", "--ledger", own)
        assert outcome.status == 2
        assert "malformed-id" in outcome.err

    def test_the_same_triggers_open_no_other(self, own: Path) -> None:
        (before,) = run("incidents", "list", "--ledger", own).documents
        run("incidents", "clear", before["kibana.alert.uuid"], "--ledger", own)
        assert run("scan", SHELL, "--ledger", own).status == 0
        assert len(run("incidents", "list", "--ledger", own).documents) == 1


@pytest.mark.parametrize("command", [("list",), ("show", "ab")])
@pytest.mark.parametrize("what", ["alerts", "incidents"])
class TestNoLedger:
    def test_none_is_named(self, what: str, command: tuple[str, ...]) -> None:
        outcome = run(what, *command)
        assert outcome.status == 2
        assert "no-ledger" in outcome.err
        assert "DOGWATCH_LEDGER" in outcome.err

    def test_there_is_none_and_none_is_made(self, what: str, command: tuple[str, ...], tmp_path: Path) -> None:
        path = tmp_path / "missing.db"
        outcome = run(what, *command, "--ledger", path)
        assert outcome.status == 2
        assert "ledger-missing" in outcome.err
        assert not path.exists()

    def test_something_else(self, what: str, command: tuple[str, ...], tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("not a database\n" * 100)
        outcome = run(what, *command, "--ledger", path)
        assert outcome.status == 2
        assert "not-a-ledger" in outcome.err
        assert path.read_text() == "not a database\n" * 100


def test_the_environment_names_the_ledger(ledger: Path) -> None:
    assert len(run("alerts", "list", env={"DOGWATCH_LEDGER": str(ledger)}).documents) == 6


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_bad_time(option: str, ledger: Path) -> None:
    outcome = run("alerts", "list", "--ledger", ledger, option, "soon")
    assert outcome.status == 2
    assert option in outcome.err
