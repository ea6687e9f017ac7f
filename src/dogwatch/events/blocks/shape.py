"""Which JSON objects and values the native parser is asked for, and where wanted fields are in them.

A field may be spelled with nested and dotted keys in any mixture; every spelling whose keys are in the block is
declared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dogwatch.base.fieldpath import split_path

Keys = tuple[str, ...]
"""The keys that lead to a value, from the document inwards."""

_MOST_SPELLINGS = 64
_MOST_LEVELS = 40


class ShapeError(Exception):
    """The parser cannot be asked for these fields."""


@dataclass(slots=True)
class Node:
    """One object or value that is asked for.

    Attributes:
        path: The wanted field whose value this is, if any.
        as_json: Whether the value is taken as its JSON text; else a string stands for itself.
        below: What is asked for inside it, by key.
        inner: Wanted fields inside it that are found in its JSON text, and not by the parser.
        at: The path of which it is a value, where there are ``inner`` ones.
    """

    path: str | None = None
    as_json: bool = False
    below: dict[str, Node] = field(default_factory=dict)
    inner: list[str] = field(default_factory=list)
    at: str = ""

    @property
    def is_object(self) -> bool:
        """Whether the parser looks inside: only an object or null may be there."""
        return bool(self.below) and self.path is None and not self.as_json

    def leaves(self, keys: Keys = ()) -> Iterator[tuple[Keys, Node]]:
        """The values that the parser gives, in the order of declaration."""
        if not self.is_object:
            yield keys, self
            return
        for key, node in self.below.items():
            yield from node.leaves((*keys, key))


def shape_of(
    wanted: Mapping[str, bool], seen: Collection[str], whole: Collection[Keys], telling: Iterable[str]
) -> Node:
    """What to ask for.

    Args:
        wanted: Paths, and whether the value of each is taken as JSON.
        seen: The keys that are in the block: components of paths, and several of them with dots between.
        whole: Values that are no objects often enough to be taken as their JSON text and looked into afterwards.
        telling: Keys of the document itself that are asked for to see which lines have them.

    Raises:
        ShapeError: There are too many spellings, too many levels, or keys that differ by their case alone.
    """
    root = Node()
    longest = max((key.count(".") + 1 for key in seen), default=0)
    for path, as_json in wanted.items():
        components = split_path(path)
        for count, keys in enumerate(_spellings(components, seen, longest)):
            if count >= _MOST_SPELLINGS or len(keys) > _MOST_LEVELS:
                raise ShapeError(path)
            _insert(root, keys, path, as_json, whole)
    _agree(root)
    for key in telling:
        node = root.below.setdefault(key, Node())
        node.as_json = node.as_json or not node.below
    _check_case(root)
    return root


def _spellings(components: Keys, seen: Collection[str], longest: int) -> Iterator[Keys]:
    """The ways to spell a path with keys that are there, each of at most ``longest`` components."""
    count = len(components)
    steps: list[list[tuple[int, str]]] = [[] for _ in components]
    ends = [False] * count + [True]
    for start in reversed(range(count)):
        for end in range(start + 1, min(start + longest, count) + 1):
            if ends[end] and (key := ".".join(components[start:end])) in seen:
                steps[start].append((end, key))
                ends[start] = True
    pending: list[tuple[int, Keys]] = [(0, ())]
    while pending:
        start, keys = pending.pop()
        if start == count:
            yield keys
        else:
            pending += [(end, (*keys, key)) for end, key in steps[start]]


def _insert(root: Node, keys: Keys, path: str, as_json: bool, whole: Collection[Keys]) -> None:
    node = root
    for depth, key in enumerate(keys, 1):
        node = node.below.setdefault(key, Node())
        if keys[:depth] in whole:
            node.as_json = True
            node.at = ".".join(keys[:depth])
            if path not in node.inner:
                node.inner.append(path)
            return
    node.path = path
    node.as_json = as_json


def _agree(root: Node) -> None:
    """Take a field as JSON under all of its spellings if it is so under one."""
    leaves = [node for _, node in root.leaves()]
    texts = {path for node in leaves for path in node.inner} | {node.path for node in leaves if node.as_json}
    for node in leaves:
        node.as_json = node.as_json or node.path in texts


def _check_case(node: Node) -> None:
    if not node.is_object:
        return
    # The parser's names do not know upper from lower case.
    if len({key.lower() for key in node.below}) < len(node.below):
        raise ShapeError(", ".join(node.below))
    for child in node.below.values():
        _check_case(child)


def columns_argument(root: Node) -> str:
    """The declaration of the columns, in SQL."""
    columns = (f"{_text(key)}: {_text(_type_of(node))}" for key, node in root.below.items())
    return "{" + ", ".join(columns) + "}"


def _type_of(node: Node) -> str:
    if node.is_object:
        return "STRUCT(" + ", ".join(f"{_name(key)} {_type_of(child)}" for key, child in node.below.items()) + ")"
    return "JSON" if node.as_json else "VARCHAR"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
