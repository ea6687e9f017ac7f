"""Elasticsearch mappings: what they say about fields, beyond the type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dogwatch.base.diagnostic import Diagnostic, DogwatchError
from dogwatch.schema.coerce import coerce_field
from dogwatch.schema.dateformat import date_reader, split_formats
from dogwatch.schema.field import TYPE_OF_MAPPING, FieldRef, FieldType

ALIAS = "alias"
"""The mapping type of a field that only stands for another."""

_DEFAULT_FORMATS = frozenset({("strict_date_optional_time", "epoch_millis"), ("strict_date_optional_time_nanos",)})
"""What a date reads anyway, written out."""

_HOLDERS = frozenset({"object", "nested", ALIAS})


@dataclass(frozen=True, slots=True)
class Definition:
    """What a mapping says about one field.

    Attributes:
        type: Its mapping type; of an alias, once it is resolved, that of its target.
        source: The path under which documents hold its values.
        formats: The formats of a date; empty is Elasticsearch's default.
        null_value: What an explicit null means, as the mapping writes it.
    """

    type: str
    source: str
    formats: tuple[str, ...] = ()
    null_value: str | int | float | bool | None = None


def definitions(mapping: Mapping[str, Any]) -> dict[str, Definition]:
    """The fields of a mapping by their dotted paths; the source of an alias is its target.

    Args:
        mapping: As for ``Schema.with_mapping``.

    Raises:
        DogwatchError: Code ``mapping-syntax``.
    """
    return dict(_flat(_unwrapped(mapping)))


def resolved(
    added: Mapping[str, Definition], types: Mapping[str, str], known: Mapping[str, Definition]
) -> dict[str, Definition]:
    """The definitions with each alias made into what its target is.

    Args:
        added: The definitions.
        types: Mapping types of fields that were known before.
        known: What else was known about them.

    Raises:
        DogwatchError: An alias's target is no field (code ``mapping-syntax``).
    """
    done: dict[str, Definition] = {}
    for path, each in added.items():
        if each.type != ALIAS:
            done[path] = each
            continue
        target = added.get(each.source) or known.get(each.source)
        if target is None and each.source in types:
            target = Definition(types[each.source], each.source)
        if target is None or target.type in _HOLDERS:
            raise _error(
                f"the alias `{path}` stands for `{each.source}`, which is no field with values",
                "an alias names the whole path of another field of the mapping",
            )
        done[path] = target
    return done


def _unwrapped(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    for wrapper in ("mappings", "properties"):
        inner = mapping.get(wrapper)
        if len(mapping) == 1 and isinstance(inner, Mapping) and not isinstance(inner.get("type"), str):
            mapping = inner
    return mapping


def _flat(mapping: Mapping[str, Any]) -> Iterator[tuple[str, Definition]]:
    # With each definition comes the field whose values it reads: a multi-field reads its parent's.
    pending: list[tuple[str, Any, str | None]] = [(path, each, None) for path, each in mapping.items()]
    while pending:
        path, definition, parent = pending.pop()
        match definition:
            case str():
                yield path, Definition(definition, parent or path)
            case Mapping():
                pending += [
                    (f"{path}.{name}", each, None) for name, each in _inner(definition, "properties", path)
                ]
                pending += [
                    (f"{path}.{name}", each, parent or path) for name, each in _inner(definition, "fields", path)
                ]
                yield path, _definition(path, definition, parent)
            case _:
                raise _error(
                    f"the mapping of `{path}` is neither a type's name nor a definition",
                    'write "keyword" or {"type": "keyword"}',
                )


def _inner(definition: Mapping[str, Any], name: str, path: str) -> list[tuple[str, Any]]:
    inner = definition.get(name, {})
    if not isinstance(inner, Mapping):
        raise _error(f"`{name}` of `{path}` is no object of fields", 'write {"name": {"type": "keyword"}}')
    return list(inner.items())


def _definition(path: str, definition: Mapping[str, Any], parent: str | None) -> Definition:
    kind = definition.get("type", "object")
    if not isinstance(kind, str):
        raise _error(f"the type of `{path}` is not a name", 'write {"type": "keyword"}')
    if kind == ALIAS:
        target = definition.get("path")
        if not isinstance(target, str):
            raise _error(
                f"the alias `{path}` does not say what it stands for", 'write {"type": "alias", "path": ".."}'
            )
        return Definition(kind, target)
    plain = Definition(kind, parent or path)
    formats = _formats(path, definition.get("format")) if TYPE_OF_MAPPING.get(kind) is FieldType.DATE else ()
    null_value = definition.get("null_value")
    if null_value is None:
        return replace(plain, formats=formats)
    field_type = TYPE_OF_MAPPING.get(kind)
    if field_type is None or not coerce_field([null_value], FieldRef(path, field_type, formats))[0]:
        raise _error(
            f"the null_value of `{path}` is no value of type {kind}", "write a value that the field could have"
        )
    return replace(plain, formats=formats, null_value=null_value)


def _formats(path: str, text: object) -> tuple[str, ...]:
    if text is None:
        return ()
    formats = split_formats(text) if isinstance(text, str) else ()
    if formats in _DEFAULT_FORMATS:
        return ()
    if not formats or date_reader(formats) is None:
        raise _error(
            f"the date format of `{path}` is not supported: {text}",
            "write patterns such as `yyyy-MM-dd HH:mm:ss` or names such as `epoch_second`, joined by `||`",
        )
    return formats


def _error(message: str, hint: str) -> DogwatchError:
    return DogwatchError(Diagnostic("mapping-syntax", message, hint=hint))
