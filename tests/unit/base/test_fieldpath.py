import pytest

from dogwatch.base.fieldpath import parents, split_path


def test_components() -> None:
    assert split_path("process.parent.name") == ("process", "parent", "name")
    assert split_path("@timestamp") == ("@timestamp",)


@pytest.mark.parametrize("path", ["", ".", "a..b", ".a", "a."])
def test_an_empty_component_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no field path"):
        split_path(path)


def test_parents_come_nearest_first() -> None:
    assert list(parents("a.b.c")) == ["a.b", "a"]
    assert list(parents("a")) == []
