"""The texts by which values are looked up in tables and on lists."""

from __future__ import annotations

from dogwatch.base.text import Fold
from dogwatch.schema.field import Scalar


def key_text(value: Scalar) -> str:
    """A value as the key of a table or a member of a list: text in lower case, numbers in decimal.

    A floating point number without a fraction is written as an integer, so that a column's type does not matter.

    Examples:
        >>> key_text("WIN-DC01"), key_text(443), key_text(443.0), key_text(True)
        ('win-dc01', '443', '443', 'true')
    """
    if isinstance(value, str):
        return Fold.UNICODE.apply(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower()
