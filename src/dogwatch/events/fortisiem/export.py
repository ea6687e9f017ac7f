"""Which objects and tables hold FortiSIEM's events, and where in an object the attributes are."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from dogwatch.events.batch import Document
from dogwatch.events.fortisiem.document import HOLDERS, attribute_name, pairs_of
from dogwatch.schema.fortisiem import FORTISIEM_PREFIX, attribute_types, labels_of
from dogwatch.schema.schema import Schema

_TELLING = frozenset({"phEventCategory", "phRecvTime", "rawEventMsg", "reptDevIpAddr", "reptDevName"})
"""Attributes one of which every event in FortiSIEM's form has, and hardly anything else."""

_TYPE = "eventType"
"""The attribute that tells as much, save that other people's records have it too."""

_RAW = "rawEventMsg"
"""The attribute that says all by itself."""

_FEWEST = 2
"""Attributes that an object or a header must have to be taken for FortiSIEM's."""

_EVENTS = "events"

_ELASTIC = frozenset({"@timestamp", "_index", "_source", "_id"})
"""Names that no export of FortiSIEM's has."""


def is_header(columns: Iterable[str]) -> bool:
    """Whether a table with these columns holds FortiSIEM's events, by their internal or displayed names."""
    given = list(columns)
    if not _ELASTIC.isdisjoint(given) or is_ecs(dict.fromkeys(given)):
        return False
    names = {attribute_name(column) for column in given}
    return names == {_RAW} or ((_TYPE in names or not _TELLING.isdisjoint(names)) and _enough(names))


def is_event(document: Document) -> bool:
    """Whether an object is an event in FortiSIEM's form, and no document of the Elastic Common Schema.

    Examples:
        >>> is_event({"eventType": "LINUX_PROCESS_EXEC", "hostName": "web1"})
        True
        >>> is_event({"eventType": "x", "hostName": "web1", "event": {"category": "process"}})
        False
    """
    if not may_be_event(document) or is_ecs(document):
        return False
    names: set[str] = set()
    nested = False
    for label, value in pairs_of(document):
        names.add(attribute_name(label))
        nested = nested or isinstance(value, dict)
    if not _enough(names):
        return False
    return not _TELLING.isdisjoint(names) or (_TYPE in names and not nested and "@timestamp" not in document)


def may_be_event(document: Document) -> bool:
    """Whether an object has one of the names that all of FortiSIEM's have; hardly any others do."""
    return not telling_labels().isdisjoint(document)


def is_export(document: Document) -> bool:
    """Whether an object holds a list of FortiSIEM's events under ``events``."""
    events = document.get(_EVENTS)
    return isinstance(events, list) and bool(events) and isinstance(events[0], dict) and is_event(events[0])


def is_ecs(document: Document) -> bool:
    """Whether an object has fields of the Elastic Common Schema: objects, or dotted names, under its roots."""
    roots = _roots()
    for name, value in document.items():
        if isinstance(value, dict):
            if name in roots:
                return True
        elif "." in name and name.partition(".")[0] in roots:
            return True
    return False


def is_foreign(document: Document) -> bool:
    """Whether an object among FortiSIEM's events is none: a document of the Elastic Common Schema."""
    if is_ecs(document):
        return True
    return "@timestamp" in document and not any(
        attribute_name(name) in attribute_types() for name, _ in pairs_of(document)
    )


def _enough(names: Iterable[str]) -> bool:
    return sum(name in attribute_types() for name in names) >= _FEWEST


@cache
def telling_labels() -> frozenset[str]:
    """Names one of which is in every object of FortiSIEM's: most documents are told by that alone."""
    return frozenset(label for name in (*_TELLING, _TYPE) for label in labels_of(name)) | {*HOLDERS, _EVENTS}


@cache
def _roots() -> frozenset[str]:
    """The first parts of the names of ECS fields that have several."""
    paths = (path.partition(".") for path in Schema.ecs().mappings)
    return frozenset(first for first, dot, _ in paths if dot) - {FORTISIEM_PREFIX.rstrip(".")}
