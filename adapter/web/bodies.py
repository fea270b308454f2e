"""Reading a request body whole, up to a limit: never more, and never silently less."""

from __future__ import annotations

from flask import Request

_CHUNK = 64 * 1024


class BodyTooLarge(Exception):  # Errors are named by fact.
    """The body is longer than allowed."""


class BodyIncomplete(Exception):  # Errors are named by fact.
    """The connection ended before the body did."""


def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body, from Content-Length or chunked; raise `BodyTooLarge` or `BodyIncomplete`.

    The framework's own limit cuts a chunked body at the limit and hands over the rest as if it were whole.
    """
    announced = request.content_length
    if announced is not None and announced > limit:
        raise BodyTooLarge
    if announced is None and not request.environ.get("wsgi.input_terminated"):
        return b""
    try:
        body = _read(request, limit if announced is None else announced)
    except OSError:
        raise BodyIncomplete from None
    if announced is not None and len(body) < announced:
        raise BodyIncomplete
    return body


def _read(request: Request, most: int) -> bytes:
    """Read up to `most` bytes, and one more where the end isn't announced, to see that there is none."""
    stream = request.environ["wsgi.input"]
    wanted = most if request.content_length is not None else most + 1
    parts: list[bytes] = []
    while wanted > 0 and (part := stream.read(min(_CHUNK, wanted))):
        parts.append(part)
        wanted -= len(part)
    body = b"".join(parts)
    if len(body) > most:
        raise BodyTooLarge
    return body
