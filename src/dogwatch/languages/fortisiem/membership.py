"""Whether a value is one of a list's: constants, blocks of addresses, the members of groups, watch lists."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dogwatch.base.text import Fold
from dogwatch.languages.fortisiem import ast
from dogwatch.languages.fortisiem.ast import Address, Group, Text
from dogwatch.languages.fortisiem.lookup import DESCRIBE
from dogwatch.languages.fortisiem.reading import Constant, Reading, shown
from dogwatch.languages.fortisiem.tokens import GROUP_PREFIX
from dogwatch.logic.predicate import (
    MAX_WILDCARD,
    Compare,
    Expression,
    Field,
    InNetwork,
    Leaf,
    Like,
    Listed,
    Literal,
    Member,
    Order,
    Wild,
    WildcardPattern,
)
from dogwatch.schema.coerce import Missing, coerce
from dogwatch.schema.field import FieldType, Scalar

_LONGEST_RANGE = 100


@dataclass(frozen=True, slots=True)
class Members:
    """A group's members as values of one type.

    Attributes:
        values: Those that equal a value, folded.
        networks: Blocks of addresses.
        prefixes: Patterns of the texts that begin as a member does.
        left_out: How many members are no values of that type.
    """

    values: frozenset[Scalar]
    networks: tuple[str, ...] = ()
    prefixes: tuple[WildcardPattern, ...] = ()
    left_out: int = 0

    def __bool__(self) -> bool:
        return bool(self.values or self.networks or self.prefixes)


def equal_to_any(
    operand: Expression,
    kind: FieldType,
    constants: Sequence[Constant],
    fold: Fold,
    reading: Reading,
    written: ast.Expression,
) -> list[Leaf]:
    """The leaves of which one holds if the operand equals a constant; a constant of another type is an error.

    Args:
        operand: What is compared.
        kind: Its type.
        constants: What it is compared with.
        fold: How letter case counts, for texts.
        reading: Where problems go.
        written: The operand as its author wrote it.
    """
    networks: list[str] = []
    values: list[Scalar] = []
    leaves: list[Leaf] = []
    for constant in constants:
        if isinstance(constant, Text) and constant.value.lower().startswith(GROUP_PREFIX):
            message = f"in quotes `{shown(constant.value)}` is a text, and not a group"
            reading.note("fortisiem-quoted-group", message, constant.span, "write IN (Group@NAME), without quotes")
        network = _network(_text_of(constant)) if kind is FieldType.IP else None
        value = None if network else reading.scalar(constant, kind, written)
        match value:
            case None:
                networks += [network] if network else []
            case "":
                # Nothing equals it, but unknown where there is no value: the leaf keeps that.
                leaves.append(Member(operand, frozenset(), fold))
            case str():
                values.append(fold.apply(value))
            case float() if kind is FieldType.LONG:
                leaves.append(Compare(Order.EQ, operand, Literal(value, FieldType.DOUBLE)))
            case _:
                values.append(value)
    distinct = list(dict.fromkeys(values))
    if len(distinct) == 1:
        value_type = FieldType.DOUBLE if isinstance(distinct[0], float) else kind
        leaves.append(Compare(Order.EQ, operand, Literal(distinct[0], value_type), fold))
    elif distinct:
        leaves.append(Member(operand, frozenset(distinct), fold))
    if networks:
        leaves.append(InNetwork(operand, tuple(dict.fromkeys(networks))))
    return leaves


def in_group(operand: Expression, kind: FieldType, group: Group, fold: Fold, reading: Reading) -> list[Leaf]:
    """The leaves of which one holds if the operand is in a group, as a member of it or on the watch list.

    A group that no file describes holds nothing, so that ``NOT IN`` is true of whatever has a value.
    """
    members = reading.resources.group(group.name)
    is_list = reading.resources.is_watch_list(group.name)
    if members is None and not is_list:
        reading.missing(
            "unknown-group",
            group.name,
            f"no file describes the group `{shown(group.name)}`, so nothing is in it",
            group.span,
            DESCRIBE,
        )
    found = members_as(members or (), kind, fold)
    if members and not found:
        reading.note(
            "fortisiem-group-kind",
            f"no member of the group `{shown(group.name)}` is one of the {_MEMBER_KINDS.get(kind, 'texts')} "
            "that it is compared with",
            group.span,
        )
    leaves = list(_leaves(operand, found, fold))
    if is_list and isinstance(operand, Field):
        leaves.append(Listed(operand, group.name, fold))
    elif is_list:
        message = f"the watch list `{shown(group.name)}` is asked about attributes only"
        reading.error("fortisiem-unsupported", message, group.span)
    return leaves or [Member(operand, frozenset(), fold)]


_MEMBER_KINDS = {FieldType.IP: "addresses", FieldType.LONG: "numbers", FieldType.DOUBLE: "numbers"}


def holds_addresses(members: Sequence[str]) -> bool:
    """Whether a group has members, and all are addresses, blocks or ranges of them."""
    found = members_as(tuple(members), FieldType.IP, Fold.NONE)
    return bool(found) and not found.left_out


@lru_cache(maxsize=256)
def members_as(members: tuple[str, ...], kind: FieldType, fold: Fold) -> Members:
    """A group's members as values of one type, those that are none left out.

    Addresses may be single ones, blocks and ranges (``low-high``); a text ``abc*`` stands for all that begin so.
    """
    if kind is FieldType.IP:
        return _addresses(members)
    if kind is not FieldType.KEYWORD:
        found = [coerce(member, kind) for member in members]
        values = [value for value in found if not isinstance(value, Missing)]
        return Members(frozenset(values), left_out=len(found) - len(values))
    prefixes = {fold.apply(text[:-1]) for text in members if text.endswith("*") and len(text) <= MAX_WILDCARD}
    texts = frozenset(fold.apply(text) for text in members if text and not text.endswith("*"))
    patterns = (WildcardPattern((prefix, Wild.ANY) if prefix else (Wild.ANY,)) for prefix in sorted(prefixes))
    return Members(texts, prefixes=tuple(patterns))


def _addresses(members: tuple[str, ...]) -> Members:
    values: set[Scalar] = set()
    networks: dict[str, None] = {}
    left_out = 0
    for member in members:
        blocks = _networks(member) if "/" in member or "-" in member else []
        value = Missing.LOST if blocks else coerce(member, FieldType.IP)
        networks |= dict.fromkeys(blocks)
        if not isinstance(value, Missing):
            values.add(value)
        elif not blocks:
            left_out += 1
    return Members(frozenset(values), tuple(networks), left_out=left_out)


def _leaves(operand: Expression, members: Members, fold: Fold) -> Iterator[Leaf]:
    if members.values:
        yield Member(operand, members.values, fold)
    if members.networks:
        yield InNetwork(operand, members.networks)
    if members.prefixes:
        yield Like(operand, members.prefixes, fold)


def _networks(member: str) -> list[str]:
    """The blocks that a block or a range of addresses stands for; none if it is neither."""
    network = _network(member)
    if network is not None:
        return [network]
    low, _, high = member.partition("-")
    if len(member) > _LONGEST_RANGE or not high:
        return []
    try:
        ends = (ipaddress.ip_address(low.strip()), ipaddress.ip_address(high.strip()))
        return [str(block) for block in ipaddress.summarize_address_range(*ends)]
    except (ValueError, TypeError):
        return []


def _network(text: str) -> str | None:
    if "/" not in text:
        return None
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def _text_of(constant: Constant) -> str:
    return constant.value if isinstance(constant, Text) else constant.text


def all_addresses(constants: Sequence[Constant]) -> bool:
    """Whether there are constants, and each is written as an address."""
    return bool(constants) and all(isinstance(constant, Address) for constant in constants)
