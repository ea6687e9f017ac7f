"""What a scan finds is kept before it is shown, and so is what its end tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from dogwatch.alerts.ledger import Ledger
from dogwatch.alerts.model import Detection
from dogwatch.alerts.store import Filed
from dogwatch.cli.account import Account
from dogwatch.detect.correlation import Correlation

CLEARINGS = ("what clears",)


class _Store:
    """Notes what it is handed: the number of detections, and whether all incidents are looked at."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, bool]] = []

    def file(self, detections: Sequence[Any], entries: Any, clearings: Any, *, sweep: bool = True) -> Filed:
        assert (entries, clearings) == ([], CLEARINGS)
        self.calls.append((len(detections), sweep))
        return Filed(new=len(detections))


class _Correlation:
    clearings = CLEARINGS

    def take_entries(self) -> list[Any]:
        return []


def _filed(account: Account, found: Iterator[Any], store: _Store, *, at_once: bool) -> Iterator[Detection]:
    return account.filed(found, cast(Ledger, store), cast(Correlation, _Correlation()), at_once=at_once)


def test_a_closed_scan_files_many_together_and_looks_at_all_incidents_at_its_end() -> None:
    store, account = _Store(), Account(None)
    assert len(list(_filed(account, iter(range(1001)), store, at_once=False))) == 1001
    assert store.calls == [(500, False), (500, False), (1, True)]
    assert account.ledger == Filed(new=1001)


def test_a_pipe_files_at_once_and_looks_at_all_incidents_now_and_then() -> None:
    seconds = iter([0.0, 1.0, 10.0, 10.0, 11.0, 21.0, 21.0])
    store = _Store()
    assert len(list(_filed(Account(None, lambda: next(seconds)), iter(range(4)), store, at_once=True))) == 4
    assert store.calls == [(1, False), (1, True), (1, False), (1, True), (0, True)]


def test_who_ends_a_pipe_keeps_what_it_cleared() -> None:
    def found() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    store = _Store()
    with pytest.raises(KeyboardInterrupt):
        list(_filed(Account(None, lambda: 0.0), found(), store, at_once=True))
    assert store.calls == [(1, False), (0, True)]
