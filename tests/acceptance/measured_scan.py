"""Scans the paths given and prints what was found and the memory it took, as JSON: a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from recordings import counted

from dogwatch.alerts.model import Alert
from dogwatch.detect.api import scan


def main() -> None:
    """Print counts, alerts, incidents, diagnostics and the peak of resident memory."""
    run = scan(sys.argv[1:])
    detections = list(run)
    alerts: list[dict[str, Any]] = []
    incidents: list[dict[str, Any]] = []
    for each in detections:
        if isinstance(each, Alert):
            version = f"v{each.document['kibana.alert.rule.version']}"
            alerts.append({"uuid": each.uuid, "version": version, "pid": each.document["process"]["pid"]})
        else:
            triggers = [trigger.id for trigger in each.triggers]
            incidents.append({"uuid": each.uuid, "attributes": each.attributes, "triggers": triggers})
    result = {
        "counted": counted(detections),
        "alerts": sorted(alerts, key=lambda alert: (alert["uuid"], alert["version"])),
        "incidents": sorted(incidents, key=lambda incident: incident["uuid"]),
        "diagnostics": [str(each) for each in run.diagnostics],
        "peak_bytes": peak_bytes(),
    }
    sys.stdout.write(json.dumps(result))


def peak_bytes() -> int:
    """The most memory that this process has had resident.

    Taken from the kernel's account of this address space, since ``getrusage`` would count the parent's as well.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("the kernel states no peak of resident memory")


if __name__ == "__main__":
    main()
