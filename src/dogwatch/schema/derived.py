"""Fields that no document holds but that follow from others: how one dialect's attributes look on ECS events.

A derived field has a path like any other (``fortisiem.swParam``). A document that holds a value under the
path itself wins; otherwise the value is computed from the input fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from dogwatch.schema.field import FieldRef
from dogwatch.schema.fortisiem import (
    FORTISIEM_PREFIX,
    Direction,
    MappedAttribute,
    attribute_types,
    mapped_attributes,
)
from dogwatch.schema.fortisiem_transform import TRANSFORMS, Values


@dataclass(frozen=True, slots=True)
class DerivedField:
    """A field computed from others.

    Attributes:
        ref: Its own path and type.
        inputs: The columns that it is computed from. One that is itself derived is read as the document gives it.
        compute: From the values of each input, in the same order, to its own values.
        widen: From the values that the document gives under its path to its values; ``None`` changes nothing.
        takes_first: Whether ``compute`` gives the values of the first input that has any but empty texts, and
            ``widen`` changes nothing.
    """

    ref: FieldRef
    inputs: tuple[FieldRef, ...]
    compute: Callable[..., Values]
    widen: Callable[[Values], Values] | None = None
    takes_first: bool = False

    def values(self, own: Values, inputs: Sequence[Values]) -> Values:
        """The field's values in one document.

        Args:
            own: Those that the document gives under the field's path.
            inputs: Those of each input.
        """
        if own:
            return own if self.widen is None else self.widen(own)
        return self.compute(*inputs)


@cache
def derived_fields() -> Mapping[str, DerivedField]:
    """Every derived field by its path."""
    rows = mapped_attributes().values()
    fields = (_derived(row) for row in rows if row.direction is not Direction.TO_ECS)
    return {field.ref.path: field for field in fields}


def derived_field(ref: FieldRef) -> DerivedField | None:
    """The derived field that a column holds, if it is one."""
    # Most columns are none, and must not cost the reading of the mapping.
    if not ref.path.startswith(FORTISIEM_PREFIX):
        return None
    field = derived_fields().get(ref.path)
    return field if field is not None and field.ref == ref else None


def _derived(row: MappedAttribute) -> DerivedField:
    transform = TRANSFORMS[row.transform]
    kind = attribute_types()[row.name]
    sources = (*row.ecs, *(FORTISIEM_PREFIX + name for name in row.also))
    return DerivedField(
        FieldRef(FORTISIEM_PREFIX + row.name, kind),
        tuple(FieldRef(path, transform.reads_as or kind) for path in sources),
        transform.read,
        transform.widen,
        transform is TRANSFORMS["same"] or transform is TRANSFORMS["hash"],
    )
