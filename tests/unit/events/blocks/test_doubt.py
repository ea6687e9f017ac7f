import pyarrow as pa
import pytest

from dogwatch.events.blocks.doubt import Reading, in_doubt

SURE = [
    "",
    "a",
    "12",
    "-12",
    "007",
    "1.10",
    "12.5",
    "-0",
    "1e5",
    "718e12",
    "1e16",
    "8.11.0",
    "10.0.0.1",
    "true",
    "2026",
]
ALWAYS = ["[", "[1]", "{", '{"a":1}', "1e+16", "-1.5e+20", "1e-07", "1e999", "-1e400", "1" * 101]


def doubted(texts: list[str], reading: Reading) -> list[str]:
    flags = in_doubt(pa.array(texts, pa.utf8()), reading).tolist()
    return [text for text, flag in zip(texts, flags, strict=True) if flag]


def test_only_what_could_be_another_value_of_another_meaning_is_in_doubt() -> None:
    assert doubted([*SURE, *ALWAYS], Reading.VALUES) == ALWAYS


def test_a_number_of_four_characters_may_be_no_year() -> None:
    texts = ["2026", "0999", "-999", "12.5", "999", "-9999", "a.bc"]
    assert doubted(texts, Reading.DATES) == ["-999", "12.5"]
    assert doubted(texts, Reading.VALUES) == []


def test_names_are_strings() -> None:
    texts = ["logs", "12", "-1.5", "true", "false", "truely", "12a", ""]
    assert doubted(texts, Reading.NAMES) == ["12", "-1.5", "true", "false"]


def test_where_types_matter_no_plain_text_will_do() -> None:
    assert doubted(SURE, Reading.TYPES) == SURE


@pytest.mark.parametrize("reading", [Reading.VALUES, Reading.DATES | Reading.NAMES])
def test_empty_columns(reading: Reading) -> None:
    assert doubted([], reading) == []
    assert doubted([""], reading) == []
