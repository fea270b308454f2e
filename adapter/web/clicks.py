"""POST /clicks/<shop>: the browser's click identifiers, remembered until the order comes. Write-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
import structlog
from flask import Blueprint, Request, Response, request

from adapter.errors import StorageUnavailable
from adapter.purchase.identity import CLICK_FIELDS, LONGEST_IDENTIFIER, clean_identifier
from adapter.shops.shop import Shop, Shops
from adapter.storage.clicks import Clicks
from adapter.web.answers import hang_up, refuse, turn_away
from adapter.web.bodies import BROKEN_OFF, BodyIncomplete, BodyTooLarge, read_body

LARGEST_BODY = 4 * 1024
KEYS = ("checkout_token", "cart_token", "order_key", "client_id")
_ANSWERS = ("granted", "denied")
_LONGEST_TEXT = 2048
_ORIGINS_ARE_LISTED_AT = "[storefront] origins of the shop's mapping file lists who may"

_log = structlog.get_logger()


class ClickRefused(ValueError):
    """The posted JSON can't be used; the message names the path and what is wanted."""


def blueprint(shops: Shops, clicks: Clicks, clock: Callable[[], datetime]) -> Blueprint:
    """Return the route, for these shops."""
    routes = Blueprint("clicks", __name__)

    @routes.route("/clicks/<shop_name>", methods=["POST", "OPTIONS"])
    def remember(shop_name: str) -> Response:
        shop = shops.get(shop_name)
        if shop is None or not shop.is_on:
            return turn_away(
                404, f"there is no shop {shop_name[:80]!r}", "see the script that `adapter snippets` prints"
            )
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
    if not _may_post(request, shop):
        return turn_away(403, "this origin may not post clicks here", _ORIGINS_ARE_LISTED_AT)
    try:
        posted = _parse(read_body(request, LARGEST_BODY))
        keys, identifiers = _keys(posted), _identifiers(posted)
    except BodyTooLarge:
        return hang_up(413, f"the body is larger than {LARGEST_BODY} bytes", "send the identifiers alone")
    except BodyIncomplete:
        return hang_up(400, BROKEN_OFF, "send it again")
    except ClickRefused as refused:
        return refuse(400, str(refused), "send flat JSON with a key and an identifier or a consent")
    if request.headers.get("Origin") not in shop.origins and "checkout_token" not in dict(keys):
        message = "without an origin of the shop a checkout_token is wanted"
        return refuse(403, message, _ORIGINS_ARE_LISTED_AT)
    return _store(clicks, shop, keys, {**identifiers, **_browser(request)}, now)


def _store(
    clicks: Clicks, shop: Shop, keys: list[tuple[str, str]], identifiers: Mapping[str, str], now: datetime
) -> Response:
    try:
        clicks.remember(shop.name, keys, identifiers, now)
    except StorageUnavailable as unavailable:
        _log.error("click not stored", shop=shop.name, problem=str(unavailable))
        return refuse(503, "the click can't be stored right now", "send it again", Retry_After="10")
    return Response(status=204)


def _may_post(incoming: Request, shop: Shop) -> bool:
    """Tell whether the sender may be the shop's page, or a Shopify pixel: its sandboxed frame's origin is null.

    A sandboxed frame brings no cookies: with cookies and without an origin it is something else.
    """
    origin = incoming.headers.get("Origin")
    return origin in shop.origins or (origin in (None, "null") and not incoming.cookies)


def _parse(body: bytes) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ClickRefused("the body is no flat JSON object") from None


def _keys(posted: Mapping[str, object]) -> list[tuple[str, str]]:
    keys = [(kind, _identifier(kind, posted[kind])) for kind in KEYS if posted.get(kind) is not None]
    if not keys:
        raise ClickRefused(f"one key is wanted: {', '.join(KEYS)}")
    return keys


def _identifier(name: str, value: object) -> str:
    if name == "cart_token" and isinstance(value, str):
        value = value.partition("?")[0]  # Shopify's cart cookie goes on with ?key=…, its orders don't.
    text = clean_identifier(value)
    if text is None:
        raise ClickRefused(f"{name}: text of a URL's characters, at most {LONGEST_IDENTIFIER}, is wanted")
    return text


def _identifiers(posted: Mapping[str, object]) -> dict[str, str]:
    found = {name: _identifier(name, posted[name]) for name in CLICK_FIELDS if posted.get(name) is not None}
    consent, page_url = posted.get("consent"), posted.get("page_url")
    if consent not in (None, *_ANSWERS):
        raise ClickRefused(f"consent: one of {', '.join(_ANSWERS)} is wanted")
    if page_url is not None and not isinstance(page_url, str):
        raise ClickRefused("page_url: text is wanted")
    if not found and consent is None:
        raise ClickRefused(f"one identifier or a consent is wanted: {', '.join(CLICK_FIELDS)}")
    return {**found, **_texts({"consent": consent, "page_url": page_url})}


def _browser(incoming: Request) -> dict[str, str]:
    return _texts({"ip": incoming.remote_addr, "user_agent": incoming.headers.get("User-Agent")})


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: text[:_LONGEST_TEXT] for name, text in values.items() if isinstance(text, str) and text}
