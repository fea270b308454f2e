"""The commonest forms of expressions as plain functions: paths, constants, `||` and calls made of these.

The library walks the syntax tree anew for every order, at 6 µs a path; an order of five lines has 65 expressions,
nearly all of them paths. What isn't one of these forms is left to the library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from jmespath.functions import Functions

Find: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""Finds in the scope what an expression asks for, None when there is nothing."""

_at: Callable[[Any, str], Any] = dict[str, Any].get
"""Gets a name out of an object."""


def shortcut(node: Mapping[str, Any], functions: Functions) -> Find | None:
    """Return the function that this syntax tree amounts to, None when it holds anything beyond the forms above."""
    make = _FORMS.get(node["type"])
    return make(node, functions) if make else None


def is_false(value: object) -> bool:
    """Whether JMESPath takes the value for false: nothing, false, an empty text, list or object. 0 is true."""
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)


def _constant(node: Mapping[str, Any], _functions: Functions) -> Find:
    value = node["value"]
    return lambda _scope: value


def _field(node: Mapping[str, Any], _functions: Functions) -> Find:
    name: str = node["value"]
    return lambda scope: scope.get(name)


def _path(node: Mapping[str, Any], _functions: Functions) -> Find | None:
    names = _names(node)
    if names is None:
        return None
    root, *steps = names
    if len(steps) == 1:
        return _path_of_two(root, steps[0])

    def find(scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON can be anything.
        value = scope.get(root)
        for step in steps:
            if not isinstance(value, dict):
                return None
            value = _at(value, step)
        return value

    return find


def _path_of_two(root: str, name: str) -> Find:
    def find(scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON can be anything.
        owner = scope.get(root)
        return _at(owner, name) if isinstance(owner, dict) else None

    return find


def _names(node: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the names of `a.b.c`, None when a step is more than a name."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    steps = [_names(child) for child in node["children"]]
    return [name for step in steps if step for name in step] if all(steps) else None


def _either(node: Mapping[str, Any], functions: Functions) -> Find | None:
    first, second = (shortcut(child, functions) for child in node["children"])
    if first is None or second is None:
        return None

    def find(scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON can be anything.
        value = first(scope)
        return second(scope) if is_false(value) else value

    return find


def _called(node: Mapping[str, Any], functions: Functions) -> Find | None:
    name: str = node["value"]
    found = [shortcut(child, functions) for child in node["children"]]
    arguments = [argument for argument in found if argument is not None]
    if len(arguments) < len(found):
        return None
    if _fits_always(functions.FUNCTION_TABLE[name]["signature"], node["children"]):
        function = partial(functions.FUNCTION_TABLE[name]["function"], functions)
        return lambda scope: function(*[argument(scope) for argument in arguments])
    return lambda scope: functions.call_function(name, [argument(scope) for argument in arguments])


def _fits_always(signature: Sequence[Mapping[str, Any]], arguments: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no argument can be of a wrong type: it may be of any, or is a constant text where text is wanted."""
    return len(signature) == len(arguments) and all(
        not wanted["types"] or (wanted["types"] == ["string"] and _is_text(argument))
        for wanted, argument in zip(signature, arguments, strict=True)
    )


def _is_text(node: Mapping[str, Any]) -> bool:
    return node["type"] == "literal" and isinstance(node["value"], str)


_FORMS: Mapping[str, Callable[[Mapping[str, Any], Functions], Find | None]] = {
    "literal": _constant,
    "field": _field,
    "subexpression": _path,
    "or_expression": _either,
    "function_expression": _called,
}
