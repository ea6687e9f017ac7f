"""Who sends the events: hosts with their agents, and the processes that live on them, as parts of JSON texts."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from random import Random

from benchmarks.generate import words
from benchmarks.generate.words import Program

TOKEN = "k0000k"  # noqa: S105 - no password
"""Stands in every id, so that a stream can be repeated with other ids by replacing it."""

_LIVE = 48
_VERSION = "8.11.0"
_LINUX = (
    '"type":"linux","family":"debian","platform":"debian","name":"Debian GNU/Linux","version":"12 (bookworm)",'
)
_WINDOWS = '"type":"windows","family":"windows","platform":"windows","name":"Windows","version":"10.0.19045",'


@dataclass(frozen=True, slots=True)
class Command:
    """One way to run a program, as parts of JSON; ``@`` stands for a number if ``numbered``."""

    program: Program
    arguments: str
    line: str
    count: int
    numbered: bool


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs.

    Attributes:
        entity: Its entity id.
        core: Members of ``process`` that every event of the process has.
        parent: The whole object under which its children name it.
        user: The ``user`` object.
        odd: Whether it is one that rules look for.
        name: Its program's name.
    """

    entity: str
    core: str
    parent: str
    user: str
    odd: bool
    name: str


@dataclass(slots=True)
class Host:
    """A host with one agent.

    Attributes:
        number: Its rank: host 0 sends most.
        windows: Its operating system, otherwise Linux.
        endpoint: Whether the agent is an endpoint's, otherwise auditd's or Sysmon's.
        common: Members that all of its events have.
        address: Its IPv4 address.
        live: Processes that run, the latest last.
        numbers: How many events it has sent.
    """

    number: int
    windows: bool
    endpoint: bool
    common: str
    address: str
    live: deque[Process] = field(default_factory=lambda: deque(maxlen=_LIVE))
    numbers: int = 0


def make_host(number: int) -> Host:
    """The host of a rank: nine of twenty run Windows, every other one of each kind has an endpoint's agent."""
    windows = number % 20 in (1, 3, 5, 8, 10, 12, 14, 17, 19)
    endpoint = number % 4 in (0, 1)
    kind = "endpoint" if endpoint else ("winlogbeat" if windows else "auditbeat")
    name = f"{'ws' if windows else 'node'}-{number:03d}.example.net"
    address = f"10.{number // 250}.{number % 250}.7"
    system = _WINDOWS if windows else _LINUX
    kernel = "10.0.19045.4529" if windows else "6.1.0-28-amd64"
    common = (
        f'"ecs":{{"version":"{_VERSION}"}},'
        f'"agent":{{"id":"a9e0-{number:08x}","type":"{kind}","version":"{_VERSION}","name":"{name}"}},'
        f'"host":{{"id":"{number:032x}","name":"{name}","hostname":"{name.partition(".")[0]}",'
        f'"architecture":"x86_64","ip":["{address}","fe80::{number:x}"],"mac":["02-42-0A-00-{number // 256:02X}-'
        f'{number % 256:02X}"],"os":{{{system}"kernel":"{kernel}"}}}}'
    )
    return Host(number, windows, endpoint, common, address)


@cache
def commands_of(program: Program) -> tuple[Command, ...]:
    """A program's command lines, encoded."""
    found = []
    for text in program.commands:
        arguments = [program.name, *text.split(" ")] if text else [program.name]
        line = " ".join(arguments)
        encoded = json.dumps(arguments, separators=(",", ":"))
        # Addresses of people and hosts have an at sign too.
        numbered = any("@" in each and "example.net" not in each for each in arguments)
        found.append(Command(program, encoded, json.dumps(line), len(arguments), numbered))
    return tuple(found)


@cache
def hashes_of(executable: str) -> str:
    """The ``hash`` object of a program: the same on every host that has this version."""
    text = executable.encode()
    sha256 = hashlib.sha256(text).hexdigest()
    return f'{{"sha256":"{sha256}","md5":"{sha256[:32]}","sha1":"{sha256[:40]}"}}'


@cache
def signature_of(executable: str) -> str:
    """The ``code_signature`` object of a Windows program."""
    if executable.startswith("C:\\Users"):
        return '{"exists":false}'
    subject = "Microsoft Windows" if executable.startswith("C:\\Windows") else "Harbour Works Ltd"
    return f'{{"exists":true,"trusted":true,"status":"trusted","subject_name":"{subject}"}}'


def start_process(random: Random, host: Host, number: int, command: Command, *, odd: bool) -> tuple[Process, str]:
    """A new process of a host, and the members of ``process`` that tell of its start."""
    program = command.program
    starters = words.PARENTS if odd else words.STARTERS.get(program.name, ())
    parents = [each for each in host.live if each.name in starters] if starters else ()
    parent = random.choice(parents) if parents else None
    entity = f"{TOKEN}{host.number:04x}{number:010d}"
    pid = 300 + (number * 7919) % 4_000_000
    arguments, line = command.arguments, command.line
    if command.numbered:
        arguments, line = arguments.replace("@", str(number)), line.replace("@", str(number))
    core = (
        f'"entity_id":"{entity}","pid":{pid},"name":"{program.name}","executable":{json.dumps(program.executable)}'
    )
    told = f'{core},"args":{arguments},"command_line":{line}'
    details = (
        f'{told},"args_count":{command.count},"hash":{hashes_of(program.executable)},'
        f'"parent":{parent.parent if parent else _first_parent(host, program)}'
    )
    return Process(entity, core, f"{{{told}}}", _user(random, host, program, parent), odd, program.name), details


def _first_parent(host: Host, program: Program) -> str:
    """Who started a program of which no parent lives."""
    if not host.windows:
        return _INIT
    if "cmd.exe" in words.STARTERS.get(program.name, ()):
        return _CONSOLE
    return _DESKTOP if program.name in words.STARTERS or program.name == "explorer.exe" else _SERVICES


_INIT = (
    '{"entity_id":"init","pid":1,"name":"init","executable":"/sbin/init","args":["init"],"command_line":"init"}'
)
_SERVICES = (
    '{"entity_id":"services","pid":788,"name":"services.exe",'
    '"executable":"C:\\\\Windows\\\\System32\\\\services.exe",'
    '"args":["services.exe"],"command_line":"services.exe"}'
)
_CONSOLE = (
    '{"entity_id":"console","pid":4100,"name":"cmd.exe","executable":"C:\\\\Windows\\\\System32\\\\cmd.exe",'
    '"args":["cmd.exe"],"command_line":"cmd.exe"}'
)
_DESKTOP = (
    '{"entity_id":"userinit","pid":3300,"name":"userinit.exe",'
    '"executable":"C:\\\\Windows\\\\System32\\\\userinit.exe",'
    '"args":["userinit.exe"],"command_line":"userinit.exe"}'
)


def _user(random: Random, host: Host, program: Program, parent: Process | None) -> str:
    """Children nearly always run as their parents do; a session of sshd's is another's."""
    if parent is not None and parent.name != "sshd" and random.random() < 0.98:
        return parent.user
    if parent is None and program.name in words.RUN_AS:
        return _user_object(words.RUN_AS[program.name], windows=host.windows)
    names = words.WINDOWS_USERS if host.windows else words.LINUX_USERS
    return _user_object(names[min(int(random.expovariate(0.5)), len(names) - 1)], windows=host.windows)


@cache
def _user_object(name: str, *, windows: bool) -> str:
    if windows:
        place = words.WINDOWS_USERS.index(name)
        identifier = "S-1-5-18" if name == "SYSTEM" else f"S-1-5-21-1004336348-1177238915-{1000 + place}"
        return (
            f'{{"id":"{identifier}","name":"{name}","domain":"{"NT AUTHORITY" if name.isupper() else "EXAMPLE"}"}}'
        )
    place = words.LINUX_USERS.index(name)
    return f'{{"id":"{1000 + place if place else 0}","name":"{name}","group":{{"id":"1000","name":"{name}"}}}}'
