"""Rules kept between runs, by the contents of their files.

Two steps lead to them, as in git's index.
Names, sizes and times of the files lead to the contents that they had when they were last read;
these lead to the rules.
Times alone cannot tell a file that changed twice within one tick of the clock.
So the first step is remembered only of files that had rested for a while when they were read; until then every run
reads them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dogwatch.base import diagnostic, keep, text
from dogwatch.base.codec import Codec, CodecError, classes_in
from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.base.program import fingerprint
from dogwatch.languages import lowering
from dogwatch.logic import pattern, predicate, relation
from dogwatch.rules import attack, fortisiem_model, model
from dogwatch.rules.model import Rule
from dogwatch.schema import field

_RESTED = 2 * 10**9
"""Nanoseconds for which a file must have stayed as it is; no file system's clock is coarser."""


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where a set of rules came from, so that more about the same rules can be kept.

    Attributes:
        key: What their files hold; the same key means the same rules.
        rules: All that were loaded.
    """

    key: bytes
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file to load.

    Attributes:
        path: Its path.
        named: Whether it was named itself, not found in a folder.
    """

    path: Path
    named: bool


Listed = Sequence[RuleFile | Diagnostic]
"""Files in order, and between them what was wrong with their folders."""

Contents = Mapping[Path, bytes | DogwatchError]
"""What is in each file, or why it cannot be read."""


@dataclass(frozen=True, slots=True)
class Load:
    """The outcome of a load: the rules in order, and every diagnostic."""

    rules: tuple[Rule, ...]
    errors: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What the folders say of some files.

    Attributes:
        name: The name of all that together; a file that changes changes it.
        size: Bytes in all of them.
        newest: The latest change of any, nanoseconds since 1970 UTC.
    """

    name: str
    size: int
    newest: int


CLASSES = (
    *classes_in((diagnostic, text, field, predicate, pattern, relation, lowering)),
    *classes_in((attack, fortisiem_model, model)),
    Load,
)
"""The classes of rules, of what they are lowered to, and of what is said about them."""

_CODEC = Codec(CLASSES)


def look(listed: Listed) -> Look:
    """Files as their folders describe them now.

    Raises:
        OSError: One of them cannot be looked at.
    """
    parts: list[str | bytes] = []
    newest = size = 0
    for each in listed:
        if isinstance(each, Diagnostic):
            parts.append(repr(each))
            continue
        now = each.path.stat()
        marks = (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino)
        parts += (str(each.path), f"{each.named} {marks}")
        newest = max(newest, now.st_mtime_ns, now.st_ctime_ns)
        size += now.st_size
    return Look(f"seen-{key_of(*parts).hex()}", size, newest)


def remembered_key(look: Look) -> bytes | None:
    """The key of what files held when they were last read, if they look the same."""
    found = keep.read(look.name)
    return None if found is None else bytes(found)


def remember_key(look: Look, key: bytes, began: int) -> None:
    """Note the key of what files hold, if they had rested when they were read.

    Args:
        look: The files as they were before they were read.
        key: The key of their contents.
        began: When the reading began, in nanoseconds since 1970 UTC.
    """
    if look.newest + _RESTED < began:
        keep.write(look.name, key)


def contents_key(listed: Listed, contents: Contents) -> bytes:
    """A key of what files hold: of each its path, whether it was named itself, and its bytes."""
    parts: list[str | bytes] = []
    for each in listed:
        if isinstance(each, Diagnostic):
            parts.append(repr(each))
            continue
        data = contents[each.path]
        said = repr(data.diagnostics) if isinstance(data, DogwatchError) else hashlib.blake2b(data).digest()
        parts += (str(each.path), str(each.named), said)
    return key_of(*parts)


def kept_load(key: bytes) -> Load | None:
    """The rules of files whose contents have this key, if they are kept."""
    found = kept(f"rules-{key.hex()}", _CODEC)
    return found if isinstance(found, Load) else None


def keep_load(key: bytes, load: Load) -> None:
    """Keep the rules of files whose contents have this key."""
    keep_value(f"rules-{key.hex()}", load, _CODEC)


def kept(name: str, codec: Codec) -> object:
    """What a codec wrote under a name; ``None`` if nothing is kept, or nothing that can be read."""
    data = keep.read(name)
    if data is None:
        return None
    try:
        return codec.decode(data)
    except CodecError:
        return None


def keep_value(name: str, value: object, codec: Codec) -> None:
    """Keep a value under a name; one that the codec cannot write is not kept."""
    try:
        data = codec.encode(value)
    except CodecError:
        return
    keep.write(name, data)


def key_of(*parts: str | bytes) -> bytes:
    """A key of parts, different for every state of the program; a part's end is told from the next one's begin."""
    digest = hashlib.blake2b(fingerprint(), digest_size=32)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()
