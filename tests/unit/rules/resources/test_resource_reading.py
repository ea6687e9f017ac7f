"""Files of resources: which are read, within which limits, and what is said of bad ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resource_files import load, said

from dogwatch.rules.loaders.yaml_documents import MAX_DEPTH
from dogwatch.rules.resources import files
from dogwatch.rules.resources.load import load_resources
from dogwatch.rules.resources.problems import MOST_TOLD


def test_one_file_may_hold_several_kinds_and_documents(tmp_path: Path) -> None:
    loaded = load(tmp_path, all_yml="groups: {G: a}\nthresholds: {T: 5}\n---\nwatch_lists: {W: [x]}\n---\n")
    assert said(loaded) == []
    assert (loaded.group("G"), loaded.threshold(None, None, "T"), loaded.is_watch_list("W")) == (("a",), 5, True)


def test_folders_are_read_by_name_without_hidden_files(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.YAML").write_text("thresholds: {T: 2}")
    (tmp_path / ".hidden" / "c.yaml").write_text("thresholds: {T: 3}")
    loaded = load(tmp_path, a_yaml="thresholds: {T: 1}", c_txt="thresholds: {T: 4}")
    assert loaded.threshold(None, None, "T") == 2
    assert said(loaded) == ["notice resource-replaced b.YAML: limits of `T` take the place of an earlier limit"]


def test_a_file_that_is_given_twice_counts_once(tmp_path: Path) -> None:
    load(tmp_path, a_yaml="thresholds: {T: 1}")
    assert load_resources([tmp_path, tmp_path / "a.yaml", str(tmp_path)]).diagnostics == ()


def test_places_that_are_not_there_or_not_ours(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("")
    loaded = load_resources([tmp_path / "missing", tmp_path / "a.toml"])
    assert said(loaded) == [
        (
            "error resources-not-found missing: there is no such file or folder"
            " [give a YAML or CSV file, or a folder of"
            " them]"
        ),
        (
            "error resource-format-unknown a.toml: resources are not read from files named *.toml"
            " [known are .yaml, .yml"
            " and .csv; a list of values in a text file is named by one of them]"
        ),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    load(tmp_path, a_yaml="groups: {}")
    (tmp_path / "a.yaml").chmod(0)
    assert said(load_resources([tmp_path])) == [
        "error resource-file-unreadable a.yaml: this file cannot be read: Permission denied"
    ]


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    os.mkfifo(tmp_path / "list.txt")
    (tmp_path / "folder.csv").mkdir()
    loaded = load(tmp_path, b_yaml="groups: {G: {file: [list.txt, folder.csv]}}")
    assert said(loaded) == [
        "error resource-file-unreadable a.yaml: this is not a plain file",
        f"error resource-file-unreadable b.yaml:1: `{tmp_path}/list.txt`: this is not a plain file",
        f"error resource-file-unreadable b.yaml:1: `{tmp_path}/folder.csv`: this is not a plain file",
    ]


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    long = "x" * 5000
    loaded = load(
        tmp_path, b_yaml=f'groups:\n  G: {{file: ["a\\0b", {long}, list.txt]}}\n  H: [h]\n', list_txt="kept\n"
    )
    shown = f"{tmp_path / long}"[:250]
    assert said(loaded) == [
        "error resource-value b.yaml:2: `file` of group `G` is no name of a file: `a\0b`",
        f"error resource-file-unreadable b.yaml:2: `{shown}…`: this file cannot be read: File name too long",
    ]
    assert (loaded.group("G"), loaded.group("H")) == (("kept",), ("h",))


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    loaded = load(tmp_path, a_yaml=f"groups: {{G: a}}  # {'x' * 1000}", b_yaml="groups: {G: b}")
    assert said(loaded) == [
        "error resource-file-too-large a.yaml: this file holds more than 1,000 bytes and was not read [split it]"
    ]
    assert loaded.group("G") == ("b",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"groups:\n  G: [a\0]\n", "resource-file-encoding a.yaml:2: line 2 holds a NUL: this is not a text file"),
        (
            b"groups:\n  G: [\xff]\n",
            "resource-file-encoding a.yaml:2: this file is not UTF-8 text [save it as UTF-8]",
        ),
        (b"groups: {G: [a}\n", "yaml-syntax a.yaml:1: this file is not YAML: did not find expected ',' or ']'"),
        (b"groups:\n\t- a\n", "yaml-syntax a.yaml:2: this file is not YAML: found character that cannot start"),
        (b"groups:\n  G: *\n", "yaml-syntax a.yaml:2: this file is not YAML: did not find expected alphabetic"),
        (b"groups: \x07\n", "yaml-syntax a.yaml:1: this file holds the character U+0007"),
        (b"groups: \x1b]0;x\n", "yaml-syntax a.yaml:1: this file holds the character U+001B"),
    ],
)
def test_a_file_that_is_no_text_or_no_yaml(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.yaml").write_bytes(data)
    loaded = load(tmp_path, b_yaml="groups: {H: b}")
    assert len(said(loaded)) == 1
    assert said(loaded)[0].startswith(f"error {message}")
    assert loaded.group("H") == ("b",)


def test_utf16_and_byte_order_marks(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("groups: {G: é}".encode("utf-16"))
    (tmp_path / "b.csv").write_bytes("group,member\r\nG,ü\r\n".encode("utf-8-sig"))
    loaded = load_resources([tmp_path])
    assert said(loaded) == []
    assert loaded.group("G") == ("é", "ü")


def test_aliases_stand_for_what_they_name(tmp_path: Path) -> None:
    loaded = load(tmp_path, a_yaml="groups:\n  A: &a [x, y]\n  B: *a\n  C: [c, *a]\n  D: d\n")
    assert said(loaded) == [
        "error resource-type a.yaml:2: an item of group `C` must be a single value, not a list",
    ]
    assert [loaded.group(name) for name in "ABCD"] == [("x", "y"), ("x", "y"), ("c",), ("d",)]


def test_a_fault_behind_aliases_is_told_once(tmp_path: Path) -> None:
    loaded = load(tmp_path, a_yaml="groups:\n  A: &a {members: [x], members: [y]}\n  B: *a\n")
    assert said(loaded) == [
        "error yaml-key-repeated a.yaml:2: the key `members` occurs twice [the first is on line 2; remove one]"
    ]
    assert [loaded.group(name) for name in "AB"] == [("x",), ("x",)]


def test_a_bomb_of_aliases_stays_small(tmp_path: Path) -> None:
    levels = "\n".join(f"  L{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 20)}]" for n in range(1, 20))
    loaded = load(tmp_path, a_yaml=f"groups:\n  L0: &l0 [x, y]\n{levels}\n", b_yaml="groups: {H: b}")
    (told,) = said(loaded)
    assert told.startswith(f"error yaml-limit a.yaml:6: this file holds more than {files.MAX_VALUES:,} values, ")
    assert (loaded.group("L0"), loaded.group("H")) == (None, ("b",))


def test_tags_are_refused(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, a_yaml='groups: {A: [!!str y, ! "z"]}\n---\ngroups:\n  B: !!python/name:os.system x\n  C: c\n'
    )
    (told,) = said(loaded)
    assert told == (
        "error yaml-tag a.yaml:4: the tag `tag:yaml.org,2002:python/name:os.system` is refused: these files hold"
        " texts, lists and tables only [remove it]"
    )
    assert [loaded.group(name) for name in "ABC"] == [("y", "z"), None, None]


def test_depth_is_limited(tmp_path: Path) -> None:
    deep = "[" * 5000 + "]" * 5000
    loaded = load(tmp_path, a_yaml=f"groups:\n  A: [a, {deep}, b]\n", b_yaml="groups: {B: b}")
    (told,) = said(loaded)
    assert told == (
        f"error yaml-limit a.yaml:2: more than {MAX_DEPTH} lists and tables stand in one another, so the rest was"
        " not read"
    )
    assert (loaded.group("A"), loaded.group("B")) == (None, ("b",))


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, a_yaml="groups:\n  A: a\n  B: b\n  A: c\ngroups: {A: d}\n? [x]\n: y\nthresholds: {T: 1}\n"
    )
    assert said(loaded) == [
        "error yaml-key-repeated a.yaml:5: the key `groups` occurs twice [the first is on line 1; remove one]",
        "error yaml-key a.yaml:6: a key must be a text",
        "error yaml-key-repeated a.yaml:4: the key `A` occurs twice [the first is on line 2; remove one]",
    ]
    assert loaded.group("A") == ("a",)
    assert loaded.threshold(None, None, "T") == 1


def test_unknown_keys_are_told_with_what_was_meant(tmp_path: Path) -> None:
    loaded = load(tmp_path, a_yaml="groups: {}\nwatchlist: {}\nx-note: 1\n", b_yaml="treshold: {}\n")
    assert said(loaded) == [
        "warning resource-key-unknown a.yaml:2: `watchlist` means nothing here [did you mean `watch_lists`?]",
        (
            "warning resource-key-unknown a.yaml:3: `x-note` means nothing here"
            " [known are groups, tables, watch_lists,"
            " thresholds, profiles, exceptions]"
        ),
        "warning resource-key-unknown b.yaml:1: `treshold` means nothing here [did you mean `thresholds`?]",
    ]


def test_other_files_are_noticed_in_folders_and_wrong_where_they_are_named(tmp_path: Path) -> None:
    loaded = load(tmp_path, a_yaml="jobs: {}", b_yaml="[a]", c_yaml="", d_csv="x,y\n1,2\n", e_yaml="text")
    hints = {
        "yaml": "known keys are groups, tables, watch_lists, thresholds, profiles, exceptions",
        "csv": "known columns are group,member; property,device,component,value; profile,...,hour,day,mean,stddev",
    }
    assert said(loaded) == [
        (
            "notice not-a-resource a.yaml:1: this file describes no resources: it has none of the keys of"
            f" resources [{hints['yaml']}]"
        ),
        f"notice not-a-resource b.yaml:1: this file describes no resources: it holds a list [{hints['yaml']}]",
        (f"notice not-a-resource e.yaml:1: this file describes no resources: it holds a text [{hints['yaml']}]"),
        f"notice not-a-resource d.csv:1: this file describes no resources: its columns are `x,y` [{hints['csv']}]",
    ]
    named = load_resources([tmp_path / "a.yaml", tmp_path / "d.csv"])
    assert [each.severity.value for each in named.diagnostics] == ["error", "error"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "error resource-columns a.csv:1: the first line must name the columns"),
        ("group,group\na,b\n", "error resource-columns a.csv:1: two columns have the name `group` [rename one]"),
        ('"group,member\n', "error resource-syntax a.csv:1: the header is not CSV: unexpected end of data"),
        (
            'group,member\nG,a\nG,"b\nG,c\n',
            ("error resource-syntax a.csv:3: this is not CSV, and the rest was not read: unexpected end of data"),
        ),
        (
            'group,member\nG,"a"\nG,"x"y\nG,b\n',
            ("error resource-syntax a.csv:3: this is not CSV, and the rest was not read: ',' expected after '\"'"),
        ),
        (
            "group,member\nG,a\nG,b,c\n",
            ("error resource-columns a.csv:3: this row has 3 cells, and the header has 2 columns"),
        ),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    loaded = load(tmp_path, a_csv=text)
    assert said(loaded) == [message]
    assert loaded.group("G") == (("a",) if "G,a" in text or '"a"' in text else None)


def test_a_value_may_hold_separators_line_ends_and_blanks(tmp_path: Path) -> None:
    loaded = load(tmp_path, a_csv='group,member\nG,"a,b"\nG,"c\nd"\nG,e\u2028f\x0bg\nG\n')
    assert loaded.group("G") == ("a,b", "c\nd", "e\u2028f\x0bg")
    assert said(loaded) == ["error resource-columns a.csv:6: this row has 1 cells, and the header has 2 columns"]


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ENTRIES", 2)
    loaded = load(tmp_path, a_csv="group,member\nG,a\n\nG,b\nG,c\nG,d\n")
    assert said(loaded) == ["error resource-limit a.csv:5: more than 2 rows are not read; the rest was left out"]
    assert loaded.group("G") == ("a", "b")


def test_of_many_problems_of_a_file_the_first_are_told(tmp_path: Path) -> None:
    loaded = load(tmp_path, a_csv="group,member\n" + "G,\n" * 60, b_csv="group,member\n" + "G,\n" * 50)
    told = said(loaded)
    assert sum("a.csv:" in line for line in told) == MOST_TOLD + 1
    assert sum("b.csv:" in line for line in told) == MOST_TOLD
    assert told[-1] == "error resource-more-problems a.csv: 10 more errors of this file are not told"


@given(st.text(max_size=60))
def test_no_text_is_too_much(text: str) -> None:
    _read(text)


@given(st.text(alphabet="ab:-*&!{}[],?| \n#'\"~>", max_size=80))
def test_nothing_that_looks_like_yaml_is_too_much(text: str) -> None:
    _read(text)


def _read(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.yaml")
        path.write_text(f"groups:\n  G: {text}\n", encoding="utf-8", errors="surrogatepass")
        assert load_resources([path]).groups.find("PH_SYS_EVENT_Logon") is not None
