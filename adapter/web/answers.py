"""Errors as JSON that says what happened and what to change."""

from __future__ import annotations

from flask import Response, jsonify, request


def refuse(status: int, message: str, hint: str, **headers: str) -> Response:
    """Return an error answer; a header's name is written with `_` in place of `-`."""
    response = jsonify(error=message, hint=hint)
    response.status_code = status
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def hang_up(status: int, message: str, hint: str) -> Response:
    """Return an error answer to a body that wasn't read to its end: no other request can follow on the connection."""
    return refuse(status, message, hint, Connection="close")


def turn_away(status: int, message: str, hint: str) -> Response:
    """Return an error answer to a request whose body, if it has one, nobody reads: then the connection ends too."""
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    return hang_up(status, message, hint) if has_body else refuse(status, message, hint)
