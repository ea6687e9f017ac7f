"""Findings as messages: what is put together again is what was taken apart, whatever events hold."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.diagnostic import Diagnostic, DogwatchError, Place, Severity
from dogwatch.detect import findings as findings_module
from dogwatch.detect.facts import facts_of
from dogwatch.detect.findings import Account, Findings, Hit, assembled, framed
from dogwatch.engine.profile import Cost, PlanProfile
from dogwatch.events.batch import NO_TIEBREAK, NO_TIME, Event
from dogwatch.events.report import ReadReport
from dogwatch.events.units import ARRIVAL_BITS, Stray
from dogwatch.schema.field import FieldRef, FieldType

numbers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(codec=None), max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
events = st.builds(
    Event,
    id=texts,
    index=st.none() | texts,
    time=st.just(NO_TIME) | numbers,
    tiebreak=st.just(NO_TIEBREAK) | numbers,
    arrival=st.integers(0, (1 << (ARRIVAL_BITS + 22)) - 1),
    document=st.dictionaries(texts, values, max_size=4),
    place=st.none() | st.builds(Place, texts, st.none() | st.integers(1, 2**40)),
    has_own_id=st.booleans(),
)
hits = st.builds(
    lambda event, rules: Hit(event, facts_of([event])[0], rules),
    events,
    st.lists(st.integers(0, 2000), max_size=3),
)
fields = st.builds(FieldRef, texts, st.sampled_from(FieldType), null_value=st.none() | st.integers(0, 9) | texts)
diagnostics = st.builds(Diagnostic, texts, texts, st.sampled_from(Severity), st.builds(Place, texts))
reports = st.builds(
    ReadReport,
    bytes=st.integers(0, 2**50),
    events=st.integers(0, 99),
    problems=st.dictionaries(texts, st.integers(1, 9)).map(Counter),
    kept=st.lists(diagnostics, max_size=3),
    lost=st.booleans(),
    uncoercible=st.dictionaries(fields, st.integers(1, 9), max_size=3).map(Counter),
    without_time=st.integers(0, 99),
)
accounts = st.builds(
    Account,
    offered=st.lists(st.integers(0, 9)),
    newest=st.lists(numbers, max_size=2),
    presence=st.lists(st.tuples(st.none() | texts, st.binary(max_size=4)), max_size=3),
    plan=st.none() | st.just(PlanProfile([Cost(1, 2, 3, 4)], [])),
)
found = st.builds(
    Findings,
    accounts,
    hits=st.lists(hits, max_size=4),
    passed=st.lists(st.tuples(st.tuples(numbers, numbers, numbers), st.binary(max_size=20)), max_size=4),
    report=reports,
    strays=st.lists(st.builds(Stray, texts, st.binary(max_size=9), st.integers(1, 2**40)), max_size=2),
)


@given(found, st.integers(1, 100))
def test_messages_hold_everything(findings: Findings, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(findings_module, "FRAME_BYTES", size)
        frames = list(framed(findings))
    assert assembled(frames) == findings


def test_many_findings_are_several_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = Findings(Account(), passed=[((0, 0, row), b"x" * 1000) for row in range(50)])
    assert len(list(framed(findings))) == 1
    monkeypatch.setattr(findings_module, "FRAME_BYTES", 10_000)
    frames = list(framed(findings))
    assert len(frames) == 6
    assert max(map(len, frames)) < 11_000
    with pytest.raises(ValueError, match="last of the messages"):
        assembled(frames[:-1])


def test_other_bytes_are_refused() -> None:
    with pytest.raises((ValueError, DogwatchError)):
        assembled([b"\x93\x90\x90\xc4\x02\x01\x90"])
    with pytest.raises(ValueError, match=r"."):
        assembled([b"no message"])
