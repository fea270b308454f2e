"""Whether a form was sent from the console's own pages: what the browser itself says, beside the token."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request

_OWN = ("same-origin", "none")
"""`none`: the person did it, by a bookmark or by loading the page again."""


def is_from_here(request: Request) -> bool:
    """Whether the browser says that it comes from here; one that says nothing is judged by the token alone.

    Sec-Fetch-Site can't be set by a page (https://www.w3.org/TR/fetch-metadata/). Without https it isn't sent; then
    the Origin has to be ours, or "null": that is what browsers send under our own Referrer-Policy.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in _OWN
    origin = request.headers.get("Origin")
    return origin in (None, "null") or _host_of(origin) == request.host.lower()


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
