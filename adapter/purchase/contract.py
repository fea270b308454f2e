"""The outgoing vocabulary: what the Conversion API accepts, and every way in which an event breaks it.

Source: AppLovin's page "Conversion API" (server event, user data, measurement data, the purchase example) and its
page "Events and objects" for the purchase's data. Where the pages only recommend, the comment says who insists.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from adapter.jsonvalues import kind_of
from adapter.purchase.currency import DECIMALS
from adapter.purchase.identity import SHORTEST_USER_ID

MOST_EVENTS = 100
"""Maximum batch size. One invalid event fails the whole batch."""


class Kind(StrEnum):
    """What kind of JSON value a field takes."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"
    """Epoch milliseconds on the wire; a time in the mapping."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, whether an event is invalid without it, and the only values it may take."""

    kind: Kind = Kind.TEXT
    required: bool = False
    allowed: tuple[str, ...] = ()


_TEXT = Field()
_NUMBER = Field(Kind.NUMBER)
_TIME = Field(Kind.TIME)
_NEEDED = Field(required=True)

EVENT: Mapping[str, Field] = {
    "dedupe_id": _NEEDED,  # Optional on the advertiser's page, required on the partners': always sent.
    "event_time": Field(Kind.TIME, required=True),
    "event_source_url": _NEEDED,
}
USER_DATA: Mapping[str, Field] = {
    "alart": _TEXT,
    "aleid": _TEXT,
    "axwrt": _TEXT,
    "client_id": _TEXT,
    "client_ip_address": _NEEDED,
    "client_user_agent": _NEEDED,
    "country_code": _TEXT,
    "email": _TEXT,
    "esi": Field(required=True, allowed=("web", "app")),
    "idfv": _TEXT,
    "ifa": _TEXT,
    "os": Field(allowed=("ios", "android", "desktop_os")),
    "phone": _TEXT,
    "sid": _TEXT,
    "user_id": _TEXT,
    "zip": _TEXT,
}
IDENTIFIERS = ("client_id", "axwrt", "alart", "user_id", "email", "phone")
"""Axon requires at least one of these; `aleid` alone isn't enough by the page's wording."""

DATA: Mapping[str, Field] = {
    "currency": _NEEDED,
    "shipping": Field(Kind.NUMBER, required=True),  # "Recommended" on older pages, required by newer ones.
    "tax": Field(Kind.NUMBER, required=True),  # As shipping.
    "transaction_id": _NEEDED,
    "user_id": _TEXT,
    "value": Field(Kind.NUMBER, required=True),
}
ITEM: Mapping[str, Field] = {
    "affiliation": _TEXT,
    "discount": _NUMBER,
    "image_url": _TEXT,
    "item_brand": _TEXT,
    "item_category": _TEXT,
    "item_category2": _TEXT,
    "item_category_id": Field(Kind.INTEGER),
    "item_id": _NEEDED,
    "item_name": _TEXT,
    "item_variant_id": _TEXT,
    "price": Field(Kind.NUMBER, required=True),  # Recommended by the page; the value's arithmetic needs it.
    "quantity": Field(Kind.NUMBER, required=True),
}
PARTNER: Mapping[str, Field] = {
    "accounting_mode": Field(required=True, allowed=("CASH", "ACCRUAL")),
    "attribution_lookback_window_hours": Field(Kind.NUMBER, required=True),
    "attribution_model": Field(
        required=True,
        allowed=(
            "LAST_CLICK",
            "FIRST_CLICK",
            "LINEAR",
            "TIME_DECAY",
            "CUSTOM_MULTI_TOUCH",
            "LAST_NON_DIRECT_TOUCH",
            "CLICKS_AND_VIEWS_ENHANCED",
            "ANY_CLICK",
        ),
    ),
    "attribution_share": Field(Kind.NUMBER, required=True),
    "campaign_id": _TEXT,
    "creative_set_id": _TEXT,
    "first_purchase_ts": _TIME,
    "first_visit_ts": _TIME,
    "is_claimable": Field(Kind.BOOLEAN, required=True),
    "is_new_customer": Field(Kind.BOOLEAN),
    "is_new_visitor": Field(Kind.BOOLEAN),
    "last_purchase_ts": _TIME,
    "last_visit_ts": _TIME,
}
SECTIONS: Mapping[str, Mapping[str, Field]] = {
    "event": EVENT,
    "event.user_data": USER_DATA,
    "event.data": DATA,
    "event.data.items": ITEM,
    "event.measurement_partner_data": PARTNER,
}
"""The tables of a mapping file and the fields that each may hold."""


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return `did you mean "…"?` for a name that is close to a known one, else an empty text."""
    close = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def to_wire(field: Field, value: object) -> Any:  # noqa: ANN401  # A JSON value of the field's kind.
    """Return the value as the field carries it, None when there is nothing to send; raise ValueError with the reason.

    Numbers become text where Axon wants text; text that is a number becomes a number where it wants one.
    """
    if value is None or (not value and isinstance(value, str | list | dict)):
        return None
    if isinstance(value, str) and value.isspace():
        return None
    return _CONVERSIONS[field.kind](value)


def _to_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"text is wanted, this is {kind_of(value)}")  # noqa: TRY004  # One error for any misfit.
    return value if isinstance(value, str) else f"{value:f}" if isinstance(value, Decimal) else str(value)


_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def _to_number(value: object) -> int | Decimal:
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"a number is wanted, this is {kind_of(value)}")  # noqa: TRY004  # One error for any misfit.
    if not Decimal(value).is_finite():
        raise ValueError("a number is wanted, this is infinite or none")
    return value


def _to_integer(value: object) -> int:
    number = _to_number(value)
    if number != int(number):
        raise ValueError("a whole number is wanted, this has a fraction")
    return int(number)


def _to_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"true or false is wanted, this is {kind_of(value)}")  # noqa: TRY004  # As above.
    return value


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _to_milliseconds(value: object) -> int:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time with its offset from UTC is wanted, this one has none")
        return (value - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value.strip()):
        raise ValueError("a time or epoch milliseconds are wanted, this is text")
    return _to_integer(value)


_CONVERSIONS = {
    Kind.TEXT: _to_text,
    Kind.NUMBER: _to_number,
    Kind.INTEGER: _to_integer,
    Kind.BOOLEAN: _to_boolean,
    Kind.TIME: _to_milliseconds,
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which an event breaks the contract: the path of the field and what is wrong with it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def violations(event: Mapping[str, Any]) -> list[Violation]:
    """Return every way in which this event breaks the documented contract; empty when the API will take it."""
    found = list(_wrong_fields(event))
    found += _event_rules(event)
    return found


_REQUIRED = {
    section: tuple(name for name, field in fields.items() if field.required) for section, fields in SECTIONS.items()
}
_ALLOWED = {
    section: tuple((name, field.allowed) for name, field in fields.items() if field.allowed)
    for section, fields in SECTIONS.items()
}


def _wrong_fields(event: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what is missing, then what has another value than the few it may have."""
    parts = [(section, path, part) for section in SECTIONS for path, part in parts_of(event, section)]
    for section, path, part in parts:
        for name in _REQUIRED[section]:
            if part.get(name) is None:
                yield Violation(f"{path}.{name}", "is required and missing")
    for section, path, part in parts:
        for name, allowed in _ALLOWED[section]:
            if part.get(name) is not None and part[name] not in allowed:
                yield Violation(f"{path}.{name}", f"must be one of {', '.join(allowed)}")


def parts_of(event: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of the event that a table of the mapping file stands for, each with its path."""
    if section == "event":
        yield "event", event
    elif section == "event.data.items":
        for index, item in enumerate(event["data"]["items"]):
            yield f"event.data.items[{index}]", item
    elif (part := event.get(section.removeprefix("event."))) is not None:
        yield section, part


_MILLISECONDS = range(10**12, 10**13)
"""September 2001 to November 2286; the same moments in seconds lie outside. Seconds are the classic error."""


def _event_rules(event: Mapping[str, Any]) -> Iterator[Violation]:
    user, purchase = event["user_data"], event["data"]
    if not any(user.get(name) for name in IDENTIFIERS):
        yield Violation("event.user_data", f"needs at least one of {', '.join(IDENTIFIERS)}")
    for path, part in (("event.user_data", user), ("event.data", purchase)):
        if (user_id := part.get("user_id")) and len(user_id) < SHORTEST_USER_ID:
            yield Violation(f"{path}.user_id", f"must have at least {SHORTEST_USER_ID} characters")
    if (country := user.get("country_code")) and not re.fullmatch("[A-Z]{2}", country):
        yield Violation("event.user_data.country_code", "must be an ISO 3166 code of two capital letters")
    if (address := user.get("client_ip_address")) and not _is_ip(address):
        yield Violation("event.user_data.client_ip_address", "must be an IPv4 or IPv6 address without spaces")
    if (currency := purchase.get("currency")) and currency not in DECIMALS:
        yield Violation("event.data.currency", "is no ISO 4217 currency code")
    if (time := event.get("event_time")) is not None and time not in _MILLISECONDS:
        yield Violation("event.event_time", "must be in milliseconds since 1970, not in seconds")
    if (url := event.get("event_source_url")) and not _is_complete_url(url):
        yield Violation("event.event_source_url", "must be a complete http or https address")
    share = event.get("measurement_partner_data", {}).get("attribution_share")
    if share is not None and not 0 <= share <= 1:
        yield Violation("event.measurement_partner_data.attribution_share", "must be a number between 0 and 1")
    yield from _amount_rules(purchase)


def _amount_rules(purchase: Mapping[str, Any]) -> Iterator[Violation]:
    if not purchase["items"]:
        yield Violation("event.data.items", "needs at least one item")
    for name in ("value", "tax", "shipping"):
        if (amount := purchase.get(name)) is not None and amount < 0:
            yield Violation(f"event.data.{name}", "must not be negative")
    for index, item in enumerate(purchase["items"]):
        if (quantity := item.get("quantity")) is not None and quantity <= 0:
            yield Violation(f"event.data.items[{index}].quantity", "must be more than 0")
        if (price := item.get("price")) is not None and price < 0:
            yield Violation(f"event.data.items[{index}].price", "must not be negative")


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.replace("%", " "))  # A zone (fe80::1%eth0) is no part of an address.
    except ValueError:
        return False
    return True


def _is_complete_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\x00-\x1f]", text)
