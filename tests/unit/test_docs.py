"""The documents agree with the tree: folders, links and diagnostic codes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "dogwatch"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")])

_CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_REPORTERS = {
    *("Diagnostic", "error", "warn", "warning", "note", "notice", "tell", "missing"),
    *("_error", "_note", "_problem", "_warn"),
}
_OTHERWISE_WRITTEN = {"output", "unknown-alert", "unknown-incident", "fortisiem-date", "resource-file-too-large"}
"""Codes that no shape tells from other words, and those that are put together while running."""


def _packages() -> set[str]:
    return {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}


def _kebab(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and _CODE.fullmatch(inner.value):
            yield inner.value


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _codes_of(tree: ast.Module) -> Iterator[str]:
    """Codes are the first argument of what makes or notes a diagnostic, or are passed or assigned as ``code``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function, args=[first, *_]) if _name_of(function) in _REPORTERS:
                yield from _kebab(first)
            case ast.Call(func=ast.Attribute(attr="append", value=ast.Name(id="problems")), args=[first]):
                if isinstance(first, ast.Constant):
                    yield from _kebab(first)
            case ast.Assign(
                targets=[ast.Tuple(elts=[ast.Name(id="code"), *_])], value=ast.Tuple(elts=[first, *_])
            ):
                yield from _kebab(first)
            case ast.keyword(arg="code" | "type_code" | "unsupported_code", value=value):
                yield from _kebab(value)
            case ast.arguments(kwonlyargs=names, kw_defaults=defaults):
                for argument, default in zip(names, defaults, strict=True):
                    if argument.arg == "code" and default is not None:
                        yield from _kebab(default)
            case _:
                pass


def _codes() -> set[str]:
    return {code for path in PACKAGE.rglob("*.py") for code in _codes_of(ast.parse(path.read_text("utf-8")))}


def _described_codes() -> list[str]:
    text = (ROOT / "docs" / "diagnostics.md").read_text("utf-8")
    return re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def _anchors(document: Path) -> set[str]:
    text = _FENCE.sub("", document.read_text("utf-8"))
    return {_anchor(heading) for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)}


def test_every_package_is_on_the_map_and_every_mapped_package_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    mapped = set(re.findall(r"^### `([a-z_]+)/`", text, re.MULTILINE))
    assert mapped == _packages()


def test_every_folder_within_a_package_is_named_in_its_part_of_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    folders = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.glob("*/**/")
        if path.parent != PACKAGE and "__pycache__" not in path.parts
    }
    missing = {folder for folder in folders if f"`{folder}/`" not in text}
    assert not missing


def test_every_module_is_named_in_its_part_of_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    parts = dict(re.findall(r"^### `([a-z_]+)/`[^\n]*\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    missing = [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.glob("*/**/*.py"))
        if path.name != "__init__.py"
        and not re.search(
            rf"`(?:[a-z_/]+/)?{path.stem}(?:\.py)?`", parts.get(path.relative_to(PACKAGE).parts[0], "")
        )
    ]
    assert not missing


def test_every_module_on_the_map_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|csv|tsv|yaml))`", text))
    assert {name for name in named if not (PACKAGE / name).is_file()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(document: Path) -> None:
    broken = []
    for target in _LINK.findall(_FENCE.sub("", document.read_text("utf-8"))):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, fragment = target.partition("#")
        aim = (document.parent / unquote(name)).resolve() if name else document
        is_lost = not aim.exists() or (fragment and aim.suffix == ".md" and fragment not in _anchors(aim))
        if is_lost:
            broken.append(target)
    assert broken == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_search_for_codes_finds_the_ways_in_which_they_are_written() -> None:
    assert {
        "eql-syntax",  # Diagnostic(...)
        "eql-verification",  # the default of a parameter
        "eql-unsupported",  # code=
        "kql-type",  # type_code=
        "no-such-file",  # code, message, hint = ...
        "audit-missing-path",  # problems.append(...)
        "rule-field-range",  # one of two, by a condition
    } <= _codes()


def test_every_diagnostic_code_is_described() -> None:
    assert _codes() - set(_described_codes()) == set()


def test_every_described_code_exists_and_is_described_once() -> None:
    described = _described_codes()
    assert len(described) == len(set(described))
    assert set(described) - _codes() - _OTHERWISE_WRITTEN == set()
