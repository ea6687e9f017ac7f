from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.external_sort import ExternalSorter

ENTRIES = st.lists(
    st.tuples(st.tuples(st.integers(-(2**63), 2**64 - 1), st.text(max_size=5)), st.binary(max_size=20)),
    max_size=60,
)


@given(ENTRIES, st.sampled_from([1, 600, 1 << 20]))
def test_gives_everything_back_in_order_whatever_fits_in_memory(
    entries: list[tuple[tuple[int, str], bytes]], limit: int
) -> None:
    with ExternalSorter(limit) as sorter:
        for key, payload in entries:
            sorter.add(key, payload)
        assert list(sorter) == sorted(entries)


def test_more_runs_than_may_be_open_are_merged_on_the_way() -> None:
    with ExternalSorter(1) as sorter:
        for number in reversed(range(300)):
            sorter.add((number,), b"%d" % number)
        assert sorter.spilled == 300
        assert len(sorter._runs) <= 64
        assert [key[0] for key, _ in sorter] == list(range(300))


def test_iterates_again() -> None:
    with ExternalSorter(1) as sorter:
        for number in (3, 1, 2):
            sorter.add((number,), b"")
        assert list(sorter) == list(sorter)


def test_leaves_no_file_behind(tmp_path: Path) -> None:
    sorter = ExternalSorter(1, directory=tmp_path)
    sorter.add((1,), b"x" * 1000)
    sorter.close()
    assert list(sorter) == []
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_an_error() -> None:
    with ExternalSorter(1, directory=Path("/nowhere/at/all")) as sorter, pytest.raises(OSError, match="nowhere"):
        sorter.add((1,), b"")
