import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base import keep


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "kept"
    monkeypatch.setenv(keep.VARIABLE, str(folder))
    return folder


def test_what_is_kept_is_read_again_and_belongs_to_this_user_alone(home: Path) -> None:
    assert keep.read("a") is None
    assert keep.write("a", b"first")
    assert keep.write("a", b"second")
    found = keep.read("a")
    assert found is not None
    assert bytes(found) == b"second"
    assert stat.S_IMODE((home / "a").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [each.name for each in home.iterdir()] == ["a"]


def test_the_folder_is_the_one_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv(keep.VARIABLE, str(tmp_path / "own"))
    assert keep.folder() == tmp_path / "own"
    monkeypatch.setenv(keep.VARIABLE, "")
    assert keep.folder() is None
    assert not keep.write("a", b"")
    monkeypatch.delenv(keep.VARIABLE)
    assert keep.folder() == tmp_path / "xdg" / "dogwatch"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert keep.folder() == tmp_path / ".cache" / "dogwatch"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert keep.folder() == tmp_path / ".cache" / "dogwatch"
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert keep.folder() is None
    monkeypatch.delenv("HOME")
    assert keep.folder() is None


def test_a_folder_that_cannot_be_made_or_that_others_may_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for unusable in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/none")):
        monkeypatch.setenv(keep.VARIABLE, str(unusable))
        assert keep.folder() is None
        assert keep.read("a") is None
        assert not keep.write("a", b"x")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o770)
    monkeypatch.setenv(keep.VARIABLE, str(shared))
    assert not keep.write("a", b"x")
    assert list(shared.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_not_used(home: Path) -> None:
    home.mkdir()
    home.chmod(0o500)
    assert keep.folder() is None
    assert not keep.write("a", b"x")
    home.chmod(0o700)


def test_a_folder_of_somebody_else_is_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keep.write("a", b"x")
    assert keep.folder() == home
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert keep.folder() is None
    assert keep.read("a") is None


def test_a_file_that_others_may_write_to_is_not_read(home: Path) -> None:
    assert keep.write("a", b"x")
    (home / "a").chmod(0o620)
    assert keep.read("a") is None
    (home / "a").chmod(0o600)
    assert keep.read("a") is not None


def test_only_plain_files_are_read(home: Path) -> None:
    assert keep.write("a", b"x")
    (home / "link").symlink_to(home / "a")
    (home / "folder").mkdir()
    os.mkfifo(home / "pipe", 0o600)
    assert [keep.read(name) for name in ("link", "folder", "pipe")] == [None, None, None]


@given(st.data())
def test_a_damaged_file_is_not_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(keep.VARIABLE, str(folder))
        assert keep.write("a", b"what was kept")
        written = bytearray((folder / "a").read_bytes())
        at = data.draw(st.integers(0, len(written) - 1))
        written[at] ^= data.draw(st.integers(1, 255))
        for damaged in (bytes(written), bytes(written[:at]), bytes(written) + b"more", b""):
            (folder / "a").write_bytes(damaged)
            assert keep.read("a") is None


def test_the_files_not_used_for_longest_go_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "MAX_BYTES", 4000)
    for age, name in enumerate("abc"):
        assert keep.write(name, b"x" * 900)
        os.utime(home / name, (1000 + age, 1000 + age))
    assert keep.read("a") is not None
    assert keep.write("d", b"x" * 900)
    assert keep.write("e", b"x" * 900)
    assert sorted(each.name for each in home.iterdir()) == ["a", "c", "d", "e"]
    assert not keep.write("large", b"x" * 1001)


def test_what_a_writer_left_behind_goes_when_it_is_old(home: Path) -> None:
    assert keep.write("a", b"x")
    (home / ".unfinished-old").write_bytes(b"x")
    os.utime(home / ".unfinished-old", (1000, 1000))
    (home / ".unfinished-new").write_bytes(b"x")
    assert keep.write("b", b"x")
    assert sorted(each.name for each in home.iterdir()) == [".unfinished-new", "a", "b"]


def test_readers_see_all_of_a_file_or_nothing(home: Path) -> None:
    contents = [bytes([number]) * 200_000 for number in range(8)]

    def turn(number: int) -> bool:
        keep.write("a", contents[number % 8])
        found = keep.read("a")
        return found is not None and bytes(found) in contents

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(turn, range(64)))
    assert [each.name for each in home.iterdir()] == ["a"]
