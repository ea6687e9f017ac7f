"""What a run was measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

_PACKAGES = ("dogwatch", "duckdb", "pyarrow", "numpy", "msgspec", "hyperscan")
_PEERS = ("eql", "pysigma", "pysigma-backend-sqlite")
_ASK = (
    "import importlib.metadata as m, sys\n"
    "for name in sys.argv[1:]:\n"
    "    try: print(name, m.version(name))\n"
    "    except m.PackageNotFoundError: pass\n"
)


def describe(load_before: tuple[float, float, float], peers: Path | None) -> dict[str, Any]:
    """Processor, system, versions, load and time."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    if peers and peers.is_file():
        asked = subprocess.run([str(peers), "-c", _ASK, *_PEERS], capture_output=True, text=True, check=True)
        versions |= dict(line.split() for line in asked.stdout.splitlines())
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.platform(),
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": versions,
        "load_average_before": [round(each, 2) for each in load_before],
        "load_average_after": [round(each, 2) for each in os.getloadavg()],
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }


def _commit() -> str:
    """The checkout's commit, with a mark if files differ from it; empty outside a checkout."""
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(
        [git, "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line), "unknown")
