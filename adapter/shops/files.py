"""Reading mapping files: TOML with exact decimals, `extends` merged deeply, and which file each leaf came from."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapter.errors import AdapterError, Problem
from adapter.jsonvalues import is_object
from adapter.purchase.contract import suggestion

SHIPPED = Path(__file__).resolve().parents[2] / "mappings"
"""The mapping files that come with the project; `extends` finds them from any directory."""

_SHOP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class FileRefused(AdapterError):
    """A mapping file can't be read or its bases can't be found."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


@dataclass(frozen=True, slots=True)
class MappingFile:
    """One file with its bases merged in; `origins` gives for a dotted path the file that says so ("" for all)."""

    name: str
    label: str
    document: Mapping[str, Any]
    origins: Mapping[str, str]


def read_directory(directory: Path) -> tuple[list[MappingFile], list[Problem]]:
    """Read every `*.toml` of the directory, and say what is wrong with those that can't be read."""
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".toml")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = "set MAPPINGS_DIR to the folder with the mapping files"
        return [], [Problem(str(directory), "", f"the mapping files can't be read: {reason}", hint)]
    if not paths:
        hint = "copy mappings/shopify.toml or mappings/woocommerce.toml there"
        return [], [Problem(str(directory), "", "there is no mapping file (*.toml) here", hint)]
    files: list[MappingFile] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            files.append(read_file(path))
        except FileRefused as refused:
            problems.append(refused.problem)
    return files, problems


def read_file(path: Path) -> MappingFile:
    """Read one mapping file with the bases it extends; raise `FileRefused`."""
    if not _SHOP_NAME.fullmatch(path.stem):
        message = "the file's name is the shop's address, and this one can't be one"
        raise FileRefused(Problem(_label(path), "", message, "use a-z, 0-9, - and _ only, like acme.toml"))
    document, origins = _with_bases(path, (path.stem,))
    return MappingFile(path.stem, _label(path), document, {"": _label(path), **origins})


def _with_bases(path: Path, chain: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    own = _parse(path)
    origins = {leaf: _label(path) for leaf in _leaves(own)}
    base = own.pop("extends", None)
    if base is None:
        return own, origins
    base_path = _find_base(path, base, chain)
    merged, base_origins = _with_bases(base_path, (*chain, base_path.stem))
    merge(merged, own)
    return merged, {**base_origins, **origins}


def _find_base(path: Path, base: object, chain: tuple[str, ...]) -> Path:
    if not isinstance(base, str) or not _SHOP_NAME.fullmatch(base):
        raise FileRefused(Problem(_label(path), "extends", "the name of a mapping file is wanted", 'like "shopify"'))
    if base in chain:
        circle = " → ".join((*chain, base))
        raise FileRefused(Problem(_label(path), "extends", f"the files extend each other in a circle: {circle}"))
    for directory in (path.parent, SHIPPED):
        if (found := directory / f"{base}.toml").is_file():
            return found
    known = sorted({file.stem for folder in (path.parent, SHIPPED) for file in folder.glob("*.toml")} - {path.stem})
    hint = suggestion(base, known) or f"known: {', '.join(known)}"
    raise FileRefused(Problem(_label(path), "extends", f'there is no mapping file "{base}.toml"', hint))


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise FileRefused(Problem(_label(path), "", f"this is not TOML: {error}")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(Problem(_label(path), "", f"the file can't be read ({type(error).__name__})")) from None


def merge(base: dict[str, Any], own: Mapping[str, Any]) -> None:
    """Lay a file over its base: tables merge deeply, a leaf set here wins, `""` removes an inherited leaf."""
    for key, value in own.items():
        inherited = base.get(key)
        if is_object(value) and is_object(inherited):
            merge(inherited, value)
        elif value == "" and key in base:
            del base[key]
        else:
            base[key] = copy.deepcopy(value)


def _leaves(document: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in document.items():
        here = f"{path}.{key}" if path else key
        if is_object(value):
            yield from _leaves(value, here)
        else:
            yield here


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
