import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dogwatch.base import keep
from dogwatch.base.codec import Codec
from dogwatch.rules import cache, ruleset
from dogwatch.rules.cache import RuleFile
from dogwatch.rules.loaders.source import Loaded
from dogwatch.rules.ruleset import RuleSet, load_rules

RULE = """\
[rule]
rule_id = "{rule_id}"
name = "N"
version = 1
description = "d"
type = "eql"
query = '{query}'
severity = "low"
risk_score = 1
"""


class Loads:
    """Counts the files that are really loaded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: list[str] = []
        load = ruleset._load

        def noted(file: RuleFile, read: Callable[[Path], bytes]) -> Loaded:
            self.files.append(file.path.name)
            return load(file, read)

        monkeypatch.setattr(ruleset, "_load", noted)

    def taken(self) -> list[str]:
        taken, self.files = self.files, []
        return taken


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loads:
    monkeypatch.setenv(keep.VARIABLE, str(tmp_path / "kept"))
    return Loads(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "rules"
    home.mkdir()
    for name in ("a", "b"):
        write(home / f"{name}.toml", name)
    write(home / "twice.toml", "a")
    (home / "broken.toml").write_text("[rule\n")
    (home / "none.json").write_text("{}")
    return home


def write(path: Path, rule_id: str, query: str = "any where true", *, age: int = 3600) -> None:
    path.write_text(RULE.format(rule_id=rule_id, query=query))
    rest(path, age)


def rest(path: Path, age: int = 3600) -> None:
    os.utime(path, (time.time() - age, time.time() - age))


def uncached(where: Path, monkeypatch: pytest.MonkeyPatch) -> RuleSet:
    with monkeypatch.context() as patch:
        patch.setenv(keep.VARIABLE, "")
        return load_rules(where)


def assert_same(found: RuleSet, wanted: RuleSet) -> None:
    assert len(found.rules) == len(wanted.rules)
    for one, other in zip(found.rules, wanted.rules, strict=True):
        assert type(one) is type(other)
        for each in dataclasses.fields(other):
            assert getattr(one, each.name) == getattr(other, each.name), (other.label, each.name)
    assert repr(found) == repr(wanted)


def test_rules_are_loaded_once(folder: Path, loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = uncached(folder, monkeypatch)
    assert {each.code for each in wanted.errors} == {"duplicate-rule", "toml-syntax", "not-a-rule"}
    loads.taken()
    assert_same(load_rules(folder), wanted)
    assert loads.taken() == ["a.toml", "b.toml", "broken.toml", "none.json", "twice.toml"]
    again = load_rules(folder)
    assert loads.taken() == []
    assert_same(again, wanted)
    assert again == wanted


@pytest.mark.usefixtures("loads")
def test_what_changes_is_loaded_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_rules(folder)
    changes: list[Callable[[], object]] = [
        lambda: write(folder / "c.toml", "c"),
        lambda: write(folder / "c.toml", "c", "any where not false"),
        lambda: (folder / "c.toml").rename(folder / "d.toml"),
        (folder / "d.toml").unlink,
        lambda: (folder / "b.toml").write_text((folder / "b.toml").read_text().replace('"N"', '"M"')),
        lambda: (folder / "twice.toml").rename(folder / "another.toml"),
    ]
    for change in changes:
        before = load_rules(folder)
        change()
        after = load_rules(folder)
        assert repr(after) != repr(before)
        assert_same(after, uncached(folder, monkeypatch))


def test_a_file_of_the_same_size_and_times_is_told_by_its_contents(folder: Path, loads: Loads) -> None:
    path = folder / "a.toml"
    write(path, "a", "any where true ")
    stamp = path.stat().st_mtime_ns
    assert len(load_rules(folder)) == 2
    path.write_text(RULE.format(rule_id="a", query="any where false"))
    os.utime(path, ns=(stamp, stamp))
    rule = load_rules(folder).find("a")
    assert "false" in getattr(rule, "query")  # noqa: B009 - both kinds of rule have one or none
    assert loads.taken()


def test_a_touched_file_is_read_and_found_to_be_the_same(folder: Path, loads: Loads) -> None:
    load_rules(folder)
    loads.taken()
    rest(folder / "a.toml", age=60)
    assert len(load_rules(folder)) == 2
    assert loads.taken() == []


def test_files_that_have_rested_are_not_even_read(
    folder: Path, loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody can set the time at which a file was last changed at all; the clock goes on instead.
    later = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    wanted = load_rules(folder)
    loads.taken()
    read: list[Path] = []
    monkeypatch.setattr(ruleset, "read_bytes", read.append)
    assert_same(load_rules(folder), wanted)
    assert (read, loads.taken()) == ([], [])


def test_the_same_files_elsewhere_are_loaded_for_their_places(folder: Path, tmp_path: Path, loads: Loads) -> None:
    load_rules(folder)
    loads.taken()
    moved = folder.rename(tmp_path / "moved")
    rules = load_rules(moved)
    assert loads.taken()
    assert all(rule.place is not None and rule.place.file.startswith(str(moved)) for rule in rules)


def test_what_is_wrong_with_folders_is_told_in_order(folder: Path, loads: Loads, tmp_path: Path) -> None:
    where = [tmp_path / "none", folder / "broken.toml", tmp_path / "README.md", folder]
    (tmp_path / "README.md").write_text("")
    first, second = load_rules(where), load_rules(where)
    assert [each.code for each in first.errors][:3] == ["rules-not-found", "toml-syntax", "rule-format-unknown"]
    assert first.errors == second.errors
    loads.taken()
    (tmp_path / "README.md").unlink()
    assert [each.code for each in load_rules(where).errors].count("rules-not-found") == 2


def test_another_program_keeps_its_own(folder: Path, loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = load_rules(folder)
    loads.taken()
    monkeypatch.setattr(cache, "fingerprint", lambda: b"another version")
    assert_same(load_rules(folder), wanted)
    assert loads.taken()


def test_damaged_and_foreign_files_are_replaced(folder: Path, loads: Loads, tmp_path: Path) -> None:
    wanted = load_rules(folder)
    codec = Codec([])
    for contents in (b"", b"x" * 100, None, codec.encode(("rules", 1)), b"\x93" * 10_000):
        for path in (tmp_path / "kept").iterdir():
            if contents is None:
                path.write_bytes(path.read_bytes()[:-1])
            elif contents[:1] == b"x":
                path.write_bytes(contents)
            else:
                # Written as if by ourselves.
                keep.write(path.name, contents)
        loads.taken()
        assert_same(load_rules(folder), wanted)
        assert loads.taken()
        assert_same(load_rules(folder), wanted)
        assert loads.taken() == []


def test_nothing_is_kept_where_nothing_can_be(
    folder: Path, loads: Loads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(keep.VARIABLE, str(tmp_path / "file"))
    first = load_rules(folder)
    loads.taken()
    second = load_rules(folder)
    assert loads.taken()
    assert_same(first, second)
    assert first.origin is None


def test_a_file_that_cannot_be_read_is_tried_each_time(folder: Path, loads: Loads) -> None:
    (folder / "gone.toml").symlink_to(folder / "nowhere")
    for _ in range(2):
        rules = load_rules(folder)
        assert "rule-file-unreadable" in {each.code for each in rules.errors}
        assert loads.taken()


def test_the_library_comes_back_equal_in_every_field(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(keep.VARIABLE, "")
        wanted = load_rules()
    load_rules()
    loads.taken()
    assert_same(load_rules(), wanted)
    assert loads.taken() == []
