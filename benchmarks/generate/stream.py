"""Streams of realistic events in the Elastic Common Schema, one JSON text a line, in the order of time.

A fleet of hosts with Linux and Windows sends what endpoint agents, auditd, Sysmon and Windows record. The n-th
host has a share of 1/n; a host sends in bursts; programs, users, files and addresses are skewed, and about a sixth
of the command lines occur once only. A share of suspicious events looks like what rules look for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path
from random import Random

from benchmarks.generate import shapes
from benchmarks.generate.fleet import TOKEN, make_host
from benchmarks.generate.shapes import Moment, Shape

SEED = 4444
"""The seed of the published figures."""

SUSPICIOUS = 0.001
"""Share of suspicious events in the published figures."""

HOSTS = 300
_FIRST = 1_767_571_200
"""2026-01-05 00:00 UTC in seconds."""
_GAP = 90.0
"""Milliseconds from one burst to the next, on average."""
_CHUNK = 2000

_Mix = dict[Shape, int]

_LINUX_ENDPOINT: _Mix = {shapes.start: 38, shapes.end: 22, shapes.file: 20, shapes.connection: 18, shapes.login: 2}
_LINUX_AUDITD: _Mix = {shapes.start: 55, shapes.connection: 25, shapes.file: 14, shapes.login: 6}
_WINDOWS_ENDPOINT: _Mix = {
    shapes.start: 20,
    shapes.end: 12,
    shapes.file: 22,
    shapes.registry: 18,
    shapes.library: 10,
    shapes.connection: 10,
    shapes.dns: 8,
}
_WINDOWS_LOG: _Mix = {
    shapes.start: 20,
    shapes.end: 10,
    shapes.file: 15,
    shapes.registry: 20,
    shapes.library: 12,
    shapes.dns: 10,
    shapes.connection: 8,
    shapes.login: 5,
}


def event_lines(count: int, seed: int = SEED, suspicious: float = SUSPICIOUS) -> Iterator[str]:
    """The first events of a stream, each a JSON text.

    Args:
        count: How many.
        seed: The same seed gives the same events, and a longer stream begins like a shorter one.
        suspicious: Share of events of the suspicious kind, from 0 to 1.
    """
    return islice(_events(Random(seed), suspicious), count)  # noqa: S311 - a repeatable stream is the purpose


def write_events(path: Path, count: int, seed: int = SEED, suspicious: float = SUSPICIOUS) -> int:
    """Write the first events of a stream to a file, one a line, and give its size in bytes."""
    lines = event_lines(count, seed, suspicious)
    with path.open("wb") as file:
        while chunk := list(islice(lines, _CHUNK)):
            file.write(("\n".join(chunk) + "\n").encode())
        return file.tell()


def write_repeated(path: Path, chunk: Path, copies: int) -> int:
    """Write a file of ``write_events`` several times over, each time a day later and with other ids.

    Returns:
        Bytes that were written.
    """
    text = chunk.read_bytes()
    first = _day(0).encode()
    with path.open("wb") as file:
        for copy in range(copies):
            file.write(text.replace(TOKEN.encode(), b"k%04dk" % copy).replace(first, _day(copy).encode()))
        return file.tell()


def _events(random: Random, suspicious: float) -> Iterator[str]:
    hosts = [make_host(number) for number in range(HOSTS)]
    shares = list(accumulate(1 / rank for rank in range(1, HOSTS + 1)))
    mixes = {kind: _mix(mix) for kind, mix in _MIXES.items()}
    milliseconds = 0.0
    number = 0
    stamp = _Stamp()
    while True:
        (host,) = random.choices(hosts, cum_weights=shares)
        kinds, weights = mixes[host.windows, host.endpoint]
        milliseconds += random.expovariate(1 / _GAP)
        burst = 1 + int(random.expovariate(0.25))
        for shape in random.choices(kinds, cum_weights=weights, k=burst):
            milliseconds += random.random() * 2
            odd = random.random() < suspicious
            host.numbers += 1
            yield shape(Moment(random, host, number, stamp.of(int(milliseconds)), odd))
            number += 1


_MIXES: dict[tuple[bool, bool], _Mix] = {
    (False, True): _LINUX_ENDPOINT,
    (False, False): _LINUX_AUDITD,
    (True, True): _WINDOWS_ENDPOINT,
    (True, False): _WINDOWS_LOG,
}


def _mix(mix: _Mix) -> tuple[list[Shape], list[int]]:
    return list(mix), list(accumulate(mix.values()))


class _Stamp:
    """Times as text; the part down to seconds is worked out once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def of(self, milliseconds: int) -> str:
        second, rest = divmod(milliseconds, 1000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(_FIRST + second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return f"{self._text}{rest:03d}Z"


def _day(copy: int) -> str:
    """The date of a copy of a stream's first day, as it stands in times."""
    return datetime.fromtimestamp(_FIRST + 86_400 * copy, UTC).strftime("%Y-%m-%dT")
