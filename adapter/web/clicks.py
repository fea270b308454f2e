"""POST /clicks/<shop>: the browser's click identifiers, remembered until the order comes. Write-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from flask import Blueprint, Request, Response, request

from adapter.errors import StorageUnavailable
from adapter.purchase.identity import CLICK_FIELDS, clean_identifier
from adapter.shops.shop import Shop, Shops
from adapter.storage.clicks import Clicks
from adapter.web.answers import refuse
from adapter.web.bodies import BodyIncomplete, BodyTooLarge, read_body

LARGEST_BODY = 4 * 1024
KEYS = ("checkout_token", "cart_token", "order_key", "client_id")
_ANSWERS = ("granted", "denied")
_LONGEST_TEXT = 2048


class ClickRefused(ValueError):
    """The posted JSON can't be used; the message names the path and what is wanted."""


def blueprint(shops: Shops, clicks: Clicks, clock: Callable[[], datetime]) -> Blueprint:
    """Return the route, for these shops."""
    routes = Blueprint("clicks", __name__)

    @routes.route("/clicks/<shop_name>", methods=["POST", "OPTIONS"])
    def remember(shop_name: str) -> Response:
        shop = shops.get(shop_name)
        if shop is None or not shop.is_on:
            return refuse(404, f"there is no shop {shop_name[:80]!r}", "see the script that `adapter snippets` prints")
        response = _preflight() if request.method == "OPTIONS" else _remember(clicks, shop, clock())
        return _with_cors(response, shop, request.headers.get("Origin"))

    return routes


def _preflight() -> Response:
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "POST"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Access-Control-Max-Age"] = "86400"
    return response


def _with_cors(response: Response, shop: Shop, origin: str | None) -> Response:
    """Allow the shop's own origins, exactly; a sandboxed frame's `null` without credentials."""
    response.headers["Vary"] = "Origin"
    if origin in shop.origins:
        response.headers["Access-Control-Allow-Origin"] = origin or ""
        response.headers["Access-Control-Allow-Credentials"] = "true"
    elif origin == "null":
        response.headers["Access-Control-Allow-Origin"] = "null"
    return response


def _remember(clicks: Clicks, shop: Shop, now: datetime) -> Response:
    try:
        posted = _parse(read_body(request, LARGEST_BODY))
        keys, identifiers = _keys(posted), _identifiers(posted)
    except BodyTooLarge:
        return refuse(413, f"the body is larger than {LARGEST_BODY} bytes", "send the identifiers alone")
    except (BodyIncomplete, ClickRefused) as error:
        return refuse(400, str(error) or "the body ended early", "send flat JSON with a key and an identifier")
    if not _may_post(request, shop, keys):
        return refuse(403, "this origin may not post clicks here", "add it to [storefront] origins of the shop")
    try:
        clicks.remember(shop.name, keys, {**identifiers, **_browser(request)}, now)
    except StorageUnavailable:
        return refuse(503, "the click can't be stored right now", "send it again", Retry_After="10")
    return Response(status=204)


def _parse(body: bytes) -> Mapping[str, object]:
    try:
        posted = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ClickRefused("the body is no flat JSON object") from None
    return posted


def _keys(posted: Mapping[str, object]) -> list[tuple[str, str]]:
    keys: list[tuple[str, str]] = []
    for kind in KEYS:
        if posted.get(kind) is None:
            continue
        value = posted[kind]
        text = clean_identifier(value.partition("?")[0] if isinstance(value, str) else value)
        if text is None:
            raise ClickRefused(f"{kind}: text of at most 512 characters of a URL is wanted")
        keys.append((kind, text))
    if not keys:
        raise ClickRefused(f"one key is wanted: {', '.join(KEYS)}")
    return keys


def _identifiers(posted: Mapping[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in CLICK_FIELDS:
        if posted.get(name) is None:
            continue
        text = clean_identifier(posted[name])
        if text is None:
            raise ClickRefused(f"{name}: text of at most 512 characters of a URL is wanted")
        found[name] = text
    consent = posted.get("consent")
    if consent is not None and consent not in _ANSWERS:
        raise ClickRefused(f"consent: one of {', '.join(_ANSWERS)} is wanted")
    if not found and consent is None:
        raise ClickRefused(f"one identifier or a consent is wanted: {', '.join(CLICK_FIELDS)}")
    return {**found, **_texts({"consent": consent, "page_url": posted.get("page_url")})}


def _may_post(incoming: Request, shop: Shop, keys: list[tuple[str, str]]) -> bool:
    """Shopify's custom pixels live in a sandboxed frame: its origin is null, and it knows the checkout token."""
    origin = incoming.headers.get("Origin")
    if origin in shop.origins:
        return True
    return origin in (None, "null") and not incoming.cookies and "checkout_token" in dict(keys)


def _browser(incoming: Request) -> dict[str, str]:
    return _texts({"ip": incoming.remote_addr, "user_agent": incoming.headers.get("User-Agent")})


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: text[:_LONGEST_TEXT] for name, text in values.items() if isinstance(text, str) and text}
