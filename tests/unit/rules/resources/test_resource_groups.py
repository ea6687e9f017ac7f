"""Groups: their formats, names, members, and groups in groups."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resource_files import load, said

from dogwatch.rules.resources import groups
from dogwatch.rules.resources.load import load_resources
from dogwatch.rules.resources.member import read_member
from dogwatch.rules.resources.problems import Problems, Source

INTERNAL = "PH_SYS_NETWORK_ENTERPRISE_INTERNAL_NET"


def test_members_of_all_kinds(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        g_yaml="""\
groups:
  PH_SYS_DEVICE_Storage: [10.1.1.0/24, 10.2.0.5, 10.3.0.1-10.3.0.9, Win-Security-*, no, 0123, /etc/shadow]
""",
    )
    assert said(loaded) == []
    assert loaded.group("PH_SYS_DEVICE_Storage") == (
        "10.1.1.0/24",
        "10.2.0.5",
        "10.3.0.1-10.3.0.9",
        "Win-Security-*",
        "no",
        "0123",
        "/etc/shadow",
    )


@pytest.mark.parametrize("name", ["G", "g", "Group@G", "group@ g ", " G ", "Event Types:Login Failure", "other"])
def test_a_group_is_found_by_each_of_its_names(tmp_path: Path, name: str) -> None:
    loaded = load(
        tmp_path,
        g_yaml='groups:\n  Group@G:\n    members: [a]\n    also: ["Event Types:Login Failure", Group@Other]\n',
    )
    assert loaded.group(name) == ("a",)
    assert not loaded.is_watch_list(name)


def test_an_unknown_group_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, g_yaml="groups: {G: a}").group("H") is None


def test_what_files_say_of_one_group_adds_up(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml="groups: {G: [a, b], Empty: }",
        b_yaml="groups:\n  g:\n    members: [b, c]\n    file: list.txt\n",
        c_csv="group,member\nG,e\nGroup@Other,f\n",
        list_txt="# all\n\nd  # one more\nx#y\n#a\n",
    )
    assert said(loaded) == []
    assert loaded.group("G") == ("a", "b", "c", "d", "x#y", "e")
    assert loaded.group("other") == ("f",)
    assert loaded.group("Empty") == ()


def test_a_file_may_take_the_place_of_what_was_said_before(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml=f"groups: {{{INTERNAL}: [192.0.2.0/24]}}",
        b_yaml="groups: {PH_SYS_EVENT_Logon: {members: [Mine], replace: yes}}",
    )
    assert loaded.group(INTERNAL) == ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "192.0.2.0/24")
    assert loaded.group("PH_SYS_EVENT_Logon") == ("Mine",)


def test_the_built_in_groups_have_no_problems() -> None:
    loaded = load_resources()
    assert loaded.diagnostics == ()
    assert loaded.group("PH_SYS_EVENT_Logon") == ("Generic_Unix_Successful_SSH_Login",)
    for block in loaded.group(INTERNAL) or ():
        assert ipaddress.ip_network(block).is_private


def test_groups_take_in_groups(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        g_yaml="groups:\n  A: [1, Group@B, Group@also c]\n  B: [2, Group@C]\n"
        "  C: {members: [3, 1], also: [Also C]}\n",
    )
    assert said(loaded) == []
    assert loaded.group("A") == ("1", "2", "3")


def test_circles_of_groups_are_told_and_have_the_members_of_all(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, g_yaml="groups:\n  A: [1, Group@B]\n  B: [2, Group@C]\n  C: [3, Group@A]\n  D: [Group@D, 4]\n"
    )
    assert said(loaded) == [
        "warning resource-cycle g.yaml:2: groups take in each other: A → B → C → A; each has the members of all",
        "warning resource-cycle g.yaml:5: groups take in each other: D → D; each has the members of all",
    ]
    assert [sorted(loaded.group(name) or ()) for name in "ABCD"] == [["1", "2", "3"]] * 3 + [["4"]]


def test_a_group_that_nobody_describes_is_told_where_it_is_named(tmp_path: Path) -> None:
    loaded = load(tmp_path, g_yaml="groups:\n  Servers: [a]\n  All:\n    - Group@Server\n    - Group@zzz\n")
    assert said(loaded) == [
        (
            "warning resource-group-unknown g.yaml:4: no file describes the group `Group@Server`"
            " [did you mean `Servers`?]"
        ),
        "warning resource-group-unknown g.yaml:5: no file describes the group `Group@zzz`",
    ]
    assert loaded.group("All") == ()


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("10.1.1.0/33", "`10.1.1.0/33` is no block of addresses"),
        ("10.1.1.0/255.255.255.0", "`10.1.1.0/255.255.255.0` is no block of addresses"),
        ("10.1.1.300/24", "`10.1.1.300/24` is no block of addresses"),
        ("2001:db8::/129", "`2001:db8::/129` is no block of addresses"),
        ("10.3.0.9-10.3.0.1", "`10.3.0.9-10.3.0.1` is no range of addresses"),
        ("10.3.0.1-9", "`10.3.0.1-9` is no range of addresses"),
        ("10.3.0.1-10.3.0.256", "`10.3.0.1-10.3.0.256` is no range of addresses"),
        ("10.3.0.1-::9", "`10.3.0.1-::9` is no range of addresses"),
        ("*", "a lone `*` would stand for every value"),
    ],
)
def test_members_that_cannot_be_are_left_out(tmp_path: Path, member: str, message: str) -> None:
    loaded = load(tmp_path, g_yaml=f"groups:\n  G:\n    - '{member}'\n    - kept\n")
    assert [line.partition(" [")[0] for line in said(loaded)] == [f"error resource-value g.yaml:3: {message}"]
    assert loaded.group("G") == ("kept",)


def test_what_merely_resembles_an_address_is_told_and_kept(tmp_path: Path) -> None:
    loaded = load(tmp_path, g_yaml="groups:\n  G: [10.0.0.256, 00:11:22:33:44:55, 1.2.3, a-b, .1.2.3, 1-2]\n")
    assert said(loaded) == [
        "warning resource-value g.yaml:2: `10.0.0.256` looks like an address and is none; it is taken as text"
    ]
    assert loaded.group("G") == ("10.0.0.256", "00:11:22:33:44:55", "1.2.3", "a-b", ".1.2.3", "1-2")


def _read(text: str) -> str | None:
    return read_member(text, Source("f", Path(), Problems()), 1)


def test_ranges_may_have_blanks_and_are_canonical() -> None:
    assert _read("10.3.0.1 - 10.3.0.9") == "10.3.0.1-10.3.0.9"
    assert _read("2001:DB8::0-2001:db8::0001") == "2001:db8::-2001:db8::1"
    assert _read("10.3.0.1-10.3.0.1") == "10.3.0.1-10.3.0.1"


@given(st.ip_addresses())
def test_addresses_are_kept_as_events_have_them(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert _read(address.exploded.upper()) == str(mapped or address)


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_blocks_are_kept_without_bits_of_hosts(address: ipaddress.IPv6Address, length: int) -> None:
    assert _read(f"{address}/{length}") == str(ipaddress.ip_network((address, length), strict=False))


@given(st.text(min_size=1, max_size=40).map(str.strip).filter(bool))
def test_any_text_is_a_member_or_is_told(text: str) -> None:
    problems = Problems()
    member = read_member(text, Source("f", Path(), problems), 1)
    assert member is not None or problems.diagnostics()


def test_what_is_wrong_with_one_group_costs_no_other(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        g_yaml="""\
groups:
  A: {member: [a], members: [b]}
  B: {members: {x: y}}
  C: {members: [c, [d], {e: f}, ]}
  "": [x]
  D: {members: [d], replace: perhaps, also: [A]}
  E: {file: missing.txt}
  F: [f]
""",
    )
    assert said(loaded) == [
        "warning resource-key-unknown g.yaml:2: `member` means nothing in group `A` [did you mean `members`?]",
        "error resource-type g.yaml:3: `members` of group `B` must be a list, not a table",
        "error resource-type g.yaml:4: an item of `members` of group `C` must be a single value, not a list",
        "error resource-type g.yaml:4: an item of `members` of group `C` must be a single value, not a table",
        "error resource-value g.yaml:5: a group needs a name",
        "error resource-value g.yaml:6: `replace` of group `D` must be true or false, not `perhaps`",
        "error resource-repeated g.yaml:6: `A` is a group of its own",
        (
            f"error resource-file-unreadable g.yaml:7: `{tmp_path / 'missing.txt'}`: this file cannot be read:"
            " No such file or directory"
        ),
    ]
    assert [loaded.group(name) for name in "ABCDEF"] == [("b",), (), ("c",), ("d",), (), ("f",)]


def test_another_name_stands_for_the_same_group_wherever_it_is_used(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        g_yaml="groups:\n  G: {members: [a], also: [H, g2]}\n  h: [b]\n  I: {also: [G2], members: [c, Group@H]}\n",
    )
    assert said(loaded) == ["error resource-repeated g.yaml:4: `G2` is another name of group `G`"]
    assert [loaded.group(name) for name in ("G", "H", "G2", "I")] == [("a", "b")] * 3 + [("c", "a", "b")]


@pytest.mark.slow
def test_a_million_addresses_are_read_in_bounded_memory(tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text("groups: {Big: {file: big.txt}}")
    with (tmp_path / "big.txt").open("w") as stream:
        stream.writelines(f"10.{each >> 16}.{each >> 8 & 255}.{each & 255}\n" for each in range(1_000_000))
    # The kernel's account of this address space: `getrusage` would count the parent's as well.
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from dogwatch.rules.resources.load import load_resources\n"
        "loaded = load_resources(sys.argv[1:])\n"
        "status = Path('/proc/self/status').read_text().split()\n"
        "print(len(loaded.group('Big')), status[status.index('VmHWM:') + 1])"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    count, kibibytes = map(int, done.stdout.split())
    assert count == 1_000_000
    assert kibibytes < 500 * 1024


def test_groups_must_be_a_table(tmp_path: Path) -> None:
    assert said(load(tmp_path, g_yaml="groups: [a]")) == [
        "error resource-type g.yaml:1: `groups` must be a table of groups [write NAME: [member, ...]]"
    ]


def test_rows_need_both_cells(tmp_path: Path) -> None:
    loaded = load(tmp_path, g_csv="Group;Member\nA;a\nA;\n;b\n\nA,c\n A ; d \n")
    assert said(loaded) == [
        "error resource-value g.csv:3: a row needs a group and a member",
        "error resource-value g.csv:4: a row needs a group and a member",
        "error resource-columns g.csv:6: this row has 1 cells, and the header has 2 columns",
    ]
    assert loaded.group("A") == ("a", "d")


def test_too_many_members_are_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MAX_ENTRIES", 4)
    loaded = load(
        tmp_path,
        g_yaml="groups:\n  G:\n    file: list.txt\n",
        h_yaml="groups:\n  G: [a, f, Group@H]\n  H: [h]\n",
        list_txt="a\nb\na\nc\na\nd\nd\ne\n",
    )
    assert said(loaded) == [
        "error resource-limit list.txt:8: more than 4 members of group `G` are not read; the rest was left out"
    ]
    assert loaded.group("G") == ("a", "b", "c", "d", "h")


def test_a_full_group_that_is_replaced_takes_members_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MAX_ENTRIES", 4)
    loaded = load(
        tmp_path, g_yaml="groups: {G: [a, b, c, d, e]}\n", h_yaml="groups: {G: {replace: true, members: [f, g]}}\n"
    )
    assert [line.split(":")[0] for line in said(loaded)] == ["error resource-limit g.yaml"]
    assert loaded.group("G") == ("f", "g")


def test_a_long_chain_of_groups_is_walked(tmp_path: Path) -> None:
    chain = "".join(f"  G{number}: [{number}, Group@G{number + 1}]\n" for number in range(3000))
    loaded = load(tmp_path, g_yaml=f"groups:\n{chain}  G3000: [end]\n")
    assert said(loaded) == []
    assert len(loaded.group("G0") or ()) == 3001


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_members_are_those_of_every_group_that_can_be_reached(edges: list[tuple[int, int]]) -> None:
    built = groups.Groups(
        {
            str(node): groups.Group(str(node), (f"m{node}",), tuple(str(to) for of, to in edges if of == node))
            for node in range(6)
        }
    )
    for start in range(6):
        reached = {start}
        while more := {to for of, to in edges if of in reached} - reached:
            reached |= more
        assert sorted(built.members(str(start)) or ()) == sorted(f"m{node}" for node in reached)
