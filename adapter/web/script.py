"""GET /storefront/<shop>.js: the storefront script of one shop, made once and cached by browsers."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass

from flask import Blueprint, Response, request

from adapter.shops.shop import Shop, Shops
from adapter.web.answers import turn_away
from adapter.web.storefront import rendering

_CACHE = "public, max-age=3600, stale-while-revalidate=86400"
"""An hour without a question, so that a change of [consent] is everywhere by tomorrow at the latest."""


@dataclass(frozen=True, slots=True)
class _Served:
    plain: bytes
    packed: bytes
    tag: str


def blueprint(shops: Shops) -> Blueprint:
    """Return the route, with the scripts of these shops."""
    routes = Blueprint("script", __name__)
    scripts = {shop.name: _made_for(shop) for shop in shops.on()}

    @routes.get("/storefront/<shop_name>.js")
    def storefront_script(shop_name: str) -> Response:
        served = scripts.get(shop_name)
        if served is None:
            return turn_away(
                request, 404, f"there is no shop {shop_name[:80]!r}", "see the tag that `adapter snippets` prints"
            )
        return _answer(served)

    return routes


def _made_for(shop: Shop) -> _Served:
    plain = rendering.script(shop).encode()
    return _Served(plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:16])


def _answer(served: _Served) -> Response:
    is_packed = bool(request.accept_encodings["gzip"])
    response = Response(served.packed if is_packed else served.plain, content_type="text/javascript; charset=utf-8")
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = _CACHE
    response.headers["X-Content-Type-Options"] = "nosniff"
    # The shop's page is another origin, and may isolate itself from all that don't say that they may be embedded.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.set_etag(f"{served.tag}-gzip" if is_packed else served.tag)
    response.make_conditional(request)
    return response
