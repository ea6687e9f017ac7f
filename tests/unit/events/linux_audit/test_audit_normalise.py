from __future__ import annotations

import pytest
from audit_samples import execve, one, read, record, system

from dogwatch.base.diagnostic import Place
from dogwatch.events.linux_audit.normalise import _table
from dogwatch.events.linux_audit.tables import syscalls, type_numbers

IPV4 = "saddr=0200115C0A141E050000000000000000"


def test_execve() -> None:
    document = one(execve(7, "nc", "-l", "4444"), host="web01")
    original = document["event"].pop("original")
    assert original.encode() == b"\n".join(execve(7, "nc", "-l", "4444"))
    assert document.pop("dogwatch") == {"entity": {"derived": True}}
    assert len(document["process"].pop("entity_id")) == 24
    path = {
        "item": "0", "name": "/usr/bin/nc", "inode": "5", "dev": "fe:00", "mode": "0100755", "ouid": "0",
        "ogid": "0", "rdev": "00:00", "nametype": "NORMAL",
    }  # fmt: skip
    ids = {"id": "1000", "group": {"id": "1000"}}
    assert document == {
        "@timestamp": "2023-11-14T22:13:20.123Z",
        "event": {
            "kind": "event", "module": "auditd", "action": "executed", "outcome": "success",
            "category": ["process"], "type": ["start"], "id": "audit-web01-1700000000.123-7",
        },
        "service": {"type": "auditd"},
        "host": {"name": "web01", "os": {"type": "linux"}},
        "auditd": {
            "sequence": 7, "message_type": "syscall", "result": "success", "session": "3",
            "summary": {
                "actor": {"primary": "1000", "secondary": "1000"}, "how": "/usr/bin/nc",
                "object": {"type": "file", "primary": "/usr/bin/nc"},
            },
            "data": {
                "arch": "x86_64", "syscall": "execve", "exit": "0", "a0": "3", "a1": "7ffd", "a2": "10", "a3": "0",
                "tty": "pts0", "argc": "3",
            },
            "paths": [path, path | {"item": "1", "name": "/lib64/ld.so", "inode": "6"}],
        },
        "process": {
            "pid": 200, "parent": {"pid": 100}, "name": "nc", "executable": "/usr/bin/nc",
            "working_directory": "/srv", "args": ["nc", "-l", "4444"], "args_count": 3, "title": "nc -l 4444",
        },
        "user": ids | {"audit": {"id": "1000"}, "saved": ids, "filesystem": ids},
        "file": {
            "path": "/usr/bin/nc", "inode": "5", "device": "00:00", "mode": "0755", "uid": "0", "gid": "0",
            "owner": "root", "group": "root",
        },
        "tags": ["k"],
    }  # fmt: skip


def test_a_failed_execve_starts_nothing() -> None:
    document = one(
        [system(1, 59, success="no", exit=-2, items=1), record("PATH", 1, 'item=0 name="/x" nametype=UNKNOWN')]
    )
    assert document["event"]["category"] == ["process"]
    assert document["event"]["type"] == ["info"]
    assert document["event"]["outcome"] == "failure"
    assert document["event"]["action"] == "executed"
    assert document["auditd"]["data"]["exit"] == "ENOENT"
    assert document["file"] == {"path": "/x"}
    assert "args" not in document["process"]


def test_a_failed_execve_under_an_avc_starts_nothing_either() -> None:
    avc = 'avc:  denied  { execute map } for  pid=200 comm="nc" scontext=a:b:c:s0 tcontext=d:e:f:s0 tclass=file'
    document = one([record("AVC", 1, avc), system(1, 59, success="no", exit=-13)])
    assert document["event"]["action"] == "violated-selinux-policy"
    assert "start" not in document["event"]["type"]
    assert document["event"]["outcome"] == "failure"
    assert document["auditd"]["message_type"] == "avc"
    assert document["auditd"]["data"]["seperms"] == "execute,map"
    assert document["auditd"]["data"]["seresult"] == "denied"


@pytest.mark.parametrize(
    ("call", "action", "side", "kinds"),
    [
        (42, "connected-to", "destination", ["connection", "start"]),
        (43, "accepted-connection-from", "source", ["connection", "start"]),
        (288, "accepted-connection-from", "source", ["connection", "start"]),
        (44, "sent-to", "destination", ["connection", "info"]),
        (46, "sent-to", "destination", ["connection", "info"]),
        (307, "sent-to", None, ["connection", "info"]),
        (45, "received-from", "source", ["connection", "info"]),
        (49, "bound-socket", None, ["start"]),
    ],
)
def test_network_calls(call: int, action: str, side: str | None, kinds: list[str]) -> None:
    document = one([system(1, call), record("SOCKADDR", 1, IPV4)])
    assert document["event"]["action"] == action
    assert document["event"]["category"] == ["network"]
    assert document["event"]["type"] == kinds
    assert {name: document[name] for name in ("source", "destination") if name in document} == (
        {side: {"ip": "10.20.30.5", "port": 4444}} if side else {}
    )
    direction = {"destination": "egress", "source": "ingress", None: None}[side]
    assert document.get("network", {}).get("direction") == direction
    assert document["auditd"]["data"]["socket"] == {"family": "ipv4", "addr": "10.20.30.5", "port": "4444"}
    assert document["auditd"]["summary"]["object"] == {
        "type": "socket", "primary": "10.20.30.5", "secondary": "4444",
    }  # fmt: skip


@pytest.mark.parametrize(("exit", "name"), [(-115, "EINPROGRESS"), (-111, "ECONNREFUSED"), (-4, "EINTR")])
def test_a_failed_connect_is_a_network_event_all_the_same(exit: int, name: str) -> None:  # noqa: A002
    document = one([system(1, 42, success="no", exit=exit), record("SOCKADDR", 1, IPV4)])
    assert document["event"]["action"] == "connected-to"
    assert document["event"]["category"] == ["network"]
    assert document["event"]["type"] == ["connection", "start"]
    assert document["event"]["outcome"] == "failure"
    assert document["auditd"]["result"] == "fail"
    assert document["auditd"]["data"]["exit"] == name
    assert document["destination"] == {"ip": "10.20.30.5", "port": 4444}


def test_a_connect_to_a_unix_socket_has_a_path_and_no_address() -> None:
    saddr = "saddr=01002F72756E2F6E7363642F736F636B657400DEAD"
    document = one([system(1, 42), record("SOCKADDR", 1, saddr)])
    assert document["event"]["category"] == ["network"]
    assert document["destination"] == {"path": "/run/nscd/socket"}
    assert document["auditd"]["summary"]["object"]["primary"] == "/run/nscd/socket"


def test_a_disconnect_and_an_accept_without_an_address_have_no_peer() -> None:
    unspec = one([system(1, 42), record("SOCKADDR", 1, "saddr=00000000000000000000000000000000")])
    busybox = one([system(1, 43)])
    assert "destination" not in unspec
    assert unspec["auditd"]["data"]["socket"] == {"family": "unspec"}
    assert "source" not in busybox
    assert busybox["event"]["action"] == "accepted-connection-from"


@pytest.mark.parametrize(
    ("first", "action"),
    [
        ("1", None),
        ("2", "bound-socket"),
        ("3", "connected-to"),
        ("4", "listen-for-connections"),
        ("5", "accepted-connection-from"),
        ("12", "accepted-connection-from"),
        ("ffffffff", None),
        ("zz", None),
    ],
)
def test_socketcall_is_the_call_that_it_stands_for(first: str, action: str | None) -> None:
    lines = [system(1, 102, arch="40000003", a0=first), record("SOCKETCALL", 1, "nargs=3 a0=5 a1=ff a2=10")]
    document = one(lines)
    assert document["event"].get("action") == action
    assert document["auditd"]["data"]["syscall"] == "socketcall"
    assert document["auditd"]["data"]["a0"] == first


def test_a_number_means_nothing_without_its_architecture() -> None:
    assert one([system(1, 59, arch="40000003")])["auditd"]["data"]["syscall"] == "oldolduname"
    unknown = one([system(1, 59, arch="deadbeef")])
    assert (unknown["auditd"]["data"]["arch"], unknown["auditd"]["data"]["syscall"]) == ("deadbeef", "59")
    assert unknown["event"]["category"] == ["process"]
    assert unknown["event"]["type"] == ["info"]
    assert "action" not in unknown["event"]


def test_a_name_is_decoded_unless_it_shall_be_as_auditbeat_gives_it() -> None:
    line = system(1, 42, comm="6D7920746F6F6C")
    assert one([line])["process"]["name"] == "my tool"
    assert one([line], auditbeat_comm=True)["process"]["name"] == "6D7920746F6F6C"


def test_system_call_arguments_are_numbers_and_program_arguments_text() -> None:
    lines = execve(1, "nc")
    lines[0] = system(1, 59, items=2, a2="6E63")
    lines[1] = record("EXECVE", 1, 'argc=3 a0="nc" a1="6E63" a2=6E63')
    document = one(lines)
    assert document["auditd"]["data"]["a2"] == "6E63"
    assert document["process"]["args"] == ["nc", "6E63", "nc"]


def test_the_title_is_never_taken_for_the_arguments() -> None:
    lines = execve(1, "sh")
    lines[-1] = record("PROCTITLE", 1, "proctitle=6E63002D65")
    document = one(lines)
    assert document["process"]["args"] == ["sh"]
    assert document["process"]["title"] == "nc -e"
    lines[1:2] = []
    documents, report = read(lines)
    assert "args" not in documents[0]["process"]
    assert documents[0]["event"]["type"] == ["start"]
    assert report.problems == {"audit-missing-execve": 1}


def test_what_is_missing_is_counted() -> None:
    lines = execve(1, "nc", "-l")
    _, report = read([*lines[:3], *lines[4:]])
    assert report.problems == {"audit-missing-path": 1}
    lines[1] = record("EXECVE", 1, 'argc=3 a0="nc" a1="-l"')
    documents, report = read(lines)
    assert report.problems == {"audit-missing-argument": 1}
    assert documents[0]["process"]["args"] == ["nc", "-l"]
    assert report.kept[0].place == Place("logs/audit.log", 1)


def test_an_unset_login_is_left_out() -> None:
    document = one([system(1, 42, auid=4294967295, ses=4294967295)])
    assert "audit" not in document["user"]
    assert "session" not in document["auditd"]
    assert document["auditd"]["summary"]["actor"]["primary"] == "unset"


def test_names_of_users_come_from_the_enrichment_and_only_root_is_known_without() -> None:
    enriched = one(
        [system(1, 42, euid=0, egid=0) + b'\x1dSYSCALL=connect AUID="alice" UID="bob" GID="staff" EUID="root"']
    )
    assert enriched["user"]["audit"] == {"id": "1000", "name": "alice"}
    assert (enriched["user"]["id"], enriched["user"]["name"]) == ("1000", "bob")
    assert enriched["user"]["group"] == {"id": "1000", "name": "staff"}
    assert enriched["user"]["effective"] == {"id": "0", "name": "root", "group": {"id": "0", "name": "root"}}
    assert enriched["auditd"]["data"]["syscall"] == "connect"
    raw = one([system(1, 42, uid=0, gid=0)])
    assert raw["user"]["name"] == raw["user"]["group"]["name"] == "root"
    assert raw["user"]["audit"] == {"id": "1000"}


def test_names_whose_separator_was_lost_are_names_all_the_same() -> None:
    document = one(
        [system(1, 42, key="(null)") + b'ARCH=x86_64 SYSCALL=connect AUID="alice" UID="bob" GID="staff"']
    )
    assert document["user"]["name"] == "bob"
    assert "tags" not in document
    assert not any(name.isupper() for name in document["auditd"]["data"])


def test_several_keys() -> None:
    assert one([system(1, 42, key="6E6574016578656301")])["tags"] == ["net", "exec"]
    assert "tags" not in one([system(1, 42, key="(null)")])


def test_a_script_says_more_than_its_interpreter() -> None:
    document = one([system(1, 42, comm='"backup.py"', exe='"/usr/bin/python3.11"')])
    assert document["auditd"]["summary"]["how"] == "backup.py"


def test_broken_text_is_replaced() -> None:
    document = one([system(1, 42, comm="FF6E63", exe="2F7372762FC328")])
    assert document["process"]["name"] == "�nc"
    assert document["process"]["executable"] == "/srv/�("


def test_login() -> None:
    body = (
        "pid=18981 uid=0 auid=4294967295 ses=4294967295 subj=system_u:system_r:sshd_t:s0-s0:c0.c1023 "
        'msg=\'op=login acct=28696E76616C6964207573657229 exe="/usr/sbin/sshd" hostname=? addr=203.0.113.9 '
        "terminal=sshd res=failed'"
    )
    document = one([record("USER_LOGIN", 1, body)])
    assert document["event"]["action"] == "logged-in"
    assert document["event"]["category"] == ["authentication"]
    assert document["event"]["outcome"] == "failure"
    assert document["source"] == {"ip": "203.0.113.9"}
    assert document["network"] == {"direction": "ingress"}
    assert document["user"]["effective"] == {"name": "(invalid user)"}
    assert document["user"]["selinux"]["category"] == "c0.c1023"
    assert "id" not in document["user"]
    assert document["process"]["executable"] == "/usr/sbin/sshd"
    assert document["auditd"]["data"] == {"op": "login", "acct": "(invalid user)", "terminal": "sshd"}


def test_command() -> None:
    inner = 'cwd="/root" cmd=6964202D75 exe="/usr/bin/sudo" terminal=? res=success'
    body = f"pid=1 uid=1000 auid=1000 ses=1 msg='{inner}'"
    document = one([record("USER_CMD", 1, body)])
    assert document["event"]["action"] == "ran-command"
    assert document["auditd"]["data"]["cmd"] == "id -u"
    assert document["process"]["working_directory"] == "/root"


def test_a_program_cannot_claim_another_pid_in_its_message() -> None:
    body = "pid=50 uid=1000 auid=1000 ses=1 msg='op=x pid=1 uid=0 auid=0 res=success'"
    document = one([record("USER_AVC", 1, body)])
    assert document["process"]["pid"] == 50
    assert document["user"]["id"] == "1000"


def test_old_login_record() -> None:
    body = "pid=25443 uid=0 old auid=4294967295 new auid=54321 old ses=4294967295 new ses=1165"
    document = one([record("LOGIN", 1, body)])
    assert document["user"]["effective"] == {"id": "54321"}
    assert document["auditd"]["session"] == "1165"


def test_configuration_change_under_its_system_call() -> None:
    lines = [
        record("CONFIG_CHANGE", 1, 'auid=0 ses=3 op=remove_rule key="exec" list=4 res=1'),
        system(1, 44, auid=0, key="(null)"),
    ]
    for order in (lines, lines[::-1]):
        document = one(order)
        assert document["event"]["action"] == "changed-audit-configuration"
        assert document["event"]["category"] == ["process", "configuration", "network"]
        assert document["tags"] == ["exec"]
        assert document["auditd"]["message_type"] == "config_change"


def test_a_type_without_an_entry_has_its_name_as_action_and_no_category() -> None:
    document = one([record("UNKNOWN[1999]", 1, "x=1")])
    assert document["event"]["action"] == "unknown[1999]"
    assert "category" not in document["event"]
    assert one([record("CRYPTO_IKE_SA", 1, "pid=1")])["event"]["action"] == "crypto-ike-sa"


def test_a_pid_that_is_no_number_is_left_out() -> None:
    for pid in ("abc", "-1", "99999999999", "٣"):
        document = one([system(1, 42, pid=pid)])
        assert "pid" not in document["process"]
        assert "entity_id" not in document["process"]
        assert "dogwatch" not in document


def test_the_table_names_calls_and_types_that_exist() -> None:
    known: set[str] = set(type_numbers())
    for architecture in ("x86_64", "i386", "aarch64"):
        known |= set(syscalls(architecture).values())
    # The socket calls that exist only inside socketcall, and library names that rules are written with.
    known |= {"accept", "send", "recv", "setegid", "seteuid", ""}
    assert set(_table()) - known == set()
