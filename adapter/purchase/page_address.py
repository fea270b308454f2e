"""The address of the page where the purchase happened, as it may leave the house: nothing in it opens a door.

A mapping may take `event_source_url` from anywhere, and what platforms call the page of an order is often its key:
Shopify's order status page and checkout carry a token in the path and a key in the query, WooCommerce's payment and
thank-you pages their order key in the query. So it is decided what may stay, not what must go: a list of names of keys
would miss the next one. Of the query only AppLovin's click identifiers and the usual campaign parameters stay, of the
path only words and numbers, up to the first place that can hold a token. User name, password and fragment go.

Sources: shopify.dev/docs/api/admin-rest/latest/resources/order (order_status_url), WooCommerce's
`WC_Order::get_checkout_order_received_url` and `get_checkout_payment_url`, and AppLovin's page "Conversion API"
(event_source_url, aleid).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from adapter.purchase.identity import clean_identifier
from adapter.purchase.landing import whole_query

CLICK_PARAMETERS = ("aleid", "alart")
"""What AppLovin adds to the address of a landing page."""

_CAMPAIGN_PARAMETERS = frozenset(
    ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "utm_source_platform")
)
_CAMPAIGN_VALUE = re.compile(r"[\w .|+:~-]{1,100}")
_ORDER_KEY = "wc_order_"

# What follows these in a path belongs to one buyer: /123/orders/<token>/authenticate, /checkouts/cn/<token>,
# /invoices/<token>, /account/activate/<id>/<token>, /cart/c/<token>.
_PRIVATE = frozenset(("orders", "checkouts", "invoices", "account", "cart", "carts", "authenticate"))
_HOST = re.compile(r"[\w.-]+|\[[0-9a-f:.]+\]")
_NAME = re.compile(r"[a-z_-]{1,20}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONGEST_NUMBER, _LONGEST_WORD, _LONGEST_MIXED = 20, 24, 9
# Nearly every address is this plain, and needn't be taken apart for every order.
_HARMLESS = re.compile(r"https?://[a-z0-9.-]+(?:/(?:[a-z]{1,24}(?:-[a-z]{1,24})*|[0-9]{1,20}))*/?")


class PageAddress(Struct, frozen=True):
    """An address that may be sent, and in words what was taken out of it, never the values."""

    text: str
    taken_out: tuple[str, ...] = ()


def without_keys(address: str) -> PageAddress:
    """Return the address without anything that could be a key; raise ValueError when it can't be read as one.

    >>> without_keys("https://shop.example/checkout/order-received/7/?key=wc_order_x&utm_source=axon").text
    'https://shop.example/checkout/order-received/7/?utm_source=axon'
    >>> without_keys("https://shop.example/5/orders/0f9c2d7a4b1e48d6/authenticate?key=3b1a").taken_out
    ('the end of the path', 'the query parameter key')
    """
    if _HARMLESS.fullmatch(address) and _PRIVATE.isdisjoint(address.split("/")):
        return PageAddress(address)
    parts, host = _split(address.strip())
    whole = _whole_query(address.strip(), parts)
    path, query = _open_path(parts.path), _open_query(whole)
    text = f"{parts.scheme}://{host}{path}" if host else path
    text = f"{text}?{urlencode(query)}" if query else text
    return PageAddress(text, tuple(_taken_out(parts, path, whole, query)))


def values_of(address: str, name: str) -> list[str]:
    """Return the values that an address made by `without_keys` has under this name: mostly one or none."""
    query = address.partition("?")[2]
    return [value for found, value in parse_qsl(query) if found == name] if query else []


def without_parameter(address: str, name: str) -> str:
    """Return an address that `without_keys` made, without its parameters of this name."""
    page, _, query = address.partition("?")
    kept = [(found, value) for found, value in parse_qsl(query) if found != name]
    return f"{page}?{urlencode(kept)}" if kept else page


def _split(address: str) -> tuple[SplitResult, str]:
    """Return the parts, and the host with its port; without user name and password."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise ValueError("a web address is wanted, this one can't be read") from None
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    if host and not _HOST.fullmatch(host):
        raise ValueError("a web address is wanted, the host of this one can't be read")
    return parts, host + port


def _open_path(path: str) -> str:
    """Return the path up to the first segment that can hold a token."""
    segments = path.split("/")
    for place, segment in enumerate(segments):
        if segment and not _is_plain(segment):
            return "/".join([*segments[:place], ""])
        if segment.lower() in _PRIVATE:
            return "/".join([*segments[: place + 1], ""])
    return path


def _is_plain(segment: str) -> bool:
    """Whether a segment of a path is made of words and numbers alone, as the name of a page is.

    >>> [_is_plain(text) for text in ("order-received", "5839102749001", "Gr%C3%B6%C3%9Fe-xl", "iphone15-256gb")]
    [True, True, True, True]
    >>> [_is_plain(text) for text in ("0f9c2d7a4b1e48d6", "Z2NwLXVzLWNl", "c1-7a8b9c0d1e2f3a4b", "..", "a;b=c")]
    [False, False, False, False, False]
    """
    text = unquote(segment)
    words = [word for word in re.split(r"[-_. ]", text) if word]
    if not words or _ORDER_KEY in text or _UUID.fullmatch(text):
        return False
    return all(map(_is_word, words))


def _is_word(text: str) -> bool:
    """Whether it is a number, a word in one case, or a short mixture of both; a token is none of these."""
    if text.isdecimal():
        return len(text) <= _LONGEST_NUMBER
    if text.isalpha():
        return len(text) <= _LONGEST_WORD and text in (text.lower(), text.upper(), text.capitalize())
    return text.isalnum() and text == text.lower() and len(text) <= _LONGEST_MIXED


def _whole_query(address: str, parts: SplitResult) -> str:
    """Return the query without a parameter that may be cut off: the address may end with Shopify's landing page."""
    behind_host = urlunsplit(("", "", parts.path, parts.query, parts.fragment))
    return min(whole_query(address), whole_query(behind_host), key=len)


def _open_query(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parse_qsl(query) if _may_stay(name, value)]


def _may_stay(name: str, value: str) -> bool:
    if _ORDER_KEY in value:
        return False
    if name in CLICK_PARAMETERS:
        return clean_identifier(value) is not None
    return name in _CAMPAIGN_PARAMETERS and _CAMPAIGN_VALUE.fullmatch(value) is not None


def _taken_out(parts: SplitResult, path: str, whole: str, query: list[tuple[str, str]]) -> Iterator[str]:
    if "@" in parts.netloc:
        yield "user name and password"
    if path.rstrip("/") != parts.path.rstrip("/"):
        yield "the end of the path"
    if whole != parts.query:
        yield "the query parameter at its end, which may be cut off"
    given = parse_qsl(whole, keep_blank_values=True)
    gone = dict.fromkeys(name for name, value in given if (name, value) not in query)
    named = [name for name in gone if _NAME.fullmatch(name)]
    if named:
        yield f"the query parameter{'s' * (len(named) > 1)} {', '.join(named)}"
    if len(named) < len(gone) or (whole and not given):
        yield "what else stood in the query"
    if parts.fragment:
        yield "the fragment"
