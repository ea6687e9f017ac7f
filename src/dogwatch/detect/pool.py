"""Worker processes: each takes units, does the work that needs no order, and sends back what it found.

Workers are forked from the scanning process when its plan is ready, so they have everything without loading
anything. They run nothing but ``_serve``, hold no file of their parent's open on purpose, and end when their
channel does: with the pool, or with the parent however it ends.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import msgspec

from dogwatch.base.diagnostic import Diagnostic, Place
from dogwatch.detect.findings import Findings, assembled, framed
from dogwatch.events.linux_audit.handed import AuditShare
from dogwatch.events.units import Block, BlockBuffer, RowGroup, Unit

ATTEMPTS = 2
"""Workers that a unit may cost."""

_WAITING = 2
"""Units that a worker is given at a time, so that it need not wait for the next."""

_HELD_BYTES = 64 << 20
"""Findings that are held for units whose turn has not come; beyond it, the others' workers wait."""

_MORE, _LAST, _FAILED = 0, 1, 2
_LENGTH_BYTES = 8
_RECEIVED_AT_ONCE = 1 << 20

Given = Unit | AuditShare
"""What a worker can be given."""

Handle = Callable[[Given], Findings]
"""Reads a unit and finds what matters in it."""


class WorkerError(RuntimeError):
    """A worker met a fault in this program; the message holds its traceback."""


class _Job(msgspec.Struct, array_like=True):
    """A unit for a worker: a block has a buffer, a row group has none, a share has no file."""

    number: int
    file: str | None
    first: int
    size: int
    lines: int
    buffer: int | None


@dataclass(slots=True, eq=False)
class Task:
    """A unit on its way.

    Attributes:
        unit: The unit.
        attempts: Workers that were lost with it.
        frames: What was received of its findings.
        size: Bytes of these.
        is_done: Whether that is all.
    """

    unit: Given
    attempts: int = 0
    frames: list[bytes] = field(default_factory=list)
    size: int = 0
    is_done: bool = False

    def findings(self) -> Findings | Diagnostic:
        """What was found, or why nothing could be."""
        if self.frames:
            return assembled(self.frames)
        place: Place | None = None
        match self.unit:
            case Block(file=file, first_line=first, lines=lines):
                what, place = f"{lines} lines from here on", Place(file, first)
            case RowGroup(file=file, group=group, first_row=first):
                what, place = f"row group {group}", Place(file, first)
            case AuditShare(rows=rows):
                what = f"{rows} events of audit logs"
        return Diagnostic(
            "worker-lost",
            f"{what} were not read: {self.attempts} worker processes ended while they had them",
            place=place,
            hint="there may be too little memory: try fewer --workers",
        )


@dataclass(slots=True, eq=False)
class _Worker:
    process: int
    channel: socket.socket
    tasks: deque[Task] = field(default_factory=deque)
    received: bytearray = field(default_factory=bytearray)


class Pool:
    """Workers that handle units; what they find is received in any order.

    Use it as a context manager: leaving it ends the workers.

    Args:
        handle: What workers do; it is theirs from the fork on.
        workers: How many.
    """

    def __init__(self, handle: Handle, workers: int) -> None:
        self._handle = handle
        self._count = workers
        self._workers: list[_Worker] = []
        self._buffers: list[BlockBuffer] = []
        self._free: list[BlockBuffer] = []
        self._held = 0
        # Whether the system has refused a process: it is not asked again.
        self._is_refused = False

    def __enter__(self) -> Self:
        for _ in range(self._count * _WAITING):
            self._buffers.append(BlockBuffer())
        self._free += self._buffers
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, whatever they are doing, and give back all memory."""
        while self._workers:
            self._end(self._workers[0])
        while self._buffers:
            self._buffers.pop().close()
        self._free.clear()

    @property
    def free(self) -> int:
        """How many buffers are free."""
        return len(self._free)

    def lend(self) -> BlockBuffer:
        """A free buffer. It comes back when the block that is given with it is done."""
        return self._free.pop()

    def give_back(self, unit: Given) -> None:
        """Take back the buffer of a unit that is done, if it has one."""
        if not isinstance(unit, RowGroup):
            self._free.append(unit.buffer)

    def give(self, task: Task) -> None:
        """Give a unit to a worker, as soon as one has room for it; do it here if there can be no worker."""
        while True:
            if len(self._workers) < self._count and not self._is_refused:
                self._fork()
            if not self._workers:
                self._do(task)
                return
            worker = min(self._workers, key=lambda worker: len(worker.tasks))
            if len(worker.tasks) < _WAITING:
                break
            self.receive()
        worker.tasks.append(task)
        message = msgspec.msgpack.encode(_job(task.unit, self._buffers))
        try:
            worker.channel.sendall(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
        except (BrokenPipeError, ConnectionResetError):
            # The end of its channel is met where its findings are received.
            return

    def receive(self, first: Task | None = None) -> None:
        """Wait until something has come from a worker, and take it.

        Args:
            first: The task whose turn it is, not done; while much is held for others, only its worker is heard.

        Raises:
            WorkerError: A worker failed.
        """
        crowded = first is not None and self._held > _HELD_BYTES
        heard = {
            worker.channel.fileno(): worker
            for worker in self._workers
            if worker.tasks and (not crowded or first in worker.tasks)
        }
        poll = select.poll()
        for descriptor in heard:
            poll.register(descriptor, select.POLLIN)
        if not heard:
            raise WorkerError("no worker has anything to do, and somebody waits for one")
        for descriptor, _ in poll.poll():
            # Handing on what one has lost may end another.
            if heard[descriptor] in self._workers:
                self._receive(heard[descriptor])

    def release(self, task: Task) -> None:
        """Forget what is held for a task, whose findings were taken."""
        self._held -= task.size

    def _do(self, task: Task) -> None:
        task.frames = list(framed(self._handle(task.unit)))
        task.size = sum(map(len, task.frames))
        self._held += task.size
        self._done(task)

    def _receive(self, worker: _Worker) -> None:
        try:
            data = worker.channel.recv(_RECEIVED_AT_ONCE)
        except ConnectionResetError:
            data = b""
        if not data:
            self._lost(worker)
            return
        worker.received += data
        while (message := _first_message(worker.received)) is not None:
            kind, payload = message
            if kind == _FAILED:
                raise WorkerError(payload.decode("utf-8", "replace"))
            task = worker.tasks[0]
            task.frames.append(payload)
            task.size += len(payload)
            self._held += len(payload)
            if kind == _LAST:
                worker.tasks.popleft()
                self._done(task)

    def _done(self, task: Task) -> None:
        task.is_done = True
        self.give_back(task.unit)

    def _lost(self, worker: _Worker) -> None:
        """Give what a worker had to others; what it was doing may have been its end."""
        tasks = list(worker.tasks)
        self._end(worker)
        if tasks:
            tasks[0].attempts += 1
            self._held -= tasks[0].size
            tasks[0].frames.clear()
            tasks[0].size = 0
        for task in tasks:
            if task.attempts >= ATTEMPTS:
                self._done(task)
            else:
                self.give(task)

    def _end(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.channel.close()
        try:
            os.kill(worker.process, signal.SIGKILL)
            os.waitpid(worker.process, 0)
        except (ProcessLookupError, ChildProcessError):
            # A program that ignores its children's ends has them taken away by the system.
            return

    def _fork(self) -> None:
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            self._is_refused = True
            return
        with theirs, _uninterrupted():
            try:
                process = _forked()
            except OSError:
                ours.close()
                self._is_refused = True
                return
            if process == 0:
                others = [ours, *(worker.channel for worker in self._workers)]
                _be_worker(theirs, others, self._handle, self._buffers)
            self._workers.append(_Worker(process, ours))


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Holds back an interrupt until a new worker ignores it and its parent knows of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forked() -> int:
    with warnings.catch_warnings():
        # Python warns of other threads, whose locks a child may find taken; it asks for none of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _job(unit: Given, buffers: Sequence[BlockBuffer]) -> _Job:
    match unit:
        case Block():
            place = buffers.index(unit.buffer)
            return _Job(unit.number, unit.file, unit.first_line, unit.size, unit.lines, place)
        case RowGroup():
            return _Job(unit.number, unit.file, unit.first_row, unit.group, 0, None)
        case AuditShare():
            return _Job(unit.first_arrival, None, 0, unit.size, unit.rows, buffers.index(unit.buffer))


def _unit(job: _Job, buffers: Sequence[BlockBuffer]) -> Given:
    if job.file is None:
        return AuditShare(job.number, job.lines, job.size, buffers[job.buffer or 0])
    if job.buffer is None:
        return RowGroup(job.number, job.file, job.size, job.first)
    return Block(job.number, job.file, job.first, job.size, job.lines, buffers[job.buffer])


def _first_message(received: bytearray) -> tuple[int, bytes] | None:
    """The first whole message, taken out of what was received."""
    if len(received) <= _LENGTH_BYTES:
        return None
    end = _LENGTH_BYTES + 1 + int.from_bytes(received[:_LENGTH_BYTES], "big")
    if len(received) < end:
        return None
    kind, payload = received[_LENGTH_BYTES], bytes(memoryview(received)[_LENGTH_BYTES + 1 : end])
    del received[:end]
    return kind, payload


def _be_worker(
    channel: socket.socket, others: Sequence[socket.socket], handle: Handle, buffers: Sequence[BlockBuffer]
) -> None:
    """The whole life of a worker process; it does not return."""
    try:
        # Whoever interrupts the parent at a terminal interrupts its workers too; the parent decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for other in others:
            other.close()
        # What the parent made is never looked through for garbage: that would copy its memory.
        gc.freeze()
        _serve(channel, handle, buffers)
    except (BrokenPipeError, ConnectionResetError, MemoryError):
        # The parent, if it is there, sees that the channel has ended.
        return
    except BaseException:  # noqa: BLE001 - nobody else is left to tell of it
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _serve(channel: socket.socket, handle: Handle, buffers: Sequence[BlockBuffer]) -> None:
    for job in _jobs(channel):
        try:
            last = None
            for frame in framed(handle(_unit(job, buffers))):
                if last is not None:
                    _send(channel, _MORE, last)
                last = frame
            _send(channel, _LAST, last or b"")
        except (MemoryError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception:  # noqa: BLE001 - raised again in the parent
            _send(channel, _FAILED, traceback.format_exc().encode("utf-8", "replace"))


def _jobs(channel: socket.socket) -> Iterator[_Job]:
    with channel.makefile("rb") as coming:
        while len(head := coming.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
            yield msgspec.msgpack.decode(coming.read(int.from_bytes(head, "big")), type=_Job)


def _send(channel: socket.socket, kind: int, payload: bytes) -> None:
    channel.sendall(len(payload).to_bytes(_LENGTH_BYTES, "big") + bytes([kind]))
    channel.sendall(payload)
