"""Reading a request body whole, up to a limit: never more, and never silently less."""

from __future__ import annotations

from flask import Request

_CHUNK = 64 * 1024

BROKEN_OFF = "the body didn't arrive whole: the connection broke off, or a chunk is malformed"
"""What `BodyIncomplete` means to the sender."""


class BodyTooLarge(Exception):
    """The body is longer than allowed."""


class BodyIncomplete(Exception):
    """The connection ended before the body did, or its chunks make no sense."""


def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body, from Content-Length or chunked; raise `BodyTooLarge` or `BodyIncomplete`.

    The framework's own limit cuts a chunked body at the limit and hands over the rest as if it were whole.
    """
    announced = request.content_length
    if announced is not None and announced > limit:
        raise BodyTooLarge
    if announced is None and not request.environ.get("wsgi.input_terminated"):
        return b""
    # One byte more where the end isn't announced, to see that there is none.
    body = _read(request, limit + 1 if announced is None else announced)
    if len(body) > limit:
        raise BodyTooLarge
    if announced is not None and len(body) < announced:
        raise BodyIncomplete
    return body


def _read(request: Request, most: int) -> bytes:
    stream = request.environ["wsgi.input"]
    parts: list[bytes] = []
    try:
        while most > 0 and (part := stream.read(min(_CHUNK, most))):
            parts.append(part)
            most -= len(part)
    except Exception:  # noqa: BLE001  # Each server has its own errors for a body that breaks off or is malformed.
        raise BodyIncomplete from None
    return b"".join(parts)
