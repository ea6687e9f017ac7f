"""``dogwatch resources``: what it shows, how it ends, and that hostile text moves no cursor."""

from __future__ import annotations

from pathlib import Path

from invocation import run

from dogwatch.cli import exits

RESOURCES = Path(__file__).resolve().parents[3] / "docs" / "fortisiem" / "examples" / "resources"


def test_check_counts_what_was_read() -> None:
    outcome = run("resources", "check", RESOURCES)
    assert (outcome.status, outcome.err) == (exits.RAN, "")
    assert [" ".join(line.split()) for line in outcome.out.splitlines()[2:]] == [
        "groups 8 21 members",
        "lookup tables 1 2 rows",
        "watch lists 3 4 values",
        "limits 3 8 devices and components",
        "profiles 2 7 rows",
        "exceptions 3",
        "0 errors, 0 warnings.",
    ]


def test_check_tells_problems_in_the_order_of_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("groups:\n  A: [10.0.0.0/99]\n  B: {}\n  B: b\n  C: {x: y}\n")
    outcome = run("resources", "check", path)
    assert outcome.status == exits.FOUND
    assert outcome.out.splitlines()[-1] == "2 errors, 1 warning."
    places = [line.strip() for line in outcome.err.splitlines() if line.startswith("  /")]
    assert places == [f"{path}:2", f"{path}:4:3", f"{path}:5"]


def test_what_cannot_be_looked_at_is_no_finding(tmp_path: Path) -> None:
    assert run("resources", "check", tmp_path / "missing").status == exits.USAGE
    assert run("resources", "show", tmp_path / "missing").status == exits.USAGE
    assert run("resources", "check", tmp_path / "missing", RESOURCES).status == exits.FOUND
    assert run("resources", "show", tmp_path / "missing.yaml", RESOURCES).status == exits.LEFT_OUT
    assert run("resources", "check").status == exits.USAGE


def test_show_lists_everything_within_the_width() -> None:
    outcome = run("resources", "show", RESOURCES, width=70)
    assert (outcome.status, outcome.err) == (exits.RAN, "")
    assert max(len(line) for line in outcome.out.splitlines()) <= 70
    for word in ("PH_SYS_DEVICE_Storage", "LoginCountries", "FAILED_LOGINS", "MemUtilCrit", "116", "mon-fri"):
        assert word in outcome.out


def test_show_shows_what_has_a_name() -> None:
    def shown(name: str, *more: str) -> list[list[str]]:
        outcome = run("resources", "show", *more, RESOURCES, name, width=120)
        assert outcome.status == exits.RAN
        return [line.split() for line in outcome.out.splitlines()]

    assert shown("Group@admin_stations")[3:] == [
        ["192.168.7.0/28"],
        ["10.1.1.0/24"],
        ["10.2.0.5"],
        ["10.3.0.1-10.3.0.9"],
    ]
    assert shown("ADMIN_STATIONS", "--rows", "1")[3:] == [
        ["192.168.7.0/28"],
        ["and", "3", "more;", "`--rows`", "shows", "more"],
    ]
    assert shown("logincountries")[3:] == [
        ["alice", "de", "41", "2026-11-20T08:12:00.000Z", "office"],
        ["bob", "fr", "7", "2026-11-19T17:40:00.000Z"],
    ]
    assert shown("Blocked_Ports")[3:] == [
        ["4444", "2026-11-01T00:00:00.000Z"],
        ["31337", "2026-11-01T00:00:00.000Z"],
    ]
    assert shown("Suspicious_Hosts")[3] == ["build-17", "from", "the", "beginning"]
    assert shown("diskutilcrit")[3:] == [["all", "90"], ["db1", "80"], ["db1", "/var", "70"]]
    assert shown("125")[3:] == [
        ["fw1", "9", "workday", "5400", "620"],
        ["fw1", "any", "weekend", "310", "75"],
        ["any", "any", "any", "900", "300"],
    ]
    assert shown("125")[0] == ["profile", "125", "hours", "of", "UTC"]


def test_an_unknown_name_is_told_with_what_was_meant() -> None:
    outcome = run("resources", "show", RESOURCES, "adminstations")
    assert outcome.status == exits.USAGE
    assert "did you mean `ADMIN_STATIONS`?" in outcome.err


def test_hostile_text_moves_no_cursor(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("group,member\nG\x1b[2J,\x1b]0;m\x07[red]x\nH,\u202ey\nI,10.0.0.0/9\x1b[9A\n")
    for arguments in (("check", path), ("show", path), ("show", path, "G\x1b[2J"), ("show", path, "no\x1b[2J")):
        outcome = run("resources", *arguments)
        for written in (outcome.out, outcome.err):
            assert not set("\x1b\x07\u202e") & set(written)
    assert "[red]x" in run("resources", "show", path, "G\x1b[2J").out
