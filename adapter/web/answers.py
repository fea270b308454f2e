"""Errors as JSON that says what happened and what to change."""

from __future__ import annotations

from flask import Response, jsonify


def refuse(status: int, message: str, hint: str, **headers: str) -> Response:
    """Return an error answer. The body may not have been read, so the connection isn't kept for another request."""
    response = jsonify(error=message, hint=hint)
    response.status_code = status
    response.headers["Connection"] = "close"
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response
