import tomllib

from hypothesis import given
from hypothesis import strategies as st

from dogwatch.rules.loaders.toml_places import key_places


def test_keys_are_found_below_their_tables() -> None:
    text = '# head\n[rule]\nname = "x" # [rule.no]\n\n[[rule.threat]]\nid = 1\n[rule.threat.tactic]\nid = "TA"\n'
    places = key_places(text)
    assert text[places["rule"].key :].startswith("[rule]")
    assert text[places["rule.name"].value :].startswith('x" #')
    assert text[places["rule.threat.tactic.id"].value :].startswith('TA"')
    assert "rule.no" not in places


def test_the_first_of_an_array_of_tables_counts() -> None:
    text = "[[a]]\nb = 1\n[[a]]\nb = 2\n"
    assert text[key_places(text)["a.b"].value] == "1"


def test_a_line_end_after_three_quotes_is_no_part_of_the_text() -> None:
    for opening in ("'''\n", "'''\r\n", '"""\n', "'''", '"""', '"', "'"):
        text = f"q = {opening}body{opening.strip()}\nnext = 1\n"
        places = key_places(text)
        assert text[places["q"].value :].startswith("body")
        assert places["q"].escapes == ()
        assert "next" in places


def test_escapes_of_texts() -> None:
    assert key_places('q = "a\\tb"\n')["q"].escapes == ((2, 8),)
    assert key_places('q = "\\u0041\\U00000041\\\\"\n')["q"].escapes == ((1, 11), (2, 21), (3, 23))
    assert key_places("q = 'a\\tb'\n")["q"].escapes == ()
    assert key_places("q = 1\n")["q"].escapes is None


def test_a_backslash_at_the_end_of_a_line_takes_white_space_away() -> None:
    text = 'q = """\r\na \\ \r\n\r\n   b"""\n'
    assert tomllib.loads(text)["q"] == "a b"
    assert key_places(text)["q"].escapes == ((2, text.index("b")),)


WRITTEN = ("a", "é", "\U0001f600", "\\u00e9", "\\U0001f600", "\\\\", '\\"', "\\t")


@given(st.lists(st.sampled_from(WRITTEN), max_size=12))
def test_each_character_is_found_behind_escapes(written: list[str]) -> None:
    text = f'q = "{"".join(written)}"'
    assert len(tomllib.loads(text)["q"]) == len(written)
    place = key_places(text)["q"]
    at = place.value
    for number, each in enumerate(written):
        count, begin = [step for step in ((0, place.value), *(place.escapes or ())) if step[0] <= number][-1]
        assert begin + number - count == at
        at += len(each)


def test_strings_hide_what_looks_like_keys() -> None:
    text = "a = '''\n[b]\nc = 1\n'''\nd = [\n  'x', # e = 1\n  \"]\",\n]\n"
    text += 'f = {g = 1, h = [2]}\ni = "\\"\\\\"\nj = 1\n'
    tomllib.loads(text)
    assert list(key_places(text)) == ["a", "d", "f", "i", "j"]


def test_quotes_before_the_closing_three_belong_to_the_text() -> None:
    text = 'a = """x""""\nb = 1\nc = """y\\""""\nd = 2\n'
    tomllib.loads(text)
    assert list(key_places(text)) == ["a", "b", "c", "d"]


def test_quoted_and_dotted_keys() -> None:
    text = "\"a\".b = 1\n'c d' = 2\n[ e . 'f' ]\ng=3\n"
    assert list(key_places(text)) == ["a.b", "c d", "e.f", "e.f.g"]


_TEXTS = st.text(alphabet="ab'\"\\[]{}#=\n .", max_size=12)


@given(st.dictionaries(st.sampled_from("abcdef"), _TEXTS))
def test_every_key_of_a_table_of_hard_texts_is_found(table: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    text = "[t]\n" + "".join(f"{key} = {quoted(value)}\n" for key, value in table.items())
    assert tomllib.loads(text)["t"] == table
    assert set(key_places(text)) == {"t", *(f"t.{key}" for key in table)}
