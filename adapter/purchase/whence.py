"""Where a cleaned name comes from: which place of the platform's own JSON says what `purchase.…` or `item.…` says."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from adapter.purchase.identity import clean_ip
from adapter.purchase.names import ITEM, PURCHASE
from adapter.purchase.reads import Read, reads_of

Places: TypeAlias = Mapping[str, Sequence[str]]
"""For a cleaned name (`purchase.email`), a skip rule (`pos`) or `prices_include_tax` the expressions of one platform
that show where its JSON says so, likeliest first. They explain; nothing is decided by them."""

_DESCRIPTIONS = {
    **{f"purchase.{name}": words for name, words in PURCHASE.items()},
    **{f"item.{name}": words for name, words in ITEM.items()},
}
_UNHASHED = {"email": "email_plain", "phone": "phone_plain"}
_FEWEST_DIGITS = 6
"""A telephone number is recognised by its last digits: the country code in front is ours."""


def whence(name: str, scope: Mapping[str, Any], places: Places) -> Read | str | None:
    """Return the place that says the same as a cleaned name, or in words what the name is; None for other paths.

    A name without a value gives the first place that says anything at all: what stands there couldn't be used.
    """
    if name not in _DESCRIPTIONS:
        return None
    cleaned = _cleaned(name, scope)
    for place in read_places(name, scope, places):
        if place.value not in (None, "") and (cleaned is None or _says(place.value, cleaned)):
            return place
    return _DESCRIPTIONS[name]


def read_places(name: str, scope: Mapping[str, Any], places: Places) -> tuple[Read, ...]:
    """Return what stands at each of the places of this name or rule."""
    return tuple(Read(text, _value_of(text, scope)) for text in places.get(name, ()))


def _value_of(text: str, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON can be anything.
    return next((read.value for read in reads_of(text, scope)), None)


def _cleaned(name: str, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # As above.
    root, _, field = name.partition(".")
    return scope[root][_UNHASHED.get(field, field)]


def _says(value: object, cleaned: object) -> bool:
    """Whether the platform's value and the cleaned one are the same thing."""
    if isinstance(cleaned, Decimal):
        return _number(value) == cleaned
    if isinstance(cleaned, datetime):
        return _moment(value) == cleaned
    written, meant = html.unescape(str(value)).strip().lower(), str(cleaned).lower()
    return written == meant or _is_written_longer(written, meant)


def _is_written_longer(written: str, meant: str) -> bool:
    """Whether it is the same telephone number, IP address or US zip code in a longer spelling."""
    digits = "".join(filter(str.isdecimal, written)).lstrip("0")
    if len(digits) >= _FEWEST_DIGITS and meant.isdecimal() and meant.endswith(digits):
        return True
    return clean_ip(written) == meant or written.startswith((f"{meant}-", f"{meant} "))


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
