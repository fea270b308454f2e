"""POST /webhooks/<shop>: the door for orders. 200 means that the order is on disk, or is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog
from flask import Request, Response
from werkzeug.http import parse_options_header

from adapter.errors import SignatureRefused, StorageUnavailable
from adapter.intake import Intake, Result, Taken
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import WebhookRequest
from adapter.settings import MAX_BODY_BYTES
from adapter.shops.shop import Shop, Shops
from adapter.web.answers import hang_up, refuse, reply, turn_away
from adapter.web.bodies import BROKEN_OFF, BodyIncomplete, BodyTooLarge, read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_RETRY_AFTER_SECONDS = "10"

_JSON_IS_CHOSEN_AT: Mapping[str, str] = {
    "shopify": "choose JSON at Shopify admin: Settings › Notifications › Webhooks › the webhook › Format",
    "woocommerce": (
        "choose “WP REST API Integration v3” at WooCommerce › Settings › Advanced › Webhooks › the webhook › API "
        "version; that is sent as JSON, unless a plugin changes it"
    ),
}

_log = structlog.get_logger()


class Door:
    """Answers webhooks for these shops; `largest_body` is in bytes."""

    def __init__(self, shops: Shops, intake: Intake, largest_body: int = MAX_BODY_BYTES) -> None:
        self._shops = shops
        self._intake = intake
        self._largest_body = largest_body

    def answer(self, request: Request, shop_name: str) -> Response:
        """Take the webhook in, and return the answer to it."""
        shop = self._shops.get(shop_name)
        if shop is None or not shop.is_on:
            return _no_such_shop(request, shop_name, shop)
        return self._receive(request, shop)

    def _receive(self, request: Request, shop: Shop) -> Response:
        try:
            webhook = WebhookRequest(_headers(request.environ), read_body(request, self._largest_body))
        except BodyTooLarge:
            _log.warning("webhook refused", shop=shop.name, status=413)
            hint = "send one order per webhook; MAX_BODY_BYTES of the adapter sets the limit"
            return hang_up(413, f"the body is larger than {self._largest_body} bytes", hint)
        except BodyIncomplete:
            _log.warning("webhook refused", shop=shop.name, status=400)
            return hang_up(400, BROKEN_OFF, "send it again")
        refused_form = _wrong_form(webhook, shop)
        if refused_form is not None:
            return _refuse(shop, 415, refused_form, _JSON_IS_CHOSEN_AT[shop.platform])
        return _take(self._intake, shop, webhook)


def _no_such_shop(request: Request, name: str, shop: Shop | None) -> Response:
    if shop is not None:
        message, hint = f"the shop {name[:80]!r} is off: {shop.off}", "set it, then restart the adapter"
        return turn_away(request, 404, message, hint)
    message = f"there is no shop {name[:80]!r}"
    return turn_away(request, 404, message, "the last part of the URL is the name of a mapping file")


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    """Return the headers, as the server names them: HTTP_…, and these two without."""
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    kind = environ.get("CONTENT_TYPE")
    return {**headers, "content-type": kind} if kind else headers


def _refuse(shop: Shop, status: int, message: str, hint: str) -> Response:
    _log.warning("webhook refused", shop=shop.name, status=status, reason=message)
    return refuse(status, message, hint)


def _wrong_form(webhook: WebhookRequest, shop: Shop) -> str | None:
    """Say why the body isn't plain JSON, None when it is; a platform's set-up ping passes."""
    if webhook.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        return "the body is compressed (Content-Encoding), and plain JSON is read here"
    return None if PLATFORMS[shop.platform].is_ping(webhook) else _wrong_type(webhook)


def _wrong_type(webhook: WebhookRequest) -> str | None:
    content_type = webhook.headers.get("content-type", "application/json")
    if content_type == "application/json":
        return None
    kind, options = parse_options_header(content_type)
    if "xml" in kind.lower():
        return "the body is XML, and JSON is read here"
    if kind.lower() != "application/json":
        return "the Content-Type isn't application/json, and only JSON is read here"
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        return "the character set isn't UTF-8, and JSON is read as UTF-8 alone"
    return None


def _take(intake: Intake, shop: Shop, webhook: WebhookRequest) -> Response:
    try:
        taken = intake.take(shop, webhook)
    except SignatureRefused as refused:
        return _refuse(shop, 401, str(refused), refused.hint)
    except StorageUnavailable as unavailable:
        _log.error("webhook not stored", shop=shop.name, problem=str(unavailable))
        hint = "nothing was stored; send it again"
        return refuse(503, "the order can't be stored right now", hint, Retry_After=_RETRY_AFTER_SECONDS)
    return _answer(shop, taken)


def _answer(shop: Shop, taken: Taken) -> Response:
    facts = {"order": taken.order_id, "change": taken.change, "reason": taken.reason}
    known = {name: value for name, value in facts.items() if value is not None}
    if taken.result is not Result.PING:
        result = {} if taken.result is Result.ACCEPTED else {"result": taken.result.value}  # Else the change says it.
        _log.info("webhook taken", shop=shop.name, **result, **known)
    return reply({"result": taken.result.value, **known})
