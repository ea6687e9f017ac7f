"""The calls for programs: standard input is followed without being told to."""

from __future__ import annotations

import select
import subprocess
import sys
from pathlib import Path

RECORDING = Path(__file__).resolve().parents[3] / "examples" / "openbsd_listener_tcp.a.log"
PROGRAM = 'import dogwatch\nfor each in dogwatch.scan("-"): print(each.kind.value, flush=True)'


def test_a_pipe_gives_its_alerts_while_it_is_open() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=pipe, stdout=pipe, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(RECORDING.read_bytes())
        # An incident is given at its trigger, not at an end that may never come.
        kinds = []
        while "incident" not in kinds:
            ready, _, _ = select.select([process.stdout], [], [], 20)
            assert ready, "nothing arrived while the pipe stayed open"
            kinds.append(process.stdout.readline().decode().strip())
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(timeout=20) == 0
