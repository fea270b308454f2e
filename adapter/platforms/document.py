"""Strict reading of a JSON body: decimals stay exact, and whatever a database or the API would choke on is refused.

The decoder itself refuses bytes that aren't UTF-8 and halves of surrogate pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from adapter.errors import OrderUnreadable
from adapter.jsonvalues import is_list, is_object, kind_of

DEEPEST = 64
"""How deep lists and objects may nest; real orders stay under 10."""

LONGEST_NUMBER = 40
"""How many digits a number may have, and how large its exponent may be."""

_TOO_LARGE = 10**LONGEST_NUMBER


def parse_document(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object in this body, with fractions as `Decimal`; raise `OrderUnreadable` for anything else."""
    document = _decode(body)
    if not is_object(document):
        raise OrderUnreadable(f"the body is {kind_of(document)}, not a JSON object")
    if not _is_harmless(body, document):
        _refuse_hostile(document, "$", DEEPEST)
    return document


def _decode(body: bytes) -> Any:  # noqa: ANN401  # JSON can be anything until it is looked at.
    try:
        return _DECODER.decode(body)
    except RecursionError:
        raise OrderUnreadable(f"the JSON is nested deeper than {DEEPEST} levels") from None
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
        raise OrderUnreadable(f"the body isn't JSON that can be read: {error}") from None


def _exact(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("a number has too many digits")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number can't be read") from None
    if not number.is_finite() or abs(number.adjusted()) > LONGEST_NUMBER:
        raise ValueError("a number is too large or too small")
    return number


_DECODER = msgspec.json.Decoder(float_hook=_exact)


_ESCAPED_NUL = rb"\u0000"
"""The only way in which JSON can hold a NUL character: the decoder refuses a plain one."""

_DIGITS_ALONE = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * (LONGEST_NUMBER + 1)
_INSIDE: Mapping[type, Callable[[Any], Iterable[Any]]] = {dict: dict[str, Any].values, list: list[Any].__iter__}


def _is_harmless(body: bytes, document: Mapping[str, Any]) -> bool:
    """Whether nothing in the document can be hostile: a quick look, which remembers no path."""
    if _ESCAPED_NUL in body or _LONG_NUMBER in body.translate(_DIGITS_ALONE):
        return False
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [value for part in level for value in _INSIDE[type(part)](part) if type(value) in _INSIDE]
        if not level:
            return True
    return False


def _refuse_hostile(value: object, path: str, depth: int) -> None:
    if isinstance(value, str):
        _refuse_hostile_text(value, path)
        return
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise OrderUnreadable(f"the number at {path[:200]} has more than {LONGEST_NUMBER} digits")
    if not depth and isinstance(value, dict | list):
        raise OrderUnreadable(f"the JSON is nested deeper than {DEEPEST} levels")
    if is_object(value):
        for key, inner in value.items():
            _refuse_hostile_text(key, path)
            _refuse_hostile(inner, f"{path}.{key}", depth - 1)
    elif is_list(value):
        for index, inner in enumerate(value):
            _refuse_hostile(inner, f"{path}[{index}]", depth - 1)


def _refuse_hostile_text(text: str, path: str) -> None:
    if "\x00" in text:
        raise OrderUnreadable(f"the text at {path[:200]} contains a NUL character")
