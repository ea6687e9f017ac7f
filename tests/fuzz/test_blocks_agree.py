"""A block read natively gives what its lines give one by one, wherever it is cut and whatever is among them."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

from campaign import campaign
from hypothesis import given
from hypothesis import strategies as st
from plausible_lines import KINDS, Writer

from block_oracle import FIELDS, assert_agree, assert_files_agree
from dogwatch.schema.derived import derived_fields
from dogwatch.schema.field import FieldRef, FieldType

KEYS = st.sampled_from(
    [
        "process", "name", "text", "pid", "args", "parent", "start", "code_signature", "trusted", "event",
        "category", "host", "ip", "labels", "Process", "NAME", "process.name", "parent.name", "process.parent",
        "process.parent.name", "name.text", "process.name.text", "event.category", "data_stream", "type",
        "dataset", "namespace", "sequence", "event.sequence", "id", "_id", "größe", "größe.名前", "名前",
        "größe.名前", "@timestamp", "fields", "it's \"odd\"; --\\", "a\\b", "eventType", "attributes", "",
    ]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(0, 99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(
        [
            "nc", "", "12", "1e3", "[", "{", '["a"]', '{"a":1}', "true", "null", "10.0.0.1", "::ffff:1.2.3.4",
            "2026-01-01T00:00:00Z", "2026-01-01", "NaN", ", ]", ",}", '"', '\\": ', "\0", "\x7f", "\u017f",
        ]
    )
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
ANY = st.dictionaries(KEYS, VALUES, max_size=5)
ORDINARY = st.fixed_dictionaries(
    {"@timestamp": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456789Z"])},
    optional={
        "process": st.fixed_dictionaries(
            {"name": st.sampled_from(["nc", "bash", "größe", "C:\\x", 'a "b": c'])},
            optional={
                "pid": st.integers(0, 9),
                "args": st.lists(st.sampled_from(["-l", "-p", ""]), max_size=3),
                "parent": st.fixed_dictionaries({}, optional={"name": st.just("sh"), "start": st.just(1700)}),
                "code_signature": st.just({"trusted": True}),
            },
        ),
        "event": st.fixed_dictionaries(
            {"category": st.just("process") | st.just(["process"])},
            optional={"id": st.text(max_size=3), "sequence": st.integers(0, 9), "risk_score": st.floats(0, 9)},
        ),
        "host": st.just({"ip": ["10.0.0.1", "::1"]}),
        "data_stream": st.just({"type": "logs", "dataset": "x", "namespace": "y"}),
        "größe.名前": st.just("x"),
        "message": st.text(max_size=9),
    },
)
HITS = st.builds(
    lambda source, more: {"_index": ".ds-logs-x-y-2026.01.01-000001", "_id": "7", "_source": source, **more},
    ORDINARY,
    st.sampled_from(
        [
            {}, {}, {}, {"_score": 1.5, "sort": [1]}, {"fields": {"process.name": ["nc"]}, "_source": None},
            {"_index": None}, {"_index": ""}, {"_index": 5}, {"_id": None}, {"_shards": None}, {"eventType": "X"},
            {"_source": {"eventType": "X", "hostName": "web1", "phRecvTime": 1700000000}}, {"_source": [{}]},
            {"_source": {"_source": {"process": {"name": "a"}}, "_index": "q", "_id": "inner"}}, {"_source": 1},
            {"_source": {"eventType": None, "process": {"name": "a"}}}, {"hits": {"hits": []}, "_shards": {}},
        ]
    ),
)  # fmt: skip
FORTISIEM: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"eventType": "LINUX_PROCESS_EXEC", "hostName": "web1", "phRecvTime": 1700000000},
        {"attributes": {"eventType": "X", "hostName": "web1", "reptDevIpAddr": "10.0.0.1"}},
        {"events": [{"eventType": "X", "hostName": "a", "phRecvTime": "soon"}]},
        {"eventType": None, "hostName": "web1"},
    ]
)
RAW = st.sampled_from(
    [
        b"", b"  ", b"\t\r", b"\x0b", b"\x0c ", b"garbage", b'{"process":', b"{}", b"[]", b"5", b"null", b"{}{}",
        b'{"process": {"name": "nc"}} x', b'{"process": {"name": "nc"}}\x0b', b"\xef\xbb\xbf{}", b"{}\0",
        b'{"process": {"name": "\xff"}}', b'{"x": "\xed\xa0\x80"}', b'{"process": {"name": "\\ud800"}}',
        b'{"process": {"name": "a\x01"}}', b'{"process": {"pid": NaN}}', b'{"x": [-Infinity]}', b'{"x": inf }',
        b'{"process": {"args": ["a",]}}', b'{"process": {"name": "a",}}', b'{"x": 1e400}', b'{"x": 1e-400}',
        b'{"process": {"pid": 1' + b"0" * 400 + b'}}', b'{"event": {"risk_score": 1E5}}',
        b'{"process": {"name": 123456789012345678901.5}}', b'{"process": {"name": 0.00001}}',
        b'{"process": {"name": -0}}', b'{"process": {"name": 1.10}}', b'{"process": {"pid": 01}}',
        b'{"\\u0070rocess": {"name": "nc"}}', b'{"process": {"n\\u0061me": "nc"}}', b'{"process.\\u006eame": "a"}',
        b'{"process": {"name": "a", "name": "b"}}', b'{"process": {"pid": 1}, "process": {"name": "b"}}',
        b'{"process": {"args": [{"x": 1, "x": 2}]}}', b'{"process": {"name": "x\\u0000y"}}',
        b'{"labels": {"b": 1.0, "a": [1, 2]}}', b'{"labels": {"x": ' + b"[" * 150 + b"]" * 150 + b"}}",
        b'{"x": ' + b"[" * 400 + b"]" * 400 + b"}", b'{"x": ' + b"[" * 4000 + b"]" * 4000 + b"}",
        b'{"process": {"name": "nc"}}\r', b' {"process": {"name": "nc"}}', b'{"a": 1}\r{"b": 2}', b'{"a" 1}',
        b'[{"process": {"name": "nc"}}, {"process": 1}]', b'[{"index": {}}, {"a": 1}]', b'[{"delete": {}}]',
        b'{"took": 1, "_shards": {}, "hits": {"hits": [{"_id": "1", "_source": {}}, {"_id": "2"}]}}',
        b'{"index": {"_index": "logs-q"}}', b'{"create": {}}', b'{"update": {"_id": "1"}}', b'{"delete": {}}',
        b'{"index": {"other": 1}}', b'{"_id": "7"}', b'{"_id": 7, "event": {"id": "e"}}', b'{"_source": {}}',
        b'{"process": {"name": 1}} // c', b"{'process': 1}", b'{"process": {"name": /**/ "a"}}',
        b"[PH_DEV_MON]:[eventType]=X,[hostName]=web1,[phRecvTime]=1700000000",
        b"type=USER_LOGIN msg=audit(1700000000.1:1): pid=1 uid=0 auid=0 ses=1 msg='op=login res=success'",
        b"type=broken audit(", b'{"x": "type=USER_LOGIN msg=audit(1700000000.1:2): pid=1"}',
    ]
)  # fmt: skip


def written(document: dict[str, Any], compact: bool, escaped: bool) -> bytes:
    text = json.dumps(document, separators=(",", ":") if compact else (", ", ": "), ensure_ascii=escaped)
    return text.encode("utf-8", "surrogatepass")


def of(documents: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[bytes]:
    return st.builds(written, documents, st.booleans(), st.booleans())


def repeated(document: dict[str, Any], more: dict[str, Any]) -> bytes:
    """One object with the pairs of two."""
    first, second = (written(each, True, False)[1:-1] for each in (document, more))
    return b"{" + b",".join(part for part in (first, second) if part) + b"}"


def cut_off(line: bytes, share: float) -> bytes:
    return line[: int(len(line) * share)]


GOOD = of(ORDINARY)
ODD = (
    RAW
    | of(ANY)
    | of(HITS)
    | of(FORTISIEM)
    | st.builds(repeated, ORDINARY, ANY)
    | st.builds(cut_off, GOOD, st.floats(0, 1))
)


@st.composite
def inputs(draw: st.DrawFn) -> bytes:
    usual = draw(st.sampled_from([GOOD, GOOD, of(HITS)]))
    lines = [*draw(st.lists(usual, min_size=1, max_size=20)), *draw(st.lists(ODD | GOOD, max_size=5))]
    first, *rest = lines
    end = draw(st.sampled_from([b"\n", b"\n", b"\r\n"]))
    begin = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    return begin + end.join([first, *draw(st.permutations(rest))]) + draw(st.sampled_from([b"", end]))


@campaign(60)
@given(inputs(), st.sampled_from([1, 1000, 1 << 20, 1 << 20]), st.sampled_from([None, None, "mine"]))
def test_blocks_give_what_their_lines_give(data: bytes, size: int, index: str | None) -> None:
    assert_agree(data, FIELDS, size, index)


def wanted(seed: int) -> list[FieldRef]:
    """Some fields, most of the type that their values have; ``.text`` and derived ones among them."""
    chooser = random.Random(seed)  # noqa: S311
    found = []
    for kind, paths in KINDS.items():
        for path in chooser.sample(paths, (len(paths) + 1) // 2):
            usual = FieldType[kind]
            found.append(FieldRef(path, usual if chooser.random() < 0.7 else chooser.choice(list(FieldType))))
    found += [FieldRef("process.name.text", FieldType.TEXT), FieldRef("user.name.caseless", FieldType.KEYWORD)]
    derived = sorted((field.ref for field in derived_fields().values()), key=lambda ref: ref.path)
    return [*found, *chooser.sample(derived, 2)]


@campaign(10)
@given(st.integers(0, 2**32), st.sampled_from([20_000, 60_000, 1 << 20]), st.sampled_from([None, None, "mine"]))
def test_plausible_files_are_read_natively_and_give_what_their_lines_give(
    seed: int, size: int, index: str | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2):
            lines = Writer(seed + number).lines(100)
            Path(folder, f"{number}.ndjson").write_bytes(b'{"tags":"first"}\n' + b"\n".join(lines))
        reading = assert_files_agree(Path(folder), wanted(seed), size, index)
    assert reading.native_rows * 3 > len(reading.rows)
