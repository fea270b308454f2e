"""The web process: `create_app()` puts routes and parts together. gunicorn calls it."""

from __future__ import annotations

import os

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from adapter.operations.health import causes
from adapter.operations.story import Storyteller
from adapter.storage.sealing import derive
from adapter.web import clicks, doors, health, monitoring, script, webhooks
from adapter.web.answers import turn_away, unexpected
from adapter.web.console import open_console
from adapter.web.console.guesses import Guesses
from adapter.web.console.house import House
from adapter.web.console.password import COST, Cost
from adapter.web.counting import counting
from adapter.web.limits import Limits
from adapter.web.proxies import behind_proxies
from adapter.wiring import Parts, load_configuration


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
    orders = webhooks.Door(parts.shops, parts.intake(), parts.settings.max_body_bytes)
    browsers = clicks.Door(parts.shops, parts.clicks, parts.clock, Limits(parts.monotonic))
    app.register_blueprint(doors.route_to(orders, "webhooks", ["POST"]))
    app.register_blueprint(doors.route_to(browsers, "clicks", ["POST", "OPTIONS"]))
    app.register_blueprint(script.blueprint(parts.shops))
    app.register_blueprint(health.blueprint(parts.purchases))
    if parts.settings.status_token is not None:
        app.register_blueprint(monitoring.blueprint(parts.settings.status_token, parts.examination(), parts.purchases))
    if parts.settings.console_password is not None:
        open_console(app, _house(parts, parts.settings.console_password, cost))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, unexpected)
    inside = doors.in_front_of(app.wsgi_app, "clicks", browsers)
    inside = behind_proxies(inside, parts.settings.trusted_proxies)
    inside = doors.in_front_of(inside, "webhooks", orders)  # Whose address it is doesn't matter to an order.
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


def _http_error(error: HTTPException) -> Response:
    response = turn_away(request, error.code or 500, error.name, error.description or "")
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response
