"""What every answer of the console says about itself: nothing runs in it, nothing is kept, nothing leads out of it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def with_headers(response: Response) -> Response:
    """Return the answer with these headers; one that sets its own caching keeps it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
