"""Queries that no honest person writes: each is answered or refused, soon and in little memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_MEMORY = 4 << 30
"""Bytes of address space that the worker may take: a MemoryError within it fails the query that caused it."""

_PATIENCE = 60
"""Seconds after which a query counts as never answered: each takes less than one on an idle machine."""

_WORKER = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
import dogwatch
from dogwatch.base.diagnostic import DogwatchError

event = {
    "@timestamp": "2026-01-01T00:00:00Z",
    "event": {"category": "process", "type": "start"},
    "process": {"name": "a" * 1000, "pid": 1, "args": ["a", "b"]},
    "source": {"ip": "10.0.0.1"},
}
for line in sys.stdin:
    language, query = json.loads(line)
    try:
        answer = ["hits", len(dogwatch.search(language, query, [event] * 3))]
    except DogwatchError as error:
        answer = ["refused", str(error)]
    except BaseException as error:
        answer = ["failed", repr(error)[:500]]
    print(json.dumps(answer), flush=True)
"""

_COMMAND = (sys.executable, "-c", "from dogwatch.cli.main import main; main()")

_LETTERS = "".join(chr(0x100 + 2 * number) for number in range(4000))
_REGEXES = (
    "(a+)+$",
    "(a|aa)*",
    "[a-z]{1000}{1000}",
    "~(" * 40 + "a" + ")" * 40,
    "~(" * 4000 + "a" + ")" * 4000,
    "<0-999999999>",
    "<0-999999999999999999>" * 20,
    f"[{_LETTERS}].*",
    "a?" * 4000,
    "(a{1,30}){1,30}",
    "(.{1,500}a){50}",
    "(.*a){100}",
    "a{1,1000}" * 900,
    "(" * 10_000,
    "[" * 10_000,
    "~" * 10_000,
    "a" * 100_000,
    "\ud800.*",
)

EQL = {
    "brackets": f"any where {'(' * 10_000}true{')' * 10_000}",
    "open brackets": f"any where {'(' * 10_000}",
    "nots": f"any where {'not ' * 10_000}true",
    "minuses": f"any where process.pid == {'-' * 10_000}1",
    "sums": f"any where process.pid == {'1 + ' * 10_000}1",
    "concats": f"any where {'concat(' * 10_000}process.name{')' * 10_000} == 'a'",
    "wide concat": f"any where concat({'process.name,' * 15_000}'a') == \"a\"",
    "ors": f"any where {' or '.join(f'process.pid == {number}' for number in range(100_000))}",
    "ors within the limits": f"any where {' or '.join(f'process.pid == {number}' for number in range(3_300))}",
    "list": f"any where process.pid in ({', '.join(map(str, range(100_000)))})",
    "list within the limits": f"any where process.pid in ({', '.join(map(str, range(9_900)))})",
    "many wildcards": "any where process.name : (" + ", ".join(f'"*a{number}*b"' for number in range(9_000)) + ")",
    "stars": f'any where process.name : "{"*" * 100_000}"',
    "starred letters": f'any where process.name : "{"*a" * 100_000}b"',
    "starred questions": f'any where process.name : "{"*?" * 100_000}"',
    "long text": f'any where process.name == "{"a" * 1_000_000}"',
    "long name": f"any where {'a' * 1_000_000} == 1",
    "deep name": f"any where {'a.' * 100_000}a == 1",
    "junk": "$" * 1_000_000,
    "quotes": "any where " + '"' * 1_000_000,
    "open comment": f"any where true {'/*' * 100_000}",
    "open backtick": f"any where `{'a' * 100_000}",
    "digits": f"any where process.pid == {'9' * 100_000}",
    "exponent": "any where process.pid == 1e999999999",
    "huge product": "any where process.pid == 9999999999999999999 * 9999999999999999999 * 1e300",
    "division by zero": "any where 1 / 0 == 1 or process.pid % 0 == 1",
    "number's base": "any where number(process.name, 999999999999) == 1",
    "no span": "sequence with maxspan=0s [any where true] [any where true]",
    "long span": "sequence with maxspan=999999999999d [any where true] [any where true]",
    "longest span": f"sequence with maxspan={'9' * 5000}d [any where true] [any where true]",
    "runs": "sequence [any where true] with runs=1000000 [any where true]",
    "stages": f"sequence {'[any where true] ' * 10_000}",
    "keys": f"sequence by {', '.join(['process.name'] * 10_000)} [any where true] [any where true]",
    "pipes": f"any where true {'| head 5 ' * 10_000}",
    "head": f"any where true | head {'9' * 5000}",
    "a NUL": 'any where process.name == "a\0b"',
    "a NUL outside": "any\0where true",
    "half a pair": 'any where process.name : "\ud800*"',
    "half a pair, escaped": r'any where process.name == "\u{d800}"',
    "no character": r'any where process.name == "\u{ffffffff}"',
    "date math": f'any where @timestamp > "now{"-1d" * 10_000}"',
    "unknown fields": "any where " + " or ".join(f"fie{number}ld == 1" for number in range(4_900)),
    "many regexes": "any where "
    + " or ".join(f'process.name regex "{"a?" * 100}{number}"' for number in range(900)),
    "many intervals": "any where "
    + " or ".join(f'process.name regex "<0-{10**12 + number}>"' for number in range(200)),
    "nothing": "",
}
KQL = {
    "brackets": f"{'(' * 10_000}a: b{')' * 10_000}",
    "open brackets": "a: " + "(" * 10_000,
    "open braces": "a: {" * 10_000,
    "nots": f"{'not ' * 10_000}a: b",
    "ors": " or ".join(f"process.pid: {number}" for number in range(100_000)),
    "values": f"process.name: ({' or '.join(map(str, range(100_000)))})",
    "values within the limits": f"process.name: ({' or '.join(map(str, range(9_900)))})",
    "starred letters": f"process.name: {'*a' * 100_000}b",
    "stars": f"process.name: {'*' * 100_000}",
    "starred names": f"{'*a' * 1000}: b",
    "stars as a name": f"{'*' * 100_000}: b",
    "long word": "a" * 200_000,
    "longest word": "a" * 1_000_000,
    "deep name": f"{'a.' * 100_000}a: b",
    "backslashes": "\\" * 1_000_000,
    "quotes": '"' * 1_000_000,
    "colons": ":" * 1_000_000,
    "digits": f"process.pid: {'9' * 100_000}",
    "exponent": "process.pid > 1e999999999",
    "a NUL": "process.name: a\0b",
    "half a pair": "process.name: \ud800*",
    "date math": f"@timestamp > now{'-1d' * 10_000}",
    "many years": "@timestamp >= now-99999999999999999999y",
}
FORTISIEM = {
    "brackets": f"{'(' * 10_000}procName = 'a'{')' * 10_000}",
    "nots": f"{'NOT ' * 10_000}procName = 'a'",
    "ors": " OR ".join(f"procName = 'a{number}'" for number in range(100_000)),
    "ors within the limits": " OR ".join(f"procName = 'a{number}'" for number in range(4_900)),
    "list": f"procName IN ({', '.join(map(repr, map(str, range(100_000))))})",
    "sums": f"procId = {'1 + ' * 10_000}1",
    "digits": f"procId = {'9' * 100_000}",
    "exponent": "procId = 1e999999999",
    "quotes": "'" * 1_000_000,
    "junk": "$" * 1_000_000,
    "deep name": f"{'a.' * 100_000}a = 'b'",
    "many regexes": " OR ".join(f'procName REGEXP "{number}a.{{1,390}}b"' for number in range(1000)),
    "wide regex": r'procName REGEXP "' + r"\p{L}" * 90 + '"',
    "a NUL": "procName = 'a\0b'",
    "half a pair": "procName = '\ud800'",
    "nothing": "",
}
LUCENE = {
    "brackets": f"{'(' * 10_000}a:b{')' * 10_000}",
    "open brackets": "a:" + "(" * 10_000,
    "nots": f"{'NOT ' * 10_000}a:b",
    "pluses": f"{'+' * 10_000}a:b",
    "ors": " OR ".join(f"process.pid:{number}" for number in range(100_000)),
    "starred letters": f"process.name:{'*a' * 100_000}b",
    "long word": "a" * 200_000,
    "longest word": "a" * 1_000_000,
    "quotes": '"' * 1_000_000,
    "backslashes": "\\" * 1_000_000,
    "slashes": "/" * 1_000_000,
    "open range": f"process.pid:[{'1 ' * 100_000}",
    "ranges": "process.pid:[1 TO " * 10_000,
    "boosts": f"a{'^2' * 10_000}",
    "fuzzy": f"a{'~' * 10_000}",
    "digits": f"process.pid:{'9' * 100_000}",
    "a NUL": "process.name:a\0b",
    "half a pair": "process.name:\ud800*",
}
QUERIES = {
    **{f"eql {name}": ("eql", query) for name, query in EQL.items()},
    **{f"kql {name}": ("kql", query) for name, query in KQL.items()},
    **{f"fortisiem {name}": ("fortisiem", query) for name, query in FORTISIEM.items()},
    **{f"lucene {name}": ("lucene", query) for name, query in LUCENE.items()},
    **{f"eql ~ {text[:15]!a}": ("eql", f'any where process.name regex~ "{text}"') for text in _REGEXES},
    **{f"eql f ~ {text[:15]!a}": ("eql", f'any where string(process.pid) regex "{text}"') for text in _REGEXES},
    **{f"fortisiem ~ {text[:15]!a}": ("fortisiem", f'procName REGEXP "{text}"') for text in _REGEXES},
    **{f"lucene ~ {text[:15]!a}": ("lucene", f"process.name:/{text}/") for text in _REGEXES},
}


class Worker:
    """A process that answers queries within limits; it is started anew after one that it did not survive."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, language: str, query: str) -> tuple[str, str | int]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _WORKER, str(_MEMORY)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONWARNINGS": "error"},
            )
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps([language, query]) + "\n")
        process.stdin.flush()
        resource.prlimit(
            process.pid, resource.RLIMIT_CPU, (_spent(process.pid) + _PATIENCE, resource.RLIM_INFINITY)
        )
        answer = process.stdout.readline()
        if not answer:
            return ("never answered", process.wait())
        kind, what = json.loads(answer)
        return (kind, what)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def _spent(pid: int) -> int:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) // os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    started = Worker()
    yield started
    started.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process as Linux does")
@pytest.mark.parametrize("name", QUERIES)
def test_a_hostile_query_is_answered_or_refused(worker: Worker, name: str) -> None:
    kind, what = worker.ask(*QUERIES[name])
    assert kind in ("hits", "refused"), what
    if kind == "refused":
        assert isinstance(what, str)
        assert what.partition(":")[0].replace("-", "").isalpha()
        assert len(what) < 60_000
    if "within the limits" in name:
        assert kind == "hits"


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b'[rule]\nname = "\xc3"', b"\0" * 1000, b"[" * 100_000, b"a." * 100_000 + b"a = 1"],
    ids=["half a mark", "invalid UTF-8", "NULs", "brackets", "deep key"],
)
def test_a_hostile_rule_file_costs_itself_only(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "rule.toml").write_bytes(content)
    (tmp_path / "rule.xml").write_bytes(content)
    (tmp_path / "rule.ndjson").write_bytes(content)
    command = [*_COMMAND, "rules", "check", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert done.returncode in (1, 2, 3), done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "error" in done.stderr + done.stdout


def test_the_command_refuses_what_the_library_refuses(tmp_path: Path) -> None:
    (tmp_path / "events.ndjson").write_text('{"event": {"category": "process"}}\n')
    query = f"any where {'(' * 10_000}true{')' * 10_000}"
    command = [*_COMMAND, "search", "eql", query, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: eql-syntax: ")
    assert len(done.stderr) < 2000
