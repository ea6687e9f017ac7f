"""Limits of devices, compared with a naive search."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resource_files import load, said

from dogwatch.rules.resources.thresholds import limit_of


def test_limits_from_csv_and_yaml_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "three").mkdir()
    one = load(
        tmp_path / "one",
        t_csv="property,device,component,value\nDisk,,,90\ndisk,DB1,,80\nDisk,db1,/Var,70\nDisk,2001:DB8::01,,60.5\n",
    )
    two = load(
        tmp_path / "two",
        t_yaml="""\
thresholds:
  "Disk ":
    default: 90
    devices:
      " db1 ": {default: 80, components: {"/var ": 70}}
      2001:DB8:0::1: 60.5
""",
    )
    three = load(
        tmp_path / "three",
        t_yaml="thresholds: {Disk: {default: 90, file: disk.csv}}",
        disk_csv="Device;Component;Value\ndb1;/var;70\ndb1;;80\n2001:db8::1;;60.5\n",
    )
    wanted = {(): 90, ("db1",): 80, ("db1", "/var"): 70, ("2001:db8::1",): 60.5}
    for loaded in (one, two, three):
        assert said(loaded) == []
        assert loaded.thresholds(" DISK ") == wanted
        assert loaded.thresholds("Cpu") is None
        assert loaded.threshold("db1", None, "Cpu") is None


@pytest.mark.parametrize(
    ("device", "component", "limit"),
    [
        ("db1", "/var", 70),
        ("DB1", "/VAR", 70),
        ("db1", "/usr", 80),
        ("db1", None, 80),
        ("db2", "/var", 90),
        ("2001:0db8::1", None, 60.5),
        (None, None, 90),
        (None, "/var", 90),
        (443, None, 5),
        (443.0, 1, 4),
    ],
)
def test_the_closest_limit_counts(
    tmp_path: Path, device: str | float | None, component: str | int | None, limit: float
) -> None:
    loaded = load(
        tmp_path,
        t_csv="property,device,component,value\nDisk,,,90\nDisk,db1,,80\nDisk,db1,/var,70\nDisk,2001:db8::1,,60.5\n"
        "Disk,443,,5\nDisk,443,1,4\n",
    )
    assert loaded.threshold(device, component, "disk") == limit


def test_without_a_limit_for_all_there_may_be_none(tmp_path: Path) -> None:
    loaded = load(tmp_path, t_yaml="thresholds: {T: {devices: {a: {components: {b: 1}}}}}")
    assert [loaded.threshold("a", each, "T") for each in ("b", "c", None)] == [1, None, None]


_NAMES = st.sampled_from(["a", "b", "A", "10.0.0.1"])


@given(
    st.dictionaries(st.lists(_NAMES.map(str.lower), max_size=2).map(tuple), st.integers(0, 9)),
    st.none() | _NAMES,
    st.none() | _NAMES,
)
def test_looking_up_is_as_good_as_searching(
    limits: dict[tuple[str, ...], int], device: str | None, component: str | None
) -> None:
    wanted = [each.lower() for each in (device, component if device else None) if each is not None]
    if device is None:
        wanted = []
    fitting = [key for key in limits if list(key) == wanted[: len(key)]]
    best = max(fitting, key=len, default=None)
    assert limit_of(limits, device, component) == (None if best is None else limits[best])


def test_the_later_limit_counts(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml="thresholds: {T: {default: 1, devices: {a: 2}}, U: 7}",
        b_yaml="thresholds: {t: {default: 3, devices: {A: 4, b: 5}}}",
        c_csv="property,device,component,value\nT,b,,6\n",
    )
    assert said(loaded) == [
        "notice resource-replaced b.yaml: limits of `t` take the place of 2 earlier limits",
        "notice resource-replaced c.csv: limits of `T` take the place of an earlier limit",
    ]
    assert loaded.thresholds("T") == {(): 3, ("a",): 4, ("b",): 6}
    assert loaded.thresholds("U") == {(): 7}


def test_bad_limits_cost_only_themselves(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        a_yaml="""\
thresholds:
  A: many
  B: {default: [1], devices: {x: no, y: 1, z: {default: 2, component: {q: 1}, components: {p: {}}}, v: [1]}}
  C: [1]
  D: {file: d.csv}
  E: 0x10
""",
        b_yaml="thresholds: 5",
        c_csv="property,device,component,value\n,a,,1\nF,,b,1\nF,a,,nan\nF,a,b,1e2\n",
        d_csv="device,value\na,1\n",
    )
    hint = " [write NAME: 90, or a table with `default` and `devices`]"
    assert said(loaded) == [
        "error resource-value a.yaml:2: limit `A` must be a number, not `many`",
        "error resource-value a.yaml:3: `default` of limit `B` must be a single value, not a list",
        "error resource-value a.yaml:3: limit `B` of `x` must be a number, not `no`",
        (
            "warning resource-key-unknown a.yaml:3: `component` means nothing in device `z`"
            " [did you mean `components`?]"
        ),
        f"error resource-type a.yaml:3: the limit of `p` must be a number{hint}",
        f"error resource-type a.yaml:3: the limit of `v` must be a number{hint}",
        f"error resource-type a.yaml:4: limit `C` must be a number or a table{hint}",
        "error resource-columns d.csv:1: the columns must be device,component,value",
        "error resource-value a.yaml:6: limit `E` must be a number, not `0x10`",
        f"error resource-type b.yaml:1: `thresholds` must be a table of limits{hint}",
        "error resource-value c.csv:2: a row needs a property",
        "error resource-value c.csv:3: a component needs the device that it belongs to",
        "error resource-value c.csv:4: limit `F` of `a` must be a number, not `nan`",
    ]
    assert loaded.thresholds("B") == {("y",): 1, ("z",): 2}
    assert loaded.thresholds("F") == {("a", "b"): 100}
    assert loaded.thresholds("A") is None
