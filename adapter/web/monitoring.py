"""GET /status and /metrics, with the bearer token: what is wrong and what to do; figures for Prometheus."""

from __future__ import annotations

import hmac

import structlog
from flask import Blueprint, Response, jsonify, request

from adapter.errors import StorageUnavailable
from adapter.operations.facts import Examination
from adapter.operations.metrics import CONTENT_TYPE, Counts, metrics_text
from adapter.operations.status import health_for_programs
from adapter.storage.purchases import Purchases
from adapter.web.answers import refuse

_log = structlog.get_logger()


def blueprint(token: str, examination: Examination, purchases: Purchases) -> Blueprint:
    """Return the routes for whoever has the token."""
    routes = Blueprint("monitoring", __name__)

    @routes.before_request
    def check_token() -> Response | None:
        return None if _is_allowed(token) else _refused()

    @routes.get("/status")
    def status() -> Response:
        return jsonify(health_for_programs(examination.facts()))

    @routes.get("/metrics")
    def metrics() -> Response:
        text = metrics_text(examination.facts(), _counts(purchases))
        return Response(text, content_type=CONTENT_TYPE)

    return routes


def _is_allowed(token: str) -> bool:
    """Compare in constant time, as the header's bytes."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("latin-1", "replace"), token.strip().encode()
    )


def _refused() -> Response:
    hint = "send the value of STATUS_TOKEN as `Authorization: Bearer …`"
    return refuse(401, "this needs the status token", hint, WWW_Authenticate="Bearer")


def _counts(purchases: Purchases) -> Counts:
    """Return the orders by shop and state; none while the database can't be read, which another metric tells."""
    try:
        return purchases.counts()
    except StorageUnavailable as unavailable:
        _log.warning("metrics without orders", problem=str(unavailable))
        return {}
