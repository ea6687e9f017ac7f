from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.events.linux_audit.decode import (
    Arguments,
    SocketAddress,
    _split_any,
    arguments,
    exit_text,
    inner_fields,
    names,
    natural,
    plain_arguments,
    process_title,
    socket_address,
    split_fields,
    untrusted,
)
from dogwatch.events.linux_audit.tables import record_types, syscalls, type_name

CALLS = [
    "execve", "execveat", "connect", "accept4", "bind", "listen", "sendto", "sendmsg", "sendmmsg", "recvfrom",
    "recvmsg", "recvmmsg", "kill", "tkill", "tgkill", "exit", "exit_group", "setuid", "setreuid", "setresuid",
    "setfsuid", "setgid", "setregid", "setresgid", "setfsgid", "clone", "clone3", "setsid",
]  # fmt: skip


def test_fields_keep_their_quotes() -> None:
    assert split_fields('a0="nc" a1=6E63 key=(null) subj==unconfined x= lone "y') == {
        "a0": '"nc"',
        "a1": "6E63",
        "key": "(null)",
        "subj": "=unconfined",
        "x": "",
    }


def test_message_in_apostrophes() -> None:
    fields = split_fields("pid=1 msg='op=login acct=\"o'brien\" res=success'")
    assert inner_fields(fields["msg"]) == {"op": "login", "acct": '"o\'brien"', "res": "success"}
    assert inner_fields("'unit=rsyslog res=success") == {"unit": "rsyslog", "res": "success"}


def test_old_pam_message() -> None:
    text = '\'PAM: setcred acct="root" : exe="/usr/sbin/cron" (hostname=?, addr=?, terminal=cron res=success)\''
    assert inner_fields(text) == {
        "acct": '"root"',
        "exe": '"/usr/sbin/cron"',
        "hostname": "?",
        "addr": "?",
        "terminal": "cron",
        "res": "success",
    }


def test_of_a_repeated_field_the_first_counts() -> None:
    assert split_fields("uid=0 uid=1000") == {"uid": "0"}


@given(st.text(alphabet="ab= \"'{}\0é\t", max_size=40))
def test_the_quick_way_to_split_agrees_with_the_thorough_one(text: str) -> None:
    assert split_fields(text) == _split_any(text)


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ('"6E63"', "6E63"),
        ("6E63", "nc"),
        ("(null)", None),
        ('"(null)"', "(null)"),
        ("6E6", "6E6"),
        ("6e63", "6e63"),
        ("FF00C3A9", "�\0é"),
        ('"open', "open"),
        ("", ""),
        ('"', ""),
    ],
)
def test_untrusted_text(token: str, text: str | None) -> None:
    assert untrusted(token) == text


def test_long_arguments_are_joined_before_they_are_decoded() -> None:
    whole = ("é" * 9000).encode().hex().upper()
    # The pieces part inside a character.
    bodies = [
        f'argc=3 a0="sh" a1_len={len(whole)} a1[0]={whole[:7001]}',
        f"a1[1]={whole[7001:14003]}",
        f'a1[2]={whole[14003:]} a2="-c"',
    ]
    expected = Arguments(("sh", "é" * 9000, "-c"), complete=True)
    assert arguments(bodies) == expected
    assert arguments(bodies[::-1]) == expected


def test_long_plain_arguments() -> None:
    assert arguments(['argc=1 a0_len=12 a0[0]="ab 6"', 'a0[1]="E63"']) == Arguments(("ab 6E63",), complete=True)


@pytest.mark.parametrize(
    "bodies",
    [
        ['argc=3 a0="x" a1="y"'],
        ["argc=1 a0_len=9 a0[0]=61", "a0[2]=63"],
        ['argc=2 a1="y"'],
        ['a0="x"'],
        ["argc=99999999999999999999999 a0=61"],
        [],
    ],
)
def test_missing_arguments_show(bodies: list[str]) -> None:
    assert not arguments(bodies).complete


def test_more_than_ten_arguments_are_in_order() -> None:
    body = "argc=12 " + " ".join(f'a{index}="{index}"' for index in range(12))
    assert arguments([body]).values == tuple(str(index) for index in range(12))


def test_process_title() -> None:
    assert process_title("6E63002D6C00") == "nc -l"
    assert process_title("6e63002d6c") == "nc -l"
    assert process_title('"-bash"') == "-bash"


@pytest.mark.parametrize(
    ("token", "address"),
    [
        ("0200115C0A141E05" + "00" * 8, SocketAddress("ipv4", "10.20.30.5", 4444)),
        ("0002D903" + "00" * 12, SocketAddress("ipv4", "0.0.0.0", 55555)),  # noqa: S104
        (
            "0A00115C00000000" + "20010DB8000100000000000000000005" + "00000000",
            SocketAddress("ipv6", "2001:db8:1::5", 4444),
        ),
        (
            "0A00115C00000000" + "00000000000000000000FFFF0A141E05" + "00000000",
            SocketAddress("ipv6", "10.20.30.5", 4444),
        ),
        ("01002F72756E2F7800DEADBEEF", SocketAddress("unix", path="/run/x")),
        ("010000612F62000000", SocketAddress("unix", path="@a/b")),
        ("0100", SocketAddress("unix")),
        ("01000000", SocketAddress("unix")),
        ("0100FF41", SocketAddress("unix", path="�A")),
        ("100000000000000000000000", SocketAddress("netlink")),
        ("00000000000000000000000000000000", SocketAddress("unspec")),
        ("0200115C", SocketAddress("ipv4")),
        ("2D00", SocketAddress("45")),
        ("FFFF", SocketAddress("65535")),
        ("02", None),
        ("", None),
        ("zz", None),
    ],
)
def test_socket_address(token: str, address: SocketAddress | None) -> None:
    assert socket_address(token) == address


def test_results() -> None:
    assert [exit_text(text) for text in ("0", "-115", "-111", "-2", "-4", "-512", "-9999", "x")] == [
        "0", "EINPROGRESS", "ECONNREFUSED", "ENOENT", "EINTR", "ERESTARTSYS", "-9999", "x",
    ]  # fmt: skip


def test_names_leave_out_what_has_none() -> None:
    text = b'ARCH=x86_64 UID="root" AUID="unset" GID="unknown(1002)" SADDR={ saddr_fam=inet laddr=1.2.3.4 }'
    found = names(text)
    assert (found["UID"], "AUID" in found, "GID" in found) == ("root", False, False)


def test_natural() -> None:
    assert [natural(text) for text in ("0", "42", "-1", "", "12345678", "٣", "²")] == [0, 42, None, None] + [
        None
    ] * 3


@pytest.mark.parametrize("architecture", ["x86_64", "i386", "aarch64"])
def test_every_call_that_means_something_has_a_number(architecture: str) -> None:
    known = set(syscalls(architecture).values())
    assert known.issuperset(CALLS)
    assert len(known) == len(syscalls(architecture))


def test_well_known_numbers() -> None:
    assert [syscalls("x86_64")[number] for number in (59, 322, 42, 49, 50, 43, 288, 57, 58)] == [
        "execve", "execveat", "connect", "bind", "listen", "accept", "accept4", "fork", "vfork",
    ]  # fmt: skip
    assert [syscalls("i386")[number] for number in (11, 358, 362, 102, 2, 190)] == [
        "execve", "execveat", "connect", "socketcall", "fork", "vfork",
    ]  # fmt: skip
    assert [syscalls("aarch64")[number] for number in (221, 281, 203, 200, 202, 37)] == [
        "execve", "execveat", "connect", "bind", "accept", "linkat",
    ]  # fmt: skip
    assert syscalls("vax") == {}
    assert (type_name(1300), type_name(7)) == ("SYSCALL", "UNKNOWN[7]")
    assert len(set(record_types().values())) == len(record_types())


@given(
    st.lists(
        st.sampled_from(
            ["argc=2", "argc=0", "argc=1", " ", " a0=", "a0=", " a1=", '"', '"x"', "6E63", "'", "{", "(null)"]
        )
    )
)
def test_plain_arguments_are_those_of_a_complete_vector(pieces: list[str]) -> None:
    body = "".join(pieces)
    whole = arguments([body])
    assert plain_arguments(body) == (whole.values if whole.complete else None)


@given(st.lists(st.sampled_from(["nc", "", "a b", "a1=", "6E63", "x'y", "{"]), max_size=5))
def test_quoted_arguments_are_plain(values: list[str]) -> None:
    body = f"argc={len(values)}" + "".join(f' a{index}="{value}"' for index, value in enumerate(values))
    assert plain_arguments(body) == tuple(values)
