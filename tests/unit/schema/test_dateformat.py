import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.base.time import format_instant, parse_instant
from dogwatch.schema.dateformat import date_reader, split_formats


def read(formats: str, text: str) -> int | None:
    reader = date_reader(split_formats(formats))
    assert reader is not None, formats
    return reader(text)


@pytest.mark.parametrize(
    ("formats", "text", "expected"),
    [
        ("dd-MM-yyyy", "17-12-2022", "2022-12-17"),
        ("dd-MM-uuuu", "17-12-2022", "2022-12-17"),
        ("yyyy/MM/dd HH:mm:ss||epoch_millis", "2024/02/29 12:00:01", "2024-02-29T12:00:01"),
        ("yyyy/MM/dd HH:mm:ss||epoch_millis", "1709208001000", "2024-02-29T12:00:01"),
        ("epoch_millis", "-1.5", "1969-12-31T23:59:59.9985"),
        ("epoch_second", "1.25", "1970-01-01T00:00:01.25"),
        ("strict_date_optional_time", "2024-02-29T12:00:01.5+01:00", "2024-02-29T11:00:01.5"),
        ("iso8601", "2024-02-29", "2024-02-29"),
        ("basic_date", "20240229", "2024-02-29"),
        ("basic_date_time", "20240229T120001.250Z", "2024-02-29T12:00:01.25"),
        ("basic_date_time_no_millis", "20240229T120001+0100", "2024-02-29T11:00:01"),
        ("basic_ordinal_date", "2024060", "2024-02-29"),
        ("date", "2024-2-29", "2024-02-29"),
        ("strict_date", "2024-02-29", "2024-02-29"),
        ("date_hour_minute_second", "2024-02-29T12:00:01", "2024-02-29T12:00:01"),
        ("date_time", "2024-2-29T1:2:3.4Z", "2024-02-29T01:02:03.4"),
        ("strict_date_time_no_millis", "2024-02-29T12:00:01-07:00", "2024-02-29T19:00:01"),
        ("strict_year_month", "2024-02", "2024-02-01"),
        ("ordinal_date", "2024-366", "2024-12-31"),
        ("hour_minute", "7:05", "1970-01-01T07:05"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T12:00:01.250+01:00", "2024-02-29T11:00:01.25"),
        ("yyyy-MM-dd'T'HH:mm:ssX", "2024-02-29T12:00:01Z", "2024-02-29T12:00:01"),
        ("yyyy-MM-dd'T'HH:mm:ssX", "2024-02-29T12:00:01+01", "2024-02-29T11:00:01"),
        ("dd/MMM/yyyy:HH:mm:ss Z", "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36"),
        ("EEE, d MMMM yyyy HH:mm:ss z", "Thu, 29 February 2024 12:00:01 GMT", "2024-02-29T12:00:01"),
        ("h:mm a dd.MM.yy", "12:05 AM 29.02.24", "2024-02-29T00:05"),
        ("K:mm a", "11:05 pm", "1970-01-01T23:05"),
        ("kk:mm", "24:05", "1970-01-01T00:05"),
        ("yyyy-MM-dd[ HH:mm[:ss]]", "2024-02-29", "2024-02-29"),
        ("yyyy-MM-dd[ HH:mm[:ss]]", "2024-02-29 12:00", "2024-02-29T12:00"),
        ("yyyy-MM-dd[ HH:mm[:ss]]", "2024-02-29 12:00:01", "2024-02-29T12:00:01"),
        ("yyyyMMddHHmmss", "20240229120001", "2024-02-29T12:00:01"),
        ("yMMdd", "20240229", "2024-02-29"),
        ("HH 'o''clock'", "07 o'clock", "1970-01-01T07:00"),
        ("yyyy-MM-dd HH:mm:ss.n", "2024-02-29 12:00:01.5", "2024-02-29T12:00:01.000000005"),
    ],
)
def test_formats(formats: str, text: str, expected: str) -> None:
    assert read(formats, text) == parse_instant(expected)


@pytest.mark.parametrize(
    ("formats", "text"),
    [
        ("dd-MM-yyyy", "2022-12-17"),
        ("dd-MM-yyyy", "1-1-2022"),
        ("dd-MM-yyyy", "31-02-2022"),
        ("dd-MM-yyyy", "17-13-2022"),
        ("dd-MM-yyyy", "17-12-2022 "),
        ("dd-MM-yyyy", ""),
        ("dd-MM-yyyy", "\u0661\u0667-12-2022"),
        ("strict_date", "2024-2-29"),
        ("basic_date", "2024-02-29"),
        ("epoch_second", "1e3"),
        ("epoch_second", "1."),
        ("epoch_second", "--1"),
        ("epoch_second", "9" * 60),
        ("epoch_millis", "9" * 100_000),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2024-02-29T12:00:01+0100"),
        ("yyyy-MM-dd'T'HH:mm:ssXX", "2024-02-29T12:00:01+01:00"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2024-02-29T12:00:01+19:00"),
        ("yyyy-MM-dd'T'HH:mm:ssX", "2024-02-29T12:00:01"),
        ("ordinal_date", "2023-366"),
        ("EEE dd.MM.yyyy", "Mon 29.02.2024"),
        ("h:mm a", "13:05 PM"),
        ("h:mm a", "0:05 AM"),
        ("h:mm a", "1:05 XM"),
        ("yyyy", "1066"),
        ("MMM", "Brumaire"),
    ],
)
def test_texts_that_are_no_dates_of_the_format(formats: str, text: str) -> None:
    assert read(formats, text) is None


@pytest.mark.parametrize(
    "formats",
    ["QQ yyyy", "YYYY-'W'ww", "yyyy[", "yyyy]", "'open", "", "yyyy||QQ", "week_date", "[" * 150 + "]" * 150],
)
def test_formats_that_are_not_supported(formats: str) -> None:
    assert date_reader(split_formats(formats)) is None


@given(st.integers(parse_instant("1800") or 0, parse_instant("2200") or 0), st.sampled_from(["basic", "strict"]))
def test_what_is_written_in_a_format_is_read_in_it(nanos: int, style: str) -> None:
    nanos -= nanos % 1_000_000_000
    iso = format_instant(nanos)
    text = iso.replace("-", "").replace(":", "") if style == "basic" else iso
    assert read(f"{'basic' if style == 'basic' else 'strict'}_date_time", text) == nanos


@given(
    st.sampled_from(
        ["dd-MM-yyyy", "yyyy[-MM[-dd]]", "epoch_second", "date_time", "h:mm a", "EEE MMM d yyyy z", "yyMd"]
    ),
    st.text(st.sampled_from("0123456789-:. TZ+aApPmMJanMon'"), max_size=24),
)
def test_any_text_gives_an_instant_or_none(formats: str, text: str) -> None:
    nanos = read(formats, text)
    assert nanos is None or -(2**63) < nanos < 2**63
