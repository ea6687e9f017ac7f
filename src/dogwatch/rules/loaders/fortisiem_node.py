"""The form in which a FortiSIEM rule is read, whether its file is XML or YAML."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Place, Steps, place_within
from dogwatch.rules.fortisiem_model import Extra, XmlElement

OWN_NAMESPACE = "urn:dogwatch:rule:1"
"""The namespace of the element ``Dogwatch``, which FortiSIEM's own files do not have."""

MAX_DEPTH = 32
"""Elements that may stand in one another within a rule."""

LOGIC = frozenset({"SingleEvtConstr", "GroupByAttr", "GroupEvtConstr", "GlobalConstr", "ClearConstr", "ArgList"})
"""Elements whose text is in FortiSIEM's languages, or lists attributes: each character's place is known."""


_KEEPS_ITSELF = frozenset({"IncidentDef", "PatternClause", "ClearCondition", "ClearIncidentDef"})
"""Elements whose part of the rule has what is not acted on of them; of all others, the owner's part has it."""

_READ_WITHIN = {"TriggerEventDisplay": ("AttrList",)}
"""Elements that are read within others, which are not read as texts themselves."""


@dataclass(slots=True)
class Node:
    """An element of a rule, as XML has it.

    Attributes:
        name: Its name without a namespace.
        place: Where it begins.
        attributes: Its attributes; one in a namespace is named ``{namespace}name``.
        text: The text before its first child.
        children: The elements in it.
        tail: The text behind it.
        parts: The parts of its text with their places, if the file lists them instead of joining them by commas.
        namespace: Its namespace.
        text_place: Where its text begins, if that was looked for.
        text_steps: Where its text goes on after each escape.
        attribute_places: Where its attributes' values stand, as far as that is known.
    """

    name: str
    place: Place
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)
    tail: str = ""
    parts: tuple[tuple[str, Place], ...] | None = None
    namespace: str = ""
    text_place: Place | None = None
    text_steps: Steps = ()
    attribute_places: dict[str, Place] = field(default_factory=dict)

    @property
    def whole_text(self) -> str:
        """Its text and that of all elements in it."""
        return self.text + "".join(child.whole_text + child.tail for child in self.children)

    def child(self, name: str) -> Node | None:
        """Its first child of that name."""
        return next((each for each in self.children if each.name == name), None)

    def all(self, name: str) -> list[Node]:
        """Its children of that name."""
        return [each for each in self.children if each.name == name]

    def within(self, name: str) -> Iterator[Node]:
        """Whatever has that name in it, at any depth, in the file's order."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.within(name)

    def text_of(self, name: str) -> str:
        """The text of its first child of that name, without white space around it; empty if there is none."""
        child = self.child(name)
        return "" if child is None else child.whole_text.strip()

    def list_of(self, name: str) -> tuple[tuple[str, Place], ...]:
        """The parts of the text of its first child of that name, which commas part, and where they begin."""
        child = self.child(name)
        if child is None:
            return ()
        if child.parts is not None:
            return child.parts
        return tuple(child.places_in(child.whole_text))

    def places_in(self, text: str) -> Iterator[tuple[str, Place]]:
        """The parts of its text, each with where it begins, or else where the element itself does."""
        place, since = self.text_place, 0
        for at, part in _parts(text):
            if place is None:
                yield part, self.place
            elif self.text_steps:
                yield part, place_within(text, at, place, self.text_steps)
            else:
                # From one part to the next, as there may be thousands.
                place, since = place_within(text[since:at], at - since, place), at
                yield part, place

    def rest(
        self,
        attributes: Collection[str] = (),
        once: Collection[str] = (),
        several: Collection[str] = (),
        read: Collection[int] = (),
    ) -> Extra:
        """What of it was not read.

        Args:
            attributes: Attributes that were.
            once: Children of which the first was.
            several: Children that all were.
            read: Identities of further nodes at any depth that were.
        """
        seen: set[str] = set()
        kept: list[XmlElement] = []
        inside: list[tuple[str, Extra]] = []
        for child in self.children:
            first = child.name in once and child.name not in seen
            seen.add(child.name)
            if first and child.name not in _KEEPS_ITSELF and (beside := child.beside_text(read)):
                inside.append((child.name, beside))
            if not (first or child.name in several) and (data := child.data(read)) is not None:
                kept.append(data)
        unread = tuple((key, value) for key, value in self.attributes.items() if key not in attributes)
        return Extra(unread, tuple(kept), tuple(inside))

    def beside_text(self, read: Collection[int]) -> Extra:
        """What it says beside its text."""
        within = _READ_WITHIN.get(self.name)
        return Extra(tuple(self.attributes.items())) if within is None else self.rest((), within, read=read)

    def data(self, read: Collection[int] = ()) -> XmlElement | None:
        """It as data without the nodes that were read; ``None`` if it is one, or held nothing but them."""
        if id(self) in read:
            return None
        children = [data for child in self.children if (data := child.data(read)) is not None]
        element = XmlElement(
            self.name, tuple(self.attributes.items()), self.text.strip(), tuple(children), self.tail.strip()
        )
        emptied = self.children and not (children or element.attributes or element.text or element.tail)
        return None if emptied else element


def parted(text: str) -> Iterator[str]:
    """The parts between commas that stand in no parentheses: an aggregate may hold commas of its own."""
    for _, part in _parts(text):
        yield part


def _parts(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for whole in _between_commas(text):
        if part := whole.strip():
            yield start + len(whole) - len(whole.lstrip()), part
        start += len(whole) + 1


def _between_commas(text: str) -> Iterator[str]:
    if "(" not in text:
        yield from text.split(",")
        return
    depth, start = 0, 0
    for mark in re.finditer("[(),]", text):
        depth = max(0, depth + {"(": 1, ")": -1, ",": 0}[mark[0]])
        if mark[0] == "," and depth == 0:
            yield text[start : mark.start()]
            start = mark.end()
    yield text[start:]
