"""What a valid event should still be looked at for: the page states it, or warns of it, but names no refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from urllib.parse import parse_qs, urlsplit

from adapter.axon.sandbox.kinds import is_list, is_object

EXACT = Context(prec=300)
"""Digits enough for sums and products of the numbers that `reading` lets through: nothing is ever rounded."""

# ISO 4217, the active codes whose minor unit isn't a hundredth.
_CURRENCIES_BY_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DECIMALS: dict[str, int] = {
    code: decimals for decimals, codes in _CURRENCIES_BY_DECIMALS.items() for code in codes.split()
}
_HASH = r"[0-9a-f]{64}"
_EMAIL = re.compile(rf"{_HASH}|[^@\s]+@[^@\s]+")
_PHONE = re.compile(rf"{_HASH}|\+?[0-9 ().-]{{5,30}}")
_US_ZIP = re.compile(r"[0-9]{5}")


def event_remarks(event: object) -> Iterator[str]:
    """Yield what is odd about a valid event, each as one sentence without a personal value."""
    if not is_object(event):
        return
    if "dedupe_id" not in event:
        yield "dedupe_id is missing: the pixel's event for the same purchase will count a second time"
    user_data = event.get("user_data")
    if is_object(user_data):
        yield from _click_remarks(event.get("event_source_url"), user_data)
        yield from _buyer_remarks(user_data)
    content = event.get("data")
    if event.get("name") == "purchase" and is_object(content):
        yield from _money_remarks(content)


def _click_remarks(url: object, user_data: Mapping[str, object]) -> Iterator[str]:
    # The page: aleid is required if it is present in the URL. Which URL isn't said, so it is no refusal here.
    if isinstance(url, str) and "aleid" in parse_qs(urlsplit(url).query) and not user_data.get("aleid"):
        yield "event_source_url carries aleid, and user_data.aleid is missing"


def _buyer_remarks(user_data: Mapping[str, object]) -> Iterator[str]:
    email, phone, postal = (str(user_data.get(name) or "") for name in ("email", "phone", "zip"))
    if email and not _EMAIL.fullmatch(email):
        yield "user_data.email is neither an address nor a SHA-256 hash in lower-case hex"
    if phone and not _PHONE.fullmatch(phone):
        yield "user_data.phone is neither a phone number nor a SHA-256 hash in lower-case hex"
    if user_data.get("country_code") == "US" and postal and not _US_ZIP.fullmatch(postal):
        yield "user_data.zip isn't the first five digits of a U.S. zip code"


def _money_remarks(purchase: Mapping[str, object]) -> Iterator[str]:
    for name in ("value", "tax", "shipping"):
        amount = purchase.get(name)
        if isinstance(amount, Decimal) and amount < 0:
            yield f"data.{name} is negative"
    value, total = purchase.get("value"), _items_total(purchase.get("items"))
    if total is None:
        yield "an item has no price: data.value can't be compared with the items"
    elif isinstance(value, Decimal) and _differ(value, total, str(purchase.get("currency"))):
        yield f"data.value is {value:f}, and the sum of price x quantity is {total:f}"


def _differ(value: Decimal, total: Decimal, currency: str) -> bool:
    """Whether two amounts are more than half a minor unit of the currency apart."""
    half_a_minor_unit = Decimal(5).scaleb(-1 - _DECIMALS.get(currency, 2))
    return EXACT.abs(EXACT.subtract(value, total)) > half_a_minor_unit


def _items_total(items: object) -> Decimal | None:
    total = Decimal(0)
    for item in items if is_list(items) else []:
        price, quantity = (item.get("price"), item.get("quantity")) if is_object(item) else (None, None)
        if not isinstance(price, Decimal) or not isinstance(quantity, Decimal):
            return None
        total = EXACT.fma(price, quantity, total)
    return total
