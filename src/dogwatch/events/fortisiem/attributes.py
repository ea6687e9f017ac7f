"""The FortiSIEM attributes of a document, whichever form it has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from dogwatch.events.batch import Document
from dogwatch.events.document import PathTree
from dogwatch.schema.coerce import coerce_all
from dogwatch.schema.derived import DerivedField, derived_fields
from dogwatch.schema.field import FieldRef, FieldType, Scalar
from dogwatch.schema.fortisiem import FORTISIEM_PREFIX, attribute_types


def attribute_values(document: Document, names: Iterable[str]) -> dict[str, list[Scalar]]:
    """A document's FortiSIEM attributes: those under ``fortisiem.``, else what the mapping makes of ECS.

    Args:
        document: Any event. It is not changed.
        names: The attributes wanted, by their internal names. One that FortiSIEM does not define is read as text.

    Returns:
        An entry for each name, in their order; empty where the document has no value. Dates are nanoseconds
        since 1970 UTC, addresses canonical texts.

    Examples:
        >>> attribute_values({"process": {"name": "nc", "args": ["nc", "-l", "99"]}}, ["procName", "swParam"])
        {'procName': ['nc'], 'swParam': ['-l 99']}
    """
    plan = _plan(tuple(dict.fromkeys(names)))
    found = dict(zip(plan.paths, plan.tree.extract(document), strict=True))
    result: dict[str, list[Scalar]] = {}
    for name, ref, derived in plan.columns:
        own, _ = coerce_all(found[ref.path], ref.type)
        if derived is not None and own:
            # What an event says itself goes before what follows from its other fields; they need not be read.
            own = list(derived.values(own, ()))
        elif derived is not None:
            inputs = [coerce_all(found[source.path], source.type)[0] for source in derived.inputs]
            own = list(derived.values(own, inputs))
        result[name] = own
    return result


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to find some attributes: each with its field and how it follows from others, if it does."""

    columns: tuple[tuple[str, FieldRef, DerivedField | None], ...]
    paths: tuple[str, ...]
    tree: PathTree


@lru_cache(maxsize=256)
def _plan(names: tuple[str, ...]) -> _Plan:
    columns = []
    for name in names:
        ref = FieldRef(FORTISIEM_PREFIX + name, attribute_types().get(name, FieldType.KEYWORD))
        columns.append((name, ref, derived_fields().get(ref.path)))
    refs = [source for _, ref, derived in columns for source in (ref, *(derived.inputs if derived else ()))]
    paths = tuple(dict.fromkeys(ref.path for ref in refs))
    return _Plan(tuple(columns), paths, PathTree(paths))
