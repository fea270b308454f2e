"""A body is read whole or not at all, up to a limit."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from adapter.web.bodies import BodyIncomplete, BodyTooLarge, read_body


class Stream(io.RawIOBase):
    """A connection that gives a few bytes at a time, and counts what was taken; at its end it may raise."""

    def __init__(self, body: bytes, at_once: int = 7, end: Exception | None = None) -> None:
        self._rest = io.BytesIO(body)
        self._at_once = at_once
        self._end = end
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, and never many."""
        part = self._rest.read(min(size, self._at_once))
        self.taken += len(part)
        if not part and self._end is not None:
            raise self._end
        return part


def announced(stream: Stream, length: int) -> Request:
    """Return a request with a Content-Length."""
    return Request({**EnvironBuilder().get_environ(), "wsgi.input": stream, "CONTENT_LENGTH": str(length)})


def chunked(stream: Stream, _length: int = 0) -> Request:
    """Return a request whose end the server knows, and nobody announced."""
    environment = {**EnvironBuilder().get_environ(), "wsgi.input": stream, "wsgi.input_terminated": True}
    environment.pop("CONTENT_LENGTH", None)
    return Request(environment)


@pytest.mark.parametrize("make", [announced, chunked])
@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_a_body_within_the_limit(make: Callable[[Stream, int], Request], size: int) -> None:
    """A body up to the limit is returned whole."""
    assert b"x" * size == read_body(make(Stream(b"x" * size), size), 100)


def test_a_body_announced_too_large() -> None:
    """Nothing of a body that is announced too large is read."""
    stream = Stream(b"x" * 101)
    with pytest.raises(BodyTooLarge):
        read_body(announced(stream, 101), 100)
    assert 0 == stream.taken


def test_a_chunked_body_too_large() -> None:
    """Of a chunked body one byte more than allowed is read, and no more."""
    stream = Stream(b"x" * 500)
    with pytest.raises(BodyTooLarge):
        read_body(chunked(stream), 100)
    assert 101 == stream.taken


def test_what_follows_the_body() -> None:
    """What comes after the announced length is left for the next request."""
    stream = Stream(b"bodynext")
    assert b"body" == read_body(announced(stream, 4), 100)
    assert 4 == stream.taken


def test_a_body_that_ends_early() -> None:
    """A body shorter than announced is incomplete, not short."""
    with pytest.raises(BodyIncomplete):
        read_body(announced(Stream(b"x" * 50), 51), 100)


@pytest.mark.parametrize("error", [ConnectionResetError(), ValueError("a malformed chunk"), TimeoutError()])
@pytest.mark.parametrize("make", [announced, chunked])
def test_a_connection_that_breaks(make: Callable[[Stream, int], Request], error: Exception) -> None:
    """Whatever the server raises while reading, the body is incomplete."""
    with pytest.raises(BodyIncomplete):
        read_body(make(Stream(b"x" * 50, end=error), 51), 100)


def test_no_body() -> None:
    """Without a length, on a server that doesn't mark the end, there is no body, and nothing waits for one."""
    stream = Stream(b"x")
    request = chunked(stream)
    del request.environ["wsgi.input_terminated"]
    assert b"" == read_body(request, 100)
    assert 0 == stream.taken
