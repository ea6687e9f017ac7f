"""Tables for people: alerts, and below them incidents, fitted to the terminal."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from dogwatch.alerts.model import SEVERITIES, Alert, AlertDocument, Detection, Incident
from dogwatch.cli.cells import fitted, severity, short_times
from dogwatch.cli.formats.options import Options, selected
from dogwatch.cli.summary import Summary, incident_attributes, summarise, text

_SEVERITY_CELLS = max(len(word) for word in SEVERITIES)
_LINE_CELLS = 240
"""Cells of a detection's line where no terminal says how many fit."""
_ROWS_PER_CELL = 3
"""Screen rows that the longest text of a table row may take."""


def write(detections: Iterable[Detection], stream: TextIO, options: Options) -> None:
    """Print tables of alerts and incidents when the last has been found, or a line for each as it comes."""
    if options.at_once:
        for detection in selected(detections, options):
            _print_line(detection, screen(stream, options.width))
        return
    alerts, incidents = _Kept(options.max_rows), _Kept(options.max_rows)
    for detection in selected(detections, options):
        (incidents if isinstance(detection, Incident) else alerts).add(detection)
    console = screen(stream, options.width)
    if not alerts.seen and not incidents.seen:
        console.print(Text("Nothing was detected."))
    if alerts.seen:
        rows = sorted((_summary(each) for each in alerts.rows()), key=lambda row: row.time)
        console.print(Group(alert_table(rows, console.width), *_more(alerts, "alerts")))
    if incidents.seen:
        documents = [each.document for each in incidents.rows()]
        console.print(Group(incident_table(documents, console.width), *_more(incidents, "incidents")))


def _summary(detection: Detection) -> Summary:
    blocks = [block.document for block in detection.building_blocks] if isinstance(detection, Alert) else []
    return summarise(detection.document, blocks)


def _print_line(detection: Detection, console: Console) -> None:
    """One detection on one line: when, how grave, which rule, where, who, what."""
    row = _summary(detection)
    line = Text(f"{row.time}  ")
    line.append_text(severity(row.severity))
    said = "  ".join(part for part in (_with_version(row.rule, row.version), row.host, row.user) if part)
    happened = row.happened
    if isinstance(detection, Incident):
        happened = ", ".join(f"{key}={value}" for key, value in detection.attributes.items())
    room = max(20, (console.width if console.is_terminal else _LINE_CELLS) - line.cell_len)
    line.append_text(fitted(f"  {said}  {happened}", room))
    console.print(line, soft_wrap=True)


def screen(stream: TextIO, width: int | None = None) -> Console:
    """A console on which text means only itself: no markup, no emoji codes, no highlighting.

    Colours appear on a terminal only.
    """
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def alert_table(rows: Sequence[Summary], width: int) -> RenderableType:
    """A table of alerts in the order given, at most ``width`` cells wide."""
    title, times = short_times([row.time for row in rows])
    time_cells = _cells([title, *times])
    host_cells = _share([row.host for row in rows], "host", width // 7)
    user_cells = _share([row.user for row in rows], "user", width // 9)
    room = max(2, width - 5 - time_cells - _SEVERITY_CELLS - host_cells - user_cells)
    rule_cells = _share([f"{row.rule} v{row.version}" for row in rows], "rule", room * 2 // 5)
    what_cells = max(1, room - rule_cells)
    table = _table(
        (title, time_cells),
        ("severity", _SEVERITY_CELLS),
        ("rule", rule_cells),
        ("host", host_cells),
        ("user", user_cells),
        ("what happened", what_cells),
    )
    for row, time in zip(rows, times, strict=True):
        table.add_row(
            fitted(time, time_cells),
            severity(row.severity),
            fitted(_with_version(row.rule, row.version), rule_cells * _ROWS_PER_CELL),
            fitted(row.host, host_cells),
            fitted(row.user, user_cells),
            fitted(row.happened, what_cells * _ROWS_PER_CELL),
        )
    return table


def incident_table(documents: Sequence[AlertDocument], width: int) -> RenderableType:
    """A table of incidents in the order given, at most ``width`` cells wide."""
    seen = [text(document, "fortisiem.incident.last_seen", "@timestamp") for document in documents]
    title, times = short_times(seen)
    time_cells = _cells([title, *times])
    counts = [text(document, "fortisiem.incident.count") for document in documents]
    count_cells = _share(counts, "count", 9)
    # In two words, so that a narrow column breaks between them.
    statuses = [text(document, "fortisiem.incident.status").replace("-", " ") for document in documents]
    # Where nothing was cleared the column would only take room.
    status_cells = _share(statuses, "status", width // 8) if set(statuses) - {"active", ""} else 0
    room = max(2, width - 4 - time_cells - _SEVERITY_CELLS - count_cells - status_cells - (status_cells > 0))
    titles = [text(document, "fortisiem.incident.title", "kibana.alert.rule.name") for document in documents]
    title_cells = _share(titles, "incident", room // 2)
    attribute_cells = max(1, room - title_cells)
    status_column = [("status", status_cells)] if status_cells else []
    table = _table(
        (title, time_cells),
        ("severity", _SEVERITY_CELLS),
        *status_column,
        ("count", count_cells),
        ("incident", title_cells),
        ("attributes", attribute_cells),
    )
    for document, time, status, count, name in zip(documents, times, statuses, counts, titles, strict=True):
        attributes = ", ".join(f"{key}={value}" for key, value in incident_attributes(document).items())
        table.add_row(
            fitted(time, time_cells),
            severity(text(document, "kibana.alert.severity")),
            *([fitted(status, status_cells * 2)] if status_cells else []),
            fitted(count, count_cells),
            fitted(name, title_cells * _ROWS_PER_CELL),
            fitted(attributes, attribute_cells * _ROWS_PER_CELL),
        )
    return table


@dataclass(slots=True)
class _Kept:
    """The most severe detections, as many as are shown, in the order in which they came.

    A flood of slight alerts cannot push a grave one off the table.
    """

    limit: int
    seen: int = 0
    _heap: list[tuple[int, int, Detection]] = field(default_factory=list)

    def add(self, detection: Detection) -> None:
        """Keep the detection if it is among the most severe; of equals, the earlier."""
        word = detection.severity
        entry = (SEVERITIES.index(word) if word in SEVERITIES else -1, -self.seen, detection)
        self.seen += 1
        if len(self._heap) < self.limit:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def rows(self) -> list[Detection]:
        """What was kept."""
        return [entry[2] for entry in sorted(self._heap, key=lambda entry: -entry[1])]


def _more(kept: _Kept, things: str) -> list[Text]:
    hidden = kept.seen - len(kept.rows())
    if not hidden:
        return []
    return [
        Text(
            f"{hidden:,} more {things if hidden > 1 else things[:-1]}, none more severe than those shown; "
            "--format ndjson or --format csv prints all."
        )
    ]


def _with_version(rule: str, version: str) -> str:
    return f"{rule} v{version}" if version else rule


def _table(*columns: tuple[str, int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0, collapse_padding=True, pad_edge=False, show_edge=False)
    for name, cells in columns:
        table.add_column(Text(name, overflow="ellipsis", no_wrap=True), width=cells, overflow="fold")
    return table


def _cells(lines: Iterable[str]) -> int:
    return max(len(part) for line in lines for part in line.split("\n"))


def _share(values: Sequence[str], header: str, most: int) -> int:
    """Cells for a column: what its longest text needs, but no more than ``most``."""
    needed = max((fitted(value, most).cell_len for value in values), default=0)
    return max(1, min(max(needed, len(header)), most))
