"""How values change from ECS fields to FortiSIEM attributes, by the names that ``fortisiem_ecs.yaml`` gives.

A transform takes the values of each ECS field of its row, then those of each attribute under ``also``, and gives
the attribute's values. Words are texts, numbers whole: whatever type the attribute itself has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

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
_OUTCOMES = {"success": 0, "failure": 1}
_LOW, _MEDIUM = 4, 8
"""The highest severities of their categories."""

_NANOS_PER_MILLI = 1_000_000


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
    return next((values for values in sources if values), ())


def _lower(*sources: Values) -> Values:
    return [str(value).lower() for value in _first(*sources)]


def _process_name(*sources: Values) -> Values:
    return with_last_part(_first(*sources))


def _last_part(*sources: Values) -> Values:
    return [name for value in _first(*sources) if (name := last_part(str(value)))]


def _process_path(executable: Values, name: Values) -> Values:
    return executable or [value for value in name if "/" in str(value)]


def _arguments(args: Values, command: Values) -> Values:
    if args:
        return [" ".join(map(str, args[1:]))] if len(args) > 1 else ()
    return [rest for value in command if (rest := str(value).strip().partition(" ")[2].lstrip())]


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
    return [int(value) // _NANOS_PER_MILLI for value in durations]


def _permitted(outcomes: Values) -> Values:
    return [code for value in outcomes if (code := _OUTCOMES.get(str(value))) is not None]


def _severity_category(*sources: Values) -> Values:
    return [severity_category(int(value)) for value in _first(*sources)]


def _external(times: Values) -> Values:
    return [0] if times else ()


def _event_type(*sources: Values) -> Values:
    return _event_types(*map(tuple, sources))


@lru_cache(maxsize=4096)
def _event_types(
    category: tuple[Scalar, ...],
    kinds: tuple[Scalar, ...],
    actions: tuple[Scalar, ...],
    outcome: tuple[Scalar, ...],
    system: tuple[Scalar, ...],
    platform: tuple[Scalar, ...],
    name: tuple[Scalar, ...],
    executable: tuple[Scalar, ...],
) -> tuple[str, ...]:
    systems = {str(value).lower() for value in (*system, *platform)}
    programs = [last_part(str(value)) for value in (*name, *executable)]
    return tuple(
        row.type
        for row in event_type_rows()
        if row.direction is not Direction.TO_ECS
        and row.category in category
        and _shows(row, kinds, actions)
        and (row.outcome is None or row.outcome in outcome)
        and (row.os is None or not systems or row.os in systems)
        and (row.program is None or any(_is_program(program, row.program) for program in programs))
    )


def _shows(row: EventTypeRow, kinds: tuple[Scalar, ...], actions: tuple[Scalar, ...]) -> bool:
    if any(action in row.unless for action in actions):
        return False
    return any(action in row.actions for action in actions) or (
        not row.only and any(kind in row.kinds for kind in kinds)
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
