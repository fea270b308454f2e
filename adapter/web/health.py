"""GET /healthz and /readyz: is the process up, and can it store a webhook."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, jsonify

from adapter.errors import StorageUnavailable
from adapter.storage.purchases import Purchases
from adapter.web.answers import refuse

_log = structlog.get_logger()


def blueprint(purchases: Purchases) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="up")

    @routes.get("/readyz")
    def readyz() -> Response:
        try:
            purchases.check_writable()
        except StorageUnavailable as unavailable:
            # Everybody may ask; the database's own words, which name its host and user, are for the log alone.
            _log.error("not ready", problem=str(unavailable))
            hint = "webhooks are answered 503 until it is back; the log says what is wrong with it"
            return refuse(503, "the database takes no orders right now", hint, Retry_After="10")
        return jsonify(status="ready")

    return routes
