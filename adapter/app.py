"""The web process: `create_app()` puts routes and parts together. gunicorn calls it."""

from __future__ import annotations

import os
from threading import Event

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from adapter.operations.health import causes
from adapter.operations.story import Storyteller
from adapter.storage.sealing import derive
from adapter.web import clicks, health, monitoring, script, webhooks
from adapter.web.answers import turn_away, unexpected
from adapter.web.console import open_console
from adapter.web.console.guesses import Guesses
from adapter.web.console.house import House
from adapter.web.console.password import COST, Cost
from adapter.web.counting import counting
from adapter.web.limits import Limits
from adapter.wiring import Parts, load_configuration

_log = structlog.get_logger()


def create_app(parts: Parts | None = None, cost: Cost = COST) -> Flask:
    """Return the WSGI application, from these parts or from the environment; raise `ConfigurationRefused`.

    `cost` is what a guess of the console's password costs.
    """
    parts = parts or Parts(load_configuration(os.environ))
    app = Flask(__name__, static_folder=None)
    app.extensions["tally"] = parts.tally  # gunicorn's hooks store it,
    app.extensions["configuration"] = parts.configuration  # and go by what was read here: 500 shops take a second.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # It redirects, and neither platform follows a redirect.
    door = webhooks.Door(parts.shops, parts.intake(), parts.settings.max_body_bytes)
    app.register_blueprint(webhooks.blueprint(door))
    app.register_blueprint(clicks.blueprint(parts.shops, parts.clicks, parts.clock, Limits(parts.monotonic)))
    app.register_blueprint(script.blueprint(parts.shops))
    app.register_blueprint(health.blueprint(parts.purchases))
    if parts.settings.status_token is not None:
        app.register_blueprint(monitoring.blueprint(parts.settings.status_token, parts.examination(), parts.purchases))
    if parts.settings.console_password is not None:
        open_console(app, _house(parts, parts.settings.console_password, cost))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, unexpected)
    _place_behind_proxies(app, parts.settings.trusted_proxies)
    inside = webhooks.in_front_of(app.wsgi_app, door)
    app.wsgi_app = counting(inside, parts.tally, parts.shops)  # type: ignore[assignment,method-assign]  # Flask's way.
    return app


def _house(parts: Parts, password: str, cost: Cost) -> House:
    examination = parts.examination()
    return House(
        settings=parts.settings,
        shops=parts.shops,
        search=parts.search(),
        storyteller=Storyteller(parts.stories(), parts.clicks, parts.shops),
        retries=parts.retries(),
        overlooking=parts.overlooking(),
        causes=lambda: causes(examination.facts()),
        logouts=parts.logouts(),
        guesses=Guesses(parts.monotonic),
        clock=parts.clock,
        password=password,
        cost=cost,
        keys=tuple(derive(secret, "session") for secret in parts.secrets),
    )


def _place_behind_proxies(app: Flask, hops: int) -> None:
    """Take the buyer's address from so many proxies' headers; with none, say once that a proxy seems to be there."""
    if hops:
        # Each proxy appends an address; X-Forwarded-Proto has one value, however many stand in front.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=1)  # type: ignore[method-assign]  # Flask's way.
        return
    told = Event()

    @app.before_request
    def look_for_proxy() -> None:
        if "X-Forwarded-For" in request.headers and not told.is_set():
            told.set()
            hint = "set it to the number of proxies in front; until then every buyer seems to have the proxy's address"
            _log.warning("X-Forwarded-For arrives, and TRUSTED_PROXIES is 0", hint=hint)


def _http_error(error: HTTPException) -> Response:
    response = turn_away(request, error.code or 500, error.name, error.description or "")
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response
