"""Errors as JSON that says what happened and what to change."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import structlog
from flask import Request, Response

_log = structlog.get_logger()


def reply(facts: Mapping[str, object], status: int = 200) -> Response:
    """Return the facts as JSON, as Flask's `jsonify` does, which needs an application around it."""
    return Response(msgspec.json.encode(facts, order="sorted") + b"\n", status, mimetype="application/json")


def refuse(status: int, message: str, hint: str, **headers: str) -> Response:
    """Return an error answer; a header's name is written with `_` in place of `-`."""
    response = reply({"error": message, "hint": hint}, status)
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def hang_up(status: int, message: str, hint: str) -> Response:
    """Return an error answer to a body that wasn't read to its end: no other request can follow on the connection."""
    return refuse(status, message, hint, Connection="close")


def turn_away(request: Request, status: int, message: str, hint: str) -> Response:
    """Return an error answer to a request whose body, if it has one, nobody reads: then the connection ends too."""
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    return hang_up(status, message, hint) if has_body else refuse(status, message, hint)


def unexpected(error: Exception) -> Response:
    """Answer every bug alike, and log where it was without any value of the request."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
    _log.error("request failed", problem=type(error).__name__, where=where)
    return refuse(500, "something went wrong here", "the log says where; please report it")
