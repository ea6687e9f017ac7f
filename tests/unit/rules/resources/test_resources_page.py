"""The page about resources shows the files of the example folder, and they are all in order.

``DOGWATCH_UPDATE_DOCS=1`` writes the files into the page anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from dogwatch.base.time import parse_instant
from dogwatch.logic.pattern import Statistic
from dogwatch.rules.resources.load import load_resources

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs" / "fortisiem" / "resources.md"
EXAMPLES = ROOT / "docs" / "fortisiem" / "examples" / "resources"
_BLOCK = re.compile(r"^(```\w+ (\S+)\n).*?^```$", re.MULTILINE | re.DOTALL)


def test_the_page_shows_every_example_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = [match[2] for match in _BLOCK.finditer(page)]
    assert sorted(shown) == sorted(each.name for each in EXAMPLES.iterdir())
    current = _BLOCK.sub(lambda match: f"{match[1]}{(EXAMPLES / match[2]).read_text(encoding='utf-8')}```", page)
    if os.environ.get("DOGWATCH_UPDATE_DOCS") == "1":
        PAGE.write_text(current, encoding="utf-8")
        page = current
    assert page == current


def test_the_examples_have_no_problems_and_mean_what_the_page_says() -> None:
    loaded = load_resources([EXAMPLES])
    assert loaded.diagnostics == ()
    assert loaded.group("Event Types:Account Created") == (
        "Win-Security-4720",
        "Win-Security-4741-*",
        "Generic_Unix_User_Added",
    )
    assert loaded.group("ADMIN_STATIONS") == ("192.168.7.0/28", "10.1.1.0/24", "10.2.0.5", "10.3.0.1-10.3.0.9")
    assert len(loaded.group("BLOCKED_ADDRESSES") or ()) == 3
    assert loaded.group("PH_SYS_DEVICE_Server") == ("10.4.0.11", "10.4.0.12")
    table = loaded.table("LoginCountries")
    assert table is not None
    assert table.rows["bob", "fr"] == (7, parse_instant("2026-11-19T17:40:00Z"), None)
    assert loaded.is_watch_list("FAILED_LOGINS")
    limits = [loaded.threshold("db1", each, "DiskUtilCrit") for each in ("/var", "/usr", None)]
    assert limits == [70, 80, 80]
    assert [loaded.threshold("db1", each, "MemUtilCrit") for each in ("swap", None)] == [20, 80]
    friday = parse_instant("2026-11-20T08:30:00Z") or 0
    assert loaded.baseline(116, Statistic.AVERAGE, ("fw1",), friday) == 1200
    assert loaded.baseline(116, Statistic.DEVIATION, ("fw2",), friday) == 40
    assert loaded.baseline(125, Statistic.AVERAGE, ("fw1",), friday) == 900
    (_, nightly, move) = loaded.exceptions_for("PH_Rule_TH_Linux_23")
    night = parse_instant("2026-11-20T23:00:00Z") or 0
    assert [nightly.holds({"user": "backup"}, time) for time in (friday, night)] == [False, True]
    assert move.holds({"hostIpAddr": "192.168.7.3"}, parse_instant("2026-12-06T00:00:00Z") or 0)
    assert not move.holds({"hostIpAddr": "192.168.7.3"}, night)
