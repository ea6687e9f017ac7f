"""The kernel's numbers and their names: record types, system calls, architectures and errors.

The numbers are the kernel's own, kept as tables beside this file: ``record_types.tsv`` (linux/audit.h and, for
user space, libaudit.h), ``syscalls.tsv`` (asm/unistd.h of each architecture) and ``errors.tsv`` (asm/errno.h).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

ARCHITECTURES: Mapping[int, str] = {
    0xC000003E: "x86_64",
    0x40000003: "i386",
    0xC00000B7: "aarch64",
    0x40000028: "arm",
    0x28: "armeb",
    0xC00000F3: "riscv64",
    0x80000016: "s390x",
    0x16: "s390",
    0x15: "ppc64",
    0x80000015: "ppc64",
    0xC0000015: "ppc64le",
    0x14: "ppc",
    0xC0000102: "loongarch64",
    0x40000008: "mipsel",
    0x8: "mips",
    0xC0000008: "mipsel64",
    0x80000008: "mips64",
}
"""Value of ``arch=`` -> name: the ELF machine number with the bits for 64-bit and little-endian."""

SOCKET_CALLS: Mapping[int, str] = {
    1: "socket",
    2: "bind",
    3: "connect",
    4: "listen",
    5: "accept",
    6: "getsockname",
    7: "getpeername",
    8: "socketpair",
    9: "send",
    10: "recv",
    11: "sendto",
    12: "recvfrom",
    13: "shutdown",
    14: "setsockopt",
    15: "getsockopt",
    16: "sendmsg",
    17: "recvmsg",
    18: "accept4",
    19: "recvmmsg",
    20: "sendmmsg",
}
"""First argument of ``socketcall`` -> the call that it stands for (linux/net.h)."""


def type_name(number: int) -> str:
    """The name of a record type: ``SYSCALL`` for 1300, ``UNKNOWN[1999]`` for one that has none."""
    return record_types().get(number) or f"UNKNOWN[{number}]"


@cache
def record_types() -> Mapping[int, str]:
    """Record type number -> name."""
    return {int(number): name for number, name in _rows("record_types.tsv")}


@cache
def type_numbers() -> Mapping[str, int]:
    """Record type name -> number."""
    return {name: number for number, name in record_types().items()}


@cache
def syscalls(architecture: str) -> Mapping[int, str]:
    """System call number -> name; empty for an architecture that the table lacks."""
    rows = _rows("syscalls.tsv", header=True)
    names = next(rows)[1:]
    if architecture not in names:
        return {}
    column = names.index(architecture) + 1
    return {int(row[column]): row[0] for row in rows if row[column] != "-"}


@cache
def errors() -> Mapping[int, str]:
    """Error number -> name: ``ENOENT`` for 2."""
    return {int(number): name for number, name in _rows("errors.tsv")}


def _rows(file: str, *, header: bool = False) -> Iterator[list[str]]:
    text = (resources.files(__package__) / file).read_text(encoding="ascii")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    if not header:
        next(rows)
    return rows
