"""The two doors that anybody may knock at, and the straight way to them: POST /webhooks/<shop> and /clicks/<shop>.

Both are Flask routes like the others, and Flask answers whatever is odd about the address or the method. Only a plain
POST is let in before Flask looks for the route and sets up what a door doesn't need: sessions, contexts, signals. That
is a fifth of the processor's time of an order (tests/benchmarks/intake.py), and of a click that is one too many: in a
flood of those it is orders that get this time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from flask import Blueprint, Request, Response, request

from adapter.web.answers import unexpected

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Door(Protocol):
    """What answers at one of them."""

    def answer(self, request: Request, shop_name: str) -> Response:
        """Return the answer to a request for this shop, which may be none of ours."""
        ...


def route_to(door: Door, place: str, methods: Sequence[str]) -> Blueprint:
    """Return the Flask route /<place>/<shop> that leads to this door."""
    routes = Blueprint(place, __name__)

    @routes.route(f"/{place}/<shop_name>", methods=methods)
    def knock(shop_name: str) -> Response:
        return door.answer(request, shop_name)

    return routes


def in_front_of(application: WSGIApplication, place: str, door: Door) -> WSGIApplication:
    """Return the application with the straight way to this door."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        first, _, shop_name = environ["PATH_INFO"].removeprefix("/").partition("/")
        is_plain = first == place and shop_name and "/" not in shop_name
        if not is_plain or environ["REQUEST_METHOD"] != "POST":
            return application(environ, start_response)
        try:
            response = door.answer(Request(environ), shop_name)
        except Exception as error:  # noqa: BLE001  # As Flask's error handler.
            response = unexpected(error)
        # As calling the response does, which first looks at everything that such a small one can't have.
        start_response(response.status, response.headers.to_wsgi_list())
        return [response.get_data()]

    return answer
