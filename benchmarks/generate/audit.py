"""An audit log of executions in the enriched form that auditd writes, the same from the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from benchmarks.generate import words

SEED = 59
"""The seed of the published figures."""

LINES_OF_EVENT = 6
"""Records of each event, one a line."""

_FIRST = 1_767_571_200_000
"""2026-01-05 00:00 UTC in milliseconds."""
_LOADER = "/lib64/ld-linux-x86-64.so.2"
_IDS = ("auid", "uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid")
_PATH = "dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_frootid=0"
_OWNERS = '\x1dOUID="root" OGID="root"'
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=%+,@{}()<>|&;*?!#$~^[]'\\")


def audit_events(count: int, seed: int = SEED) -> Iterator[str]:
    """The records of one execution after the other, lines with their ends."""
    random = Random(seed)  # noqa: S311 - a repeatable log is the purpose
    programs = (*words.LINUX * 6, *words.ODD_LINUX)
    time = _FIRST
    for number in range(count):
        time += random.randrange(1, 60)
        program = random.choice(programs)
        arguments = [program.name, *random.choice(program.commands).replace("@", str(number)).split(" ")]
        yield _event(random, number, time, program.executable, arguments)


def write_audit_log(path: Path, count: int, seed: int = SEED) -> int:
    """Write the first executions of a log to a file, and give its size in bytes."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(audit_events(count, seed))
        return file.tell()


def _event(random: Random, number: int, time: int, executable: str, arguments: list[str]) -> str:
    user = random.choice(words.LINUX_USERS)
    identifier = 0 if user == "root" else 1000 + words.LINUX_USERS.index(user)
    pid = 300 + number % 4_000_000
    ids = " ".join(f"{name}={identifier}" for name in _IDS)
    names = " ".join(f'{name.upper()}="{user}"' for name in _IDS)
    stamp = f"audit({time // 1000}.{time % 1000:03d}:{number + 1})"
    given = " ".join(f"a{place}={_quoted(each)}" for place, each in enumerate(arguments))
    title = "\0".join(arguments)[:128].encode().hex().upper()
    return (
        f"type=SYSCALL msg={stamp}: arch=c000003e syscall=59 success=yes exit=0 a0={random.getrandbits(46):x} "
        f"a1={random.getrandbits(46):x} a2=1 a3=8 items=2 ppid={max(1, pid - 7)} pid={pid} "
        f'{ids} tty=pts0 ses={number % 40} comm="{arguments[0][:15]}" exe="{executable}" key="exec"'
        f"\x1dARCH=x86_64 SYSCALL=execve {names}\n"
        f"type=EXECVE msg={stamp}: argc={len(arguments)} {given}\n"
        f'type=CWD msg={stamp}: cwd="{random.choice(words.LINUX_FOLDERS)}"\n'
        f'type=PATH msg={stamp}: item=0 name="{executable}" inode={260_000 + len(executable)} {_PATH}{_OWNERS}\n'
        f'type=PATH msg={stamp}: item=1 name="{_LOADER}" inode=338944 {_PATH}{_OWNERS}\n'
        f"type=PROCTITLE msg={stamp}: proctitle={title}\n"
    )


def _quoted(text: str) -> str:
    """As the kernel writes it: in quotes, or in hexadecimal if it holds what would end them."""
    return f'"{text}"' if _PLAIN.issuperset(text) else text.encode().hex().upper()
