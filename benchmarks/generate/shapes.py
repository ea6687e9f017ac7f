"""The shapes of events: what endpoint agents, auditd, Sysmon and Windows write of processes, files and the rest.

Each shape gives one JSON text. The parts that a host or process always has are encoded beforehand (``fleet``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TypeVar

from benchmarks.generate import words
from benchmarks.generate.fleet import TOKEN, Command, Host, Process, commands_of, start_process
from benchmarks.generate.words import Program

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Moment:
    """What one event is about.

    Attributes:
        random: Decides what the shape leaves open.
        host: Whose event it is.
        number: The event's place in the stream.
        stamp: Its time as text.
        odd: Whether it is of the suspicious kind.
    """

    random: Random
    host: Host
    number: int
    stamp: str
    odd: bool


Shape = Callable[[Moment], str]


def start(moment: Moment) -> str:
    """A process has started."""
    host = moment.host
    process, details = start_process(moment.random, host, moment.number, _command(moment), odd=moment.odd)
    host.live.append(process)
    if not host.windows and not host.endpoint:
        details += f',"working_directory":"/","title":"{moment.number % 97}"'
    elif host.windows and not host.endpoint:
        details += ',"pe":{"original_file_name":"APP.EXE","company":"Harbour Works","product":"Harbour"}'
    else:
        details += ',"thread":{"capabilities":{"effective":["CAP_CHOWN","CAP_KILL"]}},"entry_leader":{"pid":1}'
    return _document(moment, "process", '["process"]', '["start"]', process, details)


def end(moment: Moment) -> str:
    """A process has ended."""
    process = _process(moment)
    return _document(moment, "process", '["process"]', '["end"]', process, f'{process.core},"exit_code":0')


def connection(moment: Moment) -> str:
    """A process connects to somewhere."""
    random, process = moment.random, _process(moment, words.PORTS)
    if moment.odd:
        port = random.choice(words.ODD_PORTS)
    else:
        port = _ranked(random, words.PORTS.get(process.name, words.USUAL_PORTS))
    if moment.odd:
        there = f"203.0.113.{random.randrange(4, 12)}"
    else:
        there = _address(random) if port in words.WORLD_PORTS else f"10.0.{random.randrange(4)}.{port % 250}"
    here = moment.host.address
    rest = (
        f',"source":{{"ip":"{here}","address":"{here}","port":{random.randrange(32768, 60999)}}},'
        f'"destination":{{"ip":"{there}","address":"{there}","port":{port}}},'
        '"network":{"transport":"tcp","type":"ipv4","direction":"egress"},'
        f'"related":{{"ip":["{here}","{there}"]}}'
    )
    return _document(moment, "network", '["network"]', '["start","connection"]', process, process.core, rest)


def file(moment: Moment) -> str:
    """A process writes, renames or deletes a file."""
    random, host, process = moment.random, moment.host, _process(moment, words.WRITERS)
    folder = _ranked(random, words.WINDOWS_FOLDERS if host.windows else words.LINUX_FOLDERS)
    extension = "exe" if moment.odd else _ranked(random, words.EXTENSIONS)
    # Two of three are files that are written again and again.
    number = moment.number if random.random() < 0.35 else random.randrange(40)
    name = f"{'.' if moment.odd and not host.windows else ''}item-{number}.{extension}"
    separator = "\\" if host.windows else "/"
    path = json.dumps(f"{folder}{separator}{name}")
    kind = _ranked(random, ("change", "creation", "deletion"))
    rest = (
        f',"file":{{"path":{path},"name":"{name}","extension":"{extension}","size":{random.randrange(1 << 20)},'
        f'"directory":{json.dumps(folder)}}}'
    )
    return _document(moment, "file", '["file"]', f'["{kind}"]', process, process.core, rest)


def registry(moment: Moment) -> str:
    """A process sets a value of the registry."""
    random, process = moment.random, _process(moment, words.WRITERS)
    key = random.choice(words.ODD_REGISTRY_KEYS) if moment.odd else _ranked(random, words.REGISTRY_KEYS)
    value = f"Item{random.randrange(60)}"
    rest = (
        f',"registry":{{"hive":"HKLM","key":{json.dumps(key)},"value":"{value}",'
        f'"path":{json.dumps(f"HKLM{chr(92)}{key}{chr(92)}{value}")},'
        f'"data":{{"type":"REG_SZ","strings":["{random.randrange(500)}"]}}}}'
    )
    return _document(moment, "registry", '["registry"]', '["change"]', process, process.core, rest)


def library(moment: Moment) -> str:
    """A process loads a library."""
    process = _process(moment)
    name = _ranked(moment.random, words.LIBRARIES)
    path = json.dumps(f"C:\\Users\\Public\\{name}.dll" if moment.odd else f"C:\\Windows\\System32\\{name}.dll")
    rest = (
        f',"dll":{{"name":"{name}.dll","path":{path},'
        '"code_signature":{"exists":true,"trusted":true,"status":"trusted","subject_name":"Microsoft Windows"}}'
    )
    return _document(moment, "library", '["library"]', '["start"]', process, process.core, rest)


def dns(moment: Moment) -> str:
    """A process asks for a name."""
    random, process = moment.random, _process(moment, words.PORTS)
    name = _ranked(random, words.DOMAINS)
    if random.random() < 0.2:
        name = f"h{moment.number}.{name}"
    rest = (
        f',"dns":{{"question":{{"name":"{name}","type":"A","registered_domain":"example.net"}},'
        f'"resolved_ip":["{_address(random)}","{_address(random)}"]}},"network":{{"protocol":"dns"}}'
    )
    return _document(moment, "network", '["network"]', '["protocol","info"]', process, process.core, rest)


def login(moment: Moment) -> str:
    """Somebody logs in, or fails to."""
    random, host, process = moment.random, moment.host, _process(moment)
    failed = moment.odd or random.random() < 0.08
    there = (
        f"203.0.113.{random.randrange(4, 12)}"
        if moment.odd
        else f"10.0.{random.randrange(4)}.{random.randrange(250)}"
    )
    rest = f',"source":{{"ip":"{there}","port":{random.randrange(1024, 60999)}}}'
    if host.windows:
        code, action = ("4625", "logon-failed") if failed else ("4624", "logged-in")
        rest += (
            f',"winlog":{{"event_id":"{code}","channel":"Security","logon":{{"type":"Network","id":"0x3e7"}},'
            f'"event_data":{{"LogonType":"3","TargetUserName":"anna","AuthenticationPackageName":"Negotiate"}}}}'
        )
        more = f'"code":"{code}","provider":"Microsoft-Windows-Security-Auditing",'
        dataset = "system.security"
    else:
        action, more, dataset = "ssh_login", "", "system.auth"
    outcome = f'{more}"outcome":"{"failure" if failed else "success"}",'
    event = _event(moment, dataset, action, '["authentication"]', '["start"]', outcome)
    return f'{event},"process":{{{process.core}}},"user":{process.user}{rest}}}'


_SYSMON = {"start": "1", "end": "5", "network": "3", "file": "11", "registry": "13", "library": "7", "dns": "22"}
_ACTIONS = {
    ("process", "start"): ("exec", "executed", "Process Create"),
    ("process", "end"): ("end", "exited", "Process terminated"),
    ("network", "start"): ("connection_attempted", "connected-to", "Network connection detected"),
    ("network", "protocol"): ("lookup_requested", "looked-up", "Dns query"),
    ("file", "creation"): ("creation", "created-file", "File created"),
    ("file", "change"): ("overwrite", "opened-file", "File created"),
    ("file", "deletion"): ("deletion", "deleted-file", "File deleted"),
    ("registry", "change"): ("modification", "", "Registry value set"),
    ("library", "start"): ("load", "", "Image loaded"),
}


def _document(
    moment: Moment, family: str, category: str, kinds: str, process: Process, details: str, rest: str = ""
) -> str:
    """An event of a process, as the host's agent writes it."""
    host = moment.host
    kind = kinds[2 : kinds.index('"', 2)]
    endpoint, auditd, sysmon = _ACTIONS[family, kind]
    if host.endpoint:
        event = _event(moment, f"endpoint.events.{family}", endpoint, category, kinds)
        rest = f'{rest},"message":"Endpoint {family} event"'
    elif host.windows:
        code = _SYSMON["dns" if kind == "protocol" else kind if family == "process" else family]
        more = f'"code":"{code}","provider":"Microsoft-Windows-Sysmon",'
        event = _event(moment, "windows.sysmon_operational", sysmon, category, kinds, more)
        rest = (
            f'{rest},"winlog":{{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"{code}",'
            f'"process":{{"pid":2412,"thread":{{"id":3980}}}},"record_id":"{moment.number}"}}'
        )
    else:
        event = _event(moment, "auditd_manager.auditd", auditd, category, kinds, '"outcome":"success",')
        rest = (
            f'{rest},"auditd":{{"session":"{moment.number % 41}","result":"success","summary":{{"how":"shell"}},'
            f'"data":{{"syscall":"{_SYSCALLS[family]}","arch":"x86_64","tty":"(none)",'
            f'"a0":"{moment.number % 97:x}"}}}}'
        )
    return f'{event},"process":{{{details}}},"user":{process.user}{rest}}}'


_SYSCALLS = {"process": "execve", "network": "connect", "file": "openat", "registry": "", "library": "mmap"}


def _event(moment: Moment, dataset: str, action: str, category: str, kinds: str, more: str = "") -> str:
    """An event's beginning, open for more members."""
    host = moment.host
    return (
        f'{{"@timestamp":"{moment.stamp}",{host.common},{_stream(dataset)},'
        f'"event":{{"id":"{TOKEN}{moment.number:012d}","kind":"event","sequence":{host.numbers},{more}'
        f'"action":"{action}","category":{category},"type":{kinds},"dataset":"{dataset}",'
        f'"module":"{dataset.partition(".")[0]}","created":"{moment.stamp}","ingested":"{moment.stamp}"}}'
    )


@cache
def _stream(dataset: str) -> str:
    return f'"data_stream":{{"type":"logs","dataset":"{dataset}","namespace":"default"}}'


def _process(moment: Moment, programs: Container[str] | None = None) -> Process:
    """A process of the host, rather a young one; for something odd an odd one if any lives.

    Args:
        moment: What the event is about.
        programs: The programs of which it may be, if these are only some.
    """
    live: Sequence[Process] = moment.host.live
    if moment.odd and (found := next((each for each in reversed(live) if each.odd), None)) is not None:
        return found
    if programs is not None:
        live = [each for each in live if each.name in programs]
    if not live:
        service = _service(windows=moment.host.windows)
        return start_process(moment.random, moment.host, moment.number, service, odd=False)[0]
    return live[-1 - min(int(moment.random.expovariate(0.2)), len(live) - 1)]


@cache
def _service(*, windows: bool) -> Command:
    """What a host always runs."""
    name = "svchost.exe" if windows else "java"
    program = next(each for each in (words.WINDOWS if windows else words.LINUX) if each.name == name)
    return commands_of(program)[0]


def _command(moment: Moment) -> Command:
    random, windows = moment.random, moment.host.windows
    if moment.odd:
        programs = words.ODD_WINDOWS if windows else words.ODD_LINUX
        return random.choice(commands_of(random.choice(programs)))
    program: Program = _ranked(random, words.WINDOWS if windows else words.LINUX)
    return _ranked(random, commands_of(program))


def _ranked(random: Random, choices: Sequence[_T]) -> _T:
    """One of some, the first ones more often: the n-th about as often as 1/n says."""
    return choices[int((len(choices) + 1) ** random.random()) - 1]


def _address(random: Random) -> str:
    """One of some thousand addresses, few of them frequent."""
    number = int(4000 ** random.random())
    return f"198.51.{number >> 8}.{number & 255}"
