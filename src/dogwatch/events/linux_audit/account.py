"""``user.*`` and ``group.*`` from the ids of a process, or from the account that an event is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dogwatch.events.batch import Document
from dogwatch.events.linux_audit.decode import is_unset

_ROLES = (("effective", "euid", "egid"), ("saved", "suid", "sgid"), ("filesystem", "fsuid", "fsgid"))


def account_fields(
    values: Mapping[str, str], names: Mapping[str, str], about: Mapping[str, Sequence[str]] | None
) -> Document:
    """``user`` and perhaps ``group``, as far as they are known.

    Args:
        values: The event's fields.
        names: The names that auditd resolved, by field in capitals.
        about: For an event about an account, which fields hold who did it (``id``), as whom (``effective``)
            and to which user or group (``target``, ``group_target``).
    """
    user = _identity(values, names, "uid", "gid")
    if audit := _identity(values, names, "auid", None):
        user["audit"] = audit
    for role, uid, gid in _ROLES:
        identity = _identity(values, names, uid, gid)
        if role == "effective":
            identity = _differences(identity, user)
        if identity:
            user[role] = identity
    document: Document = {}
    if about is not None:
        _describe(user, document, values, names, about)
    if user:
        document["user"] = user
    return document


def _identity(values: Mapping[str, str], names: Mapping[str, str], uid: str, gid: str | None) -> Document:
    identity = _named(values.get(uid), names.get(uid.upper()))
    if gid is not None and (group := _named(values.get(gid), names.get(gid.upper()))):
        identity["group"] = group
    return identity


def _named(number: str | None, name: str | None) -> Document:
    if number is None or is_unset(number):
        return {}
    fields: Document = {"id": number}
    if name or number == "0":
        fields["name"] = name or "root"
    return fields


def _differences(identity: Document, user: Document) -> Document:
    """The effective identity without what equals the real one."""
    if identity.get("id") == user.get("id"):
        identity = {name: value for name, value in identity.items() if name == "group"}
    if identity.get("group", {}).get("id") == user.get("group", {}).get("id"):
        identity.pop("group", None)
    return identity


def _describe(
    user: Document,
    document: Document,
    values: Mapping[str, str],
    names: Mapping[str, str],
    about: Mapping[str, Sequence[str]],
) -> None:
    actor = _who(values, names, about.get("id", ()))
    user.pop("id", None)
    user.pop("name", None)
    user.update(actor)
    for role in ("effective", "target"):
        if identity := _who(values, names, about.get(role, ())):
            user[role] = identity
    if group := _who(values, names, about.get("group_target", ())):
        document["group"] = {"target": group}


def _who(values: Mapping[str, str], names: Mapping[str, str], fields: Sequence[str]) -> Document:
    for field in fields:
        value = values.get(field)
        if value is None:
            continue
        # acct holds a name; in some programs' messages it, or id, holds the other kind.
        if value.isascii() and value.isdigit():
            return _named(value, names.get(field.upper()))
        return {} if is_unset(value) else {"name": value}
    return {}
