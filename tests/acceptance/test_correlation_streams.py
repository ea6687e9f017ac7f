"""FortiSIEM rules of several subpatterns, from their XML, on streams in which it is known what they must find."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from correlation_streams import (
    Told,
    accounts,
    disturbed,
    guessed,
    logins,
    services,
    stayed_down,
    transient,
)

from dogwatch.cli.main import dogwatch

RULES = Path(__file__).resolve().parents[2] / "docs" / "fortisiem" / "examples" / "fortisiem"
BRUTE_FORCE = str(RULES / "brute_force_success.xml")
STAYS_DOWN = str(RULES / "service_stays_down.xml")
TRANSIENT = str(RULES / "transient_account.xml")
PROGRAM = "from dogwatch.cli.main import main; main()"
SEEDS = range(4)

Document = dict[str, Any]


def scanned(rule: str, events: Iterable[Told], folder: Path, *options: str) -> list[Document]:
    """What the command prints for a rule over a file of the events."""
    file = folder / "events.log"
    file.write_text("".join(f"{event.line()}\n" for event in events), encoding="utf-8")
    arguments = ["scan", str(file), "--rules", rule, "--format", "ndjson", *options]
    result = CliRunner().invoke(dogwatch, arguments, standalone_mode=False, catch_exceptions=False)
    assert result.return_value == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def followed(rule: str, events: Iterable[Told], *options: str) -> dict[str, Document]:
    """What the command prints last about each incident for a rule over a pipe of the events."""
    command = [sys.executable, "-c", PROGRAM, "scan", "-", "--rules", rule, "--format", "ndjson", *options]
    lines = "".join(f"{event.line()}\n" for event in events)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["kibana.alert.uuid"]: each for each in documents}


def keys(incidents: Iterable[Document], *names: str) -> set[tuple[str, ...]]:
    """The values of some attributes of each incident."""
    return {tuple(each["fortisiem.incident.attributes"][name] for name in names) for each in incidents}


def triggers(incidents: Iterable[Document], *names: str) -> Counter[tuple[str, ...]]:
    """How often each set of attributes was triggered, over all its incidents."""
    found: Counter[tuple[str, ...]] = Counter()
    for each in incidents:
        attributes = each["fortisiem.incident.attributes"]
        found[tuple(attributes[name] for name in names)] += each["fortisiem.incident.count"]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_brute_force_then_success(seed: int, tmp_path: Path) -> None:
    events = logins(seed)
    expected = guessed(events)
    assert expected
    assert len(expected) < len({(each["srcIpAddr"], each["hostName"], each["user"]) for each in events})
    found = scanned(BRUTE_FORCE, events, tmp_path)
    assert keys(found, "srcIpAddr", "hostName", "user") == expected
    assert {each["fortisiem.incident.attributes"]["failures"] for each in found} == {"5"}


@pytest.mark.parametrize("seed", SEEDS)
def test_service_down_and_not_up(seed: int, tmp_path: Path) -> None:
    events = services(seed)
    expected = stayed_down(events)
    assert expected
    assert triggers(scanned(STAYS_DOWN, events, tmp_path), "hostName", "procName") == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_account_created_used_and_deleted(seed: int, tmp_path: Path) -> None:
    events = accounts(seed)
    expected = transient(events)
    assert expected
    assert keys(scanned(TRANSIENT, events, tmp_path), "user", "targetUser", "reptDevName") == expected


@pytest.mark.parametrize(
    ("rule", "events"),
    [(BRUTE_FORCE, logins(7)), (STAYS_DOWN, services(7)), (TRANSIENT, accounts(7))],
    ids=["brute force", "stays down", "transient"],
)
def test_repeated_and_late_events_change_nothing(rule: str, events: Sequence[Told], tmp_path: Path) -> None:
    clean = {each["kibana.alert.uuid"]: each for each in scanned(rule, events, tmp_path)}
    assert clean
    shuffled = {
        each["kibana.alert.uuid"]: each for each in scanned(rule, disturbed(list(events), 1, 5000), tmp_path)
    }
    assert _told(shuffled) == _told(clean)
    scheduled = {each["kibana.alert.uuid"]: each for each in scanned(rule, events, tmp_path, "--as-scheduled")}
    assert _told(scheduled) == _told(clean)
    piped = followed(rule, disturbed(list(events), 2, 9), "--tolerance", "10s")
    assert _told(piped) == _told(clean)


def _told(incidents: dict[str, Document]) -> dict[str, tuple[Any, ...]]:
    """What incidents say, apart from the order in which their events were read."""
    names = ("attributes", "count", "first_seen", "last_seen", "status", "cleared_at")
    return {
        uuid: tuple(each.get(f"fortisiem.incident.{name}") for name in names) for uuid, each in incidents.items()
    }


def test_what_still_waits_when_the_data_ends(tmp_path: Path) -> None:
    down = Told(0, 0, "PH_DEV_MON_PROC_STOP", (("hostName", "alpha"), ("procName", "sshd")), "a")
    later = Told(299, 1, "PH_DEV_MON_PROC_START", (("hostName", "beta"), ("procName", "sshd")), "b")
    assert scanned(STAYS_DOWN, [down, later], tmp_path) == []
    assert scanned(STAYS_DOWN, [down, later], tmp_path, "--open-windows", "omit") == []
    (flushed,) = scanned(STAYS_DOWN, [down, later], tmp_path, "--open-windows", "report")
    assert flushed["fortisiem.incident.attributes"] == {"hostName": "alpha", "procName": "sshd"}
    passed = Told(300, 1, "PH_DEV_MON_PROC_START", (("hostName", "beta"), ("procName", "sshd")), "b")
    (certain,) = scanned(STAYS_DOWN, [down, passed], tmp_path)
    assert certain["kibana.alert.uuid"] == flushed["kibana.alert.uuid"]


def test_an_incident_clears_when_the_service_is_back(tmp_path: Path) -> None:
    where = (("hostName", "alpha"), ("procName", "sshd"))
    times = [(0, "STOP"), (400, "START"), (1000, "STOP"), (2000, "STOP"), (3000, "STOP")]
    events = [
        Told(at, number, f"PH_DEV_MON_PROC_{what}", where, f"e{number}") for number, (at, what) in enumerate(times)
    ]
    found = scanned(STAYS_DOWN, events, tmp_path)
    told = [
        (each["fortisiem.incident.status"], each["fortisiem.incident.count"], each["fortisiem.incident.title"])
        for each in found
    ]
    title = "sshd is down on alpha"
    assert told == [("auto-cleared", 1, title), ("active", 2, title)]
    assert len({each["kibana.alert.uuid"] for each in found}) == 2
    # The title names the host already.
    assert found[0]["kibana.alert.reason"] == "sshd is down on alpha: Service stays down, severity 8."


def test_a_stream_tells_of_what_was_quiet_before_the_next_trigger(tmp_path: Path) -> None:
    """The last word on each incident is the same, whether events come from a file or a pipe."""
    quiet = '<ClearCondition method="Auto" type="timebased"><QuietPeriod>900</QuietPeriod></ClearCondition>'
    text = (RULES / "brute_force_success.xml").read_text(encoding="utf-8")
    rule = tmp_path / "quiet.xml"
    rule.write_text(text.replace("<TriggerEventDisplay>", quiet + "<TriggerEventDisplay>"), encoding="utf-8")
    who = (("srcIpAddr", "10.0.0.1"), ("hostName", "alpha"), ("user", "root"))
    bursts = [(start, number) for start in (0, 500, 2000, 10_000) for number in range(6)]
    events = [
        Told(
            start + number,
            place,
            f"Generic_Unix_{'Successful' if number == 5 else 'Failed'}_SSH_Login",
            who,
            f"e{place}",
        )
        for place, (start, number) in enumerate(bursts)
    ]
    clean = {each["kibana.alert.uuid"]: each for each in scanned(str(rule), events, tmp_path)}
    assert [each["fortisiem.incident.status"] for each in clean.values()] == ["auto-cleared"] * 2 + ["active"]
    assert _told(followed(str(rule), events)) == _told(clean)
