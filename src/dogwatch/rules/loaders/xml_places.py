"""Where elements and their texts stand in an XML file: exact lines and columns, also behind escapes and CDATA."""

from __future__ import annotations

import html
import re
from bisect import bisect_right

from lxml import etree

from dogwatch.base.diagnostic import Place, Steps

_MARKUP = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|</[^>]*+>|(?P<start><(?:[^<>"']++|"[^"]*+"|'[^']*+')++>)""",
    re.DOTALL,
)
"""Whatever stands in angle brackets in a well-formed file without a document type."""

_PIECE = re.compile(
    r"(?P<escape>&[^;&<]++;)|<!\[CDATA\[(?P<cdata>.*?)\]\]>|(?P<aside><!--.*?-->|<\?.*?\?>)|(?P<tag><[^>]*+>)"
    r"|(?P<text>[^&<]++)",
    re.DOTALL,
)

_MOST_STEPS = 10_000
"""Escapes of one text up to which columns are exact."""


class XmlPlaces:
    """The places of one file that was parsed.

    Args:
        text: The file's text, well-formed and without a document type declaration.
        file: Its name.
        root: What the parser made of it, without comments and processing instructions.
    """

    def __init__(self, text: str, file: str, root: etree._Element) -> None:
        self._text = text
        self._file = file
        self._lines = [0, *(each.end() for each in re.finditer("\n", text))]
        tags = [each.span() for each in _MARKUP.finditer(text) if each["start"]]
        # The tags stand in the order in which the parser gives the elements; holding these keeps their identity.
        self._tags = dict(zip(root.iter(), tags, strict=True))

    def of(self, element: etree._Element) -> Place:
        """The file and line where an element begins."""
        return Place(self._file, self._at(self._tags[element][0]).line)

    def of_text(self, element: etree._Element) -> tuple[Place | None, Steps]:
        """Where an element's text (with that of the elements in it) begins, and goes on after each escape."""
        at = self._tags[element][1]
        if self._text[at - 2] == "/":
            return None, ()
        end = self._text.find("<", at)
        if self._text.startswith("</", end) and self._text.find("&", at, end) < 0:
            # Most texts hold nothing that is written otherwise.
            return self._at(at), ()
        places = [(0, self._at(at))]
        length = depth = 0
        while len(places) < _MOST_STEPS and (piece := _PIECE.match(self._text, at)) is not None:
            at = piece.end()
            if piece["text"] is not None:
                length += len(piece["text"].replace("\r\n", "\n"))
                continue
            if piece["tag"] is not None:
                depth += -1 if piece["tag"].startswith("</") else 0 if piece["tag"].endswith("/>") else 1
                if depth < 0:
                    break
            elif piece["escape"] is not None:
                length += len(html.unescape(piece["escape"]))
            elif piece["cdata"] is not None:
                # Its text begins behind the brackets, and what follows behind those that close it.
                places.append((length, self._at(piece.start("cdata"))))
                length += len(piece["cdata"].replace("\r\n", "\n"))
            places.append((length, self._at(at)))
        # Of places before the same character, the last counts; that before the first is where the text begins.
        begin = max((number for number, (before, _) in enumerate(places) if before == 0), default=0)
        return places[begin][1], tuple(places[begin + 1 :])

    def _at(self, offset: int) -> Place:
        line = bisect_right(self._lines, offset)
        return Place(self._file, line, offset - self._lines[line - 1] + 1)
