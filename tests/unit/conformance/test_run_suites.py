import json
import sys
from pathlib import Path

import pytest
from suite_folders import EVENTS, case, write

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from conformance.__main__ import main
from conformance.model import FileOutcome, Status
from conformance.suite import run_suites


def run(folder: Path, *more: Path) -> list[FileOutcome]:
    return list(run_suites([folder], more))


def statuses(folder: Path, *more: Path) -> list[Status]:
    return [outcome.status for file in run(folder, *more) for outcome in file.outcomes]


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (case('process where name == "tern"', "[1]"), True),
        (case('process where name == "tern"', "[2]"), False),
        (case('process where name : "tern"', "[1, 2]"), True),
        (case('process where name : "tern"', "[2, 1]"), False),
        (case('process where name : "tern"', "[[7], [1, 2]]"), True),
        (case('process where name : "tern"', "[]"), False),
        (case("process where name : ", "[]"), False),
        (case("any where true", "[2, 3]", "size = 2"), True),
        (case("any where true", "[1, 2]", "size = 2"), False),
        (case("any where true | head 2", "[1, 2]"), True),
        (case("sequence by who [process where true] [process where true]", "[1, 2]", 'join_keys = ["ana"]'), True),
        (case("sequence by who [process where true] [process where true]", "[1, 2]", 'join_keys = ["bo"]'), False),
        (case("sequence by who [process where true] [process where true]", "[1, 2]", "join_keys = []"), False),
        (case("sequence by ?x [file where true] by ?who [file where true] by ?who", "[]"), True),
        (case("sequence with maxspan=9s [process where id == 2] ![file where id == 9]", "[2, -1]"), True),
        (
            case(
                "sequence [process where id == 2] by ?x [file where true] by ?who", "[2, 3]", "join_keys = [null]"
            ),
            True,
        ),
        (case("sample by who [process where true] [process where true]", '[["1", "2"], [2, 1]]'), True),
        ("[[queries]]\nquery = 'process where 1 < 2 < 3'\nname = 'x'\nrefused = true\n", True),
        ("[[queries]]\nquery = 'process where true'\nname = 'x'\nrefused = true\n", False),
    ],
)
def test_a_case_passes_if_both_evaluators_give_the_answer(tmp_path: Path, text: str, passes: bool) -> None:
    write(tmp_path, {"boats.toml": text, "boats.data": EVENTS})
    assert statuses(tmp_path) == [Status.PASSED if passes else Status.FAILED]


def test_a_failure_says_what_each_evaluator_found(tmp_path: Path) -> None:
    write(tmp_path, {"boats.toml": case("process where true", "[1]"), "boats.data": EVENTS})
    ((outcome,),) = [file.outcomes for file in run(tmp_path)]
    assert {mismatch.evaluator.split(",")[0] for mismatch in outcome.mismatches} == {"reference", "engine"}
    assert {(mismatch.expected, mismatch.got) for mismatch in outcome.mismatches} == {("[1]", "[1, 2]")}


@pytest.mark.parametrize("where", ["x/y/boats.data", "x/y/data/boats.json", "data/boats.ndjson", "z/boats.data"])
def test_data_are_found_anywhere_in_the_suite(tmp_path: Path, where: str) -> None:
    write(tmp_path, {"x/y/test_boats.toml": case("any where true", "[1, 2, 3]"), where: EVENTS})
    assert statuses(tmp_path) == [Status.PASSED]


def test_data_are_found_beside_the_suite_and_in_other_folders(tmp_path: Path) -> None:
    cases = case("any where true", "[1, 2, 3]")
    write(tmp_path, {"suite/boats.toml": cases, "data/boats.data": EVENTS})
    assert statuses(tmp_path / "suite") == [Status.PASSED]
    write(tmp_path, {"a/b/ships.toml": cases, "far/off/ships.data": EVENTS})
    assert statuses(tmp_path / "a" / "b") == [Status.FAILED]
    assert statuses(tmp_path / "a" / "b", tmp_path / "far") == [Status.PASSED]
    assert statuses(tmp_path / "a" / "b" / "ships.toml", tmp_path / "far") == [Status.PASSED]


def test_a_manifest_goes_before_everything_else(tmp_path: Path) -> None:
    manifest = """
[defaults]
data = ["harbour.data"]
[files."test_extra.toml"]
category = "kind"
id = "serial.number"
timestamp = "when"
size = 1
mapping = { when = { type = "date", format = "dd-MM-yyyy" } }
"""
    events = """
{"serial": {"number": 8}, "kind": "boat", "when": "02-01-2031"}
{"serial": {"number": 9}, "kind": "boat", "when": "01-02-2030"}
"""
    cases = case("boat where true", "[8]")
    write(tmp_path, {"conformance.toml": manifest, "deep/test_extra.toml": cases, "harbour.data": events})
    assert statuses(tmp_path) == [Status.PASSED]


@pytest.mark.parametrize(
    "manifest",
    [
        "[defaults]\n",
        "[defaults]\ndata = []\n",
        "[defaults]\ndata = ['boats.data']\ncolour = 'red'\n",
        "[defaults]\ndata = ['boats.data']\nconvert = 'magic'\n",
        "[defaults]\ndata = ['boats.data']\nmapping = { name = { type = 'alias', path = 'nowhere' } }\n",
        "[defaults]\ndata = ['boats.data', 'lost.data']\n",
        "[defaults\n",
    ],
)
def test_a_manifest_that_is_wrong_fails_its_files(tmp_path: Path, manifest: str) -> None:
    write(tmp_path, {"conformance.toml": manifest, "boats.toml": case("any where true", "[1, 2, 3]")})
    write(tmp_path, {"boats.data": EVENTS})
    ((outcome,),) = [file.outcomes for file in run(tmp_path)]
    assert outcome.status is Status.FAILED
    assert outcome.mismatches[0].evaluator == "loading"


def test_what_is_unstable_upstream_must_fail(tmp_path: Path) -> None:
    manifest = "[defaults]\ndata = ['boats.data']\n[defaults.unstable]\n'a case' = 'depends on pages'\n"
    write(tmp_path, {"conformance.toml": manifest, "boats.data": EVENTS})
    write(tmp_path, {"boats.toml": case("any where true", "[7]")})
    ((outcome,),) = [file.outcomes for file in run(tmp_path)]
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, "unstable upstream: depends on pages")
    write(tmp_path, {"boats.toml": case("any where true", "[1, 2, 3]")})
    assert statuses(tmp_path) == [Status.FAILED]


@pytest.mark.parametrize(
    "text",
    [
        "[[queries]]\nname = 'no query'\nexpected_event_ids = []\n",
        "[[queries]]\nquery = 'any where true'\n",
        "[[queries]]\nquery = 'any where true'\nrefused = true\nexpected_event_ids = []\n",
        "[[queries]\n",
    ],
)
def test_a_file_that_is_no_suite_of_cases_fails(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"boats.toml": text, "boats.data": EVENTS})
    assert statuses(tmp_path) == [Status.FAILED]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\n", "notes.md": "", "x.data": "[]"})
    assert run(tmp_path) == []


def test_foldings(tmp_path: Path) -> None:
    text = """
[sums]
[[sums.fold.tests]]
expression = "1 + 1"
expected = 2
[[sums.fold.tests]]
expression = "1 + null"
[[sums.fold.tests]]
expression = 'concat("a", "b")'
expected = "ab"
[[sums.verifier.failures]]
expression = "length()"
[old]
case_insensitive = true
[[old.fold.tests]]
expression = '"A" == "a"'
expected = true
[[old.fold.tests]]
expression = '"A" < "b"'
expected = true
[[old.fold.tests]]
expression = '"a":length()'
expected = 1
[[rounds.loop]]
[rounds.loop.param]
name = "v"
type = ["int", "string", "null"]
[[rounds.loop.fold.tests]]
expression = "$v == null"
expected = false
"""
    write(tmp_path, {"folds.toml": text})
    (file,) = run(tmp_path)
    found = [outcome.status.value for outcome in file.outcomes]
    assert found == ["passed"] * 5 + ["skipped"] * 2 + ["passed"] * 2 + ["failed"]


def test_series(tmp_path: Path) -> None:
    drawing = """
// two stages
plain
A1 A2   X9
      B3
;
A2 B3
;
keyed
r|A1 u|A2
          u|B3 r|B4
;
u|A2 B3
r|A1 B4
;
wrong
A1
  B2
;
;
"""
    write(tmp_path, {"drawn.series-spec": drawing})
    (file,) = run(tmp_path)
    assert [(o.case.name, o.status.value) for o in file.outcomes] == [
        ("plain", "passed"),
        ("keyed", "passed"),
        ("wrong", "failed"),
    ]


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ({"boats.toml": case("any where true", "[1, 2, 3]")}, 0, "total of 1 file: 1 passed, 0 failed, 0 skipped"),
        ({"boats.toml": case("any where true", "[1]")}, 1, "FAILED a case"),
        (
            {"boats.toml": case("any where true", "[1]")},
            1,
            "engine, tail, batches of 7: expected [1], got [1, 2, 3]",
        ),
        ({}, 2, "no cases were found"),
    ],
)
def test_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], status: int, said: str
) -> None:
    write(tmp_path, {**files, "boats.data": EVENTS})
    assert main([str(tmp_path)]) == status
    told = capsys.readouterr()
    assert said in told.out + told.err


def test_the_command_s_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = case("any where true", "[1]") + case("file where true", "[3]", name="another")
    write(tmp_path, {"boats.toml": cases, "boats.data": EVENTS})
    assert main([str(tmp_path), "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["failed"], told["skipped"]) == (1, 1, 0)
    assert [each["status"] for each in told["files"][0]["cases"]] == ["failed", "passed"]


def test_the_command_says_why_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path, {"boats.toml": "[[queries]]\nquery = 'join [a where b] [c where d]'\nexpected_event_ids = []\n"}
    )
    write(tmp_path, {"boats.data": EVENTS})
    assert main([str(tmp_path), "--verbose"]) == 0
    assert "skipped 1: other dialect: join" in capsys.readouterr().out


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "there is no" in capsys.readouterr().err
