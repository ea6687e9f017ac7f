"""Columns made of natively parsed texts agree with those made of decoded documents, whatever those hold."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.events.batch import NO_TIEBREAK, Batch, Document
from dogwatch.events.blocks.merge import Assembler, OddRow
from dogwatch.events.blocks.raw import RawColumn, RawRows
from dogwatch.events.columns import ColumnPlan, Row, make_batch
from dogwatch.events.document import field_values, leaf_value
from dogwatch.events.index import index_of
from dogwatch.events.report import ReadReport
from dogwatch.schema.derived import DerivedField, derived_fields
from dogwatch.schema.field import FieldRef, FieldType

TEXTS = st.sampled_from(
    [
        *(
            "",
            "a",
            "12",
            "007",
            "+5",
            "12.5",
            "12.50",
            "1.10",
            "9999.5",
            "-999",
            "-0",
            "-0.0",
            "0999",
            "2026",
            "2.0",
        ),
        *("1e5", "1e+16", "-1.5e+20", "1e-07", "1e999", "718e12", "9223372036854775808", "1" * 120),
        *("true", "false", "null", "[x", "{y", '["a"]', '{"a":1}', ",", '","', 'q"uo', "\\", '"', "é€", "a\0b"),
        *("10.0.0.1", "::ffff:1.2.3.4", "FE80::0:1", "fe80::1%eth0", "1.2.3", "8.11.0"),
        *("2026-01-05T00:00:00.024Z", "2026-01-05T00:00:00", "2026-13-05T00:00:00Z", "2026-01-05 10:00:00+02:00"),
        *("2026-01-05", "1700-01-01T00:00:00Z", "2026-01-05T23:59:60Z", " 2026-01-05T00:00:00Z", "1767571200024"),
        *("/usr/bin/nc", "/usr/sbin/", "nc", "TCP", "success", "failure", "start", "process", "linux"),
    ]
)
NUMBERS = st.sampled_from(
    [
        *(0, 1, 5, -1, 6, 17, 999, 2026, -999, 10000, 2**53 + 1, 2**63 - 1, 2**63, 2**70, -(2**63), 1767571200024),
        *(0.5, 1.5, 12.5, 1.0, -0.0, 1e16, 1.5e18, 1e22, 1e300, 5e-324, 1e-7),
    ]
)
SCALARS = st.one_of(TEXTS, TEXTS, st.text(max_size=3).filter(str.isprintable), NUMBERS, st.booleans())
VALUES = st.one_of(
    SCALARS,
    SCALARS,
    st.recursive(
        st.none() | SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        max_leaves=4,
    ),
)
DERIVED = st.lists(st.sampled_from(sorted(derived_fields())).map(derived_fields().__getitem__), max_size=3)
OWN = ["a", "a.text", "b.c", "b.c.text", "@timestamp", "event.sequence"]
NAMES = ["data_stream.type", "data_stream.dataset", "data_stream.namespace"]
REFS = st.one_of(
    st.builds(FieldRef, st.sampled_from(OWN), st.sampled_from(list(FieldType))),
    st.just(FieldRef("b.c", FieldType.DATE, ("epoch_second", "yyyy"))),
)


@dataclass(frozen=True)
class Case:
    """Documents in a row, which of them the native parser gives up, and which columns it gives as JSON."""

    documents: list[Document]
    odd: list[bool]
    as_json: dict[str, bool]


@st.composite
def cases(draw: st.DrawFn, paths: Sequence[str]) -> Case:
    values = draw(st.lists(VALUES, min_size=1, max_size=5))
    named = st.sampled_from(["logs", "x"]) | SCALARS
    documents = []
    for _ in range(draw(st.integers(0, 6))):
        chosen = draw(st.lists(st.sampled_from(paths), max_size=8, unique=True))
        document: Document = {}
        for path in chosen:
            _put(document, path, draw(named if path in NAMES else st.sampled_from(values) | VALUES))
        documents.append(document)
    odd = [draw(st.integers(0, 4)) == 0 or _is_unlike(document, paths) for document in documents]
    return Case(documents, odd, {path: draw(st.booleans()) for path in paths})


def _put(document: Document, path: str, value: object) -> None:
    *above, last = path.split(".")
    holder: object = document
    for name in above:
        holder = holder.setdefault(name, {}) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        # Other documents may have got the same list or object.
        holder.setdefault(last, json.loads(json.dumps(value)))


def _at(document: object, path: str) -> object:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _is_unlike(document: Document, paths: Sequence[str]) -> bool:
    """Whether the document is none that has one value under each path: a list lies above one."""
    above = {path.rpartition(".")[0] for path in paths if "." in path}
    return any(
        isinstance(_at(document, path), list) for path in (*above, *(p.rpartition(".")[0] for p in above)) if path
    )


def _raw_text(value: object, *, as_json: bool) -> str | None:
    """What the native parser gives of a value."""
    if value is None:
        return None
    if isinstance(value, str) and not as_json:
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _tiebreak(document: Document) -> int:
    value = leaf_value(document, "event", "sequence")
    return value if type(value) is int and -(2**63) <= value < 2**63 else NO_TIEBREAK


class NoSource:
    """No way back: nothing here asks for it."""

    document = event_id = place = None


def _assembled(assembler: Assembler, case: Case, index: str | None, report: ReadReport) -> Batch:
    def odd_row(number: int) -> OddRow:
        document = case.documents[number]
        return OddRow(document, index_of(document, None, index), _tiebreak(document), 3 * number + 1)

    native = [number for number, odd in enumerate(case.odd) if not odd]
    columns = {}
    for path, must in assembler.needs.items():
        as_json = must or case.as_json.get(path, False)
        texts = [_raw_text(_at(case.documents[number], path), as_json=as_json) for number in native]
        columns[path] = RawColumn(pa.array(texts, pa.utf8()), as_json)
    source: Any = NoSource()
    return assembler.assemble(
        RawRows(len(native), columns),
        np.array([3 * number + 1 for number in native], np.int64),
        [odd_row(number) for number, odd in enumerate(case.odd) if odd],
        lambda rows: [odd_row(native[row]) for row in rows],
        7,
        source,
        report,
    )


def _told(batch: Batch, report: ReadReport) -> dict[str, object]:
    """All that a batch says, in a form that tells 1 from 1.0 and True."""
    for column in batch.columns.values():
        column.validate(full=True)
    return {
        "columns": {ref: (repr(column.to_pylist()), column.type) for ref, column in batch.columns.items()},
        "length": batch.length,
        "first": batch.first_arrival,
        "time": batch.time.tolist(),
        "tiebreak": batch.tiebreak.tolist(),
        "index": ([batch.index[row].as_py() for row in range(batch.length)], batch.index.type),
        "report": (report.uncoercible, report.without_time, report.without_index),
    }


@settings(max_examples=250, deadline=None)
@given(st.data(), st.lists(REFS, max_size=8), DERIVED, st.sampled_from([None, None, "logs-x"]))
def test_assembled_columns_are_those_of_the_documents(
    data: st.DataObject, refs: list[FieldRef], derived: list[DerivedField], index: str | None
) -> None:
    fields = [*refs, *(field.ref for field in derived)]
    paths = [*OWN, *NAMES, *(source.path for field in derived for source in (field.ref, *field.inputs))]
    assembler = Assembler(ColumnPlan(fields), index)
    for _ in range(2):
        case = data.draw(cases(list(dict.fromkeys(paths))))
        expected_report, report = ReadReport(), ReadReport()
        rows = [Row(each, "", True, index_of(each, None, index), None, _tiebreak(each)) for each in case.documents]
        expected = make_batch(rows, fields, 7, expected_report)
        assert _told(_assembled(assembler, case, index, report), report) == _told(expected, expected_report)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(sorted(derived_fields())))
def test_derived_columns_hold_what_each_document_alone_gives(data: st.DataObject, path: str) -> None:
    field = derived_fields()[path]
    paths = [ref.path for ref in (field.ref, *field.inputs)]
    documents = data.draw(cases(paths)).documents
    batch = make_batch([Row(each, "", True, None, None, 0) for each in documents], [field.ref], 0, ReadReport())
    for row, document in enumerate(documents):
        own, *inputs = (tuple(field_values(document, ref)) for ref in (field.ref, *field.inputs))
        expected = field.values(own, inputs) if any((own, *inputs)) else ()
        assert repr(list(batch.values(field.ref, row))) == repr(list(expected))
