"""POST /webhooks/<shop>: the door for orders. 200 means that the order is on disk, or is none."""

from __future__ import annotations

import structlog
from flask import Blueprint, Request, Response, jsonify, request

from adapter.errors import SignatureRefused, StorageUnavailable
from adapter.intake import Intake, Result, Taken
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import WebhookRequest
from adapter.shops.shop import Shop, Shops
from adapter.web.answers import refuse
from adapter.web.bodies import BodyIncomplete, BodyTooLarge, read_body

LARGEST_BODY = 2 * 1024 * 1024
"""Bytes. Orders of 30 lines have 67 kB; dozens of lines with plugins' data some hundred."""

_RETRY_AFTER_SECONDS = "10"

_log = structlog.get_logger()


def blueprint(shops: Shops, intake: Intake) -> Blueprint:
    """Return the route, for these shops."""
    routes = Blueprint("webhooks", __name__)

    @routes.post("/webhooks/<shop_name>")
    def receive(shop_name: str) -> Response:
        shop = shops.get(shop_name)
        if shop is None or not shop.is_on:
            return _no_such_shop(shop_name, shop)
        try:
            webhook = WebhookRequest(_headers(request), read_body(request, LARGEST_BODY))
        except BodyTooLarge:
            return refuse(413, f"the body is larger than {LARGEST_BODY} bytes", "send one order per webhook")
        except BodyIncomplete:
            return refuse(400, "the connection ended before the body did", "send it again")
        return _refuse_form(webhook, shop) or _take(intake, shop, webhook)

    return routes


def _headers(incoming: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in incoming.headers.items()}


def _no_such_shop(name: str, shop: Shop | None) -> Response:
    if shop is not None:
        return refuse(404, f"the shop {name[:80]!r} is off: {shop.off}", "set it, then restart the adapter")
    return refuse(404, f"there is no shop {name[:80]!r}", "the last part of the URL is the name of a mapping file")


def _refuse_form(webhook: WebhookRequest, shop: Shop) -> Response | None:
    """Refuse what isn't plain JSON, naming the setting that sends it so; a platform's set-up ping passes."""
    encoding = webhook.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        return refuse(415, "the body is compressed", "send it without Content-Encoding")
    if PLATFORMS[shop.platform].is_ping(webhook):
        return None
    kind, _, parameters = webhook.headers.get("content-type", "application/json").lower().partition(";")
    if "xml" in kind:
        hint = "in Shopify under Settings › Notifications › Webhooks choose the format JSON"
        return refuse(415, "the body is XML, and JSON is read here", hint)
    if kind.strip() != "application/json":
        return refuse(415, f"the content type {kind[:80]!r} isn't read here", "send application/json")
    charset = parameters.strip().removeprefix("charset=").strip("\"' ")
    if charset not in ("", "utf-8", "utf8"):
        return refuse(415, f"the character set {charset[:40]!r} isn't read here", "send UTF-8")
    return None


def _take(intake: Intake, shop: Shop, webhook: WebhookRequest) -> Response:
    try:
        taken = intake.take(shop, webhook)
    except SignatureRefused as refused:
        _log.warning("webhook refused", shop=shop.name, reason=str(refused))
        return refuse(401, str(refused), refused.hint)
    except StorageUnavailable as unavailable:
        _log.error("webhook not stored", shop=shop.name, problem=str(unavailable))
        hint = "nothing was stored; send it again"
        return refuse(503, "the order can't be stored right now", hint, Retry_After=_RETRY_AFTER_SECONDS)
    return _answer(shop, taken)


def _answer(shop: Shop, taken: Taken) -> Response:
    facts = {"order": taken.order_id, "change": taken.change, "reason": taken.reason}
    known = {name: value for name, value in facts.items() if value is not None}
    if taken.result is not Result.PING:
        _log.info("webhook taken", shop=shop.name, result=taken.result.value, **known)
    return jsonify(result=taken.result, **known)
