"""The kinds of value that the API's page names, each as a check that says what is wrong with a value.

Source: the Conversion API page and its Events and objects page. Numbers reach these checks as `Decimal`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeGuard
from urllib.parse import urlsplit

Check = Callable[[object], str | None]
"""Takes a value; returns None when it is right, else what it must be."""

_MILLISECONDS = range(10**12, 10**13)
"""September 2001 to November 2286. The same moments in seconds or microseconds lie outside."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object: its name, the check of its value, and whether it must be there."""

    name: str
    check: Check
    required: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """A documented rule that an event breaks. `path` leads to the value; the message never repeats the value."""

    path: str
    message: str


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether this is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether this is a JSON list."""
    return isinstance(value, list)


def violations(value: Mapping[str, object], prefix: str, fields: tuple[Field, ...]) -> Iterator[Violation]:
    """Yield what is wrong with the fields of this object; fields that the page doesn't name are let through."""
    for field in fields:
        path = prefix + field.name
        if field.name not in value:
            if field.required:
                yield Violation(path, "is required and missing")
        elif wrong := field.check(value[field.name]):
            yield Violation(path, wrong)


def text(value: object) -> str | None:
    """Pass any string."""
    return None if isinstance(value, str) else "must be a string"


def filled_text(value: object) -> str | None:
    """Pass a string with something in it."""
    return None if isinstance(value, str) and value.strip() else "must be a non-empty string"


def number(value: object) -> str | None:
    """Pass any number."""
    return None if isinstance(value, Decimal) else "must be a number"


def number_or_null(value: object) -> str | None:
    """Pass a number or null."""
    return None if value is None else number(value)


def positive_number(value: object) -> str | None:
    """Pass a number above 0."""
    return None if isinstance(value, Decimal) and value > 0 else "must be a number above 0"


def share(value: object) -> str | None:
    """Pass a number between 0 and 1."""
    return None if isinstance(value, Decimal) and 0 <= value <= 1 else "must be a number between 0 and 1"


def integer(value: object) -> str | None:
    """Pass a whole number, also when it is written 604.0."""
    whole = isinstance(value, Decimal) and value == value.to_integral_value()
    return None if whole else "must be an integer"


def boolean(value: object) -> str | None:
    """Pass true and false."""
    return None if isinstance(value, bool) else "must be true or false"


def any_object(value: object) -> str | None:
    """Pass any object."""
    return None if is_object(value) else "must be an object"


def filled_list(value: object) -> str | None:
    """Pass a list with something in it."""
    return None if is_list(value) and value else "must be a list with at least one item"


def one_of(*choices: str) -> Check:
    """Return a check that passes these strings, in this spelling."""
    wanted = f"must be {'one of ' if len(choices) > 1 else ''}{', '.join(choices)}"
    return lambda value: None if isinstance(value, str) and value in choices else wanted


def spelled(pattern: str, wanted: str) -> Check:
    """Return a check that passes strings that match the pattern from end to end."""
    compiled = re.compile(pattern)
    return lambda value: None if isinstance(value, str) and compiled.fullmatch(value) else wanted


def epoch_milliseconds(value: object) -> str | None:
    """Pass a number that can be a Unix time in milliseconds; seconds are the classic error."""
    if not isinstance(value, Decimal):
        return "must be a number"
    plausible = _MILLISECONDS.start <= value < _MILLISECONDS.stop
    return None if plausible else "must be a Unix time in milliseconds, not in seconds or microseconds"


def ip_address(value: object) -> str | None:
    """Pass an IPv4 or IPv6 address without spaces; a zone (fe80::1%eth0) isn't part of an address."""
    wanted = "must be an IPv4 or IPv6 address without spaces"
    if not isinstance(value, str) or "%" in value:
        return wanted
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return wanted
    return None


def complete_url(value: object) -> str | None:
    """Pass a complete http or https URL."""
    wanted = "must be a complete http or https URL"
    if not isinstance(value, str) or re.search(r"[\s\x00-\x1f]", value):
        return wanted
    try:
        parts = urlsplit(value)
        complete = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return wanted
    return None if complete else wanted
