"""How values change from ECS fields to FortiSIEM attributes, by the names that ``fortisiem_ecs.yaml`` gives.

A transform takes the values of each ECS field of its row, then those of each attribute under ``also``, and gives
the attribute's values. Words are texts, numbers whole: whatever type the attribute itself has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from dogwatch.base.time import MILLISECOND
from dogwatch.schema.field import FieldType, Scalar
from dogwatch.schema.fortisiem import Direction, EventTypeRow, event_type_rows

Values = Sequence[Scalar]
"""The values of one field of one event, in the document's order; empty when it is missing."""

PROTOCOLS = {
    1: "icmp",
    2: "igmp",
    6: "tcp",
    17: "udp",
    41: "ipv6",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "ipv6-icmp",
    89: "ospf",
    103: "pim",
    112: "vrrp",
    132: "sctp",
}
"""The names that ``network.transport`` uses for the numbers of IP protocols (IANA)."""

_NUMBERS = {name: number for number, name in PROTOCOLS.items()}
_OTHER_SYSTEMS = frozenset(
    {
        "windows",
        "darwin",
        "macos",
        "mac",
        "ios",
        "android",
        "freebsd",
        "openbsd",
        "netbsd",
        "aix",
        "solaris",
        "sunos",
    }
)
"""First words of the names of systems that are not Linux."""

_LONGEST_WORD = 64

_OUTCOMES = {"success": 0, "failure": 1}
_LOW, _MEDIUM = 4, 8
"""The highest severities of their categories."""


@dataclass(frozen=True, slots=True)
class Transform:
    """How one attribute is made.

    Attributes:
        read: From the values of each source, in their order, to the attribute's.
        reads_as: The type under which sources are read; ``None`` is the attribute's own.
        widen: What becomes of the values that an event gives under the attribute's own name.
    """

    read: Callable[..., Values]
    reads_as: FieldType | None = None
    widen: Callable[[Values], Values] | None = None


def last_part(text: str) -> str:
    """What follows the last slash.

    Examples:
        >>> last_part("/usr/bin/nc")
        'nc'
    """
    return text.rpartition("/")[2]


def severity_category(severity: int) -> str:
    """The category of an event's severity.

    Examples:
        >>> severity_category(9)
        'HIGH'
    """
    return "LOW" if severity <= _LOW else "MEDIUM" if severity <= _MEDIUM else "HIGH"


def with_last_part(values: Values) -> Values:
    """The values, then the last part of each that is a path."""
    return [*values, *(name for value in values if "/" in str(value) and (name := last_part(str(value))))]


def _first(*sources: Values) -> Values:
    return next((values for values in sources if any(value != "" for value in values)), ())


def _lower(*sources: Values) -> Values:
    return [str(value).lower() for value in _first(*sources)]


def _process_name(*sources: Values) -> Values:
    return with_last_part(_first(*sources))


def _last_part(*sources: Values) -> Values:
    return [name for value in _first(*sources) if (name := last_part(str(value)))]


def _process_path(executable: Values, name: Values) -> Values:
    return executable or [value for value in name if "/" in str(value)]


def _arguments(args: Values, line: Values, command: Values) -> Values:
    if args:
        return [" ".join(map(str, args[1:]))] if len(args) > 1 else ()
    return [rest for value in line or command if (rest := _behind_program(str(value).strip()))]


def _behind_program(line: str) -> str:
    """What follows the program in a command line; its path may be in double quotes."""
    quoted, closed, rest = line[1:].partition('"') if line.startswith('"') else ("", "", "")
    return rest.lstrip() if quoted and closed else line.partition(" ")[2].lstrip()


def _command_line(line: Values, args: Values, name: Values = (), parameters: Values = ()) -> Values:
    if line:
        return line
    words = args or (*name[:1], *parameters)
    return [" ".join(map(str, words))] if words else ()


def _object_type(kind: Values, path: Values) -> Values:
    if not kind:
        return ["File"] if path else ()
    return ["Directory" if value in ("dir", "directory") else "File" for value in kind]


def _ip_protocol(numbers: Values, names: Values) -> Values:
    found = [int(text) for value in numbers if (text := str(value)).isdecimal() and len(text) <= 3]
    return found or [number for name in names if (number := _NUMBERS.get(str(name).lower())) is not None]


def _milliseconds(durations: Values) -> Values:
    return [int(value) // MILLISECOND for value in durations]


def _permitted(outcomes: Values) -> Values:
    return [code for value in outcomes if (code := _OUTCOMES.get(str(value))) is not None]


def _severity_category(*sources: Values) -> Values:
    return [severity_category(int(value)) for value in _first(*sources)]


def _external(times: Values) -> Values:
    return [0] if times else ()


def _event_type(*sources: Values) -> Values:
    *words, names, executables = (tuple(map(str, values)) for values in sources)
    # Words that are remembered must be short: the table has no long ones.
    running = tuple(
        sorted(
            {
                program
                for value in (*names, *executables)
                for program in _programs_named(last_part(value)[:_LONGEST_WORD])
            }
        )
    )
    known = tuple(tuple(value[:_LONGEST_WORD] for value in values) for values in words)
    return _event_types(*known, running)


@cache
def _programs() -> frozenset[str]:
    return frozenset(row.program for row in event_type_rows() if row.program is not None)


@lru_cache(maxsize=4096)
def _programs_named(name: str) -> tuple[str, ...]:
    return tuple(program for program in _programs() if _is_program(name, program))


@lru_cache(maxsize=4096)
def _event_types(
    category: tuple[str, ...],
    kinds: tuple[str, ...],
    actions: tuple[str, ...],
    outcome: tuple[str, ...],
    system: tuple[str, ...],
    platform: tuple[str, ...],
    family: tuple[str, ...],
    os_name: tuple[str, ...],
    running: tuple[str, ...],
) -> tuple[str, ...]:
    return tuple(
        row.type
        for row in event_type_rows()
        if row.direction is not Direction.TO_ECS
        and row.category in category
        and _shows(row, kinds, actions)
        # What was tried in vain did not happen.
        and (row.outcome in outcome if row.outcome is not None else "failure" not in outcome)
        and (row.os is None or _may_be(row.os, system, (*platform, *family, *os_name)))
        and (row.program is None or row.program in running)
    )


def _may_be(wanted: str, system: tuple[str, ...], named: tuple[str, ...]) -> bool:
    """Whether the system is the one wanted: it says so, or says of itself nothing that speaks against it."""
    if system:
        return any(value.lower() == wanted for value in system)
    # Linux goes by the names of its distributions, of which there are too many to list.
    return not any(word in _OTHER_SYSTEMS for value in named for word in value.lower().split()[:1])


def _shows(row: EventTypeRow, kinds: tuple[str, ...], actions: tuple[str, ...]) -> bool:
    if any(action in row.actions for action in actions):
        return True
    return (
        not row.only
        and any(kind in row.kinds for kind in kinds)
        and not any(action in row.unless for action in actions)
    )


def _is_program(name: str, program: str) -> bool:
    # OpenSSH 9.8 serves each session by a program of its own, sshd-session.
    return name == program or name.startswith(f"{program}-")


TRANSFORMS = {
    "same": Transform(_first),
    "lower": Transform(_lower, FieldType.KEYWORD),
    "process_name": Transform(_process_name, FieldType.KEYWORD, with_last_part),
    "last_part": Transform(_last_part, FieldType.KEYWORD),
    "process_path": Transform(_process_path, FieldType.KEYWORD),
    "arguments": Transform(_arguments, FieldType.KEYWORD),
    "command_line": Transform(_command_line, FieldType.KEYWORD),
    "object_type": Transform(_object_type, FieldType.KEYWORD),
    "hash": Transform(_first),
    "ip_protocol": Transform(_ip_protocol, FieldType.KEYWORD),
    "milliseconds": Transform(_milliseconds, FieldType.LONG),
    "permitted": Transform(_permitted, FieldType.KEYWORD),
    "severity_category": Transform(_severity_category, FieldType.LONG),
    "external": Transform(_external, FieldType.DATE),
    "event_type": Transform(_event_type, FieldType.KEYWORD),
}
"""Every transform by its name."""
