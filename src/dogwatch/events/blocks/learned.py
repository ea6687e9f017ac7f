"""What blocks have shown of the documents to come: which keys they have, and which values are what."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import hyperscan

from dogwatch.base.fieldpath import split_path
from dogwatch.events.batch import Document
from dogwatch.events.blocks.prescan import LONGEST_KEY, Found, Prescan, TooManyError, is_plain
from dogwatch.events.blocks.shape import Keys, Node, shape_of
from dogwatch.events.fortisiem.export import telling_labels

_SOURCE, _INDEX, _RESPONSE = "_source", "_index", "_shards"
TELLING = frozenset({_SOURCE, _INDEX, _RESPONSE}) | telling_labels()
"""Keys of the document itself that only search hits, responses and events in FortiSIEM's form have."""

_FIRST_LOOK = 1 << 16
"""Bytes in which the keys that are nearly everywhere are found without a prescan made for them."""

_ANEW = 8
"""Blocks that pay for another prescan, which no longer looks for the keys that they had."""

_EXPIRY = 64
"""Blocks after which what was expected otherwise is learned anew."""

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
        is_surprised: Whether what the last block holds is not known yet: it has keys that none before it had, or
            much time has passed.
        hits: Whether the lines are search hits, each with its document inside.

    Raises:
        UnfitError: There are too many fields.
    """

    def __init__(self, wanted: Mapping[str, bool]) -> None:
        self._wanted = dict(wanted)
        self._lists: set[str] = set()
        keys = _keys_of(self._wanted) - TELLING
        if len(keys) > _MOST_KEYS:
            raise UnfitError(f"more than {_MOST_KEYS} keys")
        # Keys with dots are many, and mostly in no document: one look tells for all with one beginning.
        self._dotted: defaultdict[str, set[str]] = defaultdict(set)
        for key in keys:
            self._dotted[_beginning(key)].add(key)
        self._unseen = set(TELLING) | self._dotted.pop("", set())
        self._seen: set[str] = set()
        self._whole: set[Keys] = set()
        self._shape: Node | None = None
        self._prescan: Prescan | None = None
        self._nulls_of: frozenset[str] = frozenset()
        self._blocks = 0
        self.is_surprised = False
        self.hits = False

    def scan(self, data: bytes) -> Found:
        """What a block shows before it is parsed.

        Raises:
            UnfitError: The keys are too many to be looked for, or most of the block is suspect.
        """
        try:
            return self._scan(data)
        except TooManyError:
            raise UnfitError("too many places are suspect") from None

    def _scan(self, data: bytes) -> Found:
        self._blocks += 1
        first_seen = self._at_first_sight(data[:_FIRST_LOOK]) if self._prescan is None else set()
        self._see(first_seen)
        # To look for keys that are known to be there is slow, and so is it to make another prescan.
        if self._prescan is None or (self._may_look_anew() and self._prescan.keys & self._seen):
            self._prescan = self._make_prescan()
        found = self._prescan.scan(data)
        telling = TELLING & (self._seen | found.keys)
        if found.beginnings or self._nulls_of != telling:
            # Nulls are looked for under those keys only that there are.
            self._nulls_of = telling
            self._look_for(found.beginnings)
            self._prescan = self._make_prescan()
            found = self._prescan.scan(data)
        self.is_surprised = bool(first_seen) or not found.keys <= self._seen
        self._see(found.keys)
        if self._blocks % _EXPIRY == 0 and (self._whole or self._lists):
            self.is_surprised = True
            self._whole.clear()
            self._lists.clear()
            self._shape = None
        return found

    def _may_look_anew(self) -> bool:
        return self._blocks >= _ANEW and self._blocks & (self._blocks - 1) == 0

    def _at_first_sight(self, data: bytes) -> set[str]:
        texts = {text.decode("utf-8", "replace") for text in data.split(b'"')}
        self._look_for({text.partition(".")[0] for text in texts if "." in text} & self._dotted.keys())
        return {key for key in self._unseen & texts if is_plain(key)}

    def _look_for(self, beginnings: set[str]) -> None:
        for beginning in beginnings:
            self._unseen |= self._dotted.pop(beginning)

    def _see(self, keys: set[str]) -> None:
        if not keys <= self._seen:
            self._seen |= keys
            self._unseen -= keys
            self._shape = None
            self._nulls_of |= TELLING & keys

    def _make_prescan(self) -> Prescan:
        try:
            return Prescan(self._unseen, self._nulls_of, self._dotted)
        except hyperscan.error as error:
            raise UnfitError(str(error)) from None

    def shape(self) -> Node:
        """What to ask the parser for.

        Raises:
            ShapeError: It cannot be asked for all that is wanted.
        """
        if self._shape is None:
            wanted = self._wanted | dict.fromkeys(self._lists, True)
            self._shape = (
                self._hit_shape(wanted) if self.hits else self._document_shape(wanted, self._whole, TELLING)
            )
        return self._shape

    def _document_shape(
        self, wanted: Mapping[str, bool], whole: Collection[Keys], telling: frozenset[str]
    ) -> Node:
        root = shape_of(wanted, self._seen, whole, telling & self._seen)
        if not root.below:
            # The parser is to be asked for something.
            root.below["@timestamp"] = Node()
        return root

    def _hit_shape(self, wanted: Mapping[str, bool]) -> Node:
        inside = {keys[1:] for keys in self._whole if keys[:1] == (_SOURCE,)}
        root = Node(below={_SOURCE: self._document_shape(wanted, inside, telling_labels())})
        for key in (_INDEX, _RESPONSE):
            if key in self._seen:
                root.below[key] = Node(as_json=True)
        return root

    def take_hits(self, hits: bool) -> None:
        """Ask for the documents of search hits from now on, or for documents that are lines of their own."""
        if hits != self.hits:
            self.hits = hits
            self._shape = None

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
            self._lists |= lists
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


def _beginning(key: str) -> str:
    """The first component of a key with dots by which it can be looked for, else nothing."""
    first, dot, _ = key.partition(".")
    return first if dot and is_plain(first) and len(first) <= LONGEST_KEY else ""


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
