"""What blocks have shown of the documents to come: which keys they have, and which values are what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import hyperscan

from dogwatch.base.fieldpath import split_path
from dogwatch.events.batch import Document
from dogwatch.events.blocks.prescan import Found, Prescan
from dogwatch.events.blocks.shape import Keys, Node, shape_of
from dogwatch.events.fortisiem.export import telling_labels

TELLING = frozenset({"_source", "_index", "_shards"}) | telling_labels()
"""Keys of the document itself that only search hits, responses and events in FortiSIEM's form have."""

_MOST_KEYS = 20_000
_MOST_LEVELS = 40


_CHANGE_SHARE = 50
"""One document in so many must hold something unexpected for it to be expected from then on."""


class UnfitError(Exception):
    """Something is better read line by line."""


class Learned:
    """What to look for in a block and what to ask the parser for.

    Args:
        wanted: The paths of the fields wanted, and whether the value of each must be taken as JSON.

    Attributes:
        is_surprised: Whether the last block had keys that none before it had.

    Raises:
        UnfitError: There are too many fields.
    """

    def __init__(self, wanted: Mapping[str, bool]) -> None:
        self._wanted = dict(wanted)
        self._unseen = _keys_of(self._wanted) | TELLING
        if len(self._unseen) > _MOST_KEYS:
            raise UnfitError(f"more than {_MOST_KEYS} keys")
        self._seen: set[str] = set()
        self._whole: set[Keys] = set()
        self._shape: Node | None = None
        self._prescan: Prescan | None = None
        self._nulls_of: frozenset[str] = frozenset()
        self._blocks = 0
        self.is_surprised = False

    def scan(self, data: bytes) -> Found:
        """What a block shows before it is parsed.

        Raises:
            UnfitError: The keys are too many to be looked for.
        """
        self._blocks += 1
        # To look for keys that are known to be there is slow, and so is it to make another prescan.
        if self._prescan is None or (self._blocks & (self._blocks - 1) == 0 and self._prescan.keys & self._seen):
            self._prescan = self._make_prescan()
        found = self._prescan.scan(data)
        if self._nulls_of != (telling := TELLING & (self._seen | found.keys)):
            # Nulls are looked for under those keys only that there are.
            self._nulls_of = telling
            self._prescan = self._make_prescan()
            found = self._prescan.scan(data)
        self.is_surprised = not found.keys <= self._seen
        if self.is_surprised:
            self._seen |= found.keys
            self._unseen -= found.keys
            self._shape = None
        return found

    def _make_prescan(self) -> Prescan:
        try:
            return Prescan(self._unseen, self._nulls_of)
        except hyperscan.error as error:
            raise UnfitError(str(error)) from None

    def shape(self) -> Node:
        """What to ask the parser for.

        Raises:
            ShapeError: It cannot be asked for all that is wanted.
        """
        if self._shape is None:
            telling = TELLING & self._seen
            self._shape = shape_of(self._wanted, self._seen, self._whole, telling)
            if not self._shape.below:
                # The parser is to be asked for something.
                self._shape.below["@timestamp"] = Node()
        return self._shape

    @property
    def is_told(self) -> bool:
        """Whether documents may have one of the ``TELLING`` keys."""
        return bool(self._nulls_of)

    def learn_from(self, documents: Sequence[Document]) -> None:
        """Ask otherwise for what is not as expected in more than a few documents.

        Raises:
            ShapeError: The parser cannot be asked for all that is wanted.
        """
        misfits = Misfits()
        shape = self.shape()
        for document in documents:
            misfits.add(document, shape)
        self.learn(misfits, len(documents))

    def learn(self, misfits: Misfits, count: int) -> set[Keys]:
        """Ask otherwise for what was not as expected in more than a few of so many documents.

        Returns:
            The values that are taken as their text from now on, be they objects or not.
        """
        whole = {keys for keys, times in misfits.values.items() if times * _CHANGE_SHARE > count}
        lists = {path for path, times in misfits.lists.items() if times * _CHANGE_SHARE > count}
        if whole or lists:
            self._whole |= whole
            self._wanted.update(dict.fromkeys(lists, True))
            self._shape = None
        return whole


@dataclass(slots=True)
class Misfits:
    """What documents hold where a shape asks for something else.

    Attributes:
        values: How many values are there that are no objects where one is asked for, by the keys that lead there.
        lists: How many lists and objects where a plain value is asked for, by the field.
    """

    values: Counter[Keys] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)

    def add(self, document: Document, node: Node, keys: Keys = ()) -> None:
        """Take a document, or the object in it that a part of the shape is about."""
        for key, below in node.below.items():
            value = document.get(key)
            if value is None:
                continue
            if not below.is_object:
                if below.path is not None and not below.as_json and isinstance(value, list | dict):
                    self.lists[below.path] += 1
            elif isinstance(value, dict):
                self.add(value, below, (*keys, key))
            else:
                self.values[*keys, key] += 1


def _keys_of(wanted: Mapping[str, bool]) -> set[str]:
    """The keys under which documents may hold parts of some paths, nested or with dots."""
    found: set[str] = set()
    for path in wanted:
        components = split_path(path)
        if len(components) > _MOST_LEVELS:
            raise UnfitError(f"a path of more than {_MOST_LEVELS} components")
        for start in range(len(components)):
            for end in range(start + 1, len(components) + 1):
                found.add(".".join(components[start:end]))
    return found
