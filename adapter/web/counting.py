"""Around every request: its id for the log, and what was answered to webhooks and clicks, counted in memory."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from structlog.contextvars import bound_contextvars

from adapter.shops.shop import Shops
from adapter.tally import UNKNOWN, Tally

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_COUNTED = ("webhooks", "clicks")
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
"""A UUID has 36 characters; each order's line in the log carries it."""


def counting(application: WSGIApplication, tally: Tally, shops: Shops) -> WSGIApplication:
    """Return the application with its requests named and counted. The answer repeats the id as X-Request-ID."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID"))
        what, _, shop_name = environ["PATH_INFO"].removeprefix("/").partition("/")
        is_counted = what in _COUNTED and environ["REQUEST_METHOD"] == "POST"

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401  # PEP 3333.
            if is_counted:
                # What anybody may invent is no label.
                tally.count(what, shop_name if shop_name in shops.by_name else UNKNOWN, status[:3])
            headers.append(("X-Request-ID", request_id))
            return start_response(status, headers, *error)

        with bound_contextvars(request=request_id):
            return application(environ, start)

    return answer


def request_id_of(given: str | None) -> str:
    """Return the id that a proxy gave, when it is short and plain; else a new one."""
    return given if given and _PLAIN_ID.fullmatch(given) else secrets.token_hex(6)
