"""Lines of files, compressed files and pipes, streamed in bounded memory.

Compression is told by the first bytes, never by the name: gzip (RFC 1952), zstd (RFC 8878), xz.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import select
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Protocol

import numpy as np
import pyarrow as pa

from dogwatch.base.diagnostic import Diagnostic, Place, Severity
from dogwatch.events.report import ReadReport

Source = Path | Literal["-"]
"""A file, or standard input."""

Line = tuple[int, bytes]
"""A 1-based line number and the line without its end."""

Progress = Callable[[int], None]
"""Told of every read with the number of bytes that it took from the input."""

STDIN_NAME = "<stdin>"
IDLE_SECONDS = 0.2
"""How long nothing must come from a pipe to be a pause; the next is as long again."""

LONGEST_LINE = 64 << 20
"""Bytes of a line beyond which it is skipped."""

_LINE_FEED = 10
_CHUNK = 256 << 10
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\x00": "xz"}
_MAGIC_LENGTH = 6
_DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError)
"""What the decompressors raise on a truncated or corrupt stream; Arrow's raises OSError."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of an input.

    Attributes:
        first_line: The 1-based number of the first.
        data: The lines, each with its line feed, without a byte-order mark; one that was too long is left empty.
    """

    first_line: int
    data: bytes

    def lines(self) -> Iterator[Line]:
        """The lines that are not blank."""
        for number, line in enumerate(self.data.split(b"\n"), self.first_line):
            line = line.removesuffix(b"\r")
            if line and not line.isspace():
                yield number, line


class Pieces:
    """An input, to be gone through once, in pieces of whole lines; ``None`` for each pause of a pipe.

    Line ends are LF or CRLF; the last line needs none; a UTF-8 byte-order mark at the start is dropped.

    Args:
        source: What to read.
        report: Takes the bytes, the lines that are skipped, and a diagnostic for whatever could not be read. The
            lines given are for their reader to count.
        progress: Told of the bytes as they are read.
        longest: Bytes that a line may have; a longer one is counted, skipped and never held.

    Attributes:
        failed: Whether not all of the input could be read.
    """

    def __init__(
        self, source: Source, report: ReadReport, progress: Progress | None, *, longest: int = LONGEST_LINE
    ) -> None:
        self._source = source
        self._report = report
        self._progress = progress
        self._longest = longest
        self.failed = False

    def __iter__(self) -> Iterator[Piece | None]:
        source, report = self._source, self._report
        name = name_of(source)
        with ExitStack() as stack:
            try:
                if source == "-":
                    raw: IO[bytes] | int = sys.stdin.fileno()
                else:
                    raw = stack.enter_context(source.open("rb", buffering=0))
                counted = stack.enter_context(_Input(raw, report, self._progress))
                counted.peek()
            except (OSError, io.UnsupportedOperation) as error:
                self.failed = True
                report.add(_unopened(name, error), lost=True)
                return
            yield from _pieces(_chunks(source, counted, name, report), name, report, self._longest)
            self.failed = counted.failed


def read_lines(
    source: Source, report: ReadReport, progress: Progress | None = None, *, longest: int = LONGEST_LINE
) -> Iterator[Line | None]:
    """The lines of an input that are not blank; ``None`` for each pause of a pipe.

    Args:
        source: What to read.
        report: As ``Pieces`` takes it; an input without lines counts as a file read.
        progress: Told of the bytes as they are read.
        longest: Bytes that a line may have.
    """
    pieces = Pieces(source, report, progress, longest=longest)
    anything = False
    for piece in pieces:
        if piece is None:
            yield None
            continue
        for line in piece.lines():
            anything = True
            yield line
    if not anything:
        note_empty(source, pieces, report)


def note_empty(source: Source, pieces: Pieces, report: ReadReport) -> None:
    """Tell of an input that was gone through and had no lines; if reading it failed, that is told already."""
    if not pieces.failed:
        report.files += 1
        report.add(Diagnostic("empty-input", "the input holds no lines", Severity.NOTICE, Place(name_of(source))))


def name_of(source: Source) -> str:
    """How places name the input."""
    return STDIN_NAME if source == "-" else str(source)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Input(io.RawIOBase):
    """The bytes of a file or descriptor, counted, with the first few looked at in advance."""

    def __init__(self, raw: IO[bytes] | int, report: ReadReport, progress: Progress | None) -> None:
        super().__init__()
        self._raw = raw
        self._report = report
        self._progress = progress
        self.prefix = b""
        self.failed = False

    def peek(self) -> None:
        """Read as much as the magic numbers need into ``prefix``; a line end is enough."""
        while len(self.prefix) < _MAGIC_LENGTH and b"\n" not in self.prefix:
            chunk = self._read(_CHUNK)
            if not chunk:
                break
            self.prefix += chunk

    @property
    def compression(self) -> str | None:
        """The name of the compression, by the first bytes."""
        return next((name for magic, name in _MAGIC.items() if self.prefix.startswith(magic)), None)

    def pauses(self) -> bool:
        """Whether nothing arrives for a moment; never for files."""
        if not isinstance(self._raw, int) or self.prefix:
            return False
        # poll, unlike select, takes descriptors beyond 1024.
        poll = select.poll()
        poll.register(self._raw, select.POLLIN)
        return not poll.poll(IDLE_SECONDS * 1000)

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes, none at the end; for all of them any negative size."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        if self.prefix:
            head, self.prefix = self.prefix[:size], self.prefix[size:]
            return head
        return self._read(size)

    def _read(self, size: int) -> bytes:
        chunk = os.read(self._raw if isinstance(self._raw, int) else self._raw.fileno(), size)
        self._report.bytes += len(chunk)
        if self._progress is not None and chunk:
            self._progress(len(chunk))
        return chunk


def _chunks(source: Source, counted: _Input, name: str, report: ReadReport) -> Iterator[bytes | None]:
    compression = counted.compression
    given = 0
    try:
        stream = _decompressed(counted, compression)
        while chunk := stream.read(_CHUNK):
            given += len(chunk)
            yield chunk
            while compression is None and counted.pauses():
                yield None
    except _DAMAGE as error:
        # A named pipe cannot be read twice either.
        if compression is not None and source != "-" and source.is_file():
            yield from _salvaged(source, compression, given)
        counted.failed = True
        report.add(_damaged(name, compression, error), lost=True)


def _salvaged(path: Path, compression: str, given: int) -> Iterator[bytes]:
    """What lies between ``given`` decompressed bytes and the damage.

    A read that fails drops what it had decompressed so far, so the file is read again, at the end byte by byte.
    """
    with path.open("rb") as file:
        try:
            stream = _decompressed(file, compression)
            while given > 0:
                given -= len(stream.read(min(given, _CHUNK)))
            for _ in range(_CHUNK):
                yield stream.read(1)
        except _DAMAGE:
            return


def _decompressed(file: IO[bytes] | _Input, compression: str | None) -> _Readable:
    match compression:
        case "gzip":
            return _Eager(gzip.GzipFile(fileobj=file))
        case "xz":
            return _Eager(lzma.LZMAFile(file))  # type: ignore[arg-type]  # a RawIOBase will do
        case "zstd":
            return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")  # type: ignore[arg-type]
        case _:
            return file


class _Eager:
    """Gives what is decompressed at once instead of filling the size asked for, so that damage costs little."""

    def __init__(self, stream: gzip.GzipFile | lzma.LZMAFile) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        return self._stream.read1(size)


def _pieces(chunks: Iterator[bytes | None], name: str, report: ReadReport, longest: int) -> Iterator[Piece | None]:
    number = 1
    pending: list[bytes] = []
    held = 0
    for chunk in _with_final_end(chunks):
        if chunk is None:
            yield None
            continue
        end = chunk.rfind(b"\n") + 1
        if not end:
            held += len(chunk)
            if held <= longest:
                pending.append(chunk)
            else:
                pending.clear()
            continue
        first = chunk.find(b"\n")
        if held + first > longest:
            _skip_line(Place(name, number), report, longest)
            data = chunk[first:end]
        else:
            data = b"".join((*pending, memoryview(chunk)[:end]))
        if end - first > longest:
            data = _without_long_lines(data, name, number, report, longest)
        yield Piece(number, data.removeprefix(_BYTE_ORDER_MARK) if number == 1 else data)
        number += line_feeds(data)
        pending, held = [chunk[end:]], len(chunk) - end


def line_feeds(data: bytes) -> int:
    """How many line feeds there are."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == _LINE_FEED))


def _without_long_lines(data: bytes, name: str, number: int, report: ReadReport, longest: int) -> bytes:
    lines = data.split(b"\n")
    for place, line in enumerate(lines):
        if len(line) > longest:
            _skip_line(Place(name, number + place), report, longest)
            lines[place] = b""
    return b"\n".join(lines)


def _with_final_end(chunks: Iterator[bytes | None]) -> Iterator[bytes | None]:
    last = b"\n"
    for chunk in chunks:
        if chunk:
            last = chunk[-1:]
        yield chunk
    if last != b"\n":
        yield b"\n"


def _skip_line(place: Place, report: ReadReport, longest: int) -> None:
    report.lines += 1
    report.add(
        Diagnostic(
            "line-too-long", f"the line has more than {longest} bytes and was skipped", Severity.WARNING, place
        )
    )


def _damaged(name: str, compression: str | None, error: Exception) -> Diagnostic:
    if compression is None:
        code, message = "read-failed", f"reading stopped: {_reason(error)}"
        hint = "the lines before this point were read"
    else:
        code, message = "damaged-compression", f"the {compression} stream is truncated or corrupt"
        hint = "the lines before the damage were read; fetch the file again for the rest"
    return Diagnostic(code, message, Severity.ERROR, Place(name), hint=hint)


def _unopened(name: str, error: Exception) -> Diagnostic:
    match error:
        case FileNotFoundError():
            code, message, hint = "no-such-file", "there is no such file", "check the path or the pattern"
        case IsADirectoryError():
            code, message = "empty-folder", "the folder holds no files"
            hint = "name a folder with NDJSON or audit logs in it; hidden files are passed over"
            if not os.access(name, os.R_OK | os.X_OK):
                code, message = "not-permitted", "the folder may not be read by this user"
                hint = "run as a user who may read it"
        case PermissionError():
            code, message = "not-permitted", "the file may not be read by this user"
            hint = "run as a user who may read it, such as root for /var/log/audit"
        case _:
            code, message = "read-failed", f"the input cannot be read: {_reason(error)}"
            hint = "check that it is a file, a folder or a pipe"
    return Diagnostic(code, message, Severity.ERROR, Place(name), hint=hint)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
