"""What YAML is read into: texts with their places, lists and tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from dogwatch.base.diagnostic import Diagnostic, Place, Steps

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class YamlText:
    """A scalar. A file may have a million, so it is not frozen: that would take three times as long to make.

    Attributes:
        text: It, as written, quotes and escapes resolved.
        place: Where it stands.
        begin: Where its text begins, behind an opening quote or the sign of a block.
        steps: Where that text goes on after each escape.
        is_plain: Whether it was written without quotes.
        size: For how many values it counts.
    """

    text: str
    place: Place
    begin: Place
    steps: Steps = ()
    is_plain: bool = True
    size: int = 1

    @property
    def line(self) -> int:
        """The line in which it begins."""
        return self.place.line or 1

    @property
    def is_null(self) -> bool:
        """Whether nothing was written, or a word for nothing."""
        return self.is_plain and self.text in _NULLS


@dataclass(slots=True)
class YamlList:
    """A sequence."""

    place: Place
    items: list[YamlValue] = field(default_factory=list)
    size: int = 1

    @property
    def line(self) -> int:
        """The line in which it begins."""
        return self.place.line or 1


@dataclass(slots=True)
class YamlTable:
    """A mapping.

    Attributes:
        place: Where it begins.
        entries: Its values by key; of a repeated key, the first.
        keys: Its keys in order.
        faults: Keys that are no texts or occur again.
    """

    place: Place
    entries: dict[str, YamlValue] = field(default_factory=dict)
    keys: dict[str, YamlText] = field(default_factory=dict)
    faults: list[Diagnostic] = field(default_factory=list)
    size: int = 1
    key: YamlText | None = None
    at_value: bool = False

    @property
    def line(self) -> int:
        """The line in which it begins."""
        return self.place.line or 1

    def add(self, value: YamlValue) -> None:
        """Take the next key, or the value of the last one."""
        if not self.at_value:
            self.key = value if isinstance(value, YamlText) else None
            if self.key is None:
                self.faults.append(Diagnostic("yaml-key", "a key must be a text", place=value.place))
            elif self.key.text in self.keys:
                first = self.keys[self.key.text].place
                message = f"the key `{self.key.text}` occurs twice"
                hint = f"the first is on line {first.line}; remove one"
                self.faults.append(Diagnostic("yaml-key-repeated", message, place=self.key.place, hint=hint))
                self.key = None
        elif self.key is not None:
            self.keys[self.key.text] = self.key
            self.entries[self.key.text] = value
        self.at_value = not self.at_value


YamlValue = YamlText | YamlList | YamlTable


def kind_of(value: YamlValue) -> str:
    """What a value is, in words."""
    match value:
        case YamlText():
            return "nothing" if value.is_null else "a text"
        case YamlList():
            return "a list"
        case YamlTable():
            return "a table"
