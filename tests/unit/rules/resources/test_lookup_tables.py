"""Lookup tables and watch lists from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from resource_files import load, said

from dogwatch.base.time import FOREVER, parse_instant
from dogwatch.engine.watchlists import WatchLists
from dogwatch.rules.resources import watch_lists
from dogwatch.rules.resources.watch_lists import AT_BEGINNING
from dogwatch.schema.field import FieldType

LOGINS = """\
tables:
  LoginCountries:
    file: logins.csv
    keys: [user, country]
    types: {count: number, last: date, from: ip}
"""


def test_a_table_of_every_type(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        t_yaml=LOGINS,
        logins_csv="country,user,count,last,from,note\n"
        "DE,Alice,41,2026-11-20T08:12:00Z,2001:DB8::0001,Office\n"
        'fr,bob,7.5,,,\n"fr", BOB ,8,2026,10.0.0.1,"a, b"\n',
    )
    table = loaded.table("logincountries")
    assert table is not None
    assert (table.name, table.keys) == ("LoginCountries", ("user", "country"))
    assert table.columns == ("count", "last", "from", "note")
    assert table.types == (FieldType.DOUBLE, FieldType.DATE, FieldType.IP, FieldType.KEYWORD)
    assert table.rows == {
        ("alice", "de"): (41, parse_instant("2026-11-20T08:12:00Z"), "2001:db8::1", "Office"),
        ("bob", "fr"): (8, parse_instant("2026"), "10.0.0.1", "a, b"),
    }
    assert said(loaded) == [
        "notice resource-repeated logins.csv: 1 row has the keys of an earlier one; the last counts"
    ]
    assert loaded.table("logins") is None


def test_keys_that_are_addresses_are_those_of_events(tmp_path: Path) -> None:
    loaded = load(tmp_path, t_yaml="tables: {T: {file: t.csv, keys: ip}}", t_csv="ip,v\n2001:0DB8::1,x\n")
    table = loaded.table("T")
    assert table is not None
    assert table.rows == {("2001:db8::1",): ("x",)}


def test_bad_cells_are_left_blank_and_rows_without_keys_left_out(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        t_yaml=LOGINS,
        logins_csv="user,country,count,last,from\na,de,many,soon,here\n,de,1,,\nb,,1,,\nc,de,inf\nd,de,1,2026,::1\n",
    )
    assert said(loaded) == [
        "error resource-value logins.csv:2: `many` in column `count` is not a number; it is left blank",
        "error resource-value logins.csv:2: `soon` in column `last` is not a moment; it is left blank",
        "error resource-value logins.csv:2: `here` in column `from` is not an address; it is left blank",
        "error resource-value logins.csv:3: a key of this row is blank; no event can have it",
        "error resource-value logins.csv:4: a key of this row is blank; no event can have it",
        "error resource-columns logins.csv:5: this row has 3 cells, and the header has 5 columns",
    ]
    table = loaded.table("LoginCountries")
    assert table is not None
    assert table.rows == {("a", "de"): (None, None, None), ("d", "de"): (1, parse_instant("2026"), "::1")}


def test_the_later_of_two_tables_counts(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml="tables: {T: {file: a.csv, keys: k}}",
        b_yaml="tables: {' T ': {file: b.csv, keys: ' k '}}",
        a_csv="k,v\nx,1\n",
        b_csv="k,w\ny,2\n",
    )
    assert said(loaded) == [
        "notice resource-replaced b.yaml:1: lookup table ` T ` takes the place of an earlier one of that name"
    ]
    table = loaded.table("T")
    assert table is not None
    assert table.rows == {("y",): ("2",)}


@pytest.mark.parametrize(
    ("below", "messages"),
    [
        (
            "{keys: k}",
            ["resource-missing t.yaml:2: lookup table `T` has no `file` [name a CSV file with a header]"],
        ),
        (
            "{file: t.csv}",
            [
                (
                    "resource-missing t.yaml:2: lookup table `T` has no `keys`"
                    " [name the columns that are looked up, as in [user, country]]"
                )
            ],
        ),
        (
            "{file: t.csv, keys: [a, b, c, d, e, f]}",
            ["resource-value t.yaml:2: `keys` of lookup table `T` names 6 columns, and at most 5 can be keys"],
        ),
        (
            "{file: t.csv, keys: [k, k]}",
            ["resource-value t.yaml:2: `keys` of lookup table `T` names a column twice"],
        ),
        (
            "{file: [t.csv, t.csv], keys: k}",
            ["resource-value t.yaml:2: `file` of lookup table `T` names more than one file"],
        ),
        (
            "{file: t.csv, keys: [K2], types: {vv: text, k: number}}",
            [
                (
                    "resource-value t.yaml:2: `keys` of lookup table `T` names `K2`, which is no column"
                    " [did you mean `k`?]"
                ),
                (
                    "resource-value t.yaml:2: `types` of lookup table `T` names `vv`, which is no column"
                    " [did you mean `v`?]"
                ),
            ],
        ),
        (
            "{file: t.csv, keys: k, types: {k: number}}",
            ["resource-value t.yaml:2: `types` of lookup table `T` names `k`, which is a key: keys are texts"],
        ),
        (
            "{file: t.csv, keys: k, types: {v: nummer}}",
            [
                (
                    "resource-value t.yaml:2: `v` of `types` of lookup table `T` cannot be `nummer`"
                    " [did you mean `number`?]"
                )
            ],
        ),
        (
            "{file: t.csv, keys: k, types: [v]}",
            ["resource-value t.yaml:2: `types` of lookup table `T` must be a table, not a list"],
        ),
        (
            "[t.csv]",
            [
                (
                    "resource-type t.yaml:2: lookup table `T` must be a table"
                    " [write `file`, `keys` and, if you like, `types` below it]"
                )
            ],
        ),
    ],
)
def test_tables_that_cannot_be(tmp_path: Path, below: str, messages: list[str]) -> None:
    loaded = load(tmp_path, t_yaml=f"tables:\n  T: {below}\n  U: {{file: t.csv, keys: [k]}}\n", t_csv="k,v\nx,1\n")
    assert said(loaded) == [f"error {message}" for message in messages]
    assert loaded.table("T") is None
    assert loaded.table("U") is not None


def test_a_table_may_have_five_keys(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, t_yaml="tables: {T: {file: t.csv, keys: [a, b, c, d, e]}}", t_csv="a,b,c,d,e,v\n1,2,3,4,5,x\n"
    )
    table = loaded.table("T")
    assert table is not None
    assert table.rows == {("1", "2", "3", "4", "5"): ("x",)}


def test_a_table_without_its_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, t_yaml="tables:\n  T: {file: gone.csv, keys: k}\n")
    assert said(loaded) == [
        (
            f"error resource-file-unreadable t.yaml:2: `{tmp_path / 'gone.csv'}`: this file cannot be read:"
            " No such file or directory"
        )
    ]


def test_watch_lists_of_every_type(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        w_yaml="""\
watch_lists:
  Hosts: {values: [Build-17, build-17, db1], file: hosts.txt}
  Group@Peers: {type: ip, values: [2001:DB8::0001, 10.9.9.9], added: 2026-11-01}
  Ports: {type: number, values: [4444, 31337.0, 1e3]}
  Empty:
  Short: [x]
""",
        hosts_txt="web1 # a\n",
    )
    assert said(loaded) == []
    added = parse_instant("2026-11-01")
    assert [entry[:3] for entry in loaded.watch_entries] == [
        ("Hosts", "build-17", AT_BEGINNING),
        ("Hosts", "db1", AT_BEGINNING),
        ("Hosts", "web1", AT_BEGINNING),
        ("Peers", "2001:db8::1", added),
        ("Peers", "10.9.9.9", added),
        ("Ports", "4444", AT_BEGINNING),
        ("Ports", "31337", AT_BEGINNING),
        ("Ports", "1000", AT_BEGINNING),
        ("Short", "x", AT_BEGINNING),
    ]
    assert [loaded.is_watch_list(name) for name in ("hosts", "Group@Peers", "Empty", "Other")] == [True] * 3 + [
        False
    ]
    more = loaded.with_watch_lists(["Other", "HOSTS"])
    assert more.is_watch_list("other")
    assert list(more.watch_entries) == list(loaded.watch_entries)


def test_the_first_event_of_all_finds_what_is_on_a_list(tmp_path: Path) -> None:
    loaded = load(tmp_path, w_yaml="watch_lists: {Hosts: [Build-17]}")
    lists = WatchLists()
    lists.extend(loaded.watch_entries)
    assert lists.holds("HOSTS", "build-17", -(2**63) + 2)


def test_the_values_of_one_list_add_up_and_keep_their_earliest_time(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml="watch_lists: {L: {type: number, values: [1, 2], added: 2026-11-02}}",
        b_yaml="watch_lists: {l: {values: [2, 3], added: 2026-11-01}, M: {type: text}}",
        c_yaml="watch_lists: {M: {type: ip, values: ['::1']}}",
    )
    first, second = parse_instant("2026-11-01"), parse_instant("2026-11-02")
    assert [entry[:3] for entry in loaded.watch_entries] == [
        ("L", "1", second),
        ("L", "2", first),
        ("L", "3", first),
    ]
    assert said(loaded) == ["error resource-value c.yaml:1: `type` of watch list `M` is text in another file"]


@pytest.mark.parametrize(
    ("below", "message"),
    [
        ("{type: ip, values: [10.0.0.0/8]}", "`10.0.0.0/8` is not an address, as the watch list `L` needs"),
        ("{type: number, values: [many]}", "`many` is not a number, as the watch list `L` needs"),
        ("{values: ['']}", "`` is not a value, as the watch list `L` needs"),
        ("{type: int}", "`type` of watch list `L` cannot be `int` [known are text, ip, number]"),
        (
            "{added: soon}",
            "`added` of watch list `L` must be a moment, not `soon` [write it as 2026-11-22T10:00:00Z]",
        ),
        (
            "{expires: 0s}",
            "`expires` of watch list `L` must be a length of time, not `0s` [write it as 7d or 12h]",
        ),
        (
            "{expires: soon}",
            "`expires` of watch list `L` must be a length of time, not `soon` [write it as 7d or 12h]",
        ),
    ],
)
def test_what_a_watch_list_cannot_hold(tmp_path: Path, below: str, message: str) -> None:
    loaded = load(tmp_path, w_yaml=f"watch_lists:\n  L: {below}\n  M: [m]\n")
    assert said(loaded) == [f"error resource-value w.yaml:2: {message}"]
    assert list(loaded.watch_entries) == [("M", "m", AT_BEGINNING, FOREVER)]


def test_entries_expire_if_they_are_dated(tmp_path: Path) -> None:
    dated = "watch_lists:\n  M: {values: [y], added: 2026-11-01, expires: 7d}\n"
    loaded = load(tmp_path, v_yaml="watch_lists:\n  L: {values: [x], expires: 7d}\n", w_yaml=dated)
    week = 7 * 86400 * 10**9
    assert said(loaded) == []
    assert loaded.watch_lists["l"].expires == week
    (_, _, added, until), (_, _, since, end) = loaded.watch_entries
    assert (added, until) == (AT_BEGINNING, FOREVER)
    assert end - since == week
    assert loaded.watch_lists["l"].until(FOREVER - 1) == FOREVER


def test_watch_lists_must_be_a_table_with_names(tmp_path: Path) -> None:
    loaded = load(tmp_path, a_yaml="watch_lists: [a]", b_yaml="watch_lists: {'Group@': [a]}")
    assert said(loaded) == [
        "error resource-type a.yaml:1: `watch_lists` must be a table of lists",
        "error resource-value b.yaml:1: a watch list needs a name",
    ]


def test_too_many_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_lists, "MAX_ENTRIES", 2)
    loaded = load(tmp_path, w_yaml="watch_lists:\n  L: [a, b, a, c, d]\n")
    assert said(loaded) == [
        "error resource-limit w.yaml:2: more than 2 values of watch list `L` are not read; the rest was left out"
    ]
    assert len(list(loaded.watch_entries)) == 2


def test_filters_compare_dates_and_addresses_of_tables_as_such(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        t_yaml=LOGINS,
        logins_csv="user,country,count,last,from\nalice,de,9,2026-11-20T08:00:00Z,10.0.0.1\n",
        e_yaml="""\
exceptions:
  - {rule: A, when: 'phRecvTime > LookupTableGet(LoginCountries, user, srcGeoCountry, last)'}
  - {rule: B, when: 'LookupTableGet(LoginCountries, user, srcGeoCountry, from) IN (10.0.0.0/24)'}
  - {rule: C, when: 'LookupTableGet(LoginCountries, user, srcGeoCountry, count) >= 9'}
""",
    )
    assert said(loaded) == []
    alice = {"user": "Alice", "srcGeoCountry": "DE"}
    dates = [{**alice, "phRecvTime": f"2026-11-20T{hour}:00:00Z"} for hour in ("07", "09")]
    after, within, often = loaded.exceptions
    assert [after.holds(each, 0) for each in dates] == [False, True]
    assert [each.holds(alice, 0) for each in (within, often)] == [True, True]
    assert [each.holds({"user": "bob", "srcGeoCountry": "DE"}, 0) for each in (within, often)] == [False, False]
