"""The words of analysed text, as Elasticsearch's standard analyser finds them.

The rules are the word boundaries of Unicode's text segmentation (UAX #29) with the characters' classes taken
from their general category: letters and digits belong together, a dot, colon or apostrophe between letters
and a dot, comma or semicolon between digits too, and underscores join. A word holds a letter or a digit.
Ideographs and Hiragana are words of one character each. Left out: emoji, which are no words here, and the
quotation marks inside Hebrew words. Reading takes time in proportion to the text, whatever it holds.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right

LONGEST_WORD = 255
"""Characters after which a word is cut in two."""

_LETTER, _DIGIT, _JOINER, _KATAKANA, _SINGLE, _COMPLEX = "L", "N", "_", "K", "S", "C"
_EXTEND, _BETWEEN_LETTERS, _BETWEEN_DIGITS, _BETWEEN_BOTH, _BREAK = "x", ":", ",", ".", " "

_PUNCTUATION = {
    **dict.fromkeys(":·\u0387\u05f4\u2027\ufe13\ufe55\uff1a", _BETWEEN_LETTERS),
    **dict.fromkeys(
        ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b", _BETWEEN_DIGITS
    ),
    **dict.fromkeys(".'\u2018\u2019\u2024\ufe52\uff07\uff0e", _BETWEEN_BOTH),
    "\u202f": _JOINER,
    "\u200b": _BREAK,
}
_SCRIPTS = (
    (0x0E00, 0x0EFF, _COMPLEX),
    (0x1000, 0x109F, _COMPLEX),
    (0x1780, 0x17FF, _COMPLEX),
    (0x1950, 0x19DF, _COMPLEX),
    (0x1A20, 0x1AAF, _COMPLEX),
    (0x24B6, 0x24E9, _LETTER),
    (0x2E80, 0x2FDF, _SINGLE),
    (0x3005, 0x3007, _SINGLE),
    (0x3021, 0x3029, _SINGLE),
    (0x3031, 0x3035, _KATAKANA),
    (0x3038, 0x303B, _SINGLE),
    (0x3041, 0x3096, _SINGLE),
    (0x309B, 0x309C, _KATAKANA),
    (0x309D, 0x309F, _SINGLE),
    (0x30A0, 0x30FA, _KATAKANA),
    (0x30FC, 0x30FF, _KATAKANA),
    (0x31F0, 0x31FF, _KATAKANA),
    (0x32D0, 0x3357, _KATAKANA),
    (0x3400, 0x4DBF, _SINGLE),
    (0x4E00, 0x9FFF, _SINGLE),
    (0xAA60, 0xAADF, _COMPLEX),
    (0xF900, 0xFAFF, _SINGLE),
    (0xFF66, 0xFF9F, _KATAKANA),
    (0x1B000, 0x1B000, _KATAKANA),
    (0x1B001, 0x1B11F, _SINGLE),
    (0x20000, 0x3FFFF, _SINGLE),
)
"""Scripts whose letters have rules of their own: first and last character, and the class."""

_FIRSTS = [first for first, _, _ in _SCRIPTS]
_CATEGORIES = {"Nd": _DIGIT, "Pc": _JOINER, **dict.fromkeys(("Mn", "Mc", "Me", "Cf"), _EXTEND)}
_JOINED = frozenset({"LL", "LN", "NL", "NN", "KK", "L_", "N_", "K_", "__", "_L", "_N", "_K"})
_BRIDGES = frozenset({"L:L", "L.L", "N,N", "N.N"})
_WORDLIKE = frozenset({_LETTER, _DIGIT, _KATAKANA})


class _Classes(dict[int, str]):
    """The class of each character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        found = self[code] = _class_of(chr(code))
        return found


def _class_of(char: str) -> str:
    if char in _PUNCTUATION:
        return _PUNCTUATION[char]
    category = unicodedata.category(char)
    if category in _CATEGORIES:
        return _CATEGORIES[category]
    place = bisect_right(_FIRSTS, ord(char)) - 1
    if place >= 0 and ord(char) <= _SCRIPTS[place][1]:
        return _SCRIPTS[place][2]
    return _LETTER if category[0] == "L" or category == "Nl" else _BREAK


_CLASSES = _Classes()


def words_of(text: str) -> list[str]:
    """The lower-cased words of a text, in order.

    Examples:
        >>> words_of("Access DENIED: user_1@host.example.com (root's)")
        ['access', 'denied', 'user_1', 'host.example.com', "root's"]
        >>> words_of("cat /etc/ld.so.conf 10.0.0.1:22 東京")
        ['cat', 'etc', 'ld.so.conf', '10.0.0.1', '22', '東', '京']
    """
    classes = text.translate(_CLASSES)
    words: list[str] = []
    start = 0
    # Whatever the rules are, nothing joins over a character that is in no word.
    for stretch in classes.split(_BREAK):
        end = start + len(stretch)
        if not stretch.strip(_LETTER + _DIGIT):
            _add(text, start, end, words)
        else:
            _scan(text, start, classes, end, words)
        start = end + 1
    return words


def lowered(text: str) -> str:
    """The text in lower case, character by character, as the analyser does it: no context, no growing."""
    if text.isascii():
        return text.lower()
    return "".join(char.lower()[0] for char in text)


def may_be_in_word(char: str) -> bool:
    """Whether a word can hold the character."""
    return _CLASSES[ord(char)] != _BREAK


def _scan(text: str, start: int, classes: str, end: int, words: list[str]) -> None:
    at = start
    while at < end:
        kind = classes[at]
        if kind == _SINGLE:
            stop = _after_extend(classes, at + 1, end)
            _add(text, at, stop, words)
        elif kind == _COMPLEX:
            stop = at + 1
            while stop < end and classes[stop] in (_COMPLEX, _EXTEND):
                stop += 1
            _add(text, at, stop, words)
        elif kind in _WORDLIKE or kind == _JOINER:
            stop, wordlike = _run(classes, at, end)
            if wordlike:
                _add(text, at, stop, words)
        else:
            stop = at + 1
        at = stop


def _run(classes: str, start: int, end: int) -> tuple[int, bool]:
    """The end of the run of joined characters that begins at ``start``, and whether it is a word."""
    last = classes[start]
    wordlike = last in _WORDLIKE
    at = _after_extend(classes, start + 1, end)
    while at < end:
        kind = classes[at]
        following = at + 1
        if last + kind not in _JOINED:
            bridge = kind
            following = _after_extend(classes, following, end)
            kind = classes[following] if following < end else _BREAK
            if last + bridge + kind not in _BRIDGES:
                break
            following += 1
        last = kind
        wordlike = wordlike or kind in _WORDLIKE
        at = _after_extend(classes, following, end)
    return at, wordlike


def _after_extend(classes: str, at: int, end: int) -> int:
    while at < end and classes[at] == _EXTEND:
        at += 1
    return at


def _add(text: str, start: int, end: int, words: list[str]) -> None:
    cuts = range(start, end, LONGEST_WORD)
    words += [lowered(text[begin : min(end, begin + LONGEST_WORD)]) for begin in cuts]
