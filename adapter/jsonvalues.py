"""Telling JSON values apart, for the reader and for the type checkers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeGuard

_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    type(None): "nothing",
    datetime: "a time",
    int: "a number",
    float: "a number",
    Decimal: "a number",
}


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether the value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether the value is a JSON list."""
    return isinstance(value, list)


def objects_in(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; nothing when it is no list."""
    # isinstance and not `is_object`: lists of meta data are long, and are searched for every order.
    return [entry for entry in value if isinstance(entry, dict)] if is_list(value) else []


def kind_of(value: object) -> str:
    """Name the kind of a value without showing it: values may be personal."""
    return _KINDS.get(type(value), "something that isn't JSON")
