import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dogwatch.base import program
from dogwatch.base.garbage import uncollected


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(program, "_PACKAGE", tmp_path)
    (tmp_path / "part").mkdir()
    (tmp_path / "part/code.py").write_text("x = 1\n")
    (tmp_path / "part/library").mkdir()
    yield tmp_path
    program.fingerprint.cache_clear()


def fingerprint() -> bytes:
    program.fingerprint.cache_clear()
    return program.fingerprint()


def test_the_program_is_told_by_its_sources(package: Path) -> None:
    first = fingerprint()
    assert fingerprint() == first
    seen = {first}
    (package / "part/code.py").write_text("x = 22\n")
    seen.add(fingerprint())
    os.utime(package / "part/code.py", (1, 1))
    seen.add(fingerprint())
    (package / "part/table.csv").write_text("")
    seen.add(fingerprint())
    (package / "part/code.py").rename(package / "part/other.py")
    seen.add(fingerprint())
    assert len(seen) == 5
    # Rules have keys of their own, and nothing follows from notes.
    before = fingerprint()
    (package / "part/library/rule.yaml").write_text("")
    (package / "part/notes.txt").write_text("")
    assert fingerprint() == before


@pytest.mark.usefixtures("package")
def test_other_dependencies_make_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    monkeypatch.setattr(program, "_installed", lambda: iter(["msgspec-9.9.dist-info"]))
    assert fingerprint() != before


@pytest.mark.usefixtures("package")
def test_another_interpreter_makes_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    monkeypatch.setattr("sys.version", "4.0")
    assert fingerprint() != before


def test_the_search_for_garbage_goes_on_as_it_was() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
