"""Exceptions of rules: what they say, when they count, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from resource_files import load, said

from dogwatch.base.time import parse_instant
from dogwatch.rules.resources.exceptions import ANY_RULE

NOON = parse_instant("2026-11-20T12:00:00Z") or 0
MIDNIGHT = parse_instant("2026-11-20T23:00:00Z") or 0


def test_an_exception_is_about_a_rule_or_all(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        e_yaml="""\
exceptions:
  - {rule: PH_Rule_A, when: user = "a"}
  - {rule: [PH_Rule_B, PH_Rule_A], when: user = "b", comment: " Two. "}
  - {rule: "*", when: user = "c"}
""",
    )
    assert said(loaded) == []
    assert [each.text for each in loaded.exceptions_for("PH_Rule_A")] == [f'user = "{user}"' for user in "abc"]
    assert [each.text for each in loaded.exceptions_for("ph_rule_b")] == ['user = "b"', 'user = "c"']
    (only,) = loaded.exceptions_for("PH_Rule_C")
    assert (only.rule, str(only.place)) == (ANY_RULE, f"{tmp_path / 'e.yaml'}:4")
    assert loaded.exceptions[1].comment == "Two."


@pytest.mark.parametrize(
    ("when", "attributes", "holds"),
    [
        ('hostName = "web1" AND procName IN ("nc", "ncat")', {"hostName": "WEB1", "procName": "nc"}, True),
        ('hostName = "web1" AND procName IN ("nc", "ncat")', {"hostName": "web1", "procName": "vi"}, False),
        ('hostName = "web1"', {"user": "web1"}, False),
        ('hostName != "web1"', {"user": "root"}, False),
        ("hostName IS NULL", {"user": "root"}, True),
        ("destIpPort > 1023", {"destIpPort": "4444"}, True),
        ("destIpPort > 1023", {"destIpPort": "443"}, False),
        ("destIpPort > 1023", {"destIpPort": "many"}, False),
        ('swParam REGEXP "-e +/bin/"', {"swParam": "-l -e /bin/sh"}, True),
        ('procName = "nc"', {"procName": "/usr/bin/nc"}, True),
        ("myOwnAttribute = 5", {"myOwnAttribute": "5"}, True),
    ],
)
def test_a_condition_is_asked_of_the_incidents_attributes(
    tmp_path: Path, when: str, attributes: dict[str, str], holds: bool
) -> None:
    loaded = load(tmp_path, e_yaml=f"exceptions:\n  - rule: R\n    when: >-\n      {when}\n")
    (exception,) = loaded.exceptions_for("R")
    assert exception.holds(attributes, NOON) is holds


def test_conditions_may_name_groups(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml="exceptions: [{rule: R, when: srcIpAddr IN (Group@Mine)}]",
        b_yaml="groups: {Mine: [10.1.0.0/16, 10.2.0.1-10.2.0.9]}",
    )
    assert said(loaded) == []
    (exception,) = loaded.exceptions
    answers = [exception.holds({"srcIpAddr": each}, NOON) for each in ("10.1.2.3", "10.2.0.9", "10.2.0.10")]
    assert answers == [True, True, False]


def test_conditions_may_ask_of_watch_lists(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, a_yaml="exceptions: [{rule: R, when: hostName IN (Group@Known)}]\nwatch_lists: {Known: }"
    )
    assert said(loaded) == []
    (exception,) = loaded.exceptions
    assert exception.holds({"hostName": "a"}, NOON, lambda name, value: (name, value) == ("Known", "a"))
    assert not exception.holds({"hostName": "b"}, NOON, lambda name, value: (name, value) == ("Known", "a"))
    assert not exception.holds({"hostName": "a"}, NOON)


def test_an_exception_counts_at_its_times_only(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        e_yaml="""\
exceptions:
  - rule: R
    when: user = "a"
    from: 2026-11-20
    to: 2026-11-20T13:00+01:00
  - rule: R
    recurring:
      {days: [fri], start: 23:30, end: 06:00, timezone: Europe/Berlin, from: 2026-11-20, until: 2026-11-20}
  - rule: R
    from: 2026-11-21
    recurring: {days: [fri], start: 23:30, end: 06:00, timezone: Europe/Berlin}
  - rule: R
    recurring: {}
""",
    )
    assert said(loaded) == []
    first, second, third, fourth = loaded.exceptions
    hour = 3600 * 10**9
    assert [first.effective(NOON + each * hour) for each in (-13, -12, -1, 0)] == [False, True, True, False]
    assert not first.holds({"user": "a"}, NOON)
    assert first.holds({"user": "a"}, NOON - 1)
    assert [second.effective(MIDNIGHT + each * hour) for each in (-1, 0, 5, 6)] == [False, True, True, False]
    assert not second.effective(MIDNIGHT + 7 * 24 * hour)
    assert [third.effective(MIDNIGHT + each * hour) for each in (0, 1)] == [False, True]
    assert second.holds({}, MIDNIGHT)
    assert fourth.holds({}, NOON)


def test_bad_exceptions_cost_only_themselves(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        e_yaml="""\
exceptions:
  - {when: user = "a"}
  - {rule: R}
  - [R]
  - {rule: R, when: "", to: later}
  - {rule: R, from: 2026-11-22, to: 2026-11-22}
  - {rule: R, recurring: {days: [monday, noday], start: "25:00", end: 6, timezone: CEST5, from: 1, until: 2}}
  - {rule: R, recurring: {from: 2026-11-22, until: 2026-11-21, dayz: mon}}
  - {rule: R, recurring: daily}
  - {rule: R, when: [user, a]}
  - {rule: R, if: x, when: user = "kept"}
""",
        f_yaml="exceptions: {rule: R}",
    )
    assert said(loaded) == [
        (
            "error resource-missing e.yaml:2: an exception has no `rule`"
            " [name a rule by its id, or write `*` for all]"
        ),
        (
            "error resource-missing e.yaml:3: an exception has no `when`"
            " [say which incidents are meant, or at least for how long]"
        ),
        "error resource-type e.yaml:4: an exception must be a table, not a list [write `rule` and `when`]",
        (
            "error resource-value e.yaml:5: `to` of an exception must be a moment, not `later`"
            " [write it as 2026-11-22T10:00:00Z]"
        ),
        "error resource-value e.yaml:6: `to` of an exception must be after `from`",
        (
            "error resource-value e.yaml:7: `days` of `recurring` names no day of the week: `noday`"
            " [known are mon, tue, wed, thu, fri, sat, sun]"
        ),
        (
            "error resource-value e.yaml:7: `start` of `recurring` must be a time of day, not `25:00`"
            " [write it as 22:00]"
        ),
        "error resource-value e.yaml:7: `end` of `recurring` must be a time of day, not `6` [write it as 22:00]",
        (
            "error resource-value e.yaml:7: `timezone` of `recurring` names no time zone: `CEST5`"
            " [write it as Europe/Berlin]"
        ),
        "error resource-value e.yaml:7: `from` of `recurring` must be a day, not `1` [write it as 2026-11-22]",
        "error resource-value e.yaml:7: `until` of `recurring` must be a day, not `2` [write it as 2026-11-22]",
        "warning resource-key-unknown e.yaml:8: `dayz` means nothing in `recurring` [did you mean `days`?]",
        "error resource-value e.yaml:8: `until` of `recurring` must not be before `from`",
        "error resource-value e.yaml:9: `recurring` of an exception must be a table, not a text",
        "error resource-value e.yaml:10: `when` of an exception must be a single value, not a list",
        (
            "warning resource-key-unknown e.yaml:11: `if` means nothing in an exception"
            " [known are rule, when, from, to, recurring, comment]"
        ),
        "error resource-type f.yaml:1: `exceptions` must be a list, not a table",
    ]
    assert [each.text for each in loaded.exceptions] == ['user = "kept"']


def test_what_is_wrong_with_a_condition_is_told_where_it_stands(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        e_yaml="""\
exceptions:
  - rule: R
    when: user = "a" AND usr =
  - rule: R
    when: |
      user = "a"
      AND hostNam = "b"
  - rule: R
    when: "procId < \\"x\\""
""",
    )
    assert [(each.code, each.severity.value, str(each.place)) for each in loaded.diagnostics] == [
        ("fortisiem-syntax", "error", f"{tmp_path / 'e.yaml'}:3:31"),
        ("unknown-attribute", "warning", f"{tmp_path / 'e.yaml'}:7:11"),
        ("fortisiem-type", "error", f"{tmp_path / 'e.yaml'}:9:12"),
    ]
    assert len(loaded.exceptions) == 1
