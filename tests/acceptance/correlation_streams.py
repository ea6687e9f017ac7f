"""Streams of FortiSIEM events made to order, with what the example rules of the documents must find in them.

What is true is worked out from the events alone, the long way: every pair or triple is looked at. Nothing of the
package is used.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

START = 1_770_000_000
"""Seconds since 1970 at which the streams begin."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """One event: when, its place among equal times, its type, its attributes, and its own id."""

    time: int
    place: int
    kind: str
    attributes: tuple[tuple[str, str], ...]
    id: str

    def __getitem__(self, name: str) -> str:
        return dict(self.attributes)[name]

    def line(self) -> str:
        """The event in FortiSIEM's own form."""
        pairs = (("phRecvTime", str((START + self.time) * 1000)), ("eventId", self.id), *self.attributes)
        return f"[{self.kind}]:" + ",".join(f"[{name}]={value}" for name, value in pairs)


class _Stream:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.events: list[Told] = []

    def tell(self, time: int, kind: str, **attributes: str) -> None:
        number = len(self.events)
        self.events.append(Told(time, number, kind, tuple(attributes.items()), f"e{number}"))

    def told(self) -> list[Told]:
        """The events in their order: by time, then as they were told."""
        return sorted(self.events)


def logins(seed: int) -> list[Told]:
    """Failed and successful logins of a few addresses and accounts: bursts, slow guesses, near misses."""
    stream = _Stream(seed)
    pick = stream.random
    for _ in range(60):
        who = {
            "srcIpAddr": f"10.0.0.{pick.randrange(4)}",
            "hostName": pick.choice(["alpha", "beta"]),
            "user": pick.choice(["root", "Root", "admin"]),
        }
        at = pick.randrange(0, 20_000)
        pace = pick.choice([1, 30, 200, 400])
        failures = pick.randrange(0, 9)
        for number in range(failures):
            stream.tell(at + number * pace, "Generic_Unix_Failed_SSH_Login", **who)
        if pick.random() < 0.6:
            late = pick.choice([-600, -1, 0, 1, 500, 899, 900, 901])
            stream.tell(max(0, at + failures * pace + late), "Generic_Unix_Successful_SSH_Login", **who)
    return stream.told()


def services(seed: int) -> list[Told]:
    """Services that stop and start again: at once, in time, just too late, never, elsewhere."""
    stream = _Stream(seed)
    pick = stream.random
    for _ in range(80):
        where = {"hostName": pick.choice(["alpha", "beta", "gamma"]), "procName": pick.choice(["sshd", "cron"])}
        at = pick.randrange(0, 30_000)
        stream.tell(at, "PH_DEV_MON_PROC_STOP", **where)
        after = pick.choice([None, -10, 0, 1, 150, 299, 300, 301, 2000])
        if after is not None and at + after >= 0:
            stream.tell(at + after, "PH_DEV_MON_PROC_START", **where)
    # The clock of the data goes on.
    stream.tell(40_000, "PH_DEV_MON_PROC_START", hostName="omega", procName="none")
    return stream.told()


def accounts(seed: int) -> list[Told]:
    """Accounts that are created, used on several devices, and deleted: in and out of order, fast and slow."""
    stream = _Stream(seed)
    pick = stream.random
    devices = ["dc1", "dc2", "dc3"]
    for number in range(40):
        name = f"temp{number % 15}"
        at = pick.randrange(0, 40_000)
        stream.tell(at, "Dogwatch_Account_Created", user="boss", targetUser=name, reptDevName=pick.choice(devices))
        for _ in range(pick.randrange(0, 4)):
            used = max(0, at + pick.choice([-50, 0, 10, 1000, 3000]))
            stream.tell(used, "Dogwatch_Account_Login", user=name, reptDevName=pick.choice(devices))
        if pick.random() < 0.8:
            gone = max(0, at + pick.choice([-10, 5, 1000, 3599, 3600, 3601, 5000]))
            device = pick.choice(devices)
            stream.tell(gone, "Dogwatch_Account_Deleted", user="boss", targetUser=name, reptDevName=device)
    return stream.told()


def guessed(events: Iterable[Told]) -> set[Key]:
    """Address, host and account, as the success writes it, with five failures and a success within 900 s."""
    failures: defaultdict[Key, list[Told]] = defaultdict(list)
    successes: list[Told] = []
    for event in events:
        if event.kind == "Generic_Unix_Failed_SSH_Login":
            failures[event["srcIpAddr"], event["hostName"], event["user"]].append(event)
        elif event.kind == "Generic_Unix_Successful_SSH_Login":
            successes.append(event)
    found: set[Key] = set()
    for (address, host, user), burst in failures.items():
        for first, last in _fives(burst):
            for success in successes:
                same = (success["srcIpAddr"], success["hostName"], success["user"].lower())
                span = max(last.time, success.time) - min(first.time, success.time)
                if same == (address, host, user.lower()) and span <= 900:
                    found.add((address, host, success["user"]))
    return found


def _fives(burst: list[Told]) -> Iterator[tuple[Told, Told]]:
    """The first and the last of each five that count together: a group starts anew once it has triggered."""
    held: list[Told] = []
    for event in burst:
        held = [each for each in held if each.time > event.time - 900] + [event]
        if len(held) == 5:
            yield held[0], held[-1]
            held = []


def stayed_down(events: list[Told]) -> Counter[Key]:
    """Host and service, with how often it stopped and did not start within 300 s."""
    found: Counter[Key] = Counter()
    for down in events:
        if down.kind != "PH_DEV_MON_PROC_STOP":
            continue
        key = (down["hostName"], down["procName"])
        back = [
            up
            for up in events
            if up.kind == "PH_DEV_MON_PROC_START"
            and (up["hostName"], up["procName"]) == key
            and up > down
            and up.time < down.time + 300
        ]
        found[key] += not back
    return +found


def transient(events: list[Told]) -> set[Key]:
    """Who created which account that was used and deleted within an hour, and the device of the login."""
    by_kind: defaultdict[str, list[Told]] = defaultdict(list)
    for event in events:
        by_kind[event.kind.rpartition("_")[2]].append(event)
    return {
        (created["user"], created["targetUser"], used["reptDevName"])
        for created in by_kind["Created"]
        for used in by_kind["Login"]
        if used > created and used["user"] == created["targetUser"]
        for deleted in by_kind["Deleted"]
        if deleted > used
        and deleted["targetUser"] == used["user"]
        and deleted["reptDevName"] == used["reptDevName"]
        and deleted.time - created.time <= 3600
    }


def disturbed(events: list[Told], seed: int, lateness: int = 0) -> list[Told]:
    """The events as they may arrive: some twice, and each up to ``lateness`` seconds late.

    Events of one time keep their order, as nothing but their order tells which was first.
    """
    pick = random.Random(seed)  # noqa: S311 - no secret
    arrivals: list[tuple[int, Told]] = []
    due: dict[int, int] = {}
    for event in events:
        arrival = due.setdefault(event.time, event.time + pick.randrange(0, lateness + 1))
        arrivals.append((arrival, event))
        if pick.random() < 0.2:
            arrivals.append((arrival + pick.randrange(0, lateness + 1), replace(event)))
    arrivals.sort(key=lambda each: each[0])
    return [event for _, event in arrivals]
