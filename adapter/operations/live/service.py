"""Whether the running service answers at its public address, and believes a signed delivery, which it ignores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from adapter.axon.transport import PunctualSession, ending_within
from adapter.errors import AdapterError
from adapter.jsonvalues import is_object
from adapter.operations.live.finding import Finding, wrong
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import WebhookRequest
from adapter.settings import is_safe_url
from adapter.shops.shop import Shop, Shops

_SECONDS = 40
"""So long is waited for an answer: a plan that puts the service to sleep needs about thirty to wake it."""

LONGEST_ANSWER = 5.0
"""Seconds: Shopify and WooCommerce give up on a webhook then."""

_OK, _UNAUTHORIZED, _NOT_FOUND = 200, 401, 404
_REDIRECTS = range(300, 400)


class Unreachable(AdapterError):
    """Nobody answers at this address; the message says why, as far as it is known."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, after how long: the status, and the JSON object of the body, empty when it is none."""

    status: int
    document: Mapping[str, Any]
    seconds: float = 0.0


Ask = Callable[[str, str, WebhookRequest | None], Reply]
"""Asks an address, by a method, with a delivery for a POST; raises `Unreachable`."""


def over_http(method: str, url: str, delivery: WebhookRequest | None) -> Reply:
    """Ask over the network, in bounded time and without following a redirect; raise `Unreachable`."""
    headers = {"User-Agent": "order-adapter check", **(delivery.headers if delivery else {})}
    body = delivery.body if delivery else None
    session, began = PunctualSession(1), monotonic()
    try:
        with session, ending_within(_SECONDS):
            response = session.request(
                method, url, headers=headers, data=body, timeout=_SECONDS, allow_redirects=False
            )
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise Unreachable(_reason(error)) from None
    return Reply(response.status_code, _document(response.content), monotonic() - began)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate isn't trusted, or it speaks no TLS"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return f"no answer ({type(error).__name__})"


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if is_object(document) else {}


def look(shops: Shops, url: str | None, ask: Ask) -> Iterator[Finding]:
    """Yield whether the service at this address is up, can store orders, and knows the secret of each shop."""
    if url is None:
        step = "run this again with --url https://…, the public address of the running service"
        yield Finding("the running service wasn't asked", step)
        return
    if not is_safe_url(url):
        yield wrong(f"{url}: travels in clear, with the buyers' data", "give its https address")
        return
    try:
        found = _look_at_service(url, ask)
        yield found
        if found.is_right:
            yield from _look_at_shops(shops, url, ask)
    except Unreachable as reason:
        yield wrong(f"{url}: {reason}", f"start the service, and look at its log; is {url} its address?")


def _look_at_service(url: str, ask: Ask) -> Finding:
    reply = ask("GET", f"{url}/readyz", None)
    if reply.status == _OK and reply.document.get("status") == "ready":
        return _punctual(url, reply.seconds)
    if reply.status in _REDIRECTS:
        return wrong(f"{url}: redirects elsewhere", "give that address: no shop follows a redirect")
    if "error" in reply.document:
        return wrong(f"{url}: up, but can't store orders now", "look at the service's log for its database")
    return wrong(f"{url}: answers {reply.status}, and not as this service does", "give the address of this service")


def _punctual(url: str, seconds: float) -> Finding:
    if seconds <= LONGEST_ANSWER:
        return Finding(f"{url}: up, and can store orders")
    step = "choose a plan that doesn't put the service to sleep: a shop gives up after five seconds"
    return wrong(f"{url}: up, but its first answer took {seconds:.0f} seconds", step)


def _look_at_shops(shops: Shops, url: str, ask: Ask) -> Iterator[Finding]:
    for shop in shops.on():
        address = f"{url}/webhooks/{shop.name}"
        for number, secret in enumerate(shop.secrets, 1):
            name = f"secret {number} of {len(shop.secrets)}" if len(shop.secrets) > 1 else "the secret"
            yield _judged(shop, name, address, ask("POST", address, PLATFORMS[shop.platform].probe(secret)))


def _judged(shop: Shop, secret: str, address: str, reply: Reply) -> Finding:
    if reply.status == _OK and reply.document.get("result") == "ignored":
        return Finding(f"{address}: believes a delivery signed with {secret}")
    if reply.status == _UNAUTHORIZED:
        step = "give the running service the same variables as here, and restart it; or look for what changes bodies"
        return wrong(f"{address}: the service doesn't believe a delivery signed with {secret}", step)
    if reply.status == _NOT_FOUND:
        step = f"give the running service the mapping file and the variables of {shop.name}, and restart it"
        return wrong(f"{address}: the service doesn't know this shop, or it is off there", step)
    step = "look at what stands in front of the service: a firewall or a login page may keep webhooks out"
    return wrong(f"{address}: a signed delivery was answered {reply.status}", step)
