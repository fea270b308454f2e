"""Which line of a mapping file says what: TOML's reader gives values, and no lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from adapter.jsonvalues import is_object

# What can hide the end of a statement, or be it: texts in their four forms, comments, brackets, the end of a line.
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5} | \'{3}.*?\'{3,5} | "(?:\\.|[^"\\])*" | '[^']*' | \#[^\n]* | [\[{\]}\n]''',
    re.VERBOSE | re.DOTALL,
)


def lines_of(text: str) -> dict[str, int]:
    """Return for the dotted path of every table and key of valid TOML the first line that says it, counted from 1.

    What stands inside of a value (an inline table, a list) has the line at which the value begins: see `line_at`.
    """
    lines: dict[str, int] = {}
    table: tuple[str, ...] = ()
    for number, statement in _statements(text):
        path = _path(tomllib.loads(statement))
        if statement.lstrip().startswith("["):
            table, path = path, ()
        for length in range(1, len(table + path) + 1):
            lines.setdefault(".".join((table + path)[:length]), number)
    return lines


def line_at(path: str, lines: Mapping[str, int]) -> int:
    """Return the line of this path, or of the nearest table or value around it; 0 when there is none."""
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path, 0)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield every header and every key with its value, with the number of its first line."""
    start, number, depth = 0, 1, 0
    for token in _TOKEN.finditer(text + "\n"):
        mark = token.group()
        depth += (mark in "[{") - (mark in "]}")
        if mark != "\n" or depth:
            continue
        statement = text[start : token.end()]
        if statement.lstrip()[:1] not in ("", "#"):
            yield number, statement
        start, number = token.end(), number + statement.count("\n")


def _path(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys that lead through objects of one key each: of one statement these are its path."""
    if len(said) != 1:
        return ()
    ((key, value),) = said.items()
    return (key, *_path(value)) if is_object(value) else (key,)
