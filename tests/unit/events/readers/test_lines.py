import gzip
import lzma
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Severity
from dogwatch.events.readers import lines as module
from dogwatch.events.readers.lines import LONGEST_LINE, Line, read_lines
from dogwatch.events.report import ReadReport

TEXT = b"".join(b"line %d %d\n" % (n, n * n * 7919) for n in range(5000))
LINES = [(n + 1, line) for n, line in enumerate(TEXT.split(b"\n")[:-1])]


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "xz": lzma.compress, "zstd": zstd}


def read(
    path: Path, data: bytes | None = None, longest: int = LONGEST_LINE
) -> tuple[list[Line | None], ReadReport]:
    if data is not None:
        path.write_bytes(data)
    report = ReadReport()
    return list(read_lines(path, report, longest=longest)), report


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\nb", [(1, b"a"), (2, b"b")]),
        (b"a\r\nb\r\n", [(1, b"a"), (2, b"b")]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", [(1, b"a"), (2, b"\xef\xbb\xbfb")]),
        (b"\n\n  \t\na\n\n", [(4, b"a")]),
        (b"a\rb\n", [(1, b"a\rb")]),
        (b"a\r\r\n", [(1, b"a\r")]),
        (b"\0\n", [(1, b"\0")]),
    ],
)
def test_line_ends(tmp_path: Path, data: bytes, expected: list[Line]) -> None:
    found, report = read(tmp_path / "x", data)
    assert found == expected
    assert report.bytes == len(data)
    assert not report.problems


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \r\n", b"\xef\xbb\xbf"])
def test_an_empty_input_is_noticed_and_counts_as_read(tmp_path: Path, data: bytes) -> None:
    found, report = read(tmp_path / "x", data)
    assert found == []
    assert (report.files, report.lost) == (1, False)
    assert [d.code for d in report.kept] == ["empty-input"]
    assert report.kept[0].severity is Severity.NOTICE


@pytest.mark.parametrize("name", PACKERS)
def test_compression_is_told_by_content(tmp_path: Path, name: str) -> None:
    packed = PACKERS[name](TEXT)
    found, report = read(tmp_path / "events.ndjson", packed)
    assert found == LINES
    assert report.bytes == len(packed)


@pytest.mark.parametrize("name", PACKERS)
def test_several_members_are_one_stream(tmp_path: Path, name: str) -> None:
    pack = PACKERS[name]
    assert read(tmp_path / "x", pack(TEXT[:1000]) + pack(TEXT[1000:]))[0] == LINES


@pytest.mark.parametrize("name", PACKERS)
def test_a_truncated_stream_gives_the_lines_before(tmp_path: Path, name: str) -> None:
    packed = PACKERS[name](TEXT) * 2
    found, report = read(tmp_path / "x", packed[: len(packed) * 3 // 4])
    assert found[: len(LINES)] == LINES
    assert [d.code for d in report.kept] == ["damaged-compression"]
    assert report.kept[0].hint
    assert report.lost


@pytest.mark.parametrize("name", ["gzip", "xz"])
def test_a_corrupt_stream_gives_the_lines_before(tmp_path: Path, name: str) -> None:
    packed = bytearray(PACKERS[name](TEXT))
    middle = len(packed) // 2
    packed[middle : middle + 64] = b"\xff" * 64
    found, report = read(tmp_path / "x", bytes(packed))
    assert len(found) > 1000
    assert found[:1000] == LINES[:1000]
    assert report.problems["damaged-compression"] == 1
    assert report.lost


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00"])
def test_magic_with_nothing_behind_it(tmp_path: Path, magic: bytes) -> None:
    found, report = read(tmp_path / "x", magic)
    assert found == []
    assert report.problems == {"damaged-compression": 1}
    assert (report.files, report.lost) == (0, True)


def test_a_long_line_is_counted_and_skipped(tmp_path: Path) -> None:
    data = b"a\n" + b"x" * 1_000_000 + b"\nb\n" + b"y" * 101 + b"\n" + b"z" * 100 + b"\n" + b"x" * 500
    found, report = read(tmp_path / "x", data, longest=100)
    assert found == [(1, b"a"), (3, b"b"), (5, b"z" * 100)]
    assert report.problems == {"line-too-long": 3}
    assert [d.place.line for d in report.kept if d.place] == [2, 4, 6]
    assert not report.lost


@given(st.lists(st.binary(max_size=6), max_size=12), st.integers(1, 7))
def test_where_reads_end_changes_nothing(parts: list[bytes], n: int) -> None:
    data = b"".join(part + b"\n" for part in parts)
    chunks = [data[i : i + n] for i in range(0, len(data), n)]

    def lines(chunks: list[bytes]) -> list[Line]:
        pieces = module._pieces(iter(chunks), "x", ReadReport(), 5)
        return [line for piece in pieces if piece is not None for line in piece.lines()]

    assert lines(chunks) == lines([data] if data else [])


def test_progress_adds_up(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(TEXT * 100)
    told: list[int] = []
    for _ in read_lines(path, ReadReport(), told.append):
        pass
    assert sum(told) == path.stat().st_size
    assert len(told) > 1


@pytest.mark.parametrize(("name", "code"), [("absent", "no-such-file"), (".", "empty-folder")])
def test_what_cannot_be_opened(tmp_path: Path, name: str, code: str) -> None:
    found, report = read(tmp_path / name)
    assert found == []
    assert [d.code for d in report.kept] == [code]
    assert report.kept[0].hint
    assert (report.files, report.lost) == (0, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\n")
    path.chmod(0)
    assert read(path)[1].problems == {"not-permitted": 1}


def test_a_pipe_tells_when_it_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()

    class Stdin:
        def fileno(self) -> int:
            return reading

    monkeypatch.setattr("sys.stdin", Stdin())
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.02)
    answers: list[Line | None] = []
    lines = read_lines("-", ReadReport())
    os.write(writing, b"first\nsec")
    answers += [next(lines), next(lines)]

    def later() -> None:
        time.sleep(0.05)
        os.write(writing, b"ond\nthird")
        os.close(writing)

    thread = threading.Thread(target=later)
    thread.start()
    answers += list(lines)
    thread.join()
    os.close(reading)
    assert answers[:2] == [(1, b"first"), None]
    assert [item for item in answers if item] == [(1, b"first"), (2, b"second"), (3, b"third")]


@pytest.mark.parametrize("name", PACKERS)
def test_a_compressed_pipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_bytes(PACKERS[name](TEXT))
    with (tmp_path / "x").open("rb") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert [item for item in read_lines("-", ReadReport()) if item] == LINES
