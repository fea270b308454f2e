"""`adapter schema --names`: everything that an expression of a mapping file may use, for people."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping

from adapter.purchase import names
from adapter.purchase.expressions import ExactFunctions
from adapter.purchase.identity import CLICK_FIELDS
from adapter.purchase.mapping import SHOP, STORED

_COLUMN = 31
_WIDTH = 80

_RAW = {
    "order": "the order's JSON, as the platform sends it: order.total, order.name, …",
    "line": "the JSON of one line of it; like item.… in [event.data.items] only",
}
_FOUND = {
    "clicks": f"the click identifiers that [clicks] found: {', '.join(CLICK_FIELDS)}",
    "stored": f"what POST /clicks remembered for the order: {', '.join(STORED)}",
    "shop": f"what the mapping file says of itself: {', '.join(SHOP)}",
}


def glossary() -> Iterator[str]:
    """Yield every name and function of the language with its meaning, at most 80 columns wide."""
    yield from _entries(_RAW)
    yield from _entries({f"purchase.{name}": words for name, words in names.PURCHASE.items()})
    yield from _entries({f"item.{name}": words for name, words in names.ITEM.items()})
    yield from _entries(_FOUND)
    yield from _entries(dict(_own_functions()))
    yield from _wrapped("and JMESPath's own", f"{', '.join(sorted(_functions_of_the_language()))}: see jmespath.org")


def _entries(entries: Mapping[str, str]) -> Iterator[str]:
    for name, words in entries.items():
        yield from _wrapped(name, words)
    yield ""


def _wrapped(name: str, words: str) -> Iterator[str]:
    first, *more = textwrap.wrap(words, _WIDTH - _COLUMN)
    yield f"{name:<{_COLUMN}}{first}"
    yield from (" " * _COLUMN + line for line in more)


def _own_functions() -> Iterator[tuple[str, str]]:
    """Yield the call and the meaning of each function that the language has from us: these carry a docstring."""
    for name, entry in sorted(ExactFunctions.FUNCTION_TABLE.items()):
        if words := inspect.getdoc(entry["function"]):
            _, *arguments = inspect.signature(entry["function"]).parameters
            yield f"{name}({', '.join(arguments)})", words.removeprefix("Return ").rstrip(".")


def _functions_of_the_language() -> Iterator[str]:
    for name, entry in ExactFunctions.FUNCTION_TABLE.items():
        if not entry["function"].__doc__:
            yield name
