import enum
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base import codec
from dogwatch.base.codec import Codec, CodecError, classes_in


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


@dataclass(frozen=True, slots=True)
class Pair:
    left: Any
    right: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Base):
    colour: Colour
    place: Any = field(default=None, compare=False)


CODEC = Codec([Colour, Size, Pair, Named])


def unfolded(moment: Any) -> Any:
    """No file can say which of two equal moments of a clock put back it means."""
    return moment.replace(fold=0)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from([*Colour, *Size])
    | st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=-3, minutes=-30))])).map(
        unfolded
    )
    | st.dates()
    | st.times().map(unfolded)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(SCALARS, inner)
        | st.frozensets(SCALARS)
        | st.builds(Pair, inner, inner)
        | st.builds(Named, name=st.text(), colour=st.sampled_from(Colour), place=inner)
    ),
    max_leaves=20,
)


def form(scalars: list[Any], groups: list[Any], root: int) -> bytes:
    return msgspec.msgpack.encode([scalars, groups, root])


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    again = CODEC.decode(CODEC.encode(value))
    assert again == value
    # Equality alone does not tell 1 from True, or 0.0 from -0.0; sets have no order of their own.
    if "frozenset" not in repr(value):
        assert repr(again) == repr(value)


def test_numbers_that_are_equal_stay_of_their_kinds() -> None:
    value = (1, True, 1.0, 0, False, 0.0, -0.0, math.inf, 2**63, -(2**63), 10**300, Size.SMALL)
    assert [(type(each), repr(each)) for each in CODEC.decode(CODEC.encode(value))] == [
        (type(each), repr(each)) for each in value
    ]
    assert math.isnan(CODEC.decode(CODEC.encode(math.nan)))


def test_equal_parts_become_one_object_and_what_can_be_changed_does_not() -> None:
    value = [Pair(("a", 1), {"k": []}), Pair(("a", 1), {"k": []})]
    first, second = CODEC.decode(CODEC.encode(value))
    assert first.left is second.left
    assert first.right is not second.right
    assert first.right["k"] is not second.right["k"]
    shared: list[int] = []
    one, other = CODEC.decode(CODEC.encode((shared, shared)))
    assert one is other


def test_an_attribute_that_equality_passes_over_is_kept_apart() -> None:
    value = (Named(colour=Colour.RED, place=1), Named(colour=Colour.RED, place=2))
    assert [each.place for each in CODEC.decode(CODEC.encode(value))] == [1, 2]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", Base(), [print], "\ud800", complex(1)])
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(CodecError):
        CODEC.encode(value)


def test_too_deep_a_value_is_refused() -> None:
    value: object = ()
    for _ in range(100_000):
        value = Pair(value)
    with pytest.raises(CodecError):
        CODEC.encode(value)


@given(st.binary())
def test_bytes_of_no_codec_are_refused(data: bytes) -> None:
    with pytest.raises(CodecError):
        CODEC.decode(data)


@given(VALUES, st.data())
def test_damaged_bytes_give_a_value_or_a_refusal(value: object, data: st.DataObject) -> None:
    written = bytearray(CODEC.encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(written)))
    for hostile in (bytes(written), bytes(written[:cut])):
        try:
            again = CODEC.decode(hostile)
        except CodecError:
            continue
        assert CODEC.decode(CODEC.encode(again)) is not CodecError


@pytest.mark.parametrize(
    "hostile",
    [
        form([], [], 0),
        form([1], [[len(codec._BASE) + 4, [[0]]]], 1),
        form([1], [[10_000, [[0]]]], 1),
        form([1], [[-1, [[0]]]], 1),
        form([1], [[0, [[1]]]], 1),
        form([1], [[0, [[-1]]]], 1),
        form([1], [[0, [[2**62]]]], 1),
        form([1], [[3, [[0]]]], 1),
        form([[]], [[0, []]], 0),
        form([1], [[0, [[0]]]], 2),
        form(["x" * 50], [[4, [[0]]]], 1),
        form(["9" * 5000], [[4, [[0]]]], 1),
        form(["x"], [[5, [[0]]]], 1),
        form([1.5], [[5, [[0]]]], 1),
        form([1], [[1, [[0]]], [2, [[1]]]], 2),
        form([1], [[1, [[0]]], [3, [[1, 0]]]], 2),
        form(["PURPLE"], [[len(codec._BASE), [[0]]]], 1),
        form([1], [[len(codec._BASE) + 2, [[0]]]], 1),
        form([1], [[len(codec._BASE) + 2, [[0], [0], [0]]]], 1),
        form([1], [[len(codec._BASE) + 2, []]], 1),
        b"\xdd\xff\xff\xff\xff",
        b"\x93\xdd\xff\xff\xff\xff",
        b"\x93\x90\xdd\x7f\xff\xff\xff\x00",
        b"\x91" * 100_000,
    ],
)
def test_hostile_bytes_are_refused(hostile: bytes) -> None:
    with pytest.raises(CodecError):
        CODEC.decode(hostile)


def test_classes_are_found_where_they_are_defined() -> None:
    import dogwatch.base.diagnostic as module

    found = classes_in([module])
    assert module.Diagnostic in found
    assert module.Severity in found
    assert module.DogwatchError not in found


def test_only_plain_dataclasses_are_taken() -> None:
    @dataclass
    class Counted:
        total: int = field(default=0, init=False)

    for kind in (Counted, type, object):
        with pytest.raises(TypeError):
            Codec([kind])


def test_moments_keep_their_kind() -> None:
    value = [datetime(2026, 1, 2, 3, 4, 5, 6, UTC), datetime(2026, 1, 2), date(2026, 1, 2), time(3, 4)]  # noqa: DTZ001
    assert CODEC.decode(CODEC.encode(value)) == value
