"""Names of a Parquet file's columns."""

from dogwatch.events.parquet_hot import column_names
from dogwatch.schema.field import FieldRef, FieldType


def test_fields_named_as_our_own_columns_have_names_of_their_own() -> None:
    fields = [
        FieldRef(path, kind) for path in ("_id", "_x.y", "a") for kind in (FieldType.KEYWORD, FieldType.LONG)
    ]
    names = column_names(fields)
    assert names.keys() == set(fields)
    assert len(set(names.values())) == len(fields)
    assert not any(name.startswith("_") for name in names.values())
