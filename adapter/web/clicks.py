"""POST /clicks/<shop>: the browser's click identifiers, remembered until the order comes. Write-only.

Every answer depends on the request alone, never on what is stored: whoever guesses another buyer's key learns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from flask import Request, Response

from adapter.errors import StorageBusy, StorageUnavailable
from adapter.shops.shop import Shop, Shops
from adapter.storage.clicks import Clicks
from adapter.web.answers import hang_up, refuse, turn_away
from adapter.web.bodies import BROKEN_OFF, BodyIncomplete, BodyTooLarge, read_body
from adapter.web.click_body import ClickRefused, PostedClick, read_click, shortened
from adapter.web.cookies import may_set, set_cookies
from adapter.web.limits import Limits, address_of

LARGEST_BODY = 4 * 1024
_ORIGINS_ARE_LISTED_AT = "[storefront] origins of the shop's mapping file lists who may"

_log = structlog.get_logger()


class Door:
    """Answers the shops' pages; `limits` say how many clicks this process takes."""

    def __init__(self, shops: Shops, clicks: Clicks, clock: Callable[[], datetime], limits: Limits) -> None:
        self._shops = shops
        self._clicks = clicks
        self._clock = clock
        self._limits = limits

    def answer(self, request: Request, shop_name: str) -> Response:
        """Remember the click, and return the answer to it, or to a browser that asks whether it may post one."""
        shop = self._shops.get(shop_name)
        if shop is None or not shop.is_on:
            hint = "see the script that `adapter snippets` prints"
            return turn_away(request, 404, f"there is no shop {shop_name[:80]!r}", hint)
        response = _preflight() if request.method == "OPTIONS" else self._admit(request, shop)
        return _with_cors(response, shop, request.headers.get("Origin"))

    def _admit(self, request: Request, shop: Shop) -> Response:
        """Turn away who may not post, and who posts too much, before anything is read."""
        if not _may_post(request, shop):
            return turn_away(request, 403, "this origin may not post clicks here", _ORIGINS_ARE_LISTED_AT)
        seconds = self._limits.seconds_to_wait(request.remote_addr)
        if seconds:
            _warn_of_flood(self._limits)
            hint = "send this one again after the seconds of Retry-After"
            response = turn_away(request, 429, "too many clicks", hint)
            response.headers["Retry-After"] = str(seconds)
            return response
        return self._remember(request, shop)

    def _remember(self, request: Request, shop: Shop) -> Response:
        try:
            click = read_click(read_body(request, LARGEST_BODY))
        except BodyTooLarge:
            return hang_up(413, f"the body is larger than {LARGEST_BODY} bytes", "send the identifiers alone")
        except BodyIncomplete:
            return hang_up(400, BROKEN_OFF, "send it again")
        except ClickRefused as refused:
            return refuse(400, str(refused), "send flat JSON with a key and an identifier or a consent")
        origin = request.headers.get("Origin")
        if origin not in shop.origins and "checkout_token" not in dict(click.keys):
            message = "without an origin of the shop a checkout_token is wanted"
            return refuse(403, message, _ORIGINS_ARE_LISTED_AT)
        response = self._store(request, shop, click)
        if may_set(shop, request.host, origin):
            set_cookies(response, shop, click.fields)
        return response

    def _store(self, request: Request, shop: Shop, click: PostedClick) -> Response:
        fields = click.fields if click.is_refusal else {**click.fields, **_browser(request)}
        try:
            self._clicks.remember(shop.name, click.keys, fields, self._clock())
        except StorageBusy:
            return refuse(503, "orders are being stored just now, and go first", "send it again", Retry_After="1")
        except StorageUnavailable as unavailable:
            _log.error("click not stored", shop=shop.name, problem=str(unavailable))
            return refuse(503, "the click can't be stored right now", "send it again", Retry_After="10")
        return Response(status=204)


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


def _warn_of_flood(limits: Limits) -> None:
    if count := limits.refused_to_tell():
        hint = "when all buyers seem to have one address, TRUSTED_PROXIES isn't the number of proxies in front"
        _log.warning("clicks turned away: too many", count=count, addresses=len(limits), hint=hint)


def _may_post(incoming: Request, shop: Shop) -> bool:
    """Tell whether the sender may be the shop's page, or a Shopify pixel: its sandboxed frame's origin is null.

    A sandboxed frame brings no cookies: with cookies and without an origin it is something else.
    """
    origin = incoming.headers.get("Origin")
    return origin in shop.origins or (origin in (None, "null") and not incoming.cookies)


def _browser(incoming: Request) -> Mapping[str, str]:
    return shortened({"ip": address_of(incoming.remote_addr), "user_agent": incoming.headers.get("User-Agent")})
