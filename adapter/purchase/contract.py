"""The outgoing vocabulary: the fields that the Conversion API knows, and the values that each one takes.

Source: AppLovin's page "Conversion API" (server event, user data, measurement data, the purchase example) and its
page "Events and objects" for the purchase's data. Where the pages only recommend, the comment says who insists.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from adapter.jsonvalues import kind_of
from adapter.purchase.identity import COUNTRIES, SHORTEST_USER_ID, clean_ip
from adapter.purchase.page_address import without_keys

MOST_EVENTS = 100
"""Maximum batch size. One invalid event fails the whole batch."""

MOST_DIGITS = 40
"""How many digits a whole number may have; ids have up to twenty."""

_TOO_LARGE = 10**MOST_DIGITS


class Kind(StrEnum):
    """What kind of JSON value a field takes."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"
    """Epoch milliseconds on the wire; a time in the mapping."""
    IP = "IP address"
    """In its usual spelling, IPv4 in IPv6 as IPv4; what is no address counts as missing."""
    PAGE = "web address"
    """Without anything that could be a key to an order: see `page_address`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be like beyond its kind, in words that go on after the field's name."""

    words: str
    holds: Callable[[Any], bool] = field(repr=False)


def one_of(*allowed: str) -> Rule:
    """Return the rule that only these values are taken."""
    return Rule(f"must be one of {', '.join(allowed)}", lambda value: value in allowed)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, whether an event is invalid without it, and what its values must be like."""

    kind: Kind = Kind.TEXT
    required: bool = False
    rule: Rule | None = None


_TEXT = Field()
_NUMBER = Field(Kind.NUMBER)
_TIME = Field(Kind.TIME)
_NEEDED = Field(required=True)
_USER_ID = Field(
    rule=Rule(f"must have at least {SHORTEST_USER_ID} characters", lambda value: len(value) >= SHORTEST_USER_ID)
)

EVENT: Mapping[str, Field] = {
    "dedupe_id": _NEEDED,  # Optional on the advertiser's page, required on the partners': always sent.
    "event_time": Field(Kind.TIME, required=True),
    "event_source_url": Field(Kind.PAGE, required=True),
}
USER_DATA: Mapping[str, Field] = {
    "alart": _TEXT,
    "aleid": _TEXT,
    "axwrt": _TEXT,
    "client_id": _TEXT,
    "client_ip_address": Field(Kind.IP, required=True),
    "client_user_agent": _NEEDED,
    "country_code": Field(rule=Rule("must be an ISO 3166 code of two capital letters", COUNTRIES.__contains__)),
    "email": _TEXT,
    "esi": Field(required=True, rule=one_of("web", "app")),
    "idfv": _TEXT,
    "ifa": _TEXT,
    "os": Field(rule=one_of("ios", "android", "desktop_os")),
    "phone": _TEXT,
    "sid": _TEXT,
    "user_id": _USER_ID,
    "zip": _TEXT,
}
IDENTIFIERS = ("client_id", "axwrt", "alart", "user_id", "email", "phone")
"""Axon requires at least one of these; `aleid` alone isn't enough by the page's wording."""

DATA: Mapping[str, Field] = {
    "currency": _NEEDED,
    "shipping": Field(Kind.NUMBER, required=True),  # "Recommended" on older pages, required by newer ones.
    "tax": Field(Kind.NUMBER, required=True),  # As shipping.
    "transaction_id": _NEEDED,
    "user_id": _USER_ID,
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
    "accounting_mode": Field(required=True, rule=one_of("CASH", "ACCRUAL")),
    "attribution_lookback_window_hours": Field(Kind.NUMBER, required=True),
    "attribution_model": Field(
        required=True,
        rule=one_of(
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
    "attribution_share": Field(
        Kind.NUMBER, required=True, rule=Rule("must be a number between 0 and 1", lambda share: 0 <= share <= 1)
    ),
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


def parts_of(event: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of the event that a table of the mapping file stands for, each with its path."""
    if section == "event":
        yield "event", event
    elif section == "event.data.items":
        for index, item in enumerate(event["data"]["items"]):
            yield f"event.data.items[{index}]", item
    elif (part := event.get(section.removeprefix("event."))) is not None:
        yield section, part


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return `did you mean "…"?` for a name that is close to a known one, else an empty text."""
    close = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def to_wire(field: Field, value: object) -> Any:  # noqa: ANN401  # A JSON value of the field's kind.
    """Return the value as the field carries it, None when there is nothing to send; raise ValueError with the reason.

    Numbers become text where Axon wants text; text that is a number becomes a number where it wants one. A value that
    the page rules out isn't sent: an optional field is then left out, so that it costs no purchase.
    """
    if isinstance(value, str):
        value = value.replace("\x00", "")  # Plugins leave them in texts; databases and APIs choke on them.
        if not value or value.isspace():
            return None
    elif value is None or (not value and isinstance(value, list | dict)):
        return None
    wire = _CONVERSIONS[field.kind](value)
    if field.rule is not None and not field.rule.holds(wire):
        raise ValueError(field.rule.words)
    return wire


def _to_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"text is wanted, this is {kind_of(value)}")  # noqa: TRY004  # One error for any misfit.
    return f"{value:f}" if isinstance(value, Decimal) else str(_sane(value))


_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def _to_number(value: object) -> int | Decimal:
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if isinstance(value, Decimal):
        return _in_plain_digits(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"a number is wanted, this is {kind_of(value)}")  # noqa: TRY004  # One error for any misfit.
    return _sane(value)


def _sane(number: int) -> int:
    if abs(number) >= _TOO_LARGE:
        raise ValueError(f"a number of at most {MOST_DIGITS} digits is wanted, this has more")
    return number


def _in_plain_digits(number: Decimal) -> int | Decimal:
    """Return a number that is encoded without an exponent: what is below a millionth is rounded to it."""
    if not number.is_finite():
        raise ValueError("a number is wanted, this is infinite or none")
    if "E" not in str(number):
        return number
    return int(number) if number == int(number) else round(number, 6)


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


_CONVERSIONS: Mapping[Kind, Callable[[object], Any]] = {
    Kind.TEXT: _to_text,
    Kind.NUMBER: _to_number,
    Kind.INTEGER: _to_integer,
    Kind.BOOLEAN: _to_boolean,
    Kind.TIME: _to_milliseconds,
    Kind.IP: lambda value: clean_ip(_to_text(value)),
    Kind.PAGE: lambda value: without_keys(_to_text(value)).text or None,
}
