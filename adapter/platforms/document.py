"""Strict reading of a JSON body: decimals stay exact, and what isn't plain JSON of a sane depth is refused.

The decoder itself refuses bytes that aren't UTF-8, halves of surrogate pairs and numbers of thousands of digits. What
one field can't take, as a NUL character, is left to that field: no order is lost for what nobody sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from adapter.errors import OrderUnreadable
from adapter.jsonvalues import is_object, kind_of

DEEPEST = 64
"""How deep lists and objects may nest; real orders stay under 10."""

_TOO_DEEP = f"the JSON is nested deeper than {DEEPEST} levels"

LONGEST_NUMBER = 40
"""How many digits a fraction may have, and how large its exponent may be."""


def parse_document(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object in this body, with fractions as `Decimal`; raise `OrderUnreadable` for anything else."""
    document = _decode(body)
    if not is_object(document):
        raise OrderUnreadable(f"the body is {kind_of(document)}, not a JSON object")
    if not _is_shallow(document):
        raise OrderUnreadable(_TOO_DEEP)
    return document


def _decode(body: bytes) -> Any:  # noqa: ANN401  # JSON can be anything until it is looked at.
    try:
        return _DECODER.decode(body)
    except RecursionError:
        raise OrderUnreadable(_TOO_DEEP) from None
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


_INSIDE: Mapping[type, Callable[[Any], Iterable[Any]]] = {dict: dict[str, Any].values, list: list[Any].__iter__}


def _is_shallow(document: Mapping[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [value for part in level for value in _INSIDE[type(part)](part) if type(value) in _INSIDE]
        if not level:
            return True
    return False
