"""What the netcat rules ought to find in an audit log, worked out the short way.

A second opinion on the engine that shares no code with it: audit lines, a few dictionaries, one pass. It knows
only what the recordings hold (x86-64 and i386 system calls, netcat's arguments in one EXECVE record).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

NAMES = {"nc", "ncat", "netcat", "netcat.openbsd", "netcat.traditional"}
EXEC = "execve"
CALLS = {
    "c000003e": {
        "42": "connect",
        "43": "accept",
        "49": "bind",
        "50": "listen",
        "59": EXEC,
        "288": "accept",
        "322": EXEC,
    },
    "40000003": {"11": EXEC, "358": EXEC, "361": "bind", "362": "connect", "363": "listen", "364": "accept"},
}
SOCKETCALLS = {"2": "bind", "3": "connect", "4": "listen", "5": "accept", "12": "accept"}
"""First argument (hexadecimal) of i386's one call for all of them."""


@dataclass
class Call:
    """One audit event, as far as the rules look."""

    time: str = ""
    serial: int = 0
    name: str = ""
    success: bool = False
    pid: str = ""
    uid: str = ""
    comm: str = ""
    args: list[str] = field(default_factory=list)
    unix: bool = False


@dataclass
class Outcome:
    """What each rule makes of a log: numbers of alerts, and each incident's count, largest first."""

    v2: int = 0
    v3: int = 0
    v4: int = 0
    v5: int = 0
    v110: int = 0
    incidents: list[int] = field(default_factory=list)
    unix: int = 0
    starts: dict[tuple[str, str, str], int] = field(default_factory=dict)


def outcome(lines: Iterable[str]) -> Outcome:
    """The outcome of all five alert rules and of the incident rule."""
    result = Outcome()
    starts: Counter[tuple[str, str, str]] = Counter()
    started: dict[str, Call] = {}
    for call in calls(lines):
        if call.comm not in NAMES:
            continue
        if call.name == EXEC:
            if call.success:
                started[call.pid] = call
                starts[call.uid, call.comm, " ".join(call.args[1:])] += 1
        elif call.name:
            result.v2 += call.name in {"bind", "connect"}
            result.v3 += 1
            result.v4 += 1
            result.unix += call.unix
            start = started.pop(call.pid, None)
            result.v5 += start is not None
            result.v110 += start is not None and telling(start.args)
    result.starts = dict(starts)
    result.incidents = sorted(starts.values(), reverse=True)
    return result


def telling(args: list[str]) -> bool:
    """Version 110's test of a command line: each word is compared with whole arguments, whatever their case."""
    given = {each.lower() for each in args}
    return (
        bool(given & {"-l", "-p", "-lp", ">", "<"})
        or ("-e" in given and bool(given & {"/bin/bash", "/bin/sh"}))
        or ("|" in given and bool(given & {"nc", "ncat"}))
    )


def calls(lines: Iterable[str]) -> list[Call]:
    """The audit events in the order in which they happened, the serial number deciding between equal stamps."""
    found: dict[str, Call] = {}
    for line in lines:
        head, _, body = line.partition("): ")
        kind, _, key = head.partition(" msg=audit(")
        if kind not in {"type=SYSCALL", "type=EXECVE", "type=SOCKADDR"}:
            continue
        # What follows the separator is auditd's translation; a value never holds a space, since auditd
        # writes such values in hexadecimal.
        values = dict(word.split("=", 1) for word in body.rstrip("\n").split("\x1d")[0].split(" ") if "=" in word)
        call = found.setdefault(key, Call())
        if kind == "type=SYSCALL":
            call.time, serial = key.split(":")
            call.serial = int(serial)
            call.name = name_of(values)
            call.success = values["success"] == "yes"
            call.pid, call.uid, call.comm = values["pid"], values["uid"], text(values["comm"])
        elif kind == "type=EXECVE":
            call.args = [text(values.get(f"a{number}", '""')) for number in range(int(values.get("argc", 0)))]
        else:
            call.unix = values["saddr"].startswith("0100")
    return sorted(found.values(), key=lambda call: (call.time, call.serial))


def name_of(values: dict[str, str]) -> str:
    """What a system call does, empty if the rules do not care."""
    if (values["arch"], values["syscall"]) == ("40000003", "102"):
        return SOCKETCALLS.get(values["a0"], "")
    return CALLS[values["arch"]].get(values["syscall"], "")


def text(value: str) -> str:
    """A value that auditd put in quotes, or in hexadecimal because quotes would not do."""
    return value[1:-1] if value.startswith('"') else bytes.fromhex(value).decode(errors="replace")
