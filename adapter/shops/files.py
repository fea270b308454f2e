"""Reading mapping files: TOML with exact decimals, `extends` merged deeply, and which line each leaf came from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapter.errors import AdapterError, Place, Problem
from adapter.jsonvalues import is_object
from adapter.purchase.contract import suggestion
from adapter.shops.lines import line_at, lines_of

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
    """One file with its bases merged in.

    `origins` gives for the dotted path of a table or leaf the last file that says so with its line, for "" the shop's
    own file. Files share what they inherit: a document is to be read only.
    """

    name: str
    label: str
    document: Mapping[str, Any]
    origins: Mapping[str, Place]


_Merged = tuple[Mapping[str, Any], Mapping[str, Place]]
_Known = dict[Path, _Merged]
"""Every file that was read already, with its bases: 500 shops may extend one."""


def read_directory(directory: Path) -> tuple[list[MappingFile], list[Problem]]:
    """Read every `*.toml` of the directory, and say what is wrong with those that can't be read."""
    try:
        paths = sorted(path for path in directory.iterdir() if _is_mapping(path))
    except OSError as error:
        hint = "set MAPPINGS_DIR to the folder with the mapping files"
        return [], [Problem(str(directory), "", f"the mapping files can't be read: {_reason(error)}", hint)]
    if not paths:
        hint = "copy mappings/shopify.toml or mappings/woocommerce.toml there"
        return [], [Problem(str(directory), "", "there is no mapping file (*.toml) here", hint)]
    files: list[MappingFile] = []
    problems: list[Problem] = []
    known: _Known = {}
    for path in paths:
        try:
            files.append(_read(path, known))
        except FileRefused as refused:
            problems.append(refused.problem)
    return files, problems


def _is_mapping(path: Path) -> bool:
    return path.suffix == ".toml" and not path.name.startswith(".")  # Editors and macOS leave hidden files behind.


def read_file(path: Path) -> MappingFile:
    """Read one mapping file with the bases it extends; raise `FileRefused`."""
    return _read(path, {})


def _read(path: Path, known: _Known) -> MappingFile:
    if not _SHOP_NAME.fullmatch(path.stem):
        message = "the file's name becomes the shop's address, and this one can't"
        hint = "use at most 63 of a-z, 0-9, - and _, first a letter or digit, like acme.toml"
        raise FileRefused(Problem(_label(path), "", message, hint))
    document, origins = _with_bases(path, (), known)
    return MappingFile(path.stem, _label(path), document, {**origins, "": Place(_label(path))})


def _with_bases(path: Path, chain: tuple[Path, ...], known: _Known) -> _Merged:
    if path not in known:
        known[path] = _read_with_bases(path, chain, known)
    return known[path]


def _read_with_bases(path: Path, chain: tuple[Path, ...], known: _Known) -> _Merged:
    text = _text(path)
    own = _parse(path, text)
    base = own.pop("extends", None)
    lines = lines_of(text)
    said = dict(_paths(own))
    origins = {here: Place(_label(path), line_at(here, lines)) for here in said}
    if base is None:
        return own, origins
    found = _find_base(path, base, (*chain, path), lines["extends"])
    document, inherited = _with_bases(found, (*chain, path), known)
    replaced = tuple(f"{here}." for here, is_leaf in said.items() if is_leaf)
    kept = {here: place for here, place in inherited.items() if not here.startswith(replaced)}
    return merged(document, own), {**kept, **origins}


def _find_base(path: Path, base: object, chain: tuple[Path, ...], line: int) -> Path:
    """Return the base's file: a neighbour, else a shipped one; a file that extends its own name means the shipped."""
    if not isinstance(base, str) or not _SHOP_NAME.fullmatch(base):
        hint = 'like extends = "shopify", without .toml'
        raise FileRefused(Problem(_label(path), "extends", "the name of one mapping file is wanted", hint, line))
    folders = (SHIPPED,) if base == path.stem else (path.parent, SHIPPED)
    found = next((file for folder in folders if (file := folder / f"{base}.toml").is_file()), None)
    if found is None:
        raise FileRefused(Problem(_label(path), "extends", *_missing_base(path, base), line))
    if any(found.samefile(file) for file in chain):
        circle = " → ".join((*(file.stem for file in chain), base))
        message = f"the files extend each other in a circle: {circle}"
        raise FileRefused(Problem(_label(path), "extends", message, "take one extends out", line))
    return found


def _missing_base(path: Path, base: str) -> tuple[str, str]:
    if base == path.stem:
        return "the file extends itself", "name another file, or take the line out"
    known = sorted({file.stem for folder in (path.parent, SHIPPED) for file in folder.glob("*.toml")} - {path.stem})
    return f'there is no mapping file "{base}.toml"', suggestion(base, known) or f"known: {', '.join(known)}"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        problem = Problem(_label(path), "", f"the file can't be read: {_reason(error)}")
    except UnicodeDecodeError:
        problem = Problem(_label(path), "", "the file is not UTF-8 text", "save it as UTF-8")
    raise FileRefused(problem)


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=_exact)
    except tomllib.TOMLDecodeError as error:
        hint = "texts stand in quotes, and each table and key is written once"
        problem = Problem(_label(path), "", f"this is not TOML: {error}", hint)
    except _NotFinite as error:
        problem = Problem(_label(path), "", str(error), "write a number in digits")
    raise FileRefused(problem)


class _NotFinite(Exception):
    """TOML knows `nan` and `inf`, JSON doesn't."""


def _exact(text: str) -> Decimal:
    number = Decimal(text.replace("_", ""))
    if not number.is_finite():
        raise _NotFinite(f"{text} is no number that an event can carry")
    return number


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file laid over its base: tables merge deeply, a leaf set here wins, `""` removes an inherited leaf."""
    whole = dict(base)
    for key, value in own.items():
        inherited = base.get(key)
        if is_object(value) and is_object(inherited):
            whole[key] = merged(inherited, value)
        elif value == "" and key in base:
            del whole[key]
        else:
            whole[key] = value
    return whole


def _paths(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the dotted path of every table and leaf, with whether it is a leaf."""
    for key, value in document.items():
        here = f"{above}.{key}" if above else key
        yield here, not is_object(value)
        if is_object(value):
            yield from _paths(value, here)


def _label(path: Path) -> str:
    return f"{path.absolute().parent.name}/{path.name}"
