"""``file.*`` and ``auditd.paths`` from PATH records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dogwatch.events.batch import Document
from dogwatch.events.linux_audit.decode import natural, security_context

_NOT_THE_OBJECT = ("PARENT", "UNKNOWN")

Path = Mapping[str, str]
"""The fields of one PATH record, decoded, with ``OUID`` and ``OGID`` names if auditd resolved them."""


def chosen_path(paths: Sequence[Path], index: int | None) -> Path:
    """The PATH record that names what the system call was about.

    Args:
        paths: All of them, at least one, by item.
        index: Where to begin looking, if the system call's object has a fixed item.
    """
    candidates = paths[index:] if index is not None and index < len(paths) else paths
    for path in candidates:
        if path.get("nametype", path.get("objtype")) not in _NOT_THE_OBJECT:
            return path
    return candidates[0]


def path_fields(path: Path) -> Document:
    """One element of ``auditd.paths``."""
    fields = {name: value for name, value in path.items() if name not in ("OUID", "OGID", "obj")}
    if context := path.get("obj"):
        fields |= {f"obj_{part}": value for part, value in security_context(context).items()}
    return dict(fields)


def file_fields(path: Path) -> Document:
    """``file.*`` of one PATH record."""
    fields: Document = {}
    for target, source in (
        ("path", "name"),
        ("inode", "inode"),
        ("device", "rdev"),
        ("uid", "ouid"),
        ("gid", "ogid"),
    ):
        if source in path:
            fields[target] = path[source]
    mode = path.get("mode", "")
    if len(mode) <= 8 and mode and not mode.strip("01234567"):
        fields["mode"] = f"{int(mode, 8) & 0o7777:04o}"
    for target, number, name in (("owner", "ouid", "OUID"), ("group", "ogid", "OGID")):
        resolved = path.get(name) or ("root" if path.get(number) == "0" else None)
        if resolved:
            fields[target] = resolved
    if context := path.get("obj"):
        fields["selinux"] = security_context(context)
    return fields


def path_item(path: Path) -> int:
    """The record's place among the event's paths."""
    return natural(path.get("item", "")) or 0
