"""Whose address a request has: that of the proxy, or what so many trusted proxies say of the one before them."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event
from typing import TYPE_CHECKING

import structlog
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = structlog.get_logger()


def behind_proxies(application: WSGIApplication, hops: int) -> WSGIApplication:
    """Return the application as it is behind so many proxies; with none, say once that a proxy seems to be there."""
    if hops:
        # Each proxy appends an address; X-Forwarded-Proto has one value, however many stand in front.
        return ProxyFix(application, x_for=hops, x_proto=1)
    return _looking_for_proxy(application)


def _looking_for_proxy(application: WSGIApplication) -> WSGIApplication:
    told = Event()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "HTTP_X_FORWARDED_FOR" in environ and not told.is_set():
            told.set()
            hint = "set it to the number of proxies in front; until then every buyer seems to have the proxy's address"
            _log.warning("X-Forwarded-For arrives, and TRUSTED_PROXIES is 0", hint=hint)
        return application(environ, start_response)

    return answer
