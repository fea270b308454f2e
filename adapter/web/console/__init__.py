"""The operator's console at /console/: pages made on the server, without any script, behind one password."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import structlog
from flask import Blueprint, Flask, Response, request, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from adapter.errors import StorageUnavailable
from adapter.web.console import door, words
from adapter.web.console.headers import with_headers
from adapter.web.console.house import House
from adapter.web.console.order import add_actions, add_order
from adapter.web.console.orders import add_orders
from adapter.web.console.overview import add_overview
from adapter.web.console.pages import problem
from adapter.web.console.session import PREFIX, sign_with
from adapter.web.console.setup import add_setup

_log = structlog.get_logger()


def open_console(app: Flask, house: House) -> None:
    """Add the console to the application."""
    sign_with(app, house.keys, house.password)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(words.FILTERS)
    app.register_blueprint(_routes(house))


def _routes(house: House) -> Blueprint:
    routes = Blueprint("console", __name__, url_prefix=PREFIX, template_folder="templates")
    door.guard(routes, house)
    door.add_login(routes, house)
    add_overview(routes, house)
    add_setup(routes, house)
    add_orders(routes, house)
    add_order(routes, house)
    add_actions(routes, house)
    _add_what_is_left(routes)
    _add_stylesheet(routes)
    routes.register_error_handler(StorageUnavailable, _storage_unavailable)
    routes.register_error_handler(HTTPException, _http_error)
    routes.after_request(with_headers)
    return routes


def _add_what_is_left(routes: Blueprint) -> None:
    @routes.get("/<path:anything>")
    def nothing(anything: str) -> Response:  # noqa: ARG001  # Whatever it is.
        return problem(404, "No such page", "There is nothing at this address.", "The links above lead on.")


def _add_stylesheet(routes: Blueprint) -> None:
    text = (files(__name__) / "static" / "console.css").read_bytes()
    version = hashlib.sha256(text).hexdigest()[:12]

    @routes.get("/console.css")
    def stylesheet() -> Response:
        response = Response(text, mimetype="text/css")
        is_this_one = request.args.get("v") == version
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_this_one else "no-cache"
        return response

    @routes.context_processor
    def address_of_stylesheet() -> dict[str, str]:
        return {"stylesheet": url_for("console.stylesheet", v=version)}


def _storage_unavailable(unavailable: StorageUnavailable) -> Response:
    _log.error("console page not made", problem=str(unavailable))
    words_ = "The database can't be asked right now. Webhooks are answered 503 until it is back."
    return problem(
        503, "The database is away", words_, "The log says what is wrong with it; then load the page again."
    )


def _http_error(error: HTTPException) -> Response:
    return problem(error.code or 500, error.name, error.description or "")
