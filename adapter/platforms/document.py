"""Strict reading of a JSON body: decimals stay exact, and whatever a database or the API would choke on is refused.

The decoder itself refuses bytes that aren't UTF-8 and halves of surrogate pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
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
