"""What an expression reads: each of its paths that start at the scope, with what stands there.

For people who ask why a field is what it is, and for the message when an expression fails; never on the way to Axon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jmespath
import msgspec

from adapter.jsonvalues import kind_of, objects_in
from adapter.purchase.expressions import Expression, ExpressionFailed, ExpressionInvalid, compile_expression

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Read:
    """One thing that an expression looked at: its path, which is an expression too, and what was found there."""

    path: str
    value: Any


def reads_of(text: str, scope: Mapping[str, Any]) -> tuple[Read, ...]:
    """Return what a valid expression reads in this scope, in the order in which it stands there.

    A function that is given all of the order or line, as `attribute(order, 'name')`, counts as a path.
    """
    return tuple(Read(path, _find(path, scope)) for path in paths_in(text))


def kinds_read(text: str, scope: Mapping[str, Any]) -> str:
    """Say what kind of value stands at each path that is only a part of the expression; values may be personal."""
    return ", ".join(
        f"{read.path} is {kind_of(read.value)}" for read in reads_of(text, scope) if read.path != text.strip()
    )


@lru_cache(maxsize=512)
def paths_in(text: str) -> tuple[str, ...]:
    """Return the paths that a valid expression reads, each once.

    >>> paths_in("join('-', [attribute(order, 'ref'), order.lines[*].id, order.a[0].b || `0`])")
    ("attribute(order, 'ref')", 'order.lines', 'order.a[0].b')
    """
    return tuple(dict.fromkeys(_paths(jmespath.compile(text).parsed)))


def _find(path: str, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON can be anything.
    try:
        return _compiled(path, tuple(scope)).evaluate(scope)
    except (ExpressionInvalid, ExpressionFailed):  # It fails here as it does inside of the whole expression.
        return None


@lru_cache(maxsize=512)
def _compiled(path: str, roots: tuple[str, ...]) -> Expression:
    return compile_expression(path, dict.fromkeys(roots), {})


_PROJECTIONS = ("projection", "value_projection", "filter_projection", "flatten")
_STEPS = ("subexpression", "index_expression", "pipe", *_PROJECTIONS)


def _paths(node: Mapping[str, Any]) -> Iterator[str]:
    children = objects_in(node.get("children"))
    if node["type"] == "field" or node["type"] in _STEPS:
        path, _ = _prefix(node)
        yield from [path] if path else _paths(children[0])
    elif node["type"] == "function_expression" and (call := _call_on_root(node)):
        yield call
    elif node["type"] not in ("literal", "expref"):
        for child in children:
            yield from _paths(child)


def _prefix(node: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the plain path with which a node begins, and whether that is all of it."""
    children = objects_in(node.get("children"))
    match node["type"]:
        case "field":
            return _name(node["value"]), True
        case "current" | "identity":
            return "", True
        case "subexpression":
            return _joined(children)
        case "index_expression" if children[1]["type"] == "index":
            path, whole = _prefix(children[0])
            return (f"{path}[{children[1]['value']}]", True) if path and whole else (path, False)
        case kind if kind in _STEPS:
            return _prefix(children[0])[0], False
        case _:
            return "", False


def _joined(steps: list[dict[str, Any]]) -> tuple[str, bool]:
    path = ""
    for step in steps:
        more, whole = _prefix(step)
        path = f"{path}.{more}" if path and more else path or more
        if not whole:
            return path, False
    return path, True


def _call_on_root(node: Mapping[str, Any]) -> str:
    """Return the text of a call whose arguments are names of the scope and constants; else an empty one."""
    arguments = objects_in(node["children"])
    if not all(argument["type"] in ("field", "literal") for argument in arguments):
        return ""
    if not any(argument["type"] == "field" for argument in arguments):
        return ""
    return f"{node['value']}({', '.join(map(_argument, arguments))})"


def _argument(node: Mapping[str, Any]) -> str:
    value = node["value"]
    if node["type"] == "field":
        return _name(value)
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "`" + _ENCODER.encode(value).decode().replace("`", "\\`") + "`"


def _name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else _ENCODER.encode(name).decode()
